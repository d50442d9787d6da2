// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/assert.hpp"
#include "infra/task.hpp"
#include "infra/task_group.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace margrave::tests {

/// An io_context that runs one task of a test to its end while servers run beside it.
/// Declare it before the objects its tasks use and call `stop` before they go away.
class Loop {
  public:
    Loop()
        : servers_(std::in_place, io_.get_executor()) {}

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    ~Loop() { stop(); }

    [[nodiscard]] Executor executor() { return io_.get_executor(); }

    /// Runs beside the tasks given to `run` until `stop`.
    void start(Task<void> server) {
        const Result<void> started = servers_->spawn("server", std::move(server));
        MARGRAVE_ASSERT(started.has_value());
    }

    template <class T>
    T run(Task<T> task) {
        std::optional<T> value;
        run(store<T>(std::move(task), &value));
        MARGRAVE_ASSERT(value.has_value());
        return std::move(*value);
    }

    void run(Task<void> task) {
        std::exception_ptr failure;
        bool done = false;
        io_.restart();
        boost::asio::co_spawn(io_, std::move(task), [&](std::exception_ptr e) {
            failure = std::move(e);
            done = true;
        });
        while (!done) {
            // False: every handler has run and the task waits for something that will never come.
            MARGRAVE_ASSERT(io_.run_one() > 0);
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    /// Cancels the servers and waits for them.
    void stop() {
        servers_->cancel();
        io_.restart();
        while (servers_->running() > 0 && io_.run_one() > 0) {
        }
        servers_.emplace(io_.get_executor());
    }

  private:
    template <class T>
    static Task<void> store(Task<T> task, std::optional<T>* into) {
        T value = co_await std::move(task);
        into->emplace(std::move(value));
    }

    boost::asio::io_context io_{1};
    std::optional<infra::TaskGroup> servers_;
};

}  // namespace margrave::tests
