// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/venue_fixture.hpp"

#include "core/keccak.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

Hash32 id_of(const std::string& name) {
    return keccak256(name);
}

VenueParameters venue_of(const std::string& underlying, const Money& price, VenueMethod method) {
    VenueParameters out;
    out.underlying = underlying;
    out.method = method;
    out.rate = usd("0.05");
    PerpetualMarket perpetual;
    perpetual.market = id_of(underlying + "-perp");
    perpetual.name = underlying + "-perp";
    if (method == VenueMethod::kRatio) {
        perpetual.fractions = {usd("0.1"), usd("0.08"), usd("0.05")};
        out.profit_weight = usd("0.8");
        out.profit_cap = Money::whole(500);
        out.options = usual_isolated_rules();
    } else {
        out.grid = usual_grid_rules();
    }
    out.perpetuals.push_back(perpetual);
    const std::uint64_t expiries[] = {kFirstExpiry, kSecondExpiry};
    for (unsigned e = 0; e < 2; ++e) {
        for (const unsigned percent : {90U, 100U, 115U}) {
            for (const bool is_call : {true, false}) {
                const std::string name = underlying + (is_call ? "-c-" : "-p-") +
                                         std::to_string(percent) + "-" + std::to_string(e + 1);
                const Money strike = mul_div(
                    times(price, percent), Money::from_e18(1), Money::from_e18(100), Rounding::kDown
                );
                out.option_markets.push_back(
                    {.market = id_of(name),
                     .name = name,
                     .is_call = is_call,
                     .strike = strike,
                     .expiry = expiries[e],
                     .volatility = usd("0.7")}
                );
            }
        }
    }
    std::ranges::sort(out.option_markets, {}, &OptionMarket::market);
    return out;
}

}  // namespace

Parameters venue_parameters() {
    Parameters out = sample_parameters();
    out.venues.push_back(venue_of("btc", Money::whole(50'000), VenueMethod::kGrid));
    out.venues.push_back(venue_of("eth", Money::whole(2'000), VenueMethod::kRatio));
    return out;
}

PriceTable venue_prices() {
    PriceTable out = sample_prices();
    for (auto& [asset, row] : out) {
        row.published_at = UnixSeconds{kPricedAt};
    }
    return out;
}

Hash32 market_named(const Parameters& parameters, std::string_view name) {
    for (const VenueParameters& venue : parameters.venues) {
        for (const PerpetualMarket& market : venue.perpetuals) {
            if (market.name == name) {
                return market.market;
            }
        }
        for (const OptionMarket& market : venue.option_markets) {
            if (market.name == name) {
                return market.market;
            }
        }
    }
    ADD_FAILURE() << "no market " << name;
    return {};
}

VenuePosition position(
    const Parameters& parameters, std::string_view name, const Money& size, const Money& entry_price
) {
    return {.market = market_named(parameters, name), .size = size, .entry_price = entry_price};
}

AccountHoldings trader(const Amount& usdc, std::vector<VenuePosition> positions) {
    AccountHoldings out = holdings_of({holding(usdc_on(1), usdc)});
    out.positions = std::move(positions);
    return out;
}

std::vector<VenuePosition> random_positions(
    const Parameters& parameters, std::string_view underlying, Rng& rng
) {
    const auto venue =
        std::ranges::find(parameters.venues, underlying, &VenueParameters::underlying);
    const auto size = [&rng] {
        const Money units = times(Money::from_e18(1'000'003), rng.in(1, 20'000'000'000'000));
        return rng.chance(50) ? -units : units;
    };
    std::vector<VenuePosition> out;
    if (rng.chance(70)) {
        const Money entry = Money::whole(static_cast<std::int64_t>(rng.in(1, 60'000)));
        out.push_back({.market = venue->perpetuals[0].market, .size = size(), .entry_price = entry}
        );
    }
    for (const OptionMarket& market : venue->option_markets) {
        if (rng.chance(25)) {
            out.push_back({.market = market.market, .size = size(), .entry_price = Money{}});
        }
    }
    return out;
}

}  // namespace margrave::margin::tests
