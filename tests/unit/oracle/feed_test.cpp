// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/feed.hpp"

#include "core/words.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string_view>

namespace margrave::oracle::feed {
namespace {

struct Round {
    std::uint64_t id{7};
    Money answer{Money::from_e18(200'012'345'678)};
    std::uint64_t updated_at{1'000'000};
    std::uint64_t answered_in{7};

    [[nodiscard]] Bytes encoded() const {
        return WordWriter()
            .uint(id)
            .money(answer)
            .uint(updated_at - 1)
            .uint(updated_at)
            .uint(answered_in)
            .bytes();
    }
};

void expect_refused(const Bytes& returned, std::string_view words, unsigned decimals = 8) {
    const auto round = decode_latest_round(returned, decimals);
    ASSERT_FALSE(round);
    EXPECT_NE(round.error().detail.find(words), std::string::npos) << round.error().detail;
}

Money price(std::int64_t answer, unsigned decimals) {
    const Round round{.answer = Money::from_e18(answer)};
    return decode_latest_round(round.encoded(), decimals).value().price;
}

TEST(Feed, SelectorsAreThoseOfTheInterface) {
    EXPECT_EQ(to_hex(latest_round_call()), "0xfeaf968c");
    EXPECT_EQ(to_hex(decimals_call()), "0x313ce567");
}

TEST(Feed, AGoodRoundIsDecoded) {
    const auto round = decode_latest_round(Round{}.encoded(), 8);
    ASSERT_TRUE(round);
    EXPECT_EQ(round.value().price, Money::parse("2000.12345678").value());
    EXPECT_EQ(round.value().published_at, UnixSeconds{1'000'000});
    EXPECT_EQ(round.value().round, "7");
}

TEST(Feed, ScalesExactlyAndRoundsDownBeyond18Decimals) {
    EXPECT_EQ(price(1, 0), Money::whole(1));
    EXPECT_EQ(price(123, 18), Money::from_e18(123));
    EXPECT_EQ(price(1'999, 21), Money::from_e18(1));
    EXPECT_EQ(price(999, 21), Money{});
}

TEST(Feed, RefusesAnAnswerThatIsNotPositive) {
    expect_refused(Round{.answer = Money{}}.encoded(), "the answer 0 is not positive");
    expect_refused(Round{.answer = Money::from_e18(-1)}.encoded(), "the answer -1 is not positive");
}

TEST(Feed, RefusesARoundThatIsNotComplete) {
    Bytes returned = Round{}.encoded();
    std::fill(returned.begin() + 96, returned.begin() + 128, std::uint8_t{0});
    expect_refused(returned, "updatedAt is 0");
}

TEST(Feed, RefusesTheAnswerOfAnEarlierRound) {
    expect_refused(Round{.answered_in = 6}.encoded(), "round 7 carries the answer of round 6");
    EXPECT_TRUE(decode_latest_round(Round{.answered_in = 8}.encoded(), 8));
}

TEST(Feed, RefusesAnyOtherLength) {
    expect_refused({}, "returned 0 bytes instead of 160");
    Bytes returned = Round{}.encoded();
    returned.pop_back();
    expect_refused(returned, "returned 159 bytes");
    returned.resize(161);
    expect_refused(returned, "returned 161 bytes");
}

TEST(Feed, RefusesWordsBeyondTheirTypes) {
    Bytes returned = Round{}.encoded();
    returned[0] = 1;
    expect_refused(returned, "beyond uint80");
    returned = Round{}.encoded();
    returned[128] = 1;
    expect_refused(returned, "beyond uint80");
    returned = Round{}.encoded();
    returned[96] = 1;
    expect_refused(returned, "above 2^64 - 1");
    returned = Round{}.encoded();
    returned[32] = 0x7f;
    EXPECT_FALSE(decode_latest_round(returned, 8));
}

TEST(Feed, RefusesMoreThan36Decimals) {
    EXPECT_EQ(decode_decimals(WordWriter().uint(8).bytes()).value(), 8U);
    EXPECT_EQ(decode_decimals(WordWriter().uint(36).bytes()).value(), 36U);
    EXPECT_FALSE(decode_decimals(WordWriter().uint(37).bytes()));
    EXPECT_FALSE(decode_decimals(WordWriter().uint(Amount::max()).bytes()));
    EXPECT_FALSE(decode_decimals({}));
    EXPECT_FALSE(decode_decimals(WordWriter().uint(8).uint(8).bytes()));
}

}  // namespace
}  // namespace margrave::oracle::feed
