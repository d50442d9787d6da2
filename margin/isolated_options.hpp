// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

#include <span>

// Options without scenarios: each short option margined alone, and a portfolio of one expiry never
// for more than it can lose (Derive's standard risk manager, whose constants are those of Deribit's
// standard margin). All amounts below are what the account has less: at most zero.
namespace margrave::margin {

enum class Level : std::uint8_t { kInitial, kLiquidationEnd, kMaintenance };

struct OptionLeg {
    bool is_call{true};
    Money strike;
    /// Signed count of options.
    Money size;
    /// Value of the position, signed as the size is.
    Money mark;
};

/// Ratios of spot, and multiples.
struct IsolatedRules {
    Money initial_most;
    Money initial_least;
    Money maintenance_call;
    Money maintenance_put;
    /// Of the mark of a put.
    Money maintenance_put_mark;
    /// Initial margin of a put is at least this multiple of its maintenance margin.
    Money put_offset;
    /// Of the forward, for every short call that no long call covers.
    Money unpaired_initial;
    Money unpaired_maintenance;
    bool operator==(const IsolatedRules&) const = default;
};

/// Zero for a long option. Short call: mark + m S q, with m = maintenance_call, or initially
/// max(initial_most - otm / S, initial_least); liquidation-end is as initial. Short put: mark +
/// min(m S q, m' mark); initially the worse of that with the initial ratio and put_offset times the
/// maintenance margin.
Money isolated_margin(
    const IsolatedRules& rules,
    const OptionLeg& leg,
    const Money& spot,
    Level level,
    const Policy& policy
);

/// What the legs pay at expiry if the underlying settles at `price`.
Money payoff(std::span<const OptionLeg> legs, const Money& price, const Policy& policy);

/// The least payoff at zero and at every strike, at most zero; and unpaired * forward for each net
/// short call, since above the last strike the payoff falls without end. Exact for a portfolio with
/// no net short calls: the payoff is linear between strikes.
Money largest_loss(
    const IsolatedRules& rules,
    std::span<const OptionLeg> legs,
    const Money& forward,
    Level level,
    const Policy& policy
);

/// max(sum of isolated margins, largest loss): the legs are of one underlying and one expiry.
Money expiry_margin(
    const IsolatedRules& rules,
    std::span<const OptionLeg> legs,
    const Money& spot,
    const Money& forward,
    Level level,
    const Policy& policy
);

/// (1 - confidence) * factor * exposure when confidence is below the threshold, else zero.
Money confidence_add_on(
    const Money& confidence,
    const Money& threshold,
    const Money& factor,
    const Money& exposure,
    const Policy& policy
);

}  // namespace margrave::margin
