// SPDX-License-Identifier: Apache-2.0
#include "store/ledger.hpp"

#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/detail/links.hpp"

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
    MARGRAVE_TRY(db.write(batch, /*sync=*/true));
    state_->ledgers.push_back({id, asset, decimals});
    state_->by_token.emplace(std::pair(tag, asset.token()), id);
    return state_->ledgers.back();
}

std::vector<LedgerDefinition> Ledger::ledgers() const {
    return ready() ? state_->ledgers : std::vector<LedgerDefinition>{};
}

ChainState Ledger::chain_state(const ChainId& chain) const {
    if (!ready()) {
        return {};
    }
    const detail::HeadRow* row = state_->chain(chain);
    return row == nullptr ? ChainState{} : make_state(*row);
}

std::optional<BlockRef> Ledger::block_at(const ChainId& chain, BlockNum number) const {
    const Database::Impl& db = db_.impl();
    const Bytes key = detail::chain_key::block(detail::tag_of(chain), number);
    const auto row = db.read<BlockRow>(Cf::kChain, key);
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

Seq Ledger::last_seq() const {
    return ready() ? state_->last_seq : Seq{};
}

Result<std::set<AccountId>> Ledger::touched_between(
    const ChainId& chain, BlockNum from, BlockNum to
) const {
    MARGRAVE_TRY(ready());
    std::set<AccountId> out;
    if (from >= to) {
        return out;
    }
    const detail::ChainTag tag = detail::tag_of(chain);
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(const auto row, Database::Impl::decode<BlockRow>(Cf::kChain, key, value));
        if (row.block.number > to) {
            return false;
        }
        out.insert(row.accounts.begin(), row.accounts.end());
        return true;
    };
    MARGRAVE_TRY(db_.impl().scan(
        Cf::kChain,
        detail::chain_key::blocks(tag),
        detail::chain_key::block(tag, BlockNum{from.value + 1}),
        visit
    ));
    detail::Versions versions(db_.impl());
    MARGRAVE_TRY(detail::add_linked(versions, out));
    return out;
}

Result<std::vector<Transfer>> Ledger::journal(Seq from, std::size_t limit) const {
    MARGRAVE_TRY(ready());
    std::vector<Transfer> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        if (out.size() >= limit) {
            return false;
        }
        MARGRAVE_TRY(Transfer t, read_transfer(key, value));
        out.push_back(std::move(t));
        return true;
    };
    const Bytes start = detail::journal_key::transfer(from);
    MARGRAVE_TRY(db_.impl().scan(Cf::kJournal, Bytes{detail::journal_key::kTransfer}, start, visit)
    );
    return out;
}

Result<Transfer> Ledger::read_transfer(ByteView key, ByteView value) const {
    MARGRAVE_TRY(auto row, Database::Impl::decode<detail::TransferRow>(Cf::kJournal, key, value));
    ByteReader seq(key.subspan(1));
    MARGRAVE_TRY(row.transfer.seq.value, seq.u64());
    const std::uint32_t ledger = row.transfer.ledger.value;
    if (ledger == 0 || ledger > state_->ledgers.size()) {
        return detail::corrupt(
            Cf::kJournal, key, "ledger " + std::to_string(ledger) + " is unknown"
        );
    }
    row.transfer.chain = state_->definition(row.transfer.ledger).asset.chain();
    return std::move(row.transfer);
}

Result<std::vector<Transfer>> Ledger::entries_of(const AccountId& account) const {
    MARGRAVE_TRY(ready());
    const Database::Impl& db = db_.impl();
    const Bytes prefix = detail::journal_key::entries(account);
    std::vector<Transfer> out;
    const auto visit = [&](ByteView key, ByteView) -> Result<bool> {
        ByteReader rest(key.subspan(prefix.size()));
        MARGRAVE_TRY(const std::uint64_t seq, rest.u64());
        const Bytes row_key = detail::journal_key::transfer(Seq{seq});
        MARGRAVE_TRY(const auto value, db.get(Cf::kJournal, row_key));
        if (!value) {
            return detail::corrupt(Cf::kJournal, row_key, "an index names it, but it is gone");
        }
        MARGRAVE_TRY(Transfer t, read_transfer(row_key, *value));
        out.push_back(std::move(t));
        return true;
    };
    MARGRAVE_TRY(db.scan(Cf::kJournal, prefix, visit));
    return out;
}

}  // namespace margrave::store
