// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/rpc_pool_fixture.hpp"

namespace margrave::chains::rpc {
namespace {

using PoolPaceTest = PoolTest;

TEST_F(PoolPaceTest, WhoIsFarBehindForLongIsOutOfSyncAndComesBack) {
    make({"a1", "b1", "c1"});
    for (std::uint64_t n = 100; n < 110; ++n) {
        heads({n, n, n}, 2);
        clock.advance(seconds{2});
    }
    EXPECT_EQ(pool->pace(), seconds{2});
    // 15 blocks are 30 s of this chain.
    std::uint64_t n = 110;
    for (; n < 125; ++n) {
        heads({n, n, 109}, 2);
        clock.advance(seconds{2});
    }
    EXPECT_EQ(at(2).state(), EndpointState::kAlive);
    heads({125, 125, 109}, 2);
    EXPECT_EQ(at(2).state(), EndpointState::kAlive);
    clock.advance(seconds{10});
    heads({130, 130, 109}, 2);
    EXPECT_EQ(at(2).state(), EndpointState::kOutOfSync);
    EXPECT_NE(at(2).reason().find("at block 109, 21 behind"), std::string::npos);
    EXPECT_EQ(at(2).latest(), BlockNum{109});
    heads({131, 131, 130}, 2);
    EXPECT_EQ(at(2).state(), EndpointState::kAlive);
}

TEST_F(PoolPaceTest, OneHeadFarAheadMakesNobodyStale) {
    make({"a1", "b1", "c1"});
    for (std::uint64_t n = 100; n < 200; ++n) {
        heads({1'000'000'000 + n * 1000, n, n}, 2);
        clock.advance(seconds{2});
    }
    EXPECT_EQ(pool->pace(), seconds{2});
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(at(i).state(), EndpointState::kAlive);
    }
}

TEST_F(PoolPaceTest, TwoEndpointsOfOneOperatorAreOneHead) {
    make({"a1", "a2", "b1"});
    for (std::uint64_t n = 100; n < 200; ++n) {
        heads({n * 1000, n * 1000, n}, 2);
        clock.advance(seconds{2});
    }
    EXPECT_EQ(at(2).state(), EndpointState::kAlive);
}

TEST_F(PoolPaceTest, AChainThatStandsStillMakesNobodyStale) {
    make({"a1", "b1"});
    heads({100, 100}, 2);
    for (int hour = 0; hour < 48; ++hour) {
        clock.advance(std::chrono::hours{1});
        heads({100, 100}, 2);
    }
    EXPECT_EQ(at(0).state(), EndpointState::kAlive);
    EXPECT_EQ(at(1).state(), EndpointState::kAlive);
}

TEST_F(PoolPaceTest, ABurstAfterSilenceMakesNobodyStaleAtOnce) {
    make({"a1", "b1"});
    heads({100, 100}, 1);
    for (std::uint64_t n = 101; n < 106; ++n) {
        clock.advance(std::chrono::hours{1});
        heads({n, n}, 1);
    }
    clock.advance(std::chrono::hours{1});
    // Blocks on demand: twenty at once, which the other node sees a little later.
    heads({125, 105}, 1);
    EXPECT_EQ(at(1).state(), EndpointState::kAlive);
    clock.advance(seconds{2});
    heads({125, 125}, 1);
    clock.advance(std::chrono::hours{1});
    heads({145, 125}, 1);
    EXPECT_EQ(at(1).state(), EndpointState::kAlive);
    clock.advance(seconds{10});
    heads({145, 125}, 1);
    EXPECT_EQ(at(1).state(), EndpointState::kOutOfSync);
}

TEST_F(PoolPaceTest, WhoeverWasNotAskedIsNotStaleForThat) {
    make({"a1", "b1", "b2"});
    heads({100, 100, 100}, 2);
    for (std::uint64_t n = 101; n < 200; ++n) {
        clock.advance(seconds{2});
        heads({n, n}, 2);
    }
    EXPECT_EQ(at(2).state(), EndpointState::kAlive);
}

TEST_F(PoolPaceTest, TooFewHeadsJudgeNobody) {
    make({"a1", "b1"});
    for (std::uint64_t n = 100; n < 200; ++n) {
        heads({n}, 2);
        clock.advance(seconds{2});
    }
    EXPECT_FALSE(pool->pace());
    heads({}, 1);
    heads({100, 1}, 0);
    EXPECT_EQ(at(1).state(), EndpointState::kAlive);
}

}  // namespace
}  // namespace margrave::chains::rpc
