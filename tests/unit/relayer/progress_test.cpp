// SPDX-License-Identifier: Apache-2.0
#include "relayer/progress.hpp"

#include <gtest/gtest.h>

namespace margrave::relayer {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Progress::Time kStart{};

TEST(Progress, SaysNothingBeforeItsTime) {
    Progress progress(BlockNum(0));
    EXPECT_FALSE(progress.note(kStart, BlockNum(10), BlockNum(1000), 5));
    EXPECT_FALSE(progress.note(kStart + milliseconds(4999), BlockNum(500), BlockNum(1000), 50));
    EXPECT_TRUE(progress.note(kStart + milliseconds(5000), BlockNum(500), BlockNum(1000), 50));
    EXPECT_FALSE(progress.note(kStart + milliseconds(5001), BlockNum(501), BlockNum(1000), 51));
}

TEST(Progress, TellsPaceSinceTheLastLineAndWhatIsLeft) {
    Progress progress(BlockNum(1));
    ASSERT_FALSE(progress.note(kStart, BlockNum(100), BlockNum(1000), 0));
    const auto line = progress.note(kStart + seconds(10), BlockNum(300), BlockNum(1000), 5000);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->percent, 30U);
    EXPECT_EQ(line->blocks_per_s, 20U);
    EXPECT_EQ(line->events_per_s, 500U);
    EXPECT_EQ(line->left, seconds(35));
}

TEST(Progress, NothingMovesNothingIsPromised) {
    Progress progress(BlockNum(0));
    ASSERT_FALSE(progress.note(kStart, BlockNum(7), BlockNum(1000), 0));
    const auto line = progress.note(kStart + seconds(6), BlockNum(7), BlockNum(1000), 0);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->blocks_per_s, 0U);
    EXPECT_FALSE(line->left);
}

TEST(Progress, HugeNumbersAndAnEndThatWasPassed) {
    Progress progress(BlockNum(0));
    ASSERT_FALSE(progress.note(kStart, BlockNum(1), BlockNum(UINT64_MAX - 1), 0));
    const auto line = progress.note(kStart + seconds(5), BlockNum(2), BlockNum(UINT64_MAX - 1), 0);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->percent, 0U);
    EXPECT_TRUE(line->left && line->left->count() > 0);
    const auto past = progress.note(kStart + seconds(10), BlockNum(30), BlockNum(20), 0);
    ASSERT_TRUE(past);
    EXPECT_EQ(past->percent, 100U);
    EXPECT_EQ(past->left, seconds(0));
}

TEST(Progress, AChainThatWentBackStartsItsPaceAnew) {
    Progress progress(BlockNum(0));
    ASSERT_FALSE(progress.note(kStart, BlockNum(100), BlockNum(1000), 10));
    EXPECT_FALSE(progress.note(kStart + seconds(6), BlockNum(90), BlockNum(1000), 10));
    EXPECT_TRUE(progress.note(kStart + seconds(12), BlockNum(96), BlockNum(1000), 10));
}

TEST(Progress, WorkOfAKnownSizeSaysItsPaceAndWhatIsLeft) {
    EXPECT_EQ(
        pace_text("paths", 120, 400, milliseconds(3000)),
        "120 of 400 paths, 30 %, 40 a second, 7 s left"
    );
    EXPECT_EQ(pace_text("paths", 0, 400, milliseconds(0)), "0 of 400 paths, 0 %, 0 a minute");
    EXPECT_EQ(
        pace_text("paths", 3, 400, seconds(6)), "3 of 400 paths, 0 %, 30 a minute, 794 s left"
    );
    EXPECT_EQ(
        pace_text("rows", 5, 4, milliseconds(1000)), "5 of 4 rows, 125 %, 5 a second, 0 s left"
    );
    EXPECT_EQ(
        pace_text("rows", UINT64_MAX, UINT64_MAX, seconds(1)).find("18446744073709551615 of"), 0U
    );
}

}  // namespace
}  // namespace margrave::relayer
