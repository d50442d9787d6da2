// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "tests/support/properties.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <boost/multiprecision/cpp_int.hpp>

// What the property tests share: portfolios from rapidcheck and exact rationals to compare with.
namespace margrave::margin::tests {

using Rational = boost::multiprecision::cpp_rational;
using Big = boost::multiprecision::cpp_int;

inline constexpr int kCases = 10'000;

inline Portfolio arbitrary_portfolio() {
    return random_portfolio(*rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>())
    );
}

/// In units of 1e-18 USD.
inline Rational exact(const Money& m) {
    return Rational(Big(m.rep().str()));
}

inline Rational exact(const Amount& a) {
    return Rational(Big(a.rep().str()));
}

/// 10^exponent.
inline Rational ten(unsigned exponent) {
    Rational out(1);
    for (unsigned i = 0; i < exponent; ++i) {
        out *= 10;
    }
    return out;
}

/// A ratio kept as E18.
inline Rational ratio(const Money& m) {
    return exact(m) / ten(18);
}

inline AccountState state_of(const Portfolio& p) {
    return evaluate_state(p.holdings, p.prices, p.parameters, false, false);
}

}  // namespace margrave::margin::tests
