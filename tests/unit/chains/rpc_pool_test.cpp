// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/rpc_pool_fixture.hpp"

namespace margrave::chains::rpc {
namespace {

TEST_F(PoolTest, ChoosesTheBestEndpointOfEachOperator) {
    make({"a1", "a2", "b1", "a3"});
    EXPECT_EQ(chosen(), "a1 b1 ");
    slow_down(0, milliseconds{50});
    slow_down(1, milliseconds{20});
    slow_down(3, milliseconds{30});
    EXPECT_EQ(chosen(), "a2 b1 ");
    scripts[1]->turns.push_back(fails(kTransport));
    static_cast<void>(loop.run(at(1).ask(read_call(), seconds{5})));
    EXPECT_EQ(chosen(), "a3 b1 ");
    at(3).mark_out_of_sync("behind");
    EXPECT_EQ(chosen(), "a1 b1 ");
    break_down(0);
    EXPECT_EQ(chosen(), "a2 b1 ");
}

TEST_F(PoolTest, AnOperatorWhoseEndpointsAreAllBadHasItsLeastBadOne) {
    make({"a1", "a2", "b1"});
    scripts[0]->turns.push_back(fails(kRefused));
    static_cast<void>(loop.run(at(0).ask(read_call(), seconds{5})));
    limit(1);
    EXPECT_EQ(chosen(), "a2 b1 ");
    break_down(2);
    EXPECT_EQ(chosen(), "a2 b1 ");
    at(1).mark_lying("refuted");
    EXPECT_EQ(chosen(), "a1 b1 ");
}

TEST_F(PoolTest, AnOperatorOfLiarsAndWrongChainsIsAbsentUntilForgiven) {
    make({"a1", "a2", "b1"});
    at(0).mark_lying("refuted");
    at(1).mark_wrong_chain("chain id 5");
    EXPECT_EQ(chosen(), "b1 ");
    EXPECT_EQ(ask(2).size(), 1U);
    pool->forgive();
    EXPECT_EQ(chosen(), "a1 b1 ");
    EXPECT_EQ(pool->status().at(0).state, "alive");
    EXPECT_EQ(pool->status().at(1).state, "wrong-chain");
}

TEST_F(PoolTest, EachOperatorIsAskedOnceAndAnswersComeInOrder) {
    make({"a1", "b1", "c1"});
    scripts[0]->always = says("slow", milliseconds{20});
    const auto answers = ask(3);
    ASSERT_EQ(answers.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(answers[i].endpoint, &at(i));
        EXPECT_EQ(answers[i].operator_name, std::string(1, static_cast<char>('a' + i)));
        ASSERT_TRUE(answers[i].answers);
        EXPECT_EQ(answers[i].answers.value().size(), 2U);
        EXPECT_EQ(scripts[i]->batches, 1U);
    }
    EXPECT_EQ(answers[0].answers.value()[1].value(), "slow");
}

TEST_F(PoolTest, TroubleMakesTheNextEndpointOfTheOperatorAnswer) {
    make({"a1", "a2", "a3", "b1"});
    scripts[0]->always = fails(kTransport);
    scripts[1]->always = fails(kRateLimited);
    const auto answers = ask(2);
    EXPECT_EQ(answers[0].endpoint, &at(2));
    EXPECT_TRUE(answers[0].answers);
    EXPECT_EQ(at(0).failure_count(), 1U);
    EXPECT_EQ(at(1).state(), EndpointState::kRateLimited);
    // The one that answered is the best now.
    EXPECT_EQ(chosen(), "a3 b1 ");
}

TEST_F(PoolTest, AnErrorAboutTheQuestionIsAnAnswer) {
    make({"a1", "a2"});
    scripts[0]->always = fails(kBlockNotFound);
    const auto answers = ask(1);
    EXPECT_EQ(answers[0].endpoint, &at(0));
    ASSERT_TRUE(answers[0].answers);
    EXPECT_EQ(answers[0].answers.value()[0].error().kind, kBlockNotFound);
    EXPECT_EQ(scripts[1]->batches, 0U);
    EXPECT_EQ(at(0).failure_count(), 0U);
}

TEST_F(PoolTest, HalfAnAnswerIsKeptWhenTheNextEndpointHasNone) {
    make({"a1", "a2"});
    scripts[0]->turns = {says("0x5"), fails(kNodeTrouble)};
    scripts[1]->always = fails(kTransport);
    const auto answers = ask(1);
    EXPECT_EQ(answers[0].endpoint, &at(0));
    ASSERT_TRUE(answers[0].answers);
    EXPECT_EQ(answers[0].answers.value()[0].value(), "0x5");
    EXPECT_EQ(scripts[1]->batches, 1U);
}

TEST_F(PoolTest, AHangingOperatorIsWaitedForOnlyTheGraceAfterEnoughOthers) {
    make({"a1", "b1", "c1"});
    scripts[1]->always = hangs();
    const auto answers = ask(2, seconds{30}, milliseconds{100});
    EXPECT_GE(since_start(), milliseconds{90});
    EXPECT_LT(since_start(), seconds{5});
    EXPECT_TRUE(answers[0].answers);
    EXPECT_TRUE(answers[2].answers);
    ASSERT_FALSE(answers[1].answers);
    EXPECT_EQ(answers[1].answers.error().kind, kTransport);
    EXPECT_EQ(answers[1].answers.error().code, Errc::kTimeout);
    EXPECT_NE(answers[1].answers.error().detail.find("2 others had"), std::string::npos);
    EXPECT_EQ(scripts[1]->running, 0U);
    EXPECT_EQ(scripts[1]->cancelled, 1U);
    EXPECT_EQ(at(1).failure_count(), 1U);
    EXPECT_EQ(at(1).running(), 0U);
}

TEST_F(PoolTest, FewerThanEnoughAreWaitedForUntilTheDeadline) {
    make({"a1", "b1"});
    scripts[1]->always = hangs();
    const auto answers = ask(2, milliseconds{80}, milliseconds{1});
    EXPECT_GE(since_start(), milliseconds{80});
    EXPECT_TRUE(answers[0].answers);
    EXPECT_EQ(answers[1].answers.error().code, Errc::kTimeout);
    EXPECT_EQ(at(1).failure_count(), 1U);
}

TEST_F(PoolTest, AHangingOperatorIsSoonNotWaitedForAtAll) {
    make({"a1", "b1", "c1"});
    scripts[1]->always = hangs();
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(ask(2, seconds{5}, milliseconds{10}));
    }
    EXPECT_EQ(at(1).state(), EndpointState::kUnreachable);
    start = std::chrono::steady_clock::now();
    const auto answers = ask(2, seconds{5}, seconds{4});
    EXPECT_LT(since_start(), seconds{2});
    EXPECT_EQ(answers[1].answers.error().kind, kTransport);
    EXPECT_EQ(scripts[1]->methods.size(), 5U);
    // Its time to be tried comes.
    clock.advance(seconds{1});
    scripts[1]->always = says("back");
    EXPECT_TRUE(ask(2)[1].answers);
    EXPECT_EQ(at(1).state(), EndpointState::kAlive);
}

TEST_F(PoolTest, WhoeverIsNeededIsAskedAlthoughUnreachable) {
    make({"a1", "b1"});
    break_down(1);
    EXPECT_FALSE(at(1).is_ready());
    const auto answers = ask(2);
    EXPECT_TRUE(answers[1].answers);
    EXPECT_EQ(scripts[1]->batches, 1U);
}

TEST_F(PoolTest, ARateLimitedOperatorIsNotAskedEvenWhenNeeded) {
    make({"a1", "b1"});
    limit(1);
    const auto answers = ask(2);
    ASSERT_FALSE(answers[1].answers);
    EXPECT_EQ(answers[1].answers.error().kind, kRateLimited);
    EXPECT_EQ(scripts[1]->batches, 0U);
    EXPECT_EQ(chosen(), "a1 b1 ");
}

TEST_F(PoolTest, AskTheseAsksExactlyThem) {
    make({"a1", "a2", "b1"});
    scripts[0]->always = fails(kTransport);
    std::vector<Endpoint*> these{&at(2), &at(0)};
    const auto answers = loop.run(pool->ask_these(these, read_calls(1), seconds{5}, 2));
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].endpoint, &at(2));
    EXPECT_TRUE(answers[0].answers);
    EXPECT_EQ(answers[1].endpoint, &at(0));
    EXPECT_EQ(answers[1].answers.error().kind, kTransport);
    EXPECT_EQ(scripts[1]->batches, 0U);
    EXPECT_TRUE(loop.run(pool->ask_these({}, read_calls(1), seconds{5}, 2)).empty());
}

TEST_F(PoolTest, ACancelledQuestionLeavesNothingBehind) {
    limits.hedge_percent = 100;
    make({"a1", "b1"});
    for (const auto& script : scripts) {
        script->always = hangs();
    }
    const auto ask_all = [](EndpointPool* asked) -> Task<void> {
        static_cast<void>(co_await asked->ask_operators(read_calls(2), kForever, 2));
    };
    const auto hedge = [](EndpointPool* asked) -> Task<void> {
        static_cast<void>(co_await asked->hedged(read_call(), kForever));
    };
    EXPECT_FALSE(loop.run(infra::run_for(ask_all(&*pool), milliseconds{20})));
    EXPECT_FALSE(loop.run(infra::run_for(hedge(&*pool), milliseconds{400})));
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(scripts[i]->running, 0U);
        EXPECT_EQ(scripts[i]->cancelled, 2U);
        EXPECT_EQ(at(i).running(), 0U);
    }
}

TEST_F(PoolTest, TheChainIdOfWhoeverMayHaveChangedIsDue) {
    make({"a1", "b1", "c1"});
    EXPECT_TRUE(pool->due_for_dial(seconds{60}).empty());
    break_down(1);
    at(2).mark_lying("refuted");
    clock.advance(seconds{1});
    EXPECT_EQ(pool->due_for_dial(seconds{60}), std::vector<Endpoint*>{&at(1)});
    clock.advance(seconds{59});
    EXPECT_EQ(pool->due_for_dial(seconds{60}), (std::vector<Endpoint*>{&at(0), &at(1)}));
}

TEST_F(PoolTest, AnEndpointWithoutAnOperatorIsItsOwn) {
    std::vector<std::unique_ptr<RpcCaller>> callers;
    for (const char* name : {"x", "y"}) {
        auto script = std::make_shared<Script>();
        script->name = name;
        callers.push_back(std::make_unique<ScriptedCaller>(script));
    }
    EndpointPool plain(std::move(callers), std::vector<EndpointSettings>(2));
    ASSERT_EQ(plain.one_per_operator().size(), 2U);
    EXPECT_EQ(plain.status().at(1).endpoint, "y");
    EXPECT_EQ(plain.status().at(1).operator_name, "y");
    EXPECT_EQ(plain.status().at(1).state, "undialed");
}

}  // namespace
}  // namespace margrave::chains::rpc
