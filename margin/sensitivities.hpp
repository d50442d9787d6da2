// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/market.hpp"

#include <string>
#include <vector>

namespace margrave::margin {

/// How the value of one account's venue positions in one underlying moves, to first order; for
/// people. Requirements never come from it: they come from full revaluation. Tokens of the
/// underlying that the account has or owes are not in it.
struct Sensitivity {
    std::string underlying;
    /// USD of value per USD of the underlying's price: units of it.
    Money delta;
    /// Change of delta per USD of price.
    Money gamma;
    /// USD per whole unit of volatility; a hundredth of it is one point.
    Money vega;
    /// USD per year that passes.
    Money theta;
};

/// Ascending by underlying. Options by Black-76 (margin/black76.hpp) at the market's volatility, as
/// of the time the price was published; the forward moves with the price. What cannot be valued is
/// left out. kOverflow when a number is beyond the bounds of the formulas.
Result<std::vector<Sensitivity>> sensitivities(
    const AccountHoldings& holdings, const Market& market
);

}  // namespace margrave::margin
