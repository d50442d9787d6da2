// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/heads.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace margrave::chains::evm {
namespace {

std::string name_of(const BlockRef& block) {
    return "block " + std::to_string(block.number.value) + " (" + to_hex(block.hash) + ")";
}

Error below_finality(const BlockRef& known, const BlockRef& told) {
    return fail(
        Errc::kBelowFinality,
        "block " + std::to_string(known.number.value) + " was final with hash " +
            to_hex(known.hash) + ", the chain now has " + to_hex(told.hash)
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

// The first block that the ledger does not have.
BlockNum first_new(const ChainView& view, const FollowRules& rules) {
    return view.head ? BlockNum(view.head->number.value + 1) : rules.start_block;
}

// Where the ledger's head stands on the chain that the operators agree on.
struct Anchor {
    enum class Kind : std::uint8_t { kOurs, kOther, kBehind, kSplit };
    Kind kind{Kind::kOurs};
    /// kOther: the agreed block where the ledger has another. kSplit: where nothing is agreed.
    BlockRef other;
};

std::optional<BlockRef> highest_agreed(
    const Survey& survey, const std::vector<BlockNum>& descending
) {
    for (const BlockNum number : descending) {
        if (const auto agreed = vote(survey, number).agreed) {
            return agreed;
        }
    }
    return std::nullopt;
}

Anchor find_anchor(const ChainView& view, const Survey& survey, BlockNum top) {
    if (!view.head) {
        return {};
    }
    const bool has_head = top >= view.head->number;
    const auto agreed = has_head ? vote(survey, view.head->number).agreed
                                 : highest_agreed(survey, candidates(survey, top));
    if (!agreed) {
        BlockRef at;
        at.number = has_head ? view.head->number : top;
        return {Anchor::Kind::kSplit, at};
    }
    const auto known = known_at(view, agreed->number);
    const bool same = !known || known->hash == agreed->hash;
    if (!same) {
        return {Anchor::Kind::kOther, *agreed};
    }
    return {has_head ? Anchor::Kind::kOurs : Anchor::Kind::kBehind, *agreed};
}

// The ends a step forward may have, highest first.
std::vector<BlockNum> ends(
    const ChainView& view, const Survey& survey, const FollowRules& rules, BlockNum top
) {
    const BlockNum first = first_new(view, rules);
    if (top < first) {
        return {};
    }
    const std::uint64_t blocks = std::max<std::uint64_t>(rules.range, 1);
    if (top.value - first.value >= blocks) {
        return {BlockNum(first.value + blocks - 1)};
    }
    std::vector<BlockNum> out = candidates(survey, top);
    std::erase_if(out, [&](BlockNum number) { return number < first; });
    return out;
}

// The numbers at which finality may stand, highest first; empty when the chain has none yet.
std::vector<BlockNum> final_numbers(
    const Survey& survey, const FinalitySettings& finality, BlockNum top
) {
    if (finality.mode == FinalityMode::kDepth) {
        return top.value < finality.depth ? std::vector<BlockNum>{}
                                          : std::vector{BlockNum(top.value - finality.depth)};
    }
    const auto tag = common_tag(survey);
    if (!tag) {
        return {};
    }
    std::vector<BlockNum> out{*tag};
    for (const Voice& voice : survey.voices) {
        if (voice.tag && voice.tag->number < *tag) {
            out.push_back(voice.tag->number);
        }
    }
    std::ranges::sort(out, std::greater<>{});
    const auto rest = std::ranges::unique(out);
    out.erase(rest.begin(), rest.end());
    return out;
}

Error unable(std::string why) {
    return fail(Errc::kUnable, std::move(why));
}

// The agreed final block, which must be the ledger's where the ledger is final.
Result<std::optional<BlockRef>> agree_on_final(
    const ChainView& view, const Survey& survey, const FollowRules& rules, BlockNum top
) {
    const std::vector<BlockNum> numbers = final_numbers(survey, rules.finality, top);
    if (numbers.empty()) {
        if (view.final && rules.finality.mode != FinalityMode::kDepth) {
            return unable(
                "fewer than " + std::to_string(survey.needed) +
                " operators say which block is final"
            );
        }
        return std::optional<BlockRef>{};
    }
    const auto agreed = highest_agreed(survey, numbers);
    if (!agreed) {
        return unable(disagreement(survey, numbers.front()));
    }
    MARGRAVE_TRY(check_final(view, *agreed));
    return agreed;
}

// To the highest agreed of the new heads, or to what is final when the heads are disputed.
void plan_forward(
    Step& step, const ChainView& view, const Survey& survey, const FollowRules& rules, BlockNum top
) {
    step.from = first_new(view, rules);
    const std::vector<BlockNum> numbers = ends(view, survey, rules, top);
    auto end = highest_agreed(survey, numbers);
    if (!end && step.final && step.final->number >= step.from) {
        const std::uint64_t blocks = std::max<std::uint64_t>(rules.range, 1);
        const bool in_range = step.final->number.value - step.from.value < blocks;
        end = in_range ? step.final : std::nullopt;
    }
    if (end) {
        step.kind = StepKind::kForward;
        step.to = *end;
    } else if (!numbers.empty()) {
        step.waits_for = disagreement(survey, numbers.front());
    }
}

}  // namespace

std::vector<BlockNum> questions(
    const ChainView& view, const Survey& survey, const FollowRules& rules
) {
    const auto top = common_latest(survey);
    if (!top) {
        return {};
    }
    std::set<BlockNum> numbers;
    const auto add = [&numbers](const std::vector<BlockNum>& more) {
        numbers.insert(more.begin(), more.end());
    };
    if (view.head && *top < view.head->number) {
        add(candidates(survey, *top));
    } else if (find_anchor(view, survey, *top).kind == Anchor::Kind::kOurs) {
        add(ends(view, survey, rules, *top));
    }
    add(final_numbers(survey, rules.finality, *top));
    std::vector<BlockNum> out;
    for (const BlockNum number : numbers) {
        const bool unheard = std::ranges::any_of(survey.voices, [&](const Voice& voice) {
            return voice.latest.number >= number && voice.at(number) == nullptr;
        });
        if (unheard) {
            out.push_back(number);
        }
    }
    return out;
}

Result<Step> plan_step(const ChainView& view, const Survey& survey, const FollowRules& rules) {
    const auto top = common_latest(survey);
    if (!top) {
        return unable(too_few(survey));
    }
    Step step;
    MARGRAVE_TRY(step.final, agree_on_final(view, survey, rules, *top));
    const Anchor anchor = find_anchor(view, survey, *top);
    if (anchor.kind == Anchor::Kind::kOther) {
        MARGRAVE_TRY(check_final(view, anchor.other));
        step.kind = StepKind::kBack;
        step.to = anchor.other;
        return step;
    }
    if (anchor.kind == Anchor::Kind::kOurs) {
        plan_forward(step, view, survey, rules, *top);
    } else if (anchor.kind == Anchor::Kind::kSplit) {
        step.waits_for = disagreement(survey, anchor.other.number);
    }
    // Forks at the head are everyday matters while what is final is agreed on.
    if (!step.waits_for.empty() && !step.final) {
        return unable(std::move(step.waits_for));
    }
    return step;
}

std::vector<Evidence> contradictions(
    const ChainView& view, const Survey& survey, const std::optional<BlockRef>& agreed_final
) {
    std::vector<Evidence> out;
    std::set<std::string> told;
    const auto add = [&](const BlockRef& believed) {
        for (Evidence& evidence : dissent(survey, believed, "final-block")) {
            if (told.insert(evidence.endpoint).second) {
                out.push_back(std::move(evidence));
            }
        }
    };
    if (agreed_final) {
        add(*agreed_final);
    }
    for (const Voice& voice : survey.voices) {
        for (const auto& [number, block] : voice.blocks) {
            const auto known = is_final(view, number) ? known_at(view, number) : std::nullopt;
            if (known && known->hash != block.hash) {
                add(*known);
            }
        }
    }
    return out;
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

Result<std::optional<BlockRef>> newly_final(
    const ChainView& view,
    const std::optional<BlockRef>& agreed_final,
    std::span<const BlockRef> applied
) {
    const std::optional<BlockRef> none;
    if (!agreed_final || is_final(view, agreed_final->number)) {
        return none;
    }
    const BlockNum number = agreed_final->number;
    if (!applied.empty() && number > applied.back().number) {
        return std::optional(applied.back());
    }
    std::optional<BlockRef> known = known_at(view, number);
    if (!applied.empty() && number >= applied.front().number) {
        known = applied[number.value - applied.front().number.value];
        MARGRAVE_ASSERT(known->number == number);
    }
    if (known && known->hash != agreed_final->hash) {
        return fail(
            Errc::kUnproved,
            "the agreed final " + name_of(*agreed_final) + " is not the applied " + name_of(*known)
        );
    }
    return known;
}

}  // namespace margrave::chains::evm
