// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <algorithm>

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

using enum MappedKind;

MappedEvent read(MappedEvent event) {
    std::get<MappedAmount>(event.what).is_read = true;
    return event;
}

class Mapped : public LedgerTest {
  protected:
    void expect_holding(
        std::uint64_t collateral, std::uint64_t mapped, std::uint64_t debt, std::uint64_t owed
    ) {
        const Holding row = holding(kAlice);
        EXPECT_EQ(row.collateral, amount(collateral));
        EXPECT_EQ(row.mapped, amount(mapped));
        EXPECT_EQ(row.debt, amount(debt));
        EXPECT_EQ(row.mapped_debt, amount(owed));
    }
};

TEST_F(Mapped, ADepositCountsAsCollateralThatTheVaultDoesNotHold) {
    block({deposit(kAlice, usd(), 10), mapped(kDeposit, kAlice, usd(), 100)});
    expect_holding(110, 100, 0, 0);
    EXPECT_EQ(holding(kAlice).book, amount(10));
    EXPECT_EQ(holding(kAlice).own(), amount(10));
    EXPECT_EQ(total(AccountCode::kCustody), amount(100));
    EXPECT_EQ(total(AccountCode::kMapped), amount(100));
    EXPECT_EQ(total(AccountCode::kVault), amount(10));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, AWithdrawalTakesWhatIsThereAndOwesTheRestToTheContract) {
    block({deposit(kAlice, usd(), 50), mapped(kDeposit, kAlice, usd(), 30)});
    block({mapped(kWithdraw, kAlice, usd(), 40)});
    // The vault's 50 are untouched.
    expect_holding(50, 0, 10, 10);
    EXPECT_EQ(total(AccountCode::kCustody), amount(0));
    EXPECT_EQ(total(AccountCode::kUnattributed), amount(10));
    EXPECT_EQ(total(AccountCode::kReceivable), amount(0));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, AWithdrawalWithInterestOwesNothingWhereAReadingFollows) {
    block({mapped(kDeposit, kAlice, usd(), 100)});
    block({read(mapped(kWithdraw, kAlice, usd(), 103)), mapped(kBalance, kAlice, usd(), 0)});
    expect_holding(0, 0, 0, 0);
    EXPECT_EQ(total(AccountCode::kCustody), amount(0));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, ABorrowAndItsRepaymentAreOwedToTheContractNotToOurPool) {
    block({funding(usd(), 1'000), mapped(kDeposit, kAlice, usd(), 500)});
    block({mapped(kBorrow, kAlice, usd(), 200)});
    expect_holding(500, 500, 200, 200);
    EXPECT_EQ(total(AccountCode::kLoan), amount(0));
    EXPECT_EQ(total(AccountCode::kOwed), amount(200));
    EXPECT_EQ(total(AccountCode::kWithdraw), amount(0));
    block({mapped(kRepay, kAlice, usd(), 150)});
    expect_holding(500, 500, 50, 50);
    block({mapped(kRepay, kAlice, usd(), 60)});
    // Ten more than was owed stay the account's own.
    expect_holding(510, 510, 0, 0);
    EXPECT_EQ(total(AccountCode::kCustody), amount(510));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, ARepaymentOfInterestIsNoGiftWhereAReadingFollows) {
    block({mapped(kBorrow, kAlice, usd(), 100)});
    block({read(mapped(kRepay, kAlice, usd(), 104)), mapped(kDebt, kAlice, usd(), 0)});
    expect_holding(0, 0, 0, 0);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, AReadingBringsTheLedgerToWhatTheChainSays) {
    block({mapped(kDeposit, kAlice, usd(), 100), mapped(kBorrow, kAlice, usd(), 40)});
    block({mapped(kBalance, kAlice, usd(), 107), mapped(kDebt, kAlice, usd(), 43)});
    expect_holding(107, 107, 43, 43);
    block({mapped(kBalance, kAlice, usd(), 90), mapped(kDebt, kAlice, usd(), 0)});
    expect_holding(90, 90, 0, 0);
    const Seq last = ledger().last_seq();
    block({mapped(kBalance, kAlice, usd(), 90)});
    EXPECT_EQ(ledger().last_seq(), last) << "a reading that changes nothing posted something";
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, TwoWatchesOfOneTokenAreKeptApart) {
    block({mapped(kDeposit, kAlice, usd(), 10, 1), mapped(kDeposit, kAlice, usd(), 20, 2)});
    block({mapped(kBalance, kAlice, usd(), 11, 1)});
    expect_holding(31, 31, 0, 0);
    block({mapped(kWithdraw, kAlice, usd(), 15, 1)});
    // Watch 2 does not pay for what watch 1 lacks.
    expect_holding(20, 20, 4, 4);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, NothingOutsidePaysForTheVaultAndNothingInsideForAContract) {
    block({funding(usd(), 1'000), mapped(kDeposit, kAlice, usd(), 100)});
    block({borrow_request(kAlice, usd(), 50)});
    block({release(kAlice, usd(), 50, chain_.release_of(last_event()))});
    expect_holding(100, 100, 50, 0);
    block({mapped(kRepay, kAlice, usd(), 30)});
    // Our pool is still owed all of it.
    expect_holding(130, 130, 50, 0);
    block({mapped(kBorrow, kAlice, usd(), 7), repayment(kAlice, usd(), 60)});
    // And what is owed outside was not repaid to our vault: ten are collateral in it.
    expect_holding(140, 130, 7, 7);
    block({exit(kAlice, usd(), 25)});
    expect_holding(130, 130, 22, 7);
    EXPECT_EQ(total(AccountCode::kReceivable), amount(15));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, SeveralMeaningsOfOneLogHaveTransfersOfTheirOwn) {
    BlockData data = chain_.next(
        {mapped(kDeposit, kAlice, usd(), 10),
         mapped(kWithdraw, kAlice, usd(), 4),
         mapped(kDeposit, kBob, usd(), 4)}
    );
    for (std::size_t i = 0; i < data.events.size(); ++i) {
        data.events[i].txn_hash = word(77);
        data.events[i].log_index = 5;
        std::get<MappedEvent>(data.events[i].body).part = static_cast<std::uint16_t>(i);
    }
    store_.apply(chain_, chain_.push(data));
    std::set<Hash32> ids;
    for (const Transfer& t : STORE_OK(ledger().journal(Seq{1}, 100))) {
        EXPECT_TRUE(ids.insert(t.id).second);
    }
    EXPECT_EQ(ids.size(), 3U);
    EXPECT_DONE(ledger().verify());

    data = chain_.next({mapped(kDeposit, kAlice, usd(), 1), mapped(kDeposit, kAlice, usd(), 1)});
    data.events[1].txn_hash = data.events[0].txn_hash;
    data.events[1].log_index = data.events[0].log_index;
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{data}), Errc::kUnproved);
}

TEST_F(Mapped, AJournalEntrySaysWhichKindOfMappedEventCausedIt) {
    block({mapped(kDeposit, kAlice, usd(), 10)});
    const Transfer t = STORE_OK(ledger().entries_of(kAlice)).back();
    EXPECT_EQ(std::get<MappedKind>(t.cause), kDeposit);
    EXPECT_EQ(t.debit, AccountCode::kCustody);
    EXPECT_EQ(t.debit_owner, word(1));
    EXPECT_EQ(t.credit, AccountCode::kMapped);
}

TEST_F(Mapped, AReorgTakesBackWhatMappedEventsDid) {
    block({mapped(kDeposit, kAlice, usd(), 100), mapped(kBorrow, kAlice, eth(), 5)});
    const BlockRef ancestor = chain_.head();
    const std::string before = picture(ledger(), {chain_.id()}, head());
    block({mapped(kWithdraw, kAlice, usd(), 130), mapped(kDebt, kAlice, eth(), 6)});
    block({mapped(kBalance, kAlice, usd(), 1), mapped(kRepay, kAlice, eth(), 9)});
    const BlockData orphan = chain_.blocks().back();
    store_.revert(chain_, ancestor);
    chain_.pop();
    const BlockData first = chain_.blocks().back();
    chain_.pop();
    EXPECT_EQ(picture(ledger(), {chain_.id()}, head()), before);
    EXPECT_DONE(ledger().verify());
    // A -> B -> A: the same blocks again are new observations of the same facts.
    store_.apply(chain_, chain_.push(first));
    store_.apply(chain_, chain_.push(orphan));
    expect_holding(1, 1, 30, 30);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, TheStateOfAnEarlierBlockCanBeRead) {
    block({mapped(kDeposit, kAlice, usd(), 100)});
    const AsOf early = head();
    block({mapped(kBalance, kAlice, usd(), 101)});
    EXPECT_EQ(STORE_OK(ledger().holdings(kAlice, early)).holdings.at(0).mapped, amount(100));
    EXPECT_EQ(STORE_OK(ledger().holdings(kAlice, head())).holdings.at(0).mapped, amount(101));
}

TEST_F(Mapped, TheSameBlockWithOtherMappedEventsIsAConflict) {
    BlockData data = block({mapped(kDeposit, kAlice, usd(), 100)}).events == 1
                         ? chain_.blocks().back()
                         : BlockData{};
    EXPECT_EQ(STORE_OK(ledger().apply(chain_.id(), BlockApplied{data})).events, 0U);
    auto& event = std::get<MappedEvent>(data.events.at(0).body);
    std::get<MappedAmount>(event.what).amount = amount(101);
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{data}), Errc::kConflict);
}

TEST_F(Mapped, AnUnknownTokenIsCountedAndWorthNothing) {
    const ApplySummary summary = block({mapped(kDeposit, kAlice, stranger(), 5)});
    EXPECT_EQ(summary.unknown_assets, (std::set<Address>{stranger()}));
    EXPECT_TRUE(STORE_OK(ledger().holdings_at_head(kAlice)).holdings.empty());
    EXPECT_DONE(ledger().verify());
}

TEST_F(Mapped, EveryAccountThatAWatchMovedIsFoundAgainInTurns) {
    block({mapped(kDeposit, kBob, usd(), 1, 2), mapped(kDeposit, kAlice, usd(), 1, 1)});
    const BlockRef ancestor = chain_.head();
    block({mapped(kDeposit, kAlice, eth(), 1, 1), mapped(kDeposit, kAlice, usd(), 1, 2)});
    using Place = Ledger::MappedPlace;
    const std::vector<Place> all{{word(1), kAlice}, {word(2), kAlice}, {word(2), kBob}};
    const auto from = [&](const std::optional<Place>& after, std::size_t limit) {
        return STORE_OK(ledger().mapped_accounts(chain_.id(), after, limit));
    };
    EXPECT_EQ(from(std::nullopt, 10), all);
    EXPECT_EQ(from(std::nullopt, 2), (std::vector<Place>{all[0], all[1]}));
    EXPECT_EQ(from(all[1], 2), (std::vector<Place>{all[2]}));
    EXPECT_TRUE(from(all[2], 2).empty());
    store_.revert(chain_, ancestor);
    EXPECT_EQ(from(std::nullopt, 10), (std::vector<Place>{all[0], all[2]}));
}

TEST_F(Mapped, WhatAWatchHoldsIsKnownAtEachBlock) {
    block({mapped(kDeposit, kAlice, usd(), 5, 1), mapped(kDeposit, kBob, usd(), 7, 2)});
    const BlockNum early = chain_.head().number;
    block({mapped(kWithdraw, kAlice, usd(), 2, 1)});
    const LedgerId id = ledger().ledgers().front().id;
    const BlockNum now = chain_.head().number;
    EXPECT_EQ(STORE_OK(ledger().custody_at(id, word(1), early)), amount(5));
    EXPECT_EQ(STORE_OK(ledger().custody_at(id, word(1), now)), amount(3));
    EXPECT_EQ(STORE_OK(ledger().custody_at(id, word(2), now)), amount(7));
    EXPECT_EQ(STORE_OK(ledger().custody_at(id, word(3), now)), amount(0));
}

TEST_F(Mapped, AccountZeroIsRefused) {
    const BlockData data = chain_.next({mapped(kDeposit, kPoolItself, usd(), 5)});
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{data}), Errc::kUnproved);
}

TEST_F(Mapped, APositionAtAWatchedVenueIsAPosition) {
    MappedEvent event;
    event.source = word(3);
    event.account = kAlice;
    event.what = MappedPosition{word(33), Money::whole(-2), Money::whole(3000)};
    const ApplySummary summary = block({event});
    EXPECT_EQ(summary.touched, (std::set<AccountId>{kAlice}));
    const AccountHoldings all = STORE_OK(ledger().holdings_at_head(kAlice));
    ASSERT_EQ(all.positions.size(), 1U);
    EXPECT_EQ(all.positions[0].market, word(33));
    EXPECT_EQ(all.positions[0].size, Money::whole(-2));
    event.what = MappedPosition{word(33), Money{}, Money{}};
    block({event});
    EXPECT_TRUE(STORE_OK(ledger().holdings_at_head(kAlice)).positions.empty());
    EXPECT_DONE(ledger().verify());
}

}  // namespace
}  // namespace margrave::store::test
