// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

// How much of a liability a liquidation moves, as the engines that share the linear form compute
// it: x = shortage / (w_l - w_a (1 + b)). Ours, over several chains, is liquidation.hpp.
// Reference: Drift v2 (liquidation.rs), Mango v4 (token_liq_with_token.rs), Aave v3.7 and
// Compound v3.
namespace margrave::margin {

/// One side of a Drift liquidation: raw units with decimals, price 1e6, multiplier 1e6.
struct Side {
    Money amount;
    unsigned decimals{0};
    Money price;
    Money multiplier;
};

struct PerpetualFees {
    Money ratio_1e4;
    /// 1e6.
    Money liquidator;
    Money insurance;
};

/// shortage / (price (ratio - liquidator) - price insurance), base units of 9 decimals, down; the
/// whole position (`all`) where the ratio does not exceed the fees.
Money base_to_cover(
    const Money& shortage,
    const PerpetualFees& fees,
    const Money& price,
    const Money& quote_price,
    const Money& all
);

struct SpotWeights {
    /// 1e4.
    Money asset;
    Money liability;
};

/// shortage / (price (w_l - w_a m_a / m_l) - price insurance w_l), liability units, down and at
/// least 1; `all` where the weights cannot heal.
Money liability_to_cover(
    const Money& shortage,
    const SpotWeights& weights,
    const Money& asset_multiplier,
    const Side& liability,
    const Money& insurance_1e6,
    const Money& all
);

/// The liability that an amount of the asset pays for; up, since it is what is owed.
Money liability_for(const Side& asset, const Side& liability);
/// The asset that pays for an amount of the liability; down and at least 1. Where it leaves less
/// than a dollar of the asset's amount, all of it.
Money asset_for(const Side& asset, const Side& liability);

/// Mango v4, in dollars: token balances, and health balances with unsettled perpetual profit.
struct SwapSide {
    Money token;
    Money health_balance;
    Money weight;
};

/// The liability repaid out of the asset until health is zero, while token and health balances of
/// both keep their signs; `fee` is the factor (1 + f_l)(1 + f_a).
Money swap_amount(
    const Money& health,
    const SwapSide& asset,
    const SwapSide& liability,
    const Money& fee,
    const Money& most,
    const Policy& policy
);

/// Aave v3.7, one asset on both sides: balances of shares with an index of 27 decimals.
struct SharePosition {
    Money shares;
    Money index;
};

struct ShareRules {
    Money bonus_1e4;
    /// Part of the bonus that is the protocol's.
    Money fee_1e4;
};

struct ShareSeizure {
    Money collateral;
    Money debt;
    /// Seized: what the liquidator gets and what the protocol keeps.
    Money liquidator;
    Money fee;
    Money shares_burned;
    Money shares_left;
};

ShareSeizure seize_shares(
    const SharePosition& collateral,
    const SharePosition& debt,
    const ShareRules& rules,
    const Money& cover
);

/// Compound v3: units of collateral for a payment at a discount of
/// storefront * (1 - liquidation factor).
struct Storefront {
    Money factor;
    Money liquidation_factor;
};

Money quote_collateral(
    const Storefront& shop, const Money& paid_1e6, const Money& price_1e8, const Money& scale
);

}  // namespace margrave::margin
