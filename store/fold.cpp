// SPDX-License-Identifier: Apache-2.0
#include "store/detail/fold.hpp"

#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <algorithm>
#include <array>

namespace margrave::store {
namespace detail {
namespace {

/// Bytes of an entry of the lists in a FoldRow, at least: the key's.
constexpr std::size_t kLeastEntry = 4 + 2 + 32;

/// Accounts of no depositor: few, and every event of a ledger moves one of them.
constexpr std::array kShared{
    AccountCode::kVault,
    AccountCode::kCustody,
    AccountCode::kSale,
    AccountCode::kPool,
    AccountCode::kInterest,
    AccountCode::kUnattributed};

bool is_shared(AccountCode code) {
    return std::ranges::find(kShared, code) != kShared.end();
}

std::string words_of(const Ledger::State& state, const AccountKey& account) {
    return "account " + std::string(to_string(account.code)) + " " + to_hex(account.owner) +
           " of " + state.definition(account.ledger).asset.text();
}

Error differs(
    const Ledger::State& state,
    const AccountKey& account,
    const TotalsRow& stored,
    const TotalsRow& folded
) {
    return corrupt(
        Cf::kLedger,
        ledger_key::totals(account),
        words_of(state, account) + " has debits " + stored.debits.to_string() + ", credits " +
            stored.credits.to_string() + " up to entry " + std::to_string(stored.last.value) +
            "; the journal gives debits " + folded.debits.to_string() + ", credits " +
            folded.credits.to_string() + " up to entry " + std::to_string(folded.last.value)
    );
}

Error wrong_entry(const Transfer& t, std::string_view why) {
    return corrupt(Cf::kJournal, journal_key::transfers(t.seq), why);
}

Result<void> add_to(TotalsRow& row, const Transfer& t, bool debit) {
    Amount& total = debit ? row.debits : row.credits;
    const Result<Amount> sum = add(total, t.amount);
    if (!sum) {
        return wrong_entry(t, "its amount cannot be booked");
    }
    total = sum.value();
    row.last = t.seq;
    return ok();
}

void put_key(Bytes& out, const AccountKey& key) {
    put_blob(out, ledger_key::totals(key));
}

Result<AccountKey> read_key(ByteReader& in) {
    MARGRAVE_TRY(const Bytes key, read_blob(in));
    return ledger_key::parse_totals(key);
}

}  // namespace

void FoldRow::write(Bytes& out) const {
    put_u64(out, cycles);
    put_u64(out, folded.value);
    put_varint(out, shared.size());
    for (const auto& [key, totals] : shared) {
        put_key(out, key);
        totals.write(out);
    }
    put_varint(out, sums.size());
    for (const auto& [key, amount] : sums) {
        put_key(out, {key.first, key.second, Hash32{}});
        put_amount(out, amount);
    }
    put_flag(out, in_accounts);
    put_u64(out, accounts);
    put_blob(out, last);
    put_flag(out, part.has_value());
    part.value_or(TotalsRow{}).write(out);
    put_u64(out, reached.value);
}

Result<FoldRow> FoldRow::read(ByteReader& in) {
    FoldRow row;
    MARGRAVE_TRY(row.cycles, in.u64());
    MARGRAVE_TRY(row.folded.value, in.u64());
    MARGRAVE_TRY(const std::size_t accounts, read_count(in, kLeastEntry));
    for (std::size_t i = 0; i < accounts; ++i) {
        MARGRAVE_TRY(const AccountKey key, read_key(in));
        MARGRAVE_TRY(row.shared[key], TotalsRow::read(in));
    }
    MARGRAVE_TRY(const std::size_t codes, read_count(in, kLeastEntry));
    for (std::size_t i = 0; i < codes; ++i) {
        MARGRAVE_TRY(const AccountKey key, read_key(in));
        MARGRAVE_TRY(const Amount amount, read_amount(in));
        row.sums.emplace(SumKey{key.ledger, key.code}, amount);
    }
    MARGRAVE_TRY(row.in_accounts, read_flag(in));
    MARGRAVE_TRY(row.accounts, in.u64());
    MARGRAVE_TRY(row.last, read_blob(in));
    MARGRAVE_TRY(const bool has_part, read_flag(in));
    MARGRAVE_TRY(const TotalsRow part, TotalsRow::read(in));
    if (has_part) {
        row.part = part;
    }
    MARGRAVE_TRY(row.reached.value, in.u64());
    return row;
}

FoldStep::FoldStep(
    const Database::Impl& db, const Ledger::State& state, FoldRow& row, std::size_t left
)
    : db_(db),
      state_(state),
      row_(row),
      left_(left),
      journal_(db, state),
      originals_(db, state),
      versions_(db) {}

Result<void> FoldStep::run() {
    if (!row_.in_accounts) {
        MARGRAVE_TRY(fold_journal());
        if (row_.folded < state_.last_seq) {
            return ok();
        }
        // All of the journal, at this moment: what was folded is what must be stored.
        MARGRAVE_TRY(check_shared());
        row_.in_accounts = true;
    }
    return left_ == 0 ? ok() : fold_accounts();
}

Result<void> FoldStep::fold_journal() {
    const auto visit = [this](const Transfer& t) -> Result<bool> {
        if (t.seq.value != row_.folded.value + 1) {
            return wrong_entry(t, "an entry before it is missing");
        }
        MARGRAVE_TRY(fold(t));
        row_.folded = t.seq;
        --left_;
        return left_ > 0;
    };
    if (left_ == 0 || row_.folded >= state_.last_seq) {
        return ok();
    }
    return journal_.scan(Seq{row_.folded.value + 1}, visit);
}

Result<void> FoldStep::fold(const Transfer& t) {
    if (t.amount.is_zero()) {
        return wrong_entry(t, "it moves nothing");
    }
    if (t.reverses != Seq{}) {
        MARGRAVE_TRY(check_reversal(t));
    }
    MARGRAVE_TRY(fold_side(t, /*debit=*/true));
    return fold_side(t, /*debit=*/false);
}

// I10, without what only a fold of all of the journal can say: that nothing is reversed twice.
Result<void> FoldStep::check_reversal(const Transfer& t) {
    if (t.reverses >= t.seq) {
        return wrong_entry(t, "it reverses an entry that comes after it");
    }
    MARGRAVE_TRY(const Transfer o, originals_.at(t.reverses));
    const bool opposite = o.reverses == Seq{} && o.ledger == t.ledger && o.amount == t.amount &&
                          o.debit == t.credit && o.debit_owner == t.credit_owner &&
                          o.credit == t.debit && o.credit_owner == t.debit_owner &&
                          o.block_hash == t.block_hash;
    if (!opposite) {
        return wrong_entry(t, "it is not the opposite of entry " + std::to_string(o.seq.value));
    }
    return ok();
}

Result<void> FoldStep::fold_side(const Transfer& t, bool debit) {
    const AccountKey key{
        t.ledger, debit ? t.debit : t.credit, debit ? t.debit_owner : t.credit_owner};
    MARGRAVE_TRY(const auto stored, db_.read<TotalsRow>(Cf::kLedger, ledger_key::totals(key)));
    if (!stored || stored->last < t.seq) {
        return wrong_entry(t, words_of(state_, key) + " was not moved by it");
    }
    const bool owned = !is_shared(key.code) && key.code != AccountCode::kAuction;
    if (owned && key.owner != owner_of(t.account)) {
        return wrong_entry(t, words_of(state_, key) + " is not that of its event");
    }
    if (is_shared(key.code)) {
        MARGRAVE_TRY(add_to(row_.shared[key], t, debit));
    }
    Amount& sum = row_.sums[{key.ledger, key.code}];
    const bool grows = debit == grows_by_debit(key.code);
    const Result<Amount> moved = grows ? add(sum, t.amount) : sub(sum, t.amount);
    if (!moved) {
        return wrong_entry(
            t, "with it the sum of " + std::string(to_string(key.code)) + " leaves its range"
        );
    }
    sum = moved.value();
    return ok();
}

Result<void> FoldStep::check_shared() {
    std::size_t seen = 0;
    for (const LedgerDefinition& ledger : state_.ledgers) {
        const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
            MARGRAVE_TRY(const AccountKey account, ledger_key::parse_totals(key));
            MARGRAVE_TRY(
                const auto stored, Database::Impl::decode<TotalsRow>(Cf::kLedger, key, value)
            );
            const auto folded = row_.shared.find(account);
            const TotalsRow given = folded == row_.shared.end() ? TotalsRow{} : folded->second;
            if (stored.debits != given.debits || stored.credits != given.credits ||
                stored.last != given.last) {
                return differs(state_, account, stored, given);
            }
            ++seen;
            return true;
        };
        for (const AccountCode code : kShared) {
            Bytes prefix = ledger_key::totals({ledger.id, code, Hash32{}});
            prefix.resize(prefix.size() - sizeof(Hash32::data));
            MARGRAVE_TRY(db_.scan(Cf::kLedger, prefix, visit));
        }
        for (const auto& [code, sum] : state_.sums_of(ledger.id)) {
            const Amount& folded = row_.sums[{ledger.id, code}];
            if (sum != folded) {
                return fail(
                    Errc::kCorrupt,
                    "the sum of " + std::string(to_string(code)) + " of " + ledger.asset.text() +
                        " is " + sum.to_string() + ", the journal gives " + folded.to_string()
                );
            }
        }
    }
    // Every folded one has a row: fold_side saw it.
    MARGRAVE_ASSERT(seen >= row_.shared.size());
    return ok();
}

Result<void> FoldStep::fold_accounts() {
    const Bytes all{ledger_key::kTotals};
    bool ended = true;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        const bool again = std::ranges::equal(key, row_.last);
        if (again && !row_.part) {
            return true;
        }
        MARGRAVE_TRY(const AccountKey account, ledger_key::parse_totals(key));
        MARGRAVE_TRY(const auto stored, Database::Impl::decode<TotalsRow>(Cf::kLedger, key, value));
        if (!again) {
            row_.part.reset();
        }
        ended = is_shared(account.code);
        if (!ended) {
            MARGRAVE_TRY(ended, fold_account(key, stored));
            row_.accounts += ended ? 1 : 0;
        }
        row_.last.assign(key.begin(), key.end());
        ended = ended && left_ > 0;
        return ended;
    };
    MARGRAVE_TRY(db_.scan(Cf::kLedger, all, row_.last.empty() ? all : row_.last, visit));
    if (ended) {
        const std::uint64_t cycles = row_.cycles + 1;
        row_ = FoldRow{};
        row_.cycles = cycles;
    }
    return ok();
}

Result<AccountId> FoldStep::account_of(
    ByteView key, const AccountKey& account, const TotalsRow& stored
) {
    if (account.code != AccountCode::kAuction) {
        return account_of_owner(account.owner);
    }
    // The owner of a lot is its seizure; whose it was says any of its entries.
    if (stored.last == Seq{} || stored.last > state_.last_seq) {
        return corrupt(Cf::kLedger, key, words_of(state_, account) + " has no entry");
    }
    MARGRAVE_TRY(const Transfer t, journal_.at(stored.last));
    return t.account;
}

Result<bool> FoldStep::fold_account(ByteView key, const TotalsRow& stored) {
    MARGRAVE_TRY(const AccountKey account, ledger_key::parse_totals(key));
    MARGRAVE_TRY(const AccountId owner, account_of(key, account, stored));
    TotalsRow folded = row_.part.value_or(TotalsRow{});
    Seq reached = row_.part ? row_.reached : Seq{};
    // A part ends between two rows of the index, so the next row begins behind it.
    const Bytes prefix = journal_key::entries(owner);
    const Bytes from = journal_key::entries(owner, Seq{reached.value + 1});
    bool whole = true;
    const auto visit = [&](ByteView index, ByteView value) -> Result<bool> {
        if (left_ == 0) {
            whole = false;
            return false;
        }
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<EntriesRow>(Cf::kJournal, index, value)
        );
        MARGRAVE_TRY(const Seq first, journal_key::seq_of(index));
        const Result<std::vector<Seq>> seqs = row.from(first);
        if (!seqs) {
            return corrupt(Cf::kJournal, index, seqs.error().detail);
        }
        for (const Seq seq : seqs.value()) {
            MARGRAVE_TRY(const Transfer t, journal_.at(seq));
            const bool debit = AccountKey{t.ledger, t.debit, t.debit_owner} == account;
            const bool credit = AccountKey{t.ledger, t.credit, t.credit_owner} == account;
            if (debit || credit) {
                MARGRAVE_TRY(add_to(folded, t, debit));
            }
            left_ -= left_ > 0 ? 1 : 0;
            reached = seq;
        }
        return true;
    };
    MARGRAVE_TRY(db_.scan(Cf::kJournal, prefix, from, visit));
    if (!whole) {
        row_.part = folded;
        row_.reached = reached;
        return false;
    }
    left_ -= left_ > 0 ? 1 : 0;
    if (stored.debits != folded.debits || stored.credits != folded.credits ||
        stored.last != folded.last) {
        return differs(state_, account, stored, folded);
    }
    row_.part.reset();
    MARGRAVE_TRY(check_account(key, account, stored));
    return true;
}

// The newest version says the same thing in another way.
Result<void> FoldStep::check_account(
    ByteView key, const AccountKey& account, const TotalsRow& stored
) {
    const std::optional<Amount> net = stored.net(account.code);
    if (!net) {
        return corrupt(Cf::kLedger, key, words_of(state_, account) + " lies on its wrong side");
    }
    if (account.code == AccountCode::kWithdraw && !net->is_zero()) {
        return corrupt(Cf::kLedger, key, words_of(state_, account) + " kept what passed through");
    }
    if (!subject::has_balance(account.code) || account.code == AccountCode::kWithdraw) {
        return ok();
    }
    MARGRAVE_TRY(const auto version, versions_.read<AmountRow>(subject::balance(account)));
    const Amount balance = version ? version->amount : Amount{};
    if (balance != *net) {
        return corrupt(
            Cf::kLedger,
            key,
            words_of(state_, account) + " has " + net->to_string() +
                " by its journal, its newest version is " + balance.to_string()
        );
    }
    return ok();
}

}  // namespace detail

namespace {

/// In `meta`.
constexpr std::string_view kFoldKey = "fold";

}  // namespace

Result<FoldProgress> fold_step(Database& database, std::size_t entries) {
    MARGRAVE_ASSERT(entries > 0);
    const Database::Impl& db = database.impl();
    MARGRAVE_TRY(db.check_writable());
    Ledger::State state;
    MARGRAVE_TRY(state.load(db));
    const ByteView key = as_bytes(kFoldKey);
    MARGRAVE_TRY(const auto stored, db.read<detail::FoldRow>(detail::Cf::kMeta, key));
    detail::FoldRow row = stored.value_or(detail::FoldRow{});
    // A progress that is ahead of the journal is of another one, as after a power cut.
    if (row.folded > state.last_seq) {
        row = detail::FoldRow{};
    }
    const detail::FoldRow before = row;
    const Result<void> held = detail::FoldStep(db, state, row, entries).run();
    // What was found is found again by the first step after a restart: from here, and on disk.
    rocksdb::WriteBatch batch;
    db.put_row(batch, detail::Cf::kMeta, key, held ? row : before);
    MARGRAVE_TRY(db.write(batch, /*sync=*/!held));
    if (!held) {
        return held.as_failure();
    }
    return row.progress();
}

Result<FoldProgress> fold_progress(const Database& database) {
    const Database::Impl& db = database.impl();
    MARGRAVE_TRY(const auto row, db.read<detail::FoldRow>(detail::Cf::kMeta, as_bytes(kFoldKey)));
    return row ? row->progress() : FoldProgress{};
}

}  // namespace margrave::store
