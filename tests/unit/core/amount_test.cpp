// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"

#include "tests/support/properties.hpp"

#include <gtest/gtest.h>

#include <string>

namespace margrave {
namespace {

constexpr std::string_view kMax =
    "115792089237316195423570985008687907853269984665640564039457584007913129639935";

Amount units(std::string_view text) {
    return Amount::parse(text).value();
}

Amount arbitrary_amount() {
    Hash32 word;
    const auto size = *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, 33));
    for (std::size_t i = 0; i < size; ++i) {
        word.data[Hash32::kSize - 1 - i] = *rc::gen::arbitrary<std::uint8_t>();
    }
    return Amount::from_word(word);
}

TEST(Amount, ParseTakesExactlyTheRangeOf256Bits) {
    EXPECT_EQ(units("0"), Amount{});
    EXPECT_EQ(units("1"), Amount{1});
    EXPECT_EQ(units(kMax), Amount::max());
    EXPECT_EQ(Amount::max().to_string(), kMax);
    const std::string over =
        "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    EXPECT_EQ(Amount::parse(over).error().code, Errc::kOverflow);
    EXPECT_EQ(Amount::parse(std::string(78, '9')).error().code, Errc::kOverflow);
    EXPECT_EQ(Amount::parse(std::string(79, '9')).error().code, Errc::kOverflow);
    EXPECT_EQ(Amount::parse("1" + std::string(100'000, '0')).error().code, Errc::kOverflow);
}

TEST(Amount, ParseRefusesAnyOtherSpelling) {
    for (const std::string_view text :
         {"",
          "-1",
          "+1",
          "00",
          "01",
          " 1",
          "1 ",
          "1_000",
          "1,000",
          "1.0",
          "1e18",
          "0x10",
          "\xd9\xa1"}) {
        const auto parsed = Amount::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid) << text;
    }
}

TEST(Amount, AdditionNeverWraps) {
    EXPECT_EQ(add(units("1"), units("2")).value(), units("3"));
    EXPECT_EQ(add(Amount::max(), Amount{}).value(), Amount::max());
    EXPECT_EQ(add(Amount::max(), Amount{1}).error().code, Errc::kOverflow);
    EXPECT_EQ(add(Amount{1}, Amount::max()).error().code, Errc::kOverflow);
    EXPECT_EQ(add(Amount::max(), Amount::max()).error().code, Errc::kOverflow);
}

TEST(Amount, SubtractionNeverGoesBelowZero) {
    EXPECT_EQ(sub(units("3"), units("3")).value(), Amount{});
    EXPECT_EQ(sub(Amount::max(), Amount::max()).value(), Amount{});
    EXPECT_EQ(sub(Amount{}, Amount{1}).error().code, Errc::kOverflow);
    EXPECT_EQ(sub_or_zero(Amount{1}, Amount{2}), Amount{});
    EXPECT_EQ(sub_or_zero(Amount{5}, Amount{2}), Amount{3});
    EXPECT_EQ(sub_or_zero(Amount{5}, Amount{5}), Amount{});
}

TEST(Amount, FitsU64UpToItsMaximum) {
    EXPECT_EQ(Amount{UINT64_MAX}.to_u64().value(), UINT64_MAX);
    EXPECT_EQ(units("18446744073709551616").to_u64().error().code, Errc::kOverflow);
    EXPECT_EQ(Amount::max().to_u64().error().code, Errc::kOverflow);
}

TEST(Amount, WordIsBigEndian) {
    EXPECT_EQ(to_hex(Amount{0x0102}.to_word()), "0x" + std::string(60, '0') + "0102");
    EXPECT_EQ(to_hex(Amount::max().to_word()), "0x" + std::string(64, 'f'));
    EXPECT_EQ(
        units("18446744073709551616").to_word(),
        parse_hash32("0x" + std::string(47, '0') + "1" + std::string(16, '0')).value()
    );
}

TEST(Amount, OrdersByValueAcrossLimbs) {
    EXPECT_LT(Amount{UINT64_MAX}, units("18446744073709551616"));
    EXPECT_GT(Amount::max(), Amount{UINT64_MAX});
    EXPECT_EQ(min(Amount{2}, Amount{1}), Amount{1});
    // A value that was read from a word with leading zeros equals the one made small.
    EXPECT_EQ(Amount::from_word(Amount{7}.to_word()), Amount{7});
}

TEST(AmountProperty, WordAndTextRoundTrip) {
    tests::check_property(10'000, [] {
        const Amount a = arbitrary_amount();
        RC_ASSERT(Amount::from_word(a.to_word()) == a);
        RC_ASSERT(Amount::parse(a.to_string()).value() == a);
        RC_ASSERT(a.to_string() == a.rep().str());
    });
}

TEST(AmountProperty, AdditionAndSubtractionAreInverse) {
    tests::check_property(10'000, [] {
        const Amount a = arbitrary_amount();
        const Amount b = arbitrary_amount();
        if (const auto sum = add(a, b)) {
            RC_ASSERT(sum.value() >= a);
            RC_ASSERT(sub(sum.value(), b).value() == a);
        } else {
            RC_ASSERT(sub(Amount::max(), a).value() < b);
        }
        RC_ASSERT(static_cast<bool>(sub(a, b)) == (a >= b));
    });
}

TEST(Amount, HalfwayRoundsDownAndDoesNotOverflow) {
    EXPECT_EQ(halfway(Amount{3}, Amount{3}), Amount{3});
    EXPECT_EQ(halfway(Amount{3}, Amount{4}), Amount{3});
    EXPECT_EQ(halfway(Amount{3}, Amount{9}), Amount{6});
    const Amount middle = halfway(Amount::max(), Amount::max());
    EXPECT_EQ(middle, Amount::max());
}

}  // namespace
}  // namespace margrave
