// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/health.hpp"
#include "chains/rpc/rate.hpp"

#include <gtest/gtest.h>

namespace margrave::chains::rpc {
namespace {

using enum EndpointState;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class HealthTest : public testing::Test {
  protected:
    void dial() { health.on_dialed(now); }

    void fail(unsigned times) {
        for (unsigned i = 0; i < times; ++i) {
            health.on_failure(now, "no answer");
        }
    }

    [[nodiscard]] EndpointState state() const { return health.state(now); }

    SteadyTime now{hours{7}};
    Health health{HealthLimits{}, now};
};

TEST_F(HealthTest, StartsUndialedAndIsAliveWhenDialed) {
    EXPECT_EQ(state(), kUndialed);
    EXPECT_TRUE(health.is_ready(now));
    EXPECT_FALSE(health.reason(now).empty());
    now += seconds{3};
    dial();
    EXPECT_EQ(state(), kAlive);
    EXPECT_EQ(health.reason(now), "");
    EXPECT_EQ(health.since(now), now);
}

TEST_F(HealthTest, FourFailuresAreForgivenAndFiveMakeItUnreachable) {
    dial();
    fail(4);
    EXPECT_EQ(state(), kAlive);
    fail(1);
    EXPECT_EQ(state(), kUnreachable);
    EXPECT_EQ(health.reason(now), "no answer");
    EXPECT_FALSE(health.is_ready(now));
}

TEST_F(HealthTest, EachAnswerTakesOneFailureAway) {
    dial();
    for (int i = 0; i < 100; ++i) {
        fail(1);
        health.on_answer(now);
    }
    EXPECT_EQ(health.failure_count(), 0U);
    fail(3);
    health.on_answer(now);
    EXPECT_EQ(health.failure_count(), 2U);
    // Two failures for each answer are sustained trouble.
    fail(2);
    health.on_answer(now);
    fail(2);
    EXPECT_EQ(state(), kUnreachable);
}

TEST_F(HealthTest, UnreachableIsTriedWithDoublingBackoffUpToItsBound) {
    dial();
    fail(5);
    for (const int wait : {1000, 2000, 4000, 8000, 16000, 30000, 30000}) {
        EXPECT_EQ(health.trial_left(now), milliseconds(wait));
        now += milliseconds(wait - 1);
        EXPECT_FALSE(health.is_ready(now));
        EXPECT_FALSE(health.dial_due(now, seconds{60}));
        now += milliseconds(1);
        EXPECT_TRUE(health.is_ready(now));
        EXPECT_TRUE(health.dial_due(now, seconds{60}));
        // Calls that fail together are one trial.
        fail(3);
    }
}

TEST_F(HealthTest, OneAnswerMakesItReachableAndItsChainIdIsAskedAgain) {
    dial();
    fail(5);
    now += seconds{1};
    health.on_answer(now);
    EXPECT_EQ(state(), kAlive);
    EXPECT_EQ(health.since(now), now);
    EXPECT_TRUE(health.dial_due(now, seconds{60}));
    dial();
    EXPECT_FALSE(health.dial_due(now, seconds{60}));
    now += seconds{60};
    EXPECT_TRUE(health.dial_due(now, seconds{60}));
}

TEST_F(HealthTest, FlappingForAnHourKeepsTheLongBackoff) {
    dial();
    unsigned changes = 0;
    EndpointState last = state();
    for (int second = 0; second < 3600; ++second) {
        const bool up = second / 5 % 2 == 1;
        if (health.is_ready(now)) {
            up ? health.on_answer(now) : health.on_failure(now, "reset");
        }
        changes += state() != last ? 1U : 0U;
        last = state();
        now += seconds{1};
        EXPECT_LE(health.trial_left(now), seconds{30});
    }
    // Half of the time down: it goes to and fro, but no faster than the node itself.
    EXPECT_LE(changes, 3600U / 5);
    fail(5);
    for (int i = 0; i < 5; ++i) {
        now += health.trial_left(now);
        health.on_answer(now);
    }
    EXPECT_EQ(health.failure_count(), 0U);
    EXPECT_EQ(state(), kAlive);
}

TEST_F(HealthTest, RateLimitWithoutRetryAfterIsTwentySeconds) {
    dial();
    health.on_rate_limit(now, {}, 0, "429");
    EXPECT_EQ(state(), kRateLimited);
    EXPECT_FALSE(health.is_ready(now));
    EXPECT_EQ(health.pause_left(now), seconds{20});
    now += milliseconds{19'999};
    EXPECT_EQ(state(), kRateLimited);
    now += milliseconds{1};
    EXPECT_EQ(state(), kAlive);
    EXPECT_EQ(health.since(now), now);
    EXPECT_EQ(health.failure_count(), 0U);
}

TEST_F(HealthTest, RetryAfterIsHonouredCappedAndJitteredUpwards) {
    dial();
    health.on_rate_limit(now, seconds{2}, 0, "429");
    EXPECT_EQ(health.pause_left(now), seconds{2});
    now += seconds{2};
    health.on_rate_limit(now, seconds{2}, 1000, "429");
    EXPECT_EQ(health.pause_left(now), milliseconds{2250});
    now += seconds{3};
    health.on_rate_limit(now, seconds{0}, 0, "429");
    EXPECT_EQ(health.pause_left(now), seconds{1});
    now += seconds{3};
    health.on_rate_limit(now, hours{24 * 365}, 0, "429");
    EXPECT_EQ(health.pause_left(now), seconds{60});
    now += seconds{60};
    health.on_rate_limit(now, seconds::max(), 5000, "429");
    EXPECT_EQ(health.pause_left(now), milliseconds{67'500});
    now += seconds{68};
    health.on_rate_limit(now, seconds{-5}, 0, "429");
    EXPECT_EQ(health.pause_left(now), seconds{1});
}

TEST_F(HealthTest, AShorterPauseDoesNotShortenALongerOne) {
    health.on_rate_limit(now, seconds{40}, 0, "429");
    health.on_rate_limit(now, seconds{2}, 0, "429");
    EXPECT_EQ(health.pause_left(now), seconds{40});
}

TEST_F(HealthTest, AnAnswerOfAnotherCallDoesNotEndARateLimit) {
    dial();
    health.on_rate_limit(now, seconds{5}, 0, "429");
    health.on_answer(now);
    EXPECT_EQ(state(), kRateLimited);
}

TEST_F(HealthTest, ARefusalParksForAnHourWithOneTrialAMinute) {
    dial();
    health.on_refusal(now, "quota");
    EXPECT_EQ(state(), kParked);
    EXPECT_EQ(health.reason(now), "quota");
    EXPECT_EQ(health.pause_left(now), seconds{60});
    now += seconds{60};
    EXPECT_EQ(health.pause_left(now), seconds{0});
    EXPECT_FALSE(health.is_ready(now));
    health.on_refusal(now, "quota");
    EXPECT_EQ(health.pause_left(now), seconds{60});
    now += hours{1};
    EXPECT_EQ(state(), kAlive);
}

TEST_F(HealthTest, ATrialThatIsAnsweredUnparksAndAnEarlierCallDoesNot) {
    dial();
    health.on_refusal(now, "quota");
    health.on_answer(now + seconds{1});
    EXPECT_EQ(state(), kParked);
    now += seconds{60};
    health.on_answer(now);
    EXPECT_EQ(state(), kAlive);
}

TEST_F(HealthTest, WrongChainLastsUntilTheNextCheckIsRight) {
    health.on_wrong_chain(now, "chain id 5");
    EXPECT_EQ(state(), kWrongChain);
    EXPECT_FALSE(health.is_ready(now));
    health.on_answer(now);
    now += hours{48};
    EXPECT_EQ(state(), kWrongChain);
    EXPECT_TRUE(health.dial_due(now, seconds{60}));
    health.on_wrong_chain(now, "chain id 5");
    EXPECT_FALSE(health.dial_due(now, seconds{60}));
    dial();
    EXPECT_EQ(state(), kAlive);
}

TEST_F(HealthTest, LyingLastsAnHourAfterTheLastLieOrUntilForgiven) {
    dial();
    health.on_lie(now, "another root");
    const SteadyTime first = now;
    now += milliseconds{hours{1}} - milliseconds{1};
    EXPECT_EQ(state(), kLying);
    health.on_lie(now, "another bloom");
    EXPECT_EQ(health.since(now), first);
    EXPECT_EQ(health.reason(now), "another bloom");
    now += milliseconds{hours{1}} - milliseconds{1};
    EXPECT_EQ(state(), kLying);
    EXPECT_FALSE(health.dial_due(now, seconds{60}));
    now += milliseconds{1};
    EXPECT_EQ(state(), kAlive);
    health.on_lie(now, "again");
    health.forgive(now);
    EXPECT_EQ(state(), kAlive);
}

TEST_F(HealthTest, OutOfSyncIsStillReady) {
    dial();
    health.on_out_of_sync(now, "100 behind");
    EXPECT_EQ(state(), kOutOfSync);
    EXPECT_TRUE(health.is_ready(now));
    health.on_in_sync(now);
    EXPECT_EQ(state(), kAlive);
}

TEST_F(HealthTest, TheWorstIsToldAndTheNextWorseWhenItEnds) {
    dial();
    health.on_out_of_sync(now, "behind");
    fail(5);
    EXPECT_EQ(state(), kUnreachable);
    health.on_rate_limit(now, seconds{10}, 0, "429");
    EXPECT_EQ(state(), kRateLimited);
    health.on_refusal(now, "quota");
    EXPECT_EQ(state(), kParked);
    health.on_wrong_chain(now, "id 5");
    EXPECT_EQ(state(), kWrongChain);
    health.on_lie(now, "root");
    EXPECT_EQ(state(), kLying);
    health.forgive(now);
    health.on_dialed(now);
    EXPECT_EQ(state(), kParked);
    now += hours{1};
    EXPECT_EQ(state(), kUnreachable);
    health.on_answer(now);
    EXPECT_EQ(state(), kOutOfSync);
    health.on_in_sync(now);
    EXPECT_EQ(state(), kAlive);
}

TEST(EndpointStates, HaveTheNamesOfTheDocument) {
    EXPECT_EQ(to_string(kUndialed), "undialed");
    EXPECT_EQ(to_string(kAlive), "alive");
    EXPECT_EQ(to_string(kOutOfSync), "out-of-sync");
    EXPECT_EQ(to_string(kUnreachable), "unreachable");
    EXPECT_EQ(to_string(kRateLimited), "rate-limited");
    EXPECT_EQ(to_string(kParked), "parked");
    EXPECT_EQ(to_string(kWrongChain), "wrong-chain");
    EXPECT_EQ(to_string(kLying), "lying");
}

TEST(TokenBucket, LetsASecondsWorthThroughAndSpacesTheRest) {
    TokenBucket bucket(10);
    SteadyTime now{hours{1}};
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(bucket.wait(now, 1).count(), 0) << i;
        bucket.take(now, 1);
    }
    EXPECT_EQ(bucket.wait(now, 1), milliseconds{100});
    bucket.take(now, 1);
    // Reserved turns come one after the other.
    EXPECT_EQ(bucket.wait(now, 1), milliseconds{200});
    now += milliseconds{150};
    EXPECT_EQ(bucket.wait(now, 1), milliseconds{50});
    now += seconds{60};
    EXPECT_EQ(bucket.wait(now, 10).count(), 0);
    bucket.take(now, 10);
    EXPECT_EQ(bucket.wait(now, 1), milliseconds{100});
}

TEST(TokenBucket, ABatchCostsItsCallsAndAnOversizeOneIsPaidForLater) {
    TokenBucket bucket(10);
    const SteadyTime now{hours{1}};
    EXPECT_EQ(bucket.wait(now, 50).count(), 0);
    bucket.take(now, 50);
    EXPECT_EQ(bucket.wait(now, 1), milliseconds{4100});
    bucket.give_back(50);
    EXPECT_EQ(bucket.wait(now, 10).count(), 0);
}

TEST(TokenBucket, OverAMinuteItKeepsTheRate) {
    TokenBucket bucket(7);
    SteadyTime now{hours{1}};
    unsigned sent = 0;
    for (int ms = 0; ms < 60'000; ++ms) {
        while (bucket.wait(now, 1).count() == 0) {
            bucket.take(now, 1);
            ++sent;
        }
        now += milliseconds{1};
    }
    EXPECT_GE(sent, 60U * 7);
    EXPECT_LE(sent, 60U * 7 + 7);
}

TEST(TokenBucket, ZeroIsNoLimitAndExtremesDoNotOverflow) {
    TokenBucket none(0);
    const SteadyTime now{hours{1}};
    none.take(now, UINT64_MAX);
    EXPECT_EQ(none.wait(now, UINT64_MAX).count(), 0);
    TokenBucket slow(1);
    slow.take(now, UINT64_MAX);
    EXPECT_GT(slow.wait(now, 1), seconds{3000});
    EXPECT_LE(slow.wait(now, 1), hours{1});
    TokenBucket fast(UINT64_MAX);
    fast.take(now, 1000);
    EXPECT_EQ(fast.wait(now, 1).count(), 0);
}

TEST(Latency, TellsTheMeanAndTheNinetyFifthPercentile) {
    Latency latency;
    EXPECT_EQ(latency.mean().count(), 0);
    EXPECT_EQ(latency.p95().count(), 0);
    latency.note(milliseconds{80});
    EXPECT_EQ(latency.mean().count(), 80);
    EXPECT_EQ(latency.p95().count(), 80);
    latency.note(milliseconds{160});
    EXPECT_EQ(latency.mean().count(), 90);
    for (int i = 1; i <= 64; ++i) {
        latency.note(milliseconds{i});
    }
    // 61 of 64 is the first rank that 95 in a hundred do not exceed.
    EXPECT_EQ(latency.p95().count(), 61);
    const milliseconds mean = latency.mean();
    latency.note_at_least(milliseconds{1});
    EXPECT_EQ(latency.mean(), mean);
    latency.note_at_least(milliseconds{1000});
    EXPECT_GT(latency.mean(), mean + milliseconds{100});
    EXPECT_EQ(latency.p95().count(), 61);
}

}  // namespace
}  // namespace margrave::chains::rpc
