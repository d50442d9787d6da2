// SPDX-License-Identifier: Apache-2.0
#include "core/interest.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace margrave {
namespace {

Amount digits(const std::string& text) {
    return Amount::parse(text).value();
}

// Per cent for a year.
Amount percent(std::uint64_t n) {
    return digits(std::to_string(n) + std::string(25, '0'));
}

InterestIndex at(const Amount& value, const Amount& rate) {
    return {value, rate, UnixSeconds{1'000}};
}

UnixSeconds later(std::uint64_t seconds) {
    return UnixSeconds{1'000 + seconds};
}

TEST(Interest, AnIndexGrowsInAStraightLineByItsRate) {
    const InterestIndex index = at(index_one(), percent(5));
    EXPECT_EQ(index_at(index, later(0)), index_one());
    EXPECT_EQ(index_at(index, later(kSecondsOfYear)), digits("105" + std::string(25, '0')));
    EXPECT_EQ(index_at(index, later(2 * kSecondsOfYear)), digits("11" + std::string(26, '0')));
    // 5 % / 31,536,000 does not come out even, and goes up.
    EXPECT_EQ(index_at(index, later(1)), digits("1000000001585489599188229326"));
    // From 1.5, five per cent of that.
    const InterestIndex grown = at(digits("15" + std::string(26, '0')), percent(5));
    EXPECT_EQ(index_at(grown, later(kSecondsOfYear)), digits("1575" + std::string(24, '0')));
}

TEST(Interest, NoTimeBackwardsAndNoRateChangeNothing) {
    EXPECT_EQ(index_at(at(index_one(), percent(5)), UnixSeconds{1}), index_one());
    EXPECT_EQ(index_at(at(index_one(), Amount{}), later(kSecondsOfYear)), index_one());
}

TEST(Interest, NothingThatIsToldGoesBeyondTheLargestRateAndIndex) {
    constexpr UnixSeconds kLast{std::numeric_limits<std::uint64_t>::max()};
    EXPECT_EQ(
        index_at(at(index_one(), Amount::max()), later(kSecondsOfYear)),
        digits("101" + std::string(27, '0'))
    );
    EXPECT_EQ(index_at(at(digits("9" + std::string(44, '0')), Amount::max()), kLast), max_index());
    EXPECT_EQ(index_at(at(max_index(), Amount::max()), kLast), max_index());
    EXPECT_EQ(yearly_rate(Amount::max(), 0, true), max_rate());
    EXPECT_EQ(yearly_rate(Amount::max(), 36, true), max_rate());
}

TEST(Interest, ARateIsTakenFromItsDecimalsAndItsTime) {
    EXPECT_EQ(yearly_rate(Amount{5}, 2, false), percent(5));
    EXPECT_EQ(yearly_rate(Amount{50'000'000}, 9, false), percent(5));
    EXPECT_EQ(yearly_rate(percent(5), 27, false), percent(5));
    EXPECT_EQ(yearly_rate(Amount{}, 18, true), Amount{});
    // Compound III tells rates for a second with 18 decimals: 1,585,489,599 is 5 % but for a hair.
    EXPECT_EQ(
        yearly_rate(Amount{1'585'489'599}, 18, true),
        digits("49999999994064" + std::string(12, '0'))
    );
    // Finer than 27 decimals: up.
    EXPECT_EQ(yearly_rate(Amount{1}, 36, false), Amount{1});
}

TEST(Interest, WhatIsOwedIsRoundedUpAndNeverFalls) {
    const Amount five = digits("105" + std::string(25, '0'));
    EXPECT_EQ(with_interest(Amount{100}, index_one(), five).value(), Amount{105});
    EXPECT_EQ(with_interest(Amount{1}, index_one(), five).value(), Amount{2});
    EXPECT_EQ(with_interest(Amount{}, index_one(), five).value(), Amount{});
    EXPECT_EQ(with_interest(Amount{7}, five, five).value(), Amount{7});
    EXPECT_EQ(with_interest(Amount::max(), five, five).value(), Amount::max());
    EXPECT_EQ(with_interest(Amount::max(), index_one(), five).error().code, Errc::kOverflow);
}

}  // namespace
}  // namespace margrave
