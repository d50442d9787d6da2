// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/forecast.hpp"
#include "relayer/risk/price_paths.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <cmath>

namespace margrave::relayer::tests {
namespace {

// A random walk of one asset beside a dollar that never moves; `sigma` a step.
PriceHistory walk(std::size_t steps, double sigma, std::uint64_t seed = 7) {
    PriceHistory out;
    out.assets = {"eth", "usd"};
    out.step_s = 300;
    PathRandom random(seed);
    double price = 2'000;
    for (std::size_t i = 0; i <= steps; ++i) {
        out.prices.push_back({price, 1.0});
        // The sum of twelve uniform numbers less six is close to a normal one.
        double normal = -6;
        for (int k = 0; k < 12; ++k) {
            normal += static_cast<double>(random.below(1'000'001)) / 1'000'000.0;
        }
        price *= std::exp(sigma * normal);
    }
    return out;
}

// One ether against `owed` dollars; weights 0.8 and 0.9.
LinearAccount borrower(double owed) {
    LinearAccount out;
    out.has_debt = owed > 0;
    out.initial = {0.8, -owed};
    out.maintenance = {0.9, -owed};
    return out;
}

class ForecastTest : public WorldTest {};

TEST_F(ForecastTest, LinearHealthIsTheEnginesHealth) {
    give_loan(account(1), 1, 1'000);
    const auto rounds = recent_rounds(*world.database, 1'000'000);
    ASSERT_OK(rounds);
    const PriceHistory history =
        make_history(rounds.value(), world.settings.parameters, 60).value();
    const auto holdings = world.ledger->holdings_at_head(account(1)).value();
    const auto linear = linear_account(holdings, world.settings.parameters, history);
    ASSERT_TRUE(linear.has_value());
    EXPECT_TRUE(linear->has_debt);
    const std::vector<double>& prices = history.prices.back();
    const double initial = linear->initial[0] * prices[0] + linear->initial[1] * prices[1];
    EXPECT_NEAR(initial, to_real(world.state_of(account(1))->initial), 1e-6);
    AccountHoldings venue = holdings;
    venue.positions.push_back({});
    EXPECT_TRUE(linear_account(venue, world.settings.parameters, history).has_value());
    venue.positions.front().size = usd("1");
    EXPECT_FALSE(linear_account(venue, world.settings.parameters, history).has_value());
    EXPECT_FALSE(linear_account(holdings, world.settings.parameters, PriceHistory{}).has_value());
}

TEST(Forecast, ProbabilitiesGrowWithTimeAndNearness) {
    const PriceHistory history = walk(2'000, 0.002);
    const double price = history.prices.back()[0];
    ForecastSettings settings;
    settings.paths = 300;
    settings.horizons_s = {3'600, 86'400};
    const auto out = forecast(
        history,
        {borrower(0), borrower(price * 0.5), borrower(price * 0.78), borrower(price * 0.85)},
        settings
    );
    ASSERT_OK(out);
    const auto& rows = out.value();
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
    const auto out = forecast(history, {borrower(0.8 * price * std::exp(-distance))}, settings);
    ASSERT_OK(out);
    const double expected = std::erfc(distance / (sigma * std::sqrt(288.0)) / std::sqrt(2.0));
    EXPECT_NEAR(out.value()[0].call[0], expected, 0.05);
}

TEST(Forecast, SameSeedSameNumbersAndAnotherSeedNot) {
    const PriceHistory history = walk(500, 0.004);
    const std::vector<LinearAccount> accounts{borrower(history.prices.back()[0] * 0.77)};
    ForecastSettings settings;
    settings.paths = 200;
    settings.horizons_s = {86'400};
    const auto once = forecast(history, accounts, settings).value()[0].call;
    EXPECT_EQ(forecast(history, accounts, settings).value()[0].call, once);
    settings.seed = 2;
    EXPECT_NE(forecast(history, accounts, settings).value()[0].call, once);
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
        const double owed = 0.8 * history.prices.back()[0] * 0.98;
        return forecast(history, {borrower(owed)}, settings).value()[0].call[0];
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

TEST(Forecast, BacktestStatesHitRatesNearTheirLevels) {
    const PriceHistory history = walk(2'500, 0.003, 3);
    ForecastSettings settings;
    settings.horizons_s = {3'600, 604'800'000};
    const double price = history.prices.back()[0];
    const auto out = backtest(history, {borrower(0.79 * price), borrower(0)}, settings);
    ASSERT_OK(out);
    const Backtest& tested = out.value();
    EXPECT_GE(tested.origins, 50U);
    ASSERT_EQ(tested.brier.size(), 2U);
    EXPECT_EQ(tested.brier[1], -1.0);
    bool has_seen = false;
    for (const Backtest::Quantile& row : tested.quantiles) {
        EXPECT_EQ(row.horizon_s, 3'600U);
        if (row.asset == "eth" && row.level > 0.04) {
            EXPECT_LT(row.hit_rate, 0.2);
            has_seen = true;
        }
        if (row.asset == "usd") {
            EXPECT_EQ(row.hit_rate, 0.0);
        }
    }
    EXPECT_TRUE(has_seen);
    std::size_t forecasts = 0;
    for (const Backtest::Calls& row : tested.calls) {
        EXPECT_GE(row.forecast, row.low);
        EXPECT_LE(row.forecast, row.high);
        forecasts += row.forecasts;
    }
    EXPECT_GT(forecasts, 0U);
    EXPECT_LT(tested.brier[0], 0.3);
}

}  // namespace
}  // namespace margrave::relayer::tests
