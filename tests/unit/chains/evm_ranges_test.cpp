// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/ranges.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace margrave::chains::evm {
namespace {

BlockRange range(std::uint64_t from, std::uint64_t to) {
    return {BlockNum(from), BlockNum(to)};
}

// Asks for what the size says of a chain with so many events a block, until the size stands still.
std::uint64_t settled(RangeSize& size, std::size_t events_a_block, std::uint64_t allowed) {
    for (int i = 0; i < 200; ++i) {
        const std::uint64_t blocks = size.blocks();
        if (blocks > allowed) {
            size.refused(blocks, std::nullopt);
        } else {
            size.answered(blocks, blocks * events_a_block * 630, blocks * events_a_block);
        }
    }
    return size.blocks();
}

TEST(RangeSize, GrowsToItsLimitWhereNothingHappens) {
    RangeSize size(RangeLimits{});
    EXPECT_EQ(size.blocks(), 4U);
    size.answered(4, 0, 0);
    EXPECT_EQ(size.blocks(), 16U);
    EXPECT_EQ(settled(size, 0, 1'000'000), 2000U);
}

TEST(RangeSize, SettlesWhereAnAnswerHasTheWeightThatIsAimedAt) {
    RangeSize size(RangeLimits{});
    const std::uint64_t blocks = settled(size, 100, 1'000'000);
    EXPECT_GE(blocks, 10U);
    EXPECT_LE(blocks, 15U);
}

TEST(RangeSize, OneBlockIsTheFloorHoweverMuchIsInIt) {
    RangeSize size(RangeLimits{});
    EXPECT_EQ(settled(size, 100'000, 1'000'000), 1U);
    size.refused(1, std::nullopt);
    EXPECT_EQ(size.blocks(), 1U);
    size.refused(1, 0);
    EXPECT_EQ(size.blocks(), 1U);
}

TEST(RangeSize, HalvesWhenRefusedAndSeldomTriesTheRefusedAgain) {
    RangeSize size(RangeLimits{});
    std::uint64_t refusals = 0;
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t blocks = size.blocks();
        if (blocks > 800) {
            ++refusals;
            size.refused(blocks, std::nullopt);
        } else {
            size.answered(blocks, 0, 0);
        }
    }
    EXPECT_GE(size.blocks(), 400U);
    EXPECT_LE(size.blocks(), 800U);
    EXPECT_LE(refusals, 30U);
}

TEST(RangeSize, ASuggestionIsUsedOnlyWhenItIsLess) {
    RangeSize size(RangeLimits{});
    settled(size, 0, 1'000'000);
    size.refused(2000, 500);
    EXPECT_EQ(size.blocks(), 500U);
    // As reth did (its issue 23810): the range that it suggests is the one it has refused.
    size.refused(500, 500);
    EXPECT_EQ(size.blocks(), 250U);
    size.refused(250, 9'999);
    EXPECT_EQ(size.blocks(), 125U);
}

TEST(RangeSize, ComesBackFromADenseStretch) {
    RangeSize size(RangeLimits{});
    EXPECT_LE(settled(size, 10, 3), 3U);
    for (int i = 0; i < 3; ++i) {
        settled(size, 0, 1'000'000);
    }
    EXPECT_EQ(size.blocks(), 2000U);
}

TEST(RangeSize, AShortRestDoesNotShrinkIt) {
    RangeSize size(RangeLimits{});
    settled(size, 10, 1'000'000);
    const std::uint64_t blocks = size.blocks();
    size.answered(1, 6300, 10);
    EXPECT_EQ(size.blocks(), blocks);
}

TEST(SuggestedBlocks, AreReadFromWhatNodesSay) {
    struct Case {
        std::string_view words;
        std::optional<std::uint64_t> blocks;
    };

    const std::vector<Case> cases{
        {"a answered eth_getLogs with error -32005: query returned more than 10000 results. Try "
         "with this block "
         "range [0x10, 0x1f].",
         16},
        {"query exceeds max results 20000, retry with the range 100-149", 50},
        {"Log response size exceeded. You can make eth_getLogs requests with up to a 500 block "
         "range",
         500},
        {"Log response size exceeded. Based on your parameters, this block range should work: "
         "[0x0, 0x3e7]",
         1000},
        {"eth_getLogs is limited to a 10,000 range", 10'000},
        {"requested too many blocks from 1 to 5000, maximum is set to 2048", 2048},
        {"exceed maximum block range: 50000", 50'000},
        {"exceed maximum block range 1000", 1000},
        {"Max range: 800", 800},
        {"please limit the query to at most 1000 blocks", 1000},
        {"ranges over 10000 blocks are not supported on freetier", 10'000},
        {"Maximum allowed number of requested blocks is 3500", 3500},
        {"range 1000000 exceeds limit of 10000", 10'000},
        {"logs matched by query exceeds limit of 10000", std::nullopt},
        {"query returned more than 10000 results", std::nullopt},
        {"block range is too wide", std::nullopt},
        {"", std::nullopt},
        {"range 99999999999999999999999999", std::nullopt},
        {"range [0x20, 0x10]", std::nullopt},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(suggested_blocks(one.words), one.blocks) << one.words;
    }
}

TEST(RangePlan, GivesEveryBlockOnceAndTheLowestGapFirst) {
    RangePlan plan(BlockNum(10), BlockNum(30));
    EXPECT_EQ(plan.take(8), range(10, 17));
    EXPECT_EQ(plan.take(8), range(18, 25));
    plan.give_back(range(10, 17));
    EXPECT_EQ(plan.lowest(), BlockNum(10));
    EXPECT_EQ(plan.take(4), range(10, 13));
    EXPECT_EQ(plan.take(4), range(14, 17));
    EXPECT_EQ(plan.take(100), range(26, 30));
    EXPECT_EQ(plan.lowest(), std::nullopt);
    EXPECT_EQ(plan.take(1), std::nullopt);
    plan.give_back(range(28, 30));
    EXPECT_EQ(plan.take(0), range(28, 28));
    EXPECT_EQ(plan.take(9), range(29, 30));
}

TEST(RangePlan, OfOneBlockAtTheEndOfAllNumbers) {
    RangePlan plan(BlockNum(7), BlockNum(7));
    EXPECT_EQ(plan.take(2000), range(7, 7));
    EXPECT_EQ(plan.take(2000), std::nullopt);
}

TEST(Backlog, HandsOutInOrderWhateverComesFirst) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 50; ++round) {
        RangePlan plan(BlockNum(0), BlockNum(199));
        std::vector<BlockRange> open;
        while (const auto taken = plan.take(1 + random() % 17)) {
            open.push_back(*taken);
        }
        std::shuffle(open.begin(), open.end(), random);
        Backlog<std::uint64_t> backlog(BlockNum(0), BacklogLimits{});
        std::uint64_t next = 0;
        for (const BlockRange& one : open) {
            backlog.put(one, one.from.value, 1, 1);
            while (const auto first = backlog.pop()) {
                EXPECT_EQ(*first, next);
                next = backlog.next().value;
            }
        }
        EXPECT_EQ(next, 200U);
        EXPECT_EQ(backlog.bytes(), 0U);
        EXPECT_EQ(backlog.events(), 0U);
    }
}

TEST(Backlog, FullItTakesOnlyTheNextInOrder) {
    BacklogLimits limits;
    limits.bytes = 100;
    limits.events = 10;
    limits.ranges = 3;
    Backlog<int> by_bytes(BlockNum(0), limits);
    by_bytes.put(range(5, 9), 1, 100, 1);
    EXPECT_FALSE(by_bytes.has_room(BlockNum(10)));
    EXPECT_TRUE(by_bytes.has_room(BlockNum(0)));
    Backlog<int> by_events(BlockNum(0), limits);
    by_events.put(range(5, 9), 1, 1, 10);
    EXPECT_FALSE(by_events.has_room(BlockNum(10)));
    Backlog<int> by_ranges(BlockNum(0), limits);
    by_ranges.put(range(5, 5), 1, 1, 1);
    by_ranges.put(range(6, 6), 1, 1, 1);
    EXPECT_TRUE(by_ranges.has_room(BlockNum(7)));
    by_ranges.put(range(7, 7), 1, 1, 1);
    EXPECT_FALSE(by_ranges.has_room(BlockNum(8)));
    by_ranges.put(range(0, 4), 0, 1, 1);
    EXPECT_EQ(by_ranges.pop(), 0);
    EXPECT_EQ(by_ranges.pop(), 1);
    EXPECT_TRUE(by_ranges.has_room(BlockNum(8)));
}

}  // namespace
}  // namespace margrave::chains::evm
