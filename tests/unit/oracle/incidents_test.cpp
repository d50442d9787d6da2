// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "core/words.hpp"
#include "oracle/detail/judgement.hpp"
#include "oracle/kinds.hpp"
#include "oracle/oracle.hpp"
#include "oracle/sources/uniswap_v3.hpp"
#include "tests/unit/oracle/source_probe.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

// Prices that cost money once, as the sources told them over the time they took, with the guard
// that refuses each now, and without it. Guards are those of a config that says nothing of them,
// but where a test says otherwise. What the prices did to accounts stands in
// tests/unit/margin/incidents_test.cpp and incident_markets_test.cpp, what takes real contracts in
// tests/integration/price_sources_test.cpp (Inverse, Hundred, Moonwell).
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
    out.max_spread = usd("0.01");
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

// The same price of all makers of the settings, as of now.
std::vector<Answer> all_say(const AssetOracleSettings& settings, const Money& price) {
    std::vector<Answer> out;
    for (const SourceSettings& source : settings.sources) {
        Answer& one = out.emplace_back();
        one.source = source.name;
        one.price = price;
    }
    return out;
}

// Prices that all makers say alike, one after the other in steps of so many seconds.
class Path {
  public:
    Path(AssetOracleSettings settings, const Money& start)
        : settings_(std::move(settings)),
          price_(start) {
        step(0);
    }

    // Times `factor` in each of so many steps.
    void go(unsigned steps, std::uint64_t seconds, std::string_view factor) {
        for (unsigned i = 0; i < steps; ++i) {
            price_ = mul(price_, usd(factor), Round::kDown).value();
            step(seconds);
        }
    }

    [[nodiscard]] const detail::Judgement& last() const { return last_; }

    [[nodiscard]] const Money& price() const { return price_; }

  private:
    void step(std::uint64_t seconds) {
        now_.value += seconds;
        std::vector<Answer> answers = all_say(settings_, price_);
        for (Answer& each : answers) {
            each.published_at = now_;
        }
        last_ = judged(settings_, answers, last_.memory, now_);
    }

    AssetOracleSettings settings_;
    Money price_;
    UnixSeconds now_{kNow};
    detail::Judgement last_;
};

// Thin spot markets took MNGO from 0.038 to 0.91 USD in half an hour, and the profit on it was
// borrowed against.
TEST(Incident, MangoOctober2022IsWorthItsSlowPriceWhereValueLeaves) {
    AssetOracleSettings mngo = asset("0.001", "10", 2);
    Path without(mngo, usd("0.038"));
    without.go(30, 60, "1.1117");
    EXPECT_GT(without.price(), usd("0.9"));
    EXPECT_EQ(without.last().use.initial, Use::kUsable);

    mngo.slow = slow();
    Path with(mngo, usd("0.038"));
    with.go(10, 60, "1.1117");
    EXPECT_GT(with.price(), usd("0.105"));
    EXPECT_EQ(with.last().row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(with.last().use.initial, Use::kWorseOfBoth);
    EXPECT_LT(*with.last().use.slow, usd("0.0384"));
    // More than five times apart nothing leaves at all, and nobody is liquidated by it.
    with.go(20, 60, "1.1117");
    EXPECT_LT(*with.last().use.slow, usd("0.0393"));
    EXPECT_EQ(with.last().use.initial, Use::kReject);
    EXPECT_EQ(with.last().use.liquidation, Use::kHold);
}

// One exchange printed DAI at 1.30 USD, inside a band of a fifth.
TEST(Incident, CompoundNovember2020OneVenueIsOutvotedAndABandOfAPegIsTight) {
    const AssetOracleSettings dai = asset("0.95", "1.05", 3);
    const auto one = judged(dai, {answer("1.30"), answer("1.001", 1), answer("1.002", 2)});
    EXPECT_EQ(one.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(one.row.price, usd("1.001"));
    const auto anchored = judged(dai, {answer("1.30"), answer("1.30", 1), answer("1.002", 2)});
    EXPECT_EQ(anchored.row.verdict, PriceVerdict::kOutOfBounds);
    // One venue within a wide band decided alone.
    const auto alone = judged(asset("0.5", "1.5", 1), {answer("1.30")});
    EXPECT_EQ(alone.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(alone.row.price, usd("1.30"));
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
    // Over the ten minutes that a window takes at least it is one.
    const Bytes moved = WordWriter()
                            .uint(64)
                            .uint(160)
                            .uint(2)
                            .uint(1'000)
                            .uint(601'000)
                            .uint(2)
                            .uint(7)
                            .uint(907)
                            .bytes();
    EXPECT_TRUE(uniswap::decode_observe(moved, 600).has_value());
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
    // Without a band of a price two that are wrong alike are believed; one beside a right one is
    // not.
    const AssetOracleSettings wide = asset("0.0001", "1000000", 2);
    EXPECT_EQ(judged(wide, {answer("1.12"), answer("1.12", 1)}).row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(
        judged(wide, {answer("1.12"), answer("2464", 1)}).row.verdict, PriceVerdict::kOutOfBounds
    );
    // Said to be in ether, it is the price it was meant to be.
    PriceRow ether;
    ether.price = usd("2200");
    ether.published_at = kNow;
    ether.verdict = PriceVerdict::kUsable;
    const auto meant = judged(wide, {in_dollars(answer("1.12"), "eth", ether), answer("2465", 1)});
    EXPECT_EQ(meant.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(meant.row.price, usd("2464"));
}

// The rate's snapshot moved and its time did not, so that it came out 2.85 percent low, and 34
// accounts were liquidated by one source.
TEST(Incident, AaveCapoMarch2026OneSourceThatFallsLiquidatesNobody) {
    // Two makers: the market does not say what the rate says.
    const AssetOracleSettings two = asset("100", "20000", 2);
    const auto apart = judged(two, {answer("2428.75"), answer("2500", 1)});
    EXPECT_EQ(apart.row.verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(apart.use.liquidation, Use::kHold);
    const auto both = judged(two, {answer("2428.75"), answer("2428.75", 1)});
    EXPECT_EQ(both.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(both.use.liquidation, Use::kUsable);

    // One maker that was accepted: the usual tenth does not see it, a band of two percent does.
    AssetOracleSettings one = asset("100", "20000", 1);
    one.slow = slow();
    const AssetMemory memory = judged(one, {answer("2500")}).memory;
    const UnixSeconds next{kNow.value + 60};
    EXPECT_EQ(judged(one, {answer("2428.75")}, memory, next).use.liquidation, Use::kUsable);
    one.slow->soft = usd("0.02");
    const auto low = judged(one, {answer("2428.75")}, memory, next);
    EXPECT_EQ(low.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(low.use.liquidation, Use::kHold);
    EXPECT_NE(low.use.why.find("only one source says so"), std::string::npos);
}

// A contract that answers one word to each call, and remembers the blocks it was asked at.
class Views {
  public:
    void set(std::string_view signature, const Amount& word) {
        const Hash32 hash = keccak256(signature);
        words_[{hash.data[0], hash.data[1], hash.data[2], hash.data[3]}] = word;
    }

    [[nodiscard]] Answer ask(std::string_view kind, Canonical::Object settings) {
        settings["chain"] = "eip155:1";
        const SourceSettings all = settings_of(std::string(kind), std::move(settings));
        auto source = find_kind(kind)->make(all, CallAt([this](auto, auto, Bytes data, Hash32 at) {
                                                return answer_to(std::move(data), at);
                                            }));
        EXPECT_TRUE(source) << source.error().detail;
        const BlockRef head{BlockNum{7}, keccak256("block"), keccak256("parent"), kNow};
        const Heads heads{{ChainId::evm(1), head}};
        return loop_.run(source.value()->read(heads, kNow));
    }

    [[nodiscard]] const std::set<Hash32>& blocks() const { return blocks_; }

  private:
    Task<Result<Bytes>> answer_to(Bytes data, Hash32 block) {
        blocks_.insert(block);
        const auto found = words_.find({data[0], data[1], data[2], data[3]});
        const Hash32 word = found == words_.end() ? Hash32{} : found->second.to_word();
        co_return Bytes(word.data.begin(), word.data.end());
    }

    tests::Loop loop_;
    std::map<std::array<std::uint8_t, 4>, Amount> words_;
    std::set<Hash32> blocks_;
};

TEST(Incident, AaveCapoMarch2026ARateAndItsTimeAreOfOneBlockAndJudgedTogether) {
    Views rates;
    rates.set("getRate()", Amount{1'193'900'000'000'000'000U});
    rates.set("lastUpdate()", Amount{kNow.value - 86'400});
    const Canonical::Object place{{"address", "0x54586be62e3c3580375ae3723c145253060ca0c2"}};
    Canonical::Object dated = place;
    dated["time"] = "lastUpdate()";
    PriceRow ether;
    ether.price = usd("2500");
    ether.published_at = kNow;
    ether.verdict = PriceVerdict::kUsable;
    const auto verdict = [&](const Answer& rate) {
        return judged(asset("100", "20000", 1), {in_dollars(rate, "eth", ether)}).row.verdict;
    };
    const Answer old = rates.ask("rate", dated);
    EXPECT_EQ(rates.blocks(), std::set<Hash32>{keccak256("block")});
    EXPECT_EQ(old.published_at, UnixSeconds{kNow.value - 86'400});
    EXPECT_EQ(verdict(old), PriceVerdict::kStale);
    // Without its own time it is as old as the block, and believed.
    EXPECT_EQ(verdict(rates.ask("rate", place)), PriceVerdict::kUsable);
}

// Hundred: two wei of shares are left of a market, and half a thousand WBTC given to it make each
// of them worth a fortune.
TEST(Incident, HundredApril2023ANearlyEmptyMarketHasNoPrice) {
    Views market;
    market.set("decimals()", Amount{8});
    market.set("asset()", Amount{0xabcd});
    market.set("totalSupply()", Amount{2});
    // 500 WBTC, 8 decimals, over 2e-8 shares.
    market.set("convertToAssets(uint256)", Amount{50'000'000'000U * 50'000'000U});
    const Canonical::Object place{{"vault", "0x54586be62e3c3580375ae3723c145253060ca0c2"}};
    const Answer refused = market.ask("erc4626", place);
    EXPECT_FALSE(refused.price.has_value());
    EXPECT_NE(refused.error.find("only 0.00000002 shares are out"), std::string::npos)
        << refused.error;
    Canonical::Object without = place;
    without["min_supply"] = "0";
    const Answer believed = market.ask("erc4626", without);
    ASSERT_TRUE(believed.price.has_value()) << believed.error;
    EXPECT_EQ(*believed.price, usd("25000000000"));
    // The band of the source, in its own quote, holds without any floor of supply.
    AssetOracleSettings shares = asset("1", "100000000000", 1);
    shares.sources[0].max = usd("1.1");
    Answer as_maker = believed;
    as_maker.source = "maker-0";
    EXPECT_EQ(judged(shares, {as_maker}).row.verdict, PriceVerdict::kOutOfBounds);
}

// USDe was priced by the venue's own thin book, 0.65 USD, while it could be redeemed for a dollar.
TEST(Incident, BinanceOctober2025ABookAgainstARedemptionRateIsHeld) {
    const AssetOracleSettings usde = asset("0.5", "1.5", 2);
    const auto apart = judged(usde, {answer("0.65"), answer("0.999", 1)});
    EXPECT_EQ(apart.row.verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(apart.use.liquidation, Use::kHold);
    const auto book = judged(asset("0.5", "1.5", 1), {answer("0.65")});
    EXPECT_EQ(book.row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(book.use.liquidation, Use::kUsable);
    // The floor of a peg holds where it was one venue, too.
    EXPECT_EQ(
        judged(asset("0.9", "1.1", 1), {answer("0.65")}).row.verdict, PriceVerdict::kOutOfBounds
    );
}

// Two publishers near zero pulled BTC to 5,402 USD; the confidence said so.
TEST(Incident, PythSeptember2021AnUnsurePriceIsRefused) {
    Answer btc = answer("5402");
    btc.confidence = usd("21000");
    EXPECT_EQ(judged(asset("1000", "1000000", 1), {btc}).row.verdict, PriceVerdict::kOutOfBounds);
    AssetOracleSettings careless = asset("1000", "1000000", 1);
    careless.max_confidence = usd("10");
    EXPECT_EQ(judged(careless, {btc}).row.verdict, PriceVerdict::kUsable);
}

// YFI rose from 5,400 to 14,400 USD in a week and fell by 43 percent in five hours. The slow price
// follows such a week: what catches it is in tests/unit/margin/incident_markets_test.cpp.
TEST(Incident, DydxNovember2023ARiseOfAWeekIsNotForTheSlowPriceButOneOfAnHourIs) {
    AssetOracleSettings yfi = asset("100", "100000", 2);
    yfi.slow = slow();
    Path week(yfi, usd("5400"));
    // 1.15 a day, in steps of ten minutes.
    week.go(7 * 144, 600, "1.000971");
    EXPECT_GT(week.price(), usd("14300"));
    EXPECT_EQ(week.last().use.initial, Use::kUsable);
    EXPECT_GT(*week.last().use.slow, usd("14000"));
    week.go(30, 600, "0.98145");
    EXPECT_LT(week.price(), usd("8300"));
    // The fall is believed at once: the worse of both is the price.
    EXPECT_EQ(week.last().use.initial, Use::kWorseOfBoth);
    EXPECT_EQ(week.last().use.liquidation, Use::kUsable);
    EXPECT_GT(*week.last().use.slow, week.price());

    Path hour(yfi, usd("9000"));
    hour.go(60, 60, "1.00739");
    EXPECT_GT(hour.price(), usd("13900"));
    EXPECT_EQ(hour.last().use.initial, Use::kWorseOfBoth);
    EXPECT_LT(*hour.last().use.slow, usd("9600"));
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
