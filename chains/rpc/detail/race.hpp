// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/notifier.hpp"
#include "infra/task.hpp"
#include "infra/task_group.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

namespace margrave::chains::rpc::detail {

/// Tasks that run together until a judge has seen enough. In the frame of whoever awaits `run`.
class Race {
  public:
    /// How long to go on, in view of what the tasks have brought so far; zero: stop.
    using Judge = std::function<std::chrono::milliseconds()>;

    explicit Race(const Executor& executor)
        : changed_(executor) {}

    /// Returns when every task has ended. Asks the judge at first, whenever a task ends or calls
    /// `look`, and when the time it gave is over; a judge that says zero has the rest cancelled.
    /// Rethrows the first failure of a task. Cancelling it cancels the tasks.
    Task<void> run(std::vector<Task<void>> tasks, Judge judge);

    void look() { changed_.notify(); }

  private:
    Task<void> runner(Task<void> task);
    Task<void> referee(infra::TaskGroup* group, Judge judge);

    infra::Notifier changed_;
    std::size_t running_{0};
};

}  // namespace margrave::chains::rpc::detail
