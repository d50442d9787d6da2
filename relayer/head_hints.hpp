// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/head_stream.hpp"
#include "chains/settings.hpp"
#include "infra/log.hpp"
#include "infra/notifier.hpp"

#include <chrono>
#include <memory>
#include <vector>

namespace margrave::relayer {

/// When the follower of one chain looks again: at once after a head was announced, else after its
/// poll interval, which grows to ten seconds while heads are announced. So a stream that is silent,
/// repeats itself or lies costs at most those ten seconds of freshness and at most four looks a
/// second, and never an event. Owns the head streams of the chain's endpoints; owned by App,
/// outlives the tasks it returned.
class HeadHints {
  public:
    /// One stream for each endpoint with a WebSocket URL. kConfig when a URL is none.
    static Result<std::unique_ptr<HeadHints>> make(
        const Executor& executor, const chains::ChainSettings& settings, const infra::Logger& log
    );

    /// Keeps the streams open until cancelled; ends at once when there is none.
    Task<void> run();

    /// Between two steps of the follower. `pause`: what it would sleep without hints. After a step
    /// that failed no hint shortens the pause: the follower backs off.
    Task<void> wait(std::chrono::milliseconds pause, bool failed);

    [[nodiscard]] const std::vector<std::unique_ptr<chains::rpc::HeadStream>>& streams() const {
        return streams_;
    }

  private:
    explicit HeadHints(const Executor& executor)
        : executor_(executor),
          due_(executor) {}

    Executor executor_;
    infra::Notifier due_;
    std::vector<std::unique_ptr<chains::rpc::HeadStream>> streams_;
};

/// How long a follower that is not woken sleeps: at least ten seconds while hints are fresh.
std::chrono::milliseconds follow_pause(std::chrono::milliseconds poll_interval, bool hints_fresh);

}  // namespace margrave::relayer
