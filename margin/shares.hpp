// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "margin/market.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

// Why an account's numbers are what they are, for people: what each asset and each position does to
// them, and the sensitivities of the positions. Reports only; nothing that is signed follows from
// it. USD E18.
namespace margrave::margin {

/// What a part of an account does to its numbers: the number with it less the number without it,
/// both by the engine (leave one out). Where parts offset each other (netting, correlations,
/// scenarios, the largest loss of an expiry) these do not add up to the whole: two positions that
/// cancel each other do each what the other would cost alone.
struct Share {
    Money equity;
    Money initial;
    Money liquidation_end;
    Money maintenance;
    /// Of the requirements: equity - health. Negative is a part that the account needs less for.
    Money required_initial;
    Money required_liquidation_end;
    Money required_maintenance;
};

/// Of a position, in its signed size; rounded toward zero, so reports only.
/// Options by Black-76 (margin/black76.hpp) on the forward F = S e^(r tau) with discount
/// D = e^(-r tau), as functions of the underlying's price S, volatility and time:
///   delta = D N(d1) F/S (put: - D N(-d1) F/S),  gamma = D phi(d1) / (F v) (F/S)^2,
///   vega = D F phi(d1) sqrt(tau),
///   theta = - D F phi(d1) sigma / (2 sqrt(tau)) - r D K N(d2)   (put: + r D K N(-d2)).
struct PositionGreeks {
    /// USD per dollar of the underlying's price.
    Money delta;
    /// Change of delta per dollar.
    Money gamma;
    /// USD per 0.01 of volatility.
    Money vega;
    /// USD per day that passes at the same price.
    Money theta;
};

/// A perpetual has its size as delta and nothing else. kInvalid when no venue names the market, its
/// underlying has no usable price or a number is out of the formulas' bounds.
Result<PositionGreeks> greeks_of(const VenuePosition& position, const Market& market);

struct PositionShare {
    std::string name;
    VenuePosition position;
    /// Profit of a perpetual, mark of an option, as in the evidence.
    Money value;
    PositionGreeks greeks;
    Share share;
    /// Its part of the worst scenario's profit and loss, leave one out as well; zero without one.
    Money worst_pnl;
};

/// The scenario whose loss counts.
struct WorstScenario {
    /// Index in the venue's shocks; their number when it is the shock to the forwards (basis).
    std::size_t scenario{0};
    /// Absent for the basis.
    std::optional<Shock> shock;
    Money pnl;
};

/// One underlying in one risk module.
struct VenueShare {
    std::string underlying;
    std::string module;
    /// Sums over the positions.
    PositionGreeks greeks;
    /// Absent where there are no scenarios. With a tail level the requirement is a mean over the
    /// worst ones; this is the worst of them.
    std::optional<WorstScenario> worst;
    /// Of the scenarios as a history of moves, at the grid's tail level; absent where the worst
    /// scenario counts.
    std::optional<TailRisk> tail;
    Money tail_level;
    /// Ascending by market.
    std::vector<PositionShare> positions;
};

struct AssetShare {
    std::string asset;
    Share share;
};

struct Shares {
    /// In the order of the parameters.
    std::vector<AssetShare> assets;
    /// In the order of the evidence.
    std::vector<VenueShare> venues;
};

/// kInvalid for an account that cannot be valued: it has no numbers to share.
Result<Shares> shares_of(const AccountHoldings& holdings, const Market& market);

}  // namespace margrave::margin
