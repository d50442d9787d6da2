// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "core/statements.hpp"
#include "margin/dead_chains.hpp"
#include "margin/market.hpp"
#include "margin/moves.hpp"
#include "margin/parameters.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

// What a blow would do to all accounts together, liquidations and their own price impact included.
// Pure, exact and deterministic; nothing here is signed.
namespace margrave::margin {

/// One blow: prices that jump, chains that fall silent, prices that stop coming.
struct StressShock {
    std::string name;
    std::vector<PriceMove> prices;
    std::set<ChainId> dead;
    /// Names of assets, or CAIP-19 texts of forms, whose prices are stale.
    std::vector<std::string> stale;
};

/// How far a market gives way: once `sold` USD of an asset were sold, counted at the prices of the
/// blow, its price has lost the part `impact` (E18) of what it was then.
struct DepthPoint {
    Money sold;
    Money impact;
};

/// A line through zero and the points, flat behind the last. Points ascend in both members; impact
/// lies in [0, 1).
using DepthCurve = std::vector<DepthPoint>;

struct Depth {
    /// Of every asset that has no curve of its own; empty: no impact.
    DepthCurve otherwise;
    /// By name of the canonical asset: all its forms sell into one market.
    std::map<std::string, DepthCurve> of;
};

/// The part of the price that is lost, rounded up.
Result<Money> impact_at(const DepthCurve& curve, const Money& sold);

struct StressAccount {
    AccountHoldings holdings;
    bool was_liquidatable{false};
};

/// All accounts, prices and dead chains before the blow.
struct StressBook {
    std::vector<StressAccount> accounts;
    PriceTable prices;
    DeadChains dead;
    /// The chain of the position book.
    ChainId hub;
};

/// Accounts by status, indexed by the number of the status.
using StatusCounts = std::array<std::uint64_t, 5>;

/// One canonical asset's price over the cascade, USD; zero when there is none.
struct PricePath {
    std::string asset;
    Money before;
    Money shocked;
    Money settled;
};

/// USD E18.
struct StressResult {
    std::string name;
    StatusCounts shocked{};
    StatusCounts settled{};
    /// What accounts owe beyond all they have: sum of the negative equities of the attestable.
    Money bad_debt_shocked;
    Money bad_debt_settled;
    /// Value of the lots that were sold, as health counted it when each was planned, and what they
    /// repaid at least.
    Money seized;
    Money repaid;
    /// Value of the lots that are still on offer at the end: the market pays less than their floor.
    Money unsold;
    /// Accounts of which at least one lot was sold.
    std::uint64_t liquidated{0};
    /// Passes in which something was sold.
    std::uint64_t rounds{0};
    /// Nothing more would sell. False: the passes ran out first.
    bool is_settled{false};
    std::vector<PricePath> prices;
};

inline constexpr std::uint64_t kStressRoundsMax = 1'000;

/// The blow, then passes over all accounts until nothing more sells. In a pass every account that
/// is LIQUIDATABLE or BANKRUPT at the pass's prices has its liquidation planned by
/// plan_liquidation, the riskiest first, at the whole bonus; a pass is one window of every market's
/// capacity, and each lot is sold at its floor if the market pays that for its last unit: the price
/// on the depth curve behind the lot. Impact is permanent, and counts for the next pass's health. A
/// lot nobody would take stays with its owner and is planned anew in the next pass. Errors are
/// those of a shock that names what the parameters do not, and kOverflow.
Result<StressResult> stress(
    const StressBook& book,
    const Parameters& parameters,
    const StressShock& shock,
    const Depth& depth
);

/// As it is; each asset down 10 to 80 %; all but the stable ones down together; each stable one (a
/// price within 3 % of one USD) off its peg, also upward; each bridged form down on its own; each
/// chain halted; each asset's prices stale, and all of them.
std::vector<StressShock> built_in_shocks(const Parameters& parameters, const PriceTable& prices);

/// 1 % after a million USD, 10 % after ten, 50 % after a hundred: an assumption, to be replaced.
Depth built_in_depth();

}  // namespace margrave::margin
