// SPDX-License-Identifier: Apache-2.0
#include "margin/black76.hpp"

#include "tests/unit/margin/exact.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

using Real = boost::multiprecision::cpp_bin_float_50;

Real real(const Money& m) {
    return Real(m.rep().str());
}

Real one() {
    return Real("1000000000000000000");
}

Real normal_of(const Real& x) {
    return boost::math::erfc(Real(-x / sqrt(Real(2)))) / 2;
}

// A positive E18 number of up to `digits` digits.
Money positive(Rng& rng, unsigned digits) {
    Money out = Money::from_e18(static_cast<std::int64_t>(rng.in(1, 999'999'999)));
    for (unsigned i = 9; i < digits; ++i) {
        out = times(out, rng.in(1, 10));
    }
    return out;
}

Black76 draw(Rng& rng) {
    return {
        .forward = positive(rng, 24),
        .strike = positive(rng, 24),
        .volatility =
            Money::from_e18(static_cast<std::int64_t>(rng.in(0, 5'000'000'000'000'000'000))),
        .seconds = rng.in(0, 3 * kYearSeconds),
        .discount = Money::from_e18(
            static_cast<std::int64_t>(rng.in(500'000'000'000'000'000, 1'000'000'000'000'000'000))
        )};
}

TEST(Black76, PricesAreOffByLessThanTheStatedError) {
    Rng rng(1976);
    for (int i = 0; i < 1'000; ++i) {
        Black76 option = draw(rng);
        option.strike = times(option.forward, rng.in(1, 400));
        option.strike =
            mul_div(option.strike, Money::from_e18(1), Money::from_e18(100), Rounding::kUp);
        option.seconds += 60;
        option.volatility += Money::from_e18(10'000'000'000'000'000);
        const Real f = real(option.forward);
        const Real k = real(option.strike);
        const Real v =
            real(option.volatility) / one() * sqrt(Real(option.seconds) / Real(kYearSeconds));
        const Real d1 = log(f / k) / v + v / 2;
        const Real discount = real(option.discount) / one();
        const Real call = discount * (f * normal_of(d1) - k * normal_of(d1 - v));
        const Real put = discount * (k * normal_of(v - d1) - f * normal_of(-d1));
        const OptionPair ours = prices(option);
        const Real allowed = real(price_error(option.forward, option.strike)) + 1;
        EXPECT_LE(abs(real(ours.call) - call), allowed);
        EXPECT_LE(abs(real(ours.put) - put), allowed);
    }
}

TEST(Black76, ParityAndBoundsHoldForAnyInput) {
    margrave::tests::check_property(kCases, [] {
        Rng rng(*rc::gen::arbitrary<std::uint64_t>());
        Black76 option = draw(rng);
        option.discount = Money::whole(1);
        const OptionPair ours = prices(option);
        RC_ASSERT((ours.call - ours.put == option.forward - option.strike));
        RC_ASSERT(!ours.call.is_negative());
        RC_ASSERT(!ours.put.is_negative());
        RC_ASSERT(ours.call <= option.forward);
        RC_ASSERT(ours.put <= option.strike);
    });
}

TEST(Black76, MoreVolatilityOrTimeIsNeverWorthLess) {
    margrave::tests::check_property(kCases, [] {
        Rng rng(*rc::gen::arbitrary<std::uint64_t>());
        Black76 option = draw(rng);
        option.discount = Money::whole(1);
        const Money before = prices(option).call + price_error(option.forward, option.strike);
        option.volatility +=
            Money::from_e18(static_cast<std::int64_t>(rng.in(0, 1'000'000'000'000'000'000)));
        option.seconds += rng.in(0, kYearSeconds);
        const Money after = prices(option).call + price_error(option.forward, option.strike);
        RC_ASSERT((after + price_error(option.forward, option.strike) >= before));
    });
}

TEST(Black76, EndsOfTheRangeAreExact) {
    const Money none;
    const Money thousand = Money::whole(1'000);
    const Money huge = Money::parse_e18("340282366920938463463374607431768211455").value();
    const Black76 base{
        .forward = thousand,
        .strike = none,
        .volatility = Money::whole(4),
        .seconds = kYearSeconds,
        .discount = usd("0.99")};
    Black76 option = base;
    EXPECT_EQ(prices(option).call, Money::whole(990));
    EXPECT_EQ(prices(option).put, none);
    option.forward = none;
    option.strike = thousand;
    EXPECT_EQ(prices(option).call, none);
    EXPECT_EQ(prices(option).put, Money::whole(990));
    option.discount = Money::whole(1);
    option.forward = Money::from_e18(1);
    option.strike = huge;
    EXPECT_EQ(prices(option).call, none);
    EXPECT_EQ(prices(option).put, huge - Money::from_e18(1));
    std::swap(option.forward, option.strike);
    EXPECT_EQ(prices(option).call, huge - Money::from_e18(1));
    EXPECT_EQ(prices(option).put, none);
    option = base;
    option.strike = Money::whole(900);
    option.seconds = 0;
    EXPECT_EQ(prices(option).call, Money::whole(99));
}

// Differences of prices a little apart.
TEST(Black76, GreeksAreTheSlopesOfThePrices) {
    const Black76 option{
        .forward = Money::whole(2'000),
        .strike = Money::whole(2'200),
        .volatility = usd("0.6"),
        .seconds = 40 * 86'400,
        .discount = usd("0.98")};
    const Greeks ours = greeks(option);
    const auto near = [](const Money& a, const Money& b, const char* part) {
        const Money allowed = times(abs(b), usd(part), Rounding::kUp);
        EXPECT_LE(abs(a - b), allowed) << a.to_decimal() << " and " << b.to_decimal();
    };
    const auto call_at = [&option](const Money& forward, const Money& volatility) {
        Black76 moved = option;
        moved.forward = forward;
        moved.volatility = volatility;
        return prices(moved).call;
    };
    const Money up = call_at(usd("2000.1"), option.volatility);
    const Money down = call_at(usd("1999.9"), option.volatility);
    near(over(up - down, usd("0.2"), Rounding::kDown), ours.call_delta, "0.0001");
    EXPECT_LE(abs(ours.call_delta - ours.put_delta - option.discount), Money::from_e18(4));
    const Money bend = up + down - times(prices(option).call, 2);
    near(over(bend, usd("0.01"), Rounding::kDown), ours.gamma, "0.0001");
    const Money vega =
        call_at(option.forward, usd("0.6001")) - call_at(option.forward, usd("0.5999"));
    near(over(vega, usd("0.0002"), Rounding::kDown), ours.vega, "0.0001");
    Black76 later = option;
    later.seconds -= 600;
    const Money lost = prices(later).call - prices(option).call;
    near(times(lost, kYearSeconds), times(ours.theta, 600), "0.001");
}

}  // namespace
}  // namespace margrave::margin::tests
