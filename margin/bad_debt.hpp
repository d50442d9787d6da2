// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/dead_chains.hpp"
#include "margin/health.hpp"
#include "margin/market.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

// Who bears what bankrupt accounts cannot pay. Debts to our pools: what is left once everything
// that can be sold is sold, by the reserve, then the insurance fund, then the lenders of that pool,
// pro rata. Losses on positions of a venue: by the profitable positions, in the order of their
// ranking. Pure; a report. Nothing is posted or signed for it: a debt ends by a repayment on chain.
namespace margrave::margin {

/// Raw units by token. A transfer never crosses a (chain, asset), so neither does a fund.
using TokenAmounts = std::map<AssetId, Amount>;

struct LossBearers {
    TokenAmounts reserve;
    TokenAmounts insurance;
    /// Lenders' liquidity of each pool, lent or not.
    TokenAmounts pool;
};

/// One account's bad debt in one pool; debt = reserve + insurance + socialised + uncovered.
struct AbsorbedDebt {
    AccountId account;
    AssetId asset;
    Amount debt;
    Amount reserve;
    Amount insurance;
    Amount socialised;
    /// More than all lenders have: owed out of what others hold in that vault.
    Amount uncovered;
};

/// What the lenders of one pool lose.
struct PoolLoss {
    AssetId asset;
    Amount pool;
    Amount lost;
    /// lost / pool, E18, rounded up (reference: Drift v2 rounds a socialised loss up).
    Money rate;
};

/// Totals in USD E18, rounded up.
struct BadDebt {
    std::vector<AbsorbedDebt> rows;
    std::vector<PoolLoss> pools;
    Money debt;
    Money reserve;
    Money insurance;
    Money socialised;
    Money uncovered;
};

/// Prices, parameters and dead chains of one state.
struct Scene {
    const PriceTable& prices;
    const Parameters& parameters;
    const DeadChains& dead;
};

/// Accounts in any order; the riskiest is served first (is_riskier). An account counts when it is
/// BANKRUPT also by what it is at most (evaluate_at_most), and then for what it lacks so.
/// Everything it has is thought sold by plan_liquidation without close factor, dust and capacity,
/// each lot at its floor; of what it then owes to our pools beyond what it still has, per canonical
/// asset that is net owed, by asset text, the bearers take their parts. Debts at watched contracts
/// are not our pools'. kOverflow when a sum does not fit.
Result<BadDebt> absorb_bad_debt(
    std::span<const AccountHoldings> accounts, const LossBearers& bearers, const Scene& scene
);

/// One profitable perpetual position in the order in which it would be closed.
struct Deleveraged {
    std::string underlying;
    std::string market;
    AccountId account;
    Money size;
    Money entry_price;
    Money profit;
    /// profit / cost * notional / equity, E18, down: the more leverage earned, the earlier
    /// (reference: the ranking that BitMEX and Binance publish).
    Money score;
    /// Profit given up, and the signed size that closing at the entry price gives it up with.
    Money forfeited;
    Money closed;
};

/// What bankrupt accounts lost on one underlying's positions beyond all they have. USD E18.
struct PositionLoss {
    std::string underlying;
    Money loss;
    Money covered;
};

struct Deleveraging {
    std::vector<PositionLoss> losses;
    /// By underlying, then by rank: those that would be closed, and those behind them.
    std::vector<Deleveraged> ranking;
};

/// Underlyings without a loss are left out. No statement of the protocol closes a position of a
/// venue, so the venue has to act on it.
Result<Deleveraging> rank_deleveraging(
    std::span<const AccountHoldings> accounts, const Scene& scene
);

}  // namespace margrave::margin
