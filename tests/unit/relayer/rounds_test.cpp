// SPDX-License-Identifier: Apache-2.0
#include "relayer/rounds.hpp"

#include "attest/digest.hpp"
#include "attest/leaf.hpp"
#include "relayer/detail/messages.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>

namespace margrave::relayer::tests {
namespace {

class RoundsTest : public WorldTest {
  protected:
    [[nodiscard]] RoundNum last_round() const { return world.scribe->last().round; }

    /// What the newest attestation leaf carries.
    [[nodiscard]] Canonical last_typed() const {
        const Bytes bytes = *world.database->document("attestation/last");
        auto leaf = attest::read_leaf(world.settings.genesis.network(), bytes);
        return member(leaf.value().body, "typedData").value();
    }

    /// A guard record for the next round, as signing makes it before anything else.
    void record_round(RoundNum round) {
        RoundDraft draft = stored_draft();
        draft.attestation.round = round;
        draft.attestation.previous = world.scribe->last_digest();
        const Hash32 network = world.settings.genesis.network();
        store::GuardEntry entry;
        entry.signer = world.signer->address();
        entry.domain = attest::domain_separator(network);
        entry.subject = attestation_subject();
        entry.epoch = round.value;
        entry.digest = attest::digest_of(network, draft.attestation);
        entry.message = to_bytes(round_message(draft).dump());
        entry.as_of = draft.heads;
        ASSERT_OK(world.guard->record(entry));
    }

    [[nodiscard]] RoundDraft stored_draft() const {
        const Bytes bytes = *world.database->document("round/last");
        const Canonical evidence = parse_canonical(as_text(bytes)).value();
        return parse_round_message(member(evidence, "signed").value()).value();
    }
};

TEST_F(RoundsTest, FinalDepositIsAttestedWithItsValue) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    ASSERT_EQ(last_round(), RoundNum{1});
    const AccountState* state = world.state_of(account(1));
    ASSERT_NE(state, nullptr);
    EXPECT_EQ(state->equity, usd("4000"));
    EXPECT_EQ(state->initial, usd("3000"));
    EXPECT_EQ(state->status, Status::kHealthy);
    const Attestation& last = world.scribe->last();
    EXPECT_EQ(last.account_count, 1U);
    EXPECT_EQ(last.accounts, world.rounds->book().root());
    EXPECT_EQ(attest::parse_attestation(last_typed()).value(), last);
    EXPECT_EQ(last.valid_until.value, last.issued_at.value + 600);
}

TEST_F(RoundsTest, DepositThatIsNotFinalIsNoEquity) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    world.chain(0).mine({deposit(account(1), coin(), eth(5))});
    world.step();
    EXPECT_EQ(world.state_of(account(1))->equity, usd("2000"));
    EXPECT_NE(world.state_of(account(1))->flags & flags::kProvisionalDiffers, 0U);
    world.chain(0).finalize();
    world.step();
    EXPECT_EQ(world.state_of(account(1))->equity, usd("12000"));
}

TEST_F(RoundsTest, NothingIsSignedBeforeEveryChainHasFinality) {
    world.chain(0).mine({deposit(account(1), coin(), eth(1))});
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), RoundNum{0});
    EXPECT_EQ(world.rounds->waiting_for(), "eip155:10 has no final block yet");
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), RoundNum{1});
}

TEST_F(RoundsTest, FinalBlockCountsOnlyOnceItsVaultWasCompared) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    world.chain(0).mine({deposit(account(1), coin(), eth(1))});
    world.chain(0).finalize();
    world.chain(0).fail_next("custody_at", Errc::kRpc, "pruned");
    EXPECT_ERRC(world.watch(0), Errc::kRpc);
    ASSERT_OK(world.round());
    EXPECT_EQ(world.state_of(account(1))->equity, usd("2000"));
    world.step();
    EXPECT_EQ(world.state_of(account(1))->equity, usd("4000"));
}

TEST_F(RoundsTest, AtAStalePriceCollateralCountsForNothingAndNoRequestIsAnswered) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.settle(0, {withdrawal_request(account(1), coin(), eth(1))});
    const auto granted = world.open_intents("release").size();
    EXPECT_EQ(granted, 1U);
    world.clock.advance(1'000);
    world.chain(0).mine({withdrawal_request(account(1), coin(), Amount{1})});
    world.chain(0).finalize();
    world.step();
    // Who owes nothing is well whatever the price is.
    EXPECT_EQ(world.state_of(account(1))->status, Status::kHealthy);
    EXPECT_TRUE(world.state_of(account(1))->equity.is_zero());
    EXPECT_NE(world.state_of(account(1))->flags & flags::kPriceStale, 0U);
    EXPECT_EQ(world.request(0, world.last_event(0)).state, store::RequestState::kOpen);
    EXPECT_EQ(world.scribe->last().accounts, world.rounds->book().root());
}

TEST_F(RoundsTest, DeficitStopsSigningUntilTheVaultCoversTheLedger) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.nodes[0]->missing[coin()] = Amount{1};
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    EXPECT_EQ(last_round(), RoundNum{1});
    EXPECT_NE(world.rounds->waiting_for().find("the vault on eip155:1 holds"), std::string::npos);
    world.nodes[0]->missing.clear();
    world.settle(0, {});
    EXPECT_EQ(last_round(), RoundNum{2});
    EXPECT_EQ(world.state_of(account(1))->equity, usd("6000"));
}

TEST_F(RoundsTest, RoundIsDueAfterTheIntervalAndNotBefore) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.clock.advance(59);
    world.eth_published = world.clock.now();
    EXPECT_FALSE(world.round().value());
    world.clock.advance(1);
    world.eth_published = world.clock.now();
    EXPECT_TRUE(world.round().value());
    EXPECT_EQ(last_round(), RoundNum{2});
}

TEST_F(RoundsTest, StatusChangeIsSignedAtOnce) {
    give_loan(account(1), 1, 1'000);
    const RoundNum before = last_round();
    world.eth_price = usd("1100");
    EXPECT_TRUE(world.round().value());
    EXPECT_EQ(last_round().value, before.value + 1);
    EXPECT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
}

TEST_F(RoundsTest, HoldingsThatMoveWithEveryBlockDoNotMakeARoundEach) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    for (std::uint64_t second = 1; second < 10; ++second) {
        world.clock.advance(1);
        world.chain(0).mine({deposit(account(second), coin(), Amount{1})});
        world.chain(0).finalize();
        world.step();
        EXPECT_EQ(last_round(), RoundNum{1});
    }
    world.clock.advance(1);
    world.step();
    EXPECT_EQ(last_round(), RoundNum{2});
    EXPECT_EQ(world.scribe->last().account_count, 9U);
}

TEST_F(RoundsTest, RoundsAreLinkedAndTimeNeverGoesBack) {
    give_loan(account(1), 1, 1'000);
    const Hash32 first = world.scribe->last_digest();
    const Attestation before = world.scribe->last();
    world.clock.set(UnixSeconds{before.issued_at.value - 50});
    world.eth_published = world.clock.now();
    world.eth_price = usd("1100");
    world.step();
    ASSERT_EQ(last_round().value, before.round.value + 1);
    EXPECT_EQ(world.scribe->last().previous, first);
    EXPECT_EQ(world.scribe->last().issued_at, before.issued_at);
}

TEST_F(RoundsTest, RestartGoesOnWithTheLatchAndTheRounds) {
    give_loan(account(1), 1, 1'000);
    world.eth_price = usd("1100");
    ASSERT_OK(world.round());
    const RoundNum before = last_round();
    ASSERT_OK(world.start());
    EXPECT_EQ(last_round(), before);
    EXPECT_TRUE(world.rounds->book().latched().contains(account(1)));
    world.eth_price = usd("1250");
    world.step();
    EXPECT_EQ(last_round().value, before.value + 1);
    EXPECT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
}

TEST_F(RoundsTest, RestartedDaemonSignsNothingBeforeEveryChainWasSeen) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    ASSERT_OK(world.start());
    ASSERT_OK(world.watch(0));
    world.clock.advance(10);
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), RoundNum{1});
    EXPECT_NE(world.rounds->waiting_for().find("eip155:10 is held"), std::string::npos);
    ASSERT_OK(world.watch(1));
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), RoundNum{2});
    EXPECT_EQ(world.state_of(account(1))->equity, usd("4000"));
}

TEST_F(RoundsTest, CrashBetweenGuardAndLeafIsFinishedWithTheSameBytes) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    record_round(RoundNum{2});
    const auto entry = world.guard->last(
        world.signer->address(),
        attest::domain_separator(world.settings.genesis.network()),
        attestation_subject()
    );
    const Hash32 digest = entry.value()->digest;
    world.eth_price = usd("1500");
    ASSERT_OK(world.start());
    EXPECT_EQ(last_round(), RoundNum{2});
    EXPECT_EQ(world.scribe->last_digest(), digest);
    EXPECT_EQ(world.open_intents("attestation").size(), 4U);
    world.settle(0, {});
    EXPECT_EQ(last_round(), RoundNum{3});
    EXPECT_EQ(world.scribe->last().previous, digest);
}

TEST_F(RoundsTest, RoundRecordedBeforeSomeTroubleIsFinishedWithoutARestart) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    record_round(RoundNum{2});
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    EXPECT_EQ(last_round(), RoundNum{2});
    EXPECT_EQ(world.scribe->last().account_count, 1U);
    ASSERT_OK(world.round());
    EXPECT_EQ(last_round(), RoundNum{3});
    EXPECT_EQ(world.scribe->last().account_count, 2U);
}

TEST_F(RoundsTest, GuardAheadByTwoRoundsIsUnsafe) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    record_round(RoundNum{2});
    record_round(RoundNum{3});
    const auto started = world.start();
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, Errc::kUnsafe);
    EXPECT_NE(started.error().detail.find("last round is 3"), std::string::npos);
}

TEST_F(RoundsTest, LostLogBesideAGuardIsUnsafe) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.stop();
    std::filesystem::remove_all(world.settings.data_dir / "store");
    std::filesystem::remove_all(world.settings.data_dir / "log");
    const auto started = world.start();
    ASSERT_FALSE(started.has_value());
    EXPECT_EQ(started.error().code, Errc::kUnsafe);
    EXPECT_NE(started.error().detail.find("the attestation log is empty"), std::string::npos);
}

TEST_F(RoundsTest, LostGuardBesideALogIsUnsafe) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.stop();
    std::filesystem::remove_all(world.settings.data_dir / "guard");
    std::filesystem::remove(world.settings.data_dir / "guard.mark");
    EXPECT_ERRC(world.start(), Errc::kUnsafe);
}

TEST_F(RoundsTest, FirstStartInterruptedAfterTheGuardGoesOn) {
    world.stop();
    std::filesystem::remove_all(world.settings.data_dir / "store");
    std::filesystem::remove_all(world.settings.data_dir / "log");
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    EXPECT_EQ(last_round(), RoundNum{1});
}

TEST_F(RoundsTest, PublishedLogHoldsEveryLeafInOrder) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.settle(0, {withdrawal_request(account(1), coin(), eth(1))});
    const std::vector<std::string> kinds{
        "genesis",
        "key",
        "parameters",
        "reconciliation",
        "reconciliation",
        "attestation",
        "reconciliation",
        "attestation",
        "release"};
    EXPECT_EQ(world.leaf_kinds(), kinds);
}

TEST_F(RoundsTest, ReorgBelowTheHeadChangesNoFirmValue) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.chain(0).mine({deposit(account(1), coin(), eth(7))});
    world.step();
    world.chain(0).reorg(1);
    world.step();
    EXPECT_EQ(world.state_of(account(1))->equity, usd("4000"));
    EXPECT_EQ(world.state_of(account(1))->flags & flags::kProvisionalDiffers, 0U);
    world.chain(0).finalize();
    world.step();
    EXPECT_EQ(world.state_of(account(1))->equity, usd("4000"));
}

}  // namespace
}  // namespace margrave::relayer::tests
