// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/journal.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/detail/posix.hpp"
#include "store/detail/prune.hpp"
#include "store/ledger.hpp"

#include <algorithm>
#include <system_error>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace margrave::store {

using detail::AccountKey;
using detail::BlockRow;
using detail::Cf;
using detail::TotalsRow;

namespace {

// Folds the journal from its first entry and holds what must come out.
class JournalFold {
  public:
    JournalFold(const Database::Impl& db, const Ledger::State& state)
        : db_(db),
          state_(state),
          originals_(db, state) {}

    Result<void> add(const Transfer& t);
    /// Every entry that is not reversed stands in a block that counts, no reversed one does.
    Result<void> check_blocks() const;
    Result<void> check_totals() const;

    [[nodiscard]] std::uint64_t count() const { return entries_.size(); }

  private:
    struct Entry {
        ChainId chain;
        BlockNum block;
        Hash32 block_hash;
        bool reversal{false};
        bool reversed{false};
    };

    Result<void> add_reversal(const Transfer& t);

    Error wrong(const Transfer& t, std::string_view why) const {
        return detail::corrupt(Cf::kJournal, detail::journal_key::transfers(t.seq), why);
    }

    const Database::Impl& db_;
    const Ledger::State& state_;
    detail::JournalReader originals_;
    // By seq - 1.
    std::vector<Entry> entries_;
    std::unordered_set<Hash32> ids_;
    std::unordered_map<AccountKey, TotalsRow, detail::AccountKeyHash> totals_;
};

Result<void> JournalFold::add(const Transfer& t) {
    if (t.seq.value != entries_.size() + 1) {
        return wrong(t, "an entry before it is missing");
    }
    if (!ids_.insert(t.id).second) {
        return wrong(t, "its id was used before");
    }
    entries_.push_back({t.chain, t.block, t.block_hash, t.reverses != Seq{}, false});
    if (t.reverses != Seq{}) {
        MARGRAVE_TRY(add_reversal(t));
    }
    TotalsRow& debit = totals_[{t.ledger, t.debit, t.debit_owner}];
    TotalsRow& credit = totals_[{t.ledger, t.credit, t.credit_owner}];
    const Result<Amount> debits = margrave::add(debit.debits, t.amount);
    const Result<Amount> credits = margrave::add(credit.credits, t.amount);
    if (!debits || !credits || t.amount.is_zero()) {
        return wrong(t, "its amount cannot be booked");
    }
    debit.debits = debits.value();
    debit.last = t.seq;
    credit.credits = credits.value();
    credit.last = t.seq;
    return ok();
}

Result<void> JournalFold::add_reversal(const Transfer& t) {
    if (t.reverses >= t.seq) {
        return wrong(t, "it reverses an entry that comes after it");
    }
    Entry& original = entries_[t.reverses.value - 1];
    MARGRAVE_TRY(const Transfer o, originals_.at(t.reverses));
    const bool opposite = o.ledger == t.ledger && o.amount == t.amount && o.debit == t.credit &&
                          o.debit_owner == t.credit_owner && o.credit == t.debit &&
                          o.credit_owner == t.debit_owner && o.block_hash == t.block_hash;
    if (!opposite || original.reversal || original.reversed) {
        return wrong(t, "it is not the one reversal of " + std::to_string(t.reverses.value));
    }
    original.reversed = true;
    return ok();
}

Result<void> JournalFold::check_blocks() const {
    std::map<std::pair<ChainId, BlockNum>, BlockRow> blocks;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        const Entry& e = entries_[i];
        if (e.reversal) {
            continue;
        }
        const std::uint64_t seq = i + 1;
        auto it = blocks.find({e.chain, e.block});
        if (it == blocks.end()) {
            const Bytes key = detail::chain_key::block(detail::tag_of(e.chain), e.block);
            MARGRAVE_TRY(auto row, db_.read<BlockRow>(Cf::kChain, key));
            it = blocks.emplace(std::pair(e.chain, e.block), row.value_or(BlockRow{})).first;
        }
        const BlockRow& row = it->second;
        const bool counts =
            row.block.hash == e.block_hash && row.first.value <= seq && seq <= row.last.value;
        if (counts == e.reversed) {
            return detail::corrupt(
                Cf::kJournal,
                detail::journal_key::transfers(Seq{seq}),
                e.reversed ? "is reversed, but its block counts" : "stands in no block that counts"
            );
        }
    }
    return ok();
}

Result<void> JournalFold::check_totals() const {
    std::size_t seen = 0;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        const Result<AccountKey> account = detail::ledger_key::parse_totals(key);
        if (!account) {
            return detail::corrupt(Cf::kLedger, key, account.error().detail);
        }
        MARGRAVE_TRY(const auto row, Database::Impl::decode<TotalsRow>(Cf::kLedger, key, value));
        const auto it = totals_.find(account.value());
        if (it == totals_.end() || it->second.debits != row.debits ||
            it->second.credits != row.credits || it->second.last != row.last) {
            return detail::corrupt(Cf::kLedger, key, "totals are not the sum of the journal");
        }
        ++seen;
        return true;
    };
    MARGRAVE_TRY(db_.scan(Cf::kLedger, Bytes{detail::ledger_key::kTotals}, visit));
    if (seen != totals_.size()) {
        return fail(
            Errc::kCorrupt,
            std::to_string(totals_.size() - seen) + " accounts of the journal have no totals"
        );
    }
    std::map<LedgerId, std::map<AccountCode, Amount>> nets;
    for (const auto& [key, row] : totals_) {
        const std::optional<Amount> net = row.net(key.code);
        Amount& sum = nets[key.ledger][key.code];
        const Result<Amount> total = net ? margrave::add(sum, *net) : Result<Amount>(sum);
        if (!net || !total) {
            return detail::corrupt(
                Cf::kLedger, detail::ledger_key::totals(key), "balance lies on its wrong side"
            );
        }
        sum = total.value();
    }
    for (const LedgerDefinition& ledger : state_.ledgers) {
        std::map<AccountCode, Amount>& totals = nets[ledger.id];
        for (const auto& [code, sum] : state_.sums_of(ledger.id)) {
            if (totals[code] != sum) {
                return fail(
                    Errc::kCorrupt,
                    "sum of " + std::string(to_string(code)) + " of ledger " + ledger.asset.text() +
                        " is " + sum.to_string() + ", its accounts have " + totals[code].to_string()
                );
            }
        }
        if (!detail::is_balanced(totals)) {
            return fail(Errc::kCorrupt, "ledger " + ledger.asset.text() + " does not balance");
        }
    }
    return ok();
}

class TemporaryDir {
  public:
    TemporaryDir() = default;
    TemporaryDir(const TemporaryDir&) = delete;
    TemporaryDir& operator=(const TemporaryDir&) = delete;

    ~TemporaryDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    Result<std::filesystem::path> make() {
        std::error_code error;
        const std::filesystem::path base = std::filesystem::temp_directory_path(error);
        std::string pattern = (base / "margrave-verify-XXXXXX").string();
        if (error || ::mkdtemp(pattern.data()) == nullptr) {
            return detail::io_error(Errc::kIo, "create", pattern);
        }
        path_ = pattern;
        return path_;
    }

  private:
    std::filesystem::path path_;
};

Result<BlockData> read_block(const Database::Impl& db, const ChainId& chain, const BlockRow& row) {
    BlockData data;
    data.block = row.block;
    data.vault = row.vault;
    data.positions = row.positions;
    const Bytes key = detail::chain_key::events(detail::tag_of(chain), row.block.number);
    MARGRAVE_TRY(auto events, db.read<detail::EventsRow>(Cf::kEvent, key));
    if (events) {
        data.events = std::move(events->events);
    }
    return data;
}

// Applies one chain's stored events to an empty ledger, in the steps in which they were applied.
Result<void> replay_chain(const Database::Impl& db, const ChainId& chain, Ledger& into) {
    BlocksFinal run;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(const auto row, Database::Impl::decode<BlockRow>(Cf::kChain, key, value));
        MARGRAVE_TRY(BlockData data, read_block(db, chain, row));
        ChainUpdate update;
        if (row.run_to == BlockNum{}) {
            update = BlockApplied{std::move(data)};
        } else {
            run.blocks.push_back(std::move(data));
            if (!row.is_kept()) {
                return true;
            }
            update = std::exchange(run, {});
            // What lies below a run is final, whether it was when the run came or became so by it.
            if (const auto head = into.chain_state(chain).head) {
                MARGRAVE_TRY(into.apply(chain, Finalized{*head}));
            }
        }
        const Result<ApplySummary> applied = into.apply(chain, update);
        if (!applied) {
            return detail::corrupt(Cf::kChain, key, "does not replay: " + applied.error().detail);
        }
        return true;
    };
    MARGRAVE_TRY(db.scan(Cf::kChain, detail::chain_key::blocks(detail::tag_of(chain)), visit));
    if (!run.blocks.empty()) {
        return fail(
            Errc::kCorrupt,
            "the last " + std::to_string(run.blocks.size()) + " blocks of " + chain.text() +
                " are of a run that has no end"
        );
    }
    return ok();
}

Result<void> compare_versions(const Database::Impl& ours, const Database::Impl& replayed) {
    const auto iterate = [](const Database::Impl& db) {
        std::unique_ptr<rocksdb::Iterator> it(
            db.db->NewIterator(rocksdb::ReadOptions(), db.family(Cf::kVersion))
        );
        it->SeekToFirst();
        return it;
    };
    const auto a = iterate(ours);
    const auto b = iterate(replayed);
    while (a->Valid() && b->Valid() && a->key() == b->key() && a->value() == b->value()) {
        a->Next();
        b->Next();
    }
    if (!a->status().ok()) {
        return ours.failed("scan version", a->status());
    }
    if (!b->status().ok()) {
        return replayed.failed("scan version of the replay", b->status());
    }
    if (!a->Valid() && !b->Valid()) {
        return ok();
    }
    const bool extra = a->Valid() && (!b->Valid() || a->key().compare(b->key()) < 0);
    const bool missing = b->Valid() && (!a->Valid() || b->key().compare(a->key()) < 0);
    const rocksdb::Slice key = missing ? b->key() : a->key();
    return detail::corrupt(
        Cf::kVersion,
        detail::as_view(key),
        extra     ? "is not what the events give: they give no such row"
        : missing ? "is missing: the events give it"
                  : "is not what the events give"
    );
}

}  // namespace

Result<void> Ledger::verify() const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const Database::Impl& db = db_.impl();
    JournalFold fold(db, *state_);
    const auto visit = [&](const Transfer& t) -> Result<bool> {
        MARGRAVE_TRY(fold.add(t));
        return true;
    };
    MARGRAVE_TRY(detail::JournalReader(db, *state_).scan(Seq{}, visit));
    if (fold.count() != state_->last_seq.value) {
        return fail(
            Errc::kCorrupt,
            "the journal has " + std::to_string(fold.count()) + " entries, its counter says " +
                std::to_string(state_->last_seq.value)
        );
    }
    MARGRAVE_TRY(fold.check_blocks());
    MARGRAVE_TRY(fold.check_totals());

    TemporaryDir dir;
    MARGRAVE_TRY(const std::filesystem::path path, dir.make());
    MARGRAVE_TRY(const auto scratch, Database::open({path, db.options.network}));
    Ledger replayed(*scratch);
    for (const LedgerDefinition& ledger : state_->ledgers) {
        MARGRAVE_TRY(replayed.define(ledger.asset, ledger.decimals));
    }
    for (const auto& [chain, head] : state_->chains) {
        MARGRAVE_TRY(replay_chain(db, chain, replayed));
    }
    MARGRAVE_TRY(detail::prune_alike(db, scratch->impl()));
    return compare_versions(db, scratch->impl());
}

}  // namespace margrave::store
