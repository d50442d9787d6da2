// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "margin/stress.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace margrave::relayer {

/// A file of scenarios (docs/operating.md section 12): shocks by name and, if it states one, depth.
struct Scenarios {
    std::vector<margin::StressShock> shocks;
    std::optional<margin::Depth> depth;
};

/// Strict JSON; every problem goes to `problems` with its pointer, and what could be read is
/// returned.
Scenarios parse_scenarios(
    std::string_view text,
    const margin::Parameters& parameters,
    const margin::PriceTable& prices,
    std::vector<config::Problem>& problems
);

}  // namespace margrave::relayer
