// SPDX-License-Identifier: Apache-2.0
#include "margin/sensitivities.hpp"

#include "margin/health.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

// Against what the engine itself makes of a small move.
namespace margrave::margin::tests {
namespace {

double real(const Money& value) {
    return std::strtod(value.to_decimal().c_str(), nullptr);
}

Sensitivity of(
    const Parameters& parameters, const PriceTable& prices, const AccountHoldings& account
) {
    const auto all = sensitivities(account, Market(prices, parameters));
    EXPECT_TRUE(all.has_value());
    EXPECT_EQ(all.value().size(), 1U);
    return all.value().front();
}

double value_of_positions(
    const Parameters& parameters, const PriceTable& prices, const AccountHoldings& account
) {
    double out = 0;
    for (const VenueTerm& term : evaluate(account, prices, parameters, false, false).venues) {
        out += real(term.value);
    }
    return out;
}

struct World {
    Parameters parameters{venue_parameters()};
    PriceTable prices{venue_prices()};
    AccountHoldings account;
};

// Under the ratio method for eth and the grid for btc, some of everything.
World world_of(const std::string& underlying) {
    World out;
    const auto at = [&](const std::string& name, const char* size) {
        return position(out.parameters, underlying + name, usd(size), usd("1"));
    };
    out.account = trader(
        units("100000", 6),
        {at("-perp", "-1.5"), at("-c-90-1", "2"), at("-p-115-2", "-3"), at("-c-100-2", "4.25")}
    );
    return out;
}

void move_price(World& world, const std::string& underlying, const char* by) {
    for (auto& [asset, row] : world.prices) {
        if (world.parameters.find(asset)->name == underlying) {
            row.price += usd(by);
        }
    }
}

void bump_volatility(World& world, const char* by) {
    for (VenueParameters& venue : world.parameters.venues) {
        for (OptionMarket& option : venue.option_markets) {
            option.volatility += usd(by);
        }
    }
}

double value_of(const World& world) {
    return value_of_positions(world.parameters, world.prices, world.account);
}

Sensitivity of(const World& world) {
    return of(world.parameters, world.prices, world.account);
}

TEST(Sensitivities, DeltaAndGammaAreWhatAPriceDoes) {
    for (const std::string underlying : {"eth", "btc"}) {
        const World world = world_of(underlying);
        World up = world;
        World down = world;
        move_price(up, underlying, "1");
        move_price(down, underlying, "-1");
        const Sensitivity here = of(world);
        EXPECT_EQ(here.underlying, underlying);
        EXPECT_NEAR(real(here.delta), (value_of(up) - value_of(down)) / 2, 1e-5);
        const double bend = (real(of(up).delta) - real(of(down).delta)) / 2;
        EXPECT_NEAR(real(here.gamma), bend, 1e-3 * std::abs(bend) + 1e-9);
    }
}

TEST(Sensitivities, VegaIsWhatAVolatilityDoes) {
    const World world = world_of("eth");
    World up = world;
    World down = world;
    bump_volatility(up, "0.001");
    bump_volatility(down, "-0.001");
    const double slope = (value_of(up) - value_of(down)) / 0.002;
    EXPECT_NEAR(real(of(world).vega), slope, 1e-4 * std::abs(slope));
}

// The discount is held constant, so a rate of zero is what can be compared.
TEST(Sensitivities, ThetaIsWhatAnHourDoes) {
    World world = world_of("eth");
    for (VenueParameters& venue : world.parameters.venues) {
        venue.rate = Money{};
    }
    World later = world;
    World earlier = world;
    for (auto& [asset, row] : later.prices) {
        row.published_at.value += 3'600;
    }
    for (auto& [asset, row] : earlier.prices) {
        row.published_at.value -= 3'600;
    }
    const double hours_a_year = 365.0 * 24;
    const double slope = (value_of(later) - value_of(earlier)) / 2 * hours_a_year;
    EXPECT_NEAR(real(of(world).theta), slope, 2e-3 * std::abs(slope));
}

TEST(Sensitivities, APerpetualIsItsSizeAndNothingElse) {
    World world;
    world.account =
        trader(units("1000", 6), {position(world.parameters, "btc-perp", usd("-0.5"), usd("1"))});
    const Sensitivity here = of(world);
    EXPECT_EQ(here.delta, usd("-0.5"));
    EXPECT_TRUE(here.gamma.is_zero() && here.vega.is_zero() && here.theta.is_zero());
    const AccountHoldings empty = trader(units("1000", 6), {});
    EXPECT_TRUE(sensitivities(empty, Market(world.prices, world.parameters)).value().empty());
}

}  // namespace
}  // namespace margrave::margin::tests
