// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/pool.hpp"
#include "tests/unit/chains/rpc_script.hpp"

namespace margrave::chains::rpc {
namespace {

class PoolTest : public testing::Test {
  protected:
    /// "a1", "a2", "b1": two endpoints of operator a, one of b. All dialed.
    void make(const std::vector<std::string>& names) {
        std::vector<std::unique_ptr<RpcCaller>> callers;
        std::vector<EndpointSettings> settings;
        for (const std::string& name : names) {
            auto script = std::make_shared<Script>();
            script->name = name;
            EndpointSettings own;
            own.name = name;
            own.operator_name = name.substr(0, 1);
            settings.push_back(own);
            callers.push_back(std::make_unique<ScriptedCaller>(script));
            scripts.push_back(std::move(script));
        }
        pool.emplace(std::move(callers), std::move(settings), limits, clock.now(), infra::Logger{});
        for (Endpoint* endpoint : pool->endpoints()) {
            endpoint->mark_dialed();
        }
    }

    Endpoint& at(std::size_t i) { return *pool->endpoints().at(i); }

    void break_down(std::size_t i) {
        for (int k = 0; k < 5; ++k) {
            scripts[i]->turns.push_back(fails(kTransport));
            static_cast<void>(loop.run(at(i).ask(read_call(), seconds{5})));
        }
        scripts[i]->methods.clear();
    }

    /// Lets it answer slowly once, by the fake clock.
    void slow_down(std::size_t i, milliseconds by) {
        scripts[i]->on_call = [this, by] {
            clock.advance(by);
        };
        static_cast<void>(loop.run(at(i).ask(read_call(), seconds{5})));
        scripts[i]->on_call = {};
        scripts[i]->methods.clear();
    }

    void limit(std::size_t i) {
        scripts[i]->turns.push_back(fails(kRateLimited));
        static_cast<void>(loop.run(at(i).ask(read_call(), seconds{5})));
        scripts[i]->methods.clear();
    }

    [[nodiscard]] std::string chosen() const {
        std::string out;
        for (const Endpoint* endpoint : pool->one_per_operator()) {
            out += endpoint->name() + " ";
        }
        return out;
    }

    std::vector<OperatorAnswer> ask(
        std::size_t enough,
        milliseconds deadline = seconds{5},
        milliseconds grace = EndpointPool::kGrace
    ) {
        return loop.run(pool->ask_operators(read_calls(2), deadline, enough, grace));
    }

    void heads(std::vector<std::uint64_t> numbers, std::size_t k) {
        std::vector<EndpointHead> told;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            told.push_back({&at(i), BlockNum{numbers[i]}});
        }
        pool->note_heads(told, k);
    }

    [[nodiscard]] milliseconds since_start() const {
        return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    }

    Loop loop;
    FakeSteady clock;
    PoolLimits limits;
    std::vector<std::shared_ptr<Script>> scripts;
    std::optional<EndpointPool> pool;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

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
    make({"a1", "b1"});
    for (const auto& script : scripts) {
        script->always = hangs();
    }
    const auto ask_all = [](EndpointPool* pool) -> Task<void> {
        static_cast<void>(co_await pool->ask_operators(read_calls(2), kForever, 2));
    };
    const auto hedge = [](EndpointPool* pool) -> Task<void> {
        static_cast<void>(co_await pool->hedged(read_call(), kForever));
    };
    EXPECT_FALSE(loop.run(infra::run_for(ask_all(&*pool), milliseconds{20})));
    EXPECT_FALSE(loop.run(infra::run_for(hedge(&*pool), milliseconds{400})));
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(scripts[i]->running, 0U);
        EXPECT_EQ(scripts[i]->cancelled, 2U);
        EXPECT_EQ(at(i).running(), 0U);
    }
}

TEST_F(PoolTest, AHedgedReadIsAnsweredByTheFirstWhenItIsQuick) {
    make({"a1", "b1"});
    scripts[0]->always = says("first");
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{5})).value(), "first");
    EXPECT_TRUE(scripts[1]->methods.empty());
}

TEST_F(PoolTest, AHedgedReadAsksAnotherOperatorWhenTheFirstIsSilent) {
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

TEST_F(PoolTest, TroubleOfAHedgedReadGoesToTheNextAtOnce) {
    limits.hedge_min = limits.hedge_max = seconds{20};
    make({"a1", "b1", "c1"});
    scripts[0]->always = fails(kTransport);
    scripts[1]->always = fails(kBlockNotFound);
    scripts[2]->always = says("third");
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{30})).value(), "third");
    EXPECT_LT(since_start(), seconds{10});
}

TEST_F(PoolTest, AHedgedReadThatAllFailTellsTheMostTellingError) {
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

TEST_F(PoolTest, ARevertIsTheAnswerOfAHedgedRead) {
    make({"a1", "b1"});
    scripts[0]->always = fails(kReverted);
    EXPECT_EQ(loop.run(pool->hedged(read_call(), seconds{5})).error().kind, kReverted);
    EXPECT_TRUE(scripts[1]->methods.empty());
}

TEST_F(PoolTest, AHedgedReadKeepsItsDeadline) {
    make({"a1", "b1"});
    scripts[0]->always = hangs();
    scripts[1]->always = hangs();
    const RpcResult<json> answer = loop.run(pool->hedged(read_call(), milliseconds{300}));
    EXPECT_EQ(answer.error().code, Errc::kTimeout);
    EXPECT_LT(since_start(), seconds{5});
    EXPECT_EQ(at(0).failure_count(), 1U);
}

TEST_F(PoolTest, OnlyOneEndpointAndNoneAtAll) {
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

TEST_F(PoolTest, ABroadcastGoesToAllAndEndsWithTheFirstThatTakesIt) {
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

TEST_F(PoolTest, AlreadyKnownIsTaken) {
    make({"a1", "b1"});
    scripts[0]->always = fails(kAlreadyKnown);
    scripts[1]->always = fails(kNonceTooLow);
    const RpcResult<json> sent = loop.run(pool->broadcast(send_call(), seconds{5}));
    ASSERT_TRUE(sent);
    EXPECT_TRUE(sent.value().is_null());
}

TEST_F(PoolTest, ABroadcastThatNobodyTookTellsTheVerdict) {
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

TEST_F(PoolTest, SendsAreBounded) {
    limits.sends = 2;
    limits.endpoint.health.failures_max = 50;
    make({"a1", "b1", "c1"});
    scripts[0]->always = hangs();
    scripts[1]->always = hangs();
    const RpcResult<json> sent = loop.run(pool->broadcast(send_call(), milliseconds{30}));
    EXPECT_FALSE(sent);
    EXPECT_TRUE(scripts[2]->methods.empty());
}

TEST_F(PoolTest, APoolThatGoesAwayStopsItsSends) {
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

TEST_F(PoolTest, ALoopThatGoesAwayWithSendsUnderWayLeaksNothing) {
    auto own = std::make_unique<Loop>();
    make({"a1", "b1"});
    scripts[0]->always = says("0xhash");
    scripts[1]->always = hangs();
    ASSERT_TRUE(own->run(pool->broadcast(send_call(), kForever)));
    pool.reset();
    own.reset();
    EXPECT_EQ(scripts[1]->running, 0U);
}

TEST_F(PoolTest, WhoIsFarBehindForLongIsOutOfSyncAndComesBack) {
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

TEST_F(PoolTest, OneHeadFarAheadMakesNobodyStale) {
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

TEST_F(PoolTest, TwoEndpointsOfOneOperatorAreOneHead) {
    make({"a1", "a2", "b1"});
    for (std::uint64_t n = 100; n < 200; ++n) {
        heads({n * 1000, n * 1000, n}, 2);
        clock.advance(seconds{2});
    }
    EXPECT_EQ(at(2).state(), EndpointState::kAlive);
}

TEST_F(PoolTest, AChainThatStandsStillMakesNobodyStale) {
    make({"a1", "b1"});
    heads({100, 100}, 2);
    for (int hour = 0; hour < 48; ++hour) {
        clock.advance(std::chrono::hours{1});
        heads({100, 100}, 2);
    }
    EXPECT_EQ(at(0).state(), EndpointState::kAlive);
    EXPECT_EQ(at(1).state(), EndpointState::kAlive);
}

TEST_F(PoolTest, ABurstAfterSilenceMakesNobodyStaleAtOnce) {
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

TEST_F(PoolTest, TooFewHeadsJudgeNobody) {
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
