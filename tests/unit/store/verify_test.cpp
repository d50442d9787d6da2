// SPDX-License-Identifier: Apache-2.0
#include "store/detail/database_impl.hpp"
#include "store/detail/records.hpp"
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

using detail::AccountKey;
using detail::Cf;

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

// Rows are changed behind the ledger's back, as an attacker with the disk would.
class Verify : public LedgerTest {
  protected:
    Verify() {
        block({deposit(kAlice, usd(), 100), deposit(kBob, eth(), 50), position(kBob, 1, 3)});
        const BlockRef ancestor = chain_.head();
        block({exit(kAlice, usd(), 10)});
        store_.revert(chain_, ancestor);
        chain_.pop();
        block(
            {withdrawal_request(kAlice, usd(), 20),
             seizure(kAlice, usd(), 5, seizure_id(kAlice, 1, 0))}
        );
        EXPECT_DONE(ledger().verify());
    }

    template <class Row>
    void plant(Cf family, const Bytes& key, const Row& row) {
        rocksdb::WriteBatch batch;
        db().impl().put_row(batch, family, key, row);
        ASSERT_TRUE(db().impl().write(batch, true));
    }

    void erase(Cf family, const Bytes& key) {
        rocksdb::WriteBatch batch;
        db().impl().remove(batch, family, key);
        ASSERT_TRUE(db().impl().write(batch, true));
    }

    template <class Row>
    Row read(Cf family, const Bytes& key) {
        return STORE_OK(db().impl().read<Row>(family, key)).value();
    }

    // Found by verify, in this process and in one that starts on these bytes.
    void expect_found() {
        EXPECT_CODE(ledger().verify(), Errc::kCorrupt);
        store_.reopen();
        EXPECT_CODE(ledger().verify(), Errc::kCorrupt);
    }

    [[nodiscard]] Bytes at_head(const Bytes& subject) const {
        return detail::subject::versioned(subject, chain_.head().number);
    }

    [[nodiscard]] detail::ChainTag tag() const { return detail::tag_of(chain_.id()); }

    /// The row of transfers that was written last.
    [[nodiscard]] Bytes last_row() {
        const Bytes prefix{detail::journal_key::kTransfer};
        return STORE_OK(db().impl().last(Cf::kJournal, prefix)).value().first;
    }

    const Bytes kFirstRow = detail::journal_key::transfers(Seq{1});
    const AccountKey kCollateral{LedgerId{1}, AccountCode::kCollateral, detail::owner_of(kAlice)};
};

TEST_F(Verify, AWrongBalanceIsFound) {
    plant(
        Cf::kVersion,
        at_head(detail::subject::balance(kCollateral)),
        detail::AmountRow{amount(99999)}
    );
    expect_found();
}

TEST_F(Verify, AWrongBalanceInThePastIsFound) {
    const Bytes key = detail::subject::versioned(
        detail::subject::balance(kCollateral), chain_.blocks()[1].block.number
    );
    plant(Cf::kVersion, key, detail::AmountRow{amount(7)});
    expect_found();
}

TEST_F(Verify, ABalanceOfAnAccountThatHasNoneIsFound) {
    const AccountKey key{LedgerId{1}, AccountCode::kCollateral, detail::owner_of(account(66))};
    plant(Cf::kVersion, at_head(detail::subject::balance(key)), detail::AmountRow{amount(5)});
    expect_found();
}

TEST_F(Verify, AMissingBalanceIsFound) {
    erase(Cf::kVersion, at_head(detail::subject::balance(kCollateral)));
    expect_found();
}

TEST_F(Verify, AWrongBookPositionLegOrRequestIsFound) {
    const std::vector<Bytes> subjects{
        detail::subject::book(LedgerId{1}, kAlice),
        detail::subject::position(tag(), kBob, word(1)),
        detail::subject::leg(tag(), kAlice, seizure_id(kAlice, 1, 0)),
        detail::subject::request(tag(), last_event() - 1)};
    for (const Bytes& subject : subjects) {
        const Bytes key = at_head(subject);
        const auto before = STORE_OK(db().impl().get(Cf::kVersion, key));
        plant(Cf::kVersion, key, detail::AmountRow{amount(1)});
        EXPECT_CODE(ledger().verify(), Errc::kCorrupt);
        if (before) {
            rocksdb::WriteBatch batch;
            db().impl().put(batch, Cf::kVersion, key, *before);
            ASSERT_TRUE(db().impl().write(batch, true));
        } else {
            erase(Cf::kVersion, key);
        }
        EXPECT_DONE(ledger().verify());
    }
}

TEST_F(Verify, WrongTotalsAreFound) {
    const Bytes key = detail::ledger_key::totals(kCollateral);
    auto row = read<detail::TotalsRow>(Cf::kLedger, key);
    row.credits = add(row.credits, amount(1)).value();
    plant(Cf::kLedger, key, row);
    expect_found();
}

TEST_F(Verify, TotalsOfAnAccountWithoutEntriesAreFound) {
    const AccountKey key{LedgerId{1}, AccountCode::kCollateral, detail::owner_of(account(66))};
    plant(Cf::kLedger, detail::ledger_key::totals(key), detail::TotalsRow{});
    expect_found();
}

TEST_F(Verify, AMissingJournalEntryIsFound) {
    auto row = read<detail::JournalRow>(Cf::kJournal, kFirstRow);
    row.transfers.erase(row.transfers.begin() + 1);
    plant(Cf::kJournal, kFirstRow, row);
    expect_found();
}

TEST_F(Verify, AMissingLastJournalEntryIsFound) {
    erase(Cf::kJournal, last_row());
    expect_found();
}

TEST_F(Verify, AChangedJournalEntryIsFound) {
    auto row = read<detail::JournalRow>(Cf::kJournal, kFirstRow);
    row.transfers[0].amount = amount(1);
    plant(Cf::kJournal, kFirstRow, row);
    expect_found();
}

TEST_F(Verify, AReversalOfNothingIsFound) {
    auto row = read<detail::JournalRow>(Cf::kJournal, kFirstRow);
    row.transfers[0].reverses = Seq{1};
    plant(Cf::kJournal, kFirstRow, row);
    expect_found();
}

TEST_F(Verify, AnEntryMovedToAnotherBlockIsFound) {
    auto row = read<detail::JournalRow>(Cf::kJournal, kFirstRow);
    for (Transfer& t : row.transfers) {
        t.block_hash = word(1);
    }
    plant(Cf::kJournal, kFirstRow, row);
    expect_found();
}

TEST_F(Verify, AChangedOrMissingEventIsFound) {
    const Bytes key = detail::chain_key::events(tag(), chain_.head().number);
    auto row = read<detail::EventsRow>(Cf::kEvent, key);
    std::get<Movement>(row.events.at(1).body).amount = amount(4);
    rocksdb::WriteBatch batch;
    db().impl().put(batch, Cf::kEvent, key, detail::encode_events(row.events));
    ASSERT_TRUE(db().impl().write(batch, true));
    EXPECT_CODE(ledger().verify(), Errc::kCorrupt);
    erase(Cf::kEvent, key);
    expect_found();
}

TEST_F(Verify, AWrongSumIsFoundWhenTheLedgerIsRead) {
    const Bytes key = at_head(detail::subject::sum(LedgerId{1}, AccountCode::kCollateral));
    plant(Cf::kVersion, key, detail::AmountRow{amount(1)});
    EXPECT_CODE(ledger().trial_balance(LedgerId{1}, chain_.head().number), Errc::kCorrupt);
    store_.reopen();
    EXPECT_CODE(ledger().holdings_at_head(kAlice), Errc::kCorrupt);
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{chain_.next({})}), Errc::kCorrupt);
}

TEST_F(Verify, AWrongBalanceStopsTheNextBlockThatBuildsOnIt) {
    store_.close();
    store_.reopen();
    plant(
        Cf::kVersion,
        at_head(detail::subject::balance(kCollateral)),
        detail::AmountRow{amount(99999)}
    );
    const BlockData next = chain_.next({deposit(kAlice, usd(), 1)});
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{next}), Errc::kCorrupt);
}

TEST_F(Verify, AWrongOldBalanceStopsTheReorgThatReturnsToIt) {
    const BlockRef ancestor = chain_.blocks()[1].block;
    const Bytes key =
        detail::subject::versioned(detail::subject::balance(kCollateral), ancestor.number);
    plant(Cf::kVersion, key, detail::AmountRow{amount(7)});
    EXPECT_CODE(ledger().apply(chain_.id(), BlocksReverted{ancestor}), Errc::kCorrupt);
}

TEST_F(Verify, AChangedJournalStopsTheReorgThatReadsIt) {
    const Bytes key = last_row();
    auto row = read<detail::JournalRow>(Cf::kJournal, key);
    row.transfers.back().amount = amount(4000);
    plant(Cf::kJournal, key, row);
    const BlockRef ancestor = chain_.blocks()[1].block;
    EXPECT_CODE(ledger().apply(chain_.id(), BlocksReverted{ancestor}), Errc::kCorrupt);
}

}  // namespace
}  // namespace margrave::store::test
