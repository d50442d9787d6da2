// SPDX-License-Identifier: Apache-2.0
#include "relayer/delivery.hpp"

#include "tests/unit/relayer/fixture.hpp"

#include <set>

namespace margrave::relayer::tests {
namespace {

using store::Intent;
using store::IntentState;

class DeliveryTest : public WorldTest {
  protected:
    /// Queues one release on chain 0 and nothing else of interest.
    void queue_release(std::uint64_t ether = 1) {
        world.settle(0, {withdrawal_request(account(1), coin(), eth(ether))});
    }

    void SetUp() override {
        world.settle(0, {deposit(account(1), coin(), eth(50))});
        bring_attestation();
    }

    /// Until the registry of chain 0 has the newest round.
    void bring_attestation() {
        EXPECT_OK(world.deliver(0));
        world.chain(0).mine();
        EXPECT_OK(world.watch(0));
        EXPECT_OK(world.deliver(0));
    }

    [[nodiscard]] std::vector<Intent> intents() const {
        return world.database->intents(1'000).value();
    }

    [[nodiscard]] Intent release() const {
        for (const Intent& intent : intents()) {
            if (intent.kind == "release") {
                return intent;
            }
        }
        ADD_FAILURE() << "no release";
        return {};
    }

    void mine_and_watch(std::size_t blocks = 1) {
        world.chain(0).mine_empty(blocks);
        EXPECT_OK(world.watch(0));
    }

    [[nodiscard]] FakeAdapter::Node& node() { return *world.nodes[0]; }

    /// No two intents ever had transactions with one nonce in a block; the node saw at most one
    /// intent's transactions for each nonce.
    void expect_no_nonce_twice() {
        std::map<std::uint64_t, std::set<Hash32>> owners;
        for (const Intent& intent : intents()) {
            for (const store::Attempt& attempt : intent.attempts) {
                const auto made = node().made.find(attempt.txn_hash);
                if (intent.chain == world.id(0) && made != node().made.end()) {
                    owners[made->second.nonce].insert(intent.id);
                }
            }
        }
        for (const auto& [nonce, intents] : owners) {
            EXPECT_EQ(intents.size(), 1U) << "nonce " << nonce;
        }
    }
};

TEST_F(DeliveryTest, ReleaseGoesFromQueuedToFinal) {
    queue_release();
    EXPECT_EQ(release().state, IntentState::kQueued);
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSent);
    ASSERT_EQ(release().attempts.size(), 1U);
    mine_and_watch();
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kIncluded);
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kFinal);
    EXPECT_EQ(world.requests(0).front().state, store::RequestState::kExecuted);
}

// The number of the block is not enough: on the branch of a node that broke its finality it is low.
TEST_F(DeliveryTest, InclusionInABlockThatIsNotTheLedgersIsNotFinal) {
    queue_release();
    EXPECT_OK(world.deliver(0));
    ASSERT_EQ(release().state, IntentState::kSent);
    mine_and_watch();
    mine_and_watch();
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    const BlockNum final = world.ledger->chain_state(world.id(0)).final->number;
    node().reorg(3);
    node().chain.drop(4);
    world.chain(0).mine();
    ASSERT_LE(node().chain.head().number, final);
    ASSERT_FALSE(node().chain.blocks().back().receipts.empty());
    EXPECT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kIncluded);
}

TEST_F(DeliveryTest, RegistryFollowsTheRounds) {
    EXPECT_EQ(world.chain(0).chain().state().attestation, world.scribe->last());
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    bring_attestation();
    EXPECT_EQ(world.chain(0).chain().state().attestation, world.scribe->last());
}

TEST_F(DeliveryTest, OlderAttestationIsSupersededByANewerOne) {
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    const std::string old = std::to_string(world.scribe->last().round.value);
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    ASSERT_OK(world.deliver(0));
    for (const Intent& intent : intents()) {
        if (intent.chain == world.id(0) && intent.label == old && intent.kind == "attestation") {
            EXPECT_EQ(intent.state, IntentState::kSuperseded);
            EXPECT_TRUE(intent.attempts.empty());
        }
    }
}

TEST_F(DeliveryTest, TransactionThatIsNotIncludedIsReplacedWithTheSameNonce) {
    queue_release();
    ASSERT_OK(world.deliver(0));
    const std::uint64_t nonce = *release().nonce;
    node().fees = {Amount{1'000}, Amount{3}};
    mine_and_watch();
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().attempts.size(), 1U);
    mine_and_watch();
    ASSERT_OK(world.deliver(0));
    ASSERT_EQ(release().attempts.size(), 2U);
    EXPECT_EQ(*release().nonce, nonce);
    EXPECT_EQ(release().attempts[1].max_fee, Amount{2'003});
    mine_and_watch();
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kIncluded);
    EXPECT_EQ(release().included_hash, release().attempts[1].txn_hash);
}

TEST_F(DeliveryTest, ReorgOffersTheSameBytesAgain) {
    queue_release();
    ASSERT_OK(world.deliver(0));
    mine_and_watch();
    ASSERT_OK(world.deliver(0));
    ASSERT_EQ(release().state, IntentState::kIncluded);
    const Bytes raw = release().attempts.front().raw;
    world.chain(0).reorg(1, /*forget=*/true);
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSent);
    ASSERT_EQ(release().attempts.size(), 1U);
    EXPECT_EQ(node().mempool.at(*release().nonce).raw, raw);
    mine_and_watch();
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kIncluded);
}

TEST_F(DeliveryTest, RestartAtEveryStepSpendsNoNonceTwice) {
    queue_release(1);
    queue_release(2);
    for (int step = 0; step < 8; ++step) {
        for (const char* method : {"simulate", "fees", "nonce", "broadcast"}) {
            world.chain(0).fail_next(method, Errc::kTimeout, "gone");
            static_cast<void>(world.deliver(0));
            ASSERT_OK(world.start());
            node().failures.clear();
            ASSERT_OK(world.watch(0));
        }
        static_cast<void>(world.deliver(0));
        ASSERT_OK(world.start());
        if (step % 2 == 1) {
            world.chain(0).mine();
        }
        world.watch_all();
    }
    expect_no_nonce_twice();
    std::size_t executed = 0;
    for (const store::Request& request : world.requests(0)) {
        executed += request.state == store::RequestState::kExecuted ? 1 : 0;
    }
    EXPECT_EQ(executed, 2U);
}

TEST_F(DeliveryTest, ReleaseUnsentAtItsDeadlineIsDropped) {
    queue_release();
    world.clock.advance(601);
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSuperseded);
    EXPECT_TRUE(release().attempts.empty());
}

TEST_F(DeliveryTest, OutboxOfAChainThatIsDownDoesNotGrow) {
    for (int i = 0; i < 5; ++i) {
        world.settle(0, {deposit(account(2), coin(), eth(1))});
        world.chain(1).fail_next("latest_round", Errc::kTimeout, "down");
        EXPECT_ERRC(world.deliver(1), Errc::kTimeout);
    }
    std::size_t open = 0;
    for (const Intent& intent : world.open_intents("attestation")) {
        open += intent.chain == world.id(1) ? 1U : 0U;
    }
    EXPECT_EQ(open, 1U);
}

TEST_F(DeliveryTest, ExpiredTransactionGivesItsNonceToNothing) {
    queue_release(1);
    ASSERT_OK(world.deliver(0));
    node().fees = {Amount{1'000}, Amount{2}};
    const std::uint64_t nonce = *release().nonce;
    world.clock.advance(601);
    mine_and_watch(2);
    ASSERT_OK(world.deliver(0));
    ASSERT_EQ(release().attempts.size(), 2U);
    EXPECT_EQ(node().mempool.at(nonce).data, Bytes{});
    mine_and_watch();
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSuperseded);
    EXPECT_NE(release().error.find("its nonce went to"), std::string::npos) << release().error;
}

TEST_F(DeliveryTest, StuckTransactionThatWouldRevertMakesWayAndIsSentAgain) {
    queue_release(1);
    ASSERT_OK(world.deliver(0));
    const std::uint64_t nonce = *release().nonce;
    node().fees = {Amount{1'000}, Amount{2}};
    node().refusals[world.settings.chains[0].vault] = "EnforcedPause";
    mine_and_watch(2);
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(node().mempool.at(nonce).data, Bytes{});
    world.chain(0).mine();
    world.chain(0).finalize();
    node().refusals.clear();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSent);
    EXPECT_GT(*release().nonce, nonce);
    mine_and_watch();
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kFinal);
    expect_no_nonce_twice();
}

TEST_F(DeliveryTest, WindowOfEightIsNeverPassed) {
    std::vector<FakeChain::Body> events;
    for (int i = 0; i < 20; ++i) {
        events.emplace_back(withdrawal_request(account(1), coin(), eth(1)));
    }
    world.settle(0, std::move(events));
    for (int i = 0; i < 4; ++i) {
        ASSERT_OK(world.deliver(0));
        EXPECT_LE(node().mempool.size(), kDeliveryWindow);
    }
    EXPECT_EQ(node().mempool.size(), kDeliveryWindow);
}

// Payouts that their recipients refuse must not keep the registry from its rounds.
TEST_F(DeliveryTest, IntentsThatCannotBeSentKeepNothingBack) {
    std::vector<FakeChain::Body> events;
    for (int i = 0; i < 20; ++i) {
        events.emplace_back(withdrawal_request(account(1), coin(), eth(1)));
    }
    world.settle(0, std::move(events));
    node().refusals[world.settings.chains[0].vault] = "PayoutRefused";
    bring_attestation();
    EXPECT_EQ(world.chain(0).chain().state().attestation, world.scribe->last());
    const unsigned before = node().calls["simulate"];
    for (int i = 0; i < 3; ++i) {
        ASSERT_OK(world.deliver(0));
    }
    EXPECT_LE(node().calls["simulate"] - before, 3 * kDeliveryWindow);
}

TEST_F(DeliveryTest, SeizuresWaitForTheRoundThatCallsTheAccountSeizable) {
    std::vector<FakeChain::Body> events{funding(dollar_token(), dollars(20'000))};
    for (std::uint64_t i = 10; i < 22; ++i) {
        events.emplace_back(deposit(account(i), coin(), eth(1)));
        events.emplace_back(borrow_request(account(i), dollar_token(), dollars(1'000)));
    }
    world.settle(0, std::move(events));
    for (int i = 0; i < 4; ++i) {
        ASSERT_OK(world.deliver(0));
        world.settle(0, {});
    }
    world.eth_price = usd("1100");
    ASSERT_OK(world.round());
    ASSERT_GE(world.open_intents("seizure").size(), 12U);
    ASSERT_OK(world.deliver(0));
    ASSERT_EQ(node().mempool.size(), 1U);
    mine_and_watch();
    EXPECT_EQ(world.chain(0).chain().state().attestation, world.scribe->last());
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(node().mempool.size(), kDeliveryWindow - 1);
    mine_and_watch();
    EXPECT_EQ(world.chain(0).chain().state().lots.size(), kDeliveryWindow - 1);
}

TEST_F(DeliveryTest, NoAttestationPassesASeizureInFlight) {
    give_loan(account(2), 1, 1'000);
    world.eth_price = usd("1100");
    ASSERT_OK(world.round());
    bring_attestation();
    ASSERT_EQ(world.open_intents("seizure").front().state, IntentState::kSent);
    world.clock.advance(60);
    world.eth_published = world.clock.now();
    ASSERT_OK(world.round());
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(node().mempool.size(), 1U);
    mine_and_watch();
    EXPECT_EQ(world.chain(0).chain().state().lots.size(), 1U);
    bring_attestation();
    EXPECT_EQ(world.chain(0).chain().state().attestation, world.scribe->last());
}

TEST_F(DeliveryTest, SenderWithoutFundsSpendsNoNonceAndIsNamed) {
    queue_release();
    node().balance = Amount{1};
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kQueued);
    EXPECT_FALSE(release().nonce.has_value());
    EXPECT_NE(release().error.find("fund it"), std::string::npos);
    node().balance = eth(1);
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSent);
}

TEST_F(DeliveryTest, CapBelowTheBaseFeeWaits) {
    queue_release();
    node().fees.base_fee = Amount{300'000'000'000};
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kQueued);
    EXPECT_NE(release().error.find("above the cap"), std::string::npos);
}

TEST_F(DeliveryTest, LostNonceIsQueuedAgainWithAnotherOne) {
    queue_release();
    ASSERT_OK(world.deliver(0));
    const std::uint64_t nonce = *release().nonce;
    node().mempool.clear();
    for (std::uint64_t i = world.chain(0).chain().state().nonce; i <= nonce; ++i) {
        world.chain(0).spend_nonce();
    }
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSent);
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSent);
    EXPECT_GT(*release().nonce, nonce);
    mine_and_watch();
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kIncluded);
}

TEST_F(DeliveryTest, ReleaseThatSomebodyElseBroughtIsSuperseded) {
    queue_release();
    node().refusals[world.settings.chains[0].vault] = "AlreadyExecuted";
    ASSERT_OK(world.deliver(0));
    EXPECT_EQ(release().state, IntentState::kSuperseded);
}

TEST_F(DeliveryTest, UnknownRefusalsAreTriedABoundedNumberOfTimes) {
    queue_release();
    node().refusals[world.settings.chains[0].vault] = "SomethingNew";
    for (int i = 0; i < 200 && release().state == IntentState::kQueued; ++i) {
        ASSERT_OK(world.deliver(0));
    }
    EXPECT_EQ(release().state, IntentState::kFailed);
    EXPECT_NE(release().error.find("SomethingNew"), std::string::npos);
}

}  // namespace
}  // namespace margrave::relayer::tests
