// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/venue.hpp"
#include "tests/unit/margin/fixture.hpp"

// The small world of fixture.hpp with markets on its position book.
namespace margrave::margin::tests {

/// eth by ratio: a perpetual and options on three strikes of two expiries, calls and puts.
/// btc by grid: a perpetual and the same options at its price.
Parameters venue_parameters();
/// As sample_prices, published at kPricedAt.
PriceTable venue_prices();

inline constexpr std::uint64_t kPricedAt = 1'700'000'000;
inline constexpr std::uint64_t kFirstExpiry = kPricedAt + 10 * 86'400;
inline constexpr std::uint64_t kSecondExpiry = kPricedAt + 90 * 86'400;

/// Ids of markets: "eth-perp", "btc-perp", "eth-c-90-1" (90 % of the price, first expiry), ...
Hash32 market_named(const Parameters& parameters, std::string_view name);
VenuePosition position(
    const Parameters& parameters,
    std::string_view name,
    const Money& size,
    const Money& entry_price = Money{}
);
/// usdc and positions.
AccountHoldings trader(const Amount& usdc, std::vector<VenuePosition> positions);
/// Positions in markets of one underlying, sizes up to 20 whole units.
std::vector<VenuePosition> random_positions(
    const Parameters& parameters, std::string_view underlying, Rng& rng
);

}  // namespace margrave::margin::tests
