// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/heads.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"

#include <gtest/gtest.h>

#include <map>

namespace margrave::chains::evm {
namespace {

constexpr std::uint64_t kRange = 10;

// Blocks 0 to 20; a fork changes every hash above its base.
BlockRef block(std::uint64_t number, std::uint64_t fork = 0, std::uint64_t base = 0) {
    const auto hash_at = [&](std::uint64_t n) {
        WordWriter words;
        words.uint(n).uint(n > base ? fork : 0);
        return words.hash();
    };
    BlockRef out;
    out.number = BlockNum(number);
    out.hash = hash_at(number);
    out.parent = number == 0 ? Hash32{} : hash_at(number - 1);
    out.time = UnixSeconds(1000 + number);
    return out;
}

ChainView view_at(std::uint64_t head, std::optional<std::uint64_t> final_number) {
    ChainView out;
    out.head = block(head);
    if (final_number) {
        out.final = block(*final_number);
    }
    out.block_at = [head](BlockNum number) -> std::optional<BlockRef> {
        return number.value <= head ? std::optional(block(number.value)) : std::nullopt;
    };
    return out;
}

NodeHeads heads_at(
    std::uint64_t latest, std::uint64_t ledger_head, std::uint64_t fork = 0, std::uint64_t base = 0
) {
    NodeHeads out;
    out.latest = block(latest, fork, base);
    if (ledger_head <= latest) {
        out.at_head = block(ledger_head, fork, base);
    }
    return out;
}

Result<Step> plan(const ChainView& view, const NodeHeads& heads) {
    return plan_step(view, heads, BlockNum(3), kRange);
}

std::vector<BlockRef> span_of(
    std::uint64_t from, std::uint64_t to, std::uint64_t fork = 0, std::uint64_t base = 0
) {
    std::vector<BlockRef> out;
    for (std::uint64_t n = from; n <= to; ++n) {
        out.push_back(block(n, fork, base));
    }
    return out;
}

TEST(EvmHeads, AtTheSameHeadThereIsNothingToDo) {
    const auto step = plan(view_at(10, 2), heads_at(10, 10));
    ASSERT_TRUE(step.has_value());
    EXPECT_EQ(step.value().kind, StepKind::kWait);
}

TEST(EvmHeads, NewBlocksAreReadUpToTheRange) {
    auto step = plan(view_at(10, 2), heads_at(11, 10)).value();
    EXPECT_EQ(step.kind, StepKind::kForward);
    EXPECT_EQ(step.from, BlockNum(11));
    EXPECT_EQ(step.to, BlockNum(11));
    step = plan(view_at(5, 2), heads_at(20, 5)).value();
    EXPECT_EQ(step.from, BlockNum(6));
    EXPECT_EQ(step.to, BlockNum(15));
}

TEST(EvmHeads, AnEmptyLedgerBeginsAtTheStartBlock) {
    const ChainView empty;
    auto step = plan(empty, heads_at(7, 100)).value();
    EXPECT_EQ(step.kind, StepKind::kForward);
    EXPECT_EQ(step.from, BlockNum(3));
    EXPECT_EQ(step.to, BlockNum(7));
    step = plan(empty, heads_at(2, 100)).value();
    EXPECT_EQ(step.kind, StepKind::kWait);
    step = plan(empty, heads_at(3, 100)).value();
    EXPECT_EQ(step.kind, StepKind::kForward);
    EXPECT_EQ(step.to, BlockNum(3));
}

TEST(EvmHeads, ANodeThatIsOnlyBehindChangesNothing) {
    EXPECT_EQ(plan(view_at(10, 2), heads_at(7, 10)).value().kind, StepKind::kWait);
    EXPECT_EQ(plan(view_at(10, 9), heads_at(7, 10)).value().kind, StepKind::kWait);
}

TEST(EvmHeads, AnotherHashAtTheHeadOrBelowItGoesBack) {
    auto step = plan(view_at(10, 2), heads_at(12, 10, 1, 8)).value();
    EXPECT_EQ(step.kind, StepKind::kBack);
    EXPECT_EQ(step.to, BlockNum(10));
    step = plan(view_at(10, 2), heads_at(9, 10, 1, 8)).value();
    EXPECT_EQ(step.kind, StepKind::kBack);
    EXPECT_EQ(step.to, BlockNum(9));
}

TEST(EvmHeads, AnotherHashAtTheFinalBlockIsBelowFinality) {
    const auto shorter = plan(view_at(10, 5), heads_at(5, 10, 1, 4));
    ASSERT_FALSE(shorter.has_value());
    EXPECT_EQ(shorter.error().code, Errc::kBelowFinality);
    EXPECT_NE(shorter.error().detail.find("block 5"), std::string::npos);
    EXPECT_EQ(plan(view_at(10, 10), heads_at(12, 10, 1, 9)).error().code, Errc::kBelowFinality);
    NodeHeads heads = heads_at(12, 10);
    heads.tag = block(5, 1, 4);
    EXPECT_EQ(plan(view_at(10, 5), heads).error().code, Errc::kBelowFinality);
    heads.tag = block(4, 1, 3);
    EXPECT_EQ(plan(view_at(10, 5), heads).error().code, Errc::kBelowFinality);
}

TEST(EvmHeads, AFinalBlockAboveTheLatestOrAMissingBlockIsNotBelieved) {
    NodeHeads heads = heads_at(12, 10);
    heads.tag = block(13);
    EXPECT_EQ(plan(view_at(10, 2), heads).error().code, Errc::kUnproved);
    heads = heads_at(12, 10);
    heads.at_head.reset();
    EXPECT_EQ(plan(view_at(10, 2), heads).error().code, Errc::kUnproved);
}

TEST(EvmHeads, LinksHoldFromTheHeadOn) {
    EXPECT_TRUE(check_links(block(5), span_of(6, 9)).has_value());
    EXPECT_TRUE(check_links(std::nullopt, span_of(0, 9)).has_value());
    EXPECT_TRUE(check_links(block(5), {}).has_value());
    EXPECT_FALSE(check_links(block(4), span_of(6, 9)).has_value()) << "gap";
    EXPECT_FALSE(check_links(block(6), span_of(6, 9)).has_value()) << "repeat";
    EXPECT_FALSE(check_links(block(5), span_of(6, 9, 1, 4)).has_value()) << "other parent";
    auto blocks = span_of(6, 9);
    blocks[2] = block(8, 1, 7);
    EXPECT_FALSE(check_links(block(5), blocks).has_value()) << "two forks in one range";
    blocks = span_of(6, 9);
    blocks[1].time = UnixSeconds(1);
    EXPECT_EQ(check_links(block(5), blocks).error().code, Errc::kUnproved) << "time falls";
    blocks = span_of(6, 9);
    blocks[1].time = blocks[0].time;
    EXPECT_TRUE(check_links(block(5), blocks).has_value()) << "equal times are of rollups";
}

TEST(EvmHeads, TheAncestorIsTheHighestBlockOfBothChains) {
    const ChainView view = view_at(10, 2);
    const auto found = common_ancestor(view, span_of(4, 10, 1, 7));
    ASSERT_TRUE(found.has_value());
    ASSERT_TRUE(found.value().has_value());
    EXPECT_EQ(*found.value(), block(7));
    EXPECT_FALSE(common_ancestor(view, span_of(8, 10, 1, 7)).value().has_value());
    const auto final_changed = common_ancestor(view, span_of(2, 10, 1, 1));
    ASSERT_FALSE(final_changed.has_value());
    EXPECT_EQ(final_changed.error().code, Errc::kBelowFinality);
    EXPECT_EQ(*common_ancestor(view, span_of(2, 10, 1, 2)).value(), block(2));
}

TEST(EvmHeads, FinalityIsToldOnceAndNeverGoesBack) {
    const FinalitySettings tag;
    NodeHeads heads = heads_at(12, 10);
    EXPECT_FALSE(newly_final(view_at(10, 2), heads, tag, {}).value().has_value()) << "no tag";
    heads.tag = block(6);
    EXPECT_EQ(*newly_final(view_at(10, 2), heads, tag, {}).value(), block(6));
    EXPECT_FALSE(newly_final(view_at(10, 6), heads, tag, {}).value().has_value());
    EXPECT_FALSE(newly_final(view_at(10, 7), heads, tag, {}).value().has_value());
    heads.tag = block(10);
    EXPECT_EQ(*newly_final(view_at(10, 2), heads, tag, {}).value(), block(10));
    heads.tag = block(11);
    EXPECT_FALSE(newly_final(view_at(10, 2), heads, tag, {}).value().has_value());
    EXPECT_EQ(*newly_final(view_at(10, 2), heads, tag, span_of(11, 12)).value(), block(11));
    heads.tag = block(12);
    EXPECT_EQ(*newly_final(view_at(10, 2), heads, tag, span_of(11, 12)).value(), block(12));
    heads.tag = block(8, 1, 7);
    EXPECT_EQ(newly_final(view_at(10, 2), heads, tag, {}).error().code, Errc::kUnproved);
}

TEST(EvmHeads, FinalityByDepthCountsFromTheLatest) {
    FinalitySettings depth;
    depth.mode = FinalityMode::kDepth;
    depth.depth = 3;
    const NodeHeads heads = heads_at(12, 10);
    EXPECT_EQ(final_number(heads, depth), BlockNum(9));
    EXPECT_EQ(*newly_final(view_at(10, 2), heads, depth, {}).value(), block(9));
    EXPECT_FALSE(newly_final(view_at(10, 9), heads, depth, {}).value().has_value());
    depth.depth = 0;
    EXPECT_FALSE(newly_final(view_at(10, 2), heads, depth, {}).value().has_value());
    EXPECT_EQ(*newly_final(view_at(10, 2), heads, depth, span_of(11, 12)).value(), block(12));
    depth.depth = 13;
    EXPECT_FALSE(newly_final(view_at(10, std::nullopt), heads, depth, {}).value().has_value());
    EXPECT_FALSE(newly_final(ChainView{}, heads, depth, {}).value().has_value());
}

}  // namespace
}  // namespace margrave::chains::evm
