// SPDX-License-Identifier: Apache-2.0
#include "margin/parameters.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace margrave::margin::tests {
namespace {

// In the sample: 0 btc, 1 dai, 2 eth, 3 junk, 4 usdc.
struct BadSet {
    std::function<void(Parameters&)> change;
    std::string_view where;
    std::string_view words;
};

std::string listed(const std::vector<ParameterError>& errors) {
    std::string out;
    for (const ParameterError& error : errors) {
        out += error.where + ": " + error.what + "\n";
    }
    return out;
}

void expect_refused(const BadSet& bad) {
    Parameters parameters = sample_parameters();
    bad.change(parameters);
    const std::vector<ParameterError> errors = check(parameters);
    const bool found = std::ranges::any_of(errors, [&bad](const ParameterError& error) {
        return error.where == bad.where && error.what.find(bad.words) != std::string::npos;
    });
    EXPECT_TRUE(found) << "wanted " << bad.where << ": " << bad.words << "\ngot\n"
                       << listed(errors);
}

TEST(ParameterCheck, TheSampleAndRandomSetsPass) {
    EXPECT_EQ(listed(check(sample_parameters())), "");
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        EXPECT_EQ(listed(check(random_portfolio(seed).parameters)), "") << "seed " << seed;
    }
}

TEST(ParameterCheck, RefusesBadTimesNamesAndShapes) {
    const std::vector<BadSet> rows{
        {[](Parameters& p) { p.engine = 1; }, "/engine", "computes engine 3"},
        {[](Parameters& p) { p.validity_s = 0; }, "/validity_s", "from 1 to"},
        {[](Parameters& p) { p.release_deadline_s = 1'000'000; }, "/release_deadline_s", "1000000"},
        {[](Parameters& p) { p.liquidation.deadline_s = 0; }, "/liquidation/deadline_s", "is 0 s"},
        {[](Parameters& p) { p.max_head_age_s = 1'000'000; }, "/max_head_age_s", "1000000"},
        {[](Parameters& p) { p.max_head_age_of[ChainId::evm(1)] = 60; },
         "/max_head_age_of",
         "max_head_age_s is 0"},
        {[](Parameters& p) {
             p.max_head_age_s = 60;
             p.max_head_age_of[ChainId::evm(1)] = 0;
         },
         "/max_head_age_of/eip155:1",
         "is 0 s"},
        {[](Parameters& p) { p.assets.clear(); }, "/assets", "at least one"},
        {[](Parameters& p) { p.assets[0].name.clear(); }, "/assets/0/name", "characters"},
        {[](Parameters& p) { p.assets[0].name = "BTC"; }, "/assets/0/name", "characters"},
        {[](Parameters& p) { p.assets[1].name = "eth"; }, "/assets/2/name", "there twice"},
        {[](Parameters& p) { std::swap(p.assets[0], p.assets[1]); }, "/assets/1/name", "ascend"},
        {[](Parameters& p) { p.assets[0].decimals = 37; }, "/assets/0/decimals", "at most 36"},
        {[](Parameters& p) { p.assets[0].on.clear(); }, "/assets/0/on", "no chain"},
        {[](Parameters& p) { p.assets[0].on[0].asset = eth_on(10); },
         "/assets/2/on/1/asset",
         "is already at /assets/0/on/0/asset"},
        {[](Parameters& p) { p.assets[2].on[1].asset = eth_on(1); },
         "/assets/2/on/1/asset",
         "is already at /assets/2/on/0/asset"},
        {[](Parameters& p) { p.assets[2].on[1].asset = AssetId{}; },
         "/assets/2/on/1/asset",
         "is empty"},
        {[](Parameters& p) { p.assets[0].max_age_s = 0; }, "/assets/0/max_age_s", "from 1 to"},
    };
    std::ranges::for_each(rows, expect_refused);
}

TEST(ParameterCheck, RefusesBadWeights) {
    const std::vector<BadSet> rows{
        {[](Parameters& p) { p.assets[0].collateral.initial = usd("-0.1"); },
         "/assets/0/collateral/initial",
         "from 0 to 1"},
        {[](Parameters& p) { p.assets[0].collateral.maintenance = usd("1.000000000000000001"); },
         "/assets/0/collateral/maintenance",
         "from 0 to 1"},
        {[](Parameters& p) { p.assets[0].collateral.liquidation_end = usd("2"); },
         "/assets/0/collateral/liquidation_end",
         "from 0 to 1"},
        {[](Parameters& p) { p.assets[0].collateral.initial = usd("0.76"); },
         "/assets/0/collateral/initial",
         "is above liquidation_end 0.75"},
        {[](Parameters& p) { p.assets[0].collateral.liquidation_end = usd("0.81"); },
         "/assets/0/collateral/liquidation_end",
         "is above maintenance 0.8"},
        {[](Parameters& p) { p.assets[0].debt.maintenance = usd("0.99"); },
         "/assets/0/debt/maintenance",
         "from 1 to 10"},
        {[](Parameters& p) { p.assets[0].debt.initial = usd("11"); },
         "/assets/0/debt/initial",
         "from 1 to 10"},
        {[](Parameters& p) { p.assets[0].debt.initial = usd("1.24"); },
         "/assets/0/debt/liquidation_end",
         "is above initial 1.24"},
        {[](Parameters& p) { p.assets[0].debt.maintenance = usd("1.26"); },
         "/assets/0/debt/maintenance",
         "is above liquidation_end 1.25"},
    };
    std::ranges::for_each(rows, expect_refused);
}

TEST(ParameterCheck, RefusesBadPricesBackingAndBonus) {
    const std::vector<BadSet> rows{
        {[](Parameters& p) { p.assets[0].price_min = usd("0"); }, "/assets/0/price_min", "above 0"},
        {[](Parameters& p) { p.assets[0].price_max = p.assets[0].price_min; },
         "/assets/0/price_max",
         "above price_min"},
        {[](Parameters& p) { p.assets[2].on[2].backing = usd("0"); },
         "/assets/2/on/2/backing",
         "above 0"},
        {[](Parameters& p) { p.assets[2].on[2].backing = usd("1.01"); },
         "/assets/2/on/2/backing",
         "at most 1"},
        {[](Parameters& p) { p.assets[0].max_bonus = usd("0.99"); },
         "/assets/0/max_bonus",
         "from 1 to 2"},
        {[](Parameters& p) { p.assets[0].max_bonus = usd("2.01"); },
         "/assets/0/max_bonus",
         "from 1 to 2"},
        {[](Parameters& p) { p.assets[0].max_bonus = usd("0"); },
         "/assets/0/max_bonus",
         "never seized, but it counts"},
    };
    std::ranges::for_each(rows, expect_refused);
}

AssetOnChain& with_tiers(Parameters& p, std::vector<EarlyTier> tiers, std::uint64_t total) {
    AssetOnChain& form = p.assets[2].on[1];
    form.early = std::move(tiers);
    form.early_total = Amount{total};
    return form;
}

TEST(ParameterCheck, RefusesBadEarlyTiers) {
    const std::vector<BadSet> rows{
        {[](Parameters& p) { with_tiers(p, {}, 5); },
         "/assets/2/on/1/early_total",
         "no early tier"},
        {[](Parameters& p) {
             with_tiers(p, {{0, Amount{5}}}, 5);
         },
         "/assets/2/on/1/early/0/blocks",
         "from 1 to"},
        {[](Parameters& p) {
             with_tiers(p, {{10'001, Amount{5}}}, 5);
         },
         "/assets/2/on/1/early/0/blocks",
         "from 1 to 10000"},
        {[](Parameters& p) {
             with_tiers(p, {{2, Amount{}}}, 5);
         },
         "/assets/2/on/1/early/0/up_to",
         "above 0"},
        {[](Parameters& p) {
             with_tiers(p, {{2, Amount{5}}, {2, Amount{6}}}, 9);
         },
         "/assets/2/on/1/early/1/blocks",
         "not above the tier before with 2"},
        {[](Parameters& p) {
             with_tiers(p, {{2, Amount{5}}, {3, Amount{5}}}, 9);
         },
         "/assets/2/on/1/early/1/up_to",
         "above the tier before, 5"},
        {[](Parameters& p) {
             with_tiers(p, {{2, Amount{5}}, {3, Amount{9}}}, 8);
         },
         "/assets/2/on/1/early_total",
         "less than the last tier's 9"},
        {[](Parameters& p) { with_tiers(p, std::vector<EarlyTier>(9), 5); },
         "/assets/2/on/1/early",
         "more than 8"},
    };
    std::ranges::for_each(rows, expect_refused);
    Parameters good = sample_parameters();
    with_tiers(good, {{2, Amount{5}}, {3, Amount{9}}}, 9);
    EXPECT_EQ(listed(check(good)), "");
}

TEST(ParameterCheck, RefusesPairsThatCannotHealAndNamesThem) {
    const std::vector<BadSet> rows{
        {[](Parameters& p) { p.assets[4].max_bonus = usd("1.08"); },
         "/assets/4/max_bonus",
         "selling usdc for dai cannot heal"},
        // 0.8 * 1.2875 is exactly the debt weight 1.03: nothing is gained.
        {[](Parameters& p) { p.assets[2].max_bonus = usd("1.2875"); },
         "/assets/2/max_bonus",
         "selling eth for usdc cannot heal"},
    };
    std::ranges::for_each(rows, expect_refused);
    Parameters parameters = sample_parameters();
    parameters.assets[2].max_bonus = usd("1.287499999999999998");
    EXPECT_EQ(listed(check(parameters)), "");
}

TEST(ParameterCheck, RefusesBadLiquidationRules) {
    const std::vector<BadSet> rows{
        {[](Parameters& p) { p.liquidation.target_buffer = usd("-0.01"); },
         "/liquidation/target_buffer",
         "from 0 to 1"},
        {[](Parameters& p) { p.liquidation.target_buffer = usd("1.01"); },
         "/liquidation/target_buffer",
         "from 0 to 1"},
        {[](Parameters& p) { p.liquidation.close_factor = usd("0"); },
         "/liquidation/close_factor",
         "above 0"},
        {[](Parameters& p) { p.liquidation.close_factor = usd("1.01"); },
         "/liquidation/close_factor",
         "at most 1"},
        {[](Parameters& p) { p.liquidation.close_all_below = usd("-1"); },
         "/liquidation/close_all_below",
         "negative"},
        {[](Parameters& p) { p.liquidation.dust = usd("-1"); }, "/liquidation/dust", "negative"},
        {[](Parameters& p) { p.liquidation.bonus_start = usd("0.5"); },
         "/liquidation/bonus_ramp/seconds",
         "is 0, but"},
        {[](Parameters& p) {
             p.liquidation.bonus_ramp_s = 60;
             p.liquidation.bonus_start = usd("1.1");
         },
         "/liquidation/bonus_ramp/start",
         "from 0 to 1"},
        {[](Parameters& p) { p.liquidation.bonus_ramp_s = 1'000'000; },
         "/liquidation/bonus_ramp/seconds",
         "1000000"},
        {[](Parameters& p) { p.assets[0].market_capacity = usd("1"); },
         "/assets/0/market/window_s",
         "is 0 s"},
        {[](Parameters& p) { p.assets[0].market_window_s = 60; },
         "/assets/0/market/capacity",
         "is 0, but"},
        {[](Parameters& p) { p.assets[0].market_capacity = usd("-1"); },
         "/assets/0/market/capacity",
         "is negative"},
    };
    std::ranges::for_each(rows, expect_refused);
}

TEST(ParameterCheck, NamesEveryBrokenRuleAtOnce) {
    Parameters parameters = sample_parameters();
    parameters.validity_s = 0;
    parameters.assets[0].decimals = 40;
    parameters.liquidation.dust = usd("-1");
    EXPECT_EQ(check(parameters).size(), 3U);
}

}  // namespace
}  // namespace margrave::margin::tests
