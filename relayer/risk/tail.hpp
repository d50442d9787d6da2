// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/scenario.hpp"
#include "relayer/replay.hpp"
#include "relayer/risk/history.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The prices of the retained rounds as a list of scenarios (margin/scenario.hpp). Reports and a
// proposal for the config; nothing that is signed is computed from here.
namespace margrave::relayer {

/// A share of one, above zero and below one: how sure a tail is meant to be. kUsage with an
/// example.
Result<Money> parse_level(std::string_view text);

/// Each step of one asset's price as a factor on it, oldest first, to six decimals.
struct PriceMoves {
    std::string asset;
    std::uint64_t from{0};
    std::uint64_t until{0};
    std::uint64_t step_s{0};
    std::vector<Money> factors;
};

/// Only the asset's own prices count. kUsage for an asset that the parameters do not name, and for
/// moves that a grid would not take; kNotFound when there are too few prices, saying how many there
/// are.
Result<PriceMoves> price_moves(
    const RoundSpan& rounds,
    const margin::Parameters& parameters,
    std::string_view asset,
    std::uint64_t step_s
);

/// {"tail_level", "shocks"} as /markets/*/grid of the config takes them.
nlohmann::json grid_json(const PriceMoves& moves, const Money& level);

/// What an account would have lost over one step of a history, at today's holdings and prices.
struct HistoryTail {
    Money level;
    std::uint64_t step_s{0};
    /// That count, and those that would leave the account UNATTESTABLE and do not.
    std::size_t moves{0};
    std::size_t unvalued{0};
    /// Of equity.
    margin::TailRisk risk;
};

/// All assets move at once, as they did in each step, and the engine says what equity becomes.
/// kNotFound with fewer than two moves, kInvalid for an account that cannot be valued.
Result<HistoryTail> history_tail(
    const ReplayedRound& round,
    const margin::Evaluation& account,
    const PriceHistory& history,
    const Money& level
);

nlohmann::json tail_json(const HistoryTail& tail);
std::string tail_text(const HistoryTail& tail);

}  // namespace margrave::relayer
