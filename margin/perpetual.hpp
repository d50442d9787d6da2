// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

// Linear contracts. Sizes are signed; money is in any unit, since every formula is homogeneous in
// it; ratios are in units of policy.one.
namespace margrave::margin {

/// size * price * 10^exponent: USD per whole contract when size and price are E18 and exponent is
/// -18; dYdX v4 with its own resolutions (lib.go, BigBaseToQuote). -36 <= exponent <= 36.
Money notional(const Money& size, const Money& price, int exponent, Rounding rounding);

/// dYdX v4 (liquidity_tier.go): f + (1 - f) (open - lower) / (upper - lower) between the caps; f
/// below `lower` and 1 from `upper` on. No caps, no scaling. Grows with the market, not with the
/// account, so that it cannot be split over wallets; for the initial level only.
struct OpenInterest {
    Money open;
    Money lower;
    Money upper;
};

Money scaled_fraction(
    const Money& fraction, const OpenInterest& interest, const Policy& policy, Rounding rounding
);

/// |notional| * fraction.
Money requirement(const Money& notional, const Money& fraction, const Policy& policy);

struct PerpetualFractions {
    /// Initial, before open interest.
    Money initial;
    /// Maintenance, as a part of the unscaled initial requirement.
    Money maintenance_part;
};

struct PerpetualRequirement {
    Money initial;
    Money maintenance;
};

/// dYdX v4: initial = ceil(n * f), maintenance = ceil(ceil(n * f_unscaled) * part).
PerpetualRequirement requirement(
    const Money& notional,
    const PerpetualFractions& fractions,
    const OpenInterest& interest,
    const Policy& policy
);

/// size * (price - entry), against the account.
Money unrealised(const Money& size, const Money& price, const Money& entry, const Policy& policy);
/// A profit counts for weight * profit and at most `cap`; a loss counts in full (Mango v4's overall
/// asset weight, Drift's cap of 100 USD of profit for the initial level).
Money counted_profit(
    const Money& profit, const Money& weight, const Money& cap, const Policy& policy
);

/// Drift v2 (margin.rs). root = isqrt(10 size + 1) in units of 1e5 for a size of 9 decimals; imf in
/// 1e6, weights in 1e4.
///   asset:     min(w, 1.1 / (1 + imf root))
///   liability: max(w, 0.8 w + imf root)
struct SizeCurve {
    Money imf;
    /// What imf of one is.
    Money imf_one;
    /// What a weight of one is.
    Money weight_one;
};

Money discounted_asset_weight(const Money& weight, const Money& size_1e9, const SizeCurve& curve);
Money raised_liability_weight(const Money& weight, const Money& size_1e9, const SizeCurve& curve);

/// What the worst of two order books could make of a position: all bids filled or all asks (Drift,
/// Mango v4). Value of base at price and weights, and what the orders pay or bring.
struct RestingOrders {
    Money bids;
    Money asks;
};

struct BaseWeights {
    Money asset;
    Money liability;
};

/// min over the two books of base * price * weight(base) -+ orders * price, exact when price and
/// weights are such that the products are.
Money worst_base_value(
    const Money& base,
    const RestingOrders& orders,
    const Money& price,
    const BaseWeights& weights,
    const Policy& policy
);

}  // namespace margrave::margin
