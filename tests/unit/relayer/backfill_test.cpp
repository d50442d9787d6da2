// SPDX-License-Identifier: Apache-2.0
#include "relayer/backfill.hpp"

#include "tests/support/loop.hpp"
#include "tests/unit/relayer/fixture.hpp"

namespace margrave::relayer::tests {
namespace {

class BackfillTest : public WorldTest {
  protected:
    void SetUp() override {
        ASSERT_OK(world.watch(0));
        FakeAdapter& node = world.chain(0);
        node.history_run = 7;
        for (std::uint64_t i = 0; i < 12; ++i) {
            node.mine({deposit(account(1), coin(), eth(1)), deposit(account(2), coin(), eth(2))});
            node.mine_empty(1);
        }
        node.finalize();
        ASSERT_OK(world.watch(0));
    }

    Result<BackfillReport> check(Backfill::Range range) {
        Backfill backfill(
            world.chain(0),
            *world.database,
            *world.ledger,
            infra::Logger{},
            std::chrono::milliseconds(1)
        );
        return loop_.run(backfill.run(range));
    }

    [[nodiscard]] BlockNum head() { return world.chain(0).chain().head().number; }

    margrave::tests::Loop loop_;
};

TEST_F(BackfillTest, WhatTheChainStillSaysIsFine) {
    const BlockNum from(head().value - 23);
    const auto report = check({from, std::nullopt});
    ASSERT_TRUE(report.has_value()) << report.error().detail;
    EXPECT_EQ(report.value().to, head());
    EXPECT_EQ(report.value().blocks, head().value - report.value().from.value + 1);
    EXPECT_EQ(report.value().events, 24U);
    EXPECT_EQ(report.value().findings_total, 0U);
}

TEST_F(BackfillTest, AChainThatSaysOtherwiseIsFound) {
    const BlockNum to = head();
    // The same heights with other blocks: the node lies, or the ledger was filled from one that
    // did.
    world.chain(0).reorg(4);
    const auto report = check({BlockNum(to.value - 23), to});
    ASSERT_TRUE(report.has_value()) << report.error().detail;
    EXPECT_GE(report.value().findings_total, 2U);
    EXPECT_EQ(report.value().findings.size(), report.value().findings_total);
    EXPECT_GT(report.value().findings.front().block, BlockNum(to.value - 4));
}

TEST_F(BackfillTest, AStretchThatIsNotFinalHereIsRefused) {
    EXPECT_ERRC(check({BlockNum(0), BlockNum(head().value + 1)}), Errc::kUsage);
    EXPECT_ERRC(check({BlockNum(head().value), BlockNum(head().value - 1)}), Errc::kUsage);
}

TEST_F(BackfillTest, TroubleWithTheSourcesEndsItAfterSomeAttempts) {
    world.chain(0).node().fail_after["read_history"] = 1;
    EXPECT_ERRC(check({BlockNum(head().value - 20), std::nullopt}), Errc::kTimeout);
}

}  // namespace
}  // namespace margrave::relayer::tests
