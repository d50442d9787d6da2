// SPDX-License-Identifier: Apache-2.0
#include "relayer/reconciler.hpp"

#include "attest/leaf.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>

// What a vault lacks, through watcher, store, log and rounds.
namespace margrave::relayer::tests {
namespace {

using attest::CustodyState;

class ReconcilerTest : public WorldTest {
  protected:
    ReconcilerTest() {
        // The trouble is on chain 0, so the price feed is not.
        for (oracle::AssetOracleSettings& asset : world.settings.oracle) {
            oracle::SourceSettings& source = asset.sources.front();
            if (source.kind == "feed") {
                source = oracle::feed_source("feed", world.id(1), price_feed());
            }
        }
        EXPECT_OK(world.start());
        world.settle(0, {deposit(account(1), coin(), eth(1))});
        world.settle(1, {deposit(account(2), coin(), eth(2))});
    }

    /// One more final block on the chain, read.
    void next_block(std::size_t chain, std::vector<FakeChain::Body> events = {}) {
        world.chain(chain).mine(std::move(events));
        world.chain(chain).finalize();
        ASSERT_OK(world.watch(chain));
    }

    void lose(std::size_t chain, const Address& token, const Amount& amount) {
        world.nodes[chain]->missing[token] = amount;
    }

    void halt_for_deficit() {
        lose(0, coin(), Amount{5});
        next_block(0);
        next_block(0);
        ASSERT_TRUE(world.board->is_halted(world.id(0)));
    }

    [[nodiscard]] const CustodyStanding& standing(std::size_t chain) const {
        return world.reconciler->standing(world.id(chain));
    }

    [[nodiscard]] std::uint64_t count(std::string_view kind) const {
        const auto kinds = world.leaf_kinds();
        return static_cast<std::uint64_t>(std::ranges::count(kinds, kind));
    }

    [[nodiscard]] attest::Reconciliation last_reading() const {
        for (std::uint64_t i = world.database->leaf_count(); i > 0; --i) {
            const Bytes bytes = world.database->leaf(i - 1).value();
            const auto leaf = attest::read_leaf(world.settings.genesis.network(), bytes);
            if (leaf && leaf.value().kind == "reconciliation") {
                return attest::parse_reconciliation(leaf.value().body).value();
            }
        }
        return {};
    }

    [[nodiscard]] std::vector<attest::Finding> findings() const {
        std::vector<Bytes> entries;
        for (std::uint64_t i = 0; i < world.database->leaf_count(); ++i) {
            entries.push_back(world.database->leaf(i).value());
        }
        return attest::audit(
                   world.settings.genesis.network(), entries, world.settings.genesis.signers, 1
        )
            .findings;
    }

    [[nodiscard]] std::uint64_t round() const { return world.scribe->last().round.value; }

    [[nodiscard]] Status status(std::uint64_t who) const {
        return world.state_of(account(who))->status;
    }

    /// A round is due whatever moved.
    void next_round() {
        world.clock.advance(70);
        world.eth_published = world.clock.now();
        ASSERT_OK(world.round());
    }
};

TEST_F(ReconcilerTest, AFinalBlockWithAnEventIsALeafAndAQuietOneIsNot) {
    const std::uint64_t before = count("reconciliation");
    EXPECT_GT(before, 0U);
    next_block(0);
    EXPECT_EQ(count("reconciliation"), before);
    next_block(0, {deposit(account(1), coin(), eth(1))});
    EXPECT_EQ(count("reconciliation"), before + 1);
    const attest::Reconciliation reading = last_reading();
    EXPECT_EQ(reading.chain, world.id(0));
    EXPECT_EQ(reading.block.hash, world.chain(0).chain().head().hash);
    EXPECT_EQ(reading.verdict(), attest::CustodyVerdict::kMatch);
    ASSERT_EQ(reading.rows.size(), 2U);
    EXPECT_EQ(reading.rows[1].booked, eth(2));
    EXPECT_TRUE(findings().empty());
}

TEST_F(ReconcilerTest, FromTheFirstReadingThatLacksSomethingNothingIsSigned) {
    lose(0, coin(), Amount{5});
    next_block(0);
    EXPECT_EQ(standing(0).state, CustodyState::kSuspected);
    const std::uint64_t before = round();
    next_round();
    EXPECT_EQ(round(), before);
    EXPECT_NE(world.rounds->waiting_for().find("the ledger says"), std::string::npos);
    lose(0, coin(), Amount{});
    next_block(0);
    next_round();
    EXPECT_EQ(round(), before + 1);
    EXPECT_EQ(count("halt"), 0U);
    EXPECT_TRUE(findings().empty());
}

TEST_F(ReconcilerTest, ABlockThatCountedAndLacksSomethingWhenItIsReadAgainIsNotCovered) {
    next_block(0, {deposit(account(1), coin(), eth(1))});
    ASSERT_EQ(standing(0).state, CustodyState::kClear);
    lose(0, coin(), Amount{5});
    ASSERT_OK(world.start());
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.watch(1));
    EXPECT_EQ(standing(0).state, CustodyState::kClear);
    EXPECT_TRUE(world.rounds->deficits().contains(world.id(0)));
    const std::uint64_t before = round();
    next_round();
    EXPECT_EQ(round(), before);
    next_block(0);
    EXPECT_EQ(standing(0).state, CustodyState::kSuspected);
}

TEST_F(ReconcilerTest, AConfirmedDeficitHaltsItsChainAndTheOtherGoesOn) {
    halt_for_deficit();
    EXPECT_EQ(count("halt"), 1U);
    EXPECT_EQ(last_reading().state, CustodyState::kDeficit);
    const std::uint64_t before = round();
    next_round();
    EXPECT_EQ(round(), before + 1);
    EXPECT_EQ(status(1), Status::kUnattestable);
    EXPECT_EQ(status(2), Status::kHealthy);
    EXPECT_FALSE(world.board->is_halted(world.id(1)));
    EXPECT_TRUE(findings().empty());
}

TEST_F(ReconcilerTest, ADeficitStopsTheReleasesOfItsChainOnly) {
    halt_for_deficit();
    next_round();
    next_block(0, {withdrawal_request(account(1), coin(), Amount{7})});
    next_block(1, {withdrawal_request(account(2), coin(), Amount{7})});
    next_round();
    next_round();
    EXPECT_EQ(world.request(0, world.last_event(0)).state, store::RequestState::kOpen);
    EXPECT_EQ(world.request(1, world.last_event(1)).state, store::RequestState::kGranted);
}

TEST_F(ReconcilerTest, ADeficitOutlivesARestartAndIsStillWatched) {
    halt_for_deficit();
    ASSERT_OK(world.start());
    EXPECT_TRUE(world.board->is_halted(world.id(0)));
    EXPECT_TRUE(world.reconciler->is_watching(world.id(0)));
    EXPECT_EQ(standing(0).state, CustodyState::kDeficit);
    EXPECT_TRUE(world.rounds->deficits().contains(world.id(0)));
}

TEST_F(ReconcilerTest, ItGoesOnByItselfAfterThreeReadingsThatLackNothing) {
    halt_for_deficit();
    lose(0, coin(), Amount{});
    next_block(0);
    next_block(0);
    EXPECT_TRUE(world.board->is_halted(world.id(0)));
    // A restart forgets no reading.
    ASSERT_OK(world.start());
    ASSERT_OK(world.watch(1));
    next_block(0);
    EXPECT_FALSE(world.board->is_halted(world.id(0)));
    EXPECT_EQ(count("resume"), 1U);
    EXPECT_EQ(standing(0).state, CustodyState::kClear);
    next_round();
    EXPECT_EQ(status(1), Status::kHealthy);
    EXPECT_TRUE(findings().empty());
}

TEST_F(ReconcilerTest, ASuspicionOutlivesARestart) {
    lose(0, coin(), Amount{5});
    next_block(0);
    ASSERT_OK(world.start());
    ASSERT_OK(world.watch(1));
    const std::uint64_t before = round();
    next_round();
    EXPECT_EQ(round(), before);
    // The same block again confirms nothing; the next does.
    ASSERT_OK(world.watch(0));
    EXPECT_FALSE(world.board->is_halted(world.id(0)));
    next_block(0);
    EXPECT_TRUE(world.board->is_halted(world.id(0)));
}

TEST_F(ReconcilerTest, AnOperatorsWordDoesNotOutweighTheNextReading) {
    halt_for_deficit();
    ASSERT_OK(world.scribe->resume(world.id(0), "I know better", world.clock.now()));
    world.board->resume(world.id(0), world.clock.now());
    const std::uint64_t before = round();
    next_round();
    EXPECT_EQ(round(), before) << "the doubt stands";
    next_block(0);
    EXPECT_TRUE(world.board->is_halted(world.id(0)));
    EXPECT_EQ(count("halt"), 2U);
}

TEST_F(ReconcilerTest, AChainThatAlsoWentBackBelowFinalityWaitsForAnOperator) {
    halt_for_deficit();
    ASSERT_OK(world.reconciler->give_up(world.id(0)));
    EXPECT_FALSE(world.reconciler->is_watching(world.id(0)));
    lose(0, coin(), Amount{});
    for (int i = 0; i < 4; ++i) {
        next_block(0);
    }
    EXPECT_TRUE(world.board->is_halted(world.id(0)));
    EXPECT_EQ(count("resume"), 0U);
}

TEST_F(ReconcilerTest, ANodeThatCannotSayIsUnableInTheLogAndTheBlockIsReadAgain) {
    world.chain(0).fail_next("custody_at", Errc::kRpc, "missing trie node\n");
    world.chain(0).mine();
    world.chain(0).finalize();
    EXPECT_ERRC(world.watch(0), Errc::kRpc);
    attest::Reconciliation reading = last_reading();
    EXPECT_EQ(reading.verdict(), attest::CustodyVerdict::kUnable);
    EXPECT_EQ(reading.rows[0].why, "missing trie node?");
    EXPECT_EQ(reading.state, CustodyState::kClear);
    ASSERT_OK(world.watch(0));
    reading = last_reading();
    EXPECT_EQ(reading.verdict(), attest::CustodyVerdict::kMatch);
    EXPECT_EQ(reading.block.hash, world.chain(0).chain().head().hash);
}

TEST_F(ReconcilerTest, ABlockThatIsNotCanonicalAnyMoreIsUnableAndNeverZero) {
    world.chain(0).fail_next("custody_at", Errc::kReorg, "no such block");
    world.chain(0).mine();
    world.chain(0).finalize();
    EXPECT_ERRC(world.watch(0), Errc::kReorg);
    EXPECT_EQ(standing(0).state, CustodyState::kClear);
    EXPECT_FALSE(last_reading().has_deficit());
}

// THORNode #1820: a surplus was credited to whoever came next, and swallowed what was missing.
TEST_F(ReconcilerTest, WrongWayASurplusIsCreditedToNobodyAndSwallowsNoDeposit) {
    const auto vault = [this] {
        const auto id = world.ledger->ledgers().front().id;
        const BlockNum head = world.ledger->chain_state(world.id(0)).head->number;
        return world.ledger->trial_balance(id, head).value().totals[store::AccountCode::kVault];
    };
    // The vault holds seven more than any event says.
    const Amount surplus{7};
    world.nodes[0]->extra[coin()] = surplus;
    const Amount before = vault();
    next_block(0);
    EXPECT_EQ(standing(0).unattributed.at(eth_on(world.id(0))), surplus);
    EXPECT_EQ(last_reading().rows[1].unattributed(), surplus);
    EXPECT_EQ(vault(), before);
    next_block(0, {deposit(account(1), coin(), eth(1))});
    EXPECT_EQ(vault(), add(before, eth(1)).value());
    EXPECT_EQ(standing(0).unattributed.at(eth_on(world.id(0))), surplus);
    EXPECT_EQ(
        world.ledger->holdings_at_head(account(1)).value().holdings.front().collateral, eth(2)
    );
    EXPECT_EQ(standing(0).state, CustodyState::kClear);
    next_round();
    EXPECT_EQ(status(1), Status::kHealthy);
}

// THORNode !5313: outbounds that were scheduled and not yet paid were taken off what the vault
// owed, so it looked solvent, and each un-halt paid one of them out.
TEST_F(ReconcilerTest, WrongWayAReleaseThatIsGrantedMakesNoVaultLookCovered) {
    world.settle(0, {withdrawal_request(account(1), coin(), eth(1))});
    ASSERT_EQ(world.request(0, world.last_event(0)).state, store::RequestState::kGranted);
    lose(0, coin(), eth(1));
    for (int i = 0; i < 6; ++i) {
        next_block(0);
    }
    EXPECT_EQ(standing(0).state, CustodyState::kDeficit);
    EXPECT_EQ(standing(0).readings, 0U);
    EXPECT_EQ(last_reading().rows[1].missing(), eth(1));
    EXPECT_EQ(count("resume"), 0U);
}

// THORNode !4469, across the chains of one network.
TEST_F(ReconcilerTest, WrongWayAnotherChainsCoverLiftsNoHalt) {
    halt_for_deficit();
    for (int i = 0; i < 5; ++i) {
        next_block(1);
    }
    EXPECT_TRUE(world.board->is_halted(world.id(0)));
}

}  // namespace
}  // namespace margrave::relayer::tests
