// SPDX-License-Identifier: Apache-2.0
#include "store/prune.hpp"

#include "core/assert.hpp"
#include "store/database.hpp"
#include "store/detail/prune.hpp"
#include "store/detail/records.hpp"
#include "store/ledger.hpp"

#include <algorithm>
#include <limits>

namespace margrave::store {

using detail::BlockRow;
using detail::Cf;
using detail::ChainTag;
using detail::PruneRow;

namespace {

using Floor = PruneRow::Floor;
using Phase = PruneRow::Phase;

// New targets where there are any; false when there is nothing to do.
bool begin_pass(PruneRow& row, const KeepFrom& wanted) {
    bool any = false;
    for (const auto& [chain, from] : wanted) {
        const ChainTag tag = detail::tag_of(chain);
        auto at = std::ranges::find(row.floors, tag, &Floor::chain);
        if (at == row.floors.end()) {
            at = row.floors.insert(row.floors.end(), Floor{tag, {}, {}});
        }
        at->target = std::max(at->done, from);
        any = any || at->target > at->done;
    }
    std::ranges::sort(row.floors, {}, &Floor::chain);
    if (any) {
        row.phase = Phase::kBlocks;
        row.cursor.clear();
    }
    return any;
}

// What only a reorg would need, of blocks that none can reach any more.
void forget_undo(
    const Database::Impl& db, rocksdb::WriteBatch& batch, ChainTag chain, BlockRow block
) {
    if (block.run_to == BlockNum{}) {
        db.remove(batch, Cf::kChain, detail::chain_key::seen(chain, block.block.hash));
    }
    if (!block.subjects.empty()) {
        block.subjects.clear();
        const Bytes key = detail::chain_key::block(chain, block.block.number);
        db.put_row(batch, Cf::kChain, key, block);
    }
}

// True when no block is left below the targets.
Result<bool> prune_blocks(
    const Database::Impl& db,
    PruneRow& row,
    std::size_t rows,
    rocksdb::WriteBatch& batch,
    PruneStep& step
) {
    for (const Floor& floor : row.floors) {
        const Bytes prefix = detail::chain_key::blocks(floor.chain);
        const Bytes end = detail::chain_key::block(floor.chain, floor.target);
        Bytes start = detail::chain_key::block(floor.chain, floor.done);
        if (row.cursor >= end) {
            continue;
        }
        if (row.cursor >= start) {
            start = row.cursor;
            start.push_back(0);
        }
        bool full = false;
        const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
            if (!std::ranges::lexicographical_compare(key, end)) {
                return false;
            }
            if (step.seen >= rows) {
                full = true;
                return false;
            }
            ++step.seen;
            MARGRAVE_TRY(auto block, Database::Impl::decode<BlockRow>(Cf::kChain, key, value));
            forget_undo(db, batch, floor.chain, std::move(block));
            row.cursor.assign(key.begin(), key.end());
            return true;
        };
        MARGRAVE_TRY(db.scan(Cf::kChain, prefix, start, visit));
        if (full) {
            return false;
        }
    }
    return true;
}

void end_pass(PruneRow& row) {
    for (Floor& floor : row.floors) {
        floor.done = floor.target;
    }
    row.phase = Phase::kIdle;
    row.cursor.clear();
}

// The newest block at or below `limit` that is not younger than `time`; its number is what is kept
// from. Block times never fall, so halving finds it.
Result<std::optional<BlockNum>> find_block(
    const Database::Impl& db, ChainTag chain, BlockNum limit, UnixSeconds time
) {
    std::optional<BlockNum> found;
    std::uint64_t low = 0;
    std::uint64_t high = limit.value;
    while (low <= high) {
        const std::uint64_t middle = low + (high - low) / 2;
        const Bytes key = detail::chain_key::block(chain, BlockNum{middle});
        MARGRAVE_TRY(const auto at, db.last(Cf::kChain, detail::chain_key::blocks(chain), key));
        if (!at) {
            low = middle + 1;
            continue;
        }
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<BlockRow>(Cf::kChain, at->first, at->second)
        );
        if (row.block.time <= time) {
            found = row.block.number;
            low = middle + 1;
        } else if (row.block.number.value == 0) {
            break;
        } else {
            high = row.block.number.value - 1;
        }
    }
    return found;
}

}  // namespace

Result<KeepFrom> keep_from(const Database& database, std::chrono::seconds keep) {
    const Database::Impl& db = database.impl();
    KeepFrom out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto head, Database::Impl::decode<detail::HeadRow>(Cf::kChain, key, value)
        );
        MARGRAVE_TRY(const ChainId chain, ChainId::parse(head.chain));
        const auto age = static_cast<std::uint64_t>(keep.count());
        if (!head.final || head.final->time.value < age) {
            return true;
        }
        const UnixSeconds time{head.final->time.value - age};
        MARGRAVE_TRY(
            const auto block, find_block(db, detail::tag_of(chain), head.final->number, time)
        );
        if (block) {
            out.emplace(chain, *block);
        }
        return true;
    };
    MARGRAVE_TRY(db.scan(Cf::kChain, Bytes{detail::chain_key::kHead}, visit));
    return out;
}

Result<PruneStep> prune_step(Database& database, const KeepFrom& wanted, std::size_t rows) {
    MARGRAVE_ASSERT(rows > 0);
    Database::Impl& db = database.impl();
    MARGRAVE_TRY(db.check_writable());
    MARGRAVE_TRY(PruneRow row, detail::read_prune_row(db));
    PruneStep step;
    if (row.phase == Phase::kIdle && !begin_pass(row, wanted)) {
        step.done = true;
        return step;
    }
    rocksdb::WriteBatch batch;
    if (row.phase == Phase::kBlocks) {
        MARGRAVE_TRY(const bool ended, prune_blocks(db, row, rows, batch, step));
        if (ended) {
            row.phase = Phase::kVersions;
            row.cursor.clear();
        }
    } else {
        detail::VersionRange range{row.cursor, {}, rows};
        const auto floor = [&row](ChainTag chain) {
            return row.target_of(chain);
        };
        MARGRAVE_TRY(const bool ended, detail::prune_versions(db, floor, range, batch, step));
        row.cursor = std::move(range.cursor);
        if (ended) {
            end_pass(row);
        }
    }
    db.put_row(batch, Cf::kMeta, as_bytes(detail::meta::kPrune), row);
    MARGRAVE_TRY(db.write(batch, /*sync=*/false));
    return step;
}

}  // namespace margrave::store
