// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/parameters.hpp"
#include "relayer/risk/history.hpp"

#include <cstddef>
#include <cstdint>
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
// Holdings do not move.
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
};

/// Fewest returns from which anything is said.
inline constexpr std::size_t kReturnsMin = 100;

/// Health of one account as a sum over the assets of a history: linear in prices as long as its
/// holdings stay, because the sign of a net and so its weight do not depend on the price.
struct LinearAccount {
    AccountId account;
    bool has_debt{false};
    /// USD of health for one USD of price.
    std::vector<double> initial;
    std::vector<double> maintenance;
};

/// Absent for an account whose health is not linear or not known from this history: it has a venue
/// position with a size, or something in an asset without prices.
std::optional<LinearAccount> linear_account(
    const AccountHoldings& holdings,
    const margin::Parameters& parameters,
    const PriceHistory& history
);

/// Probabilities by horizon, in [0, 1].
struct AccountForecast {
    AccountId account;
    std::vector<double> call;
    std::vector<double> liquidation;
};

/// In the order of the accounts. kNotFound when the history has fewer than kReturnsMin returns.
Result<std::vector<AccountForecast>> forecast(
    const PriceHistory& history,
    const std::vector<LinearAccount>& accounts,
    const ForecastSettings& settings
);

/// What forecasts made at many earlier times, from what was known then, said and what came.
struct Backtest {
    struct Quantile {
        std::string asset;
        std::uint64_t horizon_s{0};
        /// Part of the times at which the price ended below the forecast's quantile of that level.
        double level{0};
        double hit_rate{0};
        std::size_t forecasts{0};
    };

    struct Calls {
        std::uint64_t horizon_s{0};
        /// Bounds of the forecast probability of a margin call, mean of it and part that came true.
        double low{0};
        double high{0};
        double forecast{0};
        double hit_rate{0};
        std::size_t forecasts{0};
    };

    std::vector<Quantile> quantiles;
    std::vector<Calls> calls;
    /// Mean squared error of the probabilities of a call, by horizon; -1 without a forecast.
    std::vector<double> brier;
    std::size_t origins{0};
};

/// Horizons that the history cannot hold once after kReturnsMin returns have no rows. At most 60
/// origins, 200 paths each, and the 50 accounts closest to a call. kNotFound as above.
Result<Backtest> backtest(
    const PriceHistory& history,
    const std::vector<LinearAccount>& accounts,
    const ForecastSettings& settings
);

}  // namespace margrave::relayer
