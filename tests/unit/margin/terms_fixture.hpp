// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/in_force.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <cstdint>

// Portfolios with everything in them that counts before and after the weights: caps, scales,
// initial prices, bridge tiers and correlations.
namespace margrave::margin::tests {

/// A portfolio of the fixture with every one of these terms in it.
Portfolio with_terms(std::uint64_t seed);

/// One in a round: with facts, and what the parameters are in it.
struct Scene {
    Portfolio portfolio;
    RoundFacts facts;
    Parameters now;
};

Scene scene_of(std::uint64_t seed);

}  // namespace margrave::margin::tests
