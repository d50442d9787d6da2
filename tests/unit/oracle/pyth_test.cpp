// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/pyth.hpp"

#include "core/words.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace margrave::oracle::pyth {
namespace {

Bytes encoded(
    std::int64_t price,
    std::uint64_t confidence,
    std::int64_t exponent,
    std::uint64_t time = 1'000'000
) {
    return WordWriter()
        .money(Money::from_e18(price))
        .uint(confidence)
        .money(Money::from_e18(exponent))
        .uint(time)
        .bytes();
}

void expect_refused(const Bytes& returned, std::string_view words) {
    const auto price = decode_price(returned);
    ASSERT_FALSE(price);
    EXPECT_NE(price.error().detail.find(words), std::string::npos) << price.error().detail;
}

TEST(Pyth, SelectorsAreThoseOfTheInterface) {
    const Bytes call = price_call(Hash32{}, /*ema=*/false);
    EXPECT_EQ(to_hex(ByteView(call).first(4)), "0x96834ad3");
    EXPECT_EQ(call.size(), 36U);
    EXPECT_EQ(to_hex(ByteView(price_call(Hash32{}, /*ema=*/true)).first(4)), "0x9474f45b");
}

TEST(Pyth, AGoodPriceHasItsConfidenceInTheSameUnit) {
    const auto price = decode_price(encoded(300'012'345'678, 150'000'000, -8));
    ASSERT_TRUE(price);
    EXPECT_EQ(price.value().price, Money::parse("3000.12345678").value());
    EXPECT_EQ(price.value().confidence, Money::parse("1.5").value());
    EXPECT_EQ(price.value().published_at, UnixSeconds{1'000'000});
}

TEST(Pyth, ThePriceRoundsDownAndTheConfidenceUp) {
    const auto price = decode_price(encoded(1'999, 1'001, -21));
    ASSERT_TRUE(price);
    EXPECT_EQ(price.value().price, Money::from_e18(1));
    EXPECT_EQ(price.value().confidence, Money::from_e18(2));
    EXPECT_EQ(decode_price(encoded(5, 0, 3)).value().price, Money::whole(5'000));
}

TEST(Pyth, RefusesWhatIsNoPrice) {
    expect_refused(encoded(0, 0, -8), "the price 0 is not positive");
    expect_refused(encoded(-1, 0, -8), "the price -1 is not positive");
    expect_refused(encoded(1, 0, -8, 0), "publishTime is 0");
    expect_refused(encoded(1, 0, -37), "-37 is outside -36 to 12");
    expect_refused(encoded(1, 0, 13), "13 is outside");
}

TEST(Pyth, RefusesOtherLengthsAndWordsBeyondTheirTypes) {
    expect_refused({}, "returned 0 bytes instead of 128");
    Bytes returned = encoded(1, 1, -8);
    returned[31 - 8] = 1;
    expect_refused(returned, "beyond int64");
    returned = encoded(1, 1, -8);
    returned[32] = 1;
    expect_refused(returned, "Pyth's confidence is");
    returned = encoded(1, 1, -8);
    returned[64] = 0;
    expect_refused(returned, "beyond int32");
}

}  // namespace
}  // namespace margrave::oracle::pyth
