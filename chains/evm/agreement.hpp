// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "core/events.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Which block is believed: plain functions over what each operator said. Heads differ all the
/// time, so a question is first given a number that enough operators have, and then their blocks
/// at that number are compared (docs/chain-data.md section 2).
namespace margrave::chains::evm {

/// What one operator says of its chain in one step.
struct Voice {
    std::string operator_name;
    /// The endpoint that spoke for it.
    std::string endpoint;
    BlockRef latest;
    /// The block behind the finality tag; absent when it has none, or in depth mode.
    std::optional<BlockRef> tag;
    /// Every block it gave, by number: the latest, the tag's and those it was asked for.
    std::map<BlockNum, BlockRef> blocks;

    void add(const BlockRef& block) { blocks[block.number] = block; }

    [[nodiscard]] const BlockRef* at(BlockNum number) const;
};

/// An operator that said nothing that can be used: never counted as agreeing.
struct Silence {
    std::string operator_name;
    std::string why;
};

struct Survey {
    /// How many operators must say the same.
    std::uint64_t needed{1};
    std::vector<Voice> voices;
    std::vector<Silence> silent;
};

/// The answers to one question: what is the block at a number?
struct Ballot {
    BlockNum number;
    /// The block that `needed` operators give, when it is the only one that so many give.
    std::optional<BlockRef> agreed;
    /// Operators that gave it; of the largest party when nothing is agreed.
    std::uint64_t agreeing{0};
    /// How many gave any block at that number.
    std::uint64_t answers{0};
};

/// The voice of an operator is one vote. Blocks are the same when their hashes are.
Ballot vote(const Survey& survey, BlockNum number);

/// The k-th highest latest number: the highest block that k operators have. Absent with fewer
/// voices. A liar may claim any height: fewer than k of them do not move it.
std::optional<BlockNum> common_latest(const Survey& survey);
/// The same for the block behind the finality tag.
std::optional<BlockNum> common_tag(const Survey& survey);

/// The numbers to vote on when the highest is `top`, highest first: those that some voice has as
/// its latest block, so that a liar who hurries ahead cannot stop the others from agreeing below.
std::vector<BlockNum> candidates(const Survey& survey, BlockNum top);

/// Why nothing is agreed at a number: who says what and who is silent. One sentence, bounded.
std::string disagreement(const Survey& survey, BlockNum number);
/// Why there is nothing to vote on: how many of how many answered, and what the others said.
std::string too_few(const Survey& survey);

/// Voices that gave another block than `believed` at its number, as evidence of that kind.
std::vector<Evidence> dissent(
    const Survey& survey, const BlockRef& believed, std::string_view kind
);

}  // namespace margrave::chains::evm
