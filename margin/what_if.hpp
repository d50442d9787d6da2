// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "margin/liquidation.hpp"
#include "margin/market.hpp"
#include "margin/moves.hpp"
#include "margin/trades.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace margrave::margin {

/// What is asked: one account, what its owner might do, what prices might be.
struct WhatIfQuestion {
    /// As attested: what health is computed from.
    AccountHoldings firm;
    /// As a request is judged (worst_of): what room is computed from.
    AccountHoldings worst;
    PriceTable prices;
    DeadChains dead;
    /// Whether its last attestable status before this was LIQUIDATABLE or BANKRUPT.
    bool was_liquidatable{false};
    /// Made first, at the prices they state: a venue posts a position without asking us.
    std::span<const PositionTrade> trades;
    std::span<const Move> moves;
    std::span<const PriceMove> price_moves;
};

/// The most that could leave in one token, each taken alone. What the pool has to lend is not
/// looked at.
struct Room {
    AssetId asset;
    Amount withdrawable;
    Amount borrowable;
};

struct WhatIf {
    Evaluation before;
    /// After all moves, at the moved prices.
    Evaluation after;
    /// For each move that takes something out, in order: why a request of that kind would be
    /// refused at the moved prices. Absent: it would be granted, or needs no grant.
    std::vector<std::optional<std::string>> refusals;
    /// For each trade, in order: what the venue settles at once (Traded). What it takes counts as
    /// owed in everything below, what it pays does not count.
    std::vector<Money> settled;
    /// What a liquidation would sell after that; no legs unless `after` is LIQUIDATABLE or
    /// BANKRUPT.
    LiquidationPlan plan;
    /// Why there is no plan although there should be one; empty otherwise.
    std::string no_plan;
    /// `after` once every leg of the plan was sold at its floor.
    AccountState liquidated;
    /// One row for each form of each asset in the order of the parameters.
    std::vector<Room> rooms;
    /// Why nothing at all may leave; empty when something could.
    std::string no_room;
};

/// Pure and exact; the same inputs give the same answer. An error for a move, trade or price that
/// is impossible (margin/moves.hpp, margin/trades.hpp): ask apply() for every problem before.
Result<WhatIf> what_if(const WhatIfQuestion& question, const Parameters& parameters);

/// The largest amount that check_grant allows, by bisection: exact to the raw unit. Zero when
/// nothing does.
Amount largest_grant(
    const AccountHoldings& worst,
    const AssetId& asset,
    bool from_collateral,
    const PriceTable& prices,
    const Parameters& parameters
);

}  // namespace margrave::margin
