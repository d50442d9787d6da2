// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

#include <cstdint>

// What depends on a pool and not on one account: weights that shrink with its size, and interest
// by an index. Reference: Mango v4 (bank.rs), Drift v2, Aave v3.
namespace margrave::margin {

/// weight * start / size once the pool's deposits are worth `start` or more. For the initial level
/// only: a deposit of others may lower it.
Money scaled_asset_weight(
    const Money& weight, const Money& pool_value, const Money& start, Rounding rounding
);
/// weight * size / start once what the pool lent is worth more than `start`.
Money scaled_liability_weight(
    const Money& weight, const Money& pool_value, const Money& start, Rounding rounding
);

/// A token's balances and orders as Mango v4 judges them: what a market's resting orders hold in
/// reserve is worth its effect on one token when it was added last to everything else that may come
/// back. The account counts the worse of its two tokens.
struct TokenStanding {
    Money balance;
    /// All that orders of any market may return in this token.
    Money reserved;
    Money price;
    Money asset_weight;
    Money liability_weight;
};

/// Weighted value of a balance: positive at the asset weight, negative at the liability weight.
Money weighted_value(const TokenStanding& token, const Policy& policy);
/// Weighted value of `market_reserved`, a part of token.reserved, counted last.
Money reserve_effect(
    const TokenStanding& token, const Money& market_reserved, const Policy& policy
);

/// 1 + rate * seconds / year, 27 decimals; the seconds' part rounded down (Aave's linear interest).
Money linear_growth(const Money& rate, std::uint64_t seconds);
/// 1 + n r + n (n-1) r^2 / 2 + n (n-1)(n-2) r^3 / 6 with r = rate / year: Aave's approximation of
/// compound interest, half up.
Money compound_growth(const Money& rate, std::uint64_t seconds);
/// Amount (any units) * growth * index of 27 decimals, as Aave rounds: half up at each step.
Money accrued(const Money& amount, const Money& growth, const Money& index);

}  // namespace margrave::margin
