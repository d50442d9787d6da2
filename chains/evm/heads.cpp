// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/heads.hpp"

#include "core/assert.hpp"

#include <algorithm>

namespace margrave::chains::evm {
namespace {

std::string name_of(const BlockRef& block) {
    return "block " + std::to_string(block.number.value) + " (" + to_hex(block.hash) + ")";
}

Error below_finality(const BlockRef& known, const BlockRef& told) {
    return fail(
        Errc::kBelowFinality,
        "block " + std::to_string(known.number.value) + " was final with hash " +
            to_hex(known.hash) + ", the node now has " + to_hex(told.hash)
    );
}

bool is_final(const ChainView& view, BlockNum number) {
    return view.final && number <= view.final->number;
}

// What the ledger has at a number; the two ends are known without asking.
std::optional<BlockRef> known_at(const ChainView& view, BlockNum number) {
    if (view.final && view.final->number == number) {
        return view.final;
    }
    if (view.head && view.head->number == number) {
        return view.head;
    }
    if (!view.head || number > view.head->number || !view.block_at) {
        return std::nullopt;
    }
    return view.block_at(number);
}

Result<void> check_final(const ChainView& view, const BlockRef& told) {
    const auto known = known_at(view, told.number);
    if (known && is_final(view, told.number) && known->hash != told.hash) {
        return below_finality(*known, told);
    }
    return ok();
}

Step forward(BlockNum from, const BlockRef& latest, std::uint64_t range) {
    if (latest.number < from) {
        return {};
    }
    const std::uint64_t blocks = std::max<std::uint64_t>(range, 1);
    const std::uint64_t left = latest.number.value - from.value;
    return {StepKind::kForward, from, BlockNum(from.value + std::min(left, blocks - 1))};
}

}  // namespace

Result<Step> plan_step(
    const ChainView& view, const NodeHeads& heads, BlockNum start_block, std::uint64_t range
) {
    if (heads.tag && heads.tag->number > heads.latest.number) {
        return fail(
            Errc::kUnproved,
            "the node's final " + name_of(*heads.tag) + " is above its latest " +
                name_of(heads.latest)
        );
    }
    MARGRAVE_TRY(check_final(view, heads.latest));
    if (heads.tag) {
        MARGRAVE_TRY(check_final(view, *heads.tag));
    }
    if (!view.head) {
        return forward(start_block, heads.latest, range);
    }
    const BlockRef& head = *view.head;
    if (heads.latest.number < head.number) {
        const auto known = known_at(view, heads.latest.number);
        if (!known || known->hash == heads.latest.hash) {
            return Step{};
        }
        return Step{StepKind::kBack, BlockNum{}, BlockNum(heads.latest.number.value)};
    }
    if (!heads.at_head) {
        return fail(
            Errc::kUnproved,
            "the node's latest is " + name_of(heads.latest) + " but it has no block " +
                std::to_string(head.number.value)
        );
    }
    if (heads.at_head->hash != head.hash) {
        MARGRAVE_TRY(check_final(view, *heads.at_head));
        return Step{StepKind::kBack, BlockNum{}, head.number};
    }
    return forward(BlockNum(head.number.value + 1), heads.latest, range);
}

Result<void> check_links(const std::optional<BlockRef>& before, std::span<const BlockRef> blocks) {
    std::optional<BlockRef> parent = before;
    for (const BlockRef& block : blocks) {
        if (parent && block.number.value != parent->number.value + 1) {
            return fail(
                Errc::kUnproved, name_of(block) + " does not come after " + name_of(*parent)
            );
        }
        if (parent && block.parent != parent->hash) {
            return fail(
                Errc::kUnproved,
                name_of(block) + " names the parent " + to_hex(block.parent) + ", not " +
                    name_of(*parent)
            );
        }
        if (parent && block.time < parent->time) {
            return fail(
                Errc::kUnproved,
                name_of(block) + " is older than its parent by " +
                    std::to_string(parent->time.value - block.time.value) + " s"
            );
        }
        parent = block;
    }
    return ok();
}

Result<std::optional<BlockRef>> common_ancestor(
    const ChainView& view, std::span<const BlockRef> blocks
) {
    for (auto it = blocks.rbegin(); it != blocks.rend(); ++it) {
        MARGRAVE_TRY(check_final(view, *it));
        const auto known = known_at(view, it->number);
        if (known && known->hash == it->hash) {
            return known;
        }
    }
    return std::optional<BlockRef>{};
}

BlockNum final_number(const NodeHeads& heads, const FinalitySettings& finality) {
    if (finality.mode != FinalityMode::kDepth) {
        return heads.tag ? heads.tag->number : BlockNum{};
    }
    const std::uint64_t latest = heads.latest.number.value;
    return BlockNum(latest < finality.depth ? 0 : latest - finality.depth);
}

Result<std::optional<BlockRef>> newly_final(
    const ChainView& view,
    const NodeHeads& heads,
    const FinalitySettings& finality,
    std::span<const BlockRef> applied
) {
    const bool by_depth = finality.mode == FinalityMode::kDepth;
    const std::optional<BlockRef> none;
    if (!by_depth && !heads.tag) {
        return none;
    }
    if (by_depth && heads.latest.number.value < finality.depth) {
        return none;
    }
    const BlockNum number = final_number(heads, finality);
    if (is_final(view, number)) {
        return none;
    }
    std::optional<BlockRef> known = known_at(view, number);
    if (!applied.empty() && number >= applied.front().number) {
        if (number > applied.back().number) {
            return none;
        }
        known = applied[number.value - applied.front().number.value];
        MARGRAVE_ASSERT(known->number == number);
    }
    if (known && !by_depth && known->hash != heads.tag->hash) {
        return fail(
            Errc::kUnproved,
            "the node's final " + name_of(*heads.tag) + " is not the applied " + name_of(*known)
        );
    }
    return known;
}

}  // namespace margrave::chains::evm
