// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/relayer/forecast_fixture.hpp"

#include <algorithm>

// What the back-test says of forecasts, on walks whose law is known.
namespace margrave::relayer::tests {
namespace {

// Non-rejection regions of Kupiec (1995), table 3, at 95 % confidence (the ratio is below 3.84).
TEST(Coverage, RejectsOutsideTheRegionsThatWerePublished) {
    struct Row {
        std::size_t forecasts;
        double level;
        std::size_t least;
        std::size_t most;
    };

    for (const Row& row :
         {Row{510, 0.01, 2, 10},
          Row{1000, 0.01, 5, 16},
          Row{255, 0.05, 7, 20},
          Row{510, 0.05, 17, 35},
          Row{1000, 0.05, 38, 64}}) {
        for (std::size_t misses = 0; misses < 100; ++misses) {
            const bool fits = misses >= row.least && misses <= row.most;
            const Coverage said = coverage(row.forecasts, misses, row.level);
            EXPECT_EQ(said.p > 0.05, fits) << row.forecasts << " " << row.level << " " << misses;
        }
    }
    EXPECT_NEAR(coverage(100, 5, 0.05).ratio, 0, 1e-12);
    EXPECT_NEAR(coverage(100, 5, 0.05).p, 1, 1e-6);
    EXPECT_EQ(coverage(0, 0, 0.05).p, 1);
    EXPECT_NEAR(coverage(100, 0, 0.05).ratio, -200 * std::log(0.95), 1e-9);
    EXPECT_NEAR(coverage(100, 100, 0.05).ratio, -200 * std::log(0.05), 1e-9);
}

// Debts all over what the walk's price ever was: at every time some are close to a call.
ForecastBook ladder(const PriceHistory& history) {
    double low = history.prices.front()[0];
    double high = low;
    for (const auto& row : history.prices) {
        low = std::min(low, row[0]);
        high = std::max(high, row[0]);
    }
    const double price = history.prices.back()[0];
    std::vector<ForecastAccount> accounts;
    for (int i = 0; i < 40; ++i) {
        accounts.push_back(borrower(0.85 * (low + (high - low) * i / 40), price));
    }
    return book_of(accounts);
}

// Everything that must hold for forecasts which know the law of the walk but for its estimate.
void expect_good(const Backtest& tested) {
    std::size_t quantiles = 0;
    for (const Backtest::Quantile& row : tested.quantiles) {
        EXPECT_EQ(row.asset, "eth");
        EXPECT_GT(row.coverage.p, 0.05) << row.level << ": " << row.coverage.misses;
        // Three standard errors; half or twice the volatility lies far outside.
        const double error =
            std::sqrt(row.level * (1 - row.level) / static_cast<double>(row.forecasts));
        EXPECT_NEAR(row.hit_rate, row.level, 3 * error);
        ++quantiles;
    }
    EXPECT_EQ(quantiles, 2U);
    for (const Backtest::Scored* scored : {&tested.calls, &tested.liquidations}) {
        ASSERT_EQ(scored->scores.size(), 2U);
        const Backtest::Score& score = scored->scores[0];
        // A constant cannot do well here, and the forecast does much better than the best one.
        EXPECT_GT(score.constant, 0.01);
        EXPECT_GT(score.brier, 0);
        EXPECT_LT(score.brier, 0.75 * score.constant);
        EXPECT_EQ(scored->scores[1].brier, -1.0);
        for (const Backtest::Events& row : scored->rows) {
            EXPECT_GE(row.forecast, row.low);
            EXPECT_LE(row.forecast, row.high);
            if (row.forecasts > 300) {
                EXPECT_NEAR(row.hit_rate, row.forecast, 0.1) << row.low << " to " << row.high;
            }
        }
    }
}

Backtest tested_on(const PriceHistory& history, const ForecastSettings& settings) {
    const auto out = backtest(history, ladder(history), settings);
    EXPECT_TRUE(out.has_value());
    return out.has_value() ? out.value() : Backtest{};
}

TEST(Backtest, ForecastsOfAWalkAreCoveredAndBeatEveryConstant) {
    const PriceHistory history = walk(6'500, 0.003, 3);
    ForecastSettings settings;
    settings.horizons_s = {3'600, 604'800'000};
    const Backtest tested = tested_on(history, settings);
    EXPECT_EQ(tested.accounts, 40U);
    EXPECT_GE(tested.origins, 450U);
    expect_good(tested);
    // Two runs, and any number of threads, agree.
    const Backtest again = tested_on(history, settings);
    EXPECT_EQ(again.calls.scores[0].brier, tested.calls.scores[0].brier);
    EXPECT_EQ(again.quantiles[0].hit_rate, tested.quantiles[0].hit_rate);
}

// The history ends calm: who forecasts by all of it is wrong in either half, and is told so.
TEST(Backtest, AVolatilityThatIsNotFollowedFailsTheCoverage) {
    PriceHistory history = walk(6'500, 0.001, 5);
    PathRandom random(17);
    double price = 2'000;
    for (std::size_t t = 0; t < history.prices.size(); ++t) {
        history.prices[t][0] = price;
        const double sigma = (t / 1'300) % 2 == 0 ? 0.001 : 0.008;
        price *= std::exp(sigma * normal_number(random));
    }
    ForecastSettings settings;
    settings.horizons_s = {3'600};
    settings.shock = 0.1;
    settings.memory = 0.89;
    const auto brier = [&] {
        return tested_on(history, settings).calls.scores[0].brier;
    };
    const auto tail = [&] {
        return tested_on(history, settings).quantiles[0].coverage;
    };
    const Coverage followed = tail();
    const double with = brier();
    settings.shock = 0;
    settings.memory = 0;
    EXPECT_LT(tail().p, 0.05);
    EXPECT_LT(tail().p, followed.p);
    EXPECT_LT(with, brier());
}

TEST(Backtest, LiquidationsAreRarerThanCallsAndScoredApart) {
    const PriceHistory history = walk(2'500, 0.004, 9);
    ForecastSettings settings;
    settings.horizons_s = {3'600};
    const Backtest tested = tested_on(history, settings);
    const auto came = [](const Backtest::Scored& scored) {
        double out = 0;
        for (const Backtest::Events& row : scored.rows) {
            out += row.hit_rate * static_cast<double>(row.forecasts);
        }
        return out;
    };
    EXPECT_GT(came(tested.calls), 0);
    EXPECT_GT(came(tested.liquidations), 0);
    EXPECT_NE(came(tested.calls), came(tested.liquidations));
}

}  // namespace
}  // namespace margrave::relayer::tests
