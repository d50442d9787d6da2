// SPDX-License-Identifier: Apache-2.0
#include "oracle/slow.hpp"

#include "core/keccak.hpp"
#include "oracle/oracle.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace margrave::oracle {
namespace {

// On the hour.
constexpr UnixSeconds kStart{1'764'345'600};

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

SlowSettings settings() {
    SlowSettings out;
    out.max_per_hour = usd("0.06");
    out.delay_hours = 3;
    out.max_from_delayed = usd("0.1");
    out.soft = usd("0.1");
    out.hard = usd("5");
    return out;
}

UnixSeconds after(std::uint64_t seconds) {
    return UnixSeconds{kStart.value + seconds};
}

/// A round a minute at one price.
SlowState run(SlowState state, std::string_view price, std::uint64_t minutes) {
    for (std::uint64_t i = 0; i < minutes; ++i) {
        state = advance_slow(settings(), state, usd(price), UnixSeconds{state.at.value + 60});
    }
    return state;
}

TEST(Slow, BeginsAtThePriceAndStaysWhereThePriceStays) {
    const SlowState begun = begin_slow(usd("100"), kStart);
    EXPECT_EQ(begun.price, usd("100"));
    const SlowState later = run(begun, "100", 500);
    EXPECT_EQ(later.price, usd("100"));
    EXPECT_EQ(later.hours, (std::vector<Money>{usd("100"), usd("100"), usd("100")}));
}

TEST(Slow, MovesByItsPartOfAnHourAndNoFaster) {
    const SlowState begun = begin_slow(usd("100"), kStart);
    // A minute of six percent an hour is a thousandth.
    EXPECT_EQ(advance_slow(settings(), begun, usd("200"), after(60)).price, usd("100.1"));
    EXPECT_EQ(advance_slow(settings(), begun, usd("50"), after(60)).price, usd("99.9"));
    EXPECT_EQ(advance_slow(settings(), begun, usd("100.05"), after(60)).price, usd("100.05"));
}

TEST(Slow, LittleTimeIsNoneAndMuchTimeIsTenMinutes) {
    const SlowState begun = begin_slow(usd("100"), kStart);
    EXPECT_EQ(advance_slow(settings(), begun, usd("200"), after(9)), begun);
    EXPECT_EQ(
        advance_slow(settings(), begun, usd("200"), after(10)).price, usd("100.016666666666666666")
    );
    EXPECT_EQ(advance_slow(settings(), begun, usd("200"), after(600)).price, usd("101"));
    EXPECT_EQ(advance_slow(settings(), begun, usd("200"), after(86'400)).price, usd("101"));
    // A clock that went back is no time either.
    EXPECT_EQ(advance_slow(settings(), begun, usd("200"), UnixSeconds{1}), begun);
}

TEST(Slow, StaysNearTheAverageOfADelayAgo) {
    const SlowState flat = run(begin_slow(usd("100"), kStart), "100", 240);
    // Two hours at twice the price: six percent an hour, but never a tenth above the delayed hour.
    const SlowState pumped = run(flat, "200", 120);
    EXPECT_EQ(pumped.price, usd("110"));
    // Afterwards the average of the two hours comes by, and does not draw it up.
    EXPECT_EQ(run(pumped, "100", 120).price, usd("103.694683528076578272"));
    EXPECT_EQ(run(pumped, "100", 360).price, usd("100"));
}

TEST(Slow, FollowsWhatLasts) {
    const SlowState moved = run(run(begin_slow(usd("100"), kStart), "100", 240), "150", 30 * 60);
    EXPECT_EQ(moved.price, usd("150"));
}

// The same steps in Python, hashed with cast.
TEST(Slow, ItsBytesAreFixed) {
    SlowState state = begin_slow(usd("3000.123456789012345678"), kStart);
    Bytes all;
    for (std::uint64_t i = 1; i <= 400; ++i) {
        const Money price = Money::whole(static_cast<std::int64_t>(2'000 + i * 37 % 1'500));
        state = advance_slow(settings(), state, price, after(i * 47));
        put_bytes(all, as_bytes(state.price.to_string_e18()));
    }
    EXPECT_EQ(
        to_hex(keccak256(all)), "0x6049530ec75fd57cab639ba81dd79926add38c38256673057db88fb8ede02665"
    );
}

}  // namespace
}  // namespace margrave::oracle
