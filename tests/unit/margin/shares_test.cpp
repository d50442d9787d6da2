// SPDX-License-Identifier: Apache-2.0
#include "margin/shares.hpp"

#include "margin/black76.hpp"
#include "margin/explain.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

struct World {
    Parameters parameters{venue_parameters()};
    PriceTable prices{venue_prices()};

    void move(std::string_view asset, const Money& price, std::uint64_t later) {
        const auto moved = std::ranges::find(parameters.assets, asset, &AssetParameters::name);
        for (const AssetOnChain& form : moved->on) {
            prices.at(form.asset).price = price;
            prices.at(form.asset).published_at = UnixSeconds{kPricedAt + later};
        }
    }
};

// What the engine says that the position is worth.
Money value_in(const World& world, const VenuePosition& position) {
    const Market market(world.prices, world.parameters);
    const Evaluation e = evaluate(trader(units("1000000", 6), {position}), market, false, false);
    EXPECT_EQ(e.venues.size(), 1U);
    return e.venues.at(0).parts.at(0).value;
}

void expect_near(const Money& a, const Money& b, std::string_view part, const Money& least) {
    const Money allowed = times(abs(b), usd(part), Rounding::kUp) + least;
    EXPECT_LE(abs(a - b), allowed) << a.to_decimal() << " and " << b.to_decimal();
}

// Every option of an underlying, long and short, against the engine's own marks a little apart.
void expect_slopes(std::string_view underlying, const Money& price) {
    const World world;
    const Market market(world.prices, world.parameters);
    const auto venue =
        std::ranges::find(world.parameters.venues, underlying, &VenueParameters::underlying);
    ASSERT_NE(venue, world.parameters.venues.end());
    const Money step = over(price, Money::whole(5'000), Rounding::kDown);
    for (const OptionMarket& option : venue->option_markets) {
        const Money size = option.is_call ? Money::whole(3) : -Money::whole(2);
        const VenuePosition own{.market = option.market, .size = size, .entry_price = Money{}};
        const auto greeks = greeks_of(own, market);
        ASSERT_TRUE(greeks.has_value());
        const auto value_at = [&](const Money& at, std::uint64_t later) {
            World moved;
            moved.move(underlying, at, later);
            return value_in(moved, own);
        };
        const Money now = value_in(world, own);
        const Money up = value_at(price + step, 0);
        const Money down = value_at(price - step, 0);
        const Money twice = times(step, 2);
        const Money unit = Money::from_e18(1'000'000'000);
        expect_near(over(up - down, twice, Rounding::kZero), greeks.value().delta, "0.0001", unit);
        const Money bend = up + down - times(now, 2);
        const Money square = times(step, step, Rounding::kZero);
        expect_near(over(bend, square, Rounding::kZero), greeks.value().gamma, "0.001", unit);
        World wilder;
        for (VenueParameters& row : wilder.parameters.venues) {
            for (OptionMarket& other : row.option_markets) {
                other.volatility += other.market == option.market ? usd("0.0001") : Money{};
            }
        }
        const Money vega = value_in(wilder, own) - now;
        expect_near(times(vega, 100), greeks.value().vega, "0.001", unit);
        const Money lost = value_at(price, 60) - now;
        expect_near(times(lost, 24 * 60), greeks.value().theta, "0.001", unit);
    }
}

TEST(Shares, GreeksAreTheSlopesOfTheMarksByRatio) {
    expect_slopes("eth", Money::whole(2'000));
}

TEST(Shares, GreeksAreTheSlopesOfTheMarksByGrid) {
    expect_slopes("btc", Money::whole(50'000));
}

// Hull's textbook case: S 49, K 50, r 5 %, sigma 20 %, 20 weeks: delta 0.522, gamma 0.066,
// vega 12.1 per unit, theta -4.31 a year.
TEST(Shares, GreeksAreThoseOfTheTextbook) {
    World world;
    VenueParameters& venue = world.parameters.venues.back();
    ASSERT_EQ(venue.underlying, "eth");
    const std::uint64_t twenty_weeks = 3'846 * (kYearSeconds / 10'000);
    OptionMarket& option = *std::ranges::find_if(venue.option_markets, &OptionMarket::is_call);
    option.strike = Money::whole(50);
    option.volatility = usd("0.2");
    option.expiry = kPricedAt + twenty_weeks;
    world.move("eth", Money::whole(49), 0);
    const Market market(world.prices, world.parameters);
    const auto greeks = greeks_of(
        {.market = option.market, .size = Money::whole(1), .entry_price = Money{}}, market
    );
    ASSERT_TRUE(greeks.has_value());
    const Money none;
    expect_near(greeks.value().delta, usd("0.5216"), "0.0002", none);
    expect_near(greeks.value().gamma, usd("0.0655"), "0.002", none);
    expect_near(greeks.value().vega, usd("0.1211"), "0.002", none);
    expect_near(times(greeks.value().theta, 365), usd("-4.305"), "0.0005", none);
}

TEST(Shares, PerpetualHasItsSizeAsDeltaAndAnUnknownMarketNothing) {
    const World world;
    const Market market(world.prices, world.parameters);
    const auto greeks =
        greeks_of(position(world.parameters, "btc-perp", usd("-1.5"), usd("40000")), market);
    ASSERT_TRUE(greeks.has_value());
    EXPECT_EQ(greeks.value().delta, usd("-1.5"));
    EXPECT_TRUE(greeks.value().gamma.is_zero() && greeks.value().theta.is_zero());
    const VenuePosition unknown{.market = Hash32{}, .size = usd("1"), .entry_price = Money{}};
    EXPECT_FALSE(greeks_of(unknown, market).has_value());
}

// Without correlations an asset does to the numbers what its term says, and the terms add up.
TEST(Shares, AssetsDoWhatTheirTermsSay) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const Portfolio p = random_portfolio(seed);
        const Market market(p.prices, p.parameters);
        const Evaluation e = evaluate(p.holdings, market, false, false);
        const auto shares = shares_of(p.holdings, market);
        if (e.state.status == Status::kUnattestable) {
            EXPECT_FALSE(shares.has_value());
            continue;
        }
        ASSERT_TRUE(shares.has_value());
        Money initial;
        for (const AssetShare& asset : shares.value().assets) {
            const auto term = std::ranges::find(e.terms, asset.asset, &Term::asset);
            if (term == e.terms.end()) {
                EXPECT_TRUE(asset.share.equity.is_zero());
                continue;
            }
            EXPECT_EQ(asset.share.equity, term->value);
            EXPECT_EQ(asset.share.maintenance, contribution_of(*term).value().maintenance);
            EXPECT_EQ(asset.share.required_initial, term->required_initial);
            initial += asset.share.initial;
        }
        if (p.parameters.risk.correlations.empty()) {
            EXPECT_EQ(initial, e.state.initial);
        }
    }
}

TEST(Shares, HedgeIsSeenToHelp) {
    const World world;
    const Market market(world.prices, world.parameters);
    const Parameters& p = world.parameters;
    const AccountHoldings account = trader(
        units("1000000", 6),
        {position(p, "btc-perp", usd("10"), usd("50000")), position(p, "btc-p-90-2", usd("10"))}
    );
    const auto shares = shares_of(account, market);
    ASSERT_TRUE(shares.has_value());
    ASSERT_EQ(shares.value().venues.size(), 1U);
    const VenueShare& venue = shares.value().venues[0];
    ASSERT_EQ(venue.positions.size(), 2U);
    ASSERT_TRUE(venue.worst && venue.worst->shock);
    EXPECT_LT(venue.worst->shock->spot, Money::whole(1));
    const bool first = venue.positions[0].name == "btc-perp";
    const PositionShare& perpetual = venue.positions[first ? 0 : 1];
    const PositionShare& put = venue.positions[first ? 1 : 0];
    EXPECT_LT(perpetual.worst_pnl, Money{});
    EXPECT_GT(put.worst_pnl, Money{});
    // In one scenario the parts add up but for rounding, since both discounts are for what is
    // owned.
    expect_near(perpetual.worst_pnl + put.worst_pnl, venue.worst->pnl, "0.0000001", usd("0.01"));
    EXPECT_GT(perpetual.share.required_maintenance, Money{});
    EXPECT_LT(put.share.required_maintenance - put.share.equity, Money{});
    EXPECT_EQ(venue.greeks.delta, perpetual.greeks.delta + put.greeks.delta);
    EXPECT_LT(put.greeks.delta, Money{});
    EXPECT_EQ(perpetual.value, Money{});
}

// Perpetuals by ratio never offset: one alone does what it does beside others.
TEST(Shares, WhatDoesNotOffsetAddsUp) {
    const World world;
    const Market market(world.prices, world.parameters);
    const Parameters& p = world.parameters;
    const AccountHoldings account = trader(
        units("1000000", 6),
        {position(p, "eth-perp", usd("-7"), usd("2100")),
         position(p, "btc-perp", usd("2"), usd("49000"))}
    );
    const auto shares = shares_of(account, market);
    ASSERT_TRUE(shares.has_value());
    const Evaluation e = evaluate(account, market, false, false);
    Money health;
    for (const AssetShare& asset : shares.value().assets) {
        health += asset.share.maintenance;
    }
    ASSERT_EQ(shares.value().venues.size(), 2U);
    for (const VenueShare& venue : shares.value().venues) {
        ASSERT_EQ(venue.positions.size(), 1U);
        const PositionShare& own = venue.positions[0];
        EXPECT_EQ(own.share.equity, own.value);
        health += own.share.maintenance;
        EXPECT_EQ(venue.worst.has_value(), venue.underlying == "btc");
        if (venue.worst) {
            EXPECT_EQ(own.worst_pnl, venue.worst->pnl);
        }
    }
    EXPECT_EQ(health, e.state.maintenance);
}

TEST(Shares, AccountWithoutNumbersHasNoShares) {
    World world;
    world.prices.at(usdc_on(1)).verdict = PriceVerdict::kStale;
    const Market market(world.prices, world.parameters);
    AccountHoldings account = trader(units("5", 6), {});
    account.holdings.push_back(holding(dai(), Amount{}, units("1", 18)));
    EXPECT_FALSE(shares_of(account, market).has_value());
}

}  // namespace
}  // namespace margrave::margin::tests
