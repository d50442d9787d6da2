// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/books.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/ledger_update.hpp"
#include "store/detail/links.hpp"
#include "store/detail/postings.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace margrave::store {

using detail::BlockRow;
using detail::Cf;
using detail::HeadRow;
using detail::SeenRow;

namespace {

using detail::name_of;

// Folds one event into its contract's accumulator. The sequence says whether one is missing.
template <class Event>
Result<void> fold_event(
    Accumulator& running, const Event& event, const ChainId& chain, const BlockRef& block
) {
    if (event.sequence != running.count + 1) {
        return fail(
            Errc::kUnproved,
            name_of(chain, block) + " has event " + std::to_string(event.sequence) +
                " after event " + std::to_string(running.count)
        );
    }
    running = fold(running, event);
    return ok();
}

// The accumulators say nothing of mapped events, so the events themselves are compared.
Result<bool> is_same(
    const Database::Impl& db, detail::ChainTag tag, const BlockRow& row, const BlockData& data
) {
    if (row.events != data.events.size() || row.vault != data.vault ||
        row.positions != data.positions) {
        return false;
    }
    const auto is_mapped = [](const ChainEvent& event) {
        return std::holds_alternative<MappedEvent>(event.body);
    };
    if (std::ranges::none_of(data.events, is_mapped)) {
        return true;
    }
    const Bytes key = detail::chain_key::events(tag, row.block.number);
    MARGRAVE_TRY(const auto stored, db.read<detail::EventsRow>(Cf::kEvent, key));
    return stored && stored->events == data.events;
}

// The block to be applied must stand on the head.
Result<void> check_parent(const ChainId& chain, const HeadRow& head, const BlockRef& block) {
    if (!head.head) {
        return ok();
    }
    if (block.parent == head.head->hash && block.number > head.head->number) {
        return ok();
    }
    const bool below = head.final && block.number <= head.final->number;
    return fail(
        below ? Errc::kBelowFinality : Errc::kUnproved,
        name_of(chain, block) + " has parent " + to_hex(block.parent) + ", but the head is " +
            name_of(chain, *head.head)
    );
}

}  // namespace

namespace detail {

std::string name_of(const ChainId& chain, const BlockRef& block) {
    return "block " + std::to_string(block.number.value) + " (" + to_hex(block.hash) + ") of " +
           chain.text();
}

// Almost always the logs come in ascending order, and then none can be there twice.
Result<void> check_places(const ChainId& chain, const BlockData& data) {
    const auto after = [](const ChainEvent& a, const ChainEvent& b) {
        return a.log_index >= b.log_index;
    };
    if (std::ranges::adjacent_find(data.events, after) == data.events.end()) {
        return ok();
    }
    std::set<std::tuple<Hash32, std::uint32_t, std::uint16_t>> places;
    for (const ChainEvent& event : data.events) {
        const auto* mapped = std::get_if<MappedEvent>(&event.body);
        const std::uint16_t part = mapped == nullptr ? std::uint16_t{0} : mapped->part;
        if (!places.emplace(event.txn_hash, event.log_index, part).second) {
            return fail(
                Errc::kUnproved,
                name_of(chain, data.block) + " has log " + std::to_string(event.log_index) +
                    " of " + to_hex(event.txn_hash) + " twice"
            );
        }
    }
    return ok();
}

Result<void> fold_block(HeadRow& head, const ChainId& chain, const BlockData& data) {
    MARGRAVE_TRY(check_places(chain, data));
    for (const ChainEvent& event : data.events) {
        if (const auto* movement = std::get_if<Movement>(&event.body)) {
            MARGRAVE_TRY(fold_event(head.vault, *movement, chain, data.block));
        } else if (const auto* position = std::get_if<Position>(&event.body)) {
            MARGRAVE_TRY(fold_event(head.positions, *position, chain, data.block));
        }
    }
    if (head.vault != data.vault || head.positions != data.positions) {
        return fail(
            Errc::kUnproved,
            name_of(chain, data.block) + " has events that do not give its accumulators: vault " +
                to_hex(head.vault.hash) + " after " + std::to_string(head.vault.count) +
                " events, the chain says " + to_hex(data.vault.hash) + " after " +
                std::to_string(data.vault.count)
        );
    }
    return ok();
}

Result<void> check_same(
    const Database::Impl& db, const ChainId& chain, const BlockRow& row, const BlockData& data
) {
    MARGRAVE_TRY(const bool same, is_same(db, tag_of(chain), row, data));
    if (same) {
        return ok();
    }
    return fail(
        Errc::kConflict, name_of(chain, data.block) + " was applied before with other events"
    );
}

Update::Update(Database::Impl& db, Ledger::State& state, const ChainId& chain)
    : db_(db),
      state_(state),
      chain_(chain),
      tag_(tag_of(chain)) {
    if (const HeadRow* known = state.chain(chain)) {
        head_ = *known;
    }
    head_.chain = chain.text();
}

Result<std::optional<BlockRow>> Update::block_at(BlockNum number) const {
    return db_.read<BlockRow>(Cf::kChain, chain_key::block(tag_, number));
}

Result<void> Update::write(rocksdb::WriteBatch& batch, bool sync) {
    db_.put_row(batch, Cf::kChain, chain_key::head(tag_), head_);
    const Result<void> written = db_.write(batch, sync);
    if (!written) {
        // What is on disk is unknown, so what is in memory may be wrong too.
        state_.drop_caches();
        return written;
    }
    state_.chains[chain_] = head_;
    return ok();
}

Result<std::uint32_t> Update::incarnation_of(const BlockRef& block) const {
    if (head_.reorgs == 0) {
        return 0U;
    }
    const Bytes key = chain_key::seen(tag_, block.hash);
    MARGRAVE_TRY(const auto seen, db_.read<SeenRow>(Cf::kChain, key));
    if (seen && seen->live) {
        return corrupt(Cf::kChain, key, "says that the block counts, but it is not there");
    }
    return seen ? seen->incarnation + 1 : 0U;
}

Result<BlockRow> Update::book_block(
    rocksdb::WriteBatch& batch, Books& books, Postings& postings, const BlockData& data
) {
    MARGRAVE_TRY(const std::uint32_t incarnation, incarnation_of(data.block));
    BlockRow row;
    row.block = data.block;
    row.first = Seq{books.last_seq().value + 1};
    row.events = static_cast<std::uint32_t>(data.events.size());
    row.incarnation = incarnation;
    row.vault = data.vault;
    row.positions = data.positions;
    books.begin(BlockContext{chain_, tag_, data.block, incarnation});
    postings.begin_block();
    for (const ChainEvent& event : data.events) {
        MARGRAVE_TRY(postings.apply(event));
    }
    row.last = books.last_seq();
    books.end_block(batch);
    if (!data.events.empty()) {
        const Bytes key = chain_key::events(tag_, data.block.number);
        db_.put(batch, Cf::kEvent, key, encode_events(data.events));
    }
    head_.head = data.block;
    return row;
}

void Update::put_block(rocksdb::WriteBatch& batch, const BlockRow& row) const {
    db_.put_row(batch, Cf::kChain, chain_key::block(tag_, row.block.number), row);
}

void Update::put_open(rocksdb::WriteBatch& batch, const Postings& postings) const {
    for (const std::uint64_t number : postings.requests()) {
        db_.put(batch, Cf::kDecision, decision_key::open_request(tag_, number), {});
    }
    for (const Postings::Seized& seized : postings.seized()) {
        const OpenLegRow leg{seized.account, chain_.text()};
        db_.put_row(batch, Cf::kDecision, decision_key::open_leg(seized.seizure), leg);
    }
}

Result<ApplySummary> Update::summary_of(const Books& books, const Postings& postings) const {
    ApplySummary summary;
    summary.touched = books.touched();
    const std::set<AccountId>& moved = postings.moved_positions();
    summary.touched.insert(moved.begin(), moved.end());
    Versions versions(db_);
    MARGRAVE_TRY(add_linked(versions, summary.touched));
    summary.transfers = books.transfers();
    summary.unknown_assets = postings.unknown_assets();
    return summary;
}

Result<ApplySummary> Update::apply(const BlockApplied& update) {
    const BlockData& data = update.data;
    MARGRAVE_TRY(const auto known, block_at(data.block.number));
    if (known && known->block.hash == data.block.hash) {
        MARGRAVE_TRY(check_same(db_, chain_, *known, data));
        return ApplySummary{};
    }
    MARGRAVE_TRY(check_parent(chain_, head_, data.block));
    rocksdb::WriteBatch batch;
    Books books(db_, state_);
    Postings postings(db_, state_, books);
    MARGRAVE_TRY(fold_block(head_, chain_, data));
    MARGRAVE_TRY(BlockRow row, book_block(batch, books, postings, data));
    books.write_totals(batch);
    books.write_versions(batch, &row.subjects);
    put_block(batch, row);
    put_open(batch, postings);
    db_.put_row(
        batch, Cf::kChain, chain_key::seen(tag_, data.block.hash), SeenRow{row.incarnation, true}
    );
    MARGRAVE_TRY(write(batch, /*sync=*/false));
    books.commit_to(state_);
    MARGRAVE_TRY(ApplySummary summary, summary_of(books, postings));
    summary.events = data.events.size();
    return summary;
}

}  // namespace detail

Result<ApplySummary> Ledger::fill_ahead(const ChainId& chain, const BlocksFinal& run) {
    const std::scoped_lock lock(mutex_);
    MARGRAVE_TRY(db_.impl().check_writable());
    MARGRAVE_TRY(loaded());
    return detail::Update(db_.impl(), *state_, chain).fill(run, /*ahead=*/true);
}

Result<void> Ledger::flush() {
    const std::scoped_lock lock(mutex_);
    return ready();
}

Result<ApplySummary> Ledger::apply(const ChainId& chain, const ChainUpdate& update) {
    const std::scoped_lock lock(mutex_);
    Database::Impl& db = db_.impl();
    MARGRAVE_TRY(db.check_writable());
    MARGRAVE_TRY(ready());
    detail::Update work(db, *state_, chain);
    if (const auto* applied = std::get_if<BlockApplied>(&update)) {
        return work.apply(*applied);
    }
    if (const auto* reverted = std::get_if<BlocksReverted>(&update)) {
        return work.revert(*reverted);
    }
    if (const auto* filled = std::get_if<BlocksFinal>(&update)) {
        return work.fill(*filled, /*ahead=*/false);
    }
    return work.finalize(std::get<Finalized>(update));
}

}  // namespace margrave::store
