// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"
#include "tests/support/properties.hpp"

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>

#include <cstdint>

// The properties are checked with unbounded integers and with the definition of rounding (the
// quotient is the one integer that brackets the fraction), never with a division.
namespace margrave {
namespace {

using Big = boost::multiprecision::cpp_int;
constexpr int kCases = 10'000;

// Every bit length up to `bits` is about equally likely.
Big magnitude(unsigned bits) {
    const auto length = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<unsigned>(0, bits + 1));
    Big out = 0;
    for (unsigned done = 0; done < length; done += 32) {
        out = (out << 32U) | *rc::gen::arbitrary<std::uint32_t>();
    }
    return length == 0 ? Big(0) : Big(out & ((Big(1) << length) - 1));
}

Money arbitrary_money() {
    const Big size = magnitude(191);
    const bool negative = *rc::gen::arbitrary<bool>();
    return Money::from_rep(Money::Rep(negative ? Big(-size) : size)).value();
}

Amount arbitrary_amount() {
    return Amount::parse(magnitude(256).str()).value();
}

Big big(const Money& m) {
    return Big(m.rep().str());
}

Big big(const Amount& a) {
    return Big(a.rep().str());
}

bool in_range(const Big& v) {
    return abs(v) < (Big(1) << 191U);
}

// q = floor(n / d), or ceil for kUp, by the bracket that defines it.
bool is_quotient(const Big& q, Big n, Big d, Round round) {
    if (d < 0) {
        n = -n;
        d = -d;
    }
    return round == Round::kDown ? q * d <= n && n < (q + 1) * d : (q - 1) * d < n && n <= q * d;
}

// What a Result says about the quotient n / d. One that overflowed must be out of range: no value
// in range brackets the fraction.
bool answers(const Result<Money>& got, const Big& n, const Big& d, Round round) {
    if (got) {
        return is_quotient(big(got.value()), n, d, round);
    }
    const Big limit = Big(1) << 191U;
    return got.error().code == Errc::kOverflow && abs(n) > (limit - 1) * abs(d);
}

TEST(MoneyProperty, MulDivBracketsTheExactFraction) {
    tests::check_property(kCases, [] {
        const Money a = arbitrary_money();
        const Money b = arbitrary_money();
        const Money c = arbitrary_money();
        RC_PRE(!c.is_zero());
        const Big n = big(a) * big(b);
        const auto down = mul_div(a, b, c, Round::kDown);
        const auto up = mul_div(a, b, c, Round::kUp);
        RC_ASSERT(answers(down, n, big(c), Round::kDown));
        RC_ASSERT(answers(up, n, big(c), Round::kUp));
        if (down && up) {
            const Big gap = big(up.value()) - big(down.value());
            RC_ASSERT(gap == ((big(down.value()) * big(c) == n) ? 0 : 1));
        }
    });
}

TEST(MoneyProperty, MulIsMulDivByOne) {
    tests::check_property(kCases, [] {
        const Money a = arbitrary_money();
        const Money b = arbitrary_money();
        const auto round = *rc::gen::element(Round::kDown, Round::kUp);
        const auto direct = mul(a, b, round);
        const auto through = mul_div(a, b, Money::whole(1), round);
        RC_ASSERT(static_cast<bool>(direct) == static_cast<bool>(through));
        RC_ASSERT((!direct || direct.value() == through.value()));
    });
}

TEST(MoneyProperty, ValueOfBracketsTheExactFraction) {
    tests::check_property(kCases, [] {
        const Amount amount = arbitrary_amount();
        const Money price = arbitrary_money();
        const auto decimals = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<unsigned>(0, 37));
        const Big n = big(amount) * big(price);
        const Big d = boost::multiprecision::pow(Big(10), decimals);
        for (const Round round : {Round::kDown, Round::kUp}) {
            RC_ASSERT(answers(value_of(amount, decimals, price, round), n, d, round));
        }
    });
}

// The units asked for by value are worth it when rounded up, and one unit less is not; rounded down
// they are worth no more, and one unit more is.
TEST(MoneyProperty, UnitsForIsTheTightInverseOfValueOf) {
    tests::check_property(kCases, [] {
        const Money value = Money::from_rep(Money::Rep(magnitude(150))).value();
        const Money price = Money::from_rep(Money::Rep(magnitude(100) + 1)).value();
        const auto decimals = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<unsigned>(0, 37));
        const auto up = units_for(value, decimals, price, Round::kUp);
        const auto down = units_for(value, decimals, price, Round::kDown);
        const Big n = big(value) * boost::multiprecision::pow(Big(10), decimals);
        if (!up || !down) {
            RC_ASSERT(n > ((Big(1) << 256U) - 2) * big(price));
            return;
        }
        RC_ASSERT(is_quotient(big(up.value()), n, big(price), Round::kUp));
        RC_ASSERT(is_quotient(big(down.value()), n, big(price), Round::kDown));
        RC_ASSERT(value_of(down.value(), decimals, price, Round::kDown).value() <= value);
        if (const auto worth = value_of(up.value(), decimals, price, Round::kUp)) {
            RC_ASSERT(worth.value() >= value);
        }
    });
}

TEST(MoneyProperty, SumsEqualUnboundedSumsOrOverflow) {
    tests::check_property(kCases, [] {
        const Money a = arbitrary_money();
        const Money b = arbitrary_money();
        const auto sum = add(a, b);
        const auto difference = sub(a, b);
        RC_ASSERT(static_cast<bool>(sum) == in_range(big(a) + big(b)));
        RC_ASSERT(static_cast<bool>(difference) == in_range(big(a) - big(b)));
        RC_ASSERT((!sum || big(sum.value()) == big(a) + big(b)));
        RC_ASSERT((!difference || big(difference.value()) == big(a) - big(b)));
        RC_ASSERT((a < b) == (big(a) < big(b)));
        RC_ASSERT(big(negate(a)) == -big(a));
    });
}

TEST(MoneyProperty, EveryFormReadsBack) {
    tests::check_property(kCases, [] {
        const Money a = arbitrary_money();
        RC_ASSERT(Money::from_word(a.to_word()).value() == a);
        RC_ASSERT(Money::parse_e18(a.to_string_e18()).value() == a);
        RC_ASSERT(Money::parse(a.to_decimal()).value() == a);
        RC_ASSERT(a.to_string_e18() == a.rep().str());
        const Money cents = Money::parse(a.to_decimal(2)).value();
        RC_ASSERT(cents <= a);
        RC_ASSERT(big(a) - big(cents) < 10'000'000'000'000'000LL);
    });
}

}  // namespace
}  // namespace margrave
