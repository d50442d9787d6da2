// SPDX-License-Identifier: Apache-2.0
#include "store/detail/books.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

namespace margrave::store::detail {
namespace {

// More transfers than any rule posts for one event.
constexpr std::uint16_t kLegsEach = 16;

// A quarter of a quarter of the range, so that no sum of accounts and no sum of sums can wrap. More
// than all honest tokens together; a token that gets there is broken, and its chain stops.
Amount max_total() {
    Hash32 word;
    word.data[0] = 0x10;
    return Amount::from_word(word);
}

Result<Amount> add_to_total(const Amount& total, const Transfer& t, const ChainId& chain) {
    static const Amount kMax = max_total();
    const Result<Amount> sum = add(total, t.amount);
    if (!sum || sum.value() > kMax) {
        return fail(
            Errc::kOverflow,
            "transaction " + to_hex(t.txn_hash) + " on " + chain.text() + " moves " +
                t.amount.to_string() + " raw units; a running total would pass 2^252"
        );
    }
    return sum;
}

// The order of what is kept by account.
struct ByOwner {
    bool operator()(const AccountKey& a, const AccountKey& b) const {
        return std::tie(a.owner, a.ledger, a.code) < std::tie(b.owner, b.ledger, b.code);
    }
};

// The rows of a table in the order of their keys: RocksDB takes ascending keys faster than others.
template <class Order = std::less<>, class T>
auto in_order(const T& table) {
    std::vector<const typename T::value_type*> out;
    out.reserve(table.size());
    for (const auto& row : table) {
        out.push_back(&row);
    }
    std::ranges::sort(out, [](const auto* a, const auto* b) {
        return Order{}(a->first, b->first);
    });
    return out;
}

}  // namespace

Books::Books(const Database::Impl& db, const Ledger::State& state)
    : db_(db),
      state_(state),
      versions_(db),
      first_seq_(state.last_seq),
      seq_(state.last_seq) {}

void Books::expect(std::size_t events) {
    constexpr std::size_t kMost = std::size_t{1} << 15U;
    accounts_.reserve(std::min(events, kMost));
    books_.reserve(std::min(events, kMost));
    entries_.reserve(std::min(events, kMost));
}

void Books::begin(const BlockContext& block) {
    MARGRAVE_ASSERT(block_journal_.transfers.empty());
    block_ = block;
}

void Books::end_block(rocksdb::WriteBatch& batch) {
    std::vector<Transfer>& transfers = block_journal_.transfers;
    if (transfers.empty()) {
        return;
    }
    for (const Transfer& t : transfers) {
        entries_[t.account].seqs.push_back(t.seq);
    }
    const Bytes key = journal_key::transfers(transfers.front().seq);
    db_.put_row(batch, Cf::kJournal, key, block_journal_);
    transfers.clear();
}

void Books::begin(const Cause& cause) {
    cause_ = cause;
    leg_ = static_cast<std::uint16_t>(cause.part * kLegsEach);
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
    const AccountKey key{ledger, account.code, account.owner};
    std::optional<Amount> net;
    if (const auto changed = accounts_.find(key); changed != accounts_.end()) {
        net = changed->second.now.net(account.code);
    } else if (const auto known = state_.accounts.find(key); known != state_.accounts.end()) {
        // Nothing changes by being asked for.
        net = known->second.net(account.code);
    } else {
        MARGRAVE_TRY(const Changed* const row, load(key));
        net = row->now.net(account.code);
    }
    MARGRAVE_ASSERT(net.has_value());
    return *net;
}

Result<void> Books::post(
    LedgerId ledger, const AccountRef& debit, const AccountRef& credit, const Amount& amount
) {
    if (amount.is_zero()) {
        return ok();
    }
    Transfer& t = block_journal_.transfers.emplace_back();
    t.ledger = ledger;
    t.debit = debit.code;
    t.debit_owner = debit.owner;
    t.credit = credit.code;
    t.credit_owner = credit.owner;
    t.amount = amount;
    t.cause = cause_.kind;
    t.account = cause_.account;
    t.block = block_.block.number;
    t.block_hash = block_.block.hash;
    t.txn_hash = cause_.txn_hash;
    t.log_index = cause_.log_index;
    t.leg = leg_++;
    t.incarnation = block_.incarnation;
    t.time = block_.block.time;
    return move(t);
}

Result<void> Books::reverse(const Transfer& original) {
    MARGRAVE_ASSERT(original.reverses == Seq{});
    Transfer& t = block_journal_.transfers.emplace_back(original);
    std::swap(t.debit, t.credit);
    std::swap(t.debit_owner, t.credit_owner);
    t.reverses = original.seq;
    return move(t);
}

Result<void> Books::move(Transfer& t) {
    MARGRAVE_ASSERT(state_.definition(t.ledger).asset.chain() == block_.chain);
    const AccountKey debit_key{t.ledger, t.debit, t.debit_owner};
    MARGRAVE_TRY(load(debit_key));
    MARGRAVE_TRY(Changed* const credit, load({t.ledger, t.credit, t.credit_owner}));
    Changed* const debit = &accounts_.find(debit_key)->second;
    MARGRAVE_TRY(debit->now.debits, add_to_total(debit->now.debits, t, block_.chain));
    MARGRAVE_TRY(credit->now.credits, add_to_total(credit->now.credits, t, block_.chain));
    t.seq = Seq{++seq_.value};
    debit->now.last = t.seq;
    credit->now.last = t.seq;
    const bool right_side = debit != credit && debit->now.net(t.debit).has_value() &&
                            credit->now.net(t.credit).has_value() &&
                            shift_sum({t.ledger, t.debit}, /*debit=*/true, t.amount) &&
                            shift_sum({t.ledger, t.credit}, /*debit=*/false, t.amount);
    if (!right_side && t.reverses != Seq{}) {
        return corrupt(
            Cf::kJournal, journal_key::transfers(t.reverses), "cannot be what gave these balances"
        );
    }
    // Every rule takes no more than there is, so no balance ever lies on its wrong side.
    MARGRAVE_ASSERT(right_side);
    return ok();
}

Amount Books::sum(LedgerId ledger, AccountCode code) const {
    const SumKey key{ledger, code};
    if (const auto changed = sums_.find(key); changed != sums_.end()) {
        return changed->second;
    }
    const auto stored = state_.sums.find(key);
    return stored == state_.sums.end() ? Amount{} : stored->second;
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
    for (const auto& [subject, value] : written_) {
        if (subject.size() >= prefix.size() &&
            std::equal(prefix.begin(), prefix.end(), subject.begin())) {
            out.insert_or_assign(subject, value);
        }
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

Result<Amount*> Books::book(LedgerId ledger, const AccountId& account) {
    const AccountKey key{ledger, AccountCode::kCollateral, owner_of(account)};
    const auto [it, is_new] = books_.try_emplace(key);
    if (!is_new) {
        return &it->second;
    }
    if (const auto known = state_.books.find(key); known != state_.books.end()) {
        it->second = known->second;
        return &it->second;
    }
    const auto row = versions_.read<AmountRow>(subject::book(ledger, account));
    if (!row) {
        books_.erase(it);
        return row.error();
    }
    it->second = row.value() ? row.value()->amount : Amount{};
    return &it->second;
}

std::set<AccountId> Books::touched() const {
    std::set<AccountId> out;
    for (const auto& [account, entries] : entries_) {
        if (!is_pool(account)) {
            out.insert(account);
        }
    }
    return out;
}

void Books::assert_balanced() const {
    std::set<LedgerId> ledgers;
    for (const auto& [key, sum] : sums_) {
        ledgers.insert(key.first);
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
}

void Books::write_totals(rocksdb::WriteBatch& batch) const {
    MARGRAVE_ASSERT(block_journal_.transfers.empty());
    assert_balanced();
    for (const auto* row : in_order(accounts_)) {
        const auto& [key, changed] = *row;
        if (changed.now.last == changed.before.last) {
            continue;
        }
        MARGRAVE_ASSERT(changed.now.debits >= changed.before.debits);
        MARGRAVE_ASSERT(changed.now.credits >= changed.before.credits);
        if (key.code == AccountCode::kWithdraw) {
            MARGRAVE_ASSERT(changed.now.debits == changed.now.credits);
        }
        db_.put_row(batch, Cf::kLedger, ledger_key::totals(key), changed.now);
    }
    for (const auto* row : in_order(entries_)) {
        const Bytes key = journal_key::entries(row->first, row->second.seqs.front());
        db_.put_row(batch, Cf::kJournal, key, row->second);
    }
    if (transfers() > 0) {
        db_.put_row(batch, Cf::kMeta, as_bytes(meta::kSeq), NumberRow{seq_.value});
    }
}

void Books::write_versions(rocksdb::WriteBatch& batch, std::vector<Bytes>* subjects) const {
    const auto put = [&](Bytes subject, const Bytes& value) {
        db_.put(batch, Cf::kVersion, subject::versioned(subject, block_.block.number), value);
        if (subjects != nullptr) {
            subjects->push_back(std::move(subject));
        }
    };
    for (const auto* row : in_order<ByOwner>(accounts_)) {
        const auto& [key, changed] = *row;
        const std::optional<Amount> now = changed.now.net(key.code);
        MARGRAVE_ASSERT(now.has_value());
        if (subject::has_balance(key.code) && now != changed.before.net(key.code)) {
            put(subject::balance(key), encode(AmountRow{*now}));
        }
    }
    for (const auto* row : in_order<ByOwner>(books_)) {
        const auto& [key, amount] = *row;
        put(subject::book(key.ledger, account_of_owner(key.owner)), encode(AmountRow{amount}));
    }
    for (const auto& [key, sum] : sums_) {
        const auto before = state_.sums.find(key);
        if (sum != (before == state_.sums.end() ? Amount{} : before->second)) {
            put(subject::sum(key.first, key.second), encode(AmountRow{sum}));
        }
    }
    for (const auto* row : in_order(written_)) {
        put(row->first, row->second);
    }
    if (subjects != nullptr) {
        std::ranges::sort(*subjects);
    }
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
    state.trim();
    for (const auto& [key, changed] : accounts_) {
        state.accounts[key] = changed.now;
    }
    for (const auto& [key, sum] : sums_) {
        state.sums[key] = sum;
    }
    for (const auto& [key, amount] : books_) {
        state.books[key] = amount;
    }
    for (const auto& [subject, value] : written_) {
        state.newest[subject] = value;
        if (subject.front() == subject::kInterest) {
            const auto token = subject::parse_interest(subject);
            MARGRAVE_ASSERT(token.has_value());
            state.rated.insert(token.value());
        }
    }
    state.last_seq = seq_;
}

}  // namespace margrave::store::detail
