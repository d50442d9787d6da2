// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "core/events.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// Which blocks come next, decided without asking anybody: plain functions over what the ledger
/// knows and what one node said.
namespace margrave::chains::evm {

/// What a node says of its chain at the beginning of a step, all from one batch.
struct NodeHeads {
    BlockRef latest;
    /// The block behind the finality tag; absent when the node has none, or in depth mode.
    std::optional<BlockRef> tag;
    /// Its block at the number of the ledger's head; absent when it has none.
    std::optional<BlockRef> at_head;
};

enum class StepKind : std::uint8_t {
    kWait,
    /// Read the blocks from `from` to `to`.
    kForward,
    /// The ledger's head is not on the node's chain: find the ancestor at or below `to`.
    kBack,
};

struct Step {
    StepKind kind{StepKind::kWait};
    BlockNum from;
    BlockNum to;
};

/// kBelowFinality when the node's chain contradicts the final block. A node whose chain is a
/// prefix of the ledger's is merely behind: wait.
Result<Step> plan_step(
    const ChainView& view, const NodeHeads& heads, BlockNum start_block, std::uint64_t range
);

/// Every block is the child of the one before it, the first of `before` when that is given, with
/// ascending numbers and times that never fall. kUnproved with both blocks else.
Result<void> check_links(const std::optional<BlockRef>& before, std::span<const BlockRef> blocks);

/// The highest of the node's blocks that the ledger has applied, where `blocks` are consecutive and
/// ascending; absent when none of them is. kBelowFinality when one of them contradicts the ledger
/// at or below its final block.
Result<std::optional<BlockRef>> common_ancestor(
    const ChainView& view, std::span<const BlockRef> blocks
);

/// The block that the chain's finality has reached and the ledger can be told of: above view.final
/// and at or below the last of `applied` (what this step applies) or the head. kUnproved when the
/// node's final block is not the one at its number; kBelowFinality when finality itself changed.
Result<std::optional<BlockRef>> newly_final(
    const ChainView& view,
    const NodeHeads& heads,
    const FinalitySettings& finality,
    std::span<const BlockRef> applied
);

/// What the node calls final, for logs: the tag's number, or the depth below its latest block.
BlockNum final_number(const NodeHeads& heads, const FinalitySettings& finality);

}  // namespace margrave::chains::evm
