// SPDX-License-Identifier: Apache-2.0
#include "margin/liquidation.hpp"

#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

LiquidationPlan plan(
    const std::vector<Holding>& rows,
    const Parameters& parameters = sample_parameters(),
    const PriceTable& prices = sample_prices()
) {
    const auto out = plan_liquidation(holdings_of(rows), prices, parameters);
    EXPECT_TRUE(out) << out.error().detail;
    return out ? out.value() : LiquidationPlan{};
}

Money health_after(const std::vector<Holding>& rows, const LiquidationPlan& plan) {
    return tests::state_of(executed(holdings_of(rows), plan), sample_prices()).liquidation_end;
}

// |a - b| is at most `bound`.
void expect_near(const Money& a, const Money& b, const Money& bound) {
    const Money distance = sub(max(a, b), min(a, b)).value();
    EXPECT_LE(distance, bound) << a.to_decimal() << " and " << b.to_decimal();
}

TEST(Liquidation, NothingIsPlannedWhileLiquidationEndHealthHolds) {
    const LiquidationPlan out =
        plan({holding(eth_on(1), units("1", 18)), holding(dai(), Amount{}, units("1500", 18))});
    EXPECT_TRUE(out.legs.empty());
    EXPECT_EQ(out.health_before, usd("55"));
    EXPECT_EQ(out.health_after, usd("55"));
}

// 10 eth at 2000, liquidation-end weight 0.8: 16000. 16700 dai at 1.03: 17201. H = -1201.
// T = 0.02 * 16700 = 334. x = 1535 / (1.03 - 0.8 * 1.05) = 8078.947...
TEST(Liquidation, SeizesWhatTheLinearFormSays) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("10", 18)), holding(dai(), Amount{}, units("16700", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.health_before, usd("-1201"));
    const PlannedLeg& leg = out.legs[0];
    EXPECT_EQ(leg.asset, eth_on(1));
    EXPECT_EQ(leg.debt_asset, dai());
    expect_near(leg.repaid_value, usd("8078.947368421052631579"), Money::from_e18(100));
    expect_near(leg.seized_value, usd("8482.894736842105263157"), Money::from_e18(3000));
    EXPECT_EQ(
        leg.min_proceeds, units_for(leg.repaid_value, 18, Money::whole(1), Round::kUp).value()
    );
    expect_near(out.health_after, usd("334"), Money::from_e18(3000));
    EXPECT_EQ(out.health_after, health_after(rows, out));
}

TEST(Liquidation, TheCloseFactorCapsOneLock) {
    // 11.5 eth short of 20000 dai: 0.5 of the debt is less than x.
    const std::vector<Holding> rows{
        holding(eth_on(1), units("11.5", 18)), holding(dai(), Amount{}, units("20000", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].repaid_value, usd("10000"));
    EXPECT_EQ(out.legs[0].min_proceeds, units("10000", 18));
    EXPECT_EQ(out.legs[0].seize, units("5.25", 18));
    EXPECT_GT(out.health_after, out.health_before);
    EXPECT_TRUE(out.health_after.is_negative());
}

TEST(Liquidation, ASmallDebtIsClosedAtOnce) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("1.2", 18)), holding(dai(), Amount{}, units("1990", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].min_proceeds, units("1990", 18));
    EXPECT_EQ(out.legs[0].seize, units("1.04475", 18));
    const AccountState after = tests::state_of(executed(holdings_of(rows), out), sample_prices());
    EXPECT_EQ(after.status, Status::kHealthy);
    EXPECT_EQ(after.flags & flags::kHasDebt, 0U);
}

TEST(Liquidation, RepaysOnlyWhereTheDebtAssetHasATokenOnTheChain) {
    // btc is on chain 1 only, dai too; the ether on chain 10 cannot be sold for dai.
    const std::vector<Holding> rows{
        holding(eth_on(10), units("10", 18)), holding(dai(), Amount{}, units("16700", 18))};
    EXPECT_TRUE(plan(rows).legs.empty());
    EXPECT_EQ(plan(rows).health_after, plan(rows).health_before);
}

TEST(Liquidation, SellsOnAnotherChainForTheSameAssetThere) {
    // The debt lies on chain 1, the collateral on 10: proceeds are usdc on 10 and net over chains.
    const std::vector<Holding> rows{
        holding(eth_on(10), units("10", 18)), holding(usdc_on(1), Amount{}, units("16700", 6))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].asset, eth_on(10));
    EXPECT_EQ(out.legs[0].debt_asset, usdc_on(10));
    expect_near(out.health_after, usd("334"), usd("0.00001"));
    EXPECT_GE(out.health_after, usd("334"));
}

// What is owed there and is worth no leg shields nothing: the proceeds repay it, and the rest nets.
TEST(Liquidation, ASpeckOwedOnTheChainOfTheCollateralShieldsNothing) {
    for (const char* speck : {"0.000001", "10", "47"}) {
        const std::vector<Holding> rows{
            holding(eth_on(10), units("10", 18)),
            holding(usdc_on(1), Amount{}, units("16700", 6)),
            holding(usdc_on(10), Amount{}, units(speck, 6))};
        const LiquidationPlan out = plan(rows);
        ASSERT_EQ(out.legs.size(), 1U) << speck;
        EXPECT_EQ(out.legs[0].asset, eth_on(10));
        EXPECT_EQ(out.legs[0].debt_asset, usdc_on(10));
        EXPECT_FALSE(out.health_after.is_negative()) << speck;
        EXPECT_EQ(out.health_after, health_after(rows, out));
    }
}

TEST(Liquidation, TakesSeveralLegsWhenOneVaultIsNotEnough) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("1", 18)),
        holding(eth_on(10), units("9", 18)),
        holding(usdc_on(1), Amount{}, units("16700", 6))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 2U);
    EXPECT_EQ(out.legs[0].asset, eth_on(1));
    EXPECT_EQ(out.legs[0].debt_asset, usdc_on(1));
    EXPECT_EQ(out.legs[0].seize, units("1", 18));
    EXPECT_EQ(out.legs[1].asset, eth_on(10));
    EXPECT_EQ(out.legs[1].debt_asset, usdc_on(10));
    EXPECT_GE(out.health_after, usd("334"));
    EXPECT_EQ(out.health_after, health_after(rows, out));
}

TEST(Liquidation, WhatLiesInAnAuctionIsNotSeizedAgain) {
    Holding lot = holding(eth_on(1), units("10", 18));
    lot.in_sale = units("9.5", 18);
    const LiquidationPlan out = plan({lot, holding(dai(), Amount{}, units("16700", 18))});
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].seize, units("0.5", 18));
}

TEST(Liquidation, TakesTheBestHealingFirst) {
    // Healing per dollar: btc 1.03 - 0.75 * 1.05 = 0.2425, eth 1.03 - 0.84 = 0.19.
    const std::vector<Holding> rows{
        holding(btc(), units("0.2", 8)),
        holding(eth_on(1), units("5", 18)),
        holding(dai(), Amount{}, units("16700", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].asset, btc());
}

TEST(Liquidation, NeverSeizesAnAssetWhoseNetIsDebt) {
    // Ether on chain 1 is covered by more ether owed on chain 10.
    const std::vector<Holding> rows{
        holding(eth_on(1), units("1", 18)),
        holding(eth_on(10), Amount{}, units("5", 18)),
        holding(btc(), units("0.1", 8))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].asset, btc());
    EXPECT_EQ(out.legs[0].debt_asset, eth_on(1));
}

TEST(Liquidation, NeverSeizesMoreThanTheNetOfTheGroup) {
    // Net ether is 1 although 4 lie on chain 1.
    const std::vector<Holding> rows{
        holding(eth_on(1), units("4", 18)),
        holding(eth_on(10), Amount{}, units("3", 18)),
        holding(dai(), Amount{}, units("10000", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_LE(out.legs[0].seize, units("1", 18));
    EXPECT_GT(out.legs[0].seize, units("0.999999999999999", 18));
    EXPECT_GT(out.health_after, out.health_before);
}

TEST(Liquidation, AnAssetThatMayNotBeSeizedIsLeftAlone) {
    EXPECT_TRUE(plan({holding(junk(), units("100000", 18)),
                      holding(dai(), Amount{}, units("5000", 18))})
                    .legs.empty());
}

TEST(Liquidation, ABridgedTokenIsSoldAtItsBacking) {
    const std::vector<Holding> rows{
        holding(eth_on(137), units("10", 18)), holding(usdc_on(137), Amount{}, units("15000", 6))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    const Money value = value_of(out.legs[0].seize, 18, usd("1800"), Round::kDown).value();
    expect_near(value, out.legs[0].seized_value, Money::from_e18(3000));
    EXPECT_EQ(out.health_after, health_after(rows, out));
}

TEST(Liquidation, ALotBelowDustIsLeft) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("0.0249", 18)), holding(dai(), Amount{}, units("5000", 18))};
    EXPECT_TRUE(plan(rows).legs.empty());
    const std::vector<Holding> more{
        holding(eth_on(1), units("0.0251", 18)), holding(dai(), Amount{}, units("5000", 18))};
    EXPECT_EQ(plan(more).legs.size(), 1U);
}

TEST(Liquidation, ANeedBelowDustIsRaisedToItWhileHealthIsNegative) {
    Parameters parameters = sample_parameters();
    parameters.liquidation.target_buffer = usd("0");
    // H = 16000 - 1.03 * 15534 = -0.02; x = 0.11, a dollar of collateral at most.
    const LiquidationPlan out = plan(
        {holding(eth_on(1), units("10", 18)), holding(dai(), Amount{}, units("15534", 18))},
        parameters
    );
    ASSERT_EQ(out.legs.size(), 1U);
    expect_near(out.legs[0].seized_value, usd("50"), Money::from_e18(3000));
    EXPECT_GT(out.health_after, usd("9"));
}

TEST(Liquidation, ABankruptAccountSellsWhatItHas) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("1", 18)), holding(dai(), Amount{}, units("9000", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].seize, units("1", 18));
    expect_near(out.legs[0].repaid_value, usd("1904.761904761904761904"), Money::from_e18(10));
    EXPECT_TRUE(out.health_after.is_negative());
}

TEST(Liquidation, TheSamePlanWhateverTheOrderAndTheSplitOfRows) {
    AccountHoldings holdings = holdings_of(
        {holding(eth_on(1), units("1", 18)),
         holding(eth_on(10), units("9", 18)),
         holding(usdc_on(1), Amount{}, units("16700", 6))}
    );
    const auto before = plan_liquidation(holdings, sample_prices(), sample_parameters()).value();
    std::ranges::reverse(holdings.holdings);
    ASSERT_EQ(holdings.holdings[2].asset, usdc_on(1));
    holdings.holdings[2].debt = units("16000", 6);
    holdings.holdings.push_back(holding(usdc_on(1), Amount{}, units("700", 6)));
    const auto after = plan_liquidation(holdings, sample_prices(), sample_parameters()).value();
    ASSERT_EQ(before.legs.size(), after.legs.size());
    for (std::size_t i = 0; i < before.legs.size(); ++i) {
        EXPECT_EQ(before.legs[i].asset, after.legs[i].asset);
        EXPECT_EQ(before.legs[i].seize, after.legs[i].seize);
        EXPECT_EQ(before.legs[i].debt_asset, after.legs[i].debt_asset);
        EXPECT_EQ(before.legs[i].min_proceeds, after.legs[i].min_proceeds);
    }
}

TEST(Liquidation, AnAccountThatCannotBeValuedHasNoPlan) {
    const AssetId unknown = AssetId::native(ChainId::evm(4'242));
    const auto out = plan_liquidation(
        holdings_of({holding(unknown, Amount{}, Amount{1})}), sample_prices(), sample_parameters()
    );
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, Errc::kUnattestable);
    EXPECT_NE(out.error().detail.find("asset not in the parameters"), std::string::npos);
}

TEST(Liquidation, NothingThatLiesOutsideIsSeized) {
    const std::vector<Holding> rows{
        with_mapped(holding(eth_on(1), units("2", 18)), units("8", 18)),
        holding(dai(), Amount{}, units("16700", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    // The same account with all ten in the vault would lose more than four.
    EXPECT_EQ(out.legs[0].seize, units("2", 18));
    EXPECT_EQ(out.health_after, health_after(rows, out));
    const LiquidationPlan none = plan(
        {with_mapped(holding(eth_on(1), Amount{}), units("10", 18)),
         holding(dai(), Amount{}, units("16700", 18))}
    );
    EXPECT_TRUE(none.legs.empty());
    EXPECT_TRUE(none.health_before.is_negative());
}

TEST(Liquidation, ADebtThatIsOwedOutsideIsNotRepaidButNetsWithTheProceeds) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("10", 18)),
        with_mapped(holding(dai(), Amount{}, units("700", 18)), Amount{}, units("16000", 18))};
    const LiquidationPlan out = plan(rows);
    ASSERT_EQ(out.legs.size(), 1U);
    EXPECT_EQ(out.legs[0].debt_asset, dai());
    const AccountHoldings after = executed(holdings_of(rows), out);
    for (const Holding& row : after.holdings) {
        if (row.asset == dai()) {
            EXPECT_EQ(row.own_debt(), Amount{});
            EXPECT_EQ(row.mapped_debt, units("16000", 18));
            EXPECT_FALSE(row.collateral.is_zero());
        }
    }
    EXPECT_EQ(out.health_after, health_after(rows, out));
    EXPECT_GT(out.health_after, out.health_before);
}

}  // namespace
}  // namespace margrave::margin::tests
