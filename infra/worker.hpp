// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/notifier.hpp"
#include "infra/task.hpp"

#include <boost/asio/post.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace margrave::infra {

/// A thread of its own for work that would keep every task waiting. What the work touches must be
/// safe to touch from two threads, or be left alone meanwhile. The destructor waits for what runs;
/// whoever owns it makes it after, and so destroys it before, what its work uses.
class Worker {
  public:
    Worker();
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Runs `work` on the thread, after what was asked for before, and gives back what it returned
    /// or threw. A task that is cancelled meanwhile still waits for the end, so that the work may
    /// use what the task owns, and then throws operation_aborted.
    template <class T>
    Task<T> run(std::function<T()> work) {
        Executor home = co_await boost::asio::this_coro::executor;
        const auto job = std::make_shared<Job<T>>(home, std::move(work));
        std::function<void()> body = [job] {
            job->run(job);
        };
        post(std::move(body));
        bool cancelled = false;
        while (!job->ended) {
            const bool interrupted = co_await wait_a_while(job->done);
            if (interrupted) {
                cancelled = true;
                co_await boost::asio::this_coro::reset_cancellation_state();
            }
        }
        if (cancelled) {
            throw boost::system::system_error(boost::asio::error::operation_aborted);
        }
        if (job->failure) {
            std::rethrow_exception(job->failure);
        }
        co_return std::move(*job->result);
    }

  private:
    // Shared by the waiting task and the thread; `ended` belongs to the task's executor.
    template <class T>
    struct Job {
        Job(Executor where, std::function<T()> what)
            : home(std::move(where)),
              work(std::move(what)),
              done(home) {}

        // An exception is for the task to see; it ends nobody else.
        void run(const std::shared_ptr<Job>& self) {
            try {
                result.emplace(work());
            } catch (const std::exception&) {
                failure = std::current_exception();
            }
            work = nullptr;
            boost::asio::post(home, [self] {
                self->ended = true;
                self->done.notify();
            });
        }

        Executor home;
        std::function<T()> work;
        Notifier done;
        std::optional<T> result;
        std::exception_ptr failure;
        bool ended{false};
    };

    void post(std::function<void()> body);
    /// True when the task was cancelled.
    static Task<bool> wait_a_while(Notifier& done);

    struct Thread;
    std::unique_ptr<Thread> thread_;
};

}  // namespace margrave::infra
