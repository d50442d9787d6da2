// SPDX-License-Identifier: Apache-2.0
#include "store/fold.hpp"

#include "store/detail/database_impl.hpp"
#include "store/detail/fold.hpp"
#include "store/detail/records.hpp"
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

using detail::AccountKey;
using detail::Cf;

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

// Rows are changed behind the ledger's back, as a bad disk or an attacker with it would.
class Fold : public LedgerTest {
  protected:
    Fold() {
        block({deposit(kAlice, usd(), 100), deposit(kBob, eth(), 50), funding(usd(), 30)});
        const BlockRef ancestor = chain_.head();
        block({exit(kAlice, usd(), 10)});
        store_.revert(chain_, ancestor);
        chain_.pop();
        const Hash32 lot = seizure_id(kAlice, 1, 0);
        block({seizure(kAlice, usd(), 5, lot), mapped(MappedKind::kDeposit, kBob, usd(), 9)});
        block({proceeds(kAlice, eth(), 3, lot), repayment(kBob, usd(), 2)});
    }

    FoldProgress step(std::size_t entries = 1'000) { return STORE_OK(fold_step(db(), entries)); }

    /// Steps of this size until all was compared once more; how many it took.
    std::size_t cycle(std::size_t entries) {
        const std::uint64_t before = STORE_OK(fold_progress(db())).cycles;
        std::size_t steps = 0;
        do {
            ++steps;
        } while (step(entries).cycles == before && steps < 10'000);
        return steps;
    }

    template <class Row>
    void plant(Cf family, const Bytes& key, const Row& row) {
        rocksdb::WriteBatch batch;
        db().impl().put_row(batch, family, key, row);
        ASSERT_TRUE(db().impl().write(batch, true));
    }

    detail::TotalsRow totals(const AccountKey& account) {
        const Bytes key = detail::ledger_key::totals(account);
        return STORE_OK(db().impl().read<detail::TotalsRow>(Cf::kLedger, key)).value();
    }

    void add_credit(const AccountKey& account) {
        auto row = totals(account);
        row.credits = add(row.credits, amount(1)).value();
        row.debits = add(row.debits, amount(1)).value();
        plant(Cf::kLedger, detail::ledger_key::totals(account), row);
    }

    /// By some step of the cycle, and by the first one after a restart.
    void expect_found(std::size_t entries, const std::string& words) {
        Result<FoldProgress> last = FoldProgress{};
        for (int i = 0; i < 200 && last; ++i) {
            last = fold_step(db(), entries);
        }
        ASSERT_FALSE(last.has_value());
        EXPECT_EQ(last.error().code, Errc::kCorrupt);
        EXPECT_NE(last.error().detail.find(words), std::string::npos) << last.error().detail;
        store_.reopen();
        EXPECT_CODE(fold_step(db(), entries), Errc::kCorrupt);
    }

    const AccountKey kCollateral{LedgerId{1}, AccountCode::kCollateral, detail::owner_of(kAlice)};
    const AccountKey kVault{LedgerId{1}, AccountCode::kVault, Hash32{}};
};

TEST_F(Fold, AWholeLedgerIsComparedInOneLargeStepOrInManySmallOnes) {
    EXPECT_EQ(step().cycles, 1U);
    const std::size_t small = cycle(1);
    EXPECT_GT(small, ledger().last_seq().value);
    EXPECT_LT(cycle(3), small);
    EXPECT_EQ(STORE_OK(fold_progress(db())).cycles, 3U);
}

TEST_F(Fold, GoesOnWhereTheLastProcessEnded) {
    const FoldProgress before = step(3);
    EXPECT_EQ(before.folded, Seq{3});
    store_.reopen();
    EXPECT_EQ(STORE_OK(fold_progress(db())), before);
    EXPECT_EQ(step(2).folded, Seq{5});
}

TEST_F(Fold, WhatIsBookedMeanwhileIsFoldedToo) {
    for (std::uint64_t i = 0; i < 40; ++i) {
        step(2);
        block({deposit(kAlice, usd(), 1 + i), withdrawal_request(kBob, eth(), 1)});
        if (i % 5 == 4) {
            const BlockRef ancestor = chain_.blocks()[chain_.blocks().size() - 2].block;
            store_.revert(chain_, ancestor);
            chain_.pop();
        }
    }
    cycle(7);
    cycle(7);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Fold, InterestOfEveryDebtorIsOneAccount) {
    block({rate(usd(), 50), borrow_request(kAlice, usd(), 20)});
    block({release(kAlice, usd(), 20, chain_.release_of(last_event()))});
    block({borrow_request(kBob, usd(), 7)});
    block({release(kBob, usd(), 7, chain_.release_of(last_event()))});
    block_after(kSecondsOfYear, {repayment(kAlice, usd(), 25), repayment(kBob, usd(), 1)});
    ASSERT_GT(total(AccountCode::kInterest), amount(0));
    cycle(1);
    cycle(1'000);
    add_credit({LedgerId{1}, AccountCode::kInterest, Hash32{}});
    expect_found(5, "account interest");
}

TEST_F(Fold, AnAccountWithManyEntriesIsFoldedInParts) {
    for (std::uint64_t i = 0; i < 50; ++i) {
        block({deposit(kAlice, usd(), 1), deposit(kBob, usd(), 2)});
    }
    EXPECT_GT(cycle(4), 50U);
    add_credit(kCollateral);
    expect_found(4, "account collateral");
}

TEST_F(Fold, WrongTotalsOfAnAccountAreFoundAndNamed) {
    add_credit(kCollateral);
    expect_found(5, "the journal gives debits");
}

TEST_F(Fold, WrongTotalsOfTheVaultAreFound) {
    add_credit(kVault);
    expect_found(5, "account vault");
}

TEST_F(Fold, TotalsThatNoEntryMadeAreFound) {
    const AccountKey nobody{LedgerId{1}, AccountCode::kLoan, detail::owner_of(account(9))};
    detail::TotalsRow row;
    row.debits = amount(4);
    row.last = Seq{2};
    plant(Cf::kLedger, detail::ledger_key::totals(nobody), row);
    expect_found(5, "account loan");
}

TEST_F(Fold, TotalsThatAreGoneAreFound) {
    rocksdb::WriteBatch batch;
    db().impl().remove(batch, Cf::kLedger, detail::ledger_key::totals(kCollateral));
    ASSERT_TRUE(db().impl().write(batch, true));
    expect_found(5, "was not moved by it");
}

TEST_F(Fold, ABalanceThatIsNotItsTotalsIsFound) {
    const Bytes subject = detail::subject::balance(kCollateral);
    plant(
        Cf::kVersion,
        detail::subject::versioned(subject, chain_.head().number),
        detail::AmountRow{amount(77)}
    );
    expect_found(5, "its newest version is 77");
}

TEST_F(Fold, ASumThatIsNotTheJournalsIsFound) {
    const Bytes subject = detail::subject::sum(LedgerId{1}, AccountCode::kCollateral);
    plant(
        Cf::kVersion,
        detail::subject::versioned(subject, chain_.head().number),
        detail::AmountRow{amount(1)}
    );
    Result<FoldProgress> last = FoldProgress{};
    for (int i = 0; i < 100 && last; ++i) {
        last = fold_step(db(), 5);
    }
    EXPECT_FALSE(last.has_value());
}

TEST_F(Fold, AnEntryOfAnotherAmountIsFound) {
    const Bytes key = detail::journal_key::transfers(Seq{1});
    auto row = STORE_OK(db().impl().read<detail::JournalRow>(Cf::kJournal, key)).value();
    row.transfers[0].amount = add(row.transfers[0].amount, amount(1)).value();
    plant(Cf::kJournal, key, row);
    expect_found(5, "the journal gives");
}

TEST_F(Fold, AnEntryThatIsMissingIsFound) {
    const Bytes key = detail::journal_key::transfers(Seq{1});
    auto row = STORE_OK(db().impl().read<detail::JournalRow>(Cf::kJournal, key)).value();
    ASSERT_GT(row.transfers.size(), 1U);
    row.transfers.pop_back();
    plant(Cf::kJournal, key, row);
    expect_found(5, "missing");
}

TEST_F(Fold, AProgressOfAnotherJournalIsBegunAnew) {
    detail::FoldRow row;
    row.folded = Seq{1'000'000};
    plant(Cf::kMeta, to_bytes("fold"), row);
    EXPECT_EQ(step(2).folded, Seq{2});
}

TEST_F(Fold, AnEmptyLedgerIsWhole) {
    TempDir dir;
    Store empty(dir.path());
    EXPECT_EQ(STORE_OK(fold_step(empty.db(), 5)).cycles, 1U);
}

}  // namespace
}  // namespace margrave::store::test
