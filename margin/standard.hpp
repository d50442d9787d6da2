// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/isolated_options.hpp"

#include <cstdint>
#include <span>
#include <vector>

// Standard margin of a portfolio: perpetuals by ratio, options isolated with the largest loss per
// expiry, base holdings at a factor, and add-ons to the initial level for feeds of low confidence
// and a settlement currency below its peg (Derive's standard risk manager). Markets never offset.
namespace margrave::margin {

struct StandardRules {
    IsolatedRules options;
    Money perpetual_initial;
    Money perpetual_maintenance;
    Money base_factor;
    /// On top of base_factor, at the initial level.
    Money base_initial_scale{Money::whole(1)};
    /// Confidence below which an add-on of (1 - confidence) * confidence_factor * exposure applies.
    Money perpetual_threshold;
    Money option_threshold;
    Money base_threshold;
    Money confidence_factor;
};

struct StandardLeg {
    bool is_call{true};
    Money strike;
    Money size;
    Money volatility;
};

struct StandardExpiry {
    std::uint64_t seconds{0};
    Money forward;
    /// Of the forward and volatility feeds.
    Money confidence{Money::whole(1)};
    std::vector<StandardLeg> legs;
};

struct StandardMarket {
    StandardRules rules;
    Money spot;
    Money spot_confidence{Money::whole(1)};
    Money base;
    Money perpetual_size;
    Money perpetual_price;
    Money perpetual_confidence{Money::whole(1)};
    /// Unrealised profit and funding.
    Money perpetual_value;
    std::vector<StandardExpiry> expiries;
};

struct Peg {
    Money stable_price{Money::whole(1)};
    Money threshold;
    Money factor;
};

struct StandardResult {
    Money mark;
    /// What is left: positive is free.
    Money initial;
    Money maintenance;
};

/// The part of one market, without cash.
StandardResult standard_margin(const StandardMarket& market, const Peg& peg, const Policy& policy);
/// Cash and the sum over the markets.
StandardResult standard_margin(
    const Money& cash, std::span<const StandardMarket> markets, const Peg& peg, const Policy& policy
);

}  // namespace margrave::margin
