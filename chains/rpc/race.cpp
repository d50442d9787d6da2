// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/race.hpp"

#include <boost/asio/this_coro.hpp>

#include <exception>
#include <utility>

namespace margrave::chains::rpc::detail {

Task<void> Race::runner(Task<void> task) {
    co_await std::move(task);
    --running_;
    changed_.notify();
}

Task<void> Race::referee(infra::TaskGroup* group, Judge judge) {
    while (running_ > 0) {
        const std::chrono::milliseconds left = judge();
        if (left.count() <= 0) {
            group->cancel();
            co_return;
        }
        co_await changed_.wait_for(left);
    }
}

Task<void> Race::run(std::vector<Task<void>> tasks, Judge judge) {
    Executor executor = co_await boost::asio::this_coro::executor;
    infra::TaskGroup group(executor, tasks.size() + 1);
    running_ = tasks.size();
    bool started = true;
    for (Task<void>& task : tasks) {
        // A task that fails before its first suspension stops the group; the rest need no start.
        started = started && group.spawn("runner", runner(std::move(task))).has_value();
    }
    if (started) {
        started = group.spawn("referee", referee(&group, std::move(judge))).has_value();
    }
    // A task may have cancelled this one already; the group must be waited for all the same, since
    // its tasks use what lives in the callers' frames.
    const bool throws = co_await boost::asio::this_coro::throw_if_cancelled();
    co_await boost::asio::this_coro::throw_if_cancelled(false);
    std::exception_ptr failure;
    try {
        co_await group.wait();
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    co_await boost::asio::this_coro::throw_if_cancelled(throws);
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
}

}  // namespace margrave::chains::rpc::detail
