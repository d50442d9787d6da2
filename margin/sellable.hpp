// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/liquidation.hpp"
#include "margin/market.hpp"

namespace margrave::margin {

/// An account as a liquidation looks at it, by the prices that count for it.
struct Sellable {
    AccountHoldings holdings;
    PriceTable prices;
};

/// The plan while the newest blocks are not final: of the plan for the state if none of them stays
/// and that for the state if all do, each less its promises, the one that seizes less. What the
/// other lacks is sold once it is final. Rows and positions of the two are never mixed, since a
/// debt that moved would be owed twice; other outcomes, in which the blocks of one chain stay and
/// those of another do not, are not asked. Of every lot no more is sold than is free in both.
/// kUnattestable when one of the two cannot be valued, kInvalid for two accounts.
Result<LiquidationPlan> plan_least(
    const Sellable& final,
    const Sellable& provisional,
    const Parameters& parameters,
    const PlanLimits& limits
);

}  // namespace margrave::margin
