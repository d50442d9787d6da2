// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

class LedgerRules : public LedgerTest {
  protected:
    Result<ApplySummary> apply(const BlockData& block) {
        return ledger().apply(chain_.id(), BlockApplied{block});
    }

    Result<ApplySummary> finalize(const BlockRef& block) {
        return ledger().apply(chain_.id(), Finalized{block});
    }

    std::string now() { return picture(ledger(), {chain_.id()}, head()); }
};

TEST_F(LedgerRules, SecondApplyOfTheSameBlockChangesNothing) {
    const ApplySummary first = block({deposit(kAlice, usd(), 100)});
    EXPECT_EQ(first.events, 1U);
    EXPECT_EQ(first.transfers, 1U);
    EXPECT_EQ(first.touched, std::set<AccountId>{kAlice});
    const std::string before = now();
    const ApplySummary second = STORE_OK(apply(chain_.blocks().back()));
    EXPECT_EQ(second.events, 0U);
    EXPECT_EQ(second.transfers, 0U);
    EXPECT_TRUE(second.touched.empty());
    EXPECT_EQ(now(), before);
    EXPECT_EQ(ledger().last_seq(), Seq{1});
}

TEST_F(LedgerRules, SecondApplyOfAnOlderBlockChangesNothing) {
    block({deposit(kAlice, usd(), 100)});
    block({deposit(kAlice, usd(), 10)});
    const BlockData older = chain_.blocks()[1];
    EXPECT_EQ(STORE_OK(apply(older)).transfers, 0U);
    EXPECT_EQ(holding(kAlice).collateral, amount(110));
}

TEST_F(LedgerRules, SameBlockWithOtherEventsIsAConflict) {
    block({deposit(kAlice, usd(), 100)});
    BlockData other = chain_.blocks().back();
    other.events.clear();
    EXPECT_CODE(apply(other), Errc::kConflict);
}

TEST_F(LedgerRules, BlockWhoseParentIsNotTheHeadIsUnproved) {
    block({});
    BlockData orphan = chain_.next({deposit(kAlice, usd(), 1)});
    orphan.block.parent = word(1);
    EXPECT_CODE(apply(orphan), Errc::kUnproved);
    EXPECT_EQ(ledger().chain_state(chain_.id()).head->hash, chain_.head().hash);
}

TEST_F(LedgerRules, AnotherBlockAtAFinalNumberIsBelowFinality) {
    block({});
    block({});
    STORE_OK(finalize(chain_.head()));
    TestChain fork = chain_;
    fork.pop();
    EXPECT_CODE(apply(fork.next({deposit(kAlice, usd(), 1)}, 9)), Errc::kBelowFinality);
}

TEST_F(LedgerRules, AMissingEventIsUnproved) {
    BlockData gap = chain_.next({deposit(kAlice, usd(), 1), deposit(kAlice, usd(), 2)});
    gap.events.erase(gap.events.begin());
    EXPECT_CODE(apply(gap), Errc::kUnproved);
}

TEST_F(LedgerRules, EventsThatDoNotGiveTheAccumulatorAreUnproved) {
    BlockData lie = chain_.next({deposit(kAlice, usd(), 1)});
    std::get<Movement>(lie.events[0].body).amount = amount(1000);
    EXPECT_CODE(apply(lie), Errc::kUnproved);
    BlockData silence = chain_.next({deposit(kAlice, usd(), 1)});
    silence.events.clear();
    EXPECT_CODE(apply(silence), Errc::kUnproved);
    BlockData positions = chain_.next({position(kAlice, 1, 1)});
    positions.positions.hash = word(5);
    EXPECT_CODE(apply(positions), Errc::kUnproved);
}

TEST_F(LedgerRules, OneLogTwiceInABlockIsUnproved) {
    BlockData twice = chain_.next({deposit(kAlice, usd(), 1), deposit(kAlice, usd(), 1)});
    twice.events[1].txn_hash = twice.events[0].txn_hash;
    twice.events[1].log_index = twice.events[0].log_index;
    EXPECT_CODE(apply(twice), Errc::kUnproved);
}

TEST_F(LedgerRules, ReleaseOfAnUnknownRequestRefusesTheBlock) {
    block({deposit(kAlice, usd(), 100)});
    const std::string before = now();
    const BlockData bad =
        chain_.next({deposit(kAlice, usd(), 1), release(kAlice, usd(), 5, word(77))});
    EXPECT_CODE(apply(bad), Errc::kUnproved);
    EXPECT_EQ(now(), before);
}

TEST_F(LedgerRules, ReleaseIsBookedOnceAndForItsOwnRequest) {
    block({deposit(kAlice, usd(), 100), withdrawal_request(kAlice, usd(), 5)});
    const Hash32 id = chain_.release_of(last_event());
    EXPECT_CODE(apply(chain_.next({release(kBob, usd(), 5, id)})), Errc::kUnproved);
    EXPECT_CODE(apply(chain_.next({release(kAlice, eth(), 5, id)})), Errc::kUnproved);
    block({release(kAlice, usd(), 5, id)});
    EXPECT_CODE(apply(chain_.next({release(kAlice, usd(), 5, id)})), Errc::kUnproved);
    EXPECT_EQ(holding(kAlice).collateral, amount(95));
}

TEST_F(LedgerRules, RequestAndReleaseInOneBlockBothCount) {
    block({deposit(kAlice, usd(), 100)});
    const Hash32 id = chain_.release_of(last_event() + 1);
    block({withdrawal_request(kAlice, usd(), 5), release(kAlice, usd(), 5, id)});
    EXPECT_EQ(holding(kAlice).collateral, amount(95));
    const auto requests = STORE_OK(ledger().requests(chain_.id(), chain_.head().number, false));
    EXPECT_EQ(requests.at(0).state, RequestState::kExecuted);
}

TEST_F(LedgerRules, SeizureAndItsSettlementAreBookedOnce) {
    block({deposit(kAlice, usd(), 100)});
    const Hash32 id = seizure_id(kAlice, 1, 0);
    EXPECT_CODE(apply(chain_.next({proceeds(kAlice, eth(), 5, id)})), Errc::kUnproved);
    block({seizure(kAlice, usd(), 10, id)});
    EXPECT_CODE(apply(chain_.next({seizure(kAlice, usd(), 10, id)})), Errc::kUnproved);
    EXPECT_CODE(apply(chain_.next({proceeds(kBob, eth(), 5, id)})), Errc::kUnproved);
    block({proceeds(kAlice, eth(), 5, id)});
    EXPECT_CODE(apply(chain_.next({proceeds(kAlice, eth(), 5, id)})), Errc::kUnproved);
}

TEST_F(LedgerRules, FinalityMovesForwardOnlyAndOnlyOverAppliedBlocks) {
    block({});
    const BlockRef first = chain_.head();
    block({});
    STORE_OK(finalize(chain_.head()));
    EXPECT_EQ(ledger().chain_state(chain_.id()).final->number, chain_.head().number);
    STORE_OK(finalize(first));
    EXPECT_EQ(ledger().chain_state(chain_.id()).final->number, chain_.head().number);
    BlockRef other = first;
    other.hash = word(3);
    EXPECT_CODE(finalize(other), Errc::kBelowFinality);
    BlockRef ahead = chain_.head();
    ahead.number = BlockNum{ahead.number.value + 1};
    EXPECT_CODE(finalize(ahead), Errc::kUnproved);
}

TEST_F(LedgerRules, DefinitionIsMadeOnce) {
    const AssetId token = AssetId::erc20(chain_.id(), address(0x1234));
    const LedgerDefinition first = STORE_OK(ledger().define(token, 8));
    EXPECT_EQ(STORE_OK(ledger().define(token, 8)).id, first.id);
    EXPECT_CODE(ledger().define(token, 9), Errc::kConflict);
    EXPECT_CODE(ledger().define(AssetId::native(chain_.id(), 714), 18), Errc::kConflict);
    EXPECT_CODE(ledger().define(AssetId{}, 18), Errc::kInvalid);
    EXPECT_CODE(ledger().define(AssetId::erc20(chain_.id(), address(0x99)), 37), Errc::kInvalid);
    store_.reopen();
    EXPECT_EQ(ledger().ledgers().size(), 3U);
    EXPECT_EQ(ledger().ledgers()[2].asset, token);
    EXPECT_EQ(ledger().ledgers()[2].decimals, 8U);
}

TEST_F(LedgerRules, EventsInAnUnknownAssetAreReportedAndCountNothing) {
    const Hash32 id = seizure_id(kAlice, 1, 0);
    const ApplySummary summary = block(
        {deposit(kAlice, stranger(), 100),
         repayment(kAlice, stranger(), 1),
         exit(kAlice, stranger(), 1),
         funding(stranger(), 1),
         withdrawal_request(kAlice, stranger(), 5),
         seizure(kAlice, stranger(), 5, id)}
    );
    EXPECT_EQ(summary.unknown_assets, std::set<Address>{stranger()});
    EXPECT_EQ(summary.transfers, 0U);
    EXPECT_TRUE(STORE_OK(ledger().all_holdings(head())).empty());
    EXPECT_CODE(ledger().define(AssetId::erc20(chain_.id(), stranger()), 18), Errc::kConflict);
    // The request can be answered, and what follows from these events does not stop the chain.
    const auto open = STORE_OK(ledger().requests(chain_.id(), chain_.head().number, true));
    ASSERT_EQ(open.size(), 1U);
    EXPECT_EQ(open[0].asset, AssetId::erc20(chain_.id(), stranger()));
    block(
        {release(kAlice, stranger(), 5, chain_.release_of(open[0].number)),
         proceeds(kAlice, usd(), 9, id)}
    );
    EXPECT_EQ(holding(kAlice).collateral, amount(9));
    EXPECT_EQ(total(AccountCode::kVault), amount(9));
}

TEST_F(LedgerRules, ProceedsInAnUnknownAssetStillCloseTheLot) {
    block({deposit(kAlice, usd(), 100)});
    const Hash32 id = seizure_id(kAlice, 1, 0);
    block({seizure(kAlice, usd(), 40, id)});
    block({proceeds(kAlice, stranger(), 9, id)});
    EXPECT_EQ(holding(kAlice).collateral, amount(60));
    EXPECT_EQ(total(AccountCode::kSale), amount(0));
}

TEST_F(LedgerRules, UnknownAssetOfAnOrphanedBlockMayBeDefinedAfterwards) {
    const BlockRef before = chain_.head();
    block({deposit(kAlice, stranger(), 100)});
    store_.revert(chain_, before);
    EXPECT_DONE(ledger().define(AssetId::erc20(chain_.id(), stranger()), 18));
}

TEST_F(LedgerRules, JournalIsNumberedFromOneWithoutGaps) {
    for (std::uint64_t i = 1; i <= 5; ++i) {
        block({deposit(kAlice, usd(), i), deposit(kBob, usd(), i)});
    }
    const auto all = STORE_OK(ledger().journal(Seq{1}, 100));
    ASSERT_EQ(all.size(), 10U);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].seq, Seq{i + 1});
    }
    EXPECT_EQ(ledger().last_seq(), Seq{10});
    const auto part = STORE_OK(ledger().journal(Seq{4}, 3));
    ASSERT_EQ(part.size(), 3U);
    EXPECT_EQ(part[0].seq, Seq{4});
    EXPECT_EQ(part[2].seq, Seq{6});
    EXPECT_TRUE(STORE_OK(ledger().journal(Seq{11}, 3)).empty());
}

TEST_F(LedgerRules, EntriesOfAnAccountAreAllItsEventsAndNoOthers) {
    block({deposit(kAlice, usd(), 100), deposit(kBob, usd(), 50)});
    const Hash32 id = seizure_id(kAlice, 1, 0);
    block({seizure(kAlice, usd(), 40, id)});
    block({proceeds(kAlice, eth(), 9, id)});
    const auto entries = STORE_OK(ledger().entries_of(kAlice));
    ASSERT_EQ(entries.size(), 5U);
    for (std::size_t i = 1; i < entries.size(); ++i) {
        EXPECT_LT(entries[i - 1].seq, entries[i].seq);
        EXPECT_EQ(entries[i].account, kAlice);
    }
    EXPECT_EQ(STORE_OK(ledger().entries_of(kBob)).size(), 1U);
}

TEST_F(LedgerRules, TouchedBetweenCountsBlocksAfterFromUpToTo) {
    const BlockNum start = chain_.head().number;
    block({deposit(kAlice, usd(), 1)});
    block({deposit(kBob, usd(), 1)});
    block({position(account(3), 1, 1), funding(usd(), 1)});
    const auto touched = [&](std::uint64_t from, std::uint64_t to) {
        return STORE_OK(ledger().touched_between(
            chain_.id(), BlockNum{start.value + from}, BlockNum{start.value + to}
        ));
    };
    EXPECT_EQ(touched(0, 1), (std::set<AccountId>{kAlice}));
    EXPECT_EQ(touched(1, 2), (std::set<AccountId>{kBob}));
    EXPECT_EQ(touched(0, 3), (std::set<AccountId>{kAlice, kBob, account(3)}));
    EXPECT_TRUE(touched(3, 9).empty());
    EXPECT_TRUE(touched(2, 2).empty());
    EXPECT_TRUE(touched(2, 1).empty());
}

TEST_F(LedgerRules, StateSurvivesReopening) {
    block({deposit(kAlice, usd(), 100), position(kBob, 1, -4)});
    block({withdrawal_request(kAlice, usd(), 5), deposit(kBob, eth(), 7)});
    STORE_OK(finalize(chain_.blocks()[1].block));
    const std::string before = now();
    const ChainState state = ledger().chain_state(chain_.id());
    store_.reopen();
    EXPECT_EQ(now(), before);
    EXPECT_EQ(ledger().chain_state(chain_.id()).head, state.head);
    EXPECT_EQ(ledger().chain_state(chain_.id()).final, state.final);
    EXPECT_EQ(ledger().chain_state(chain_.id()).vault, chain_.vault_state());
    EXPECT_EQ(ledger().last_seq(), Seq{2});
    block({deposit(kAlice, usd(), 1)});
    EXPECT_EQ(holding(kAlice).collateral, amount(101));
}

TEST_F(LedgerRules, BlockAtKnowsAppliedBlocksOnly) {
    block({deposit(kAlice, usd(), 1)});
    EXPECT_EQ(ledger().block_at(chain_.id(), chain_.head().number), chain_.head());
    EXPECT_FALSE(ledger().block_at(chain_.id(), BlockNum{1}).has_value());
    EXPECT_FALSE(ledger().block_at(ChainId::evm(9), chain_.head().number).has_value());
    EXPECT_CODE(ledger().accumulators_at(chain_.id(), BlockNum{1}), Errc::kNotFound);
    EXPECT_EQ(
        STORE_OK(ledger().accumulators_at(chain_.id(), chain_.head().number)).first,
        chain_.vault_state()
    );
}

TEST_F(LedgerRules, AnUnseenChainIsEmpty) {
    const ChainState state = ledger().chain_state(ChainId::evm(77));
    EXPECT_FALSE(state.head.has_value());
    EXPECT_FALSE(state.final.has_value());
    EXPECT_EQ(state.reorgs, 0U);
    EXPECT_TRUE(STORE_OK(ledger().requests(ChainId::evm(77), BlockNum{9}, false)).empty());
}

TEST_F(LedgerRules, TrialBalanceBalancesAndUnknownLedgerIsNotFound) {
    block({deposit(kAlice, usd(), 100), funding(usd(), 20)});
    block({seizure(kAlice, usd(), 30, seizure_id(kAlice, 1, 0))});
    EXPECT_EQ(total(AccountCode::kVault), amount(90));
    EXPECT_EQ(total(AccountCode::kSale), amount(30));
    EXPECT_EQ(total(AccountCode::kCollateral), amount(70));
    EXPECT_EQ(total(AccountCode::kAuction), amount(30));
    EXPECT_EQ(total(AccountCode::kPool), amount(20));
    EXPECT_CODE(ledger().trial_balance(LedgerId{99}, BlockNum{1}), Errc::kNotFound);
    EXPECT_CODE(ledger().trial_balance(LedgerId{0}, BlockNum{1}), Errc::kNotFound);
}

TEST_F(LedgerRules, ABlockMaySkipNumbers) {
    BlockData later = chain_.next({deposit(kAlice, usd(), 1)});
    later.block.number = BlockNum{later.block.number.value + 5};
    chain_.push(later);
    STORE_OK(apply(later));
    EXPECT_EQ(holding(kAlice).collateral, amount(1));
    block({deposit(kAlice, usd(), 1)});
    EXPECT_EQ(holding(kAlice).collateral, amount(2));
}

}  // namespace
}  // namespace margrave::store::test
