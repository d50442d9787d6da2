// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/health.hpp"
#include "margin/market.hpp"

namespace margrave::margin {

/// An account as a liquidation looks at it, by the prices that count for it.
struct Sellable {
    AccountHoldings holdings;
    PriceTable prices;
};

/// What a liquidation plans on while the newest blocks are not final: of the firm and the
/// provisional state, each less its promises, the one with the higher liquidation-end health, so
/// that nothing is sold for a loss, or in spite of a repayment, whose other outcome is still
/// possible; what the other outcome lacks is sold once it is final. Rows and positions are never
/// mixed: that would be a third state, which no chain ever had. Of every lot no more may be sold
/// than is free in both. One that cannot be valued is taken before all, so that the plan is refused
/// (kUnattestable). kInvalid for two accounts, kOverflow when a sum is too large.
Result<Sellable> better_off(Sellable firm, Sellable provisional, const Parameters& parameters);

}  // namespace margrave::margin
