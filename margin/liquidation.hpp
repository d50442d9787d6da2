// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/health.hpp"
#include "margin/sale_limits.hpp"

#include <cstdint>
#include <string_view>
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

/// Where a plan ends, and why no later.
enum class PlanEnd : std::uint8_t {
    /// Liquidation-end health was not below zero: nothing is planned.
    kNotNeeded,
    /// Health reaches the target, or all is closed of an account that owes little.
    kTarget,
    /// Health is not below zero; what is missing to the target is less than a leg, or cannot be
    /// sold.
    kHealed,
    // Health stays below zero:
    /// its markets take no more for now;
    kMarket,
    /// one lock may not repay more;
    kCloseFactor,
    /// nothing is left that could be sold where it would help.
    kExhausted,
};

/// In words, for a log and for people.
std::string_view describe(PlanEnd end);

struct LiquidationPlan {
    std::vector<PlannedLeg> legs;
    Money health_before;
    /// Liquidation-end health if every leg sells at its floor.
    Money health_after;
    PlanEnd end{PlanEnd::kNotNeeded};
};

/// USD E18, of all legs.
Money seized_by(const LiquidationPlan& plan);

/// What the accounts together, and time, leave of a plan.
struct PlanLimits {
    /// What may still be sold of each asset (sale_limits.hpp).
    SaleCapacity capacity;
    /// For how long the account has been LIQUIDATABLE or BANKRUPT: what the bonus grows with.
    std::uint64_t under_water_s{kFullyUnderWater};
};

/// The least seizure that brings liquidation-end health to the target:
/// x* = (T - H) / (w_l - w_a (1 + b)), x* the debt repaid, x* (1 + b) the collateral seized
/// (the linear form Mango v4, Drift and Euler share). T is target_buffer times what counts below
/// zero; an account that owes less than close_all_below repays all of it. Values are those that
/// health counts, so a bridged token is sold at its backing.
///
/// Ways (collateral on a chain, debt asset that has a token on that chain) are taken by highest
/// healing per USD, ties by asset text; each is capped by what lies in that vault free of auctions,
/// by the debt, by the close factor and by what `limits` leave of its market; 1 + b is the bonus of
/// the time under water. What a cap leaves uncounted costs no health and is a way of its own
/// (w_a = 0). Each leg is judged by evaluate_state: where a correlation makes health bend, x* is
/// the least that reaches the target, found by bisection (docs/margin.md section 3). Debt to repay
/// rounds up, collateral to seize down. A leg below dust is raised to it while health is below zero
/// and left out above.
///
/// Beside it all ways are solved together (detail/least_seizure.hpp): the plan is the one of the
/// two that ends better, or seizes less by a cent at least. Without correlations nothing seizes
/// less.
///
/// Only for accounts whose status is LIQUIDATABLE or BANKRUPT: the latch of the status is the
/// caller's. `end` says why the plan ends where it does. kUnattestable when the account cannot be
/// valued.
Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const PriceTable& prices, const Parameters& parameters
);
Result<LiquidationPlan> plan_liquidation(
    const AccountHoldings& holdings, const Market& market, const PlanLimits& limits = {}
);

}  // namespace margrave::margin
