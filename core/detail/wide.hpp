// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/assert.hpp"
#include "core/bytes.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>

// What amount.cpp and money.cpp share. Boost's checked integers throw where a value does not fit,
// so every value is compared with its bound before it goes into a type that it may not fit.
namespace margrave::detail {

/// The type of every intermediate. The largest, a 256-bit amount times a price below 2^191, has 447
/// of its 512 bits.
using Wide = Money::Rep;

inline constexpr unsigned kAmountBits = 256;
inline constexpr unsigned kMoneyBits = 191;
inline constexpr unsigned kMoneyDecimals = 18;
inline constexpr unsigned kAssetDecimalsMax = 36;
/// Decimal digits of 2^256 - 1 and of 2^191.
inline constexpr std::size_t kAmountDigitsMax = 78;
inline constexpr std::size_t kMoneyDigitsMax = 58;

/// A magnitude below 2^256, lowest limb first.
using Limbs = std::array<std::uint64_t, 4>;
static_assert(std::numeric_limits<boost::multiprecision::limb_type>::digits == 64);

/// 10^exponent for an exponent of at most 36.
const Wide& pow10(unsigned exponent);

/// Whether the magnitude is below 2^bits.
inline bool fits_bits(const Wide& value, unsigned bits) {
    const auto& backend = value.backend();
    const std::size_t top = backend.size() - 1U;
    const std::uint64_t top_limb = backend.limbs()[top];
    return top * 64 + static_cast<std::size_t>(std::bit_width(top_limb)) <= bits;
}

template <class Number>
Limbs limbs_of(const Number& value) {
    const auto& backend = value.backend();
    MARGRAVE_ASSERT(backend.size() <= std::tuple_size_v<Limbs>);
    Limbs out{};
    std::copy_n(backend.limbs(), backend.size(), out.begin());
    return out;
}

template <class Number>
Number number_of(const Limbs& limbs) {
    Number out;
    import_bits(out, limbs.data(), limbs.data() + limbs.size(), 64, false);
    return out;
}

Hash32 word_of(const Limbs& limbs);
Limbs limbs_of_word(const Hash32& word);
/// Two's complement of the 256-bit word.
Limbs negated(Limbs limbs);

bool all_digits(std::string_view text);
/// Digits only, and no leading zero before another digit.
bool is_canonical_integer(std::string_view text);
/// `digits` was found to be digits, at most kAmountDigitsMax of them.
Wide wide_of_digits(std::string_view digits);
/// At least one digit, no leading zero.
std::string digits_of(Limbs limbs);

/// numerator / denominator with one rounding. The denominator is not zero.
Wide divide(const Wide& numerator, const Wide& denominator, Round round);

}  // namespace margrave::detail
