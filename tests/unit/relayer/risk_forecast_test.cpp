// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "relayer/replay.hpp"
#include "relayer/risk/stress.hpp"
#include "tests/unit/relayer/forecast_fixture.hpp"

#include <algorithm>

namespace margrave::relayer::tests {
namespace {

class ForecastTest : public WorldTest {};

TEST_F(ForecastTest, LinearHealthIsTheEnginesHealth) {
    give_loan(account(1), 1, 1'000);
    const auto rounds = recent_rounds(*world.database, 1'000'000);
    ASSERT_OK(rounds);
    const margin::Parameters& rules = world.settings.parameters;
    const PriceHistory history = make_history(rounds.value(), rules, 60).value();
    const auto holdings = world.ledger->holdings_at_head(account(1)).value();
    const auto linear = linear_health(holdings, rules, history);
    ASSERT_TRUE(linear.has_value());
    double initial = 0;
    for (const LinearHealth::Part& part : linear->parts) {
        initial += part.initial * history.prices.back()[part.asset];
    }
    EXPECT_NEAR(initial, to_real(world.state_of(account(1))->initial), 1e-6);
    AccountHoldings venue = holdings;
    venue.positions.push_back({});
    EXPECT_TRUE(linear_health(venue, rules, history).has_value());
    venue.positions.front().size = usd("1");
    EXPECT_FALSE(linear_health(venue, rules, history).has_value());
    EXPECT_FALSE(linear_health(holdings, rules, PriceHistory{}).has_value());
}

TEST_F(ForecastTest, BookOfASignedRoundHasItsLatchAndItsStates) {
    give_loan(account(1), 1, 1'000);
    const auto round =
        replay_round(world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{0});
    ASSERT_OK(round);
    const auto rounds = recent_rounds(*world.database, 1'000'000);
    const margin::Parameters& rules = round.value().parameters;
    PriceHistory history = make_history(rounds.value(), rules, 60).value();
    margin::StressBook all = stress_book(round.value(), world.id(0));
    const ForecastBook book = forecast_book(all, rules, history);
    ASSERT_EQ(book.accounts.size(), 1U);
    EXPECT_TRUE(book.left_out.empty());
    EXPECT_TRUE(book.accounts[0].has_debt);
    EXPECT_TRUE(book.accounts[0].linear.has_value());
    EXPECT_FALSE(book.accounts[0].now.call);
    // At 1245 maintenance health is above zero and liquidation-end health is not: only the latch
    // makes it a liquidation.
    all.prices.at(eth_on(world.id(0))).price = usd("1245");
    all.prices.at(eth_on(world.id(1))).price = usd("1245");
    EXPECT_FALSE(forecast_book(all, rules, history).accounts[0].now.liquidation);
    EXPECT_TRUE(forecast_book(all, rules, history).accounts[0].now.call);
    all.accounts.front().was_liquidatable = true;
    EXPECT_TRUE(forecast_book(all, rules, history).accounts[0].now.liquidation);
    // What lies on a dead chain cannot be valued on any path.
    all.dead.add(world.id(0), world.id(0));
    const ForecastBook none = forecast_book(all, rules, history);
    EXPECT_TRUE(none.accounts.empty());
    ASSERT_EQ(none.left_out.size(), 1U);
    EXPECT_NE(none.left_out[0].why.find("final block"), std::string::npos) << none.left_out[0].why;
}

TEST(Forecast, ProbabilitiesGrowWithTimeAndNearness) {
    const PriceHistory history = walk(2'000, 0.002);
    const double price = history.prices.back()[0];
    ForecastSettings settings;
    settings.paths = 300;
    settings.horizons_s = {3'600, 86'400};
    std::vector<ForecastAccount> accounts;
    for (const double part : {0.0, 0.5, 0.78, 0.85}) {
        accounts.push_back(borrower(price * part, price));
    }
    const auto out = forecast(history, book_of(accounts), settings);
    ASSERT_OK(out);
    const auto& rows = out.value().accounts;
    EXPECT_EQ(rows[0].call[1], 0.0);
    EXPECT_LT(rows[1].call[1], 0.01);
    EXPECT_GT(rows[2].call[1], 0.05);
    EXPECT_LT(rows[2].call[1], 0.95);
    EXPECT_LE(rows[2].call[0], rows[2].call[1]);
    EXPECT_LE(rows[2].liquidation[1], rows[2].call[1]);
    // Called already, and not liquidated.
    EXPECT_NEAR(rows[3].call[0], 1.0, 1e-9);
    EXPECT_LT(rows[3].liquidation[0], 0.5);
}

TEST(Forecast, FirstPassageOfARandomWalkIsFound) {
    // By the reflection principle: 2 (1 - N(d / (sigma sqrt(n)))), 24 h of 288 steps.
    const double sigma = 0.002;
    const PriceHistory history = walk(4'000, sigma, 11);
    const double price = history.prices.back()[0];
    const double distance = 0.03;
    ForecastSettings settings;
    settings.paths = 2'000;
    // A walk of constant volatility, so none is followed.
    settings.shock = 0;
    settings.memory = 0;
    settings.horizons_s = {86'400};
    const ForecastBook book = book_of({borrower(0.8 * price * std::exp(-distance), price)});
    const auto out = forecast(history, book, settings);
    ASSERT_OK(out);
    const double expected = std::erfc(distance / (sigma * std::sqrt(288.0)) / std::sqrt(2.0));
    EXPECT_NEAR(out.value().accounts[0].call[0], expected, 0.05);
}

TEST(Forecast, SameSeedSameNumbersAndAnotherSeedNot) {
    const PriceHistory history = walk(500, 0.004);
    const double price = history.prices.back()[0];
    const ForecastBook book = book_of({borrower(price * 0.77, price)});
    ForecastSettings settings;
    settings.paths = 200;
    settings.horizons_s = {86'400};
    const auto call = [&] {
        return forecast(history, book, settings).value().accounts[0].call;
    };
    const auto once = call();
    EXPECT_EQ(call(), once);
    settings.seed = 2;
    EXPECT_NE(call(), once);
}

TEST(Forecast, ShortHistoryIsRefusedWithItsLength) {
    const auto out = forecast(walk(50, 0.01), {}, {});
    ASSERT_FALSE(out.has_value());
    EXPECT_EQ(out.error().code, Errc::kNotFound);
    EXPECT_NE(out.error().detail.find("has 50 steps of 300 s"), std::string::npos);
    EXPECT_ERRC(backtest(walk(50, 0.01), {}, {}), Errc::kNotFound);
}

TEST(Forecast, VolatilityThatFollowsTellsACalmFromAStorm) {
    PriceHistory calm = walk(1'000, 0.002);
    PriceHistory storm = calm;
    // The last day moved four times as much.
    for (std::size_t t = storm.prices.size() - 200; t < storm.prices.size(); ++t) {
        const double change = std::log(calm.prices[t][0] / calm.prices[t - 1][0]);
        storm.prices[t][0] = storm.prices[t - 1][0] * std::exp(4 * change);
    }
    ForecastSettings settings;
    settings.paths = 300;
    settings.horizons_s = {3'600};
    const auto probability = [&settings](const PriceHistory& history) {
        const double price = history.prices.back()[0];
        const ForecastBook book = book_of({borrower(0.8 * price * 0.98, price)});
        return forecast(history, book, settings).value().accounts[0].call[0];
    };
    EXPECT_GT(probability(storm), probability(calm) + 0.1);
}

TEST(Forecast, VolatilityNeitherDiesNorExplodesOverALongPath) {
    const PriceHistory history = walk(1'000, 0.002, 5);
    const PathMaker maker(history.prices, ForecastSettings{});
    constexpr std::size_t kSteps = 2'016;
    constexpr std::size_t kPaths = 200;
    double late = 0;
    for (std::size_t path = 0; path < kPaths; ++path) {
        PricePath walk_on = maker.start(1, path);
        double before = 0;
        for (std::size_t step = 0; step < kSteps; ++step) {
            before = walk_on.prices()[0];
            walk_on.step();
            const double change = std::log(walk_on.prices()[0] / before);
            late += step >= kSteps - 100 ? change * change : 0;
        }
    }
    // The square of 0.002, on average over the last hundred steps.
    EXPECT_NEAR(std::sqrt(late / (kPaths * 100.0)), 0.002, 0.0002);
}

TEST(Forecast, LittleWorkMakesFewerPathsThenFewerLooksAndThenAnError) {
    const PriceHistory history = walk(500, 0.003);
    const double price = history.prices.back()[0];
    ForecastBook book = book_of({borrower(0.77 * price, price)});
    ForecastSettings settings;
    settings.paths = 1'000;
    settings.horizons_s = {3'600, 86'400};
    const auto asked = forecast(history, book, settings);
    ASSERT_OK(asked);
    EXPECT_EQ(asked.value().linear.paths, 1'000U);
    EXPECT_EQ(asked.value().linear.every, 1U);
    EXPECT_EQ(asked.value().engine.accounts, 0U);
    // 288 steps, one value each.
    settings.work = 288 * 400;
    EXPECT_EQ(forecast(history, book, settings).value().linear.paths, 400U);
    settings.work = 200 * 50;
    const auto coarse = forecast(history, book, settings);
    ASSERT_OK(coarse);
    EXPECT_EQ(coarse.value().linear.paths, kPathsMin);
    EXPECT_EQ(coarse.value().linear.every, 6U);
    // What is not looked at is not seen, but for no more than that.
    EXPECT_LE(coarse.value().accounts[0].call[1], asked.value().accounts[0].call[1] + 0.05);
    EXPECT_GT(coarse.value().accounts[0].call[1], asked.value().accounts[0].call[1] - 0.15);
    settings.work = 200;
    const auto none = forecast(history, book, settings);
    EXPECT_ERRC(none, Errc::kUsage);
    EXPECT_NE(none.error().detail.find("--work allows 200"), std::string::npos);
}

TEST(Forecast, ProgressBeginsWithNothingAndEndsWithAll) {
    const PriceHistory history = walk(500, 0.003);
    const double price = history.prices.back()[0];
    ForecastSettings settings;
    settings.paths = 200;
    settings.horizons_s = {3'600};
    std::vector<std::uint64_t> told;
    settings.progress = [&told](const std::string& what, std::uint64_t done, std::uint64_t all) {
        EXPECT_EQ(what, "paths");
        EXPECT_EQ(all, 200U);
        told.push_back(done);
    };
    ASSERT_OK(forecast(history, book_of({borrower(0.77 * price, price)}), settings));
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.front(), 0U);
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_LE(told.back(), 200U);
}

}  // namespace
}  // namespace margrave::relayer::tests
