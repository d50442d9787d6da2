// SPDX-License-Identifier: Apache-2.0
#include "infra/timeout.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <tuple>

namespace margrave::infra {

namespace asio = boost::asio;

Task<void> sleep_for(std::chrono::milliseconds duration) {
    Executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

Deadline Deadline::after(std::chrono::milliseconds limit) {
    return {SteadyClock::now() + limit, limit};
}

std::chrono::milliseconds Deadline::left() const {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(at_ - SteadyClock::now());
    return std::max(rest, std::chrono::milliseconds{0});
}

Task<bool> run_for(Task<void> work, std::chrono::milliseconds limit) {
    Executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, limit);
    // The first of the two to end cancels the other, and both have ended when this resumes. asio's
    // own `||` would go on waiting for the timer after the work has failed.
    auto both = asio::experimental::make_parallel_group(
        asio::co_spawn(executor, std::move(work), asio::deferred), timer.async_wait(asio::deferred)
    );
    auto ended = co_await both.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    const auto& [order, failure, timer_ec] = ended;
    const bool limit_hit = order[0] == 1 && !timer_ec;
    if (failure == nullptr) {
        co_return true;
    }
    if (limit_hit) {
        try {
            std::rethrow_exception(failure);
        } catch (const boost::system::system_error& e) {
            if (e.code() == asio::error::operation_aborted) {
                co_return false;
            }
            throw;
        }
    }
    std::rethrow_exception(failure);
}

Error timeout_error(const std::string& what, std::chrono::milliseconds limit) {
    return fail(
        Errc::kTimeout, what + " took longer than " + std::to_string(limit.count()) + " ms"
    );
}

}  // namespace margrave::infra
