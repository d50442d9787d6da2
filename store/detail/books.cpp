// SPDX-License-Identifier: Apache-2.0
#include "store/detail/books.hpp"

#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <algorithm>

namespace margrave::store::detail {
namespace {

constexpr std::string_view kTransferTag = "margrave/transfer";
constexpr std::string_view kReversalTag = "margrave/reversal";

// More transfers than any rule posts for one event.
constexpr std::uint16_t kLegsEach = 16;

// A quarter of a quarter of the range, so that no sum of accounts and no sum of sums can wrap. More
// than all honest tokens together; a token that gets there is broken, and its chain stops.
Amount max_total() {
    Hash32 word;
    word.data[0] = 0x10;
    return Amount::from_word(word);
}

Result<Amount> add_to_total(const Amount& total, const Transfer& t) {
    static const Amount kMax = max_total();
    const Result<Amount> sum = add(total, t.amount);
    if (!sum || sum.value() > kMax) {
        return fail(
            Errc::kOverflow,
            "transaction " + to_hex(t.txn_hash) + " on " + t.chain.text() + " moves " +
                t.amount.to_string() + " raw units; a running total would pass 2^252"
        );
    }
    return sum;
}

Hash32 reversal_id(const Hash32& original) {
    Bytes bytes = to_bytes(kReversalTag);
    put_bytes(bytes, original.view());
    return keccak256(bytes);
}

}  // namespace

Books::Books(const Database::Impl& db, const Ledger::State& state)
    : db_(db),
      state_(state),
      versions_(db),
      seq_(state.last_seq) {}

void Books::begin(const BlockContext& block) {
    block_ = block;
}

void Books::begin(const Cause& cause) {
    cause_ = cause;
    leg_ = static_cast<std::uint16_t>(cause.part * kLegsEach);
}

// The block is named by hash, so a transaction that a reorg puts into another block is a new
// observation; and by incarnation, so it is one also when the same block comes back.
Hash32 Books::next_id() {
    Bytes bytes = to_bytes(kTransferTag);
    put_bytes(bytes, block_.chain.key().view());
    put_bytes(bytes, block_.block.hash.view());
    put_bytes(bytes, cause_.txn_hash.view());
    put_u32(bytes, cause_.log_index);
    put_u16(bytes, leg_++);
    put_u32(bytes, block_.incarnation);
    return keccak256(bytes);
}

Result<Amount> Books::stored_net(const AccountKey& key) {
    const Bytes subject =
        subject::has_balance(key.code) ? subject::balance(key) : subject::sum(key.ledger, key.code);
    MARGRAVE_TRY(const auto row, versions_.read<AmountRow>(subject));
    return row ? row->amount : Amount{};
}

// Totals and version say the same thing in two ways; both are read, so a damaged or planted one is
// found before it is built upon.
Result<Books::Changed*> Books::load(const AccountKey& key) {
    if (const auto it = accounts_.find(key); it != accounts_.end()) {
        return &it->second;
    }
    Changed loaded;
    if (const auto cached = state_.accounts.find(key); cached != state_.accounts.end()) {
        loaded.before = cached->second;
    } else {
        const Bytes row_key = ledger_key::totals(key);
        MARGRAVE_TRY(const auto row, db_.read<TotalsRow>(Cf::kLedger, row_key));
        loaded.before = row.value_or(TotalsRow{});
        const std::optional<Amount> net = loaded.before.net(key.code);
        if (!net || loaded.before.last > state_.last_seq) {
            return corrupt(Cf::kLedger, row_key, "totals that no journal gives");
        }
        // All kWithdraw accounts are zero between events; they have no version of their own.
        MARGRAVE_TRY(
            const Amount stored,
            key.code == AccountCode::kWithdraw ? Result<Amount>(Amount{}) : stored_net(key)
        );
        if (*net != stored) {
            return corrupt(
                Cf::kLedger,
                row_key,
                "totals give " + net->to_string() + ", the newest version is " + stored.to_string()
            );
        }
    }
    loaded.now = loaded.before;
    return &accounts_.emplace(key, std::move(loaded)).first->second;
}

Result<Amount> Books::net(LedgerId ledger, const AccountRef& account) {
    MARGRAVE_TRY(const Changed* const row, load({ledger, account.code, account.owner}));
    const std::optional<Amount> net = row->now.net(account.code);
    MARGRAVE_ASSERT(net.has_value());
    return *net;
}

Result<void> Books::post(
    LedgerId ledger, const AccountRef& debit, const AccountRef& credit, const Amount& amount
) {
    if (amount.is_zero()) {
        return ok();
    }
    Transfer t;
    t.id = next_id();
    t.ledger = ledger;
    t.debit = debit.code;
    t.debit_owner = debit.owner;
    t.credit = credit.code;
    t.credit_owner = credit.owner;
    t.amount = amount;
    t.cause = cause_.kind;
    t.account = cause_.account;
    t.chain = block_.chain;
    t.block = block_.block.number;
    t.block_hash = block_.block.hash;
    t.txn_hash = cause_.txn_hash;
    t.log_index = cause_.log_index;
    t.time = block_.block.time;
    return move(std::move(t));
}

Result<void> Books::reverse(const Transfer& original) {
    MARGRAVE_ASSERT(original.reverses == Seq{});
    Transfer t = original;
    t.id = reversal_id(original.id);
    std::swap(t.debit, t.credit);
    std::swap(t.debit_owner, t.credit_owner);
    t.reverses = original.seq;
    return move(std::move(t));
}

Result<void> Books::move(Transfer t) {
    MARGRAVE_ASSERT(state_.definition(t.ledger).asset.chain() == t.chain);
    MARGRAVE_TRY(Changed* const debit, load({t.ledger, t.debit, t.debit_owner}));
    MARGRAVE_TRY(Changed* const credit, load({t.ledger, t.credit, t.credit_owner}));
    MARGRAVE_TRY(debit->now.debits, add_to_total(debit->now.debits, t));
    MARGRAVE_TRY(credit->now.credits, add_to_total(credit->now.credits, t));
    t.seq = Seq{++seq_.value};
    debit->now.last = t.seq;
    credit->now.last = t.seq;
    const bool right_side = debit != credit && debit->now.net(t.debit).has_value() &&
                            credit->now.net(t.credit).has_value() &&
                            shift_sum({t.ledger, t.debit}, /*debit=*/true, t.amount) &&
                            shift_sum({t.ledger, t.credit}, /*debit=*/false, t.amount);
    if (!right_side && t.reverses != Seq{}) {
        return corrupt(
            Cf::kJournal, journal_key::transfer(t.reverses), "cannot be what gave these balances"
        );
    }
    // Every rule takes no more than there is, so no balance ever lies on its wrong side.
    MARGRAVE_ASSERT(right_side);
    transfers_.push_back(std::move(t));
    return ok();
}

bool Books::shift_sum(const SumKey& key, bool debit, const Amount& amount) {
    auto it = sums_.find(key);
    if (it == sums_.end()) {
        const auto stored = state_.sums.find(key);
        it = sums_.emplace(key, stored == state_.sums.end() ? Amount{} : stored->second).first;
    }
    const bool grows = debit == grows_by_debit(key.second);
    const Result<Amount> moved = grows ? add(it->second, amount) : sub(it->second, amount);
    if (moved) {
        it->second = moved.value();
    }
    return moved.has_value();
}

Result<std::map<Bytes, Bytes>> Books::newest_under(const Bytes& prefix) {
    std::map<Bytes, Bytes> out;
    const auto visit = [&](ByteView subject, ByteView value) -> Result<void> {
        out.insert_or_assign(
            Bytes(subject.begin(), subject.end()), Bytes(value.begin(), value.end())
        );
        return ok();
    };
    MARGRAVE_TRY(versions_.each(prefix, kHeadOfChain, visit));
    for (auto it = written_.lower_bound(prefix); it != written_.end(); ++it) {
        if (it->first.size() < prefix.size() ||
            !std::equal(prefix.begin(), prefix.end(), it->first.begin())) {
            break;
        }
        out.insert_or_assign(it->first, it->second);
    }
    return out;
}

Result<std::optional<Bytes>> Books::newest_bytes(const Bytes& subject) {
    if (const auto it = written_.find(subject); it != written_.end()) {
        return std::optional<Bytes>(it->second);
    }
    if (const auto it = state_.newest.find(subject); it != state_.newest.end()) {
        return std::optional<Bytes>(it->second);
    }
    return versions_.at(subject, kHeadOfChain);
}

std::set<AccountId> Books::touched() const {
    std::set<AccountId> out;
    for (const Transfer& t : transfers_) {
        if (!is_pool(t.account)) {
            out.insert(t.account);
        }
    }
    return out;
}

void Books::write_journal(rocksdb::WriteBatch& batch) const {
    std::set<LedgerId> ledgers;
    for (const auto& [key, changed] : accounts_) {
        if (changed.now.last == changed.before.last) {
            continue;
        }
        MARGRAVE_ASSERT(changed.now.debits >= changed.before.debits);
        MARGRAVE_ASSERT(changed.now.credits >= changed.before.credits);
        if (key.code == AccountCode::kWithdraw) {
            MARGRAVE_ASSERT(changed.now.debits == changed.now.credits);
        }
        ledgers.insert(key.ledger);
        db_.put_row(batch, Cf::kLedger, ledger_key::totals(key), changed.now);
    }
    for (const LedgerId ledger : ledgers) {
        std::map<AccountCode, Amount> totals = state_.sums_of(ledger);
        for (const auto& [key, sum] : sums_) {
            if (key.first == ledger) {
                totals[key.second] = sum;
            }
        }
        MARGRAVE_ASSERT(is_balanced(totals));
    }
    for (const Transfer& t : transfers_) {
        db_.put_row(batch, Cf::kJournal, journal_key::transfer(t.seq), TransferRow{t});
        db_.put(batch, Cf::kJournal, journal_key::entry(t.account, t.seq), {});
    }
    if (!transfers_.empty()) {
        db_.put_row(batch, Cf::kMeta, as_bytes(meta::kSeq), NumberRow{seq_.value});
    }
}

std::vector<Bytes> Books::write_versions(rocksdb::WriteBatch& batch) const {
    std::vector<Bytes> subjects;
    const auto add_version = [&](Bytes subject, ByteView value) {
        db_.put(batch, Cf::kVersion, subject::versioned(subject, block_.block.number), value);
        subjects.push_back(std::move(subject));
    };
    for (const auto& [key, changed] : accounts_) {
        const std::optional<Amount> now = changed.now.net(key.code);
        MARGRAVE_ASSERT(now.has_value());
        if (subject::has_balance(key.code) && now != changed.before.net(key.code)) {
            add_version(subject::balance(key), encode(AmountRow{*now}));
        }
    }
    for (const auto& [key, sum] : sums_) {
        const auto before = state_.sums.find(key);
        if (sum != (before == state_.sums.end() ? Amount{} : before->second)) {
            add_version(subject::sum(key.first, key.second), encode(AmountRow{sum}));
        }
    }
    for (const auto& [subject, value] : written_) {
        add_version(subject, value);
    }
    return subjects;
}

Result<void> Books::check_against(std::optional<BlockNum> ancestor) {
    const auto stored_at = [&](const Bytes& subject) -> Result<Amount> {
        if (!ancestor) {
            return Amount{};
        }
        MARGRAVE_TRY(const auto row, versions_.read<AmountRow>(subject, *ancestor));
        return row ? row->amount : Amount{};
    };
    for (const auto& [key, changed] : accounts_) {
        const std::optional<Amount> now = changed.now.net(key.code);
        MARGRAVE_ASSERT(now.has_value());
        if (!subject::has_balance(key.code)) {
            continue;
        }
        const Bytes subject = subject::balance(key);
        MARGRAVE_TRY(const Amount stored, stored_at(subject));
        if (*now != stored) {
            return corrupt(Cf::kVersion, subject, "is not what the reversed journal gives");
        }
    }
    for (const auto& [key, sum] : sums_) {
        const Bytes subject = subject::sum(key.first, key.second);
        MARGRAVE_TRY(const Amount stored, stored_at(subject));
        if (sum != stored) {
            return corrupt(Cf::kVersion, subject, "is not what the reversed journal gives");
        }
    }
    return ok();
}

void Books::commit_to(Ledger::State& state) const {
    for (const auto& [key, changed] : accounts_) {
        state.accounts[key] = changed.now;
    }
    for (const auto& [key, sum] : sums_) {
        state.sums[key] = sum;
    }
    for (const auto& [subject, value] : written_) {
        state.newest[subject] = value;
    }
    state.last_seq = seq_;
    state.trim();
}

}  // namespace margrave::store::detail
