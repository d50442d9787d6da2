// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/health.hpp"
#include "margin/sale_limits.hpp"

#include <vector>

namespace margrave::margin {

/// One seizure to make: sell `seize` raw units of `asset` on its chain for at least `min_proceeds`
/// raw units of `debt_asset`, a token of the same chain.
struct PlannedLeg {
    AssetId asset;
    Amount seize;
    AssetId debt_asset;
    Amount min_proceeds;
    /// USD E18, for people and tests.
    Money seized_value;
    Money repaid_value;
};

struct LiquidationPlan {
    std::vector<PlannedLeg> legs;
    Money health_before;
    /// Liquidation-end health if every leg sells at its floor.
    Money health_after;
};

/// What the accounts together, and time, leave of a plan.
struct PlanLimits {
    /// What may still be sold of each asset (sale_limits.hpp).
    SaleCapacity capacity;
    /// For how long the account has been LIQUIDATABLE or BANKRUPT: what the bonus grows with.
    std::uint64_t under_water_s{kFullyUnderWater};
};

/// The least seizure that brings liquidation-end health to the target:
/// x* = (T - H) / (w_l - w_a (1 + b)), x* the debt repaid, x* (1 + b) the collateral seized
/// (the linear form Mango v4, Drift and Euler share). T is target_buffer times the debt; an account
/// that owes less than close_all_below repays all of it. Values are those that health counts, so a
/// bridged token is sold at its backing.
///
/// Pairs (collateral on a chain, debt asset that has a token on that chain) are taken by highest
/// healing per USD, ties by asset text; each is capped by what lies in that vault free of auctions,
/// by the debt, by the close factor and by what `limits` leave of its market; 1 + b is the bonus of
/// the time under water. Debt to repay rounds up, collateral to seize down. A leg below dust is
/// raised to it while health is below zero and left out above.
///
/// Only for accounts whose status is LIQUIDATABLE or BANKRUPT: the latch of the status is the
/// caller's. Empty legs when liquidation-end health is not below zero or nothing can heal it;
/// kUnattestable when the account cannot be valued.
Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const PriceTable& prices, const Parameters& parameters
);
Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const Market& market, const PlanLimits& limits = {}
);

}  // namespace margrave::margin
