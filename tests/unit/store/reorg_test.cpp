// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <algorithm>

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

class Reorg : public LedgerTest {
  protected:
    std::string now() { return picture(ledger(), {chain_.id()}, head()); }

    Result<ApplySummary> revert_to(const BlockRef& ancestor) {
        return ledger().apply(chain_.id(), BlocksReverted{ancestor});
    }

    std::vector<Transfer> journal() { return STORE_OK(ledger().journal(Seq{1}, 10000)); }
};

TEST_F(Reorg, RevertedBlocksLeaveTheStateOfTheirAncestor) {
    block({deposit(kAlice, usd(), 100)});
    const BlockRef ancestor = chain_.head();
    const std::string before = now();
    for (std::size_t depth = 1; depth <= 6; ++depth) {
        for (std::size_t i = 0; i < depth; ++i) {
            block({deposit(kAlice, usd(), i + 1), position(kBob, i, 2), exit(kAlice, usd(), 3)});
        }
        const ApplySummary summary = STORE_OK(revert_to(ancestor));
        EXPECT_EQ(summary.touched, (std::set<AccountId>{kAlice, kBob}));
        EXPECT_EQ(summary.events, 3 * depth);
        for (std::size_t i = 0; i < depth; ++i) {
            chain_.pop();
        }
        EXPECT_EQ(now(), before);
        EXPECT_EQ(ledger().chain_state(chain_.id()).head, ancestor);
        EXPECT_EQ(ledger().chain_state(chain_.id()).vault, chain_.vault_state());
        EXPECT_EQ(ledger().chain_state(chain_.id()).reorgs, depth);
    }
    EXPECT_DONE(ledger().verify());
}

TEST_F(Reorg, ReversalsAreAppendedNewestFirstAndSayWhatTheyReverse) {
    const BlockRef ancestor = chain_.head();
    block({deposit(kAlice, usd(), 10), deposit(kBob, usd(), 20)});
    block({exit(kAlice, usd(), 4)});
    store_.revert(chain_, ancestor);
    const auto all = journal();
    ASSERT_EQ(all.size(), 6U);
    for (std::size_t i = 0; i < 3; ++i) {
        const Transfer& reversal = all[3 + i];
        const Transfer& original = all[2 - i];
        EXPECT_EQ(reversal.reverses, original.seq);
        EXPECT_EQ(reversal.amount, original.amount);
        EXPECT_EQ(reversal.debit, original.credit);
        EXPECT_EQ(reversal.debit_owner, original.credit_owner);
        EXPECT_EQ(reversal.credit, original.debit);
        EXPECT_EQ(reversal.block_hash, original.block_hash);
        EXPECT_NE(reversal.id, original.id);
    }
    EXPECT_EQ(total(AccountCode::kVault), amount(0));
}

TEST_F(Reorg, ABlockThatComesBackIsAppliedAgain) {
    block({deposit(kBob, usd(), 1)});
    const BlockRef ancestor = chain_.head();
    const BlockData a = chain_.next({deposit(kAlice, usd(), 100)}, 1);
    const BlockData b = chain_.next({deposit(kAlice, usd(), 33)}, 2);
    std::set<Hash32> ids;
    for (int round = 0; round < 4; ++round) {
        store_.apply(chain_, a);
        EXPECT_EQ(holding(kAlice).collateral, amount(100));
        store_.revert(chain_, ancestor);
        EXPECT_EQ(holding(kAlice).collateral, amount(0));
        store_.apply(chain_, b);
        EXPECT_EQ(holding(kAlice).collateral, amount(33));
        store_.revert(chain_, ancestor);
    }
    store_.apply(chain_, a);
    EXPECT_EQ(holding(kAlice).collateral, amount(100));
    EXPECT_EQ(STORE_OK(ledger().apply(chain_.id(), BlockApplied{a})).transfers, 0U);
    EXPECT_EQ(holding(kAlice).collateral, amount(100));
    // Every observation has an id of its own.
    for (const Transfer& t : journal()) {
        EXPECT_TRUE(ids.insert(t.id).second);
    }
    EXPECT_DONE(ledger().verify());
    store_.reopen();
    EXPECT_EQ(holding(kAlice).collateral, amount(100));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Reorg, TotalsNeverFallThroughReorgs) {
    const BlockRef ancestor = chain_.head();
    Amount most;
    for (std::uint64_t i = 0; i < 5; ++i) {
        store_.apply(chain_, chain_.next({deposit(kAlice, usd(), 10)}, i));
        store_.revert(chain_, ancestor);
        Amount debits;
        for (const Transfer& t : journal()) {
            if (t.debit == AccountCode::kVault) {
                debits = add(debits, t.amount).value();
            }
        }
        EXPECT_GT(debits, most);
        most = debits;
    }
    EXPECT_DONE(ledger().verify());
}

TEST_F(Reorg, TheFinalBlockMayBeTheAncestorAndNothingBelowIt) {
    block({deposit(kAlice, usd(), 1)});
    const BlockRef below = chain_.head();
    block({deposit(kAlice, usd(), 1)});
    const BlockRef final_block = chain_.head();
    store_.finalize(chain_, final_block);
    block({deposit(kAlice, usd(), 1)});
    EXPECT_CODE(revert_to(below), Errc::kBelowFinality);
    BlockRef unknown = below;
    unknown.hash = word(9);
    EXPECT_CODE(revert_to(unknown), Errc::kBelowFinality);
    EXPECT_EQ(holding(kAlice).collateral, amount(3));
    EXPECT_DONE(revert_to(final_block));
    EXPECT_EQ(holding(kAlice).collateral, amount(2));
}

TEST_F(Reorg, AnAncestorThatWasNeverAppliedIsUnproved) {
    block({deposit(kAlice, usd(), 1)});
    BlockRef stranger_block = chain_.head();
    stranger_block.hash = word(1);
    EXPECT_CODE(revert_to(stranger_block), Errc::kUnproved);
    BlockRef ahead = chain_.head();
    ahead.number = BlockNum{ahead.number.value + 9};
    EXPECT_CODE(revert_to(ahead), Errc::kUnproved);
}

TEST_F(Reorg, RevertingToTheHeadChangesNothing) {
    block({deposit(kAlice, usd(), 1)});
    const ApplySummary summary = STORE_OK(revert_to(chain_.head()));
    EXPECT_EQ(summary.transfers, 0U);
    EXPECT_EQ(ledger().chain_state(chain_.id()).reorgs, 0U);
}

TEST_F(Reorg, TheVeryFirstBlockMayBeOrphaned) {
    block({deposit(kAlice, usd(), 1), position(kBob, 1, 1)});
    BlockRef before;
    before.number = BlockNum{99};
    before.hash = chain_.blocks().front().block.parent;
    EXPECT_DONE(revert_to(before));
    const ChainState state = ledger().chain_state(chain_.id());
    EXPECT_FALSE(state.head.has_value());
    EXPECT_EQ(state.vault, Accumulator{});
    EXPECT_TRUE(STORE_OK(ledger().all_holdings({{chain_.id(), BlockNum{999}}})).empty());
    TestChain again = chain_;
    while (again.blocks().size() > 1) {
        again.pop();
    }
    store_.apply(again, again.blocks().front());
    store_.apply(again, again.push({deposit(kAlice, usd(), 5)}, 3));
    EXPECT_EQ(holding(kAlice).collateral, amount(5));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Reorg, OneChainsReorgLeavesTheOtherChainAlone) {
    TestChain other(2);
    define(other);
    store_.apply(other, other.blocks().front());
    const BlockRef ancestor = chain_.head();
    block({deposit(kAlice, usd(), 10)});
    store_.apply(other, other.push({deposit(kAlice, usd(), 7)}));
    block({deposit(kAlice, usd(), 10)});
    store_.apply(other, other.push({exit(kAlice, usd(), 2)}));
    store_.revert(chain_, ancestor);
    EXPECT_EQ(holding(kAlice).collateral, amount(0));
    const auto h = STORE_OK(ledger().holdings_at_head(kAlice));
    ASSERT_EQ(h.holdings.size(), 1U);
    EXPECT_EQ(h.holdings[0].collateral, amount(5));
    EXPECT_EQ(ledger().chain_state(other.id()).reorgs, 0U);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Reorg, TheSameTransactionInAnotherBlockIsANewObservation) {
    const BlockRef ancestor = chain_.head();
    block({deposit(kAlice, usd(), 10)});
    const Hash32 first = journal().at(0).id;
    store_.revert(chain_, ancestor);
    chain_.pop();
    BlockData again = chain_.next({deposit(kAlice, usd(), 10)}, 5);
    again.events[0].txn_hash = journal().at(0).txn_hash;
    store_.apply(chain_, again);
    EXPECT_NE(journal().at(2).id, first);
    EXPECT_EQ(holding(kAlice).collateral, amount(10));
}

TEST_F(Reorg, OrphanedEventsAreOutOfTouchedBetween) {
    const BlockRef ancestor = chain_.head();
    block({deposit(kAlice, usd(), 10)});
    store_.revert(chain_, ancestor);
    chain_.pop();
    block({deposit(kBob, usd(), 10)});
    EXPECT_EQ(
        STORE_OK(ledger().touched_between(chain_.id(), ancestor.number, chain_.head().number)),
        std::set<AccountId>{kBob}
    );
}

}  // namespace
}  // namespace margrave::store::test
