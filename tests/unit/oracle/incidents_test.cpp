// SPDX-License-Identifier: Apache-2.0
#include "core/words.hpp"
#include "oracle/detail/judgement.hpp"
#include "oracle/oracle.hpp"
#include "oracle/sources/uniswap_v3.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

// Prices that cost money once, as the sources told them, and the guard that refuses each now. The
// rest of them stand where their contracts are: tests/integration/price_sources_test.cpp (Inverse,
// Hundred, Moonwell) and tests/unit/config/price_test.cpp (Moonwell, single sources).
namespace margrave::oracle {
namespace {

constexpr UnixSeconds kNow{1'764'345'600};

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

SourceSettings made_by(std::string maker) {
    SourceSettings out;
    out.name = maker;
    out.made_by = std::move(maker);
    return out;
}

AssetOracleSettings asset(std::string_view low, std::string_view high, std::size_t sources) {
    AssetOracleSettings out;
    out.name = "asset";
    out.max_age_s = 3'600;
    out.price_min = usd(low);
    out.price_max = usd(high);
    out.max_spread = usd("0.02");
    for (std::size_t i = 0; i < sources; ++i) {
        out.sources.push_back(made_by("maker-" + std::to_string(i)));
    }
    out.min_sources = sources < 2 ? 1 : 2;
    return out;
}

SlowSettings slow() {
    SlowSettings out;
    out.max_per_hour = usd("0.06");
    out.max_from_delayed = usd("0.5");
    out.soft = usd("0.1");
    out.hard = usd("5");
    return out;
}

Answer answer(std::string_view price, std::size_t source = 0) {
    Answer out;
    out.source = "maker-" + std::to_string(source);
    out.price = usd(price);
    out.published_at = kNow;
    return out;
}

detail::Judgement judged(
    const AssetOracleSettings& settings,
    const std::vector<Answer>& answers,
    const AssetMemory& before = {},
    UnixSeconds now = kNow
) {
    return detail::judge(settings, answers, now, before);
}

// Thin spot markets took MNGO from 0.038 to 0.91 USD in half an hour, and the profit on it was
// borrowed against.
TEST(Incident, MangoOctober2022IsWorthItsSlowPriceWhereValueLeaves) {
    AssetOracleSettings mngo = asset("0.001", "10", 2);
    mngo.slow = slow();
    AssetMemory memory = judged(mngo, {answer("0.038"), answer("0.038", 1)}).memory;
    detail::Judgement last;
    for (std::uint64_t minute = 1; minute <= 10; ++minute) {
        const UnixSeconds now{kNow.value + 60 * minute};
        std::vector<Answer> answers{answer("0.054"), answer("0.054", 1)};
        last = judged(mngo, answers, memory, now);
        memory = last.memory;
    }
    EXPECT_EQ(last.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(last.use.initial, Use::kWorseOfBoth);
    EXPECT_LT(*last.use.slow, usd("0.0384"));
    // More than five times apart nothing leaves at all, and nobody is liquidated by it.
    last = judged(mngo, {answer("0.91"), answer("0.91", 1)}, memory, UnixSeconds{kNow.value + 660});
    EXPECT_EQ(last.use.initial, Use::kReject);
    EXPECT_EQ(last.use.liquidation, Use::kHold);
}

// One exchange printed DAI at 1.30 USD, inside a band of a fifth.
TEST(Incident, CompoundNovember2020OneVenueIsOutvotedAndABandOfAPegIsTight) {
    const AssetOracleSettings dai = asset("0.95", "1.05", 3);
    const auto one = judged(dai, {answer("1.30"), answer("1.001", 1), answer("1.002", 2)});
    EXPECT_EQ(one.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(one.row.price, usd("1.001"));
    const auto anchored = judged(dai, {answer("1.30"), answer("1.30", 1), answer("1.002", 2)});
    EXPECT_EQ(anchored.row.verdict, PriceVerdict::kOutOfBounds);
}

// A mean whose window no time passed in was the price of one trade.
TEST(Incident, InverseApril2022AWindowWithoutTimeIsNoMean) {
    const Bytes still = WordWriter()
                            .uint(64)
                            .uint(160)
                            .uint(2)
                            .uint(1'000)
                            .uint(1'000)
                            .uint(2)
                            .uint(7)
                            .uint(7)
                            .bytes();
    const auto window = uniswap::decode_observe(still, 600);
    ASSERT_FALSE(window);
    EXPECT_NE(window.error().detail.find("did not move on"), std::string::npos);
}

// LUNA traded at 0.01 USD and its feed stood at the least it could say, 0.107.
TEST(Incident, VenusAndBlizzMay2022AFeedAtItsEndIsNoPrice) {
    const AssetOracleSettings luna = asset("0.0001", "1000", 1);
    Answer paused = answer("0.107");
    paused.floor = usd("0.107");
    const auto refused = judged(luna, {paused});
    EXPECT_EQ(refused.row.verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(refused.use.initial, Use::kReject);
    EXPECT_NE(refused.refusals[0].find("lowest the feed can say"), std::string::npos);
    paused.price = usd("0.108");
    EXPECT_EQ(judged(luna, {paused}).row.verdict, PriceVerdict::kUsable);
}

// cbETH per ETH, 1.12, was taken for dollars after a change of parameters.
TEST(Incident, MoonwellFebruary2026ARateIsOutsideTheBandOfAPrice) {
    const AssetOracleSettings cbeth = asset("100", "20000", 2);
    const auto alone = judged(cbeth, {answer("1.12"), answer("1.12", 1)});
    EXPECT_EQ(alone.row.verdict, PriceVerdict::kOutOfBounds);
    const auto beside = judged(cbeth, {answer("1.12"), answer("2464", 1)});
    EXPECT_EQ(beside.row.verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(beside.use.initial, Use::kReject);
}

// The rate's snapshot moved and its time did not, so that it came out 2.85 percent low, and 34
// accounts were liquidated by one source.
TEST(Incident, AaveCapoMarch2026OneSourceThatFallsLiquidatesNobody) {
    AssetOracleSettings wsteth = asset("100", "20000", 1);
    wsteth.slow = slow();
    wsteth.slow->soft = usd("0.02");
    const AssetMemory memory = judged(wsteth, {answer("2500")}).memory;
    const auto low = judged(wsteth, {answer("2428.75")}, memory, UnixSeconds{kNow.value + 60});
    EXPECT_EQ(low.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(low.use.liquidation, Use::kHold);
    EXPECT_NE(low.use.why.find("only one source says so"), std::string::npos);
    // A second source that says the same is a market that fell.
    AssetOracleSettings two = asset("100", "20000", 2);
    two.slow = wsteth.slow;
    const auto both = judged(
        two, {answer("2428.75"), answer("2428.75", 1)}, memory, UnixSeconds{kNow.value + 60}
    );
    EXPECT_EQ(both.use.liquidation, Use::kUsable);
    // A rate that dates itself is as old as it says, whatever block it is read at.
    Answer apart = answer("1.2");
    apart.published_at = UnixSeconds{kNow.value - 86'400};
    PriceRow ether;
    ether.price = usd("2500");
    ether.published_at = kNow;
    ether.verdict = PriceVerdict::kUsable;
    EXPECT_EQ(judged(wsteth, {in_dollars(apart, "eth", ether)}).row.verdict, PriceVerdict::kStale);
}

// USDe was priced by the venue's own thin book, 0.65 USD, while it could be redeemed for a dollar.
TEST(Incident, BinanceOctober2025ABookAgainstARedemptionRateIsHeld) {
    const AssetOracleSettings usde = asset("0.5", "1.5", 2);
    const auto apart = judged(usde, {answer("0.65"), answer("0.999", 1)});
    EXPECT_EQ(apart.row.verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(apart.use.liquidation, Use::kHold);
}

// Two publishers near zero pulled BTC to 5,402 USD; the confidence said so.
TEST(Incident, PythSeptember2021AnUnsurePriceIsRefused) {
    Answer btc = answer("5402");
    btc.confidence = usd("21000");
    EXPECT_EQ(judged(asset("1000", "1000000", 1), {btc}).row.verdict, PriceVerdict::kOutOfBounds);
}

// YFI rose to three times its price in a week and fell by a third in an hour; profits were
// recycled on the way up.
TEST(Incident, DydxNovember2023ARiseOfAnHourIsNotBorrowedAgainst) {
    AssetOracleSettings yfi = asset("100", "100000", 2);
    yfi.slow = slow();
    AssetMemory memory = judged(yfi, {answer("9000"), answer("9000", 1)}).memory;
    detail::Judgement last;
    for (std::uint64_t minute = 1; minute <= 60; ++minute) {
        const UnixSeconds now{kNow.value + 60 * minute};
        std::vector<Answer> answers{answer("14000"), answer("14000", 1)};
        for (Answer& each : answers) {
            each.published_at = now;
        }
        last = judged(yfi, answers, memory, now);
        memory = last.memory;
    }
    EXPECT_EQ(last.use.initial, Use::kWorseOfBoth);
    EXPECT_LT(*last.use.slow, usd("9600"));
}

// A feed that goes on dating the same value anew.
TEST(Incident, AFrozenFeedIsStaleHoweverFreshItSaysItIs) {
    AssetOracleSettings eth = asset("100", "20000", 1);
    eth.max_unchanged_s = 21'600;
    AssetMemory memory = judged(eth, {answer("2500")}).memory;
    for (const std::uint64_t hours : {1U, 3U, 6U}) {
        const UnixSeconds now{kNow.value + hours * 3'600};
        Answer same = answer("2500");
        same.published_at = now;
        const auto still = judged(eth, {same}, memory, now);
        EXPECT_EQ(still.row.verdict, PriceVerdict::kUsable) << hours;
        memory = still.memory;
    }
    const UnixSeconds late{kNow.value + 21'601};
    Answer same = answer("2500");
    same.published_at = late;
    EXPECT_EQ(judged(eth, {same}, memory, late).row.verdict, PriceVerdict::kStale);
    // An answer that fails for once does not make it new.
    Answer none;
    none.source = "maker-0";
    memory = judged(eth, {none}, memory, late).memory;
    EXPECT_EQ(judged(eth, {same}, memory, late).row.verdict, PriceVerdict::kStale);
    same.price = usd("2500.01");
    EXPECT_EQ(judged(eth, {same}, memory, late).row.verdict, PriceVerdict::kUsable);
}

}  // namespace
}  // namespace margrave::oracle
