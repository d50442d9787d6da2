// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "store/detail/ledger_update.hpp"

#include <algorithm>
#include <future>

// Runs of final blocks: how a ledger is filled. Many blocks, one synced batch.
namespace margrave::store::detail {
namespace {

// What the batch of a run takes for each event, roughly: two packed rows and its share of others.
constexpr std::size_t kBatchBytesPerEvent = 256;

// Events from which on a thread of its own is worth it.
constexpr std::size_t kFoldBeside = 4'096;

std::size_t count_events(std::span<const BlockData> blocks) {
    std::size_t out = 0;
    for (const BlockData& block : blocks) {
        out += block.events.size();
    }
    return out;
}

// A block of a run stands on the one before it, or, when that one is final, above it: the blocks
// between are left out, and the accumulators prove that they have no events.
Result<void> check_above(
    const ChainId& chain,
    const std::optional<BlockRef>& below,
    bool below_is_final,
    const BlockRef& block
) {
    if (!below) {
        return ok();
    }
    const bool is_next = block.number.value == below->number.value + 1;
    const bool linked = block.parent == below->hash;
    const bool unread = block.parent.is_zero();
    if (block.number > below->number && (linked || (below_is_final && (!is_next || unread)))) {
        return ok();
    }
    return fail(
        below_is_final && block.number <= below->number ? Errc::kBelowFinality : Errc::kUnproved,
        name_of(chain, block) + " has parent " + to_hex(block.parent) +
            ", but in its run it comes after " + name_of(chain, *below) +
            (below_is_final ? "" : ", which is not final")
    );
}

// Folds all blocks into the accumulators of `head`.
Result<HeadRow> fold_run(HeadRow head, const ChainId& chain, std::span<const BlockData> blocks) {
    for (const BlockData& data : blocks) {
        MARGRAVE_TRY(fold_block(head, chain, data));
    }
    return head;
}

}  // namespace

Result<std::span<const BlockData>> Update::unknown_part(const BlocksFinal& update) const {
    std::span<const BlockData> rest(update.blocks);
    while (!rest.empty()) {
        const BlockData& data = rest.front();
        if (!head_.head || data.block.number > head_.head->number) {
            break;
        }
        MARGRAVE_TRY(const auto known, block_at(data.block.number));
        if (!known || known->block.hash != data.block.hash) {
            break;
        }
        MARGRAVE_TRY(check_same(db_, chain_, *known, data));
        rest = rest.subspan(1);
    }
    return rest;
}

Result<void> Update::book_run(
    rocksdb::WriteBatch& batch, Books& books, Postings& postings, std::span<const BlockData> blocks
) {
    // Nothing says that an unfinal head is below these blocks but a parent link.
    bool below_is_final = !head_.head || head_.head == head_.final;
    for (const BlockData& data : blocks) {
        MARGRAVE_TRY(check_above(chain_, head_.head, below_is_final, data.block));
        below_is_final = true;
        MARGRAVE_TRY(BlockRow row, book_block(batch, books, postings, data));
        row.run_to = blocks.back().block.number;
        put_block(batch, row);
    }
    books.write_totals(batch);
    books.write_versions(batch);
    put_open(batch, postings);
    return ok();
}

Result<ApplySummary> Update::fill(const BlocksFinal& update) {
    MARGRAVE_TRY(const std::span<const BlockData> blocks, unknown_part(update));
    if (blocks.empty()) {
        return update.blocks.empty() ? Result<ApplySummary>(ApplySummary{})
                                     : finalize(Finalized{update.blocks.back().block});
    }
    const std::size_t events = count_events(blocks);
    if (events > Ledger::kRunEvents && blocks.size() > 1) {
        return fail(
            Errc::kLimit,
            "a run of " + std::to_string(blocks.size()) + " blocks of " + chain_.text() + " has " +
                std::to_string(events) + " events; at most " + std::to_string(Ledger::kRunEvents) +
                " are taken at once"
        );
    }
    const BlockNum last = blocks.back().block.number;
    // The fold is one hash after the other and booking does not wait for it: only the write does.
    // A future of std::async waits for its end wherever this function ends.
    std::future<Result<HeadRow>> folding = std::async(
        events > kFoldBeside ? std::launch::async : std::launch::deferred,
        fold_run,
        head_,
        std::cref(chain_),
        blocks
    );
    rocksdb::WriteBatch batch(events * kBatchBytesPerEvent);
    Books books(db_, state_);
    books.expect(events);
    Postings postings(db_, state_, books);
    const Result<void> booked = book_run(batch, books, postings, blocks);
    MARGRAVE_TRY(const HeadRow folded, folding.get());
    MARGRAVE_TRY(booked);
    head_.vault = folded.vault;
    head_.positions = folded.positions;
    head_.final = head_.head;
    head_.runs_to = last;
    MARGRAVE_TRY(write(batch, /*sync=*/true));
    books.commit_to(state_);
    // Reads what the batch wrote. Should a crash come between, the next final block settles it.
    rocksdb::WriteBatch settled;
    MARGRAVE_TRY(settle(settled, last));
    if (settled.Count() > 0) {
        MARGRAVE_TRY(write(settled, /*sync=*/false));
    }
    ApplySummary summary;
    summary.events = events;
    summary.transfers = books.transfers();
    summary.unknown_assets = postings.unknown_assets();
    return summary;
}

}  // namespace margrave::store::detail
