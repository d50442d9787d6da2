// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

// Transcendental functions in integers. Every result is one bit pattern, whatever the compiler, so
// operators can sign what follows from it. The methods are published: logarithm by the series of
// artanh and exponential by its Taylor series after a reduction by powers of two (Abramowitz and
// Stegun 4.1.27, 4.2.1), the normal distribution by Taylor expansion of the Mills ratio about a
// table of its values (Marsaglia, "Evaluating the Normal Distribution", 2004).
namespace margrave::margin {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

/// A signed number with 64 fraction bits: |x| < 2^63, unit 2^-64 = 5.4e-20. Dimensionless: ratios,
/// logarithms, years, standard deviations. An "ulp" below is one such unit.
struct Q64 {
    Int128 raw{0};

    static constexpr Q64 from_raw(Int128 raw) {
        Q64 out;
        out.raw = raw;
        return out;
    }

    static constexpr Q64 whole(std::int32_t units) {
        return from_raw(static_cast<Int128>(units) * (static_cast<Int128>(1) << 64));
    }

    friend constexpr Q64 operator+(Q64 a, Q64 b) { return from_raw(a.raw + b.raw); }

    friend constexpr Q64 operator-(Q64 a, Q64 b) { return from_raw(a.raw - b.raw); }

    friend constexpr Q64 operator-(Q64 a) { return from_raw(-a.raw); }

    constexpr std::strong_ordering operator<=>(const Q64&) const = default;
    constexpr bool operator==(const Q64&) const = default;
};

/// a * b toward zero: less than 1 ulp off. The product must be below 2^63.
Q64 times(Q64 a, Q64 b);
/// a / b, less than 1 ulp off for |b| < 2^32, else 2^-31 of the quotient. Where the quotient would
/// be 2^40 or more, or b is zero, the answer is 2^40 with the sign of a.
Q64 over(Q64 a, Q64 b);
/// a / 2, toward minus infinity.
Q64 half(Q64 a);
/// numerator / denominator of two counts below 2^63, toward zero; the denominator is not zero.
Q64 fraction(std::uint64_t numerator, std::uint64_t denominator);

/// ln of a positive integer. At most 8 ulp off.
Q64 ln(Uint128 x);
/// ln of a positive number. At most 16 ulp off.
Q64 ln(Q64 x);
/// e^x. Relative error at most 2^-60, and at most 4 ulp for x <= 0; zero below -45. x < 43.
Q64 exp(Q64 x);
/// Square root, rounded down; of a negative number zero.
Q64 sqrt(Q64 x);
/// base^exponent for base > 0: exp(exponent * ln(base)). Relative error at most 2^-55 while the
/// result is below 2^20.
Q64 pow(Q64 base, Q64 exponent);

/// Density of the standard normal distribution. At most 8 ulp off.
Q64 normal_density(Q64 x);
/// Distribution function of the standard normal distribution, in [0, 1] and N(x) + N(-x) = 1 to the
/// last bit. At most 8 ulp off.
Q64 normal(Q64 x);

/// floor(sqrt(x)).
std::uint64_t integer_sqrt(Uint128 x);

/// price * weight for a non-negative E18 integer below 2^127 and a weight in [0, 2^31), rounded
/// down. The product must be below 2^127.
Int128 scaled_down(Int128 price, Q64 weight);
/// An E18 integer as Q64, toward zero; |e18| < 2^127 and the value below 2^63.
Q64 q64_of_e18(Int128 e18);
/// And back, toward zero.
Int128 e18_of_q64(Q64 x);

}  // namespace margrave::margin
