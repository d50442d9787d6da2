// SPDX-License-Identifier: Apache-2.0
#include "relayer/replay.hpp"

#include "attest/digest.hpp"
#include "margin/ramp.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/replay_step.hpp"
#include "relayer/round_facts.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <array>

namespace margrave::relayer::tests {
namespace {

class ReplayTest : public WorldTest {
  protected:
    [[nodiscard]] Result<ReplayedRound> replay(std::uint64_t round) const {
        return replay_round(
            world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{round}
        );
    }

    [[nodiscard]] margin::AssetParameters& eth_parameters() {
        auto& assets = world.settings.parameters.assets;
        return *std::ranges::find(assets, "eth", &margin::AssetParameters::name);
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

    /// The coin gets a slow price, and rounds pass at a price far from it.
    void follow_slowly() {
        world.give_slow_price();
        ASSERT_OK(world.start());
        world.settle(0, {deposit(account(1), coin(), eth(2))});
        world.eth_price = usd("2500");
        for (int i = 0; i < 3; ++i) {
            world.wait(60);
            world.step();
        }
    }

    /// Replays the last round with one text of its price document replaced, the last time it is
    /// there, as somebody who publishes another document would.
    void expect_in_prices(const std::string& from, const std::string& to, std::string_view words) {
        const Bytes bytes = *world.database->document("round/last");
        const Canonical evidence = parse_canonical(as_text(bytes)).value();
        const RoundDraft draft = parse_round_message(member(evidence, "signed").value()).value();
        std::string text(as_text(*price_document(*world.database, draft.attestation)));
        const auto at = text.rfind(from);
        ASSERT_NE(at, std::string::npos) << text;
        text.replace(at, from.size(), to);
        const auto checked =
            check_slow_prices(*world.database, draft, parse_canonical(text).value());
        ASSERT_FALSE(checked.has_value()) << words;
        EXPECT_EQ(checked.error().code, Errc::kCheckFailed);
        EXPECT_NE(checked.error().detail.find(words), std::string::npos) << checked.error().detail;
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

// What depends on all accounts and on heads is a function of what was signed.
TEST_F(ReplayTest, ScaledAndHaircutRoundsGiveTheSignedRootAgain) {
    margin::AssetParameters& ether = eth_parameters();
    ether.scale.deposits_from = usd("5000");
    ether.on[0].pool_cap = usd("6000");
    ether.initial_price.age_per_hour = usd("0.01");
    world.settings.parameters.risk.lag_per_hour = usd("0.05");
    world.stop();
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    const Money alone = world.state_of(account(1))->initial;
    world.wait(30);
    world.settle(0, {deposit(account(2), coin(), eth(6))});
    world.step();
    // The others' deposits shrank what may leave, and nothing else.
    EXPECT_LT(world.state_of(account(1))->initial, alone);
    EXPECT_EQ(world.state_of(account(1))->equity, usd("4000"));
    const std::uint64_t last = world.scribe->last().round.value;
    ASSERT_GT(last, 1U);
    for (std::uint64_t round = 1; round <= last; ++round) {
        const auto replayed = replay(round);
        ASSERT_TRUE(replayed.has_value()) << round << ": " << replayed.error().detail;
    }
    EXPECT_LT(replay(0).value().parameters.assets[0].collateral.initial, ether.collateral.initial);
}

// Parameters that follow others are in force by the time of issue, in the daemon as in a replay.
TEST_F(ReplayTest, ARampIsReplayedAsItWasSigned) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    const margin::Parameters before = world.settings.parameters;
    const std::uint64_t from = world.clock.now().value + 100;
    world.settings.parameters.change = margin::Change{
        .previous = world.scribe->parameters_hash(), .from = UnixSeconds{from}, .ramp_s = 200};
    eth_parameters().collateral.initial = usd("0.55");
    world.stop();
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    EXPECT_EQ(world.state_of(account(1))->initial, usd("3000"));
    while (world.clock.now().value < from + 250) {
        world.wait(60);
        world.eth_published = world.clock.now();
        world.step();
        const auto replayed = replay(0);
        ASSERT_TRUE(replayed.has_value()) << replayed.error().detail;
        EXPECT_EQ(
            replayed.value().parameters,
            margin::at_time(before, world.settings.parameters, world.scribe->last().issued_at)
        );
    }
    EXPECT_EQ(world.state_of(account(1))->initial, usd("2200"));
}

TEST_F(ReplayTest, ParametersThatMayNotFollowStopTheStartAndTheOldOnesStay) {
    world.settings.parameters.notice_s = 3'600;
    world.stop();
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    const margin::Parameters before = world.settings.parameters;
    const auto leaves = world.leaf_kinds().size();
    eth_parameters().collateral.initial = usd("0.5");
    world.stop();
    const auto refused = world.start();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kConfig);
    EXPECT_NE(refused.error().detail.find("/collateral/initial: asks more"), std::string::npos)
        << refused.error().detail;
    world.settings.parameters = before;
    world.stop();
    ASSERT_OK(world.start());
    EXPECT_EQ(world.leaf_kinds().size(), leaves);
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

TEST_F(ReplayTest, SlowPricesFollowFromTheRoundBefore) {
    follow_slowly();
    const std::uint64_t last = world.scribe->last().round.value;
    ASSERT_GT(last, 3U);
    for (std::uint64_t round = 1; round <= last; ++round) {
        const auto replayed = replay(round);
        ASSERT_TRUE(replayed.has_value()) << round << ": " << replayed.error().detail;
        EXPECT_TRUE(replayed.value().unable.empty()) << replayed.value().unable.front();
    }
    const auto slow = world.rounds->prices()->uses.at(eth_on(world.id(0))).slow;
    ASSERT_TRUE(slow && *slow > usd("2000") && *slow < usd("2100"));
    expect_in_prices(slow->to_string_e18(), usd("2099").to_string_e18(), "the slow price of eth");
}

// Guards that let it move faster are those of the next document, not of what was signed with these.
TEST_F(ReplayTest, SlowPriceOfOtherGuardsOrAnotherPriceOrTimeIsNamed) {
    follow_slowly();
    const std::string now = std::to_string(world.scribe->last().issued_at.value);
    const std::vector<std::array<std::string, 3>> rows{
        {"\"slow_max_per_hour\":\"" + usd("0.06").to_string_e18(),
         "\"slow_max_per_hour\":\"" + usd("0.05").to_string_e18(),
         "the slow price of eth"},
        {"\"price\":\"" + usd("1").to_string_e18(),
         "\"price\":\"" + usd("2").to_string_e18(),
         "another price of"},
        {"\"now\":\"" + now,
         "\"now\":\"" + std::to_string(world.scribe->last().issued_at.value - 20),
         "the time at which the prices were judged"}};
    for (const auto& [from, to, words] : rows) {
        expect_in_prices(from, to, words);
    }
}

// No chain moves and no price does: the rows are the same, and the time is not.
TEST_F(ReplayTest, RoundsWithTheSamePricesKeepTheirOwnDocuments) {
    for (oracle::AssetOracleSettings& asset : world.settings.oracle) {
        asset.sources = {oracle::feed_source("feed", world.id(0), price_feed())};
    }
    follow_slowly();
    const Attestation before = world.scribe->last();
    world.clock.advance(60);
    ASSERT_OK(world.round());
    const Attestation after = world.scribe->last();
    ASSERT_EQ(after.round.value, before.round.value + 1);
    ASSERT_EQ(after.prices, before.prices);
    for (const Attestation& round : {before, after}) {
        const auto replayed = replay(round.round.value);
        ASSERT_OK(replayed);
        EXPECT_TRUE(replayed.value().unable.empty());
    }
}

TEST_F(ReplayTest, PlantedLatchAfterTheRoundIsNamed) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant("latchedAfter", Canonical::Array{to_hex(account(1))});
    expect_found("the latch after the round");
}

TEST_F(ReplayTest, PlantedTimeUnderWaterIsNamed) {
    auto& liquidation = world.settings.parameters.liquidation;
    liquidation.bonus_start = usd("0.2");
    liquidation.bonus_ramp_s = 600;
    ASSERT_OK(world.start());
    give_loan(account(1), 1, 1'000);
    world.eth_price = usd("1100");
    world.wait(60);
    world.step();
    const UnixSeconds since = world.scribe->last().issued_at;
    world.wait(60);
    world.step();
    ASSERT_LT(since, world.scribe->last().issued_at);
    ASSERT_OK(replay(0));
    const auto planted = [this](std::uint64_t time) {
        Canonical::Object out;
        out.emplace(to_hex(account(1)), Canonical::integer(time));
        plant("underWaterSince", std::move(out));
    };
    planted(since.value - 60);
    expect_found("the time under water");
    planted(since.value);
    ASSERT_OK(replay(0));
}

TEST_F(ReplayTest, PlantedAccountCountIsNamed) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    plant_draft([](RoundDraft& draft) { draft.attestation.account_count = 9; });
    expect_found("9 were attested");
}

}  // namespace
}  // namespace margrave::relayer::tests
