// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "store/detail/ledger_update.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <vector>

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

// A block that is folded from what the one before it says it ends with.
struct Lane {
    std::size_t block{0};
    std::size_t next{0};
    Accumulator running;
};

/// As many messages as keccak256_each hashes at once.
constexpr std::size_t kLanes = 8;

const Movement* next_movement(Lane& lane, const BlockData& data) {
    for (; lane.next < data.events.size(); ++lane.next) {
        if (const auto* movement = std::get_if<Movement>(&data.events[lane.next].body)) {
            return movement;
        }
    }
    return nullptr;
}

// The first block whose movements do not lead from the accumulator before it to its own; as many
// as there are if all do. One fold waits for the one before it, but blocks do not wait for each
// other, so those of eight are hashed at once.
std::size_t first_wrong(const Accumulator& before, std::span<const BlockData> blocks) {
    std::size_t wrong = blocks.size();
    std::vector<Lane> lanes;
    std::size_t begun = 0;
    Bytes messages;
    std::array<Hash32, kLanes> hashes;
    const auto has_ended = [&](Lane& lane) {
        const BlockData& data = blocks[lane.block];
        const Movement* const next = next_movement(lane, data);
        if (next != nullptr && next->sequence == lane.running.count + 1) {
            return false;
        }
        if (next != nullptr || lane.running != data.vault) {
            wrong = std::min(wrong, lane.block);
        }
        return true;
    };
    while (begun < blocks.size() || !lanes.empty()) {
        while (lanes.size() < kLanes && begun < blocks.size()) {
            lanes.push_back({begun, 0, begun == 0 ? before : blocks[begun - 1].vault});
            ++begun;
        }
        if (std::erase_if(lanes, has_ended) > 0) {
            continue;
        }
        messages.clear();
        for (Lane& lane : lanes) {
            const auto& event = std::get<Movement>(blocks[lane.block].events[lane.next++].body);
            put_bytes(messages, fold_message(lane.running.hash, event));
        }
        const std::span<Hash32> out = std::span(hashes).first(lanes.size());
        keccak256_each(messages, FoldMessage{}.size(), out);
        for (std::size_t i = 0; i < lanes.size(); ++i) {
            lanes[i].running = {lanes[i].running.count + 1, hashes[i]};
        }
    }
    return wrong;
}

// Folds all blocks into the accumulators of `head`.
Result<HeadRow> fold_run(HeadRow head, const ChainId& chain, std::span<const BlockData> blocks) {
    const std::size_t wrong = first_wrong(head.vault, blocks);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const BlockData& data = blocks[i];
        const auto is_position = [](const ChainEvent& event) {
            return std::holds_alternative<Position>(event.body);
        };
        if (i == wrong || data.positions != head.positions ||
            std::ranges::any_of(data.events, is_position)) {
            MARGRAVE_TRY(fold_block(head, chain, data));
            continue;
        }
        MARGRAVE_TRY(check_places(chain, data));
        head.vault = data.vault;
    }
    MARGRAVE_ASSERT(wrong == blocks.size());
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

// Balances, books and single rows are in the caches; what has to be searched for is on disk alone.
bool Update::can_book_ahead(const BlocksFinal& update) const {
    const auto is_plain = [](const ChainEvent& event) {
        const auto* movement = std::get_if<Movement>(&event.body);
        return movement != nullptr && movement->kind != MovementKind::kSeizure;
    };
    const auto is_new = [this](const BlockData& data) {
        return !head_.head || data.block.number > head_.head->number;
    };
    return std::ranges::all_of(update.blocks, [&](const BlockData& data) {
        return is_new(data) && std::ranges::all_of(data.events, is_plain);
    });
}

Result<void> Update::write_run(rocksdb::WriteBatch batch, BlockNum last, bool ahead) {
    db_.put_row(batch, Cf::kChain, chain_key::head(tag_), head_);
    auto work =
        [&db = db_, chain = chain_, run = std::move(batch), last]() mutable -> Result<void> {
        MARGRAVE_TRY(db.write(run, /*sync=*/true));
        // Should a crash come between, the next final block settles it.
        rocksdb::WriteBatch settled;
        MARGRAVE_TRY(settle(db, chain, settled, last));
        return settled.Count() > 0 ? db.write(settled, /*sync=*/false) : ok();
    };
    // One at a time: the caches are what the one on its way leads to.
    MARGRAVE_TRY(state_.wait_written());
    state_.writing =
        std::async(ahead ? std::launch::async : std::launch::deferred, std::move(work));
    if (!ahead) {
        MARGRAVE_TRY(state_.wait_written());
    }
    state_.chains[chain_] = head_;
    return ok();
}

Result<ApplySummary> Update::fill(const BlocksFinal& update, bool ahead) {
    if (!ahead || !can_book_ahead(update)) {
        MARGRAVE_TRY(state_.wait_written());
    }
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
    MARGRAVE_TRY(write_run(std::move(batch), last, ahead));
    books.commit_to(state_);
    ApplySummary summary;
    summary.events = events;
    summary.transfers = books.transfers();
    summary.unknown_assets = postings.unknown_assets();
    return summary;
}

}  // namespace margrave::store::detail
