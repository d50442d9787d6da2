// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <algorithm>

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

class Holdings : public LedgerTest {};

TEST_F(Holdings, AChainThatIsNotNamedCountsNothing) {
    TestChain other(2);
    define(other);
    store_.apply(other, other.blocks().front());
    store_.apply(other, other.push({deposit(kAlice, usd(), 7), position(kAlice, 1, 2)}));
    block({deposit(kAlice, usd(), 5)});
    const auto only_first = STORE_OK(ledger().holdings(kAlice, head()));
    ASSERT_EQ(only_first.holdings.size(), 1U);
    EXPECT_EQ(only_first.holdings[0].collateral, amount(5));
    EXPECT_TRUE(only_first.positions.empty());
    const AsOf second{{other.id(), other.head().number}};
    const auto only_second = STORE_OK(ledger().holdings(kAlice, second));
    ASSERT_EQ(only_second.holdings.size(), 1U);
    EXPECT_EQ(only_second.holdings[0].collateral, amount(7));
    EXPECT_EQ(only_second.positions.size(), 1U);
    EXPECT_TRUE(STORE_OK(ledger().holdings(kAlice, {})).holdings.empty());
    EXPECT_TRUE(STORE_OK(ledger().all_holdings({})).empty());
    EXPECT_EQ(STORE_OK(ledger().holdings_at_head(kAlice)).holdings.size(), 2U);
}

TEST_F(Holdings, EachChainIsReadAtItsOwnBlock) {
    TestChain other(2);
    define(other);
    store_.apply(other, other.blocks().front());
    for (std::uint64_t i = 1; i <= 4; ++i) {
        block({deposit(kAlice, usd(), 1)});
        store_.apply(other, other.push({deposit(kAlice, usd(), 10)}));
    }
    const AsOf mixed{
        {chain_.id(), BlockNum{chain_.head().number.value - 3}},
        {other.id(), BlockNum{other.head().number.value - 1}}};
    const auto h = STORE_OK(ledger().holdings(kAlice, mixed));
    ASSERT_EQ(h.holdings.size(), 2U);
    EXPECT_EQ(h.holdings[0].collateral, amount(1));
    EXPECT_EQ(h.holdings[1].collateral, amount(30));
}

TEST_F(Holdings, HoldingsAscendByAssetAndPositionsByMarket) {
    const AssetId early = AssetId::erc20(chain_.id(), address(1));
    STORE_OK(ledger().define(early, 18));
    block({deposit(kAlice, eth(), 1), deposit(kAlice, usd(), 2), deposit(kAlice, address(1), 3)});
    block({position(kAlice, 9, 1), position(kAlice, 2, 1), position(kAlice, 5, 1)});
    const auto h = STORE_OK(ledger().holdings_at_head(kAlice));
    ASSERT_EQ(h.holdings.size(), 3U);
    EXPECT_TRUE(std::ranges::is_sorted(h.holdings, {}, &Holding::asset));
    EXPECT_EQ(h.holdings[0].asset, early);
    ASSERT_EQ(h.positions.size(), 3U);
    EXPECT_TRUE(std::ranges::is_sorted(h.positions, {}, &VenuePosition::market));
}

TEST_F(Holdings, AllHoldingsAscendByAccountAndLeaveOutTheEmptyOnes) {
    block({deposit(kBob, usd(), 5), deposit(kAlice, usd(), 5), deposit(account(3), usd(), 1)});
    block({exit(account(3), usd(), 1), position(account(4), 1, 1), deposit(kPoolItself, usd(), 9)});
    const auto all = STORE_OK(ledger().all_holdings(head()));
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].account, kAlice);
    EXPECT_EQ(all[1].account, kBob);
    EXPECT_EQ(all[2].account, account(4));
}

TEST_F(Holdings, AnAccountWithoutRowsIsEmpty) {
    const auto h = STORE_OK(ledger().holdings_at_head(account(99)));
    EXPECT_EQ(h.account, account(99));
    EXPECT_TRUE(h.holdings.empty());
    EXPECT_TRUE(h.positions.empty());
}

TEST_F(Holdings, ManyVersionsOfOneRowAreReadAtEveryBlock) {
    const std::uint64_t start = chain_.head().number.value;
    for (std::uint64_t i = 1; i <= 60; ++i) {
        block({deposit(kAlice, usd(), 1), deposit(i % 3 == 0 ? kBob : account(50 + i), usd(), i)});
    }
    for (std::uint64_t i = 1; i <= 60; ++i) {
        const AsOf as_of{{chain_.id(), BlockNum{start + i}}};
        EXPECT_EQ(STORE_OK(ledger().holdings(kAlice, as_of)).holdings.at(0).collateral, amount(i));
        const auto all = STORE_OK(ledger().all_holdings(as_of));
        const auto alice = std::ranges::find(all, kAlice, &AccountHoldings::account);
        ASSERT_NE(alice, all.end());
        EXPECT_EQ(alice->holdings.at(0).collateral, amount(i));
        EXPECT_EQ(all.size(), 1 + i - i / 3 + (i >= 3 ? 1 : 0));
    }
}

TEST_F(Holdings, BlocksBeforeTheFirstCountNothing) {
    block({deposit(kAlice, usd(), 1)});
    EXPECT_TRUE(STORE_OK(ledger().all_holdings({{chain_.id(), BlockNum{1}}})).empty());
}

}  // namespace
}  // namespace margrave::store::test
