// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

const AccountId kMain = account(1);
const AccountId kWallet = account(2);
const AccountId kThird = account(3);
const AccountId kFourth = account(4);

using enum MappedKind;

class Linked : public LedgerTest {
  protected:
    // Collateral of an account, the same whichever way it is read.
    Amount collateral(const AccountId& account) {
        const AccountHoldings one = STORE_OK(ledger().holdings(account, head()));
        EXPECT_EQ(STORE_OK(ledger().holdings_at_head(account)), one);
        AccountHoldings found{account, {}, {}};
        for (const AccountHoldings& row : STORE_OK(ledger().all_holdings(head()))) {
            found = row.account == account ? row : found;
        }
        EXPECT_EQ(found, one);
        return one.holdings.empty() ? Amount{} : one.holdings.front().collateral;
    }
};

TEST_F(Linked, WhatLiesOutsideCountsUnderTheAccountThatALinkLeadsTo) {
    block({mapped(kDeposit, kWallet, usd(), 30), deposit(kMain, usd(), 5)});
    const ApplySummary summary = block({link(kWallet, kMain)});
    EXPECT_EQ(summary.touched, (std::set<AccountId>{kMain, kWallet}));
    EXPECT_EQ(collateral(kMain), amount(35));
    EXPECT_EQ(holding(kMain).mapped, amount(30));
    EXPECT_EQ(collateral(kWallet), amount(0));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Linked, WhatTheVaultHoldsStaysWithTheAccountThatReleasesName) {
    block({deposit(kWallet, usd(), 7), mapped(kDeposit, kWallet, usd(), 30)});
    block({link(kWallet, kMain)});
    EXPECT_EQ(collateral(kWallet), amount(7));
    EXPECT_EQ(holding(kWallet).mapped, amount(0));
    EXPECT_EQ(collateral(kMain), amount(30));
}

TEST_F(Linked, DebtAndPositionsGoAlong) {
    MappedEvent event;
    event.source = word(3);
    event.account = kWallet;
    event.what = MappedPosition{word(33), Money::whole(-2), Money::whole(3000)};
    block({mapped(kBorrow, kWallet, usd(), 9), event, link(kWallet, kMain)});
    EXPECT_EQ(holding(kMain).mapped_debt, amount(9));
    EXPECT_EQ(STORE_OK(ledger().holdings_at_head(kMain)).positions.size(), 1U);
    EXPECT_TRUE(STORE_OK(ledger().holdings_at_head(kWallet)).positions.empty());
}

TEST_F(Linked, ARevokedLinkGivesBack) {
    block({mapped(kDeposit, kWallet, usd(), 30), link(kWallet, kMain)});
    const AsOf linked = head();
    block({link(kWallet, kMain, false)});
    EXPECT_EQ(collateral(kMain), amount(0));
    EXPECT_EQ(collateral(kWallet), amount(30));
    EXPECT_EQ(STORE_OK(ledger().holdings(kMain, linked)).holdings.at(0).mapped, amount(30));
    block({link(kWallet, kMain)});
    EXPECT_EQ(collateral(kMain), amount(30));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Linked, ANewLinkEndsTheOneBefore) {
    block({mapped(kDeposit, kWallet, usd(), 30), link(kWallet, kMain)});
    block({link(kWallet, kThird)});
    EXPECT_EQ(collateral(kMain), amount(0));
    EXPECT_EQ(collateral(kThird), amount(30));
    EXPECT_EQ(collateral(kWallet), amount(0));
}

TEST_F(Linked, TwoHopsAreFollowedThreeAreNot) {
    block({mapped(kDeposit, kWallet, usd(), 30), mapped(kDeposit, kThird, usd(), 4)});
    block({link(kWallet, kThird), link(kThird, kMain)});
    EXPECT_EQ(collateral(kMain), amount(34));
    block({link(kMain, kFourth)});
    EXPECT_EQ(collateral(kWallet), amount(30));
    EXPECT_EQ(collateral(kThird), amount(0));
    EXPECT_EQ(collateral(kFourth), amount(4));
    EXPECT_EQ(collateral(kMain), amount(0));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Linked, ALoopCountsAsNoLink) {
    block({mapped(kDeposit, kWallet, usd(), 30), mapped(kDeposit, kMain, usd(), 4)});
    block({link(kWallet, kMain), link(kMain, kWallet), link(kThird, kThird)});
    EXPECT_EQ(collateral(kWallet), amount(30));
    EXPECT_EQ(collateral(kMain), amount(4));
}

TEST_F(Linked, AnAccountThatIsLinkedIsTouchedByWhatMovesTheOther) {
    block({link(kWallet, kThird), link(kThird, kMain)});
    const BlockNum before = chain_.head().number;
    const ApplySummary summary = block({mapped(kDeposit, kWallet, usd(), 1)});
    EXPECT_EQ(summary.touched, (std::set<AccountId>{kMain, kWallet, kThird}));
    EXPECT_EQ(
        STORE_OK(ledger().touched_between(chain_.id(), before, chain_.head().number)),
        summary.touched
    );
}

TEST_F(Linked, AReorgTakesALinkBack) {
    block({mapped(kDeposit, kWallet, usd(), 30)});
    const BlockRef ancestor = chain_.head();
    block({link(kWallet, kMain)});
    const ApplySummary summary = store_.revert(chain_, ancestor);
    chain_.pop();
    EXPECT_TRUE(summary.touched.contains(kMain));
    EXPECT_EQ(collateral(kMain), amount(0));
    EXPECT_EQ(collateral(kWallet), amount(30));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Linked, OfTwoChainsOneDecidesAndBothStoresAgreeWhich) {
    TestChain second(2);
    define(second);
    store_.apply(second, second.blocks().front());
    block({mapped(kDeposit, kWallet, usd(), 30), link(kWallet, kMain)});
    store_.apply(second, second.push({link(kWallet, kThird)}));
    AsOf both = head();
    both[second.id()] = second.head().number;
    const auto mapped_of = [&](const AccountId& account) {
        const AccountHoldings all = STORE_OK(ledger().holdings(account, both));
        return all.holdings.empty() ? Amount{} : all.holdings.front().mapped;
    };
    // One of them, never both and never none.
    EXPECT_NE(mapped_of(kMain), mapped_of(kThird));
    EXPECT_EQ(mapped_of(kWallet), amount(0));
    picture(ledger(), {chain_.id(), second.id()}, both);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Linked, MoreLinksThanTheBoundDoNotCount) {
    std::vector<Body> events;
    for (std::uint64_t i = 0; i < 65; ++i) {
        events.emplace_back(mapped(kDeposit, account(100 + i), usd(), 1));
        events.emplace_back(link(account(100 + i), kMain));
    }
    block(std::move(events));
    EXPECT_EQ(collateral(kMain), amount(64));
    EXPECT_EQ(collateral(account(164)), amount(1));
    EXPECT_DONE(ledger().verify());
}

}  // namespace
}  // namespace margrave::store::test
