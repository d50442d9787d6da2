// SPDX-License-Identifier: Apache-2.0
#include "margin/fixed.hpp"

#include "tests/unit/margin/fixture.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>

// The stated error bounds against functions of fifty digits.
namespace margrave::margin::tests {
namespace {

using Real = boost::multiprecision::cpp_bin_float_50;

constexpr std::uint64_t kSeed = 76;
constexpr int kCases = 10'000;

Real ulp() {
    return ldexp(Real(1), -64);
}

Real real(Q64 x) {
    const bool negative = x.raw < 0;
    const auto magnitude = static_cast<Uint128>(negative ? -x.raw : x.raw);
    const Real out = ldexp(Real(static_cast<std::uint64_t>(magnitude >> 64)), 64) +
                     Real(static_cast<std::uint64_t>(magnitude));
    return negative ? -out * ulp() : out * ulp();
}

// A number below 2^bits with 64 fraction bits, of any size.
Q64 draw(Rng& rng, unsigned bits) {
    const auto wide = static_cast<Uint128>(rng.next()) << 64 | rng.next();
    const auto shift = static_cast<unsigned>(rng.in(64 - bits, 120));
    return Q64::from_raw(static_cast<Int128>(wide >> shift) + 1);
}

Q64 signed_draw(Rng& rng, unsigned bits) {
    const Q64 x = draw(rng, bits);
    return rng.chance(50) ? -x : x;
}

TEST(Fixed, ProductsAndQuotientsAreOffByLessThanOneUlp) {
    Rng rng(kSeed);
    for (int i = 0; i < kCases; ++i) {
        const Q64 a = signed_draw(rng, 28);
        const Q64 b = signed_draw(rng, 28);
        EXPECT_LT(abs(real(times(a, b)) - real(a) * real(b)), ulp());
        const Real quotient = real(a) / real(b);
        if (abs(quotient) < ldexp(Real(1), 40)) {
            EXPECT_LT(abs(real(over(a, b)) - quotient), ulp());
        } else {
            EXPECT_EQ(abs(real(over(a, b))), ldexp(Real(1), 40));
        }
    }
    EXPECT_EQ(over(Q64::whole(-1), Q64{}).raw, -(static_cast<Int128>(1) << 104));
}

TEST(Fixed, LogarithmIsOffByAtMostItsBound) {
    Rng rng(kSeed);
    for (int i = 0; i < kCases; ++i) {
        const Q64 x = draw(rng, 62);
        const Real wanted = log(real(x));
        EXPECT_LE(abs(real(ln(x)) - wanted), 16 * ulp());
        const Real of_integer = wanted + 64 * log(Real(2));
        EXPECT_LE(abs(real(ln(static_cast<Uint128>(x.raw))) - of_integer), 8 * ulp());
    }
    EXPECT_EQ(ln(static_cast<Uint128>(1)), Q64{});
}

TEST(Fixed, ExponentialIsOffByAtMostItsBound) {
    Rng rng(kSeed);
    for (int i = 0; i < kCases; ++i) {
        const Q64 x = signed_draw(rng, 5);
        const Real wanted = exp(real(x));
        const Real error = abs(real(exp(x)) - wanted);
        EXPECT_LE(error, x <= Q64{} ? Real(4 * ulp()) : Real(wanted * ldexp(Real(1), -60)));
    }
    EXPECT_EQ(exp(Q64{}), Q64::whole(1));
    EXPECT_EQ(exp(Q64::whole(-100)), Q64{});
}

TEST(Fixed, SquareRootRoundsDown) {
    Rng rng(kSeed);
    for (int i = 0; i < kCases; ++i) {
        const Q64 x = draw(rng, 62);
        const Real root = sqrt(real(x));
        const Real ours = real(sqrt(x));
        EXPECT_LE(ours, root);
        EXPECT_LE(root - ours, ulp() + root * ldexp(Real(1), -61));
        const auto integer = static_cast<Uint128>(x.raw);
        const Uint128 floor = integer_sqrt(integer);
        EXPECT_LE(floor * floor, integer);
        EXPECT_GT((floor + 1) * (floor + 1), integer);
    }
    EXPECT_EQ(sqrt(Q64::whole(4)), Q64::whole(2));
    EXPECT_EQ(integer_sqrt(0), 0U);
}

TEST(Fixed, PowerIsOffByAtMostItsBound) {
    Rng rng(kSeed);
    for (int i = 0; i < kCases; ++i) {
        const Q64 base = draw(rng, 20);
        const Q64 exponent = Q64::from_raw(static_cast<Int128>(rng.next()));
        const Real wanted = pow(real(base), real(exponent));
        const Real error = abs(real(pow(base, exponent)) - wanted);
        EXPECT_LE(error, wanted * ldexp(Real(1), -55) + 4 * ulp());
    }
}

Real distribution(const Real& x) {
    return boost::math::erfc(Real(-x / sqrt(Real(2)))) / 2;
}

TEST(Fixed, NormalDistributionIsOffByAtMostItsBound) {
    Rng rng(kSeed);
    const Real root_of_two_pi = sqrt(2 * boost::math::constants::pi<Real>());
    for (int i = 0; i < 3'000; ++i) {
        const auto raw = static_cast<Int128>(static_cast<Uint128>(rng.next()) * rng.in(0, 12));
        const Q64 x = Q64::from_raw(rng.chance(50) ? -raw : raw);
        EXPECT_LE(abs(real(normal(x)) - distribution(real(x))), 8 * ulp());
        const Real density = exp(Real(-real(x) * real(x) / 2)) / root_of_two_pi;
        EXPECT_LE(abs(real(normal_density(x)) - density), 8 * ulp());
        EXPECT_EQ(normal(x) + normal(-x), Q64::whole(1));
    }
}

// A step of one piece of the table to the next must not be one down.
TEST(Fixed, NormalDistributionGrowsAcrossThePiecesOfItsTable) {
    for (std::int32_t half_units = -20; half_units <= 20; ++half_units) {
        const Q64 edge = half(Q64::whole(half_units));
        const Q64 step = Q64::from_raw(1 << 20);
        EXPECT_LE(normal(edge - step), normal(edge));
        EXPECT_LE(normal(edge), normal(edge + step));
    }
}

TEST(Fixed, E18NumbersComeBackWithinOneUnit) {
    Rng rng(kSeed);
    for (int i = 0; i < kCases; ++i) {
        const auto e18 =
            static_cast<Int128>(rng.next()) * static_cast<Int128>(rng.in(1, 1'000'000));
        const Int128 back = e18_of_q64(q64_of_e18(e18));
        EXPECT_TRUE(back == e18 || back == e18 - 1);
        EXPECT_TRUE(e18_of_q64(q64_of_e18(-e18)) == -back);
    }
}

}  // namespace
}  // namespace margrave::margin::tests
