// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/grants.hpp"

#include <cstddef>
#include <set>

namespace margrave::relayer {

/// Most accounts one pass looks at, and most locks one pass opens: a pass blocks every other task.
inline constexpr std::size_t kAccountsAPass = 128;
inline constexpr std::size_t kLocksAPass = 32;

/// Accounts at which passes have looked since all were looked at last.
using LiquidationSweep = std::set<AccountId>;

/// For every account the last round called seizable and that has no lock open: plans the least
/// seizure that heals it, the riskiest account first and within what the markets still take, and
/// signs its legs under a new lock. A lock stays open until each of its
/// legs is expired, or its sale's outcome is final, so no hole is filled twice. An account whose
/// unfinal deposits would heal it is left alone until they are final or gone.
/// Also asks for unsold lots back once their auction is over.
///
/// A pass looks at the riskiest kAccountsAPass accounts at which the sweep has not looked yet, so
/// that those that cannot be planned keep none behind them waiting.
Result<void> plan_liquidations(
    const DecisionParts& parts, UnixSeconds now, LiquidationSweep& sweep
);

}  // namespace margrave::relayer
