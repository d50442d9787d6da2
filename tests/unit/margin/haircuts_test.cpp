// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "tests/unit/margin/exact.hpp"
#include "tests/unit/margin/terms_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

// Caps, initial prices and correlations: what counts before and after the weights.
namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

constexpr std::size_t kEth = 2;

AccountState with(const Parameters& parameters, std::vector<Holding> rows) {
    return evaluate_state(holdings_of(std::move(rows)), sample_prices(), parameters, false, false);
}

TEST(Caps, WhatIsAboveACapCountsNothingAtAnyLevel) {
    Parameters p = sample_parameters();
    p.assets[kEth].cap = usd("3000");
    const AccountState state = with(p, {holding(eth_on(1), units("10", 18))});
    EXPECT_EQ(state.equity, usd("20000"));
    EXPECT_EQ(state.initial, usd("2250"));
    EXPECT_EQ(state.liquidation_end, usd("2400"));
    EXPECT_EQ(state.maintenance, usd("2550"));
    EXPECT_EQ(state, with(p, {holding(eth_on(1), units("10", 18))}));
}

TEST(Caps, ACapOfOneChainLeavesTheOthersAlone) {
    Parameters p = sample_parameters();
    p.assets[kEth].on[1].cap = usd("1000");
    const AccountState state =
        with(p, {holding(eth_on(1), units("1", 18)), holding(eth_on(10), units("5", 18))});
    // 2000 and 1000 of 10,000.
    EXPECT_EQ(state.maintenance, usd("2550"));
    EXPECT_EQ(state.equity, usd("12000"));
}

TEST(Caps, WhatIsCappedAwayDoesNotCoverADebtOfTheSameAsset) {
    Parameters p = sample_parameters();
    p.assets[kEth].on[1].cap = usd("1000");
    const AccountState state = with(
        p, {holding(eth_on(10), units("5", 18)), holding(eth_on(1), Amount{}, units("1", 18))}
    );
    // 1000 counted against 2000 owed leaves a debt of 1000, at the debt's weights.
    EXPECT_EQ(state.equity, usd("8000"));
    EXPECT_EQ(state.maintenance, usd("-1150"));
    EXPECT_EQ(state.initial, usd("-1250"));
}

TEST(Correlations, RelieveWhatCoversEachOther) {
    Parameters p = sample_parameters();
    p.risk.correlations = {{.name = "dollars", .assets = {"dai", "usdc"}, .relief = usd("0.25")}};
    ASSERT_TRUE(check(p).empty()) << check(p).front().where << check(p).front().what;
    // 2000 dai against 1000 usdc: of dai's 200 half is matched, of usdc's 10 all; a quarter of it
    // off.
    const AccountState state = with(
        p, {holding(dai(), units("2000", 18)), holding(usdc_on(1), Amount{}, units("1000", 6))}
    );
    EXPECT_EQ(state.equity, usd("1000"));
    EXPECT_EQ(state.maintenance, usd("817.5"));
    const AccountState alone = with(p, {holding(dai(), units("2000", 18))});
    EXPECT_EQ(alone.maintenance, usd("1800"));
}

TEST(Correlations, WithoutOneNothingChanges) {
    const std::vector<Holding> rows{
        holding(dai(), units("2000", 18)), holding(usdc_on(1), Amount{}, units("1000", 6))};
    EXPECT_EQ(with(sample_parameters(), rows).maintenance, usd("790"));
}

AccountState judged(const Scene& scene, const Parameters& parameters) {
    return evaluate_state(
        scene.portfolio.holdings, scene.portfolio.prices, parameters, false, false
    );
}

std::uint64_t any_seed() {
    return *rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
}

TEST(HaircutProperty, TermsOnlyEverTakeAndKeepTheOrderOfTheLevels) {
    check_property(kCases, [] {
        const Scene scene = scene_of(any_seed());
        Parameters strict = scene.now;
        strict.risk.correlations.clear();
        Parameters plain = scene.portfolio.parameters;
        plain.risk = {};
        for (AssetParameters& asset : plain.assets) {
            asset.cap = Money{};
            asset.scale = {};
            asset.initial_price = {};
            for (AssetOnChain& form : asset.on) {
                form.cap = Money{};
                form.pool_cap = Money{};
                form.bridge_tier = 0;
            }
        }
        const AccountState with_all = judged(scene, strict);
        const AccountState without = judged(scene, plain);
        RC_ASSERT(with_all.equity == without.equity);
        RC_ASSERT(with_all.initial <= without.initial);
        RC_ASSERT(with_all.liquidation_end <= without.liquidation_end);
        RC_ASSERT(with_all.maintenance <= without.maintenance);
        const AccountState relieved = judged(scene, scene.now);
        RC_ASSERT(relieved.initial >= with_all.initial);
        RC_ASSERT(relieved.maintenance >= with_all.maintenance);
        RC_ASSERT(relieved.initial <= relieved.liquidation_end);
        RC_ASSERT(relieved.liquidation_end <= relieved.maintenance);
        RC_ASSERT(relieved.maintenance <= relieved.equity);
    });
}

TEST(HaircutProperty, MoreCollateralNeverLowersHealth) {
    check_property(kCases, [] {
        Scene scene = scene_of(any_seed());
        const AccountState before = judged(scene, scene.now);
        Rng rng(any_seed());
        auto& rows = scene.portfolio.holdings.holdings;
        RC_PRE(!rows.empty());
        Holding& row = rows[rng.in(0, rows.size() - 1)];
        row.collateral = add(row.collateral, Amount(rng.in(1, 1'000'000'000))).value();
        const AccountState after = judged(scene, scene.now);
        // The quotients of the relief may each come out a few units lower.
        const auto is_kept = [](const Money& was, const Money& is) {
            return is + Money::from_e18(8) >= was;
        };
        RC_ASSERT(is_kept(before.initial, after.initial));
        RC_ASSERT(is_kept(before.liquidation_end, after.liquidation_end));
        RC_ASSERT(is_kept(before.maintenance, after.maintenance));
    });
}

TEST(HaircutProperty, NothingDependsOnTheOrderOfTheHoldings) {
    check_property(kCases, [] {
        Scene scene = scene_of(any_seed());
        const AccountState before = judged(scene, scene.now);
        std::ranges::reverse(scene.portfolio.holdings.holdings);
        RC_ASSERT(judged(scene, scene.now) == before);
    });
}

TEST(HaircutProperty, OthersDepositsLowerTheInitialLevelOnly) {
    check_property(kCases, [] {
        Scene scene = scene_of(any_seed());
        const AccountState before = judged(scene, scene.now);
        AccountHoldings other = scene.portfolio.holdings;
        for (Holding& row : other.holdings) {
            row.collateral = add(row.collateral, row.collateral).value();
        }
        scene.facts.totals.add(other);
        const Parameters larger =
            in_force(scene.portfolio.parameters, scene.portfolio.prices, scene.facts);
        const AccountState after = judged(scene, larger);
        RC_ASSERT(after.equity == before.equity);
        RC_ASSERT(after.maintenance == before.maintenance);
        RC_ASSERT(after.liquidation_end == before.liquidation_end);
        const Money most = before.initial + Money::from_e18(8);
        RC_ASSERT(after.initial <= most);
    });
}

}  // namespace
}  // namespace margrave::margin::tests
