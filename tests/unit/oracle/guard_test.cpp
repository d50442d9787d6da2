// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "oracle/oracle.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace margrave::oracle {
namespace {

constexpr UnixSeconds kNow{1'000'000};

Money usd(std::string_view decimal) {
    return Money::parse(decimal).value();
}

AssetId eth() {
    return AssetId::native(ChainId::evm(1));
}

AssetOracleSettings settings(unsigned min_sources = 1) {
    AssetOracleSettings out;
    out.name = "eth";
    out.assets = {eth()};
    out.max_age_s = 60;
    out.price_min = usd("100");
    out.price_max = usd("10000");
    out.min_sources = min_sources;
    out.max_spread = usd("0.01");
    return out;
}

Answer answer(std::string_view price, std::uint64_t published_at = kNow.value) {
    Answer out;
    out.source = "feed";
    out.price = usd(price);
    out.published_at = UnixSeconds{published_at};
    return out;
}

Answer no_answer(std::string error) {
    Answer out;
    out.source = "feed";
    out.error = std::move(error);
    return out;
}

PriceRow guarded(const std::vector<Answer>& answers, unsigned min_sources = 1) {
    return guard(settings(min_sources), eth(), answers, kNow);
}

TEST(Guard, OneGoodAnswerIsUsable) {
    const PriceRow row = guarded({answer("2000", kNow.value - 7)});
    EXPECT_EQ(row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(row.asset, eth());
    EXPECT_EQ(row.price, usd("2000"));
    EXPECT_TRUE(row.confidence.is_zero());
    EXPECT_EQ(row.published_at, UnixSeconds{kNow.value - 7});
}

TEST(Guard, AgeIsUsableUpToTheBoundaryAndStaleOneSecondLater) {
    EXPECT_EQ(guarded({answer("2000", kNow.value - 60)}).verdict, PriceVerdict::kUsable);
    const PriceRow stale = guarded({answer("2000", kNow.value - 61)});
    EXPECT_EQ(stale.verdict, PriceVerdict::kStale);
    EXPECT_EQ(stale.price, usd("2000"));
    EXPECT_EQ(stale.published_at, UnixSeconds{kNow.value - 61});
}

TEST(Guard, TheFutureIsUsableUpToAMinute) {
    EXPECT_EQ(guarded({answer("2000", kNow.value + 60)}).verdict, PriceVerdict::kUsable);
    EXPECT_EQ(guarded({answer("2000", kNow.value + 61)}).verdict, PriceVerdict::kStale);
    EXPECT_EQ(guarded({answer("2000", ~std::uint64_t{0})}).verdict, PriceVerdict::kStale);
}

TEST(Guard, BoundsAreInclusive) {
    EXPECT_EQ(guarded({answer("100")}).verdict, PriceVerdict::kUsable);
    EXPECT_EQ(guarded({answer("10000")}).verdict, PriceVerdict::kUsable);
    EXPECT_EQ(guarded({answer("99.999999999999999999")}).verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(guarded({answer("10000.000000000000000001")}).verdict, PriceVerdict::kOutOfBounds);
}

TEST(Guard, AnAnswerThatIsNotPositiveIsNeverUsableNorShown) {
    AssetOracleSettings wide = settings();
    wide.price_min = usd("-10");
    for (const std::string_view price : {"0", "-1"}) {
        const PriceRow row = guard(wide, eth(), {answer(price)}, kNow);
        EXPECT_EQ(row.verdict, PriceVerdict::kOutOfBounds);
        EXPECT_TRUE(row.price.is_zero());
    }
}

TEST(Guard, NoAnswerIsMissing) {
    EXPECT_EQ(guarded({}).verdict, PriceVerdict::kMissing);
    EXPECT_EQ(guarded({no_answer("timeout")}).verdict, PriceVerdict::kMissing);
    EXPECT_EQ(guarded({}, /*min_sources=*/0).verdict, PriceVerdict::kMissing);
    EXPECT_TRUE(guarded({no_answer("timeout")}).price.is_zero());
}

TEST(Guard, TooFewSourcesTakeTheWorstReason) {
    EXPECT_EQ(guarded({answer("2000")}, 2).verdict, PriceVerdict::kMissing);
    EXPECT_EQ(guarded({answer("2000"), no_answer("x")}, 2).verdict, PriceVerdict::kMissing);
    EXPECT_EQ(
        guarded({answer("2000"), answer("2000", kNow.value - 61), no_answer("x")}, 2).verdict,
        PriceVerdict::kStale
    );
    EXPECT_EQ(
        guarded({answer("2000"), answer("1"), answer("2000", kNow.value - 61)}, 2).verdict,
        PriceVerdict::kOutOfBounds
    );
}

TEST(Guard, ABadSourceIsLeftOutWhenEnoughAreGood) {
    const PriceRow row = guarded({answer("2000"), answer("1"), answer("2010"), no_answer("x")}, 2);
    EXPECT_EQ(row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(row.price, usd("2000"));
    EXPECT_EQ(row.confidence, usd("5"));
}

TEST(Guard, TheMedianIsTheMiddleOrTheLowerOfTwo) {
    EXPECT_EQ(guarded({answer("2010"), answer("2000"), answer("2005")}).price, usd("2005"));
    EXPECT_EQ(guarded({answer("2010"), answer("2000")}).price, usd("2000"));
    EXPECT_EQ(
        guarded({answer("2003"), answer("2001"), answer("2004"), answer("2002")}).price, usd("2002")
    );
}

TEST(Guard, ConfidenceIsHalfTheSpreadRoundedUp) {
    EXPECT_EQ(guarded({answer("2010"), answer("2000"), answer("2001")}).confidence, usd("5"));
    EXPECT_EQ(
        guarded({answer("2000"), answer("2000.000000000000000001")}).confidence, Money::from_e18(1)
    );
}

TEST(Guard, TheOldestAnswerThatCountsDatesTheRow) {
    const PriceRow row = guarded(
        {answer("2000", kNow.value - 5),
         answer("2001", kNow.value - 40),
         answer("2002", kNow.value - 61)}
    );
    EXPECT_EQ(row.published_at, UnixSeconds{kNow.value - 40});
}

TEST(Guard, SpreadIsUsableUpToTheBoundary) {
    EXPECT_EQ(guarded({answer("2000"), answer("2020")}).verdict, PriceVerdict::kUsable);
    const PriceRow apart = guarded({answer("2000"), answer("2020.000000000000000001")});
    EXPECT_EQ(apart.verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(apart.price, usd("2000"));
}

// Farther apart than they may be, any of them may be right, also one that lies outside the band.
TEST(Guard, ASpreadShowsEveryAnswer) {
    const PriceRow row = guarded({answer("2000"), answer("2400"), answer("30000")});
    EXPECT_EQ(row.verdict, PriceVerdict::kOutOfBounds);
    EXPECT_GE(add(row.price, add(row.confidence, row.confidence).value()).value(), usd("30000"));
}

SourceSettings source(std::string made_by = {}) {
    SourceSettings out;
    out.made_by = std::move(made_by);
    return out;
}

TEST(Guard, SourcesOfOneMakerAreOneSource) {
    AssetOracleSettings two = settings(2);
    two.sources = {source("chainlink"), source("chainlink")};
    EXPECT_EQ(
        guard(two, eth(), {answer("2000"), answer("2001")}, kNow).verdict, PriceVerdict::kMissing
    );
    two.sources[1].made_by = "pyth";
    EXPECT_EQ(
        guard(two, eth(), {answer("2000"), answer("2001")}, kNow).verdict, PriceVerdict::kUsable
    );
    two.sources = {source(), source()};
    Answer first = answer("2000");
    first.origin = "eip155:1:0x01";
    EXPECT_EQ(guard(two, eth(), {first, first}, kNow).verdict, PriceVerdict::kMissing);
}

TEST(Guard, AnUnsureAnswerIsRefusedAndASureOneWidensTheRow) {
    Answer sure = answer("2000");
    sure.confidence = usd("40");
    const PriceRow row = guarded({sure});
    EXPECT_EQ(row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(row.confidence, usd("40"));
    sure.confidence = usd("40.000000000000000001");
    EXPECT_EQ(guarded({sure}).verdict, PriceVerdict::kOutOfBounds);
}

TEST(Guard, AnAnswerAtTheEndOfWhatItsFeedCanSayIsNoPrice) {
    Answer bound = answer("2000");
    bound.floor = usd("1999.999999999999999999");
    bound.ceiling = usd("2000.000000000000000001");
    EXPECT_EQ(guarded({bound}).verdict, PriceVerdict::kUsable);
    bound.floor = usd("2000");
    EXPECT_EQ(guarded({bound}).verdict, PriceVerdict::kOutOfBounds);
    bound.floor.reset();
    bound.ceiling = usd("2000");
    EXPECT_EQ(guarded({bound}).verdict, PriceVerdict::kOutOfBounds);
}

TEST(Guard, ASourceHasItsOwnAgeAndBand) {
    AssetOracleSettings own = settings();
    own.sources = {source()};
    own.sources[0].max_age_s = 10;
    EXPECT_EQ(
        guard(own, eth(), {answer("2000", kNow.value - 10)}, kNow).verdict, PriceVerdict::kUsable
    );
    EXPECT_EQ(
        guard(own, eth(), {answer("2000", kNow.value - 11)}, kNow).verdict, PriceVerdict::kStale
    );
    own.sources[0].min = usd("2000.5");
    EXPECT_EQ(guard(own, eth(), {answer("2000")}, kNow).verdict, PriceVerdict::kOutOfBounds);
    EXPECT_EQ(guard(own, eth(), {answer("2000.5")}, kNow).verdict, PriceVerdict::kUsable);
}

PriceRow ether_row() {
    PriceRow out;
    out.price = usd("2000");
    out.published_at = UnixSeconds{kNow.value - 30};
    out.verdict = PriceVerdict::kUsable;
    return out;
}

TEST(InDollars, AProductIsAsOldAsTheOlderAndRoundsDown) {
    Answer rate = answer("1", kNow.value - 5);
    rate.price = usd("0.000000000000000001");
    PriceRow quote = ether_row();
    quote.price = usd("1.9");
    const Answer out = in_dollars(rate, "eth", quote);
    ASSERT_TRUE(out.price.has_value());
    EXPECT_EQ(*out.price, Money::from_e18(1));
    EXPECT_EQ(out.rate, usd("0.000000000000000001"));
    EXPECT_EQ(out.quote, "eth");
    EXPECT_EQ(out.published_at, UnixSeconds{kNow.value - 30});
    EXPECT_EQ(out.rate_published_at, UnixSeconds{kNow.value - 5});
}

TEST(InDollars, WithoutAUsableQuoteThereIsNoPrice) {
    PriceRow quote = ether_row();
    quote.verdict = PriceVerdict::kStale;
    const Answer out = in_dollars(answer("1.12"), "eth", quote);
    EXPECT_FALSE(out.price.has_value());
    EXPECT_EQ(out.error, "it is quoted in eth, whose price is stale");
}

TEST(InDollars, TheConfidenceIsTheSamePartOfTheProduct) {
    Answer rate = answer("1.1");
    rate.confidence = usd("0.011");
    AssetOracleSettings one = settings();
    one.sources = {source()};
    one.sources[0].quote = "eth";
    const PriceRow row = guard(one, eth(), {in_dollars(rate, "eth", ether_row())}, kNow);
    EXPECT_EQ(row.verdict, PriceVerdict::kUsable);
    EXPECT_EQ(row.price, usd("2200"));
    EXPECT_EQ(row.confidence, usd("22"));
}

TEST(Guard, SourcesIsTheHashOfTheListOfAnswers) {
    const std::vector<Answer> answers{answer("2000"), no_answer("timeout")};
    const PriceRow row = guarded(answers);
    const std::string text = canonical(answers).dump();
    EXPECT_EQ(row.sources, keccak256(text));
    const auto parsed = parse_canonical(text);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed.value().dump(), text);
    EXPECT_NE(text.find("\"price\":\"2000000000000000000000\""), std::string::npos);
    EXPECT_NE(text.find("\"error\":\"timeout\""), std::string::npos);
    EXPECT_NE(guarded({answer("2000")}).sources, row.sources);
}

}  // namespace
}  // namespace margrave::oracle
