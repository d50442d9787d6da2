// SPDX-License-Identifier: Apache-2.0
#include "margin/sellable.hpp"

#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string_view>
#include <vector>

namespace margrave::margin::tests {
namespace {

Sellable state(const std::vector<Holding>& rows) {
    return {holdings_of(rows), sample_prices()};
}

Parameters whole_lock() {
    Parameters out = sample_parameters();
    out.liquidation.close_factor = usd("1");
    return out;
}

Result<LiquidationPlan> least(const Sellable& final, const Sellable& provisional) {
    return plan_least(final, provisional, whole_lock(), {});
}

// All that it sells, in raw units, by asset.
std::map<AssetId, Amount> sold_by(const LiquidationPlan& plan) {
    std::map<AssetId, Amount> out;
    for (const PlannedLeg& leg : plan.legs) {
        Amount& sum = out[leg.asset];
        sum = add(sum, leg.seize).value();
    }
    return out;
}

std::map<AssetId, Amount> alone(const Sellable& state) {
    return sold_by(plan_liquidation(state.holdings, state.prices, whole_lock()).value());
}

Sellable owing(std::string_view dollars) {
    return state({holding(eth_on(1), units("2", 18)), holding(usdc_on(1), {}, units(dollars, 6))});
}

TEST(PlanLeast, ARepaymentThatIsNotFinalIsNotSoldFor) {
    const Sellable less = owing("3500");
    const Sellable more = owing("3600");
    ASSERT_NE(alone(less), alone(more));
    ASSERT_FALSE(alone(less).empty());
    EXPECT_EQ(sold_by(least(more, less).value()), alone(less));
    EXPECT_EQ(sold_by(least(less, more).value()), alone(less));
    EXPECT_EQ(sold_by(least(less, less).value()), alone(less));
}

TEST(PlanLeast, NothingIsSoldWhenOneStateIsWell) {
    EXPECT_TRUE(least(owing("3500"), owing("100")).value().legs.empty());
    EXPECT_TRUE(least(owing("100"), owing("3500")).value().legs.empty());
}

// What is better off may seize more: below two thousand all is closed.
TEST(PlanLeast, TakesWhatSeizesLessAndNotWhatIsBetterOff) {
    const auto owing_little = [](std::string_view dollars) {
        return state(
            {holding(eth_on(1), units("1.15", 18)), holding(usdc_on(1), {}, units(dollars, 6))}
        );
    };
    const Sellable above = owing_little("2010");
    const Sellable below = owing_little("1990");
    const auto sold_above = alone(above);
    const auto sold_below = alone(below);
    ASSERT_LT(sold_above.at(eth_on(1)), sold_below.at(eth_on(1)));
    EXPECT_EQ(sold_by(least(above, below).value()), sold_above);
    EXPECT_EQ(sold_by(least(below, above).value()), sold_above);
}

// A debt that moves from one asset to the other is owed once: rows of two states never meet.
TEST(PlanLeast, IsOfOneOfTheTwoStates) {
    const Sellable dollars = owing("3500");
    const Sellable dais =
        state({holding(eth_on(1), units("2", 18)), holding(dai(), {}, units("3500", 18))});
    const auto sold = sold_by(least(dollars, dais).value());
    EXPECT_TRUE(sold == alone(dollars) || sold == alone(dais));
}

TEST(PlanLeast, SellsOnlyWhatIsFreeInBoth) {
    const Sellable final = owing("3500");
    Sellable provisional = final;
    for (Holding& row : provisional.holdings.holdings) {
        row.in_sale = row.asset == eth_on(1) ? units("1.9", 18) : row.in_sale;
    }
    ASSERT_GT(alone(final).at(eth_on(1)), units("0.1", 18));
    for (const auto& plan : {least(final, provisional), least(provisional, final)}) {
        EXPECT_EQ(sold_by(plan.value()).at(eth_on(1)), units("0.1", 18));
    }
    // And nothing of a lot that is in one only.
    const Sellable gone = state({holding(usdc_on(1), {}, units("3500", 6))});
    EXPECT_TRUE(least(final, gone).value().legs.empty());
}

TEST(PlanLeast, OneThatCannotBeValuedIsRefused) {
    const Sellable unknown = state({holding(AssetId::native(ChainId::evm(4'242)), {}, Amount{1})});
    EXPECT_EQ(least(owing("3500"), unknown).error().code, Errc::kUnattestable);
    EXPECT_EQ(least(unknown, owing("3500")).error().code, Errc::kUnattestable);
}

TEST(PlanLeast, TwoAccountsAreAnError) {
    Sellable other = state({});
    other.holdings.account.data[0] = 1;
    EXPECT_EQ(least(state({}), other).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace margrave::margin::tests
