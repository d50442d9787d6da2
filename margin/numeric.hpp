// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/assert.hpp"
#include "margin/fixed.hpp"

#include <cstdint>
#include <span>

// The numeric profile of the risk formulas: Money (E18, or raw units where a formula is used in
// another scale) with every division written as a call that names its rounding. A bare / or >> in
// margin/ is refused by scripts/lint/check_arithmetic.py.
namespace margrave::margin {

/// Which way a quotient that does not come out even goes. Ours are kDown and kUp, toward minus and
/// plus infinity, always against the account. kZero and kHalfUp are what other engines do
/// (reference: Solidity's and Go's quotient; Aave v3.0) and serve only to reproduce their numbers.
enum class Rounding : std::uint8_t { kDown, kUp, kZero, kHalfUp };

/// What one quotient of each kind does: how an engine rounds is a parameter of its formulas.
struct Policy {
    /// Of a value that may be good for the account: notional, mark, profit.
    Rounding value{Rounding::kDown};
    /// Of what is required from it.
    Rounding requirement{Rounding::kUp};
    /// What a ratio of one is: 1e18 for ours, 1e6 for parts per million.
    Money one{Money::whole(1)};
    /// Whether a long option is valued lower and a short one higher by the error of the model's
    /// arithmetic.
    bool charge_model_error{true};
};

/// Against the account.
inline const Policy kOurs{};

/// Inputs of the risk formulas (prices, sizes, ratios) stay below 2^96 units: 7.9e10 whole ones. A
/// product of two is below 2^192 and of those over 1e18 below 2^133, so sums of a million products
/// with factors below 2^20 stay below the 2^191 of Money: with inputs in bounds no formula can
/// overflow, and the operators below assert it.
inline constexpr unsigned kInputBits = 96;

bool in_bounds(const Money& input);
bool in_bounds(std::span<const Money> inputs);

Money operator+(const Money& a, const Money& b);
Money operator-(const Money& a, const Money& b);
Money operator-(const Money& a);

inline Money& operator+=(Money& a, const Money& b) {
    return a = a + b;
}

inline Money& operator-=(Money& a, const Money& b) {
    return a = a - b;
}

inline Money abs(const Money& a) {
    return a.is_negative() ? -a : a;
}

inline const Money& clamp(const Money& x, const Money& low, const Money& high) {
    return x < low ? low : (high < x ? high : x);
}

/// a * b / c; c is not zero.
Money mul_div(const Money& a, const Money& b, const Money& c, Rounding rounding);
/// a * b of two E18 numbers.
Money times(const Money& a, const Money& b, Rounding rounding);
/// a / b of two E18 numbers; b is not zero.
Money over(const Money& a, const Money& b, Rounding rounding);
/// A plain multiple.
Money times(const Money& a, std::uint64_t count);
/// floor(sqrt(a)) of the raw integer; a is not negative and below 2^128.
Money sqrt_units(const Money& a);

/// The raw integer; |a| < 2^127.
Int128 units_of(const Money& a);
Money money_of(Int128 units);
/// An E18 number, toward zero.
Q64 q64_of(const Money& a);
Money money_of(Q64 x);

}  // namespace margrave::margin
