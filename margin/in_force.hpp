// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "margin/market.hpp"
#include "margin/parameters.hpp"
#include "margin/totals.hpp"

#include <map>

namespace margrave::margin {

/// What one round knows beside prices and parameters and what they become by it. All of it is
/// signed, or follows from what is: whoever has the snapshot and the price documents has it too.
struct RoundFacts {
    /// The time of issue.
    UnixSeconds at;
    /// Block times of the final heads.
    std::map<ChainId, UnixSeconds> head_times;
    /// Slow prices, of the assets that have one. No root covers them: they follow from the signed
    /// prices of all rounds, step by step (relayer/replay_step.hpp).
    std::map<AssetId, Money> slow_prices;
    /// Of every account at the firm state.
    Totals totals;
};

/// The facts once a loan of so many raw units is made. Who asks for a loan is judged by what the
/// pool will owe with it: by what is owed before, one large request would pass under its own scale.
RoundFacts with_loan(RoundFacts facts, const AssetId& asset, const Amount& amount);

/// Whether anything in the parameters depends on a round. If not, in_force gives them back.
bool depends_on_round(const Parameters& parameters);

/// The parameters as they are in one round: initial weights scaled by the pools, initial fractions
/// by open interest, and the parts of each form's value that stop counting at the initial level.
/// Weights and fractions only ever move against accounts. What is too large to be valued counts as
/// infinitely large. Pure; `canonical` of the result is not what was signed.
Parameters in_force(
    const Parameters& parameters, const PriceTable& prices, const RoundFacts& facts
);

}  // namespace margrave::margin
