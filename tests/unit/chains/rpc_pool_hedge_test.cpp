// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/rpc_pool_fixture.hpp"

namespace margrave::chains::rpc {
namespace {

class PoolHedgeTest : public PoolTest {
  protected:
    /// The read of a step, in the order of the endpoints.
    OperatorAnswer read(std::size_t calls, milliseconds deadline = seconds{20}) {
        return loop.run(pool->ask_first_of(pool->endpoints(), read_calls(calls), deadline));
    }

    [[nodiscard]] std::uint64_t hedges() const {
        std::uint64_t out = 0;
        for (const SourceStatus& status : pool->status()) {
            out += status.hedges;
        }
        return out;
    }
};

TEST_F(PoolHedgeTest, TheSecondAnswersForASilentFirstAndIsNamed) {
    limits.hedge_percent = 100;
    make({"a1", "b1"});
    slow_down(0, milliseconds{60});
    scripts[0]->always = hangs();
    scripts[1]->always = says("second");
    const OperatorAnswer answer = read(2);
    EXPECT_EQ(answer.endpoint->name(), "b1");
    EXPECT_EQ(answer.operator_name, "b");
    ASSERT_TRUE(answer.answers.has_value());
    EXPECT_EQ(answer.answers.value().at(1).value(), "second");
    EXPECT_LT(since_start(), seconds{10});
    EXPECT_EQ(pool->status().at(1).hedges, 2U) << "each call of the batch";
    EXPECT_EQ(pool->status().at(0).hedges, 0U);
}

TEST_F(PoolHedgeTest, OneCallInTenIsHedgedAndNoMore) {
    make({"a1", "b1"});
    scripts[1]->always = says("second");
    for (int i = 0; i < 9; ++i) {
        ASSERT_TRUE(read(1).answers.has_value());
    }
    EXPECT_EQ(hedges(), 0U);
    scripts[0]->always = hangs();
    EXPECT_EQ(read(1).endpoint->name(), "b1") << "the tenth earns one";
    EXPECT_EQ(hedges(), 1U);
    const OperatorAnswer late = read(1, milliseconds{300});
    EXPECT_FALSE(late.answers.has_value());
    EXPECT_EQ(late.endpoint->name(), "a1");
    EXPECT_EQ(scripts[1]->methods.size(), 1U) << "the budget is spent";
    EXPECT_EQ(hedges(), 1U);
}

TEST_F(PoolHedgeTest, WithoutABudgetNothingIsAskedTwice) {
    limits.hedge_percent = 0;
    make({"a1", "a2"});
    scripts[0]->always = hangs();
    EXPECT_FALSE(read(1, milliseconds{300}).answers.has_value());
    EXPECT_TRUE(scripts[1]->methods.empty());
}

TEST_F(PoolHedgeTest, QuietHoursSaveNoMoreThanSixtyFourCalls) {
    make({"a1", "b1"});
    ASSERT_TRUE(read(5'000).answers.has_value());
    scripts[0]->always = hangs();
    EXPECT_FALSE(read(70, milliseconds{300}).answers.has_value());
    EXPECT_EQ(hedges(), 0U) << "seventy are too many";
    EXPECT_TRUE(read(60).answers.has_value());
    EXPECT_EQ(hedges(), 60U);
}

TEST_F(PoolHedgeTest, TroubleGoesToTheNextAtNoCostToTheBudget) {
    limits.hedge_percent = 0;
    make({"a1", "b1"});
    scripts[0]->always = fails(kNodeTrouble);
    scripts[1]->always = says("second");
    EXPECT_EQ(read(1).endpoint->name(), "b1");
    EXPECT_EQ(hedges(), 0U);
}

TEST_F(PoolHedgeTest, AMethodThatANodeHasNotIsItsAnswerToAStep) {
    make({"a1", "b1"});
    scripts[0]->always = fails(kMethodNotFound);
    const OperatorAnswer answer = read(1);
    EXPECT_EQ(answer.endpoint->name(), "a1");
    EXPECT_TRUE(scripts[1]->methods.empty());
}

TEST_F(PoolHedgeTest, TwoEndpointsOfAnOperatorAreAskedAndGiveOneAnswer) {
    limits.hedge_percent = 100;
    make({"a1", "a2", "b1"});
    slow_down(0, milliseconds{60});
    slow_down(1, milliseconds{70});
    scripts[0]->always = hangs();
    scripts[1]->always = says("second");
    scripts[2]->always = says("other");
    const auto answers = ask(/*enough=*/2, seconds{20});
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].endpoint->name(), "a2");
    EXPECT_EQ(answers[0].answers.value().at(0).value(), "second");
    EXPECT_EQ(answers[1].endpoint->name(), "b1");
    EXPECT_EQ(hedges(), 2U);
    EXPECT_LT(since_start(), seconds{10});
}

TEST_F(PoolHedgeTest, AHedgeThatIsGivenUpLeavesNothingBehind) {
    limits.hedge_percent = 100;
    limits.hedge_min = limits.hedge_max = milliseconds{20};
    make({"a1", "a2", "b1"});
    scripts[0]->always = hangs();
    scripts[1]->always = hangs();
    const auto answers = ask(/*enough=*/1, seconds{20}, milliseconds{500});
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_FALSE(answers[0].answers.has_value());
    EXPECT_TRUE(answers[1].answers.has_value());
    EXPECT_EQ(scripts[0]->running, 0U);
    EXPECT_EQ(scripts[1]->running, 0U);
    EXPECT_EQ(scripts[0]->cancelled, 1U);
    EXPECT_EQ(scripts[1]->cancelled, 1U);
    EXPECT_EQ(at(0).failure_count(), 1U) << "it was asked first, and late";
}

}  // namespace
}  // namespace margrave::chains::rpc
