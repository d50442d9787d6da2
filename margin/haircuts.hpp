// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"

#include <string>
#include <vector>

// What of a value does not count, beside the weights: parameters that scale with the size of a
// pool, with the age of what is known, with the bridge behind a token. Zero or empty is none, and
// then the signed form has no member. All ratios E18, all sizes USD.
namespace margrave::margin {

/// Initial weights that follow the whole pool's size (reference: Mango v4): what counts of
/// collateral shrinks by from / deposits, what counts of a debt grows by debts / from. Never for
/// the other two levels: a deposit of others must liquidate nobody.
struct PoolScale {
    Money deposits_from;
    Money debts_from;
    bool operator==(const PoolScale&) const = default;
};

/// The price at the initial level: what an account has counts at the lowest it may be, what it owes
/// at the highest (reference: Euler's bid and ask, Mango's stable price).
struct InitialPrice {
    /// How many times the row's confidence the price is moved.
    Money confidence;
    /// Part of the price per hour since it was published.
    Money age_per_hour;
    /// The slow price counts where it is the worse of the two.
    bool slow{false};
    bool operator==(const InitialPrice&) const = default;
};

/// Assets that move together: of what an account has in some and owes in others, as far as the two
/// cover each other, `relief` of the requirement is let off, at all levels.
struct Correlation {
    std::string name;
    /// Ascending; of the parameters; in no other correlation.
    std::vector<std::string> assets;
    Money relief;
    bool operator==(const Correlation&) const = default;
};

struct RiskParameters {
    /// Part of the value that stops counting at the initial level, by tier: the first is that of
    /// tier 1. Ascending.
    std::vector<Money> bridge_tiers;
    /// The same per hour between the block time of a chain's final head and the time of issue.
    Money lag_per_hour;
    /// Ascending by name.
    std::vector<Correlation> correlations;
    bool operator==(const RiskParameters&) const = default;
};

/// Open interest of one perpetual, in USD, between which its initial fraction grows to 1
/// (reference: dYdX v4).
struct InterestBand {
    Money lower;
    Money upper;
    bool operator==(const InterestBand&) const = default;
};

}  // namespace margrave::margin
