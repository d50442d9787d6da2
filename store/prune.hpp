// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ids.hpp"
#include "core/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

namespace margrave::store {

class Database;

/// For each chain the first block whose state, and whose every later one's, stays readable.
using KeepFrom = std::map<ChainId, BlockNum>;

/// Where a policy that keeps every state of the last `keep` puts that block: the newest final block
/// of a chain that is older than `keep` by the chain's own time, and at most its final block.
/// Chains that have none are left out.
Result<KeepFrom> keep_from(const Database& db, std::chrono::seconds keep);

struct PruneStep {
    /// Rows that were looked at and removed in this step.
    std::uint64_t seen{0};
    std::uint64_t removed{0};
    /// Nothing is left to do up to the blocks that were asked for.
    bool done{false};
};

/// One bounded step, one batch, unsynced: looks at no more than about `rows` rows and goes on where
/// the step before ended, also after a restart. A pass that is under way keeps the blocks it was
/// begun with, so a later `wanted` counts from the next pass on.
///
/// Removed are versions below the blocks that no kept state needs, the undo lists of final blocks,
/// and the incarnations of final block hashes. Kept are the states from these blocks on, each state
/// that a decision names (Decision::names), and all of the journal, events, block records,
/// decisions, leaves and documents. Called by the one writer, between two calls of Ledger.
Result<PruneStep> prune_step(Database& db, const KeepFrom& wanted, std::size_t rows);

}  // namespace margrave::store
