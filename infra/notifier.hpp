// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/task.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace margrave::infra {

/// "Something is new, look again": one task waits, any task notifies. A notification that comes
/// while nobody waits is kept, so none is lost; several before one wait are one. Lives on the
/// executor and outlives the waiting task.
class Notifier {
  public:
    explicit Notifier(const Executor& executor)
        : timer_(executor) {}

    void notify() {
        pending_ = true;
        timer_.cancel();
    }

    /// Until notified or `limit` passed. Throws operation_aborted when the task is cancelled.
    Task<void> wait_for(std::chrono::milliseconds limit) {
        if (!pending_) {
            timer_.expires_after(limit);
            auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
            co_await timer_.async_wait(token);
        }
        pending_ = false;
        auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none) {
            throw boost::system::system_error(boost::asio::error::operation_aborted);
        }
    }

  private:
    boost::asio::steady_timer timer_;
    bool pending_{false};
};

}  // namespace margrave::infra
