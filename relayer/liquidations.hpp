// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"
#include "relayer/grants.hpp"

#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

namespace margrave::relayer {

/// Most accounts one pass looks at, most locks one pass opens, and after how long it looks at no
/// further account: a pass blocks every other task.
inline constexpr std::size_t kAccountsAPass = 1'024;
inline constexpr std::size_t kLocksAPass = 32;
inline constexpr std::uint64_t kSecondsAPass = 2;

/// Of the accounts that had nothing to sell when they were looked at last.
inline constexpr std::size_t kBarrenAPass = 128;

/// At which accounts passes have looked. Those at which none has looked come first, then some of
/// those that have nothing to sell, in turn, so that they keep none waiting, then all others again.
class LiquidationSweep {
  public:
    /// Of those that are seizable now, the riskiest first, those to look at, in that order.
    [[nodiscard]] std::vector<AccountId> next(const std::vector<AccountId>& by_risk);
    void looked_at(const AccountId& account, bool is_barren);

  private:
    [[nodiscard]] std::vector<AccountId> those(
        const std::vector<AccountId>& by_risk, bool barren, bool looked
    ) const;

    std::set<AccountId> looked_;
    std::set<AccountId> barren_;
};

/// For every account the last round called seizable and that has no lock open: plans the least
/// seizure that heals it, the riskiest account first and within what the markets still take, and
/// signs its legs under a new lock. A lock stays open until each of its
/// legs is expired, or its sale's outcome is final, so no hole is filled twice. An account whose
/// unfinal deposits would heal it is left alone until they are final or gone.
/// Also asks for unsold lots back once their auction is over.
///
/// A pass has bounds, and takes the accounts in the order of the sweep. `clock` tells when it has
/// looked for long enough.
Result<void> plan_liquidations(
    const DecisionParts& parts, UnixSeconds now, const Clock& clock, LiquidationSweep& sweep
);

}  // namespace margrave::relayer
