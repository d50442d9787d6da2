// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/detail/ways.hpp"

#include <map>
#include <optional>
#include <utility>

namespace margrave::margin::detail {

/// Dollars to repay by selling the first token for the second.
using Quotas = std::map<std::pair<AssetId, AssetId>, Money>;

/// What a plan is for.
struct Aim {
    /// Liquidation-end health that is missing to the target.
    Money missing;
    /// Repay as much as can be repaid, whatever that heals.
    bool close_all{false};
    /// The most that may be repaid.
    Money budget;
};

struct LeastSeizure {
    Quotas quotas;
    /// USD as health counts them.
    Money seized;
};

/// How much every pair of tokens should repay so that the account gains `aim.missing`, or all that
/// can be gained, with the least value seized over all pairs together: a network of lots, of what
/// counts of their assets and what lies above caps, of markets, of tokens owed and of assets owed
/// (docs/margin.md section 3). Exact but for the units that quotients round, as long as no asset of
/// the account is correlated; else the weights alone are looked at, and whoever uses it has to ask
/// the engine. Nothing when there are less than two pairs, or when the network is too large or its
/// values too large to be tried.
Result<std::optional<LeastSeizure>> least_seizure(
    const WorkingAccount& account, const Market& market, const PlanLimits& limits, const Aim& aim
);

}  // namespace margrave::margin::detail
