// SPDX-License-Identifier: Apache-2.0
#include "relayer/replay.hpp"

#include "attest/digest.hpp"
#include "relayer/detail/messages.hpp"
#include "tests/unit/relayer/fixture.hpp"

namespace margrave::relayer::tests {
namespace {

class ReplayTest : public WorldTest {
  protected:
    [[nodiscard]] Result<ReplayedRound> replay(std::uint64_t round) const {
        return replay_round(
            world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{round}
        );
    }

    /// The last round's evidence with one member replaced, as somebody with write access to the
    /// store would.
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

    /// The same with the signed message taken apart.
    void plant_draft(const std::function<void(RoundDraft&)>& change) {
        const Bytes bytes = *world.database->document("round/last");
        const Canonical evidence = parse_canonical(as_text(bytes)).value();
        RoundDraft draft = parse_round_message(member(evidence, "signed").value()).value();
        change(draft);
        plant("signed", round_message(draft));
    }

    void expect_found(std::string_view words) {
        const auto replayed = replay(0);
        ASSERT_FALSE(replayed.has_value());
        EXPECT_EQ(replayed.error().code, Errc::kCheckFailed);
        EXPECT_NE(replayed.error().detail.find(words), std::string::npos)
            << replayed.error().detail;
    }
};

TEST_F(ReplayTest, EveryRoundGivesTheSignedRootAgain) {
    give_loan(account(1), 1, 1'000);
    world.eth_price = usd("1100");
    ASSERT_OK(world.round());
    world.chain(1).mine({deposit(account(2), coin(), eth(3))});
    world.step();
    world.eth_price = usd("1250");
    world.settle(1, {});
    const std::uint64_t last = world.scribe->last().round.value;
    ASSERT_GT(last, 3U);
    for (std::uint64_t round = 1; round <= last; ++round) {
        const auto replayed = replay(round);
        ASSERT_TRUE(replayed.has_value()) << round << ": " << replayed.error().detail;
        EXPECT_EQ(replayed.value().attestation.round.value, round);
        EXPECT_EQ(replayed.value().tree.root(), replayed.value().attestation.accounts);
    }
    EXPECT_EQ(replay(0).value().digest, world.scribe->last_digest());
}

TEST_F(ReplayTest, RoundThatWasNotSignedIsNotFound) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    EXPECT_ERRC(replay(7), Errc::kNotFound);
}

TEST_F(ReplayTest, PlantedLatchIsNamed) {
    give_loan(account(1), 1, 1'000);
    world.eth_price = usd("1250");
    world.settle(0, {});
    plant("latched", Canonical::Array{to_hex(account(1))});
    expect_found("the account root computed again is");
}

TEST_F(ReplayTest, PlantedProvisionalAccountIsNamed) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant("provisional", Canonical::Array{to_hex(account(1))});
    expect_found("the account root computed again is");
}

TEST_F(ReplayTest, PlantedPriceIsNamed) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant_draft([](RoundDraft& draft) { draft.prices.front().price = usd("3000"); });
    expect_found("the price root computed again is");
}

TEST_F(ReplayTest, PlantedHeadIsNamed) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant_draft([](RoundDraft& draft) { ++draft.heads.front().number.value; });
    expect_found("the snapshot computed again is");
}

TEST_F(ReplayTest, HeadThatTheLedgerDoesNotHaveIsNamed) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant_draft([](RoundDraft& draft) {
        draft.heads.front().hash = keccak256("another block");
        draft.attestation.snapshot = attest::snapshot_hash(draft.heads);
    });
    expect_found("block 101 of eip155:1");
}

TEST_F(ReplayTest, RowsOutOfOrderAreAFindingAndNoCrash) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant_draft([](RoundDraft& draft) { std::swap(draft.heads.front(), draft.heads.back()); });
    expect_found("do not ascend by chain");
    plant_draft([](RoundDraft& draft) {
        std::swap(draft.heads.front(), draft.heads.back());
        std::swap(draft.prices.front(), draft.prices.back());
    });
    expect_found("do not ascend by asset");
}

TEST_F(ReplayTest, PlantedAccountCountIsNamed) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant_draft([](RoundDraft& draft) { draft.attestation.account_count = 9; });
    expect_found("9 were attested");
}

}  // namespace
}  // namespace margrave::relayer::tests
