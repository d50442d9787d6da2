// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "infra/task.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace margrave::infra {

/// Suspends the task. Throws boost::system::system_error(operation_aborted) when cancelled.
Task<void> sleep_for(std::chrono::milliseconds duration);

/// A moment on the steady clock that several steps of one job share.
class Deadline {
  public:
    using SteadyClock = std::chrono::steady_clock;

    static Deadline after(std::chrono::milliseconds limit);

    /// Never negative: zero once the moment has passed.
    [[nodiscard]] std::chrono::milliseconds left() const;

    [[nodiscard]] bool passed() const { return SteadyClock::now() >= at_; }

    /// The limit it was made with, for messages.
    [[nodiscard]] std::chrono::milliseconds limit() const { return limit_; }

  private:
    Deadline(SteadyClock::time_point at, std::chrono::milliseconds limit)
        : at_(at),
          limit_(limit) {}

    SteadyClock::time_point at_;
    std::chrono::milliseconds limit_;
};

/// Runs `work` and cancels it after `limit`. True: it ended by itself. False: it was cancelled by
/// the limit and has stopped. Rethrows what `work` threw otherwise. The limit is as good as the
/// operation's own cancellation: work that ignores it is waited for.
Task<bool> run_for(Task<void> work, std::chrono::milliseconds limit);

/// kTimeout: "`what` took longer than N ms".
Error timeout_error(const std::string& what, std::chrono::milliseconds limit);

namespace detail {

template <class T>
Task<void> store_result(Task<Result<T>> work, std::optional<Result<T>>* into) {
    Result<T> result = co_await std::move(work);
    into->emplace(std::move(result));
}

}  // namespace detail

/// `work` with a limit; `what` names it in the kTimeout error. A result that arrived together with
/// the limit wins over it.
template <class T>
Task<Result<T>> with_timeout(
    Task<Result<T>> work, std::chrono::milliseconds limit, std::string what
) {
    std::optional<Result<T>> result;
    Task<void> body = detail::store_result<T>(std::move(work), &result);
    co_await run_for(std::move(body), limit);
    if (result) {
        co_return std::move(*result);
    }
    co_return timeout_error(what, limit);
}

}  // namespace margrave::infra
