// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"
#include "core/detail/quote.hpp"
#include "core/detail/wide.hpp"

#include <algorithm>
#include <utility>

namespace margrave {
namespace {

using detail::Wide;

Wide with_sign(Wide magnitude, bool negative) {
    return negative ? Wide(-magnitude) : magnitude;
}

// A point before the last `decimals` digits, and the sign.
std::string with_point(bool negative, std::string digits, unsigned decimals) {
    if (digits.size() <= decimals) {
        digits.insert(0, decimals + 1 - digits.size(), '0');
    }
    if (decimals > 0) {
        digits.insert(digits.size() - decimals, ".");
    }
    return negative ? "-" + digits : digits;
}

// The sentence is made only when it is needed: these run for every term of every account.
template <class Describe>
Result<Money> bounded(Wide value, Describe describe) {
    if (!detail::fits_bits(value, detail::kMoneyBits)) {
        return fail(Errc::kOverflow, describe() + " is beyond 2^191 units of 1e-18");
    }
    return Money::from_rep(std::move(value));
}

Error too_many_decimals(unsigned decimals) {
    return fail(
        Errc::kInvalid,
        "an asset has " + std::to_string(decimals) + " decimals; at most 36 are allowed"
    );
}

}  // namespace

Money Money::from_e18(std::int64_t units) {
    Money out;
    out.rep_ = units;
    return out;
}

Result<Money> Money::from_rep(Rep rep) {
    if (!detail::fits_bits(rep, detail::kMoneyBits)) {
        return fail(Errc::kOverflow, "a money value is beyond 2^191 units of 1e-18");
    }
    Money out;
    out.rep_ = std::move(rep);
    return out;
}

Money Money::whole(std::int64_t units) {
    Money out;
    out.rep_ = detail::pow10(detail::kMoneyDecimals) * units;
    return out;
}

// [+-] integer [. fraction], the integer without leading zeros, both parts not empty.
Result<Money> Money::parse(std::string_view decimal) {
    std::string_view body = decimal;
    const bool negative = body.starts_with('-');
    if (negative || body.starts_with('+')) {
        body.remove_prefix(1);
    }
    const std::size_t point = body.find('.');
    const bool has_point = point != std::string_view::npos;
    const std::string_view integer = body.substr(0, point);
    const std::string_view fraction = has_point ? body.substr(point + 1) : "0";
    if (!detail::is_canonical_integer(integer) || !detail::all_digits(fraction) ||
        fraction.size() > detail::kMoneyDecimals) {
        return fail(
            Errc::kInvalid,
            detail::quoted(decimal) + " is not a decimal number with at most 18 decimals"
        );
    }
    const auto describe = [&] {
        return detail::quoted(decimal);
    };
    if (integer.size() + detail::kMoneyDecimals > detail::kMoneyDigitsMax) {
        return fail(Errc::kOverflow, describe() + " is beyond 2^191 units of 1e-18");
    }
    std::string digits(integer);
    digits += fraction;
    digits.append(detail::kMoneyDecimals - fraction.size(), '0');
    return bounded(with_sign(detail::wide_of_digits(digits), negative), describe);
}

// Only what to_string_e18 writes: no plus sign and no minus zero.
Result<Money> Money::parse_e18(std::string_view integer) {
    std::string_view digits = integer;
    const bool negative = digits.starts_with('-');
    if (negative) {
        digits.remove_prefix(1);
    }
    if (!detail::is_canonical_integer(digits) || (negative && digits == "0")) {
        return fail(
            Errc::kInvalid,
            "E18 value " + detail::quoted(integer) +
                " is not a decimal integer without leading zero or separator"
        );
    }
    const auto describe = [&] {
        return "E18 value " + detail::quoted(integer);
    };
    if (digits.size() > detail::kMoneyDigitsMax) {
        return fail(Errc::kOverflow, describe() + " is beyond 2^191 units of 1e-18");
    }
    return bounded(with_sign(detail::wide_of_digits(digits), negative), describe);
}

Result<Money> Money::from_word(const Hash32& word) {
    const bool negative = word.data[0] >= 0x80;
    const detail::Limbs limbs = detail::limbs_of_word(word);
    const Wide magnitude = detail::number_of<Wide>(negative ? detail::negated(limbs) : limbs);
    return bounded(with_sign(magnitude, negative), [&] { return "int256 " + to_hex(word); });
}

Hash32 Money::to_word() const {
    const detail::Limbs magnitude = detail::limbs_of(rep_);
    return detail::word_of(is_negative() ? detail::negated(magnitude) : magnitude);
}

std::string Money::to_string_e18() const {
    return with_point(is_negative(), detail::digits_of(detail::limbs_of(rep_)), 0);
}

std::string Money::to_decimal() const {
    std::string digits = detail::digits_of(detail::limbs_of(rep_));
    std::string out = with_point(is_negative(), std::move(digits), detail::kMoneyDecimals);
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.') {
        out.pop_back();
    }
    return out;
}

// A value has 18 decimals, so more than 18 are never shown.
std::string Money::to_decimal(unsigned decimals) const {
    const unsigned shown = std::min(decimals, detail::kMoneyDecimals);
    const Wide& unit = detail::pow10(detail::kMoneyDecimals - shown);
    const Wide rounded = detail::divide(rep_, unit, Round::kDown);
    return with_point(rounded.sign() < 0, detail::digits_of(detail::limbs_of(rounded)), shown);
}

Result<Money> add(const Money& a, const Money& b) {
    return bounded(a.rep() + b.rep(), [&] { return a.to_decimal() + " + " + b.to_decimal(); });
}

Result<Money> sub(const Money& a, const Money& b) {
    return bounded(a.rep() - b.rep(), [&] { return a.to_decimal() + " - " + b.to_decimal(); });
}

// The range is symmetric, so the value is always there.
Money negate(const Money& a) {
    return Money::from_rep(-a.rep()).value();
}

Result<Money> mul_div(const Money& a, const Money& b, const Money& c, Round round) {
    const auto describe = [&] {
        return a.to_decimal() + " * " + b.to_decimal() + " / " + c.to_decimal();
    };
    if (c.is_zero()) {
        return fail(Errc::kInvalid, describe() + " divides by zero");
    }
    return bounded(detail::divide(a.rep() * b.rep(), c.rep(), round), describe);
}

Result<Money> mul(const Money& a, const Money& b, Round round) {
    const Wide& one = detail::pow10(detail::kMoneyDecimals);
    return bounded(detail::divide(a.rep() * b.rep(), one, round), [&] {
        return a.to_decimal() + " * " + b.to_decimal();
    });
}

// The price is USD x 1e18 per whole token, so the value is amount * price / 10^decimals.
Result<Money> value_of(const Amount& amount, unsigned decimals, const Money& price, Round round) {
    if (decimals > detail::kAssetDecimalsMax) {
        return too_many_decimals(decimals);
    }
    const Wide product = Wide(amount.rep()) * price.rep();
    return bounded(detail::divide(product, detail::pow10(decimals), round), [&] {
        return amount.to_string() + " units with " + std::to_string(decimals) +
               " decimals at price " + price.to_decimal();
    });
}

Result<Amount> units_for(const Money& value, unsigned decimals, const Money& price, Round round) {
    if (decimals > detail::kAssetDecimalsMax) {
        return too_many_decimals(decimals);
    }
    const auto describe = [&] {
        return "units worth " + value.to_decimal() + " at price " + price.to_decimal();
    };
    if (price.sign() <= 0 || value.is_negative()) {
        return fail(
            Errc::kInvalid, describe() + ": the price must be positive and the value not negative"
        );
    }
    const Wide product = value.rep() * detail::pow10(decimals);
    const Wide units = detail::divide(product, price.rep(), round);
    if (!detail::fits_bits(units, detail::kAmountBits)) {
        return fail(Errc::kOverflow, describe() + " are more than 2^256 - 1");
    }
    return Amount::from_word(detail::word_of(detail::limbs_of(units)));
}

}  // namespace margrave
