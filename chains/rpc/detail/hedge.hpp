// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/pool.hpp"
#include "infra/notifier.hpp"
#include "infra/timeout.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

namespace margrave::chains::rpc {

/// One batch of reads asked in two lanes that take endpoints from one queue: the second lane starts
/// late, and only when the budget allows it. In the frame of whoever awaits run_hedge.
struct EndpointPool::Hedge {
    Hedge(const Executor& executor, std::vector<RpcCall> what, infra::Deadline until)
        : calls(std::move(what)),
          deadline(until),
          first_done(executor) {}

    struct Lane {
        Endpoint* asked{nullptr};
        std::optional<infra::Deadline> since;
    };

    std::vector<RpcCall> calls;
    infra::Deadline deadline;
    infra::Notifier first_done;
    std::chrono::milliseconds delay{0};
    /// Whom to ask, in this order. Not empty.
    std::vector<Endpoint*> queue;
    /// Whether the next endpoint should be asked as well.
    bool (*lacks)(const BatchAnswers& answers){nullptr};
    /// Whether what failed last is kept instead of what failed before.
    bool (*replaces)(const BatchAnswers& before, const BatchAnswers& last){nullptr};
    std::size_t next{0};
    std::array<Lane, 2> lanes;
    std::optional<OperatorAnswer> won;
    std::optional<OperatorAnswer> failed;
};

}  // namespace margrave::chains::rpc
