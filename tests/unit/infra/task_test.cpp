// SPDX-License-Identifier: Apache-2.0
#include "core/clock.hpp"
#include "infra/random.hpp"
#include "infra/signals.hpp"
#include "infra/system_clock.hpp"
#include "infra/task_group.hpp"
#include "infra/timeout.hpp"
#include "tests/support/loop.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <unistd.h>

namespace margrave::infra {
namespace {

using namespace std::chrono_literals;
using tests::Loop;

constexpr auto kLong = 60s;

Task<Result<int>> answer_after(std::chrono::milliseconds pause, int value) {
    co_await sleep_for(pause);
    co_return value;
}

Task<Result<int>> fail_after(std::chrono::milliseconds pause) {
    co_await sleep_for(pause);
    co_return fail(Errc::kRpc, "refused");
}

Task<void> throw_after(std::chrono::milliseconds pause, std::string text) {
    co_await sleep_for(pause);
    throw std::runtime_error(text);
}

/// Counts that it was stopped; ends normally after `pause` otherwise.
Task<void> note_stop(int* stopped, std::chrono::milliseconds pause) {
    try {
        co_await sleep_for(pause);
    } catch (const boost::system::system_error&) {
        ++*stopped;
        throw;
    }
}

TEST(WithTimeout, ReturnsTheValueOfWorkThatEndsInTime) {
    Loop loop;
    const auto got = loop.run(with_timeout(answer_after(1ms, 7), kLong, "the answer"));
    EXPECT_EQ(got.value(), 7);
}

TEST(WithTimeout, ReturnsTheErrorOfTheWorkAtOnce) {
    Loop loop;
    const auto start = std::chrono::steady_clock::now();
    const auto got = loop.run(with_timeout(fail_after(1ms), kLong, "the answer"));
    EXPECT_EQ(got.error().code, Errc::kRpc);
    EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST(WithTimeout, NamesTheWorkAndTheLimit) {
    Loop loop;
    const auto got = loop.run(with_timeout(answer_after(kLong, 7), 5ms, "eth_call on alpha"));
    EXPECT_EQ(got.error().code, Errc::kTimeout);
    EXPECT_EQ(got.error().detail, "eth_call on alpha took longer than 5 ms");
}

TEST(WithTimeout, ANegativeLimitHasPassed) {
    Loop loop;
    const auto got = loop.run(with_timeout(answer_after(kLong, 7), -1ms, "x"));
    EXPECT_EQ(got.error().code, Errc::kTimeout);
}

Task<bool> run_for_rethrows() {
    Task<void> work = throw_after(1ms, "broken");
    try {
        co_await run_for(std::move(work), kLong);
    } catch (const std::runtime_error& e) {
        co_return std::string(e.what()) == "broken";
    }
    co_return false;
}

TEST(RunFor, RethrowsWhatTheWorkThrew) {
    Loop loop;
    EXPECT_TRUE(loop.run(run_for_rethrows()));
}

TEST(Deadline, LeavesNothingOncePassed) {
    const Deadline deadline = Deadline::after(-5ms);
    EXPECT_TRUE(deadline.passed());
    EXPECT_EQ(deadline.left(), 0ms);
    EXPECT_FALSE(Deadline::after(kLong).passed());
    EXPECT_GT(Deadline::after(kLong).left(), 1s);
}

Task<std::string> group_with_failure(int* stopped) {
    Executor executor = co_await boost::asio::this_coro::executor;
    TaskGroup group(executor);
    EXPECT_TRUE(group.spawn("a", note_stop(stopped, kLong)));
    EXPECT_TRUE(group.spawn("b", throw_after(2ms, "first")));
    EXPECT_TRUE(group.spawn("c", note_stop(stopped, kLong)));
    std::string text = "nothing thrown";
    try {
        co_await group.wait();
    } catch (const std::runtime_error& e) {
        text = e.what();
    }
    EXPECT_EQ(group.running(), 0U);
    EXPECT_EQ(group.spawn("late", note_stop(stopped, 1ms)).error().code, Errc::kCancelled);
    co_return text;
}

TEST(TaskGroup, TheFirstFailureStopsTheOthersAndSurfaces) {
    Loop loop;
    int stopped = 0;
    EXPECT_EQ(loop.run(group_with_failure(&stopped)), "first");
    EXPECT_EQ(stopped, 2);
}

Task<void> group_with_limit(int* stopped) {
    Executor executor = co_await boost::asio::this_coro::executor;
    TaskGroup group(executor, 2);
    EXPECT_TRUE(group.spawn("a", note_stop(stopped, 1ms)));
    EXPECT_TRUE(group.spawn("b", note_stop(stopped, 1ms)));
    EXPECT_EQ(group.spawn("c", note_stop(stopped, 1ms)).error().code, Errc::kLimit);
    co_await group.wait();
    EXPECT_TRUE(group.spawn("d", note_stop(stopped, 1ms)));
    co_await group.wait();
}

TEST(TaskGroup, RefusesTasksBeyondItsBoundAndForgetsThoseThatEnded) {
    Loop loop;
    int stopped = 0;
    loop.run(group_with_limit(&stopped));
    EXPECT_EQ(stopped, 0);
}

Task<void> own_group(int* stopped) {
    Executor executor = co_await boost::asio::this_coro::executor;
    TaskGroup group(executor);
    EXPECT_TRUE(group.spawn("a", note_stop(stopped, kLong)));
    EXPECT_TRUE(group.spawn("b", note_stop(stopped, kLong)));
    try {
        co_await group.wait();
    } catch (const boost::system::system_error& e) {
        EXPECT_EQ(e.code(), boost::asio::error::operation_aborted);
        EXPECT_EQ(group.running(), 0U);
        throw;
    }
}

TEST(TaskGroup, AWaitThatIsCancelledStopsTheTasksFirst) {
    Loop loop;
    int stopped = 0;
    EXPECT_FALSE(loop.run(run_for(own_group(&stopped), 5ms)));
    EXPECT_EQ(stopped, 2);
}

Task<void> cancels_itself(TaskGroup* group) {
    co_await sleep_for(1ms);
    group->cancel();
    co_await sleep_for(kLong);
}

Task<void> group_that_cancels_itself(int* stopped) {
    Executor executor = co_await boost::asio::this_coro::executor;
    TaskGroup group(executor);
    EXPECT_TRUE(group.spawn("a", note_stop(stopped, kLong)));
    EXPECT_TRUE(group.spawn("b", cancels_itself(&group)));
    co_await group.wait();
}

TEST(TaskGroup, ATaskMayCancelItsOwnGroupAndThatIsNoFailure) {
    Loop loop;
    int stopped = 0;
    loop.run(group_that_cancels_itself(&stopped));
    EXPECT_EQ(stopped, 1);
}

Task<void> cancels_at_once(TaskGroup* group) {
    group->cancel();
    co_return;
}

Task<void> group_cancelled_at_once() {
    Executor executor = co_await boost::asio::this_coro::executor;
    TaskGroup group(executor);
    // Started from a running task, it runs to its end inside spawn.
    EXPECT_TRUE(group.spawn("a", cancels_at_once(&group)));
    co_await group.wait();
}

TEST(TaskGroup, ATaskThatNeverSuspendsMayCancelItsOwnGroup) {
    Loop loop;
    loop.run(group_cancelled_at_once());
}

TEST(TaskGroup, ItsTasksMayOutliveIt) {
    int stopped = 0;
    {
        Loop loop;
        {
            TaskGroup group(loop.executor());
            EXPECT_TRUE(group.spawn("a", note_stop(&stopped, kLong)));
            loop.run(sleep_for(1ms));
        }
        loop.run(sleep_for(5ms));
    }
    EXPECT_EQ(stopped, 1);
}

TEST(TaskGroup, UnfinishedTasksDieWithTheLoop) {
    int stopped = 0;
    {
        boost::asio::io_context io;
        TaskGroup group(io.get_executor());
        EXPECT_TRUE(group.spawn("a", note_stop(&stopped, kLong)));
        io.run_one();
    }
    EXPECT_EQ(stopped, 0);
}

Task<std::string> ready_text(std::string text) {
    co_return text + "!";
}

Task<std::vector<std::string>> gathered() {
    std::vector<Task<std::string>> tasks;
    for (int i = 0; i < 20; ++i) {
        tasks.push_back(ready_text("a string that is long enough for the heap " + std::to_string(i))
        );
    }
    std::vector<std::string> values = co_await gather(std::move(tasks));
    co_return values;
}

TEST(Gather, KeepsTheOrderOfTheTasks) {
    Loop loop;
    const auto values = loop.run(gathered());
    ASSERT_EQ(values.size(), 20U);
    EXPECT_EQ(values[7], "a string that is long enough for the heap 7!");
}

Task<std::vector<Result<int>>> gathered_results() {
    std::vector<Task<Result<int>>> tasks;
    tasks.push_back(answer_after(3ms, 1));
    tasks.push_back(fail_after(1ms));
    tasks.push_back(answer_after(2ms, 3));
    std::vector<Result<int>> values = co_await gather(std::move(tasks));
    co_return values;
}

TEST(Gather, AnErrorValueStopsNobody) {
    Loop loop;
    const auto values = loop.run(gathered_results());
    ASSERT_EQ(values.size(), 3U);
    EXPECT_EQ(values[0].value(), 1);
    EXPECT_EQ(values[1].error().code, Errc::kRpc);
    EXPECT_EQ(values[2].value(), 3);
}

Task<void> wait_all_of_three(int* stopped) {
    std::vector<Task<void>> tasks;
    tasks.push_back(note_stop(stopped, kLong));
    tasks.push_back(throw_after(1ms, "x"));
    tasks.push_back(note_stop(stopped, kLong));
    co_await wait_all(std::move(tasks));
}

TEST(WaitAll, RethrowsAndStopsTheRest) {
    Loop loop;
    int stopped = 0;
    EXPECT_THROW(loop.run(wait_all_of_three(&stopped)), std::runtime_error);
    EXPECT_EQ(stopped, 2);
}

Task<void> gather_long() {
    std::vector<Task<Result<int>>> tasks;
    tasks.push_back(answer_after(kLong, 1));
    tasks.push_back(answer_after(kLong, 2));
    co_await gather(std::move(tasks));
}

TEST(Gather, CanBeCancelled) {
    Loop loop;
    EXPECT_FALSE(loop.run(run_for(gather_long(), 5ms)));
}

Task<int> signal_self(int number) {
    Executor executor = co_await boost::asio::this_coro::executor;
    boost::asio::steady_timer timer(executor, 5ms);
    timer.async_wait([number](const boost::system::error_code&) { ::raise(number); });
    const int got = co_await wait_for_shutdown_signal();
    co_return got;
}

TEST(ShutdownSignalDeathTest, TheFirstIsReportedAndTheSecondEndsTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            Loop loop;
            if (loop.run(signal_self(SIGTERM)) != SIGTERM) {
                ::_exit(9);
            }
            ::raise(SIGINT);
            ::_exit(8);
        },
        testing::ExitedWithCode(1),
        "second signal"
    );
}

TEST(Random, StaysBelowTheBoundAndReachesAll) {
    std::array<int, 5> seen{};
    for (int i = 0; i < 500; ++i) {
        const std::uint64_t value = random_below(5);
        ASSERT_LT(value, 5U);
        ++seen[value];
    }
    for (const int count : seen) {
        EXPECT_GT(count, 0);
    }
    EXPECT_EQ(random_below(1), 0U);
}

TEST(SystemClock, IsInThisCentury) {
    const SystemClock clock;
    EXPECT_GT(clock.now(), UnixSeconds{1'700'000'000});
    EXPECT_LT(clock.now(), UnixSeconds{4'102'444'800});
}

}  // namespace
}  // namespace margrave::infra
