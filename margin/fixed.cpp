// SPDX-License-Identifier: Apache-2.0
#include "margin/fixed.hpp"

#include <array>
#include <bit>
#include <cstddef>

namespace margrave::margin {
namespace {

constexpr Uint128 kOne = static_cast<Uint128>(1) << 64;
constexpr std::uint64_t kE18 = 1'000'000'000'000'000'000U;

constexpr Int128 q(std::uint64_t high, std::uint64_t low) {
    return static_cast<Int128>(static_cast<Uint128>(high) << 64 | low);
}

constexpr Uint128 magnitude(Int128 x) {
    return x < 0 ? ~static_cast<Uint128>(x) + 1 : static_cast<Uint128>(x);
}

constexpr Int128 with_sign(Uint128 x, bool negative) {
    return negative ? -static_cast<Int128>(x) : static_cast<Int128>(x);
}

// floor(a * b / 2^64) in four 64-bit products; the caller knows that it fits.
constexpr Uint128 mul_shift(Uint128 a, Uint128 b) {
    const Uint128 al = static_cast<std::uint64_t>(a);
    const Uint128 bl = static_cast<std::uint64_t>(b);
    const Uint128 ah = a >> 64;
    const Uint128 bh = b >> 64;
    return ((ah * bh) << 64) + ah * bl + al * bh + ((al * bl) >> 64);
}

constexpr Int128 mul_q(Int128 a, Int128 b) {
    return with_sign(mul_shift(magnitude(a), magnitude(b)), (a < 0) != (b < 0));
}

// floor(a * 2^64 / b) for b < 2^96, two halves of the fraction at a time.
constexpr Uint128 div_shift(Uint128 a, Uint128 b) {
    const Uint128 whole = a / b;
    const Uint128 first = (a % b) << 32;
    const Uint128 second = (first % b) << 32;
    return (whole << 64) + ((first / b) << 32) + second / b;
}

constexpr int top_bit(Uint128 x) {
    const auto high = static_cast<std::uint64_t>(x >> 64);
    return high != 0 ? 127 - std::countl_zero(high)
                     : 63 - std::countl_zero(static_cast<std::uint64_t>(x));
}

constexpr Int128 kInverseLn2 = q(0x1, 0x71547652b82fe177);
constexpr Int128 kDensityAtZero = q(0x0, 0x662114cf50d94234);
// ln 2 with 96 fraction bits, so that a multiple of it is still exact to one ulp.
constexpr Int128 kLn2Q96 = q(0xb17217f7, 0xd1cf79abc9e3b398);

constexpr Int128 times_ln2(int count) {
    return (kLn2Q96 * count) >> 32;
}

// 1 / (2k + 1).
constexpr auto kArtanh = [] {
    std::array<Int128, 14> out{};
    for (std::size_t k = 0; k < out.size(); ++k) {
        out[k] = static_cast<Int128>((kOne + k) / (2 * k + 1));
    }
    return out;
}();

// 1 / k!.
constexpr auto kInverseFactorial = [] {
    std::array<Int128, 19> out{};
    Uint128 factorial = 1;
    for (std::size_t k = 0; k < out.size(); ++k) {
        factorial *= k == 0 ? 1 : k;
        out[k] = static_cast<Int128>((kOne + factorial / 2) / factorial);
    }
    return out;
}();

// Mills ratio (1 - N(c)) / density(c) at c = 1/4, 3/4, ... 37/4.
constexpr std::array kMills{
    q(0x1, 0x09aedf1446de321f), q(0x0, 0xc0a88139fd4fb525), q(0x0, 0x941402db49dda5ed),
    q(0x0, 0x76dcd19f3c5236ec), q(0x0, 0x6299141116ee59ab), q(0x0, 0x53e2b9dd344e25b4),
    q(0x0, 0x48cd44b3d9de6724), q(0x0, 0x4031e154c2ac4506), q(0x0, 0x39577296a65873c1),
    q(0x0, 0x33c4e6ebd48a8919), q(0x0, 0x2f283bfdb5b8f23c), q(0x0, 0x2b482e6ebb18cc08),
    q(0x0, 0x27fbb04fb8ec75b2), q(0x0, 0x2524a2514e399682), q(0x0, 0x22ac76227d00583e),
    q(0x0, 0x2081f93423e11186), q(0x0, 0x1e97d883a154ba5c), q(0x0, 0x1ce39b0aaa0f6c47),
    q(0x0, 0x1b5cea1fe96c5203),
};
constexpr std::size_t kMillsDegree = 20;
using MillsSeries = std::array<Int128, kMillsDegree>;

// Taylor coefficients of the Mills ratio R about c, from R' = x R - 1:
// a1 = c a0 - 1 and (k + 1) a(k+1) = c a(k) + a(k-1).
constexpr MillsSeries mills_series(Int128 at, Int128 c) {
    MillsSeries a{};
    a[0] = at;
    a[1] = mul_q(c, a[0]) - static_cast<Int128>(kOne);
    for (std::size_t k = 1; k + 1 < a.size(); ++k) {
        a[k + 1] = (mul_q(c, a[k]) + a[k - 1]) / static_cast<Int128>(k + 1);
    }
    return a;
}

constexpr auto kMillsSeries = [] {
    std::array<MillsSeries, kMills.size()> out{};
    for (std::size_t j = 0; j < out.size(); ++j) {
        const auto c = static_cast<Int128>((2 * j + 1) * (kOne / 4));
        out[j] = mills_series(kMills[j], c);
    }
    return out;
}();

template <std::size_t N>
Int128 polynomial(const std::array<Int128, N>& coefficients, Int128 x) {
    Int128 sum = coefficients[N - 1];
    for (std::size_t k = N - 1; k > 0; --k) {
        sum = mul_q(sum, x) + coefficients[k - 1];
    }
    return sum;
}

// ln of m in [1, 2) as Q64: 2 artanh((m - 1) / (m + 1)), about 1 or about 2, whichever is nearer.
Int128 ln_mantissa(Uint128 m, bool about_two) {
    const auto center = static_cast<Int128>(about_two ? 2 * kOne : kOne);
    const Int128 difference = static_cast<Int128>(m) - center;
    const Uint128 sum = m + static_cast<Uint128>(center);
    const Int128 z = with_sign((magnitude(difference) << 64) / sum, difference < 0);
    return 2 * mul_q(z, polynomial(kArtanh, mul_q(z, z)));
}

// 1 - N(x) for x >= 0.
Int128 upper_tail(Int128 x) {
    const auto piece = static_cast<std::size_t>(x >> 63);
    if (piece >= kMillsSeries.size()) {
        return 0;
    }
    const auto center = static_cast<Int128>((2 * piece + 1) * (kOne / 4));
    const Int128 ratio = polynomial(kMillsSeries[piece], x - center);
    return mul_q(normal_density(Q64::from_raw(x)).raw, ratio);
}

}  // namespace

Q64 times(Q64 a, Q64 b) {
    return Q64::from_raw(mul_q(a.raw, b.raw));
}

Q64 over(Q64 a, Q64 b) {
    constexpr Uint128 kMost = kOne << 40;
    const bool negative = (a.raw < 0) != (b.raw < 0);
    Uint128 numerator = magnitude(a.raw);
    Uint128 denominator = magnitude(b.raw);
    while (top_bit(denominator) >= 96) {
        numerator >>= 32;
        denominator >>= 32;
    }
    if (denominator == 0 || numerator / denominator >= kMost >> 64) {
        return Q64::from_raw(with_sign(kMost, negative));
    }
    return Q64::from_raw(with_sign(div_shift(numerator, denominator), negative));
}

Q64 half(Q64 a) {
    return Q64::from_raw(a.raw >> 1);
}

Q64 fraction(std::uint64_t numerator, std::uint64_t denominator) {
    return Q64::from_raw(static_cast<Int128>((static_cast<Uint128>(numerator) << 64) / denominator)
    );
}

Q64 ln(Uint128 x) {
    constexpr std::uint64_t kSqrt2Fraction = 0x6a09e667f3bcc908;
    const int exponent = top_bit(x);
    const Uint128 m = exponent > 64 ? x >> (exponent - 64) : x << (64 - exponent);
    const bool about_two = m > kOne + kSqrt2Fraction;
    const Int128 part = ln_mantissa(m, about_two);
    return Q64::from_raw(times_ln2(about_two ? exponent + 1 : exponent) + part);
}

Q64 ln(Q64 x) {
    return Q64::from_raw(ln(static_cast<Uint128>(x.raw)).raw - times_ln2(64));
}

Q64 exp(Q64 x) {
    constexpr std::int32_t kLeast = -45;
    if (x < Q64::whole(kLeast)) {
        return Q64{};
    }
    // The nearest multiple of ln 2, so that the rest is at most ln 2 / 2.
    const Int128 turns = mul_q(x.raw, kInverseLn2) + (static_cast<Int128>(1) << 63);
    const auto exponent = static_cast<int>(turns >> 64);
    const Int128 series = polynomial(kInverseFactorial, x.raw - times_ln2(exponent));
    return Q64::from_raw(exponent >= 0 ? series << exponent : series >> -exponent);
}

Q64 sqrt(Q64 x) {
    if (x.raw <= 0) {
        return Q64{};
    }
    // sqrt(raw * 2^64), with as many of the 64 bits below the point as fit.
    const auto raw = static_cast<Uint128>(x.raw);
    const int room = (126 - top_bit(raw)) / 2 * 2;
    const int shift = room < 64 ? room : 64;
    const Uint128 root = integer_sqrt(raw << shift);
    return Q64::from_raw(static_cast<Int128>(root << ((64 - shift) / 2)));
}

Q64 pow(Q64 base, Q64 exponent) {
    return exp(times(exponent, ln(base)));
}

Q64 normal_density(Q64 x) {
    constexpr std::int32_t kFar = 10;
    if (x > Q64::whole(kFar) || x < -Q64::whole(kFar)) {
        return Q64{};
    }
    return Q64::from_raw(mul_q(exp(half(-times(x, x))).raw, kDensityAtZero));
}

Q64 normal(Q64 x) {
    if (x.raw == 0) {
        return half(Q64::whole(1));
    }
    if (x.raw > 0) {
        return Q64::from_raw(static_cast<Int128>(kOne) - upper_tail(x.raw));
    }
    return Q64::from_raw(upper_tail(-x.raw));
}

std::uint64_t integer_sqrt(Uint128 x) {
    if (x == 0) {
        return 0;
    }
    // Newton from above: the first guess is at least the root, so it falls until it stays.
    Uint128 root = static_cast<Uint128>(1) << (top_bit(x) / 2 + 1);
    for (;;) {
        const Uint128 next = (root + x / root) >> 1;
        if (next >= root) {
            return static_cast<std::uint64_t>(root);
        }
        root = next;
    }
}

Int128 scaled_down(Int128 price, Q64 weight) {
    return static_cast<Int128>(
        mul_shift(static_cast<Uint128>(price), static_cast<Uint128>(weight.raw))
    );
}

Q64 q64_of_e18(Int128 e18) {
    return Q64::from_raw(with_sign(div_shift(magnitude(e18), kE18), e18 < 0));
}

Int128 e18_of_q64(Q64 x) {
    return with_sign(mul_shift(magnitude(x.raw), static_cast<Uint128>(kE18)), x.raw < 0);
}

}  // namespace margrave::margin
