// SPDX-License-Identifier: Apache-2.0
#include "margin/orders.hpp"

#include "margin/moves.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

PriceOrder stop_loss() {
    PriceOrder out;
    out.account = account();
    out.watched = eth_on(1);
    out.trigger = usd("1800");
    out.sell = eth_on(1);
    out.amount = units("4", 18);
    out.proceeds = dai();
    out.valid_from = UnixSeconds{100};
    out.expiry = UnixSeconds{200};
    return out;
}

PriceRow at(std::string_view price) {
    PriceRow out = sample_prices().at(eth_on(1));
    out.price = usd(price);
    return out;
}

TEST(PriceOrder, AStopIsTriggeredAtItsPriceAndBelow) {
    EXPECT_FALSE(is_triggered(stop_loss(), at("1800.01"), UnixSeconds{150}));
    EXPECT_TRUE(is_triggered(stop_loss(), at("1800"), UnixSeconds{150}));
    PriceOrder profit = stop_loss();
    profit.below = false;
    EXPECT_TRUE(is_triggered(profit, at("1800"), UnixSeconds{150}));
    EXPECT_FALSE(is_triggered(profit, at("1799.99"), UnixSeconds{150}));
}

TEST(PriceOrder, OnlyWithinItsTimeAndByAPriceThatMayBeUsed) {
    EXPECT_FALSE(is_triggered(stop_loss(), at("1"), UnixSeconds{99}));
    EXPECT_TRUE(is_triggered(stop_loss(), at("1"), UnixSeconds{100}));
    EXPECT_TRUE(is_triggered(stop_loss(), at("1"), UnixSeconds{200}));
    EXPECT_FALSE(is_triggered(stop_loss(), at("1"), UnixSeconds{201}));
    PriceRow stale = at("1");
    stale.verdict = PriceVerdict::kStale;
    EXPECT_FALSE(is_triggered(stop_loss(), stale, UnixSeconds{150}));
    PriceRow other = at("1");
    other.asset = dai();
    EXPECT_FALSE(is_triggered(stop_loss(), other, UnixSeconds{150}));
}

LiquidationPlan sale(const std::vector<Holding>& rows, const PriceOrder& order) {
    const PriceTable prices = sample_prices();
    const Parameters parameters = sample_parameters();
    const Market market(prices, parameters);
    const auto out = plan_sale(holdings_of(rows), order, market);
    EXPECT_TRUE(out) << out.error().detail;
    return out ? out.value() : LiquidationPlan{};
}

TEST(OrderSale, AHealthyAccountSellsWhatWasAskedAtTheFloor) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("10", 18)), holding(dai(), Amount{}, units("9000", 18))};
    const LiquidationPlan plan = sale(rows, stop_loss());
    ASSERT_EQ(plan.legs.size(), 1U);
    EXPECT_EQ(plan.legs[0].seize, units("4", 18));
    // 8000 over 1.05, rounded up.
    EXPECT_EQ(plan.legs[0].min_proceeds.to_string(), "7619047619047619047619");
    EXPECT_FALSE(plan.health_before.is_negative());
    EXPECT_GT(plan.health_after, plan.health_before);
    const AccountHoldings after = executed(holdings_of(rows), plan);
    EXPECT_EQ(state_of(after, sample_prices()).liquidation_end, plan.health_after);
}

TEST(OrderSale, SellsNoMoreThanLiesFreeAndNothingOfNothing) {
    Holding lot = holding(eth_on(1), units("3", 18));
    lot.in_sale = units("1", 18);
    EXPECT_EQ(sale({lot}, stop_loss()).legs.at(0).seize, units("2", 18));
    EXPECT_TRUE(sale({holding(usdc_on(1), units("1", 6))}, stop_loss()).legs.empty());
}

TEST(OrderSale, WhatIsPaidBeyondTheDebtBecomesCollateral) {
    const std::vector<Holding> rows{
        holding(eth_on(1), units("10", 18)), holding(dai(), Amount{}, units("1000", 18))};
    const LiquidationPlan plan = sale(rows, stop_loss());
    const AccountHoldings after = executed(holdings_of(rows), plan);
    for (const Holding& row : after.holdings) {
        if (row.asset == dai()) {
            EXPECT_TRUE(row.debt.is_zero());
            EXPECT_EQ(row.collateral, sub(plan.legs.at(0).min_proceeds, units("1000", 18)).value());
        }
    }
    EXPECT_EQ(state_of(after, sample_prices()).liquidation_end, plan.health_after);
}

TEST(OrderSale, WhatIsNoSaleIsRefused) {
    const PriceTable prices = sample_prices();
    const Parameters parameters = sample_parameters();
    const Market market(prices, parameters);
    const AccountHoldings holdings = holdings_of({holding(eth_on(1), units("1", 18))});
    const auto refused = [&](const AssetId& sell, const AssetId& proceeds) {
        PriceOrder order = stop_loss();
        order.sell = sell;
        order.proceeds = proceeds;
        const auto plan = plan_sale(holdings, order, market);
        return !plan && plan.error().code == Errc::kInvalid;
    };
    EXPECT_TRUE(refused(eth_on(1), usdc_on(10))) << "two chains";
    EXPECT_TRUE(refused(eth_on(1), eth_on(1))) << "one asset";
    EXPECT_TRUE(refused(junk(), dai())) << "not seizable";
    EXPECT_TRUE(refused(AssetId::native(ChainId::evm(7)), dai())) << "unknown";
}

}  // namespace
}  // namespace margrave::margin::tests
