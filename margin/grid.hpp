// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/isolated_options.hpp"
#include "margin/scenario.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// Portfolio margin by a grid of shocks to price and volatility, with contingencies for what the
// grid does not see (Derive's portfolio risk manager, second form; Deribit's and Paradex's grids
// have the same shape). Everything of one underlying:
//   margin = f min(basis, min_s pnl_s) - contingencies + mark + cash
//   pnl_s = damp_s (perp + sum over expiries of (discount * shocked mark - mark) + collateral)
namespace margrave::margin {

enum class VolatilityShock : std::uint8_t { kNone, kUp, kDown, kLinearSkew, kAbsoluteSkew };

struct Shock {
    /// Factor on the price: 0.82 is 18 % down.
    Money spot{Money::whole(1)};
    VolatilityShock volatility{VolatilityShock::kNone};
    /// How much of the outcome counts.
    Money damp{Money::whole(1)};
    bool operator==(const Shock&) const = default;
};

/// Extreme moves are damped so that a linear position loses the same whatever the move:
/// damp * |spot - 1| is one constant over all shocks with damp below 1. Nullopt when it is not.
/// The moves of damp 1 are the inner grid.
std::optional<Money> damped_loss(std::span<const Shock> grid);

struct GridRules {
    std::vector<Shock> shocks;
    Money initial_factor;
    Money liquidation_end_factor;
    Money maintenance_factor;
    /// Zero: the worst scenario counts. Else the expected shortfall at this confidence does, with
    /// the shocks being 1 + the returns of a history.
    Money tail_level;

    struct VolatilityRule {
        /// shock = 1 + range_up * (30 d / max(seconds, floor))^power; down likewise, not below 0.
        Money range_up;
        Money range_down;
        Money power_short;
        Money power_long;
        std::uint64_t floor_s{86'400};
        /// A volatility shocked up is at least this.
        Money least_up;
        bool operator==(const VolatilityRule&) const = default;
    } volatility;

    struct SkewRule {
        /// cap = base + slope * sqrt(tau).
        Money linear_base;
        Money linear_slope;
        Money absolute_base;
        Money absolute_slope;
        /// k* = max(least_width, sqrt(tau) * width * (level + level_slope * sqrt(tau))).
        Money least_width;
        Money width;
        Money level;
        Money level_slope;
        bool operator==(const SkewRule&) const = default;
    } skew;

    struct DiscountRule {
        Money long_base;
        Money long_rate_factor;
        Money long_rate_add;
        Money short_base;
        Money short_rate_factor;
        Money short_rate_add;
        bool operator==(const DiscountRule&) const = default;
    } discount;

    struct BasisRule {
        Money up;
        Money down;
        Money add;
        Money factor;
        bool operator==(const BasisRule&) const = default;
    } basis;

    struct ContingencyRule {
        Money peg_threshold;
        Money peg_factor;
        Money confidence_threshold;
        Money confidence_factor;
        Money perpetual_maintenance;
        Money perpetual_initial;
        Money option_maintenance;
        Money option_initial;
        bool operator==(const ContingencyRule&) const = default;
    } contingency;

    bool operator==(const GridRules&) const = default;
};

struct GridLeg {
    bool is_call{true};
    Money strike;
    Money size;
    Money volatility;
};

struct GridExpiry {
    std::uint64_t seconds{0};
    Money forward;
    /// Part of the forward that a spot shock does not move (what a settlement average has fixed).
    Money forward_fixed;
    Money rate;
    /// Of the forward, rate and volatility feeds.
    Money confidence{Money::whole(1)};
    std::vector<GridLeg> legs;
};

struct GridCollateral {
    /// In units of the settlement currency.
    Money value;
    Money confidence{Money::whole(1)};
    /// Moves with the underlying, so it takes part in the scenarios.
    bool moves_with_spot{false};
    Money maintenance_haircut;
    Money initial_haircut;
    /// Confidence below which the add-on applies.
    Money confidence_threshold;
};

struct GridPortfolio {
    Money spot;
    Money spot_confidence{Money::whole(1)};
    Money stable_price{Money::whole(1)};
    Money cash;
    Money perpetual_size;
    Money perpetual_price;
    Money perpetual_confidence{Money::whole(1)};
    /// Unrealised profit and funding of the perpetual.
    Money perpetual_value;
    std::vector<GridCollateral> collaterals;
    std::vector<GridExpiry> expiries;
};

struct GridResult {
    Money mark;
    /// margin as above: positive is what is left.
    Money initial;
    Money liquidation_end;
    Money maintenance;
    ScenarioPnl pnl;
    Money basis;
    Money maintenance_contingency;
    Money initial_contingency;
    /// shocks.size() when the basis contingency is the worst.
    std::size_t worst_scenario{0};
};

GridResult grid_margin(
    const GridRules& rules, const GridPortfolio& portfolio, const Policy& policy
);

/// Only the mark: perpetual, options and collateral.
Money grid_mark(const GridPortfolio& portfolio, const Policy& policy);

/// Only the vector of pnl_s: what modules of one underlying add before the minimum is taken.
ScenarioPnl grid_pnl(const GridRules& rules, const GridPortfolio& portfolio, const Policy& policy);

/// Short options of one expiry that no long option of the same strike covers.
Money naked_shorts(std::span<const GridLeg> legs);

/// e^(-rate * tau), zero rates and below count as none.
Money discount_factor(const Money& rate, std::uint64_t seconds);

}  // namespace margrave::margin
