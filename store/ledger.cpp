// SPDX-License-Identifier: Apache-2.0
#include "store/ledger.hpp"

#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/journal.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/detail/links.hpp"
#include "store/detail/prune.hpp"

#include <algorithm>

namespace margrave::store {

using detail::BlockRow;
using detail::Cf;

namespace {

// value_of in core takes no more.
constexpr unsigned kMaxDecimals = 36;

ChainState make_state(const detail::HeadRow& row) {
    return {row.head, row.final, row.vault, row.positions, row.reorgs};
}

}  // namespace

Ledger::Ledger(Database& db)
    : db_(db),
      state_(std::make_unique<State>()) {
    const Result<void> loaded = state_->load(db_.impl());
    if (!loaded) {
        state_->trouble = loaded.error();
    }
}

Ledger::~Ledger() = default;

Result<void> Ledger::ready() const {
    MARGRAVE_TRY(loaded());
    return state_->wait_written();
}

Result<void> Ledger::loaded() const {
    if (state_->generation != db_.impl().generation) {
        const Result<void> loaded = state_->load(db_.impl());
        state_->trouble = loaded ? std::nullopt : std::optional<Error>(loaded.error());
        state_->generation = db_.impl().generation;
    }
    if (state_->trouble) {
        return *state_->trouble;
    }
    return ok();
}

Result<LedgerDefinition> Ledger::define(const AssetId& asset, unsigned decimals) {
    const std::scoped_lock lock(mutex_);
    Database::Impl& db = db_.impl();
    MARGRAVE_TRY(db.check_writable());
    MARGRAVE_TRY(ready());
    if (asset.text().empty() || decimals > kMaxDecimals) {
        return fail(
            Errc::kInvalid,
            "asset \"" + asset.text() + "\" with " + std::to_string(decimals) +
                " decimals; at most " + std::to_string(kMaxDecimals) + " are possible"
        );
    }
    const detail::ChainTag tag = detail::tag_of(asset.chain());
    if (const std::optional<LedgerId> known = state_->find(tag, asset.token())) {
        const LedgerDefinition& ledger = state_->definition(*known);
        if (ledger.asset == asset && ledger.decimals == decimals) {
            return ledger;
        }
        return fail(
            Errc::kConflict,
            "asset " + asset.text() + " with " + std::to_string(decimals) +
                " decimals is already ledger " + ledger.asset.text() + " with " +
                std::to_string(ledger.decimals)
        );
    }
    detail::Versions versions(db);
    MARGRAVE_TRY(
        const auto missed,
        versions.read<detail::NumberRow>(detail::subject::unknown(tag, asset.token()))
    );
    if (missed) {
        return fail(
            Errc::kConflict,
            "asset " + asset.text() + " already has " + std::to_string(missed->number) +
                " events that count nothing, because it was not configured when they came; sync "
                "again into a fresh data directory"
        );
    }
    const LedgerId id{static_cast<std::uint32_t>(state_->ledgers.size() + 1)};
    rocksdb::WriteBatch batch;
    db.put_row(
        batch,
        Cf::kLedger,
        detail::ledger_key::definition(id),
        detail::DefinitionRow{asset.text(), static_cast<std::uint8_t>(decimals)}
    );
    // A crash may lose it with all that came after it, never alone; the next start defines it
    // again.
    MARGRAVE_TRY(db.write(batch, /*sync=*/false));
    state_->ledgers.push_back({id, asset, decimals});
    state_->by_token.emplace(std::pair(tag, asset.token()), id);
    return state_->ledgers.back();
}

std::vector<LedgerDefinition> Ledger::ledgers() const {
    const std::scoped_lock lock(mutex_);
    return ready() ? state_->ledgers : std::vector<LedgerDefinition>{};
}

ChainState Ledger::chain_state(const ChainId& chain) const {
    const std::scoped_lock lock(mutex_);
    if (!ready()) {
        return {};
    }
    const detail::HeadRow* row = state_->chain(chain);
    return row == nullptr ? ChainState{} : make_state(*row);
}

std::optional<BlockRef> Ledger::block_at(const ChainId& chain, BlockNum number) const {
    const std::scoped_lock lock(mutex_);
    const Database::Impl& db = db_.impl();
    const Bytes key = detail::chain_key::block(detail::tag_of(chain), number);
    const auto read = [&]() -> Result<std::optional<BlockRow>> {
        MARGRAVE_TRY(state_->wait_written());
        return db.read<BlockRow>(Cf::kChain, key);
    };
    const auto row = read();
    if (!row) {
        // Not the same as "there is none": nothing may be decided from here on.
        db.listener->fail(row.error().detail);
        return std::nullopt;
    }
    return row.value() ? std::optional(row.value()->block) : std::nullopt;
}

Result<std::pair<Accumulator, Accumulator>> Ledger::accumulators_at(
    const ChainId& chain, BlockNum number
) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const Database::Impl& db = db_.impl();
    const detail::ChainTag tag = detail::tag_of(chain);
    MARGRAVE_TRY(
        const auto row, db.read<BlockRow>(Cf::kChain, detail::chain_key::block(tag, number))
    );
    if (!row) {
        return fail(
            Errc::kNotFound,
            "block " + std::to_string(number.value) + " of " + chain.text() + " was not applied"
        );
    }
    return std::pair(row->vault, row->positions);
}

Result<Accumulator> Ledger::vault_as_of(const ChainId& chain, BlockNum number) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const detail::ChainTag tag = detail::tag_of(chain);
    const Bytes key = detail::chain_key::block(tag, number);
    MARGRAVE_TRY(const auto at, db_.impl().last(Cf::kChain, detail::chain_key::blocks(tag), key));
    if (!at) {
        return Accumulator{};
    }
    MARGRAVE_TRY(
        const auto row, Database::Impl::decode<BlockRow>(Cf::kChain, at->first, at->second)
    );
    return row.vault;
}

// Above the last run every state is kept; below it the block that gave the state says so.
Result<void> Ledger::check_kept(const ChainId& chain, BlockNum number) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    const Database::Impl& db = db_.impl();
    MARGRAVE_TRY(detail::check_not_pruned(db, chain, number));
    const detail::HeadRow* head = state_->chain(chain);
    if (head == nullptr || number >= head->runs_to) {
        return ok();
    }
    const detail::ChainTag tag = detail::tag_of(chain);
    const Bytes key = detail::chain_key::block(tag, number);
    MARGRAVE_TRY(const auto at, db.last(Cf::kChain, detail::chain_key::blocks(tag), key));
    if (!at) {
        return ok();
    }
    MARGRAVE_TRY(
        const auto row, Database::Impl::decode<BlockRow>(Cf::kChain, at->first, at->second)
    );
    if (row.is_kept()) {
        return ok();
    }
    return fail(
        Errc::kNotFound,
        "the state of block " + std::to_string(number.value) + " of " + chain.text() +
            " was not kept: it lies inside a run of blocks that were filled in as one; the next "
            "state that can be read is that of block " +
            std::to_string(row.run_to.value)
    );
}

Result<void> Ledger::check_kept(const AsOf& as_of) const {
    const std::scoped_lock lock(mutex_);
    for (const auto& [chain, number] : as_of) {
        MARGRAVE_TRY(check_kept(chain, number));
    }
    return ok();
}

Seq Ledger::last_seq() const {
    const std::scoped_lock lock(mutex_);
    return ready() ? state_->last_seq : Seq{};
}

Result<std::set<AccountId>> Ledger::touched_between(
    const ChainId& chain, BlockNum from, BlockNum to
) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    std::set<AccountId> out;
    if (from >= to) {
        return out;
    }
    const detail::ChainTag tag = detail::tag_of(chain);
    const Bytes end = detail::chain_key::events(tag, to);
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        if (std::ranges::lexicographical_compare(end, key)) {
            return false;
        }
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<detail::EventsRow>(Cf::kEvent, key, value)
        );
        const std::vector<AccountId> accounts = detail::accounts_of(row.events);
        out.insert(accounts.begin(), accounts.end());
        return true;
    };
    MARGRAVE_TRY(db_.impl().scan(
        Cf::kEvent,
        detail::chain_key::events(tag),
        detail::chain_key::events(tag, BlockNum{from.value + 1}),
        visit
    ));
    detail::Versions versions(db_.impl());
    MARGRAVE_TRY(detail::add_linked(versions, out));
    return out;
}

Result<std::vector<Transfer>> Ledger::journal(Seq from, std::size_t limit) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    std::vector<Transfer> out;
    const auto visit = [&](Transfer transfer) -> Result<bool> {
        if (out.size() >= limit) {
            return false;
        }
        out.push_back(std::move(transfer));
        return true;
    };
    MARGRAVE_TRY(detail::JournalReader(db_.impl(), *state_).scan(from, visit));
    return out;
}

Result<std::vector<Transfer>> Ledger::entries_of(const AccountId& account) const {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(ready());
    detail::JournalReader reader(db_.impl(), *state_);
    std::vector<Transfer> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<detail::EntriesRow>(Cf::kJournal, key, value)
        );
        MARGRAVE_TRY(const Seq first, detail::journal_key::seq_of(key));
        const Result<std::vector<Seq>> seqs = row.from(first);
        if (!seqs) {
            return detail::corrupt(Cf::kJournal, key, seqs.error().detail);
        }
        for (const Seq seq : seqs.value()) {
            MARGRAVE_TRY(Transfer t, reader.at(seq));
            out.push_back(std::move(t));
        }
        return true;
    };
    MARGRAVE_TRY(db_.impl().scan(Cf::kJournal, detail::journal_key::entries(account), visit));
    return out;
}

}  // namespace margrave::store
