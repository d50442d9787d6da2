// SPDX-License-Identifier: Apache-2.0
#include "infra/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <list>

namespace margrave::infra {

namespace asio = boost::asio;

namespace {

bool is_cancellation(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    } catch (const std::exception&) {
        return false;
    }
}

struct Child {
    asio::cancellation_signal signal;
    bool done{false};
};

/// A task that never suspends and cancels its own group would else be met by its cancellation in
/// asio's code behind it, where nobody catches.
Task<void> contained(Task<void> task) {
    std::exception_ptr failure;
    try {
        co_await std::move(task);
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
}

}  // namespace

struct TaskGroup::State : std::enable_shared_from_this<TaskGroup::State> {
    State(Executor ex, std::size_t max)
        : executor(std::move(ex)),
          tasks_max(max),
          changed(executor) {}

    void cancel();
    void on_done(std::list<Child>::iterator child, const std::exception_ptr& failure);

    Executor executor;
    std::size_t tasks_max;
    std::size_t running{0};
    bool cancelled{false};
    std::exception_ptr first_failure;
    std::list<Child> children;
    /// Never fires; cancelling it wakes whoever waits for a change.
    asio::steady_timer changed;
};

void TaskGroup::State::cancel() {
    if (cancelled) {
        return;
    }
    cancelled = true;
    for (Child& child : children) {
        if (!child.done) {
            child.signal.emit(asio::cancellation_type::terminal);
        }
    }
    // A task's own signal is emitted from a handler queued by the line above and lies inside ours;
    // this one, queued behind it, keeps ours alive until then.
    asio::post(executor, [self = shared_from_this()] {});
}

void TaskGroup::State::on_done(
    std::list<Child>::iterator child, const std::exception_ptr& failure
) {
    child->done = true;
    --running;
    if (failure != nullptr && first_failure == nullptr && !is_cancellation(failure)) {
        first_failure = failure;
        cancel();
    }
    changed.cancel();
}

TaskGroup::TaskGroup(Executor executor, std::size_t tasks_max)
    : state_(std::make_shared<State>(std::move(executor), tasks_max)) {}

TaskGroup::~TaskGroup() {
    if (state_->running > 0) {
        state_->cancel();
    }
}

Result<void> TaskGroup::spawn(std::string name, Task<void> task) {
    if (state_->cancelled) {
        return fail(Errc::kCancelled, "task " + name + " was not started: its group is stopping");
    }
    if (state_->running >= state_->tasks_max) {
        return fail(
            Errc::kLimit,
            "task " + name + " was not started: " + std::to_string(state_->running) +
                " tasks run already"
        );
    }
    // Not in on_done: the signal must stay until the handler that reports the end has returned.
    state_->children.remove_if([](const Child& child) { return child.done; });
    ++state_->running;
    const auto child = state_->children.emplace(state_->children.end());
    auto on_done = [state = state_, child](const std::exception_ptr& failure) {
        state->on_done(child, failure);
    };
    asio::co_spawn(
        state_->executor,
        contained(std::move(task)),
        asio::bind_cancellation_slot(child->signal.slot(), std::move(on_done))
    );
    return ok();
}

void TaskGroup::cancel() {
    state_->cancel();
}

Task<void> TaskGroup::wait() {
    const std::shared_ptr<State> state = state_;
    // Being cancelled must not end the wait: the tasks have to stop first.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    bool stopped = false;
    while (true) {
        const asio::cancellation_state here = co_await asio::this_coro::cancellation_state;
        if (here.cancelled() != asio::cancellation_type::none) {
            stopped = true;
            state->cancel();
        }
        if (state->running == 0) {
            break;
        }
        state->changed.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code ignored;
        auto token = asio::redirect_error(asio::use_awaitable, ignored);
        co_await state->changed.async_wait(token);
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    if (state->first_failure != nullptr) {
        std::rethrow_exception(state->first_failure);
    }
    if (stopped) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
}

std::size_t TaskGroup::running() const {
    return state_->running;
}

Task<void> wait_all(std::vector<Task<void>> tasks) {
    Executor executor = co_await asio::this_coro::executor;
    TaskGroup group(executor, tasks.size());
    for (Task<void>& task : tasks) {
        const Result<void> started = group.spawn("of wait_all", std::move(task));
        // A task that fails before its first suspension stops the group; the rest need no start.
        if (!started) {
            break;
        }
    }
    // A task may have cancelled this one already; the group must be waited for all the same, since
    // its tasks use what lives in the callers' frames.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    std::exception_ptr failure;
    try {
        co_await group.wait();
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
}

}  // namespace margrave::infra
