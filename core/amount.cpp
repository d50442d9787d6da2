// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"

#include "core/assert.hpp"
#include "core/detail/quote.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace margrave {
namespace {

// Boost's checked integers throw where a value does not fit, so every value is compared with its
// bound before it is put into a type that it may not fit. All intermediates below are Wide: the
// largest, a 256-bit amount times a price below 2^191, has 447 of its 512 bits.
using Wide = Money::Rep;

constexpr unsigned kMoneyDecimals = 18;
constexpr unsigned kDecimalsMax = 36;
constexpr unsigned kMoneyBits = 191;
constexpr unsigned kAmountBits = 256;
// 2^256 has 78 digits; 2^191 / 1e18 has 40.
constexpr std::size_t kAmountDigitsMax = 78;
constexpr std::size_t kMoneyDigitsMax = 58;

using Limb = boost::multiprecision::limb_type;
static_assert(std::numeric_limits<Limb>::digits == 64, "words are moved as four 64-bit limbs");
using Limbs = std::array<std::uint64_t, 4>;

const Wide& pow10(unsigned exponent) {
    static const auto kTable = [] {
        std::array<Wide, kDecimalsMax + 1> table;
        table[0] = 1;
        for (std::size_t i = 1; i < table.size(); ++i) {
            table[i] = table[i - 1] * 10;
        }
        return table;
    }();
    return kTable[exponent];
}

bool fits_bits(const Wide& value, unsigned bits) {
    return value.is_zero() || boost::multiprecision::msb(abs(value)) < bits;
}

// Magnitude of a value below 2^256, lowest limb first.
template <class Number>
Limbs limbs_of(const Number& value) {
    const auto& backend = value.backend();
    MARGRAVE_ASSERT(backend.size() <= 4);
    Limbs out{};
    std::copy_n(backend.limbs(), backend.size(), out.begin());
    return out;
}

template <class Number>
Number number_of(const Limbs& limbs) {
    Number out;
    import_bits(out, limbs.begin(), limbs.end(), 64, false);
    return out;
}

Hash32 word_of(const Limbs& limbs) {
    Hash32 out;
    for (std::size_t i = 0; i < Hash32::kSize; ++i) {
        const std::size_t from_low = Hash32::kSize - 1 - i;
        out.data[i] = static_cast<std::uint8_t>(limbs[from_low / 8] >> (8 * (from_low % 8)));
    }
    return out;
}

Limbs limbs_of_word(const Hash32& word) {
    Limbs out{};
    for (std::size_t i = 0; i < Hash32::kSize; ++i) {
        const std::size_t from_low = Hash32::kSize - 1 - i;
        out[from_low / 8] |= std::uint64_t{word.data[i]} << (8 * (from_low % 8));
    }
    return out;
}

// Two's complement of the 256-bit word.
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

// Digits only, and no leading zero before another digit.
bool is_canonical_integer(std::string_view text) {
    return all_digits(text) && (text.size() == 1 || text.front() != '0');
}

// `digits` was checked to be digits, at most 78 of them.
Wide wide_of_digits(std::string_view digits) {
    constexpr std::size_t kChunk = 18;
    Wide out = 0;
    while (!digits.empty()) {
        const std::string_view chunk = digits.substr(0, kChunk);
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

// Decimal digits of a magnitude, at least one.
std::string digits_of(Limbs limbs) {
    __extension__ using Double = unsigned __int128;
    constexpr std::uint64_t kChunk = 1'000'000'000'000'000'000U;
    constexpr int kChunkDigits = 18;
    std::string reversed;
    while (limbs != Limbs{}) {
        std::uint64_t rest = 0;
        for (std::size_t i = limbs.size(); i > 0; --i) {
            const Double part = static_cast<Double>(rest) << 64 | limbs[i - 1];
            limbs[i - 1] = static_cast<std::uint64_t>(part / kChunk);
            rest = static_cast<std::uint64_t>(part % kChunk);
        }
        for (int i = 0; i < kChunkDigits; ++i) {
            reversed += static_cast<char>('0' + rest % 10);
            rest /= 10;
        }
    }
    while (!reversed.empty() && reversed.back() == '0') {
        reversed.pop_back();
    }
    return reversed.empty() ? "0" : std::string(reversed.rbegin(), reversed.rend());
}

// "sign digits" with a point before the last `decimals` digits.
std::string with_point(bool negative, std::string digits, unsigned decimals) {
    if (digits.size() <= decimals) {
        digits.insert(0, decimals + 1 - digits.size(), '0');
    }
    if (decimals > 0) {
        digits.insert(digits.size() - decimals, ".");
    }
    return negative ? "-" + digits : digits;
}

// numerator / denominator with one rounding. Boost truncates toward zero, so a quotient is moved by
// one where truncation went the other way. The denominator is not zero.
Wide divide(const Wide& numerator, const Wide& denominator, Round round) {
    Wide quotient;
    Wide rest;
    divide_qr(numerator, denominator, quotient, rest);
    if (!rest.is_zero()) {
        const bool negative = (numerator.sign() < 0) != (denominator.sign() < 0);
        if (negative && round == Round::kDown) {
            --quotient;
        } else if (!negative && round == Round::kUp) {
            ++quotient;
        }
    }
    return quotient;
}

Error money_overflow() {
    return fail(Errc::kOverflow, "a money value is beyond 2^191 units of 1e-18");
}

Error too_many_decimals(unsigned decimals) {
    return fail(
        Errc::kInvalid,
        "an asset has " + std::to_string(decimals) + " decimals; at most 36 are allowed"
    );
}

}  // namespace

Result<Amount> Amount::parse(std::string_view decimal) {
    if (!is_canonical_integer(decimal)) {
        return fail(
            Errc::kInvalid,
            "amount " + detail::quoted(decimal) +
                " is not a decimal integer without sign, leading zero or separator"
        );
    }
    if (decimal.size() <= kAmountDigitsMax) {
        const Wide value = wide_of_digits(decimal);
        if (fits_bits(value, kAmountBits)) {
            Amount out;
            out.rep_ = Rep(value);
            return out;
        }
    }
    return fail(Errc::kOverflow, "amount " + detail::quoted(decimal) + " is above 2^256 - 1");
}

Amount Amount::from_word(const Hash32& word) {
    Amount out;
    out.rep_ = number_of<Rep>(limbs_of_word(word));
    return out;
}

Amount Amount::max() {
    constexpr std::uint64_t kOnes = std::numeric_limits<std::uint64_t>::max();
    Amount out;
    out.rep_ = number_of<Rep>({kOnes, kOnes, kOnes, kOnes});
    return out;
}

Hash32 Amount::to_word() const {
    return word_of(limbs_of(rep_));
}

std::string Amount::to_string() const {
    return digits_of(limbs_of(rep_));
}

Result<std::uint64_t> Amount::to_u64() const {
    const Limbs limbs = limbs_of(rep_);
    if ((limbs[1] | limbs[2] | limbs[3]) != 0) {
        return fail(Errc::kOverflow, "amount " + to_string() + " is above 2^64 - 1");
    }
    return limbs[0];
}

Result<Amount> add(const Amount& a, const Amount& b) {
    static const Amount kMax = Amount::max();
    if (b.rep_ > kMax.rep_ - a.rep_) {
        return fail(Errc::kOverflow, a.to_string() + " + " + b.to_string() + " is above 2^256 - 1");
    }
    Amount out;
    out.rep_ = a.rep_ + b.rep_;
    return out;
}

Result<Amount> sub(const Amount& a, const Amount& b) {
    if (b > a) {
        return fail(Errc::kOverflow, a.to_string() + " - " + b.to_string() + " is below zero");
    }
    Amount out;
    out.rep_ = a.rep_ - b.rep_;
    return out;
}

Amount sub_or_zero(const Amount& a, const Amount& b) {
    return b > a ? Amount{} : sub(a, b).value();
}

Money Money::from_e18(std::int64_t units) {
    Money out;
    out.rep_ = units;
    return out;
}

Result<Money> Money::from_rep(Rep rep) {
    if (!fits_bits(rep, kMoneyBits)) {
        return money_overflow();
    }
    Money out;
    out.rep_ = std::move(rep);
    return out;
}

Money Money::whole(std::int64_t units) {
    Money out;
    out.rep_ = pow10(kMoneyDecimals) * units;
    return out;
}

Result<Money> Money::parse(std::string_view decimal) {
    std::string_view body = decimal;
    const bool negative = body.starts_with('-');
    if (negative || body.starts_with('+')) {
        body.remove_prefix(1);
    }
    const std::size_t point = body.find('.');
    const std::string_view integer = body.substr(0, point);
    std::string_view fraction = "0";
    if (point != std::string_view::npos) {
        fraction = body.substr(point + 1);
    }
    if (!is_canonical_integer(integer) || !all_digits(fraction) ||
        fraction.size() > kMoneyDecimals) {
        return fail(
            Errc::kInvalid,
            detail::quoted(decimal) + " is not a decimal number with at most 18 decimals"
        );
    }
    if (integer.size() + kMoneyDecimals > kMoneyDigitsMax) {
        return money_overflow();
    }
    std::string digits(integer);
    digits += fraction;
    digits.append(kMoneyDecimals - fraction.size(), '0');
    Wide value = wide_of_digits(digits);
    if (negative) {
        value = -value;
    }
    return from_rep(std::move(value));
}

Result<Money> Money::parse_e18(std::string_view integer) {
    std::string_view digits = integer;
    const bool negative = digits.starts_with('-');
    if (negative) {
        digits.remove_prefix(1);
    }
    if (!is_canonical_integer(digits) || (negative && digits == "0")) {
        return fail(
            Errc::kInvalid,
            "E18 value " + detail::quoted(integer) +
                " is not a decimal integer without leading zero or separator"
        );
    }
    if (digits.size() > kMoneyDigitsMax) {
        return money_overflow();
    }
    Wide value = wide_of_digits(digits);
    if (negative) {
        value = -value;
    }
    return from_rep(std::move(value));
}

Result<Money> Money::from_word(const Hash32& word) {
    const Limbs limbs = limbs_of_word(word);
    if (word.data[0] < 0x80) {
        return from_rep(number_of<Wide>(limbs));
    }
    return from_rep(-number_of<Wide>(negated(limbs)));
}

Hash32 Money::to_word() const {
    const Limbs magnitude = limbs_of(rep_);
    return word_of(is_negative() ? negated(magnitude) : magnitude);
}

std::string Money::to_string_e18() const {
    return with_point(is_negative(), digits_of(limbs_of(rep_)), 0);
}

std::string Money::to_decimal() const {
    std::string out = with_point(is_negative(), digits_of(limbs_of(rep_)), kMoneyDecimals);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') {
        out.pop_back();
    }
    return out;
}

std::string Money::to_decimal(unsigned decimals) const {
    const unsigned shown = std::min(decimals, kMoneyDecimals);
    const Wide rounded = divide(rep_, pow10(kMoneyDecimals - shown), Round::kDown);
    return with_point(rounded.sign() < 0, digits_of(limbs_of(rounded)), shown);
}

Result<Money> add(const Money& a, const Money& b) {
    return Money::from_rep(a.rep() + b.rep());
}

Result<Money> sub(const Money& a, const Money& b) {
    return Money::from_rep(a.rep() - b.rep());
}

// The range is symmetric, so the value is always there.
Money negate(const Money& a) {
    return Money::from_rep(-a.rep()).value();
}

Result<Money> mul_div(const Money& a, const Money& b, const Money& c, Round round) {
    if (c.is_zero()) {
        return fail(Errc::kInvalid, "division of a money value by zero");
    }
    return Money::from_rep(divide(a.rep() * b.rep(), c.rep(), round));
}

Result<Money> mul(const Money& a, const Money& b, Round round) {
    return Money::from_rep(divide(a.rep() * b.rep(), pow10(kMoneyDecimals), round));
}

// The price is USD x 1e18 per whole token, so the value is amount * price / 10^decimals.
Result<Money> value_of(const Amount& amount, unsigned decimals, const Money& price, Round round) {
    if (decimals > kDecimalsMax) {
        return too_many_decimals(decimals);
    }
    return Money::from_rep(divide(Wide(amount.rep()) * price.rep(), pow10(decimals), round));
}

Result<Amount> units_for(const Money& value, unsigned decimals, const Money& price, Round round) {
    if (decimals > kDecimalsMax) {
        return too_many_decimals(decimals);
    }
    if (price.sign() <= 0 || value.is_negative()) {
        return fail(
            Errc::kInvalid,
            "units of value " + value.to_decimal() + " at price " + price.to_decimal() +
                ": the price must be positive and the value not negative"
        );
    }
    const Wide units = divide(value.rep() * pow10(decimals), price.rep(), round);
    if (!fits_bits(units, kAmountBits)) {
        return fail(
            Errc::kOverflow,
            "value " + value.to_decimal() + " at price " + price.to_decimal() +
                " is more than 2^256 - 1 units"
        );
    }
    return Amount::from_word(word_of(limbs_of(units)));
}

}  // namespace margrave
