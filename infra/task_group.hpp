// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/assert.hpp"
#include "core/result.hpp"
#include "infra/task.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace margrave::infra {

/// Tasks that end together. Every task that is not awaited at once belongs to a group, and whoever
/// owns the group awaits `wait` before the objects its tasks use go away.
///
/// A task that throws anything but a cancellation fails the group: the others are cancelled and
/// `wait` rethrows that first failure. Lives on the executor; not to be shared between threads.
///
/// A server spawns its own accept loop into its group and awaits `wait` at once: a cancelled task
/// cannot begin another await, so a wait at the end of a loop would never start.
class TaskGroup {
  public:
    explicit TaskGroup(Executor executor, std::size_t tasks_max = 1024);
    /// Asks what is left to stop. It cannot wait for that; `wait` can.
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Starts `task`; it may run up to its first suspension before this returns. `name` appears in
    /// errors. kLimit when tasks_max are running, kCancelled after cancel or a failure.
    Result<void> spawn(std::string name, Task<void> task);

    /// Asks every task to stop and refuses new ones. Safe to call from one of the tasks.
    void cancel();

    /// Until every task has ended. Rethrows the first failure. When the waiting task itself is
    /// cancelled, cancels the group, waits for it and throws operation_aborted.
    Task<void> wait();

    [[nodiscard]] std::size_t running() const;

  private:
    struct State;
    // Shared with the completion handlers of the tasks: a cancellation signal must outlive the
    // task it belongs to, also when the group is gone first.
    std::shared_ptr<State> state_;
};

/// Runs all tasks at once and returns when all have ended; rethrows the first failure after
/// cancelling the others.
Task<void> wait_all(std::vector<Task<void>> tasks);

namespace detail {

template <class T>
Task<void> store_in_slot(Task<T> work, std::optional<T>* slot) {
    T value = co_await std::move(work);
    slot->emplace(std::move(value));
}

}  // namespace detail

/// Runs all tasks at once; their values in the order of the tasks. A Result that holds an error is
/// a value and stops nobody.
template <class T>
Task<std::vector<T>> gather(std::vector<Task<T>> works) {
    std::vector<std::optional<T>> slots(works.size());
    std::vector<Task<void>> tasks;
    tasks.reserve(works.size());
    for (std::size_t i = 0; i < works.size(); ++i) {
        tasks.push_back(detail::store_in_slot<T>(std::move(works[i]), &slots[i]));
    }
    co_await wait_all(std::move(tasks));
    std::vector<T> values;
    values.reserve(slots.size());
    for (std::optional<T>& slot : slots) {
        MARGRAVE_ASSERT(slot.has_value());
        values.push_back(std::move(*slot));
    }
    co_return values;
}

}  // namespace margrave::infra
