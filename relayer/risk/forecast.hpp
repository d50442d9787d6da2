// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/parameters.hpp"
#include "margin/stress.hpp"
#include "relayer/risk/history.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// How likely a margin call or a liquidation is. Doubles, because this is a report and nothing else:
// no signed number comes from here, and margin/ knows nothing of it.
//
// Method: filtered historical simulation (Barone-Adesi, Giannopoulos and Vosper 1999) with a block
// bootstrap. Log returns of all assets on an even grid, their mean taken away, are divided by a
// volatility that follows them: a GARCH(1,1) variance with fixed weights that returns to the
// history's own (variance targeting, Engle and Mezrich 1996); a variance that only follows would
// die out over a long path. A path starts at today's prices and volatility, draws blocks of
// consecutive scaled returns of all assets at once, so that what moved together stays together,
// multiplies them with a volatility that follows the path, and adds them up. An account is called
// when its initial health is below zero at any step, liquidated when its maintenance health is.
// Holdings do not move, and the weights are those of the round.
namespace margrave::relayer {

struct ForecastSettings {
    std::uint64_t seed{1};
    std::size_t paths{2'000};
    /// Steps drawn together.
    std::size_t block{12};
    /// Weights of the last squared return and of the last variance in the next one; the rest, which
    /// must not be negative, is the weight of the history's.
    double shock{0.06};
    double memory{0.92};
    std::vector<std::uint64_t> horizons_s{3'600, 86'400, 604'800};
    /// The most that each part of the answer may take, in values: one holding, or one position in
    /// one scenario, valued once.
    std::uint64_t work{200'000'000};
    /// Told how far each part got, by the thread that asked; may be empty.
    std::function<void(const std::string& what, std::uint64_t done, std::uint64_t all)> progress;
};

/// Fewest returns from which anything is said.
inline constexpr std::size_t kReturnsMin = 100;

/// Health as sums over some assets of a history: linear in their prices as long as the holdings
/// stay, because the sign of a net and so its weight do not depend on the price.
struct LinearHealth {
    struct Part {
        /// Index in the history's assets.
        std::size_t asset{0};
        /// USD of health for one USD of price.
        double initial{0};
        double maintenance{0};
    };

    /// All assets without whose price the account could not be valued.
    std::vector<Part> parts;
};

/// Absent where less than the net of an asset counts, or relief (margin/haircuts.hpp), or a venue
/// position with a size makes health something else than such a sum, and where the history has no
/// prices of an asset: only the engine knows then.
std::optional<LinearHealth> linear_health(
    const AccountHoldings& holdings,
    const margin::Parameters& parameters,
    const PriceHistory& history
);

/// What an account's state means for its owner.
struct Reached {
    bool call{false};
    bool liquidation{false};
};

/// UNATTESTABLE is neither.
Reached reached(const AccountState& state);

struct ForecastAccount {
    AccountHoldings holdings;
    /// Without a debt or a position nothing can happen to it.
    bool has_debt{false};
    /// At the history's last prices.
    Reached now;
    /// Initial health as a part of equity: the less, the closer to a call.
    double distance{1};
    /// Absent: the engine values it.
    std::optional<LinearHealth> linear;
    /// Values (ForecastSettings::work) that the engine takes for it once.
    std::uint64_t cost{1};
};

struct LeftOut {
    AccountId account;
    std::string why;
};

/// What is forecast.
struct ForecastBook {
    std::vector<ForecastAccount> accounts;
    /// Those that the engine cannot value even with a usable price of everything in the history.
    std::vector<LeftOut> left_out;
    margin::Parameters parameters;
    margin::PriceTable prices;
    margin::DeadChains dead;
};

/// `parameters` are those in force in the round that `book` is of.
ForecastBook forecast_book(
    const margin::StressBook& book,
    const margin::Parameters& parameters,
    const PriceHistory& history
);

/// Probabilities by horizon, in [0, 1].
struct AccountForecast {
    AccountId account;
    bool by_engine{false};
    std::vector<double> call;
    std::vector<double> liquidation;
};

/// How closely a kind of account was looked at.
struct Effort {
    std::size_t accounts{0};
    std::size_t paths{0};
    /// Judged at every so many steps, and at the horizons.
    std::size_t every{1};
};

struct Forecast {
    /// In the order of the book.
    std::vector<AccountForecast> accounts;
    Effort linear;
    Effort engine;
};

/// As many paths as asked for, fewer (down to kPathsMin) and then fewer looks where that would be
/// more than settings.work. The linear and the engine's accounts walk the same paths. kNotFound
/// when the history has fewer than kReturnsMin returns, kUsage when the least is still too much.
Result<Forecast> forecast(
    const PriceHistory& history, const ForecastBook& book, const ForecastSettings& settings
);

inline constexpr std::size_t kPathsMin = 200;

/// Proportion of failures (Kupiec 1995): whether `misses` of `forecasts` fit the probability
/// `level`. The ratio is chi-squared with one degree of freedom if they do.
struct Coverage {
    std::size_t forecasts{0};
    std::size_t misses{0};
    double ratio{0};
    /// How likely a ratio at least so large is. 1 without a forecast.
    double p{1};
};

Coverage coverage(std::size_t forecasts, std::size_t misses, double level);

/// What forecasts made at many earlier times, from what was known then, said and what came.
struct Backtest {
    struct Quantile {
        std::string asset;
        std::uint64_t horizon_s{0};
        /// Part of the times at which the price ended below the forecast's quantile of that level.
        double level{0};
        double hit_rate{0};
        std::size_t forecasts{0};
        /// Of those times whose horizons do not overlap.
        Coverage coverage;
    };

    struct Events {
        std::uint64_t horizon_s{0};
        /// Bounds of the forecast probability, mean of it and part that came true.
        double low{0};
        double high{0};
        double forecast{0};
        double hit_rate{0};
        std::size_t forecasts{0};
    };

    /// Mean squared error of the probabilities (Brier 1950); -1 without a forecast.
    struct Score {
        double brier{-1};
        /// Of the best constant forecast, known only afterwards: the rate that came.
        double constant{-1};
    };

    /// Of one kind of event.
    struct Scored {
        std::vector<Events> rows;
        /// By horizon.
        std::vector<Score> scores;
    };

    std::vector<Quantile> quantiles;
    Scored calls;
    Scored liquidations;
    std::size_t origins{0};
    std::size_t accounts{0};
    /// By horizon: the engine's accounts were judged at every so many steps.
    std::vector<std::size_t> every;
};

/// Horizons that the history cannot hold once after kReturnsMin returns have no rows, nor have
/// prices that never moved. The 50 accounts closest to a call, fewer where settings.work wants it.
/// kNotFound as above.
Result<Backtest> backtest(
    const PriceHistory& history, const ForecastBook& book, const ForecastSettings& settings
);

}  // namespace margrave::relayer
