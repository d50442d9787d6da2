// SPDX-License-Identifier: Apache-2.0
#include "infra/worker.hpp"

#include "infra/task_group.hpp"
#include "infra/timeout.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace margrave::infra {
namespace {

using namespace std::chrono_literals;
using tests::Loop;

TEST(Worker, GivesBackWhatTheWorkReturnsFromAnotherThread) {
    Loop loop;
    Worker worker;
    std::function<std::thread::id()> work = [] {
        return std::this_thread::get_id();
    };
    EXPECT_NE(loop.run(worker.run(std::move(work))), std::this_thread::get_id());
}

TEST(Worker, ThrowsWhatTheWorkThrows) {
    Loop loop;
    Worker worker;
    std::function<int()> work = []() -> int {
        throw std::runtime_error("no such luck");
    };
    EXPECT_THROW(loop.run(worker.run(std::move(work))), std::runtime_error);
}

Task<void> count_while(const bool* stop, int* turns) {
    while (!*stop) {
        co_await sleep_for(1ms);
        ++*turns;
    }
}

Task<void> work_slowly(Worker* worker, bool* ended) {
    std::function<int()> work = [] {
        std::this_thread::sleep_for(100ms);
        return 1;
    };
    co_await worker->run(std::move(work));
    *ended = true;
}

TEST(Worker, LetsOtherTasksGoOnMeanwhile) {
    Loop loop;
    Worker worker;
    bool ended = false;
    int turns = 0;
    std::vector<Task<void>> tasks;
    tasks.push_back(work_slowly(&worker, &ended));
    tasks.push_back(count_while(&ended, &turns));
    loop.run(wait_all(std::move(tasks)));
    EXPECT_TRUE(ended);
    EXPECT_GT(turns, 3);
}

TEST(Worker, DoesOneThingAfterTheOther) {
    Loop loop;
    Worker worker;
    std::string order;
    std::vector<Task<int>> tasks;
    for (const char letter : std::string("abc")) {
        std::function<int()> work = [&order, letter] {
            std::this_thread::sleep_for(5ms);
            order.push_back(letter);
            return 0;
        };
        tasks.push_back(worker.run(std::move(work)));
    }
    loop.run(gather(std::move(tasks)));
    EXPECT_EQ(order, "abc");
}

Task<void> own_what_it_works_on(Worker* worker, std::atomic<bool>* finished) {
    std::vector<int> owned(1000, 7);
    std::function<int()> work = [&owned, finished] {
        std::this_thread::sleep_for(100ms);
        owned.back() = 8;
        finished->store(true);
        return owned.back();
    };
    co_await worker->run(std::move(work));
}

// The work uses the task's frame, so a cancelled task may not go before it.
TEST(Worker, ACancelledTaskWaitsForItsWork) {
    Loop loop;
    Worker worker;
    std::atomic<bool> finished = false;
    TaskGroup group(loop.executor());
    ASSERT_TRUE(group.spawn("work", own_what_it_works_on(&worker, &finished)).has_value());
    group.cancel();
    loop.run(group.wait());
    EXPECT_TRUE(finished.load());
}

}  // namespace
}  // namespace margrave::infra
