// SPDX-License-Identifier: Apache-2.0
#include "margin/numeric.hpp"

#include <algorithm>
#include <utility>

namespace margrave::margin {
namespace {

using Rep = Money::Rep;

Money made(Rep rep) {
    auto out = Money::from_rep(std::move(rep));
    MARGRAVE_ASSERT(out.has_value());
    return std::move(out).value();
}

}  // namespace

bool in_bounds(const Money& input) {
    return input.is_zero() || msb(boost::multiprecision::abs(input.rep())) < kInputBits;
}

bool in_bounds(std::span<const Money> inputs) {
    return std::ranges::all_of(inputs, [](const Money& input) { return in_bounds(input); });
}

Money operator+(const Money& a, const Money& b) {
    return made(a.rep() + b.rep());
}

Money operator-(const Money& a, const Money& b) {
    return made(a.rep() - b.rep());
}

Money operator-(const Money& a) {
    return made(-a.rep());
}

Money mul_div(const Money& a, const Money& b, const Money& c, Rounding rounding) {
    MARGRAVE_ASSERT(!c.is_zero());
    const bool negative = (a.is_negative() != b.is_negative()) != c.is_negative();
    const auto quotient = [&](Round round) {
        auto out = margrave::mul_div(a, b, c, round);
        MARGRAVE_ASSERT(out.has_value());
        return std::move(out).value();
    };
    switch (rounding) {
        case Rounding::kDown:
            return quotient(Round::kDown);
        case Rounding::kUp:
            return quotient(Round::kUp);
        case Rounding::kZero:
        case Rounding::kHalfUp:
            break;
    }
    const Money toward_zero = quotient(negative ? Round::kUp : Round::kDown);
    if (rounding == Rounding::kZero) {
        return toward_zero;
    }
    const Rep rest = a.rep() * b.rep() - toward_zero.rep() * c.rep();
    if (boost::multiprecision::abs(rest) * 2 < boost::multiprecision::abs(c.rep())) {
        return toward_zero;
    }
    return quotient(negative ? Round::kDown : Round::kUp);
}

Money times(const Money& a, const Money& b, Rounding rounding) {
    static const Money kOne = Money::whole(1);
    return mul_div(a, b, kOne, rounding);
}

Money over(const Money& a, const Money& b, Rounding rounding) {
    static const Money kOne = Money::whole(1);
    return mul_div(a, kOne, b, rounding);
}

Money times(const Money& a, std::uint64_t count) {
    return made(a.rep() * count);
}

Money sqrt_units(const Money& a) {
    MARGRAVE_ASSERT(!a.is_negative());
    return made(Rep(integer_sqrt(static_cast<Uint128>(units_of(a)))));
}

Int128 units_of(const Money& a) {
    const auto& backend = a.rep().backend();
    MARGRAVE_ASSERT(backend.size() <= 2);
    Uint128 out = backend.limbs()[0];
    if (backend.size() == 2) {
        out |= static_cast<Uint128>(backend.limbs()[1]) << 64;
    }
    const auto magnitude = static_cast<Int128>(out);
    MARGRAVE_ASSERT(magnitude >= 0);
    return a.is_negative() ? -magnitude : magnitude;
}

Money money_of(Int128 units) {
    return made(Rep(units));
}

Q64 q64_of(const Money& a) {
    return q64_of_e18(units_of(a));
}

Money money_of(Q64 x) {
    return money_of(e18_of_q64(x));
}

}  // namespace margrave::margin
