// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/database_impl.hpp"
#include "store/detail/keys.hpp"
#include "store/prune.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace margrave::store::detail {

/// How far states were removed. While a pass is under way its targets count: of a state below them
/// the rows may be gone or not.
struct PruneRow {
    static constexpr std::size_t kTypicalSize = 128;

    enum class Phase : std::uint8_t { kIdle, kBlocks, kVersions };

    struct Floor {
        ChainTag chain;
        /// The first block of which, and from which on, every state is kept: since the last pass
        /// that ended, and once the one under way ends.
        BlockNum done;
        BlockNum target;
    };

    std::vector<Floor> floors;
    Phase phase{Phase::kIdle};
    /// The last key that was looked at in this phase; empty at its start.
    Bytes cursor;

    [[nodiscard]] BlockNum target_of(ChainTag chain) const;
    void write(Bytes& out) const;
    static Result<PruneRow> read(ByteReader& in);
};

Result<PruneRow> read_prune_row(const Database::Impl& db);

/// The chain of each ledger, by ledger id - 1.
Result<std::vector<ChainTag>> chains_of_ledgers(const Database::Impl& db);

/// Puts the removal of what no kept state needs into `batch`, for the keys of `version` behind
/// `cursor` up to `until` (no end when empty), about `rows` of them. `floor` says of each chain
/// which states are kept anyway; zero: all. Returns true when nothing is left.
using FloorOf = std::function<BlockNum(ChainTag)>;

struct VersionRange {
    Bytes cursor;
    ByteView until;
    std::size_t rows{0};
};

Result<bool> prune_versions(
    const Database::Impl& db,
    const FloorOf& floor,
    VersionRange& range,
    rocksdb::WriteBatch& batch,
    PruneStep& step
);

/// Brings a replay of the same events to where `ours` was pruned, so that the two can be compared
/// row by row.
Result<void> prune_alike(const Database::Impl& ours, Database::Impl& replayed);

/// ok when the state after block `number` was not removed; kNotFound says which are there.
Result<void> check_not_pruned(const Database::Impl& db, const ChainId& chain, BlockNum number);

}  // namespace margrave::store::detail
