// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/uniswap_v3.hpp"

#include "core/words.hpp"
#include "oracle/sources/tick.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace margrave::oracle::uniswap {
namespace {

constexpr std::uint32_t kWindow = 1'800;

Bytes observed(std::int64_t before, std::int64_t after, std::uint64_t passed_x128) {
    return WordWriter()
        .uint(64)
        .uint(160)
        .uint(2)
        .money(Money::from_e18(before))
        .money(Money::from_e18(after))
        .uint(2)
        .uint(5)
        .uint(5 + passed_x128)
        .bytes();
}

void expect_refused(const Bytes& returned, std::string_view words) {
    const auto window = decode_observe(returned, kWindow);
    ASSERT_FALSE(window);
    EXPECT_NE(window.error().detail.find(words), std::string::npos) << window.error().detail;
}

TEST(Tick, ZeroIsOneAndATickIsAHundredthOfAPercent) {
    EXPECT_EQ(price_of_tick(0, 18, 18).value(), Money::whole(1));
    EXPECT_EQ(price_of_tick(1, 18, 18).value(), Money::parse("1.0001").value());
    EXPECT_EQ(price_of_tick(2, 18, 18).value(), Money::parse("1.00020001").value());
    EXPECT_EQ(price_of_tick(-1, 18, 18).value(), Money::parse("0.999900009999000099").value());
}

TEST(Tick, DecimalsShiftThePrice) {
    EXPECT_EQ(price_of_tick(0, 18, 6).value(), Money::whole(1'000'000'000'000));
    EXPECT_EQ(price_of_tick(0, 6, 18).value(), Money::parse("0.000000000001").value());
}

// 1.0001^tick with 400 digits (Python's decimal), to 18 decimals, rounded down.
TEST(Tick, IsThePowerToTheLastDigit) {
    EXPECT_EQ(price_of_tick(80'067, 18, 18).value().to_decimal(), "2999.796379020818450736");
    EXPECT_EQ(price_of_tick(-80'067, 18, 18).value().to_decimal(), "0.000333355959422291");
    EXPECT_EQ(price_of_tick(-196'256, 18, 6).value().to_decimal(), "3000.104290406328548377");
    EXPECT_EQ(
        price_of_tick(300'000, 18, 18).value().to_decimal(), "10670457952892.911130929613805844"
    );
}

TEST(Tick, TheOutermostTicksAreZeroOrNoMoney) {
    EXPECT_TRUE(price_of_tick(-kTickMax, 18, 18).value().is_zero());
    EXPECT_EQ(price_of_tick(kTickMax, 18, 0).error().code, Errc::kOverflow);
    // Thirty digits of it are right; its inverse has no more.
    const std::string largest = price_of_tick(kTickMax, 0, 18).value().to_decimal();
    EXPECT_EQ(largest.substr(0, 31), "340256786836388094050.805785052");
    EXPECT_EQ(price_of_tick(kTickMax + 1, 18, 18).error().code, Errc::kInvalid);
    EXPECT_EQ(price_of_tick(0, 19, 18).error().code, Errc::kInvalid);
}

TEST(Tick, TheMeanRoundsTowardMinusInfinity) {
    EXPECT_EQ(mean_tick(0, 7, 2), 3);
    EXPECT_EQ(mean_tick(7, 0, 2), -4);
    EXPECT_EQ(mean_tick(10, 4, 2), -3);
}

TEST(Uniswap, SelectorsAreThoseOfThePool) {
    EXPECT_EQ(to_hex(slot0_call()), "0x3850c7bd");
    const Bytes call = observe_call(kWindow);
    EXPECT_EQ(to_hex(ByteView(call).first(4)), "0x883bdbfd");
    EXPECT_EQ(call.size(), 4U + 4 * 32U);
}

TEST(Uniswap, AWindowHasItsMeanTickAndItsHarmonicLiquidity) {
    const auto window = decode_observe(observed(1'000, 1'000 - 3'601, 900), kWindow);
    ASSERT_TRUE(window);
    EXPECT_EQ(window.value().tick, -3);
    EXPECT_EQ(window.value().liquidity.to_string(), "680564733841876926926749214863536422912");
}

TEST(Uniswap, TheSecondsWrapAroundAt160Bits) {
    Bytes returned = observed(0, 0, 0);
    // From 2^160 - 1 to 1.
    std::fill(returned.begin() + 6 * 32 + 12, returned.begin() + 7 * 32, std::uint8_t{0xff});
    returned[8 * 32 - 1] = 1;
    const auto window = decode_observe(returned, kWindow);
    ASSERT_TRUE(window);
    EXPECT_EQ(window.value().liquidity.to_string(), "306254130228844617117037146688591390310400");
}

TEST(Uniswap, RefusesOtherForms) {
    expect_refused({}, "returned 0 bytes instead of 256");
    Bytes returned = observed(0, 0, 1);
    returned[2 * 32 + 31] = 3;
    expect_refused(returned, "no two lists of two");
    expect_refused(observed(0, 0, 0), "did not move on");
    returned = observed(0, 0, 1);
    returned[3 * 32] = 1;
    expect_refused(returned, "beyond int56");
    returned = observed(0, 0, 1);
    returned[6 * 32] = 1;
    expect_refused(returned, "beyond uint160");
    expect_refused(observed(0, std::int64_t{1'800} * 887'273, 1), "is no tick");
}

}  // namespace
}  // namespace margrave::oracle::uniswap
