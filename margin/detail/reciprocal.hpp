// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/fixed.hpp"
#include "margin/numeric.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace margrave::margin::detail {

/// A fixed fraction p / q as an integer M over 2^k, so that a quotient of it costs six
/// multiplications. With a below 2^bits, q at most 2^(k - bits) and
///   M = ceil(p 2^k / q):   floor(a M / 2^k) = floor(a p / q),
///   M = floor(p 2^k / q):  ceil(a M / 2^k)  = ceil(a p / q),
/// because a M / 2^k is less than 1 / q away from a p / q, whose distance to the integer on the
/// other side is at least that.
struct Reciprocal {
    std::array<std::uint64_t, 3> limbs{};
    /// k - 128.
    unsigned shift{0};
};

/// Amounts below this many bits may be multiplied.
inline constexpr unsigned kFactorBits = 96;
/// Values below this many bits may be discounted.
inline constexpr unsigned kValueBits = 96;

/// p / q for factors below 2^bits; p and q positive. Nullopt when M has more than 192 bits.
std::optional<Reciprocal> reciprocal_down(const Money& p, const Money& q, unsigned bits);
std::optional<Reciprocal> reciprocal_up(const Money& p, const Money& q, unsigned bits);

/// The largest factor a below 2^96 with a p / q, rounded up, below 2^96.
Uint128 largest_below(const Money& p, const Money& q);

/// Of a factor, the 32 bits above the first 64.
inline std::uint32_t upper_word(Uint128 factor) {
    return static_cast<std::uint32_t>(factor >> 64);
}

/// Two's complement in two words.
inline Int128 signed_of(std::uint64_t low, std::uint64_t high) {
    return static_cast<Int128>(static_cast<Uint128>(high) << 64 | low);
}

/// The five limbs of a * M, lowest first.
inline std::array<std::uint64_t, 5> product(Uint128 a, const Reciprocal& m) {
    const auto low = [](Uint128 x) {
        return static_cast<std::uint64_t>(x);
    };
    const auto high = [](Uint128 x) {
        return static_cast<std::uint64_t>(x >> 64);
    };
    const Uint128 a0 = low(a);
    const Uint128 a1 = high(a);
    const Uint128 p00 = a0 * m.limbs[0];
    const Uint128 p01 = a0 * m.limbs[1];
    const Uint128 p02 = a0 * m.limbs[2];
    const Uint128 p10 = a1 * m.limbs[0];
    const Uint128 p11 = a1 * m.limbs[1];
    const Uint128 p12 = a1 * m.limbs[2];
    const Uint128 c1 = static_cast<Uint128>(high(p00)) + low(p01) + low(p10);
    const Uint128 c2 = static_cast<Uint128>(high(p01)) + high(p10) + low(p02) + low(p11) + high(c1);
    const Uint128 c3 = static_cast<Uint128>(high(p02)) + high(p11) + low(p12) + high(c2);
    return {low(p00), low(c1), low(c2), low(c3), high(p12) + high(c3)};
}

inline Uint128 shifted(const std::array<std::uint64_t, 5>& c, unsigned shift) {
    const Uint128 middle = static_cast<Uint128>(c[3]) << 64 | c[2];
    const Uint128 top = static_cast<Uint128>(c[4]) << 1 << (127 - shift);
    return middle >> shift | top;
}

/// floor(a p / q) with reciprocal_down's M.
inline Uint128 floor_of(Uint128 a, const Reciprocal& m) {
    return shifted(product(a, m), m.shift);
}

/// ceil(a p / q) with reciprocal_up's M.
inline Uint128 ceil_of(Uint128 a, const Reciprocal& m) {
    const auto c = product(a, m);
    const std::uint64_t below = c[2] & ((std::uint64_t{1} << m.shift) - 1);
    const bool rest = (c[0] | c[1] | below) != 0;
    return shifted(c, m.shift) + (rest ? 1U : 0U);
}

/// A sum of products of values below 2^102 and weights below 2^62, as high * 2^50 + low.
struct WeightedSum {
    Int128 high{0};
    Int128 low{0};

    void add(Uint128 value, std::uint64_t weight, bool negative) {
        constexpr std::uint64_t kLow = (std::uint64_t{1} << 50) - 1;
        const auto l = static_cast<Int128>(
            static_cast<Uint128>(static_cast<std::uint64_t>(value) & kLow) * weight
        );
        const auto h = static_cast<Int128>(
            static_cast<Uint128>(static_cast<std::uint64_t>(value >> 50)) * weight
        );
        low += negative ? -l : l;
        high += negative ? -h : h;
    }

    /// floor(sum / 2^50).
    [[nodiscard]] Int128 scaled() const { return high + (low >> 50); }
};

}  // namespace margrave::margin::detail
