// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace margrave {
namespace {

// 2^191 - 1, the largest magnitude.
constexpr std::string_view kMax = "3138550867693340381917894711603833208051177722232017256447";
constexpr std::string_view kTooLarge = "3138550867693340381917894711603833208051177722232017256448";

Money e18(std::string_view text) {
    return Money::parse_e18(text).value();
}

Money usd(std::string_view text) {
    return Money::parse(text).value();
}

TEST(Money, ParseTakesUpTo18Decimals) {
    EXPECT_EQ(usd("3000").to_string_e18(), "3000000000000000000000");
    EXPECT_EQ(usd("0.85").to_string_e18(), "850000000000000000");
    EXPECT_EQ(usd("-12.5").to_string_e18(), "-12500000000000000000");
    EXPECT_EQ(usd("+1").to_string_e18(), "1000000000000000000");
    EXPECT_EQ(usd("-0"), Money{});
    EXPECT_EQ(usd("-0.000").to_string_e18(), "0");
    EXPECT_FALSE(usd("-0").is_negative());
    std::string text = "1";
    std::string expected = "1000000000000000000";
    for (std::size_t places = 1; places <= 18; ++places) {
        text += places == 1 ? ".7" : "7";
        expected[places] = '7';
        EXPECT_EQ(usd(text).to_string_e18(), expected) << text;
    }
    EXPECT_EQ(Money::parse(text + "7").error().code, Errc::kInvalid);
    EXPECT_EQ(Money::parse(text + "0").error().code, Errc::kInvalid);
}

TEST(Money, ParseRefusesAnyOtherSpelling) {
    for (const std::string_view text :
         {"",    "-",  "+",  ".",   ".5",    "5.",  "-.5",  "1.2.3", "--1", "+-1",  "1e3", "1E3",
          "0x1", " 1", "1 ", "1,5", "1_000", "007", "00.5", "inf",   "nan", "1.-5", "1.+5"}) {
        const auto parsed = Money::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
    }
}

TEST(Money, ParseStopsAtTwoToThe191) {
    const std::string max = "3138550867693340381917894711603833208051.177722232017256447";
    EXPECT_EQ(usd(max).to_string_e18(), kMax);
    EXPECT_EQ(usd("-" + max).to_string_e18(), "-" + std::string(kMax));
    EXPECT_EQ(usd(max).to_decimal(), max);
    const std::string over = "3138550867693340381917894711603833208051.177722232017256448";
    EXPECT_EQ(Money::parse(over).error().code, Errc::kOverflow);
    EXPECT_EQ(Money::parse("-" + over).error().code, Errc::kOverflow);
    EXPECT_EQ(Money::parse(std::string(40, '9')).error().code, Errc::kOverflow);
    EXPECT_EQ(Money::parse(std::string(41, '9')).error().code, Errc::kOverflow);
    EXPECT_EQ(Money::parse(std::string(5000, '9')).error().code, Errc::kOverflow);
}

TEST(Money, E18TextIsOnlyWhatIsWritten) {
    EXPECT_EQ(e18("850000000000000000"), usd("0.85"));
    EXPECT_EQ(e18("-1"), Money::from_e18(-1));
    EXPECT_EQ(e18(kMax).to_string_e18(), kMax);
    EXPECT_EQ(Money::parse_e18(kTooLarge).error().code, Errc::kOverflow);
    EXPECT_EQ(Money::parse_e18(std::string(59, '1')).error().code, Errc::kOverflow);
    for (const std::string_view text : {"", "-", "+1", "-0", "01", "-01", "1.0", "1e18", " 1"}) {
        const auto parsed = Money::parse_e18(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
    }
}

TEST(Money, IsMadeFromAnyInt64) {
    EXPECT_EQ(Money::from_e18(INT64_MIN).to_string_e18(), "-9223372036854775808");
    EXPECT_EQ(Money::from_e18(INT64_MAX).to_string_e18(), "9223372036854775807");
    EXPECT_EQ(Money::whole(INT64_MIN).to_decimal(), "-9223372036854775808");
    EXPECT_EQ(Money::whole(2), usd("2.0"));
}

TEST(Money, FromRepRefusesTwoToThe191) {
    const Money::Rep limit = Money::Rep(1) << 191U;
    EXPECT_EQ(Money::from_rep(limit).error().code, Errc::kOverflow);
    EXPECT_EQ(Money::from_rep(-limit).error().code, Errc::kOverflow);
    EXPECT_EQ(Money::from_rep(limit - 1).value(), e18(kMax));
    EXPECT_EQ(Money::from_rep(1 - limit).value(), negate(e18(kMax)));
}

TEST(Money, WordIsTwosComplement) {
    EXPECT_EQ(to_hex(Money{}.to_word()), "0x" + std::string(64, '0'));
    EXPECT_EQ(to_hex(Money::from_e18(-1).to_word()), "0x" + std::string(64, 'f'));
    EXPECT_EQ(to_hex(Money::from_e18(-256).to_word()), "0x" + std::string(62, 'f') + "00");
    EXPECT_EQ(
        to_hex(negate(e18("18446744073709551616")).to_word()),
        "0x" + std::string(48, 'f') + std::string(16, '0')
    );
    EXPECT_EQ(Money::from_word(e18(kMax).to_word()).value(), e18(kMax));
    EXPECT_EQ(Money::from_word(negate(e18(kMax)).to_word()).value(), negate(e18(kMax)));
}

TEST(Money, AWordBeyondTheRangeIsOverflow) {
    const auto read = [](const std::string& digits) {
        return Money::from_word(parse_hash32("0x" + digits).value());
    };
    EXPECT_EQ(read("8" + std::string(63, '0')).error().code, Errc::kOverflow);
    EXPECT_EQ(read("7" + std::string(63, 'f')).error().code, Errc::kOverflow);
    // 2^191 and -2^191.
    EXPECT_EQ(
        read(std::string(16, '0') + "8" + std::string(47, '0')).error().code, Errc::kOverflow
    );
    EXPECT_EQ(
        read(std::string(16, 'f') + "8" + std::string(47, '0')).error().code, Errc::kOverflow
    );
    EXPECT_TRUE(read(std::string(16, 'f') + "8" + std::string(46, '0') + "1"));
}

TEST(Money, DecimalTextIsExactAndShort) {
    EXPECT_EQ(Money{}.to_decimal(), "0");
    EXPECT_EQ(usd("1234.5").to_decimal(), "1234.5");
    EXPECT_EQ(usd("-100").to_decimal(), "-100");
    EXPECT_EQ(Money::from_e18(5).to_decimal(), "0.000000000000000005");
    EXPECT_EQ(Money::from_e18(-5).to_decimal(), "-0.000000000000000005");
}

TEST(Money, TableTextIsRoundedTowardMinusInfinity) {
    EXPECT_EQ(usd("1.239").to_decimal(2), "1.23");
    EXPECT_EQ(usd("-1.231").to_decimal(2), "-1.24");
    EXPECT_EQ(Money::from_e18(1).to_decimal(2), "0.00");
    EXPECT_EQ(Money::from_e18(-1).to_decimal(2), "-0.01");
    EXPECT_EQ(Money::from_e18(-1).to_decimal(0), "-1");
    EXPECT_EQ(usd("7").to_decimal(0), "7");
    EXPECT_EQ(usd("7").to_decimal(3), "7.000");
    EXPECT_EQ(usd("-9.995").to_decimal(2), "-10.00");
    EXPECT_EQ(e18(kMax).to_decimal(0), "3138550867693340381917894711603833208051");
    EXPECT_EQ(Money::from_e18(5).to_decimal(18), "0.000000000000000005");
    EXPECT_EQ(Money::from_e18(5).to_decimal(40), "0.000000000000000005");
}

TEST(Money, SumsAreBounded) {
    const Money max = e18(kMax);
    EXPECT_EQ(add(usd("1.5"), usd("-2")).value(), usd("-0.5"));
    EXPECT_EQ(sub(usd("1.5"), usd("2")).value(), usd("-0.5"));
    EXPECT_EQ(add(max, Money::from_e18(1)).error().code, Errc::kOverflow);
    EXPECT_EQ(sub(negate(max), Money::from_e18(1)).error().code, Errc::kOverflow);
    EXPECT_EQ(sub(max, negate(max)).error().code, Errc::kOverflow);
    EXPECT_TRUE(add(max, negate(max)).value().is_zero());
    EXPECT_EQ(negate(Money{}), Money{});
    EXPECT_FALSE(negate(Money{}).is_negative());
}

TEST(Money, OrdersBySignAndMagnitude) {
    EXPECT_LT(usd("-2"), usd("-1"));
    EXPECT_LT(usd("-1"), Money{});
    EXPECT_LT(usd("9"), usd("10"));
    EXPECT_EQ(min(usd("-2"), usd("1")), usd("-2"));
    EXPECT_EQ(max(usd("-2"), usd("1")), usd("1"));
    EXPECT_EQ(usd("-2").sign(), -1);
}

TEST(MulDiv, RoundsTowardTheNamedInfinityForEverySign) {
    struct Case {
        std::int64_t a;
        std::int64_t b;
        std::int64_t c;
        std::int64_t down;
        std::int64_t up;
    };

    constexpr Case kCases[] = {
        {7, 1, 2, 3, 4},
        {-7, 1, 2, -4, -3},
        {7, -1, 2, -4, -3},
        {7, 1, -2, -4, -3},
        {-7, -1, 2, 3, 4},
        {-7, 1, -2, 3, 4},
        {7, -1, -2, 3, 4},
        {-7, -1, -2, -4, -3},
        {6, 1, 2, 3, 3},
        {-6, 1, 2, -3, -3},
        {0, 5, -3, 0, 0},
        {1, 1, 1000, 0, 1},
        {-1, 1, 1000, -1, 0},
    };
    for (const Case& c : kCases) {
        const Money a = Money::from_e18(c.a);
        const Money b = Money::from_e18(c.b);
        const Money d = Money::from_e18(c.c);
        EXPECT_EQ(mul_div(a, b, d, Round::kDown).value(), Money::from_e18(c.down))
            << c.a << " * " << c.b << " / " << c.c;
        EXPECT_EQ(mul_div(a, b, d, Round::kUp).value(), Money::from_e18(c.up))
            << c.a << " * " << c.b << " / " << c.c;
    }
}

TEST(MulDiv, TheLargestValuesFitTheProduct) {
    const Money max = e18(kMax);
    EXPECT_EQ(mul_div(max, max, max, Round::kDown).value(), max);
    EXPECT_EQ(mul_div(negate(max), max, max, Round::kUp).value(), negate(max));
    EXPECT_EQ(mul_div(max, max, Money::from_e18(1), Round::kDown).error().code, Errc::kOverflow);
    EXPECT_EQ(mul(max, max, Round::kDown).error().code, Errc::kOverflow);
    EXPECT_EQ(mul(max, Money::whole(1), Round::kDown).value(), max);
}

TEST(MulDiv, ByZeroIsInvalid) {
    EXPECT_EQ(
        mul_div(Money::whole(1), Money::whole(1), Money{}, Round::kUp).error().code, Errc::kInvalid
    );
}

TEST(Mul, ScalesBy1e18) {
    EXPECT_EQ(mul(usd("3000"), usd("0.85"), Round::kDown).value(), usd("2550"));
    EXPECT_EQ(mul(Money::from_e18(1), usd("0.5"), Round::kDown).value(), Money{});
    EXPECT_EQ(mul(Money::from_e18(1), usd("0.5"), Round::kUp).value(), Money::from_e18(1));
    EXPECT_EQ(mul(Money::from_e18(-1), usd("0.5"), Round::kDown).value(), Money::from_e18(-1));
    EXPECT_EQ(mul(Money::from_e18(-1), usd("0.5"), Round::kUp).value(), Money{});
}

TEST(ValueOf, IsUnitsTimesPriceOverDecimals) {
    const Amount wei = Amount::parse("1500000000000000000").value();
    EXPECT_EQ(value_of(wei, 18, usd("3000"), Round::kDown).value(), usd("4500"));
    EXPECT_EQ(value_of(Amount{1'000'000}, 6, usd("0.9998"), Round::kDown).value(), usd("0.9998"));
    EXPECT_EQ(value_of(Amount{3}, 0, usd("2"), Round::kDown).value(), usd("6"));
    EXPECT_EQ(value_of(Amount{1}, 36, usd("1"), Round::kDown).value(), Money{});
    EXPECT_EQ(value_of(Amount{1}, 36, usd("1"), Round::kUp).value(), Money::from_e18(1));
    EXPECT_EQ(value_of(Amount{1}, 36, usd("-1"), Round::kDown).value(), Money::from_e18(-1));
    EXPECT_EQ(value_of(Amount{1}, 37, usd("1"), Round::kDown).error().code, Errc::kInvalid);
    EXPECT_TRUE(value_of(Amount::max(), 18, Money{}, Round::kUp).value().is_zero());
}

TEST(ValueOf, TheLargestInputsOverflowTheResultAndNothingElse) {
    const Money max = e18(kMax);
    EXPECT_EQ(value_of(Amount::max(), 0, max, Round::kUp).error().code, Errc::kOverflow);
    EXPECT_EQ(value_of(Amount::max(), 36, max, Round::kUp).error().code, Errc::kOverflow);
    EXPECT_TRUE(value_of(Amount::max(), 36, usd("0.02"), Round::kUp));
}

TEST(UnitsFor, IsTheInverseOfValueOf) {
    EXPECT_EQ(
        units_for(usd("4500"), 18, usd("3000"), Round::kDown).value().to_string(),
        "1500000000000000000"
    );
    EXPECT_EQ(units_for(usd("1"), 0, usd("3"), Round::kDown).value(), Amount{});
    EXPECT_EQ(units_for(usd("1"), 0, usd("3"), Round::kUp).value(), Amount{1});
    EXPECT_EQ(units_for(Money{}, 18, usd("3"), Round::kUp).value(), Amount{});
}

TEST(UnitsFor, RefusesWhatHasNoAnswer) {
    const Money one = usd("1");
    EXPECT_EQ(units_for(one, 18, Money{}, Round::kUp).error().code, Errc::kInvalid);
    EXPECT_EQ(units_for(one, 18, usd("-1"), Round::kUp).error().code, Errc::kInvalid);
    EXPECT_EQ(units_for(usd("-1"), 18, one, Round::kUp).error().code, Errc::kInvalid);
    EXPECT_EQ(units_for(one, 37, one, Round::kUp).error().code, Errc::kInvalid);
    EXPECT_EQ(
        units_for(e18(kMax), 36, Money::from_e18(1), Round::kUp).error().code, Errc::kOverflow
    );
}

}  // namespace
}  // namespace margrave
