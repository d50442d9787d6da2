// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

#include <cstdint>

// European options on a forward (Black, "The pricing of commodity contracts", 1976):
//   call = D (F N(d1) - K N(d2)),  put = D (K N(-d2) - F N(-d1)),
//   d1 = (ln(F / K) + v^2 / 2) / v,  d2 = d1 - v,  v = sigma sqrt(tau),  year = 365 days.
namespace margrave::margin {

inline constexpr std::uint64_t kYearSeconds = 365 * 86'400;

/// Years as Q64.
Q64 years(std::uint64_t seconds);

struct OptionPair {
    Money call;
    Money put;
};

/// Undiscounted prices for a total deviation v = sigma sqrt(tau), rounded down, never below the
/// intrinsic value and never negative. Off by less than price_error(forward, strike). Forward and
/// strike are not negative and below 2^190 units.
OptionPair forward_prices(const Money& forward, const Money& strike, Q64 deviation);
/// 2^-58 of the larger of the two, and 4 units: what a long option is valued lower by and a short
/// one higher.
Money price_error(const Money& forward, const Money& strike);

struct Black76 {
    Money forward;
    Money strike;
    /// sigma per square root of a year.
    Money volatility;
    std::uint64_t seconds{0};
    /// D, at most one for rates that are not negative.
    Money discount{Money::whole(1)};
};

OptionPair prices(const Black76& option);

/// First order sensitivities, for reports: requirements come from full revaluation.
struct Greeks {
    Money call_delta;
    Money put_delta;
    /// Per squared dollar of forward: D phi(d1) / (F v).
    Money gamma;
    /// Per unit of volatility: D F phi(d1) sqrt(tau).
    Money vega;
    /// Per year, at a constant discount: - D F phi(d1) sigma / (2 sqrt(tau)).
    Money theta;
};

/// Cut to 18 decimals at each step; zero gamma, vega and theta at expiry. Forward and strike in
/// bounds.
Greeks greeks(const Black76& option);

}  // namespace margrave::margin
