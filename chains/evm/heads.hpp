// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "chains/evm/agreement.hpp"
#include "core/events.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Which blocks come next, decided without asking anybody: plain functions over what the ledger
/// knows and what the operators said.
namespace margrave::chains::evm {

enum class StepKind : std::uint8_t {
    kWait,
    /// Read the blocks from `from` to `to`.
    kForward,
    /// The ledger's head is not on the agreed chain: find the ancestor at or below `to`.
    kBack,
};

struct Step {
    StepKind kind{StepKind::kWait};
    BlockNum from;
    /// Agreed. Every block below it that is linked to it by parent hashes is agreed with it.
    BlockRef to;
    /// The agreed block that the chain's finality has reached; absent when there is none yet.
    std::optional<BlockRef> final;
    /// Why it waits although there are newer blocks; empty else.
    std::string waits_for;
};

/// The rules a chain is followed by.
struct FollowRules {
    FinalitySettings finality;
    BlockNum start_block;
    /// Most blocks of one step.
    std::uint64_t range{1};
};

/// The numbers of the blocks on which the operators must still be heard, given what they said
/// first: their latest, their final block and their block at the ledger's head.
std::vector<BlockNum> questions(
    const ChainView& view, const Survey& survey, const FollowRules& rules
);

/// kUnable when too few operators answered, or no block is agreed where one must be.
/// kBelowFinality when enough of them contradict a final block. A chain that is a prefix of the
/// ledger's is merely behind: wait.
Result<Step> plan_step(const ChainView& view, const Survey& survey, const FollowRules& rules);

/// Voices that contradict what is final, in the ledger or by the step's agreement.
std::vector<Evidence> contradictions(
    const ChainView& view, const Survey& survey, const std::optional<BlockRef>& agreed_final
);

/// Every block is the child of the one before it, the first of `before` when that is given, with
/// ascending numbers and times that never fall. kUnproved with both blocks else.
Result<void> check_links(const std::optional<BlockRef>& before, std::span<const BlockRef> blocks);

/// The highest of the blocks that the ledger has applied, where `blocks` are consecutive and
/// ascending; absent when none of them is. kBelowFinality when one of them contradicts the ledger
/// at or below its final block.
Result<std::optional<BlockRef>> common_ancestor(
    const ChainView& view, std::span<const BlockRef> blocks
);

/// What the ledger can be told is final now that `applied` is added to it: the agreed final block,
/// or the last of `applied` when finality has reached beyond it. Only ever above view.final.
/// kUnproved when the ledger would have another block at that number.
Result<std::optional<BlockRef>> newly_final(
    const ChainView& view,
    const std::optional<BlockRef>& agreed_final,
    std::span<const BlockRef> applied
);

}  // namespace margrave::chains::evm
