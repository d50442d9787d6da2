// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/ids.hpp"
#include "margin/market.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

// What bounds the liquidations of all accounts together: how much a market takes, what a buyer may
// gain by then, and who comes first. Pure and deterministic.
namespace margrave::margin {

struct PlannedLeg;

/// USD E18 that may still be sold, by name of the canonical asset; no limit for one that is not
/// named. All forms of an asset sell into one market.
using SaleCapacity = std::map<std::string, Money>;

/// A lot that was instructed before, as the ledger knows it. One that came back unsold, or was
/// never seized, is none.
struct OutstandingSale {
    AssetId asset;
    Amount amount;
    UnixSeconds instructed_at;
    /// Not sold yet: it counts however old it is.
    bool is_open{false};
};

/// For every asset with a capacity: the capacity less what was instructed within its window before
/// `now` and what is still open, each at today's price and backing, never below zero. Nothing is
/// left where a price cannot be used. A function of ledger, prices and parameters, so whoever has
/// them has the same. kOverflow when a value does not fit.
Result<SaleCapacity> capacity_left(
    std::span<const OutstandingSale> sales, const Market& market, UnixSeconds now
);

/// Takes what a plan sells off `left`.
Result<void> use_capacity(
    SaleCapacity& left, std::span<const PlannedLeg> legs, const Parameters& parameters
);

/// Under water for so long that everything is offered.
inline constexpr std::uint64_t kFullyUnderWater = std::numeric_limits<std::uint64_t>::max();

/// The most a buyer may gain, (1 + bonus) E18, of an account that has been under water for so many
/// seconds: 1 + (max_bonus - 1) (start + (1 - start) min(1, elapsed / ramp)), rounded down. Never
/// above max_bonus, so check()'s rule that every pair heals holds for it too. max_bonus without a
/// ramp; 0 for what may not be seized.
Result<Money> bonus_at(
    const AssetParameters& asset, const LiquidationParameters& rules, std::uint64_t under_water_s
);

/// Whether `a` has to be liquidated before `b`: the smaller equity per maintenance requirement,
/// compared by products (reference: dYdX v4); of equals the larger requirement, then the account's
/// number. A strict order of any two different accounts.
bool is_riskier(const AccountState& a, const AccountState& b);

}  // namespace margrave::margin
