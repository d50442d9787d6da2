// SPDX-License-Identifier: Apache-2.0
#include "margin/bad_debt.hpp"

#include "margin/liquidation.hpp"
#include "tests/unit/margin/exact.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

AccountHoldings numbered(std::uint8_t id, AccountHoldings holdings) {
    holdings.account.data[0] = id;
    return holdings;
}

AccountHoldings broke(std::uint8_t id, std::string_view eth, std::string_view dais) {
    return numbered(
        id,
        holdings_of({holding(eth_on(1), units(eth, 18)), holding(dai(), Amount{}, units(dais, 18))})
    );
}

BadDebt absorbed(const std::vector<AccountHoldings>& accounts, const LossBearers& bearers) {
    const PriceTable prices = sample_prices();
    const Parameters parameters = sample_parameters();
    const DeadChains none;
    return absorb_bad_debt(accounts, bearers, {prices, parameters, none}).value();
}

Amount sum(const AbsorbedDebt& row) {
    const Amount funds = add(row.reserve, row.insurance).value();
    return add(funds, add(row.socialised, row.uncovered).value()).value();
}

TEST(BadDebt, ThereIsNoneWhileEveryAccountCoversItsDebt) {
    const BadDebt out = absorbed({broke(1, "1", "1900")}, {});
    EXPECT_TRUE(out.rows.empty());
    EXPECT_TRUE(out.debt.is_zero());
}

TEST(BadDebt, TheReservePaysFirstThenTheInsuranceThenTheLenders) {
    const AccountHoldings account = broke(1, "1", "9000");
    const auto plan = plan_liquidation(account, sample_prices(), sample_parameters()).value();
    LossBearers bearers;
    bearers.reserve[dai()] = units("1000", 18);
    bearers.insurance[dai()] = units("500", 18);
    bearers.insurance[usdc_on(1)] = units("1000000", 6);
    bearers.pool[dai()] = units("50000", 18);
    const BadDebt out = absorbed({account}, bearers);
    ASSERT_EQ(out.rows.size(), 1U);
    const AbsorbedDebt& row = out.rows[0];
    EXPECT_EQ(row.asset, dai());
    EXPECT_EQ(row.debt, sub(units("9000", 18), plan.legs.at(0).min_proceeds).value());
    EXPECT_EQ(row.reserve, units("1000", 18));
    EXPECT_EQ(row.insurance, units("500", 18)) << "another token pays nothing here";
    EXPECT_EQ(row.socialised, sub(row.debt, units("1500", 18)).value());
    EXPECT_TRUE(row.uncovered.is_zero());
    ASSERT_EQ(out.pools.size(), 1U);
    EXPECT_EQ(out.pools[0].lost, row.socialised);
    // 5595.24 of 50000, rounded up.
    EXPECT_EQ(out.pools[0].rate.to_decimal(4), "0.1119");
    EXPECT_EQ(out.debt.to_decimal(2), "7095.23");
    EXPECT_EQ(out.reserve, usd("1000"));
}

TEST(BadDebt, TheRiskiestAccountIsServedFirst) {
    LossBearers bearers;
    bearers.reserve[dai()] = units("5000", 18);
    const BadDebt out = absorbed({broke(1, "1", "3000"), broke(2, "1", "9000")}, bearers);
    ASSERT_EQ(out.rows.size(), 2U);
    EXPECT_EQ(out.rows[0].account.data[0], 2);
    EXPECT_EQ(out.rows[0].reserve, units("5000", 18));
    EXPECT_EQ(out.rows[1].uncovered, out.rows[1].debt);
    EXPECT_TRUE(out.pools.empty());
}

TEST(BadDebt, WhatIsOwedAtWatchedContractsIsNotOurPools) {
    const AccountHoldings account = numbered(
        1, holdings_of({with_mapped(holding(dai(), Amount{}), Amount{}, units("9000", 18))})
    );
    EXPECT_TRUE(absorbed({account}, {}).rows.empty());
}

TEST(BadDebtProperty, EveryUnitIsBorneOnceAndNoFundPaysMoreThanItHas) {
    check_property(kCases, [] {
        const Portfolio p = arbitrary_portfolio();
        LossBearers bearers;
        for (const Holding& row : p.holdings.holdings) {
            const auto part = [] {
                return Amount{*rc::gen::inRange<std::uint64_t>(0, 1'000'000'000'000)};
            };
            bearers.reserve[row.asset] = part();
            bearers.insurance[row.asset] = part();
            bearers.pool[row.asset] = part();
        }
        const DeadChains none;
        const BadDebt out =
            absorb_bad_debt({&p.holdings, 1}, bearers, {p.prices, p.parameters, none}).value();
        for (const AbsorbedDebt& row : out.rows) {
            RC_ASSERT(sum(row) == row.debt);
            RC_ASSERT(row.reserve <= bearers.reserve[row.asset]);
            RC_ASSERT(row.insurance.is_zero() || row.reserve == bearers.reserve[row.asset]);
            RC_ASSERT(row.socialised.is_zero() || row.insurance == bearers.insurance[row.asset]);
            RC_ASSERT(row.uncovered.is_zero() || row.socialised == bearers.pool[row.asset]);
        }
        RC_ASSERT(out.rows.empty() || state_of(p).status == Status::kBankrupt);
        RC_TAG(out.rows.size());
    });
}

class DeleveragingTest : public ::testing::Test {
  protected:
    [[nodiscard]] AccountHoldings with_perpetual(
        std::uint8_t id, std::string_view dollars, std::string_view size, std::string_view entry
    ) const {
        return numbered(
            id, trader(units(dollars, 6), {position(parameters, "eth-perp", usd(size), usd(entry))})
        );
    }

    [[nodiscard]] Deleveraging rank(const std::vector<AccountHoldings>& accounts) const {
        return rank_deleveraging(accounts, {prices, parameters, none}).value();
    }

    const Parameters parameters = venue_parameters();
    const PriceTable prices = venue_prices();
    const DeadChains none;
};

// Ether is at 2000. Account 1 lost 1000 on its longs and has 100.
TEST_F(DeleveragingTest, TheMoreLeveragedProfitIsClosedFirst) {
    const Deleveraging out = rank(
        {with_perpetual(1, "100", "10", "2100"),
         with_perpetual(2, "10000", "-5", "2100"),
         with_perpetual(3, "1000", "-5", "2100"),
         with_perpetual(4, "1000", "5", "2100")}
    );
    ASSERT_EQ(out.losses.size(), 1U);
    EXPECT_EQ(out.losses[0].underlying, "eth");
    EXPECT_EQ(out.losses[0].loss, usd("900"));
    EXPECT_EQ(out.losses[0].covered, usd("900"));
    ASSERT_EQ(out.ranking.size(), 2U);
    EXPECT_EQ(out.ranking[0].account.data[0], 3);
    EXPECT_EQ(out.ranking[0].closed, usd("-5"));
    EXPECT_EQ(out.ranking[0].forfeited, usd("500"));
    EXPECT_EQ(out.ranking[1].account.data[0], 2);
    EXPECT_EQ(out.ranking[1].closed, usd("-4"));
    EXPECT_EQ(out.ranking[1].forfeited, usd("400"));
    EXPECT_GT(out.ranking[0].score, out.ranking[1].score);
}

TEST_F(DeleveragingTest, NobodyIsRankedWithoutALoss) {
    const Deleveraging out =
        rank({with_perpetual(1, "100000", "10", "2100"), with_perpetual(2, "10000", "-5", "2100")});
    EXPECT_TRUE(out.losses.empty());
    EXPECT_TRUE(out.ranking.empty());
}

TEST_F(DeleveragingTest, ALossBeyondAllProfitsSaysSo) {
    const Deleveraging out =
        rank({with_perpetual(1, "100", "10", "2100"), with_perpetual(2, "10000", "-1", "2100")});
    EXPECT_EQ(out.losses.at(0).covered, usd("100"));
    EXPECT_EQ(out.ranking.at(0).closed, usd("-1"));
}

}  // namespace
}  // namespace margrave::margin::tests
