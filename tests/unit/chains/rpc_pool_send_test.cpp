// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/rpc_pool_fixture.hpp"

namespace margrave::chains::rpc {
namespace {

using PoolSendTest = PoolTest;

TEST_F(PoolSendTest, AHedgedReadIsAnsweredByTheFirstWhenItIsQuick) {
    make({"a1", "b1"});
    scripts[0]->always = says("first");
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{5})).value(), "first");
    EXPECT_TRUE(scripts[1]->methods.empty());
}

TEST_F(PoolSendTest, AHedgedReadAsksAnotherOperatorWhenTheFirstIsSilent) {
    limits.hedge_percent = 100;
    make({"a1", "a2", "b1"});
    slow_down(0, milliseconds{60});
    slow_down(1, milliseconds{70});
    slow_down(2, milliseconds{80});
    scripts[0]->always = hangs();
    scripts[2]->always = says("second");
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{20})).value(), "second");
    const auto took = std::chrono::steady_clock::now() - before;
    EXPECT_GE(took, milliseconds{60});
    EXPECT_LT(took, seconds{5});
    EXPECT_TRUE(scripts[1]->methods.empty());
    EXPECT_EQ(scripts[0]->cancelled, 1U);
    // A loser by little has not failed.
    EXPECT_EQ(at(0).failure_count(), 0U);
}

TEST_F(PoolSendTest, TroubleOfAHedgedReadGoesToTheNextAtOnce) {
    limits.hedge_min = limits.hedge_max = seconds{20};
    make({"a1", "b1", "c1"});
    scripts[0]->always = fails(kTransport);
    scripts[1]->always = fails(kBlockNotFound);
    scripts[2]->always = says("third");
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{30})).value(), "third");
    EXPECT_LT(since_start(), seconds{10});
}

TEST_F(PoolSendTest, AHedgedReadThatAllFailTellsTheMostTellingError) {
    limits.hedge_min = limits.hedge_max = seconds{20};
    make({"a1", "b1", "c1"});
    scripts[0]->always = fails(kTransport);
    scripts[1]->always = fails(kPruned, "pruned");
    scripts[2]->always = fails(kNodeTrouble);
    const RpcResult<json> answer = loop.run(pool->hedged(read_call(), seconds{30}));
    EXPECT_EQ(answer.error().kind, kPruned);
    EXPECT_EQ(answer.error().detail, "pruned");
    EXPECT_LT(since_start(), seconds{10});
}

TEST_F(PoolSendTest, ARevertIsTheAnswerOfAHedgedRead) {
    make({"a1", "b1"});
    scripts[0]->always = fails(kReverted);
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{5})).error().kind, kReverted);
    EXPECT_TRUE(scripts[1]->methods.empty());
}

TEST_F(PoolSendTest, AHedgedReadKeepsItsDeadline) {
    make({"a1", "b1"});
    scripts[0]->always = hangs();
    scripts[1]->always = hangs();
    const RpcResult<json> answer = loop.run(pool->hedged(read_call(), milliseconds{300}));
    EXPECT_EQ(answer.error().code, Errc::kTimeout);
    EXPECT_LT(since_start(), seconds{5});
    EXPECT_EQ(at(0).failure_count(), 1U);
}

TEST_F(PoolSendTest, NoTimeAtAllIsATimeout) {
    make({"a1", "b1"});
    const RpcResult<json> read = loop.run(pool->hedged(read_call(), milliseconds{0}));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::kTimeout);
}

TEST_F(PoolSendTest, OnlyOneEndpointAndNoneAtAll) {
    make({"a1"});
    scripts[0]->always = says("only");
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{5})).value(), "only");
    break_down(0);
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{5})).value(), "only");
    at(0).mark_lying("refuted");
    const RpcResult<json> read = loop.run(pool->hedged(read_call(), seconds{5}));
    EXPECT_EQ(read.error().code, Errc::kUnable);
    const RpcResult<json> sent = loop.run(pool->broadcast(send_call(), seconds{5}));
    EXPECT_EQ(sent.error().code, Errc::kUnable);
    EXPECT_TRUE(ask(1).empty());
}

TEST_F(PoolSendTest, ABroadcastGoesToAllAndEndsWithTheFirstThatTakesIt) {
    make({"a1", "a2", "b1", "c1"});
    at(3).mark_lying("refuted");
    limit(2);
    scripts[0]->always = hangs();
    scripts[1]->always = says("0xhash", milliseconds{5});
    scripts[2]->always = says("0xhash", milliseconds{60});
    const RpcResult<json> sent = loop.run(pool->broadcast(send_call(), milliseconds{300}));
    EXPECT_EQ(sent.value(), "0xhash");
    EXPECT_LT(since_start(), milliseconds{250});
    EXPECT_EQ(pool->sends_running(), 2U);
    for (int i = 0; i < 100 && pool->sends_running() > 0; ++i) {
        loop.run(infra::sleep_for(milliseconds{20}));
    }
    EXPECT_EQ(pool->sends_running(), 0U);
    EXPECT_EQ(scripts[0]->methods.size(), 1U);
    EXPECT_EQ(scripts[0]->cancelled, 1U);
    EXPECT_EQ(scripts[2]->methods.size(), 1U);
    EXPECT_EQ(scripts[2]->cancelled, 0U);
    EXPECT_TRUE(scripts[3]->methods.empty());
    EXPECT_EQ(at(0).failure_count(), 1U);
}

TEST_F(PoolSendTest, AlreadyKnownIsTaken) {
    make({"a1", "b1"});
    scripts[0]->always = fails(kAlreadyKnown);
    scripts[1]->always = fails(kNonceTooLow);
    const RpcResult<json> sent = loop.run(pool->broadcast(send_call(), seconds{5}));
    ASSERT_TRUE(sent);
    EXPECT_TRUE(sent.value().is_null());
}

TEST_F(PoolSendTest, ABroadcastThatNobodyTookTellsTheVerdict) {
    make({"a1", "b1", "c1", "d1"});
    scripts[0]->always = fails(kTransport);
    scripts[1]->always = fails(kUnderpriced);
    scripts[2]->always = fails(kNonceTooLow, "nonce too low", milliseconds{10});
    scripts[3]->always = fails(kPoolFull);
    const RpcResult<json> sent = loop.run(pool->broadcast(send_call(), seconds{5}));
    EXPECT_EQ(sent.error().kind, kNonceTooLow);
    EXPECT_EQ(pool->sends_running(), 0U);
    EXPECT_EQ(at(1).failure_count(), 0U);
}

TEST_F(PoolSendTest, SendsAreBounded) {
    limits.sends = 2;
    limits.endpoint.health.failures_max = 50;
    make({"a1", "b1", "c1"});
    scripts[0]->always = hangs();
    scripts[1]->always = hangs();
    const RpcResult<json> sent = loop.run(pool->broadcast(send_call(), milliseconds{30}));
    EXPECT_FALSE(sent);
    EXPECT_TRUE(scripts[2]->methods.empty());
}

TEST_F(PoolSendTest, APoolThatGoesAwayStopsItsSends) {
    make({"a1", "b1"});
    scripts[0]->always = says("0xhash");
    scripts[1]->always = hangs();
    ASSERT_TRUE(loop.run(pool->broadcast(send_call(), kForever)));
    EXPECT_EQ(pool->sends_running(), 1U);
    pool.reset();
    loop.run(infra::sleep_for(milliseconds{5}));
    EXPECT_EQ(scripts[1]->running, 0U);
    EXPECT_EQ(scripts[1]->cancelled, 1U);
}

TEST_F(PoolSendTest, ALoopThatGoesAwayWithSendsUnderWayLeaksNothing) {
    auto own = std::make_unique<Loop>();
    make({"a1", "b1"});
    scripts[0]->always = says("0xhash");
    scripts[1]->always = hangs();
    ASSERT_TRUE(own->run(pool->broadcast(send_call(), kForever)));
    pool.reset();
    own.reset();
    EXPECT_EQ(scripts[1]->running, 0U);
}

}  // namespace
}  // namespace margrave::chains::rpc
