// SPDX-License-Identifier: Apache-2.0
#include "margin/shares.hpp"
#include "tests/unit/margin/exact.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

// Portfolio margin by expected shortfall: a grid with a tail level, its shocks a history of moves.
namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

// The btc venue of the fixture with nothing in its grid but the moves: no contingency, no basis,
// and what is shocked is not discounted once more.
Parameters by_history(const std::vector<Money>& moves, const Money& level) {
    Parameters out = venue_parameters();
    GridRules& grid = out.venues.front().grid;
    grid.shocks.clear();
    for (const Money& move : moves) {
        grid.shocks.push_back({.spot = move, .volatility = VolatilityShock::kNone, .damp = usd("1")}
        );
    }
    grid.tail_level = level;
    grid.initial_factor = usd("1");
    grid.liquidation_end_factor = usd("0.9");
    grid.maintenance_factor = usd("0.8");
    grid.contingency = {};
    grid.basis = {.up = usd("1"), .down = usd("1"), .add = Money{}, .factor = Money{}};
    grid.discount = {
        .long_base = usd("1"),
        .long_rate_factor = Money{},
        .long_rate_add = Money{},
        .short_base = usd("1"),
        .short_rate_factor = Money{},
        .short_rate_add = Money{}};
    return out;
}

std::vector<Money> ten_moves() {
    std::vector<Money> out;
    for (const char* move :
         {"1.03", "0.98", "1.01", "0.9", "1.05", "0.99", "1", "0.95", "1.02", "1.04"}) {
        out.push_back(usd(move));
    }
    return out;
}

struct Required {
    Money initial;
    Money liquidation_end;
    Money maintenance;
};

// Of the positions alone: the dollars beside them count in full at every level.
Required required_by(const Parameters& parameters, const std::vector<VenuePosition>& positions) {
    const auto state = [&](const std::vector<VenuePosition>& held) {
        return evaluate_state(
            trader(units("9000000", 6), held), venue_prices(), parameters, false, false
        );
    };
    const AccountState with = state(positions);
    const AccountState without = state({});
    EXPECT_NE(with.status, Status::kUnattestable);
    const auto of = [&](const Money& health, const Money& before) {
        return (with.equity - health) - (without.equity - before);
    };
    return {
        .initial = of(with.initial, without.initial),
        .liquidation_end = of(with.liquidation_end, without.liquidation_end),
        .maintenance = of(with.maintenance, without.maintenance)};
}

TEST(TailLevel, RequirementIsTheMeanOfTheWorstMovesByHand) {
    // Long one btc at 50,000. At 80 % the worst two of ten count: 5000 and 2500, mean 3750.
    const Parameters p = by_history(ten_moves(), usd("0.8"));
    const std::vector<ParameterError> errors = check(p);
    ASSERT_TRUE(errors.empty()) << errors.front().where << " " << errors.front().what;
    const Required two = required_by(p, {position(p, "btc-perp", usd("1"), usd("50000"))});
    EXPECT_EQ(two.initial, usd("3750"));
    EXPECT_EQ(two.liquidation_end, usd("3375"));
    EXPECT_EQ(two.maintenance, usd("3000"));
    // At 70 % also 1000: a third of 8500, rounded up, then once more at each factor.
    const Parameters three = by_history(ten_moves(), usd("0.7"));
    const Required r = required_by(three, {position(three, "btc-perp", usd("1"), usd("50000"))});
    EXPECT_EQ(r.initial, usd("2833.333333333333333334"));
    EXPECT_EQ(r.liquidation_end, usd("2550.000000000000000001"));
    EXPECT_EQ(r.maintenance, usd("2266.666666666666666668"));
    // Short it loses by the rises: 2500, 2000.
    EXPECT_EQ(
        required_by(p, {position(p, "btc-perp", usd("-1"), usd("50000"))}).initial, usd("2250")
    );
}

TEST(TailLevel, AtTheEndsItIsTheWorstMoveAndTheMeanOfAll) {
    const Parameters worst = by_history(ten_moves(), Money{});
    const Parameters sure = by_history(ten_moves(), usd("1"));
    const auto needed = [](const Parameters& p) {
        return required_by(p, {position(p, "btc-perp", usd("1"), usd("50000"))}).initial;
    };
    EXPECT_EQ(needed(worst), usd("5000"));
    EXPECT_EQ(needed(sure), usd("5000"));
    // All ten: the sum of moves is -0.03, and a tenth of 1500 is left.
    EXPECT_EQ(needed(by_history(ten_moves(), Money::from_e18(1))), usd("150"));
    // A mean that is a gain is no requirement below zero.
    const Parameters gain = by_history({usd("0.99"), usd("1.5")}, Money::from_e18(1));
    EXPECT_EQ(needed(gain), Money{});
}

TEST(TailLevel, SharesSayValueAtRiskAndShortfall) {
    const Parameters p = by_history(ten_moves(), usd("0.8"));
    const Market market(venue_prices(), p);
    const auto shares = shares_of(
        trader(units("100000", 6), {position(p, "btc-perp", usd("1"), usd("50000"))}), market
    );
    ASSERT_TRUE(shares.has_value());
    const VenueShare& venue = shares.value().venues.at(0);
    ASSERT_TRUE(venue.tail.has_value());
    EXPECT_EQ(venue.tail_level, usd("0.8"));
    EXPECT_EQ(venue.tail->count, 2U);
    EXPECT_EQ(venue.tail->value_at_risk, usd("2500"));
    EXPECT_EQ(venue.tail->expected_shortfall, usd("3750"));
    const Parameters none = by_history(ten_moves(), Money{});
    const Market plain(venue_prices(), none);
    EXPECT_FALSE(
        shares_of(
            trader(units("100000", 6), {position(none, "btc-perp", usd("1"), usd("50000"))}), plain
        )
            .value()
            .venues.at(0)
            .tail.has_value()
    );
}

struct History {
    std::vector<Money> moves;
    /// In thousandths.
    std::uint64_t level{0};
};

History random_history(Rng& rng) {
    History out;
    // A grid has a move either way.
    out.moves = {usd("0.999"), usd("1.001")};
    for (std::uint64_t n = rng.in(0, 250); n > 0; --n) {
        out.moves.push_back(times(Money::from_e18(1'000'000'000'000), rng.in(500'000, 1'600'000)));
    }
    std::ranges::rotate(out.moves, out.moves.begin() + 1);
    out.level = rng.in(1, 1'000);
    return out;
}

Money level_of(const History& history) {
    return times(Money::from_e18(1'000'000'000'000'000), history.level);
}

// How many of the worst count: the least whole number not below (1 - level) n, and one at least.
std::size_t tail_count(const History& history) {
    const std::uint64_t n = history.moves.size();
    return std::max<std::uint64_t>(1, ((1'000 - history.level) * n + 999) / 1'000);
}

TEST(TailLevel, PerpetualsNeedTheExactMeanOverRandomHistories) {
    check_property(kCases, [] {
        Rng rng(*rc::gen::arbitrary<std::uint64_t>());
        const History history = random_history(rng);
        const Parameters p = by_history(history.moves, level_of(history));
        // Sizes of whole thousandths and a price of 50,000: no pnl needs to be rounded.
        const Money thousandth = Money::from_e18(1'000'000'000'000'000);
        const Money size = times(thousandth, rng.in(1, 20'000));
        const Money held = rng.chance(50) ? size : -size;
        std::vector<Rational> losses;
        for (const Money& move : history.moves) {
            losses.push_back(Rational(-50'000) * ratio(held) * (ratio(move) - 1));
        }
        std::ranges::sort(losses, std::greater<>());
        const std::size_t count = tail_count(history);
        Rational sum = 0;
        for (std::size_t i = 0; i < count; ++i) {
            sum += losses[i];
        }
        const Rational shortfall = std::max<Rational>(sum / count, 0) * ten(18);
        const Required r = required_by(p, {position(p, "btc-perp", held, usd("50000"))});
        // Never less than the exact mean, and no more than two roundings above it.
        const auto is_just_above = [](const Money& got, const Rational& wanted) {
            return exact(got) >= wanted && exact(got) < wanted + 2;
        };
        RC_ASSERT(is_just_above(r.initial, shortfall));
        RC_ASSERT(is_just_above(r.liquidation_end, shortfall * 9 / 10));
        RC_ASSERT(is_just_above(r.maintenance, shortfall * 8 / 10));
    });
}

double normal(double x) {
    return std::erfc(-x / std::sqrt(2.0)) / 2;
}

// Black-76 in floating point, apart from margin/black76.hpp.
double option_value(const OptionMarket& option, double spot, double rate) {
    const double years = static_cast<double>(option.expiry - kPricedAt) / (365.0 * 24 * 3'600);
    const double forward = spot * std::exp(rate * years);
    const double strike = std::strtod(option.strike.to_decimal().c_str(), nullptr);
    const double width =
        std::strtod(option.volatility.to_decimal().c_str(), nullptr) * std::sqrt(years);
    const double d1 = std::log(forward / strike) / width + width / 2;
    const double call = forward * normal(d1) - strike * normal(d1 - width);
    return (option.is_call ? call : call - forward + strike) * std::exp(-rate * years);
}

TEST(TailLevel, OptionsNeedTheMeanOverRandomHistories) {
    check_property(kCases, [] {
        Rng rng(*rc::gen::arbitrary<std::uint64_t>());
        const History history = random_history(rng);
        const Parameters p = by_history(history.moves, level_of(history));
        const std::vector<VenuePosition> positions = random_positions(p, "btc", rng);
        const VenueParameters& venue = p.venues.front();
        const auto real = [](const Money& m) {
            return std::strtod(m.to_decimal().c_str(), nullptr);
        };
        const auto worth = [&](double move) {
            double sum = 0;
            for (const VenuePosition& held : positions) {
                const auto option =
                    std::ranges::find(venue.option_markets, held.market, &OptionMarket::market);
                sum += real(held.size) * (option == venue.option_markets.end()
                                              ? 50'000 * move
                                              : option_value(*option, 50'000 * move, 0.05));
            }
            return sum;
        };
        std::vector<double> losses;
        for (const Money& move : history.moves) {
            losses.push_back(worth(1) - worth(real(move)));
        }
        std::ranges::sort(losses, std::greater<>());
        double sum = 0;
        for (std::size_t i = 0; i < tail_count(history); ++i) {
            sum += losses[i];
        }
        const double shortfall = std::max(sum / static_cast<double>(tail_count(history)), 0.0);
        const double got = real(required_by(p, positions).initial);
        RC_ASSERT(std::abs(got - shortfall) < 1e-6 * (1 + shortfall));
    });
}

}  // namespace
}  // namespace margrave::margin::tests
