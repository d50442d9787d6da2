// SPDX-License-Identifier: Apache-2.0
#include "margin/parameters.hpp"

#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace margrave::margin::tests {
namespace {

std::string sample_text() {
    return canonical(sample_parameters()).dump();
}

// The text with the first `from` replaced.
std::string edited(std::string_view from, std::string_view to) {
    std::string text = sample_text();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(Parameters, FindKnowsEveryFormOnItsChain) {
    const Parameters parameters = sample_parameters();
    ASSERT_NE(parameters.find(eth_on(137)), nullptr);
    EXPECT_EQ(parameters.find(eth_on(137))->name, "eth");
    EXPECT_EQ(parameters.find_on(eth_on(137))->backing, usd("0.9"));
    EXPECT_EQ(parameters.find_on(eth_on(10))->backing, usd("1"));
    EXPECT_EQ(parameters.find(AssetId::native(ChainId::evm(137))), nullptr);
    EXPECT_EQ(parameters.find_on(AssetId::native(ChainId::evm(137))), nullptr);
}

TEST(Parameters, CanonicalTextHoldsIntegersAsDecimalStrings) {
    const std::string text = sample_text();
    EXPECT_TRUE(
        text.starts_with("{\"assets\":[{\"borrowable\":false,\"collateral\":{\"initial\":"
                         "\"700000000000000000\",\"liquidation_end\":")
    );
    EXPECT_NE(text.find("\"decimals\":\"8\""), std::string::npos);
    EXPECT_NE(text.find("\"engine\":\"3\""), std::string::npos);
    EXPECT_NE(
        text.find("{\"asset\":\"eip155:1/slip44:60\",\"backing\":\"1000000000000000000\"}"),
        std::string::npos
    );
    EXPECT_TRUE(text.ends_with("\"release_deadline_s\":\"600\",\"validity_s\":\"600\"}"));
}

TEST(Parameters, HeadAgesAreSignedWhereThereIsALimitAndElseLeaveNoTrace) {
    Parameters parameters = sample_parameters();
    EXPECT_EQ(canonical(parameters).dump().find("head_age"), std::string::npos);
    EXPECT_EQ(parameters.head_age_limit(ChainId::evm(1)), 0U);
    parameters.max_head_age_s = 600;
    parameters.max_head_age_of[ChainId::evm(10)] = 1'800;
    const std::string text = canonical(parameters).dump();
    EXPECT_NE(
        text.find("\"max_head_age_of\":{\"eip155:10\":\"1800\"},\"max_head_age_s\":\"600\""),
        std::string::npos
    );
    const auto parsed = parse_parameters(text);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed.value(), parameters);
    EXPECT_EQ(parsed.value().head_age_limit(ChainId::evm(1)), 600U);
    EXPECT_EQ(parsed.value().head_age_limit(ChainId::evm(10)), 1'800U);
}

TEST(Parameters, HeadAgesInAnotherSpellingAreRefused) {
    Parameters parameters = sample_parameters();
    parameters.max_head_age_s = 600;
    std::string text = canonical(parameters).dump();
    const std::string zero = "\"max_head_age_s\":\"600\"";
    text.replace(text.find(zero), zero.size(), "\"max_head_age_s\":\"0\"");
    EXPECT_FALSE(parse_parameters(text));
    text = canonical(parameters).dump();
    const std::string none = "\"max_head_age_of\":{}";
    text.replace(text.find(none), none.size(), "\"max_head_age_of\":{\"ethereum\":\"5\"}");
    EXPECT_FALSE(parse_parameters(text));
}

TEST(Parameters, ParseIsTheInverse) {
    const auto parsed = parse_parameters(sample_text());
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed.value(), sample_parameters());
}

TEST(Parameters, ParseIsTheInverseOfEverySet) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const Parameters parameters = random_portfolio(seed).parameters;
        const std::string text = canonical(parameters).dump();
        const auto parsed = parse_parameters(text);
        ASSERT_TRUE(parsed) << parsed.error().detail;
        EXPECT_EQ(parsed.value(), parameters);
        EXPECT_EQ(canonical(parsed.value()).dump(), text);
    }
}

TEST(Parameters, EveryFieldChangesTheText) {
    const std::string text = sample_text();
    const std::vector<std::function<void(Parameters&)>> changes{
        [](Parameters& p) { p.engine = 4; },
        [](Parameters& p) { p.validity_s = 601; },
        [](Parameters& p) { p.release_deadline_s = 601; },
        [](Parameters& p) { p.assets.pop_back(); },
        [](Parameters& p) { p.assets[0].name = "bt"; },
        [](Parameters& p) { p.assets[0].decimals = 9; },
        [](Parameters& p) { p.assets[0].collateral.initial = usd("0.1"); },
        [](Parameters& p) { p.assets[0].collateral.liquidation_end = usd("0.1"); },
        [](Parameters& p) { p.assets[0].collateral.maintenance = usd("0.1"); },
        [](Parameters& p) { p.assets[0].debt.initial = usd("3"); },
        [](Parameters& p) { p.assets[0].debt.liquidation_end = usd("3"); },
        [](Parameters& p) { p.assets[0].debt.maintenance = usd("3"); },
        [](Parameters& p) { p.assets[0].borrowable = true; },
        [](Parameters& p) { p.assets[0].max_bonus = usd("1.01"); },
        [](Parameters& p) { p.assets[0].on.clear(); },
        [](Parameters& p) { p.assets[0].on[0].asset = junk(); },
        [](Parameters& p) { p.assets[0].on[0].backing = usd("0.5"); },
        [](Parameters& p) { p.assets[0].max_age_s = 61; },
        [](Parameters& p) { p.assets[0].price_min = usd("2"); },
        [](Parameters& p) { p.assets[0].price_max = usd("2"); },
        [](Parameters& p) { p.liquidation.target_buffer = usd("0.03"); },
        [](Parameters& p) { p.liquidation.close_factor = usd("0.4"); },
        [](Parameters& p) { p.liquidation.close_all_below = usd("1"); },
        [](Parameters& p) { p.liquidation.dust = usd("1"); },
        [](Parameters& p) { p.liquidation.deadline_s = 1; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        Parameters parameters = sample_parameters();
        changes[i](parameters);
        EXPECT_NE(canonical(parameters).dump(), text) << "change " << i;
    }
}

TEST(Parameters, EarlyTiersAreSignedWhereThereAreSome) {
    Parameters parameters = sample_parameters();
    EXPECT_EQ(canonical(parameters).dump().find("early"), std::string::npos);
    AssetOnChain& form = parameters.assets[2].on[1];
    form.early = {{.blocks = 2, .up_to = Amount{7}}, {.blocks = 12, .up_to = Amount{70}}};
    form.early_total = Amount{700};
    const std::string text = canonical(parameters).dump();
    EXPECT_NE(
        text.find(
            "\"early\":[{\"blocks\":\"2\",\"up_to\":\"7\"},{\"blocks\":\"12\",\"up_to\":\"70\"}]"
            ",\"early_total\":\"700\"}"
        ),
        std::string::npos
    );
    EXPECT_EQ(parse_parameters(text).value(), parameters);
}

TEST(Parameters, LimitsOfSalesAreSignedWhereThereAreSomeAndElseLeaveNoTrace) {
    EXPECT_EQ(sample_text().find("market"), std::string::npos);
    EXPECT_EQ(sample_text().find("bonus_ramp"), std::string::npos);
    Parameters parameters = sample_parameters();
    parameters.assets[2].market_capacity = usd("5000");
    parameters.assets[2].market_window_s = 600;
    parameters.liquidation.bonus_ramp_s = 300;
    parameters.liquidation.bonus_start = usd("0.5");
    const std::string text = canonical(parameters).dump();
    EXPECT_NE(
        text.find(R"("market":{"capacity":"5000000000000000000000","window_s":"600"})"),
        std::string::npos
    );
    EXPECT_NE(
        text.find(R"("bonus_ramp":{"seconds":"300","start":"500000000000000000"})"),
        std::string::npos
    );
    const auto back = parse_parameters(text);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back.value(), parameters);
}

TEST(Parameters, WatchesAreSignedWhereThereAreSome) {
    Parameters parameters = sample_parameters();
    const std::string without = canonical(parameters).dump();
    EXPECT_EQ(without.find("watches"), std::string::npos);
    Canonical::Object watch;
    watch.emplace("name", "lending");
    parameters.watches.emplace_back(std::move(watch));
    const std::string with = canonical(parameters).dump();
    EXPECT_TRUE(with.ends_with(",\"watches\":[{\"name\":\"lending\"}]}")) << with;
    const auto parsed = parse_parameters(with);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed.value(), parameters);
}

TEST(Parameters, ParseRefusesWhatItWouldNotWrite) {
    struct Row {
        std::string text;
        std::string_view words;
    };

    const std::vector<Row> rows{
        {"", "expected a string"},
        {"[]", "parameters: is not an object"},
        {"{}", "/engine: is missing"},
        {sample_text() + " ", "something follows"},
        {edited(",\"liquidation\"", ", \"liquidation\""), "expected a key"},
        {edited("\"engine\":\"3\"", "\"engine\":1"), "expected a string"},
        {edited("\"engine\":\"3\"", "\"engine\":\"02\""), "/engine"},
        {edited("\"engine\":\"3\"", "\"engine\":\"-1\""), "/engine"},
        {edited("\"engine\":\"3\"", "\"engine\":\"18446744073709551616\""), "/engine"},
        {edited("\"engine\":\"3\"", "\"engine\":true"), "/engine: is not a string"},
        {edited("\"engine\":\"3\"", "\"engine\":\"3\",\"extra\":\"1\""),
         "parameters/extra: is unknown"},
        {edited("\"engine\":\"3\",", ""), "/engine: is missing"},
        {edited("\"decimals\":\"8\"", "\"decimals\":\"4294967296\""), "/assets/0/decimals"},
        {edited("\"borrowable\":false", "\"borrowable\":\"false\""), "is not a bool"},
        {edited("700000000000000000", "0.7"), "/assets/0/collateral/initial"},
        {edited("eip155:1/slip44:60", "eip155:1"), "/assets/2/on/0/asset"},
        {edited("erc20:0xaa", "erc20:0xAA"), "canonical spelling"},
        {edited("\"btc\"", "\"\\u0062tc\""), "escape"},
        {edited("\"on\":[", "\"on\":[\"x\","), "/assets/0/on/0"},
        {edited("\"assets\":[", "\"assets\":[[],"), "/assets/0"},
    };
    for (const Row& row : rows) {
        const auto parsed = parse_parameters(row.text);
        ASSERT_FALSE(parsed) << row.text;
        EXPECT_NE(parsed.error().detail.find(row.words), std::string::npos)
            << parsed.error().detail << "\nwanted: " << row.words;
    }
}

}  // namespace
}  // namespace margrave::margin::tests
