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
