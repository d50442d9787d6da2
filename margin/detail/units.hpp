// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

#include <cstdint>

// Plain integers as Money, for formulas in the units of other engines.
namespace margrave::margin::detail {

inline Money count(std::uint64_t n) {
    return times(Money::from_e18(1), n);
}

inline Money power_of_ten(unsigned exponent) {
    Money out = count(1);
    for (unsigned i = 0; i < exponent; ++i) {
        out = times(out, 10);
    }
    return out;
}

/// a * b of plain integers.
inline Money product(const Money& a, const Money& b) {
    return mul_div(a, b, Money::from_e18(1), Rounding::kDown);
}

/// a / b of plain integers.
inline Money quotient(const Money& a, const Money& b, Rounding rounding) {
    return mul_div(a, Money::from_e18(1), b, rounding);
}

}  // namespace margrave::margin::detail
