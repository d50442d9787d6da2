// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <boost/multiprecision/cpp_int.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace margrave {

/// Which way a quotient that does not come out even goes. kDown is toward minus infinity and kUp
/// toward plus infinity, also for negatives: rounding toward zero would round a loss in the
/// account's favour, so it is not offered.
enum class Round : std::uint8_t { kDown, kUp };

/// An unsigned 256-bit count of raw token units (wei, satoshi, 1e-6 USDC). Never USD.
/// Arithmetic is checked; an operation that would wrap returns kOverflow.
class Amount {
  public:
    using Rep = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<
        256,
        256,
        boost::multiprecision::unsigned_magnitude,
        boost::multiprecision::checked,
        void>>;

    Amount() = default;

    explicit Amount(std::uint64_t units)
        : rep_(units) {}

    /// Decimal digits only: no sign, no leading zero except "0", no separators.
    static Result<Amount> parse(std::string_view decimal);
    /// From a 32-byte big-endian word.
    static Amount from_word(const Hash32& word);
    static Amount max();

    [[nodiscard]] Hash32 to_word() const;
    [[nodiscard]] std::string to_string() const;

    [[nodiscard]] bool is_zero() const { return rep_.is_zero(); }

    /// kOverflow above 2^64 - 1.
    [[nodiscard]] Result<std::uint64_t> to_u64() const;

    [[nodiscard]] const Rep& rep() const { return rep_; }

    std::strong_ordering operator<=>(const Amount& o) const {
        const int c = rep_.compare(o.rep_);
        return c < 0 ? std::strong_ordering::less
                     : (c > 0 ? std::strong_ordering::greater : std::strong_ordering::equal);
    }

    bool operator==(const Amount& o) const { return rep_ == o.rep_; }

  private:
    friend Result<Amount> add(const Amount& a, const Amount& b);
    friend Result<Amount> sub(const Amount& a, const Amount& b);
    friend Amount halfway(const Amount& low, const Amount& high);
    friend class Money;
    Rep rep_{0};
};

Result<Amount> add(const Amount& a, const Amount& b);
/// kOverflow when b > a.
Result<Amount> sub(const Amount& a, const Amount& b);

inline const Amount& min(const Amount& a, const Amount& b) {
    return b < a ? b : a;
}

/// The middle of two, rounded down, for a search between them. `low` is not above `high`
/// (asserted).
Amount halfway(const Amount& low, const Amount& high);

/// a - b, or zero when b > a.
Amount sub_or_zero(const Amount& a, const Amount& b);

/// A signed fixed-point number with 18 decimals: USD values, USD per whole token, weights, ratios.
/// |value| < 2^191 always, so a product of two fits 512 bits with room and a value fits int256.
class Money {
  public:
    using Rep = boost::multiprecision::number<boost::multiprecision::cpp_int_backend<
        512,
        512,
        boost::multiprecision::signed_magnitude,
        boost::multiprecision::checked,
        void>>;

    Money() = default;
    /// Raw E18 units: Money::from_e18(5) is 5e-18.
    static Money from_e18(std::int64_t units);
    static Result<Money> from_rep(Rep rep);
    /// Whole units: Money::whole(2) is 2.0.
    static Money whole(std::int64_t units);
    /// A decimal with optional sign and at most 18 decimals: "0.85", "-12.5", "3000".
    static Result<Money> parse(std::string_view decimal);
    /// The raw E18 integer in decimal: "850000000000000000".
    static Result<Money> parse_e18(std::string_view integer);
    /// Two's complement int256 word. kOverflow beyond 2^191.
    static Result<Money> from_word(const Hash32& word);

    [[nodiscard]] Hash32 to_word() const;
    /// The raw E18 integer in decimal; what every signed or canonical byte carries.
    [[nodiscard]] std::string to_string_e18() const;
    /// For people: "1234.5" (trailing zeros cut), exact.
    [[nodiscard]] std::string to_decimal() const;
    /// For tables: two decimals, rounded down.
    [[nodiscard]] std::string to_decimal(unsigned decimals) const;

    [[nodiscard]] int sign() const { return rep_.sign(); }

    [[nodiscard]] bool is_zero() const { return rep_.is_zero(); }

    [[nodiscard]] bool is_negative() const { return rep_.sign() < 0; }

    [[nodiscard]] const Rep& rep() const { return rep_; }

    std::strong_ordering operator<=>(const Money& o) const {
        const int c = rep_.compare(o.rep_);
        return c < 0 ? std::strong_ordering::less
                     : (c > 0 ? std::strong_ordering::greater : std::strong_ordering::equal);
    }

    bool operator==(const Money& o) const { return rep_ == o.rep_; }

  private:
    Rep rep_{0};
};

Result<Money> add(const Money& a, const Money& b);
Result<Money> sub(const Money& a, const Money& b);
Money negate(const Money& a);

inline const Money& min(const Money& a, const Money& b) {
    return b < a ? b : a;
}

inline const Money& max(const Money& a, const Money& b) {
    return a < b ? b : a;
}

/// a * b / c with one rounding; the only division on the attested path. kInvalid when c is zero.
Result<Money> mul_div(const Money& a, const Money& b, const Money& c, Round round);
/// a * b / 1e18.
Result<Money> mul(const Money& a, const Money& b, Round round);
/// USD value of `amount` raw units of an asset with `decimals` at `price` USD per whole token.
/// decimals at most 36.
Result<Money> value_of(const Amount& amount, unsigned decimals, const Money& price, Round round);
/// Raw units of an asset whose USD value is `value`; the inverse of value_of. kInvalid when price
/// is not positive or value is negative.
Result<Amount> units_for(const Money& value, unsigned decimals, const Money& price, Round round);

}  // namespace margrave
