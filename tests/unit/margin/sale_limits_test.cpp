// SPDX-License-Identifier: Apache-2.0
#include "margin/sale_limits.hpp"

#include "margin/liquidation.hpp"
#include "tests/unit/margin/exact.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

constexpr UnixSeconds kNow{1'000'000};

Parameters with_market(std::string_view capacity) {
    Parameters out = sample_parameters();
    out.assets[2].market_capacity = usd(capacity);
    out.assets[2].market_window_s = 600;
    return out;
}

Parameters with_ramp(std::string_view start) {
    Parameters out = sample_parameters();
    out.liquidation.bonus_ramp_s = 600;
    out.liquidation.bonus_start = usd(start);
    return out;
}

Money eth_left(const std::vector<OutstandingSale>& sales, const Parameters& parameters) {
    const PriceTable prices = sample_prices();
    const Market market(prices, parameters);
    return capacity_left(sales, market, kNow).value().at("eth");
}

// Ten ether at 2000 against 16,700 dai: 8,079 to repay if nothing binds.
AccountHoldings short_account() {
    return holdings_of(
        {holding(eth_on(1), units("10", 18)), holding(dai(), Amount{}, units("16700", 18))}
    );
}

AccountState state(std::uint8_t id, std::string_view equity, std::string_view maintenance) {
    AccountState out;
    out.account.data[31] = id;
    out.equity = usd(equity);
    out.maintenance = usd(maintenance);
    return out;
}

TEST(SaleCapacity, OnlyAssetsWithACapacityAreLimited) {
    const PriceTable prices = sample_prices();
    const Parameters parameters = with_market("1000");
    const Market market(prices, parameters);
    const SaleCapacity left = capacity_left({}, market, kNow).value();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left.at("eth"), usd("1000"));
}

TEST(SaleCapacity, CountsTheWindowAndWhatIsStillOpen) {
    const Parameters parameters = with_market("10000");
    const OutstandingSale recent{eth_on(1), units("1", 18), UnixSeconds{999'401}, false};
    EXPECT_EQ(eth_left({recent}, parameters), usd("8000"));
    OutstandingSale old = recent;
    old.instructed_at = UnixSeconds{999'400};
    EXPECT_EQ(eth_left({old}, parameters), usd("10000"));
    old.is_open = true;
    EXPECT_EQ(eth_left({recent, old}, parameters), usd("6000"));
}

TEST(SaleCapacity, AllFormsSellIntoOneMarketAtTheirBacking) {
    const Parameters parameters = with_market("10000");
    const OutstandingSale bridged{eth_on(137), units("1", 18), kNow, true};
    const OutstandingSale other{btc(), units("1", 8), kNow, true};
    EXPECT_EQ(eth_left({bridged, other}, parameters), usd("8200"));
    const OutstandingSale large{eth_on(1), units("6", 18), kNow, true};
    EXPECT_EQ(eth_left({large}, parameters), usd("0"));
}

TEST(SaleCapacity, APriceThatCannotBeUsedLeavesNothing) {
    PriceTable prices = sample_prices();
    prices[eth_on(1)].verdict = PriceVerdict::kStale;
    const Parameters parameters = with_market("10000");
    const Market market(prices, parameters);
    const std::vector<OutstandingSale> sales{{eth_on(1), Amount{1}, kNow, true}};
    EXPECT_EQ(capacity_left(sales, market, kNow).value().at("eth"), usd("0"));
}

TEST(SaleCapacity, APlanStaysWithinIt) {
    const PriceTable prices = sample_prices();
    const Parameters parameters = with_market("3150");
    const Market market(prices, parameters);
    PlanLimits limits{capacity_left({}, market, kNow).value(), kFullyUnderWater};
    const LiquidationPlan plan = plan_liquidation(short_account(), market, limits).value();
    ASSERT_EQ(plan.legs.size(), 1U);
    EXPECT_EQ(plan.legs[0].seized_value, usd("3150"));
    EXPECT_EQ(plan.legs[0].repaid_value, usd("3000"));
    EXPECT_TRUE(use_capacity(limits.capacity, plan.legs, parameters));
    EXPECT_EQ(limits.capacity.at("eth"), usd("0"));
    EXPECT_TRUE(plan_liquidation(short_account(), market, limits).value().legs.empty());
}

TEST(BonusRamp, GrowsFromItsStartToTheWhole) {
    const Parameters parameters = with_ramp("0.25");
    const AssetParameters& eth = parameters.assets[2];
    ASSERT_EQ(eth.max_bonus, usd("1.05"));
    EXPECT_EQ(bonus_at(eth, parameters.liquidation, 0).value(), usd("1.0125"));
    EXPECT_EQ(bonus_at(eth, parameters.liquidation, 300).value(), usd("1.03125"));
    EXPECT_EQ(bonus_at(eth, parameters.liquidation, 600).value(), usd("1.05"));
    EXPECT_EQ(bonus_at(eth, parameters.liquidation, kFullyUnderWater).value(), usd("1.05"));
    EXPECT_EQ(bonus_at(parameters.assets[3], parameters.liquidation, 10).value(), usd("0"));
    EXPECT_EQ(bonus_at(eth, sample_parameters().liquidation, 0).value(), usd("1.05"));
}

TEST(BonusRamp, ASmallerBonusSellsLessForTheSameHealth) {
    const PriceTable prices = sample_prices();
    const Parameters parameters = with_ramp("0");
    const Market market(prices, parameters);
    const auto early = plan_liquidation(short_account(), market, {{}, 0}).value();
    const auto late = plan_liquidation(short_account(), market, {{}, 600}).value();
    ASSERT_EQ(early.legs.size(), 1U);
    ASSERT_EQ(late.legs.size(), 1U);
    // 1535 / (1.03 - 0.8) = 6673.9 at no bonus.
    EXPECT_EQ(early.legs[0].repaid_value.to_decimal(2), "6673.91");
    EXPECT_EQ(late.legs[0].repaid_value.to_decimal(2), "8078.94");
    EXPECT_LT(early.legs[0].seize, late.legs[0].seize);
    EXPECT_GE(early.health_after, usd("334"));
}

TEST(Priority, TheLeastEquityPerRequirementComesFirst) {
    // 10 of 20, 10 of 30, below zero, and none required.
    const AccountState half = state(1, "10", "-10");
    const AccountState third = state(2, "10", "-20");
    const AccountState broke = state(3, "-1", "-30");
    const AccountState hopeless = state(4, "-5", "-5");
    const AccountState idle = state(5, "0", "0");
    std::vector<AccountState> all{idle, half, broke, third, hopeless};
    std::ranges::sort(all, is_riskier);
    std::vector<unsigned> order;
    for (const AccountState& one : all) {
        order.push_back(one.account.data[31]);
    }
    EXPECT_EQ(order, (std::vector<unsigned>{4, 3, 2, 1, 5}));
}

TEST(Priority, OfEqualRiskTheLargerComesFirstAndThenTheNumber) {
    EXPECT_TRUE(is_riskier(state(9, "20", "-20"), state(1, "10", "-10")));
    EXPECT_TRUE(is_riskier(state(1, "10", "-10"), state(2, "10", "-10")));
    EXPECT_FALSE(is_riskier(state(1, "10", "-10"), state(1, "10", "-10")));
}

Money debt_value(const AccountHoldings& holdings, const Portfolio& p) {
    Money out;
    const Market market(p.prices, p.parameters);
    for (const Holding& row : holdings.holdings) {
        const Market::Form* form = market.find(row.asset);
        if (form != nullptr && form->trouble == 0) {
            const auto value = value_of(row.debt, form->asset->decimals, form->price, Round::kUp);
            out = add(out, value.value()).value();
        }
    }
    return out;
}

TEST(LimitsProperty, NoPlanLowersHealthOrAddsDebt) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        p.parameters.liquidation.bonus_ramp_s = 600;
        const Market market(p.prices, p.parameters);
        PlanLimits limits;
        limits.under_water_s = *rc::gen::inRange<std::uint64_t>(0, 700);
        for (const AssetParameters& asset : p.parameters.assets) {
            limits.capacity[asset.name] = Money::whole(*rc::gen::inRange<std::int64_t>(0, 100'000));
        }
        const LiquidationPlan plan = plan_liquidation(p.holdings, market, limits).value();
        const AccountHoldings after = executed(p.holdings, plan);
        RC_ASSERT(plan.health_after >= plan.health_before);
        RC_ASSERT(state_of({p.parameters, p.prices, after}).liquidation_end == plan.health_after);
        RC_ASSERT(debt_value(after, p) <= debt_value(p.holdings, p));
        for (const PlannedLeg& leg : plan.legs) {
            const AssetParameters& asset = *p.parameters.find(leg.asset);
            const Money bonus =
                bonus_at(asset, p.parameters.liquidation, limits.under_water_s).value();
            RC_ASSERT(bonus <= asset.max_bonus);
            const Money most = mul(leg.repaid_value, bonus, Round::kUp).value();
            RC_ASSERT(exact(leg.seized_value) <= exact(most) + 4);
        }
        RC_TAG(plan.legs.size());
    });
}

// Whatever the order in which accounts come, what all of them sell of an asset fits its market.
TEST(LimitsProperty, TheCapacityHoldsInAnyOrderOfAccounts) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        for (AssetParameters& asset : p.parameters.assets) {
            asset.market_capacity = Money::whole(*rc::gen::inRange<std::int64_t>(1, 50'000));
            asset.market_window_s = 600;
        }
        const Market market(p.prices, p.parameters);
        std::vector<AccountHoldings> accounts(5, p.holdings);
        for (std::size_t i = 0; i < accounts.size(); ++i) {
            const std::uint64_t factor = *rc::gen::inRange<std::uint64_t>(1, 4);
            for (Holding& row : accounts[i].holdings) {
                const Amount debt = row.debt;
                for (std::uint64_t n = 1; n < factor; ++n) {
                    row.debt = add(row.debt, debt).value();
                }
                row.mapped_debt = Amount{};
            }
        }
        for (std::size_t i = accounts.size(); i > 1; --i) {
            std::swap(accounts[i - 1], accounts[*rc::gen::inRange<std::size_t>(0, i)]);
        }
        std::vector<OutstandingSale> sales;
        std::map<std::string, Money> sold;
        for (const AccountHoldings& holdings : accounts) {
            PlanLimits limits;
            limits.capacity = capacity_left(sales, market, kNow).value();
            const auto plan = plan_liquidation(holdings, market, limits);
            if (!plan) {
                continue;
            }
            for (const PlannedLeg& leg : plan.value().legs) {
                sales.push_back({leg.asset, leg.seize, kNow, true});
                Money& sum = sold[p.parameters.find(leg.asset)->name];
                sum = add(sum, leg.seized_value).value();
            }
        }
        for (const AssetParameters& asset : p.parameters.assets) {
            RC_ASSERT(sold[asset.name] <= asset.market_capacity);
        }
        RC_TAG(sales.size());
    });
}

TEST(LimitsProperty, TheOrderOfRiskIsStrict) {
    check_property(kCases, [] {
        const auto arbitrary = [](std::uint8_t id) {
            const std::int64_t equity = *rc::gen::inRange<std::int64_t>(-3, 4);
            const std::int64_t required = *rc::gen::inRange<std::int64_t>(0, 4);
            AccountState out;
            out.account.data[31] = id;
            out.equity = Money::whole(equity);
            out.maintenance = Money::whole(equity - required);
            return out;
        };
        const AccountState a = arbitrary(1);
        const AccountState b = arbitrary(2);
        const AccountState c = arbitrary(3);
        RC_ASSERT(is_riskier(a, b) != is_riskier(b, a));
        RC_ASSERT(!(is_riskier(a, b) && is_riskier(b, c)) || is_riskier(a, c));
    });
}

}  // namespace
}  // namespace margrave::margin::tests
