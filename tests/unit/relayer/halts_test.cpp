// SPDX-License-Identifier: Apache-2.0
#include "attest/leaf.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/replay.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

// One chain's trouble: halted, held, dead; and what goes on beside it.
namespace margrave::relayer::tests {
namespace {

constexpr std::uint64_t kLimit = 600;

class HaltsTest : public WorldTest {
  protected:
    HaltsTest() {
        world.settings.parameters.max_head_age_s = kLimit;
        // The trouble is on chain 0, so the price feed is not.
        for (oracle::AssetOracleSettings& asset : world.settings.oracle) {
            oracle::SourceSettings& source = asset.sources.front();
            if (source.kind == "feed") {
                source = oracle::feed_source("feed", world.id(1), price_feed());
            }
        }
        // The parameters are hashed at the start.
        const Result<void> started = world.start();
        EXPECT_TRUE(started.has_value());
        world.settle(0, {deposit(account(1), coin(), eth(1))});
        world.settle(1, {deposit(account(2), coin(), eth(2))});
    }

    [[nodiscard]] std::uint64_t last_round() const { return world.scribe->last().round.value; }

    [[nodiscard]] Status status(std::uint64_t who) const {
        return world.state_of(account(who))->status;
    }

    /// Time passes on the other chain and not on this one.
    void starve(std::size_t chain, std::uint64_t seconds) {
        const std::size_t other = 1 - chain;
        world.chain(other).mine({}, seconds);
        world.chain(other).finalize();
        world.clock.set(std::max(world.clock.now(), world.chain(other).chain().head().time));
        world.eth_published = world.clock.now();
    }

    /// The chain replaces final blocks, and the daemon halts it.
    void violate(std::size_t chain) {
        world.chain(chain).mine_empty(2);
        world.chain(chain).finalize();
        ASSERT_OK(world.watch(chain));
        world.chain(chain).reorg(2);
        const auto passed = world.watch(chain);
        ASSERT_FALSE(passed.has_value());
        ASSERT_EQ(passed.error().code, Errc::kBelowFinality) << passed.error().detail;
        store::ChainStop stop;
        stop.chain = world.id(chain);
        stop.at = world.clock.now();
        stop.reason = passed.error().detail;
        stop.final = world.ledger->chain_state(world.id(chain)).final;
        const auto halted = world.scribe->halt(stop);
        ASSERT_TRUE(halted.has_value()) << halted.error().detail;
        world.board->halt(halted.value());
    }

    [[nodiscard]] Result<ReplayedRound> replay(std::uint64_t round) const {
        return replay_round(
            world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{round}
        );
    }

    void expect_replays() {
        for (std::uint64_t round = 1; round <= last_round(); ++round) {
            const auto replayed = replay(round);
            ASSERT_TRUE(replayed.has_value()) << round << ": " << replayed.error().detail;
        }
    }

    /// The last round's evidence with one member replaced.
    void plant(const std::string& name, Canonical value) {
        const Bytes bytes = *world.database->document("round/last");
        auto evidence =
            std::get<Canonical::Object>(parse_canonical(as_text(bytes)).value().value());
        evidence[name] = std::move(value);
        store::Decision decision;
        decision.documents.emplace_back(
            "round/last", to_bytes(Canonical(std::move(evidence)).dump())
        );
        ASSERT_OK(world.database->commit(decision));
    }
};

TEST_F(HaltsTest, AStopAndAResumeCountAlsoWhenTheLogCannotBeWrittenNow) {
    const std::filesystem::path log = world.settings.data_dir / "log";
    const std::filesystem::path away = world.settings.data_dir / "away";
    std::filesystem::rename(log, away);
    std::ofstream(log) << "no directory";
    violate(0);
    EXPECT_TRUE(store::Incidents(*world.database).open_stop(world.id(0)).value().has_value());
    // And so does an operator's word: told that it failed, nobody could say it again.
    EXPECT_OK(world.scribe->resume(world.id(0), "the node was wrong", world.clock.now()));
    EXPECT_FALSE(store::Incidents(*world.database).open_stop(world.id(0)).value().has_value());
    std::filesystem::remove(log);
    std::filesystem::rename(away, log);
    ASSERT_OK(world.scribe->publish());
}

TEST_F(HaltsTest, HaltedChainsAccountsAreUnattestableAndTheOthersGoOn) {
    violate(0);
    ASSERT_OK(world.round());
    EXPECT_EQ(status(1), Status::kUnattestable);
    EXPECT_NE(world.state_of(account(1))->flags & flags::kChainDead, 0U);
    EXPECT_EQ(status(2), Status::kHealthy);
    EXPECT_EQ(world.rounds->waiting_for(), "");
    const std::uint64_t before = last_round();
    starve(0, 70);
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before + 1);
    EXPECT_EQ(replay(0).value().dead.chains, std::set<ChainId>{world.id(0)});
    expect_replays();
    const auto kinds = world.leaf_kinds();
    EXPECT_EQ(std::ranges::count(kinds, "halt"), 1);
}

TEST_F(HaltsTest, AHaltOutlivesARestart) {
    violate(0);
    ASSERT_OK(world.start());
    EXPECT_TRUE(world.board->is_halted(world.id(0)));
    starve(0, 70);
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    EXPECT_EQ(status(1), Status::kUnattestable);
    EXPECT_EQ(status(2), Status::kHealthy);
    expect_replays();
}

TEST_F(HaltsTest, NothingIsQueuedForAHaltedChain) {
    violate(0);
    const auto queued = [this](std::size_t chain) {
        const auto open = world.open_intents("attestation");
        return std::ranges::count_if(open, [this, chain](const store::Intent& intent) {
            return intent.chain == world.id(chain);
        });
    };
    const auto before = queued(0);
    const auto beside = queued(1);
    ASSERT_OK(world.round());
    EXPECT_EQ(queued(0), before);
    EXPECT_EQ(queued(1), beside + 1);
}

TEST_F(HaltsTest, ResumeHoldsUntilAGoodStepAndABrokenChainHaltsAgain) {
    violate(0);
    ASSERT_OK(world.round());
    ASSERT_EQ(status(1), Status::kUnattestable);
    ASSERT_OK(world.scribe->resume(world.id(0), "the node was wrong", world.clock.now()));
    world.board->resume(world.id(0), world.clock.now());
    ASSERT_OK(world.round());
    EXPECT_NE(world.rounds->waiting_for().find("eip155:1 is held"), std::string::npos);
    // It still is the other chain: it halts again at once.
    const auto again = world.watch(0);
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, Errc::kBelowFinality);
}

TEST_F(HaltsTest, ResumedChainGoesOnWhenItsFinalBlockIsBack) {
    world.chain(0).mine_empty(2);
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    const FakeChain honest = world.nodes[0]->chain;
    world.chain(0).reorg(2);
    const auto broken = world.watch(0);
    ASSERT_FALSE(broken.has_value());
    ASSERT_EQ(broken.error().code, Errc::kBelowFinality);
    store::ChainStop stop;
    stop.chain = world.id(0);
    stop.at = world.clock.now();
    stop.reason = broken.error().detail;
    world.board->halt(world.scribe->halt(stop).value());
    ASSERT_OK(world.round());
    ASSERT_EQ(status(1), Status::kUnattestable);

    world.nodes[0]->chain = honest;
    ASSERT_OK(world.scribe->resume(world.id(0), "the node was wrong", world.clock.now()));
    world.board->resume(world.id(0), world.clock.now());
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.round());
    EXPECT_EQ(status(1), Status::kHealthy);
    const auto kinds = world.leaf_kinds();
    EXPECT_EQ(std::ranges::count(kinds, "resume"), 1);
    EXPECT_EQ(kinds.back(), "attestation");
    expect_replays();
    EXPECT_TRUE(replay(0).value().dead.empty());
    world.settle(0, {});
    expect_replays();
}

TEST_F(HaltsTest, ReplayNamesAHaltThatWasKeptQuietAndOneThatNeverWas) {
    violate(0);
    ASSERT_OK(world.round());
    starve(0, 70);
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    plant("halted", Canonical::Array{});
    auto replayed = replay(0);
    ASSERT_FALSE(replayed.has_value());
    EXPECT_NE(replayed.error().detail.find("as running, but it was halted"), std::string::npos);
    plant("halted", Canonical::Array{world.id(0).text(), world.id(1).text()});
    replayed = replay(0);
    ASSERT_FALSE(replayed.has_value());
    EXPECT_NE(replayed.error().detail.find("as halted, which it was not"), std::string::npos);
}

TEST_F(HaltsTest, LostAgreementStopsSigningAndSaysWhoIsMissing) {
    const std::uint64_t before = last_round();
    world.chain(0).agreed = {2, 1, "node-b of provider b does not answer"};
    world.chain(0).fail_next("next", Errc::kUnable, "1 of 2 operators answered");
    EXPECT_FALSE(world.watch(0).has_value());
    starve(0, 70);
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before);
    EXPECT_NE(
        world.rounds->waiting_for().find("node-b of provider b does not answer (since "),
        std::string::npos
    );
    world.chain(0).agreed = {2, 2, {}};
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before + 1);
}

TEST_F(HaltsTest, HeldChainIsDeadOnceItsHeadIsTooOldAndComesBack) {
    world.chain(0).agreed = {2, 1, "node-b does not answer"};
    world.chain(0).fail_next("next", Errc::kUnable, "1 of 2 operators answered");
    EXPECT_FALSE(world.watch(0).has_value());
    const std::uint64_t head = world.chain(0).chain().head().time.value;
    starve(0, kLimit - (world.clock.now().value - head));
    ASSERT_OK(world.watch(1));
    const std::uint64_t before = last_round();
    ASSERT_EQ(world.clock.now().value, head + kLimit);
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before);
    starve(0, 1);
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before + 1);
    EXPECT_EQ(status(1), Status::kUnattestable);
    EXPECT_EQ(status(2), Status::kHealthy);
    expect_replays();

    world.chain(0).agreed = {2, 2, {}};
    world.chain(0).mine({}, kLimit);
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.round());
    EXPECT_EQ(status(1), Status::kHealthy);
    expect_replays();
}

TEST_F(HaltsTest, AChainThatIsFollowedAndMakesNoBlocksIsDeadTooUnlessItHasALimitOfItsOwn) {
    starve(0, kLimit + 60);
    world.watch_all();
    ASSERT_OK(world.round());
    EXPECT_EQ(status(1), Status::kUnattestable);
    EXPECT_EQ(status(2), Status::kHealthy);
    EXPECT_NE(
        world.rounds->dead_reasons().at(world.id(0)).find("600 s are allowed"), std::string::npos
    );
}

TEST_F(HaltsTest, AChainOfRareBlocksHasALimitOfItsOwn) {
    world.settings.parameters.max_head_age_of[world.id(0)] = 10'000;
    ASSERT_OK(world.start());
    starve(0, kLimit + 60);
    world.watch_all();
    ASSERT_OK(world.round());
    EXPECT_EQ(status(1), Status::kHealthy);
    expect_replays();
}

TEST_F(HaltsTest, ARestartAfterALongStopWaitsForTheChainsToCatchUp) {
    world.wait(5'000);
    ASSERT_OK(world.start());
    const std::uint64_t before = last_round();
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before);
    EXPECT_NE(world.rounds->waiting_for().find("catching up after the start"), std::string::npos);
    world.step();
    EXPECT_EQ(last_round(), before + 1);
    EXPECT_EQ(status(1), Status::kHealthy);
}

TEST_F(HaltsTest, ARestartDoesNotWaitForAChainThatDoesNotAnswer) {
    starve(0, 5'000);
    ASSERT_OK(world.start());
    world.chain(0).fail_next("probe", Errc::kTimeout, "took longer than 5000 ms");
    EXPECT_FALSE(world.watch(0).has_value());
    ASSERT_OK(world.watch(1));
    starve(0, 21);
    ASSERT_OK(world.watch(1));
    world.board->review(world.clock.now());
    const std::uint64_t before = last_round();
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before + 1);
    EXPECT_EQ(status(1), Status::kUnattestable);
    EXPECT_EQ(status(2), Status::kHealthy);
}

TEST_F(HaltsTest, NothingIsSignedWhileEveryChainIsDead) {
    const std::uint64_t before = last_round();
    world.clock.advance(kLimit + 100);
    world.eth_published = world.clock.now();
    world.watch_all();
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), before);
    EXPECT_NE(world.rounds->waiting_for().find("every chain is dead"), std::string::npos);
}

TEST_F(HaltsTest, AFinalBlockThatGoesBackHoldsTheChain) {
    world.chain(0).mine_empty(3);
    world.chain(0).finalize();
    world.step();
    const BlockNum final = world.nodes[0]->final;
    world.nodes[0]->final = BlockNum{final.value - 1};
    ASSERT_OK(world.watch(0));
    EXPECT_EQ(world.board->held(world.id(0)), "");
    world.clock.advance(20);
    ASSERT_OK(world.watch(0));
    EXPECT_NE(world.board->held(world.id(0)).find("the final block went back"), std::string::npos);
    world.nodes[0]->final = final;
    ASSERT_OK(world.watch(0));
    EXPECT_EQ(world.board->held(world.id(0)), "");
}

TEST_F(HaltsTest, ADeficitStopsOnlyItsChainOnceItIsConfirmed) {
    world.nodes[0]->missing[coin()] = eth(1);
    world.wait(70);
    world.step();
    const std::uint64_t before = last_round();
    EXPECT_NE(world.rounds->waiting_for().find("the vault on eip155:1 holds"), std::string::npos);
    world.wait(70);
    world.step();
    EXPECT_EQ(last_round(), before + 1);
    EXPECT_EQ(status(1), Status::kUnattestable);
    EXPECT_EQ(status(2), Status::kHealthy);
    expect_replays();
}

TEST_F(HaltsTest, RequestsOfAccountsOnADeadChainWaitAndThoseOfOthersDoNot) {
    violate(0);
    ASSERT_OK(world.round());
    // Account 1 has its ether on the halted chain; what it asks for elsewhere waits.
    world.chain(1).mine(
        {deposit(account(1), coin(), eth(5)),
         withdrawal_request(account(1), coin(), eth(1)),
         withdrawal_request(account(2), coin(), eth(1))}
    );
    const std::uint64_t mine = world.last_event(1) - 1;
    const std::uint64_t theirs = world.last_event(1);
    world.chain(1).finalize();
    world.clock.set(world.chain(1).chain().head().time);
    world.eth_published = world.clock.now();
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    EXPECT_EQ(world.request(1, mine).state, store::RequestState::kOpen);
    EXPECT_EQ(world.request(1, theirs).state, store::RequestState::kGranted);
}

TEST_F(HaltsTest, RequestsOnADeadChainWait) {
    world.chain(0).mine({withdrawal_request(account(1), coin(), eth(1))});
    const std::uint64_t number = world.last_event(0);
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    violate(0);
    ASSERT_OK(world.round());
    EXPECT_EQ(world.request(0, number).state, store::RequestState::kOpen);
    EXPECT_TRUE(world.open_intents("release").empty());
}

TEST_F(HaltsTest, EvidenceAndReorgsAreKept) {
    world.chain(0).refuted.push_back(
        {"node-b", "provider b", "receipts", "another root", "{\"receipts\":[]}"}
    );
    world.chain(0).fail_next("next", Errc::kUnproved, "the receipts do not give the root");
    EXPECT_FALSE(world.watch(0).has_value());
    const auto rows = world.incidents->evidence(world.id(0), 10).value();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].endpoint, "node-b");
    EXPECT_EQ(rows[0].claim, "{\"receipts\":[]}");
    EXPECT_EQ(rows[0].at, world.clock.now());

    world.chain(1).mine_empty(3);
    ASSERT_OK(world.watch(1));
    const BlockRef old_head = world.chain(1).chain().head();
    world.chain(1).reorg(2);
    ASSERT_OK(world.watch(1));
    const auto reorgs = world.incidents->reorgs(world.id(1), 10).value();
    ASSERT_EQ(reorgs.size(), 1U);
    EXPECT_EQ(reorgs[0].depth, 2U);
    EXPECT_EQ(reorgs[0].old_head, old_head);
    EXPECT_EQ(reorgs[0].new_head, world.chain(1).chain().head());
    EXPECT_TRUE(world.incidents->reorgs(world.id(0), 10).value().empty());
}

}  // namespace
}  // namespace margrave::relayer::tests
