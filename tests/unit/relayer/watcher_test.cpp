// SPDX-License-Identifier: Apache-2.0
#include "relayer/watcher.hpp"

#include "tests/unit/relayer/fixture.hpp"

namespace margrave::relayer::tests {
namespace {

class WatcherTest : public WorldTest {};

TEST_F(WatcherTest, AppliesUpToTheHeadAndSaysWhenNothingIsNew) {
    world.chain(0).mine({deposit(account(1), coin(), eth(1))});
    EXPECT_TRUE(world.watch(0).value());
    EXPECT_FALSE(world.watch(0).value());
    EXPECT_EQ(world.ledger->chain_state(world.id(0)).head, world.chain(0).chain().head());
}

TEST_F(WatcherTest, FollowsAReorg) {
    world.chain(0).mine({deposit(account(1), coin(), eth(1))});
    ASSERT_OK(world.watch(0));
    world.chain(0).reorg(1);
    ASSERT_OK(world.watch(0));
    EXPECT_EQ(world.ledger->chain_state(world.id(0)).head, world.chain(0).chain().head());
    EXPECT_TRUE(world.ledger->holdings_at_head(account(1)).value().holdings.empty());
    EXPECT_EQ(world.ledger->chain_state(world.id(0)).reorgs, 1U);
}

TEST_F(WatcherTest, ErrorIsCountedAndTheNodeIsProbedAgain) {
    ASSERT_OK(world.watch(0));
    world.chain(0).fail_next("next", Errc::kTimeout, "slow");
    EXPECT_ERRC(world.watch(0), Errc::kTimeout);
    EXPECT_EQ(world.watchers[0]->health().errors_in_a_row, 1U);
    const unsigned probes = world.nodes[0]->calls["probe"];
    ASSERT_OK(world.watch(0));
    EXPECT_EQ(world.nodes[0]->calls["probe"], probes + 1);
    EXPECT_EQ(world.watchers[0]->health().errors_in_a_row, 0U);
}

TEST_F(WatcherTest, CustodyIsComparedOnceForEachFinalBlock) {
    ASSERT_OK(world.watch(0));
    const unsigned before = world.nodes[0]->calls["custody_at"];
    ASSERT_OK(world.watch(0));
    EXPECT_EQ(world.nodes[0]->calls["custody_at"], before);
    world.chain(0).mine();
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    EXPECT_GT(world.nodes[0]->calls["custody_at"], before);
}

TEST_F(WatcherTest, CustodyOfOldBlocksIsNotAskedForWhileCatchingUp) {
    world.chain(0).mine_empty(5);
    world.chain(0).finalize();
    world.nodes[0]->blocks_a_step = 2;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(world.nodes[0]->calls["custody_at"], 0U);
        ASSERT_OK(world.watch(0));
    }
    EXPECT_EQ(world.ledger->chain_state(world.id(0)).head, world.chain(0).chain().head());
    EXPECT_GT(world.nodes[0]->calls["custody_at"], 0U);
}

TEST_F(WatcherTest, DeficitNamesWhatIsMissingWhere) {
    world.chain(0).mine({deposit(account(1), coin(), eth(1))});
    world.chain(0).finalize();
    world.nodes[0]->missing[coin()] = Amount{1};
    ASSERT_OK(world.watch(0));
    const auto& deficits = world.rounds->deficits();
    ASSERT_EQ(deficits.size(), 1U);
    EXPECT_EQ(
        deficits.begin()->second,
        "the vault on eip155:1 holds 999999999999999999 of eip155:1/slip44:60 at block 101, the "
        "ledger says 1000000000000000000"
    );
}

TEST_F(WatcherTest, HistoryIsAppliedRunByRunAndIsFinal) {
    ASSERT_OK(world.watch(0));
    FakeAdapter& node = world.chain(0);
    node.history_run = 4;
    for (std::uint64_t i = 0; i < 10; ++i) {
        node.mine({deposit(account(1 + i % 2), coin(), eth(1))});
        node.mine_empty(2);
    }
    node.finalize();
    node.mine();
    EXPECT_TRUE(world.watch(0).value());
    const store::ChainState filled = world.ledger->chain_state(world.id(0));
    EXPECT_EQ(filled.final, filled.head);
    EXPECT_EQ(filled.head->number.value + 1, node.chain().head().number.value);
    EXPECT_EQ(world.watchers[0]->health().events, 10U);
    // The block above the final one is the head's.
    EXPECT_TRUE(world.watch(0).value());
    EXPECT_EQ(world.ledger->chain_state(world.id(0)).head, node.chain().head());
    EXPECT_EQ(
        world.ledger->holdings_at_head(account(1)).value().holdings.front().collateral, eth(5)
    );
    EXPECT_OK(world.ledger->verify());
}

TEST_F(WatcherTest, WhatHistoryBroughtBeforeAnErrorStays) {
    ASSERT_OK(world.watch(0));
    FakeAdapter& node = world.chain(0);
    const std::uint64_t start = node.chain().head().number.value;
    node.history_run = 5;
    node.mine_empty(20);
    node.finalize();
    node.node().fail_after["read_history"] = 2;
    EXPECT_ERRC(world.watch(0), Errc::kTimeout);
    EXPECT_EQ(world.ledger->chain_state(world.id(0)).head->number.value, start + 10);
    node.node().fail_after.clear();
    EXPECT_TRUE(world.watch(0).value());
    EXPECT_EQ(world.ledger->chain_state(world.id(0)).head, node.chain().head());
}

TEST_F(WatcherTest, HistoryAboveAnUnfinalHeadStandsOnIt) {
    FakeAdapter& node = world.chain(0);
    node.mine({deposit(account(1), coin(), eth(1))});
    ASSERT_OK(world.watch(0));
    const store::ChainState before = world.ledger->chain_state(world.id(0));
    ASSERT_NE(before.final, before.head);
    node.history_run = 50;
    node.mine_empty(5);
    node.mine({deposit(account(1), coin(), eth(2))});
    node.mine_empty(5);
    node.finalize();
    EXPECT_TRUE(world.watch(0).value());
    const store::ChainState after = world.ledger->chain_state(world.id(0));
    EXPECT_EQ(after.head, node.chain().head());
    EXPECT_EQ(after.final, after.head);
    EXPECT_OK(world.ledger->verify());
}

}  // namespace
}  // namespace margrave::relayer::tests
