// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace margrave::config {
namespace {

using nlohmann::json;

constexpr std::string_view kSource = "/assets/1/price/sources/0";

/// The config with ether's only source replaced.
json with_source(std::string_view text) {
    json out = good_config();
    out["assets"][1]["price"]["sources"][0] = json::parse(text);
    return out;
}

void expect_problem(std::string_view source, const std::string& at, std::string_view words) {
    const Loaded loaded = load_json(with_source(source));
    EXPECT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, std::string(kSource) + at, words))
        << lines(loaded.problems);
}

oracle::SourceSettings loaded_source(std::string_view text) {
    const Loaded loaded = load_json(with_source(text));
    EXPECT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    return loaded.problems.empty() ? loaded.settings.oracle.at(0).sources.at(0)
                                   : oracle::SourceSettings{};
}

TEST(Price, EveryKindArrivesWithItsDefaultsInOraclesForm) {
    const auto pool = loaded_source(R"({"name": "pool", "quote": "usdc", "made_by": "uniswap",
        "max_age": "2m", "min": "100", "max": "9000",
        "uniswap_v3": {"chain": "eip155:1", "pool": "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640",
        "base": "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", "min_liquidity": "1000"}})");
    EXPECT_EQ(pool.kind, "uniswap_v3");
    EXPECT_EQ(pool.quote, "usdc");
    EXPECT_EQ(pool.made_by, "uniswap");
    EXPECT_EQ(pool.max_age_s, 120U);
    EXPECT_EQ(pool.min, Money::whole(100));
    EXPECT_EQ(
        pool.settings.dump(),
        R"({"base":"0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2","chain":"eip155:1",)"
        R"("min_cardinality":"24","min_liquidity":"1000",)"
        R"("pool":"0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640","window":"1800"})"
    );
    const auto reports = loaded_source(R"({"name": "reports", "signed": {"file": "eth.json",
        "base": "ETH", "threshold": 1,
        "signers": ["0x52908400098527886E0F7030069857D2E4169EE7"]}})");
    EXPECT_EQ(
        reports.settings.dump(),
        R"({"base":"ETH","every":"5","file":"/nonexistent/margrave/eth.json",)"
        R"("signers":["0x52908400098527886E0F7030069857D2E4169EE7"],"threshold":"1"})"
    );
}

TEST(Price, TheKeysOfAKindAreCheckedAtTheirPlace) {
    expect_problem(
        R"({"name": "p", "pyth": {"chain": "eip155:1", "address": "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"}})",
        "/pyth/id",
        "is missing"
    );
    expect_problem(
        R"({"name": "p", "pyth": {"chain": "eip155:7", "id": "0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace",
            "address": "0x88e6a0c2ddd26feeb64f039a2c41296fcb3f5640"}})",
        "/pyth/chain",
        "chain eip155:7 is not in /chains"
    );
    expect_problem(
        R"({"name": "h", "https": {"url": "http://prices.internal/", "price": "/p", "time": "/t"}})",
        "/https/url",
        "use https"
    );
    expect_problem(
        R"({"name": "h", "https": {"url": "https://prices.internal/", "price": "p", "time": "/t"}})",
        "/https/price",
        "is no JSON pointer"
    );
    expect_problem(
        R"({"name": "s", "signed": {"base": "ETH", "threshold": 2, "file": "x",
            "signers": ["0x52908400098527886E0F7030069857D2E4169EE7"]}})",
        "/signed/threshold",
        "is 2 but there are 1 signers"
    );
    expect_problem(
        R"({"name": "s", "signed": {"base": "ETH", "threshold": 1,
            "signers": ["0x52908400098527886E0F7030069857D2E4169EE7"]}})",
        "/signed",
        "exactly one of \"url\" and \"file\""
    );
}

// Moonwell, February 2026: cbETH per ETH was taken for dollars.
TEST(Price, ARateWithoutItsQuoteIsRefused) {
    expect_problem(
        R"({"name": "r", "rate": {"chain": "eip155:1", "address": "0xbe9895146f7af43049ca1c1ae358b0541ea49704"}})",
        "/quote",
        "is a rate in something"
    );
    const auto rate = loaded_source(
        R"({"name": "r", "quote": "usdc", "base": "eth",
            "rate": {"chain": "eip155:1", "address": "0xbe9895146f7af43049ca1c1ae358b0541ea49704"}})"
    );
    EXPECT_EQ(rate.quote, "usdc");
}

TEST(Price, UnitsAreOfTheConfig) {
    expect_problem(
        R"({"name": "f", "fixed": "1", "quote": "uscd"})", "/quote", "did you mean \"usdc\"?"
    );
    expect_problem(
        R"({"name": "f", "fixed": "2000", "base": "cbeth"})",
        "/base",
        "the source prices cbeth, but it stands under eth"
    );
}

TEST(Price, ALoopIsRefusedWithTheWholeWayRound) {
    json document = good_config();
    document["references"] = json::parse(R"([{"id": "steth", "price": {
        "accept_single_source": "yes: one wrong price can make this daemon sign a lie",
        "sources": [{"name": "x", "fixed": "1", "quote": "usdc"}],
        "max_age": "1m", "min": "1", "max": "9000"}}])");
    document["assets"][1]["price"]["sources"][0]["quote"] = "steth";
    EXPECT_TRUE(load_json(document).problems.empty()) << lines(load_json(document).problems);
    document["assets"][0]["price"]["sources"][0]["quote"] = "eth";
    const Loaded loaded = load_json(document);
    ASSERT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(
        loaded.problems,
        "/references/0/price/sources/0/quote",
        "the price is quoted in itself: usdc -> eth -> steth -> usdc"
    )) << lines(loaded.problems);
    document["assets"][0]["price"]["sources"][0]["quote"] = "usdc";
    EXPECT_TRUE(has_problem(
        load_json(document).problems,
        "/assets/0/price/sources/0/quote",
        "the price is quoted in itself: usdc -> usdc"
    ));
}

TEST(Price, OneMakerDecidesAloneOnlyByAWord) {
    json document = good_config();
    json& price = document["assets"][1]["price"];
    price.erase("accept_single_source");
    EXPECT_TRUE(
        has_problem(load_json(document).problems, "/assets/1/price/sources", "are all made by one")
    );
    // The same contract by another name is the same maker.
    json second = price["sources"][0];
    second["name"] = "again";
    price["sources"].push_back(second);
    EXPECT_TRUE(
        has_problem(load_json(document).problems, "/assets/1/price/sources", "are all made by one")
    );
    // Another address may be another pair of the same network, and a number of the operator's own
    // is no market.
    price["sources"][1]["feed"]["address"] = "0x52908400098527886E0F7030069857D2E4169EE7";
    EXPECT_TRUE(
        has_problem(load_json(document).problems, "/assets/1/price/sources", "are all made by one")
    );
    const json feed = price["sources"][1];
    price["sources"][1] = json::parse(R"({"name": "mine", "fixed": "1"})");
    EXPECT_TRUE(
        has_problem(load_json(document).problems, "/assets/1/price/sources", "are all made by one")
    );
    price["sources"][1] = feed;
    price["sources"][0]["made_by"] = "chainlink";
    price["sources"][1]["made_by"] = "chainlink";
    EXPECT_FALSE(load_json(document).problems.empty());
    price["sources"][1]["made_by"] = "redstone";
    EXPECT_TRUE(load_json(document).problems.empty()) << lines(load_json(document).problems);
    EXPECT_EQ(load_json(document).settings.oracle.at(0).min_sources, 2U);
    price["min_sources"] = 1;
    EXPECT_TRUE(
        has_problem(load_json(document).problems, "/assets/1/price/min_sources", "write 2 or more")
    );
    document["accept_single_source"] = single_source_words();
    EXPECT_TRUE(load_json(document).problems.empty()) << lines(load_json(document).problems);
}

TEST(Price, TheSlowPriceIsOffUntilItIsAskedFor) {
    json document = good_config();
    EXPECT_FALSE(load_json(document).settings.oracle.at(0).slow.has_value());
    document["assets"][1]["price"]["slow"] = json::parse(R"({"max_per_hour": "0.06"})");
    document["assets"][1]["price"]["max_unchanged"] = "6h";
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const oracle::AssetOracleSettings& ether = loaded.settings.oracle.at(0);
    ASSERT_TRUE(ether.slow.has_value());
    EXPECT_EQ(ether.slow->max_per_hour, Money::parse("0.06").value());
    EXPECT_EQ(ether.slow->delay_hours, 24U);
    EXPECT_EQ(ether.slow->hard, Money::whole(5));
    EXPECT_EQ(ether.max_unchanged_s, 21'600U);
}

TEST(Price, AReferenceIsPricedAndHasNoForms) {
    json document = good_config();
    document["references"] = json::parse(R"([{"id": "eth", "price": {
        "accept_single_source": "yes: one wrong price can make this daemon sign a lie", "sources": [{"name": "x", "fixed": "1"}], "max_age": "1m", "min": "1", "max": "9000"}}])"
    );
    EXPECT_TRUE(has_problem(load_json(document).problems, "/references/0/id", "is already at"));
    document["references"][0]["id"] = "steth";
    const Settings settings = load_json(document).settings;
    ASSERT_EQ(settings.oracle.size(), 3U);
    EXPECT_EQ(settings.oracle[2].name, "steth");
    EXPECT_TRUE(settings.oracle[2].assets.empty());
    EXPECT_EQ(settings.parameters.assets.size(), 2U);
}

}  // namespace
}  // namespace margrave::config
