// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/history.hpp"
#include "relayer/risk/new_rules.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <fstream>

namespace margrave::relayer::tests {
namespace {

class RiskReplayTest : public WorldTest {
  protected:
    [[nodiscard]] ReplayedRound replay(std::uint64_t round) const {
        auto out = replay_round(
            world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{round}
        );
        EXPECT_TRUE(out.has_value()) << round << ": " << out.error().detail;
        return std::move(out).value();
    }

    /// Every round under `rules`; what came of account 1.
    [[nodiscard]] Verdict judge(const NewRules& rules) const {
        RulesReplay all(rules, world.settings.genesis.hub);
        const auto rounds = recent_rounds(*world.database, 1'000'000).value();
        for (std::uint64_t n = rounds.first().value; n <= rounds.last().value; ++n) {
            const auto added = all.add(*world.database, *world.ledger, replay(n));
            EXPECT_TRUE(added.has_value()) << added.error().detail;
        }
        return all.verdicts().at(account(1));
    }

    [[nodiscard]] NewRules same_rules() const {
        return {world.settings.parameters, world.settings.oracle};
    }

    /// A round at this price, due by its time.
    void set_price(std::string_view price) {
        world.clock.advance(60);
        world.eth_price = usd(price);
        world.eth_published = world.clock.now();
        ASSERT_OK(world.round());
    }

    [[nodiscard]] std::filesystem::path write(const std::string& text) const {
        const std::filesystem::path file = world.dir.path() / "new.json";
        std::ofstream(file) << text;
        return file;
    }
};

TEST_F(RiskReplayTest, SameRulesChangeNothing) {
    give_loan(account(1), 1, 1'000);
    set_price("1250");
    const ReplayedRound last = replay(0);
    const auto prices = judge_prices(*world.database, last, same_rules());
    ASSERT_OK(prices);
    EXPECT_EQ(prices.value(), last.prices);
    const NewRules bare{world.settings.parameters, {}};
    EXPECT_EQ(judge_prices(*world.database, last, bare).value(), last.prices);
    const Verdict verdict = judge(same_rules());
    EXPECT_EQ(verdict.was, Status::kMarginCall);
    EXPECT_EQ(verdict.would, Status::kMarginCall);
    EXPECT_FALSE(verdict.is_new());
    EXPECT_EQ(verdict.relieved, 0U);
}

TEST_F(RiskReplayTest, HarderWeightsCallAndLiquidateEarlier) {
    give_loan(account(1), 1, 1'000);
    const std::uint64_t before = world.scribe->last().round.value;
    set_price("1400");
    ASSERT_GT(world.scribe->last().round.value, before);
    ASSERT_EQ(world.state_of(account(1))->status, Status::kHealthy);
    NewRules rules = same_rules();
    rules.parameters.assets.front().collateral = {usd("0.6"), usd("0.65"), usd("0.7")};
    const Verdict verdict = judge(rules);
    EXPECT_EQ(verdict.was, Status::kHealthy);
    EXPECT_EQ(verdict.would, Status::kLiquidatable);
    ASSERT_TRUE(verdict.liquidated.has_value());
    EXPECT_EQ(verdict.liquidated->round.value, world.scribe->last().round.value);
    EXPECT_EQ(verdict.liquidated->was, Status::kHealthy);
    EXPECT_TRUE(verdict.liquidated->state.maintenance.is_negative());
    ASSERT_TRUE(verdict.called.has_value());
    EXPECT_FALSE(verdict.unattestable.has_value());
}

TEST_F(RiskReplayTest, SofterWeightsRelieve) {
    give_loan(account(1), 1, 1'000);
    set_price("1250");
    NewRules rules = same_rules();
    rules.parameters.assets.front().collateral = {usd("0.9"), usd("0.91"), usd("0.92")};
    const Verdict verdict = judge(rules);
    EXPECT_EQ(verdict.was, Status::kMarginCall);
    EXPECT_EQ(verdict.would, Status::kHealthy);
    EXPECT_FALSE(verdict.is_new());
    EXPECT_EQ(verdict.relieved, 1U);
}

TEST_F(RiskReplayTest, LatchIsThatOfTheNewRules) {
    give_loan(account(1), 1, 1'000);
    set_price("1400");
    NewRules rules = same_rules();
    rules.parameters.assets.front().collateral = {usd("0.6"), usd("0.65"), usd("0.7")};
    // Above the new maintenance, below the new liquidation-end: only the latch keeps it.
    set_price("1500");
    RulesReplay all(rules, world.settings.genesis.hub);
    const std::uint64_t last = world.scribe->last().round.value;
    ASSERT_TRUE(all.add(*world.database, *world.ledger, replay(last)).has_value());
    EXPECT_EQ(all.verdicts().at(account(1)).would, Status::kMarginCall);
    RulesReplay two(rules, world.settings.genesis.hub);
    ASSERT_TRUE(two.add(*world.database, *world.ledger, replay(last - 1)).has_value());
    ASSERT_TRUE(two.add(*world.database, *world.ledger, replay(last)).has_value());
    EXPECT_EQ(two.verdicts().at(account(1)).would, Status::kLiquidatable);
    EXPECT_EQ(two.verdicts().at(account(1)).liquidated->round.value, last - 1);
}

TEST_F(RiskReplayTest, TighterBandMakesUnattestable) {
    give_loan(account(1), 1, 1'000);
    set_price("1400");
    NewRules rules{world.settings.parameters, {}};
    rules.parameters.assets.front().price_min = usd("1500");
    const Verdict verdict = judge(rules);
    ASSERT_TRUE(verdict.unattestable.has_value());
    EXPECT_TRUE(verdict.is_new());
    EXPECT_NE(verdict.unattestable->state.flags & flags::kPriceOutOfBounds, 0U);
}

TEST_F(RiskReplayTest, HeadsAreJudgedByTheNewLimits) {
    give_loan(account(1), 1, 1'000);
    const ReplayedRound last = replay(0);
    const ChainId hub = world.settings.genesis.hub;
    margin::Parameters rules = world.settings.parameters;
    EXPECT_EQ(judge_heads(*world.ledger, last, rules, hub).value(), last.dead);
    ASSERT_TRUE(last.dead.empty());
    world.clock.advance(500);
    set_price("2000");
    rules.max_head_age_s = 100;
    EXPECT_EQ(judge_heads(*world.ledger, replay(0), rules, hub).value().chains.size(), 2U);
}

TEST_F(RiskReplayTest, NewRulesAreReadFromTheSignedForm) {
    std::vector<config::Problem> problems;
    const std::string text = margin::canonical(world.settings.parameters).dump();
    const auto rules = read_new_rules(write(text + "\n"), problems);
    ASSERT_OK(rules);
    EXPECT_EQ(rules.value().parameters, world.settings.parameters);
    EXPECT_TRUE(rules.value().oracle.empty());

    margin::Parameters bad = world.settings.parameters;
    bad.assets.front().collateral.initial = usd("2");
    EXPECT_ERRC(read_new_rules(write(margin::canonical(bad).dump()), problems), Errc::kConfig);
    ASSERT_FALSE(problems.empty());
    EXPECT_EQ(problems.front().pointer.find("/assets/0/collateral"), 0U);
    problems.clear();
    EXPECT_ERRC(read_new_rules(write("{}"), problems), Errc::kConfig);
    EXPECT_FALSE(problems.empty());
    EXPECT_ERRC(read_new_rules(world.dir.path() / "none.json", problems), Errc::kNotFound);
}

// Whatever the span, the first round in it is found, and each is read once, oldest first.
TEST_F(RiskReplayTest, TheRoundsOfASpanAreThoseSinceItBegan) {
    give_loan(account(1), 1, 1'000);
    for (const std::string_view price : {"1900", "1800", "1850", "1700", "1750"}) {
        set_price(price);
    }
    std::vector<UnixSeconds> issued;
    const auto all = recent_rounds(*world.database, 1'000'000).value();
    ASSERT_OK(all.visit([&](const RoundStub& round) -> Result<void> {
        EXPECT_EQ(round.round.value, issued.size() + 1);
        issued.push_back(round.issued_at);
        return ok();
    }));
    ASSERT_GE(issued.size(), 6U);
    EXPECT_EQ(all.size(), issued.size());
    EXPECT_EQ(all.until(), issued.back());
    for (const UnixSeconds at : issued) {
        for (const std::uint64_t more : {0U, 1U}) {
            const std::uint64_t span = issued.back().value - at.value + more;
            const auto some = recent_rounds(*world.database, span).value();
            const auto first = std::ranges::find_if(issued, [&](UnixSeconds t) {
                return t.value + span >= issued.back().value;
            });
            EXPECT_EQ(some.from(), *first);
            EXPECT_EQ(some.first().value, static_cast<std::uint64_t>(first - issued.begin()) + 1);
            EXPECT_EQ(some.last(), all.last());
        }
    }
    const auto stopped =
        all.visit([](const RoundStub&) -> Result<void> { return fail(Errc::kInvalid, "enough"); });
    EXPECT_ERRC(stopped, Errc::kInvalid);
}

TEST_F(RiskReplayTest, HistoryIsAnEvenGridOfUsablePrices) {
    give_loan(account(1), 1, 1'000);
    set_price("1900");
    set_price("1800");
    const auto rounds = recent_rounds(*world.database, 1'000'000);
    ASSERT_OK(rounds);
    EXPECT_EQ(rounds.value().last(), world.scribe->last().round);
    EXPECT_EQ(rounds.value().first().value, 1U);
    EXPECT_EQ(recent_rounds(*world.database, 10).value().size(), 1U);
    const PriceHistory history =
        make_history(rounds.value(), world.settings.parameters, 30).value();
    ASSERT_EQ(history.assets, (std::vector<std::string>{"eth", "usd"}));
    ASSERT_GE(history.prices.size(), 3U);
    EXPECT_DOUBLE_EQ(history.prices.back()[0], 1'800.0);
    EXPECT_DOUBLE_EQ(history.prices[history.prices.size() - 2][0], 1'900.0);
    EXPECT_DOUBLE_EQ(history.prices.back()[1], 1.0);
}

TEST(RiskHistory, SpansAreRead) {
    EXPECT_EQ(parse_span("90s").value(), 90U);
    EXPECT_EQ(parse_span("7d").value(), 604'800U);
    EXPECT_EQ(parse_span("24h").value(), 86'400U);
    for (const char* bad : {"", "d", "7", "0d", "-1d", "1.5h", "7w", "99999999999999999999d"}) {
        EXPECT_ERRC(parse_span(bad), Errc::kUsage);
    }
}

}  // namespace
}  // namespace margrave::relayer::tests
