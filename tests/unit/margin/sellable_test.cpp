// SPDX-License-Identifier: Apache-2.0
#include "margin/sellable.hpp"

#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace margrave::margin::tests {
namespace {

Sellable state(const std::vector<Holding>& rows) {
    return {holdings_of(rows), sample_prices()};
}

Result<Sellable> better(Sellable firm, Sellable provisional) {
    return better_off(std::move(firm), std::move(provisional), sample_parameters());
}

TEST(BetterOff, ARepaymentThatIsNotFinalIsNotSoldFor) {
    const auto rows = [](std::string_view owed) {
        return std::vector<Holding>{
            holding(eth_on(1), units("1", 18)), holding(usdc_on(1), {}, units(owed, 6))};
    };
    const Sellable owes_less = state(rows("1800"));
    const Sellable owes_more = state(rows("1900"));
    EXPECT_EQ(better(owes_more, owes_less).value().holdings, owes_less.holdings);
    EXPECT_EQ(better(owes_less, owes_more).value().holdings, owes_less.holdings);
}

// A debt that moves from one asset to the other is owed once: rows of two states never meet.
TEST(BetterOff, IsOneOfTheTwoStates) {
    const Sellable dollars =
        state({holding(eth_on(1), units("1", 18)), holding(usdc_on(1), {}, units("1900", 6))});
    const Sellable dais =
        state({holding(eth_on(1), units("1", 18)), holding(dai(), {}, units("1901", 18))});
    EXPECT_EQ(better(dollars, dais).value().holdings, dollars.holdings);
    EXPECT_EQ(better(dais, dollars).value().holdings, dollars.holdings);
}

TEST(BetterOff, SellsOnlyWhatIsFreeInBoth) {
    Holding in_auction = holding(eth_on(1), units("2", 18));
    in_auction.in_sale = units("0.5", 18);
    const Sellable firm = state({in_auction, holding(btc(), units("1", 8))});
    const Sellable provisional = state({holding(eth_on(1), units("1", 18))});
    const Sellable out = better(firm, provisional).value();
    ASSERT_EQ(out.holdings.holdings.size(), 2U);
    for (const Holding& row : out.holdings.holdings) {
        const bool is_ether = row.asset == eth_on(1);
        EXPECT_EQ(row.collateral, is_ether ? units("2", 18) : units("1", 8)) << "all of it counts";
        EXPECT_EQ(row.free(), is_ether ? units("1", 18) : Amount{});
    }
    const Sellable again = better(provisional, firm).value();
    EXPECT_EQ(again.holdings, out.holdings);
}

TEST(BetterOff, OneThatCannotBeValuedComesFirst) {
    const Sellable valued = state({holding(eth_on(1), units("1", 18))});
    const Sellable unknown = state({holding(AssetId::native(ChainId::evm(4'242)), {}, Amount{1})});
    EXPECT_EQ(better(valued, unknown).value().holdings, unknown.holdings);
    EXPECT_EQ(better(unknown, valued).value().holdings, unknown.holdings);
}

TEST(BetterOff, TwoAccountsAreAnError) {
    Sellable other = state({});
    other.holdings.account.data[0] = 1;
    EXPECT_EQ(better(state({}), other).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace margrave::margin::tests
