// SPDX-License-Identifier: Apache-2.0
#include "relayer/head_hints.hpp"

#include "infra/task_group.hpp"
#include "infra/timeout.hpp"

#include <algorithm>
#include <utility>

namespace margrave::relayer {
namespace {

constexpr std::chrono::milliseconds kSlowPoll{10'000};
/// Between two looks, whatever is announced.
constexpr std::chrono::milliseconds kLeastPause{250};

}  // namespace

std::chrono::milliseconds follow_pause(std::chrono::milliseconds poll_interval, bool hints_fresh) {
    return hints_fresh ? std::max(poll_interval, kSlowPoll) : poll_interval;
}

Result<std::unique_ptr<HeadHints>> HeadHints::make(
    const Executor& executor, const chains::ChainSettings& settings, const infra::Logger& log
) {
    std::unique_ptr<HeadHints> out(new HeadHints(executor));
    HeadHints* self = out.get();
    for (const chains::EndpointSettings& endpoint : settings.endpoints) {
        if (endpoint.ws.empty()) {
            continue;
        }
        chains::rpc::HeadStreamLimits limits;
        limits.http_timeout = std::min(limits.http_timeout, settings.rpc_timeout);
        auto on_hint = [self](const chains::rpc::HeadHint& /*head*/) {
            self->due_.notify();
        };
        MARGRAVE_TRY(
            auto stream,
            chains::rpc::HeadStream::make(executor, endpoint, std::move(on_hint), log, limits)
        );
        out->streams_.push_back(std::move(stream));
    }
    return out;
}

Task<void> HeadHints::run() {
    infra::TaskGroup group(executor_);
    for (const auto& stream : streams_) {
        const Result<void> spawned = group.spawn("heads of " + stream->name(), stream->run());
        MARGRAVE_ASSERT(spawned.has_value());
    }
    co_await group.wait();
}

Task<void> HeadHints::wait(std::chrono::milliseconds pause, bool failed) {
    if (streams_.empty() || failed) {
        co_await infra::sleep_for(pause);
        co_return;
    }
    const std::chrono::milliseconds least = std::min(pause, kLeastPause);
    co_await infra::sleep_for(least);
    const bool fresh =
        std::ranges::any_of(streams_, [](const auto& stream) { return stream->is_fresh(); });
    co_await due_.wait_for(follow_pause(pause, fresh) - least);
}

}  // namespace margrave::relayer
