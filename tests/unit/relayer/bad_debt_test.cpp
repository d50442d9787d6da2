// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/bad_debt.hpp"

#include "core/interest.hpp"
#include "core/keccak.hpp"
#include "relayer/round_view.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace margrave::relayer::tests {
namespace {

class BadDebtReportTest : public WorldTest {
  protected:
    [[nodiscard]] BadDebtReport report() const {
        const ReplayedRound round = replay();
        return bad_debt_of(round, *world.ledger, funds).value();
    }

    [[nodiscard]] ReplayedRound replay() const {
        return replay_round(
                   world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{0}
        )
            .value();
    }

    void set_price(std::string_view price) {
        world.eth_price = usd(price);
        world.eth_published = world.clock.now();
        ASSERT_OK(world.round());
    }

    config::FundSettings funds;
};

TEST_F(BadDebtReportTest, AHealthyLedgerHasNone) {
    give_loan(account(1), 1, 1'000);
    EXPECT_TRUE(report().is_empty());
    EXPECT_EQ(bad_debt_text(report(), replay().parameters).substr(0, 11), "no bad debt");
}

TEST_F(BadDebtReportTest, TheFundsOfTheConfigPayBeforeTheLendersOfThePool) {
    funds.reserve = low_address(keccak256("reserve"));
    funds.insurance = low_address(keccak256("insurance"));
    world.settle(
        0,
        {deposit(account_of(*funds.reserve), dollar_token(), dollars(100)),
         deposit(account_of(*funds.insurance), dollar_token(), dollars(50))}
    );
    give_loan(account(1), 1, 1'000);
    set_price("700");
    const BadDebtReport out = report();
    ASSERT_EQ(out.debt.rows.size(), 1U);
    const margin::AbsorbedDebt& row = out.debt.rows.front();
    EXPECT_EQ(row.account, account(1));
    EXPECT_EQ(row.reserve, dollars(100));
    EXPECT_EQ(row.insurance, dollars(50));
    EXPECT_FALSE(row.socialised.is_zero());
    EXPECT_TRUE(row.uncovered.is_zero());
    // A coin of 700 at a bonus of 5 % pays 666.67 of the 1000.
    EXPECT_EQ(out.debt.debt.to_decimal(0), "333");
    ASSERT_EQ(out.debt.pools.size(), 1U);
    EXPECT_EQ(out.debt.pools.front().lost, row.socialised);
    const nlohmann::json document = bad_debt_json(out, replay().parameters);
    EXPECT_EQ(document["debts"][0]["reserve"], "100000000");
    EXPECT_EQ(document["pools"][0]["lost"], row.socialised.to_string());
    const std::string text = bad_debt_text(out, replay().parameters);
    EXPECT_NE(text.find("lenders of"), std::string::npos) << text;
}

// Both sides count what no posting has booked yet: a pool that lent all it has to one is owed what
// he owes.
TEST_F(BadDebtReportTest, LendersAreOwedTheInterestThatDebtsCount) {
    give_loan(account(1), 1, 1'000);
    MappedEvent rate;
    rate.source = keccak256(std::string_view("rates"));
    rate.what = MappedRate{dollar_token(), yearly_rate(Amount{50}, 2, false)};
    world.settle(0, {rate});
    world.wait(kSecondsOfYear / 4);
    world.watch_all();
    set_price("700");
    const BadDebtReport out = report();
    ASSERT_EQ(out.debt.pools.size(), 1U);
    const AccountHoldings owed = world.ledger->holdings(account(1), as_of(replay())).value();
    const auto debt = std::ranges::find(owed.holdings, usd_on(world.id(0)), &Holding::asset);
    ASSERT_NE(debt, owed.holdings.end());
    EXPECT_GT(debt->debt, dollars(1'100));
    EXPECT_EQ(out.debt.pools.front().pool, debt->debt);
}

}  // namespace
}  // namespace margrave::relayer::tests
