// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace margrave::chains {

/// What one endpoint is like now, for `status` and `chains list`.
struct SourceStatus {
    std::string endpoint;
    std::string operator_name;
    /// "alive", "lying", ...: docs/chain-data.md section 4.
    std::string state;
    /// Why it is not alive; empty when it is.
    std::string reason;
    std::optional<BlockNum> latest;
    std::chrono::milliseconds latency{0};
    std::uint64_t requests{0};
    std::uint64_t failures{0};
    /// Of the requests, those that were asked because another endpoint was slow.
    std::uint64_t hedges{0};
    /// At the rate since the start, for 30 days.
    Money usd_per_month;
};

}  // namespace margrave::chains
