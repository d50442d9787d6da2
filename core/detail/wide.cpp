// SPDX-License-Identifier: Apache-2.0
#include "core/detail/wide.hpp"

namespace margrave::detail {

const Wide& pow10(unsigned exponent) {
    static const auto kTable = [] {
        std::array<Wide, kAssetDecimalsMax + 1> table;
        table[0] = 1;
        for (std::size_t i = 1; i < table.size(); ++i) {
            table[i] = table[i - 1] * 10;
        }
        return table;
    }();
    return kTable[exponent];
}

Hash32 word_of(const Limbs& limbs) {
    Hash32 out;
    auto* at = out.data.data();
    for (std::size_t i = limbs.size(); i > 0; --i) {
        for (unsigned shift = 64; shift > 0; shift -= 8) {
            *at++ = static_cast<std::uint8_t>(limbs[i - 1] >> (shift - 8));
        }
    }
    return out;
}

Limbs limbs_of_word(const Hash32& word) {
    Limbs out{};
    const auto* at = word.data.data();
    for (std::size_t i = out.size(); i > 0; --i) {
        for (unsigned byte = 0; byte < 8; ++byte) {
            out[i - 1] = out[i - 1] << 8 | *at++;
        }
    }
    return out;
}

Limbs negated(Limbs limbs) {
    bool carry = true;
    for (std::uint64_t& limb : limbs) {
        limb = ~limb + (carry ? 1U : 0U);
        carry = carry && limb == 0;
    }
    return limbs;
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_canonical_integer(std::string_view text) {
    return all_digits(text) && (text.size() == 1 || text.front() != '0');
}

Wide wide_of_digits(std::string_view digits) {
    constexpr std::size_t kChunkDigits = 18;
    Wide out = 0;
    while (!digits.empty()) {
        const std::string_view chunk = digits.substr(0, kChunkDigits);
        std::uint64_t value = 0;
        for (const char c : chunk) {
            value = value * 10 + static_cast<std::uint64_t>(c - '0');
        }
        out *= pow10(static_cast<unsigned>(chunk.size()));
        out += value;
        digits.remove_prefix(chunk.size());
    }
    return out;
}

// Long division by 10^18, a chunk of digits at a time, from the low end.
std::string digits_of(Limbs limbs) {
    __extension__ using Double = unsigned __int128;
    constexpr std::uint64_t kChunk = 1'000'000'000'000'000'000U;
    constexpr int kChunkDigits = 18;
    std::string digits;
    while (limbs != Limbs{}) {
        std::uint64_t rest = 0;
        for (std::size_t i = limbs.size(); i > 0; --i) {
            const Double part = static_cast<Double>(rest) << 64 | limbs[i - 1];
            limbs[i - 1] = static_cast<std::uint64_t>(part / kChunk);
            rest = static_cast<std::uint64_t>(part % kChunk);
        }
        for (int i = 0; i < kChunkDigits; ++i) {
            digits += static_cast<char>('0' + rest % 10);
            rest /= 10;
        }
    }
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.empty()) {
        return "0";
    }
    std::ranges::reverse(digits);
    return digits;
}

// Boost truncates toward zero, so the quotient is moved by one where that was the wrong way.
Wide divide(const Wide& numerator, const Wide& denominator, Round round) {
    Wide quotient;
    Wide rest;
    divide_qr(numerator, denominator, quotient, rest);
    if (rest.is_zero()) {
        return quotient;
    }
    const bool negative = (numerator.sign() < 0) != (denominator.sign() < 0);
    if (negative && round == Round::kDown) {
        --quotient;
    } else if (!negative && round == Round::kUp) {
        ++quotient;
    }
    return quotient;
}

}  // namespace margrave::detail
