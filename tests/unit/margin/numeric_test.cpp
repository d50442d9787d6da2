// SPDX-License-Identifier: Apache-2.0
#include "margin/numeric.hpp"

#include "tests/unit/margin/exact.hpp"

#include <gtest/gtest.h>

#include <array>

namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

constexpr std::array kRoundings{Rounding::kDown, Rounding::kUp, Rounding::kZero, Rounding::kHalfUp};

Big floor_of(const Rational& x) {
    const Big above = numerator(x);
    const Big below = denominator(x);
    const Big cut = above / below;
    return above < 0 && cut * below != above ? Big(cut - 1) : cut;
}

// From the definition alone.
Big rounded(const Rational& x, Rounding rounding) {
    const Rational half(1, 2);
    switch (rounding) {
        case Rounding::kDown:
            return floor_of(x);
        case Rounding::kUp:
            return -floor_of(-x);
        case Rounding::kZero:
            return x < 0 ? Big(-floor_of(-x)) : floor_of(x);
        case Rounding::kHalfUp:
            return x < 0 ? Big(-floor_of(half - x)) : floor_of(x + half);
    }
    return 0;
}

Money money_of(const Big& units) {
    return Money::parse_e18(units.str()).value();
}

// Of any length up to `bits` bits, so that small ones, which come out even or at a half, are as
// frequent as large ones.
Big any_number(unsigned bits) {
    const unsigned length = *rc::gen::inRange<unsigned>(0, bits + 1);
    Big out = 0;
    for (unsigned have = 0; have < length; have += 32) {
        out = (out << 32) | *rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint32_t>());
    }
    out &= (Big(1) << length) - 1;
    return *rc::gen::arbitrary<bool>() ? Big(-out) : out;
}

TEST(NumericProperty, AQuotientIsTheExactOneRoundedOnceWhateverTheSigns) {
    check_property(kCases, [] {
        const Big a = any_number(96);
        const Big b = any_number(90);
        const Big c = any_number(100);
        RC_PRE(c != 0);
        const Rational exact_quotient = Rational(a) * Rational(b) / Rational(c);
        for (const Rounding rounding : kRoundings) {
            const Money ours = mul_div(money_of(a), money_of(b), money_of(c), rounding);
            RC_ASSERT(Big(ours.rep().str()) == rounded(exact_quotient, rounding));
        }
        RC_TAG(a < 0, b < 0, c < 0, denominator(exact_quotient) == 1);
    });
}

// The two modes of the attested path are those of core.
TEST(NumericProperty, OursAreTheQuotientsOfCore) {
    check_property(kCases, [] {
        const Money a = money_of(any_number(120));
        const Money b = money_of(any_number(120));
        const Money c = money_of(any_number(120));
        RC_PRE(!c.is_zero());
        const auto down = margrave::mul_div(a, b, c, Round::kDown);
        const auto up = margrave::mul_div(a, b, c, Round::kUp);
        RC_PRE(down.has_value() && up.has_value());
        RC_ASSERT(mul_div(a, b, c, Rounding::kDown) == down.value());
        RC_ASSERT(mul_div(a, b, c, Rounding::kUp) == up.value());
    });
}

TEST(Numeric, AHalfGoesAwayFromZeroAndLessDoesNot) {
    const auto half_up = [](std::int64_t a, std::int64_t c) {
        return units_of(
            mul_div(Money::from_e18(a), Money::from_e18(1), Money::from_e18(c), Rounding::kHalfUp)
        );
    };
    EXPECT_TRUE(half_up(5, 2) == 3);
    EXPECT_TRUE(half_up(-5, 2) == -3);
    EXPECT_TRUE(half_up(5, -2) == -3);
    EXPECT_TRUE(half_up(-5, -2) == 3);
    EXPECT_TRUE(half_up(7, 5) == 1);
    EXPECT_TRUE(half_up(-7, 5) == -1);
    EXPECT_TRUE(half_up(8, 5) == 2);
    EXPECT_TRUE(half_up(-8, 5) == -2);
    EXPECT_TRUE(half_up(0, 5) == 0);
}

}  // namespace
}  // namespace margrave::margin::tests
