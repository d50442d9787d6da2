// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/endpoint.hpp"
#include "tests/unit/chains/rpc_script.hpp"

namespace margrave::chains::rpc {
namespace {

using Results = RpcResult<std::vector<RpcResult<json>>>;

class EndpointTest : public testing::Test {
  protected:
    EndpointTest() {
        script->name = "alpha";
        settings.name = "alpha";
        settings.operator_name = "one";
    }

    Endpoint& endpoint() {
        if (!made) {
            made.emplace(
                std::make_unique<ScriptedCaller>(script),
                settings,
                limits,
                clock.now(),
                infra::Logger{}
            );
        }
        return *made;
    }

    RpcResult<json> ask(milliseconds deadline = seconds{5}) {
        return loop.run(endpoint().ask(read_call(), deadline));
    }

    /// Asks once; the node gives this error.
    void meet(RpcClass kind, const RpcCall& call = read_call()) {
        script->turns.push_back(fails(kind));
        static_cast<void>(loop.run(endpoint().ask(call, seconds{5})));
    }

    Loop loop;
    FakeSteady clock;
    std::shared_ptr<Script> script = std::make_shared<Script>();
    EndpointSettings settings;
    EndpointLimits limits;
    std::optional<Endpoint> made;
};

TEST_F(EndpointTest, PassesCallsAndAnswersOn) {
    script->turns.push_back(says("0x10"));
    const RpcResult<json> answer = loop.run(endpoint().call("eth_chainId", json::array()));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer.value(), "0x10");
    EXPECT_EQ(script->methods, std::vector<std::string>{"eth_chainId"});
    const Results batch = loop.run(endpoint().batch(read_calls(3)));
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch.value().size(), 3U);
    EXPECT_EQ(script->batches, 1U);
    EXPECT_EQ(endpoint().requests(), 4U);
    EXPECT_EQ(endpoint().running(), 0U);
    EXPECT_EQ(endpoint().operator_name(), "one");
}

TEST_F(EndpointTest, TroubleFiveTimesMakesItUnreachableAndOneAnswerBringsItBack) {
    for (const RpcClass kind : {kTransport, kUnproved, kNodeTrouble, kTransport}) {
        meet(kind);
        EXPECT_EQ(endpoint().state(), EndpointState::kUndialed);
    }
    meet(kTransport);
    EXPECT_EQ(endpoint().state(), EndpointState::kUnreachable);
    EXPECT_EQ(endpoint().reason(), "bad");
    EXPECT_EQ(endpoint().status().failures, 5U);
    EXPECT_NE(endpoint().not_now().detail.find("tried again in 1000 ms: bad"), std::string::npos);
    // It is not barred: whoever has nothing better may ask.
    ASSERT_TRUE(ask());
    EXPECT_EQ(endpoint().state(), EndpointState::kUndialed);
}

TEST_F(EndpointTest, VerdictsAndQuestionsErrorsAreNoFailures) {
    for (const RpcClass kind :
         {kMethodNotFound,
          kRangeTooLarge,
          kBlockNotFound,
          kPruned,
          kReverted,
          kAlreadyKnown,
          kNonceTooLow,
          kNonceTooHigh,
          kUnderpriced,
          kInsufficientFunds,
          kPoolFull,
          kTxnInvalid,
          kOther}) {
        for (int i = 0; i < 6; ++i) {
            meet(kind);
            meet(kind, send_call());
        }
        EXPECT_EQ(endpoint().failure_count(), 0U) << to_string(kind);
        EXPECT_EQ(endpoint().status().failures, 0U) << to_string(kind);
        EXPECT_TRUE(endpoint().is_ready());
    }
}

TEST_F(EndpointTest, AnInternalErrorThatAnswersATransactionIsNoFailure) {
    for (int i = 0; i < 6; ++i) {
        meet(kNodeTrouble, send_call());
    }
    EXPECT_EQ(endpoint().failure_count(), 0U);
    for (int i = 0; i < 5; ++i) {
        meet(kTransport, send_call());
    }
    EXPECT_EQ(endpoint().state(), EndpointState::kUnreachable);
}

TEST_F(EndpointTest, ARateErrorClosesItUntilRetryAfter) {
    RpcError error(kRateLimited, "slow down");
    error.retry_after = seconds{2};
    script->turns.push_back(Turn{RpcResult<json>(error), {}});
    EXPECT_FALSE(ask());
    EXPECT_EQ(endpoint().state(), EndpointState::kRateLimited);
    const RpcResult<json> refused = ask();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kRateLimited);
    EXPECT_GE(refused.error().retry_after, seconds{2});
    EXPECT_NE(refused.error().detail.find("slow down"), std::string::npos);
    EXPECT_EQ(script->methods.size(), 1U);
    EXPECT_EQ(endpoint().requests(), 1U);
    clock.advance(milliseconds{1999});
    EXPECT_FALSE(ask());
    clock.advance(milliseconds{252});
    EXPECT_TRUE(ask());
    EXPECT_EQ(script->methods.size(), 2U);
    EXPECT_EQ(endpoint().failure_count(), 0U);
}

TEST_F(EndpointTest, TheWorstErrorOfABatchCounts) {
    script->turns = {says(1), fails(kNodeTrouble), fails(kRateLimited), fails(kBlockNotFound)};
    ASSERT_TRUE(loop.run(endpoint().batch(read_calls(4))));
    EXPECT_EQ(endpoint().state(), EndpointState::kRateLimited);
    clock.advance(seconds{30});
    script->turns = {fails(kRateLimited), fails(kRefused)};
    ASSERT_TRUE(loop.run(endpoint().batch(read_calls(2))));
    EXPECT_EQ(endpoint().state(), EndpointState::kParked);
    EXPECT_EQ(loop.run(endpoint().batch(read_calls(2))).error().kind, kRefused);
}

TEST_F(EndpointTest, ARefusalParksItAndItIsAskedOnceAMinute) {
    script->always = fails(kRefused, "monthly capacity limit exceeded");
    for (int second = 0; second < 600; ++second) {
        EXPECT_EQ(ask().error().kind, kRefused);
        clock.advance(seconds{1});
    }
    EXPECT_EQ(script->methods.size(), 10U);
}

TEST_F(EndpointTest, ATransactionIsSentInSpiteOfAPause) {
    meet(kRefused);
    EXPECT_FALSE(ask());
    EXPECT_TRUE(loop.run(endpoint().send(send_call(), seconds{5})));
}

TEST_F(EndpointTest, ANodeThatHangsIsATimeoutWithinTheDeadline) {
    script->always = hangs();
    const auto before = std::chrono::steady_clock::now();
    const RpcResult<json> answer = ask(milliseconds{30});
    EXPECT_LT(std::chrono::steady_clock::now() - before, seconds{2});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, kTransport);
    EXPECT_EQ(answer.error().code, Errc::kTimeout);
    EXPECT_EQ(endpoint().failure_count(), 1U);
    EXPECT_EQ(script->cancelled, 1U);
    EXPECT_EQ(endpoint().running(), 0U);
}

TEST_F(EndpointTest, NoMoreCallsRunAtOnceThanTheSettingsSay) {
    settings.rate.concurrency = 2;
    script->always = says("0x1", milliseconds{5});
    std::vector<Task<RpcResult<json>>> tasks;
    for (int i = 0; i < 9; ++i) {
        tasks.push_back(endpoint().ask(read_call(), seconds{5}));
    }
    const auto answers = loop.run(infra::gather(std::move(tasks)));
    EXPECT_TRUE(std::ranges::all_of(answers, [](const auto& a) { return a.has_value(); }));
    EXPECT_EQ(script->running_max, 2U);
    EXPECT_EQ(endpoint().running(), 0U);
    EXPECT_EQ(endpoint().waiting(), 0U);
}

TEST_F(EndpointTest, AFullQueueIsOverloadAndNoFailureOfTheNode) {
    settings.rate.concurrency = 1;
    limits.waiting = 2;
    script->always = says("0x1", milliseconds{20});
    std::vector<Task<RpcResult<json>>> tasks;
    for (int i = 0; i < 5; ++i) {
        tasks.push_back(endpoint().ask(read_call(), seconds{5}));
    }
    const auto answers = loop.run(infra::gather(std::move(tasks)));
    std::size_t overloaded = 0;
    for (const auto& answer : answers) {
        overloaded += !answer && answer.error().kind == kOverloaded ? 1U : 0U;
    }
    EXPECT_EQ(overloaded, 2U);
    EXPECT_EQ(script->methods.size(), 3U);
    EXPECT_EQ(endpoint().failure_count(), 0U);
}

TEST_F(EndpointTest, ACallThatGetsNoTurnInTimeWasNotAsked) {
    settings.rate.concurrency = 1;
    script->always = says("0x1", milliseconds{200});
    std::vector<Task<RpcResult<json>>> tasks;
    tasks.push_back(endpoint().ask(read_call(), seconds{5}));
    tasks.push_back(endpoint().ask(read_call(), milliseconds{20}));
    tasks.push_back(endpoint().ask(read_call(), seconds{5}));
    const auto answers = loop.run(infra::gather(std::move(tasks)));
    EXPECT_TRUE(answers[0]);
    ASSERT_FALSE(answers[1]);
    EXPECT_EQ(answers[1].error().kind, kOverloaded);
    EXPECT_NE(answers[1].error().detail.find("within 20 ms"), std::string::npos);
    EXPECT_TRUE(answers[2]);
    EXPECT_EQ(script->methods.size(), 2U);
    EXPECT_EQ(endpoint().failure_count(), 0U);
}

TEST_F(EndpointTest, TheBucketHoldsCallsBackAndABatchCostsItsCalls) {
    settings.rate.per_second = 100;
    made.emplace(
        std::make_unique<ScriptedCaller>(script), settings, limits, steady_now(), infra::Logger{}
    );
    ASSERT_TRUE(loop.run(endpoint().batch(read_calls(100))));
    const auto before = std::chrono::steady_clock::now();
    ASSERT_TRUE(loop.run(endpoint().batch(read_calls(5))));
    EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds{30});
    // More than the deadline has room for is refused at once and costs nothing.
    const Results late = loop.run(endpoint().ask_all(read_calls(90), milliseconds{100}));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, kOverloaded);
    ASSERT_TRUE(loop.run(endpoint().ask_all(read_calls(5), milliseconds{500})));
    EXPECT_EQ(endpoint().requests(), 110U);
    EXPECT_EQ(endpoint().failure_count(), 0U);
}

TEST_F(EndpointTest, AWaitingCallIsNotSentOnceTheNodeHasSaidToWait) {
    settings.rate.concurrency = 1;
    script->turns = {fails(kRateLimited, "slow down", milliseconds{5})};
    std::vector<Task<RpcResult<json>>> tasks;
    tasks.push_back(endpoint().ask(read_call(), seconds{5}));
    tasks.push_back(endpoint().ask(read_call(), seconds{5}));
    const auto answers = loop.run(infra::gather(std::move(tasks)));
    EXPECT_EQ(answers[1].error().kind, kRateLimited);
    EXPECT_EQ(script->methods.size(), 1U);
}

TEST_F(EndpointTest, LatencyAndCostAreMeasuredOnItsClock) {
    settings.rate.usd_per_million = Money::parse("2.5").value();
    script->on_call = [this] {
        clock.advance(milliseconds{120});
    };
    for (int i = 0; i < 1000; ++i) {
        ASSERT_TRUE(ask());
    }
    EXPECT_EQ(endpoint().latency().mean().count(), 120);
    EXPECT_EQ(endpoint().latency().p95().count(), 120);
    // 1000 calls in 120 s are 21.6 million in 30 days.
    EXPECT_EQ(endpoint().usd_per_month(), Money::whole(54));
    clock.advance(std::chrono::hours{24 * 30});
    EXPECT_LT(endpoint().usd_per_month(), Money::whole(1));
    EXPECT_GT(endpoint().usd_per_month(), Money{});
}

TEST_F(EndpointTest, BeingLateCountsOnlyWhenTheNodeWasAsked) {
    endpoint().note_late(seconds{1});
    EXPECT_EQ(endpoint().failure_count(), 0U);
    script->always = says("0x1", milliseconds{30});
    const auto note = [](Endpoint* e) -> Task<RpcResult<json>> {
        const milliseconds pause(5);
        co_await infra::sleep_for(pause);
        e->note_late(pause);
        co_return json();
    };
    std::vector<Task<RpcResult<json>>> tasks;
    tasks.push_back(endpoint().ask(read_call(), seconds{5}));
    tasks.push_back(note(&endpoint()));
    static_cast<void>(loop.run(infra::gather(std::move(tasks))));
    EXPECT_EQ(endpoint().status().failures, 1U);
}

TEST_F(EndpointTest, StatusTellsWhatIsKnown) {
    endpoint().mark_dialed();
    endpoint().note_head(BlockNum{77});
    EXPECT_EQ(endpoint().status().state, "alive");
    EXPECT_EQ(endpoint().status().reason, "");
    EXPECT_EQ(endpoint().status().latest, BlockNum{77});
    endpoint().mark_lying("its receipts do not give the root");
    EXPECT_FALSE(endpoint().is_usable());
    EXPECT_EQ(endpoint().status().state, "lying");
    EXPECT_EQ(endpoint().status().reason, "its receipts do not give the root");
    endpoint().forgive();
    endpoint().mark_wrong_chain("chain id 5");
    EXPECT_FALSE(endpoint().is_usable());
    EXPECT_EQ(endpoint().status().state, "wrong-chain");
    EXPECT_EQ(endpoint().status().operator_name, "one");
}

}  // namespace
}  // namespace margrave::chains::rpc
