// SPDX-License-Identifier: Apache-2.0
#include "margin/liquidation.hpp"
#include "tests/unit/margin/bytes_fixture.hpp"
#include "tests/unit/margin/terms_fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

// A better planner gives other plans, so these two are replaced with it: what each of them is now
// is what its test says. A seizure is signed as planned by one operator; the others only check it.
constexpr std::string_view kPlans =
    "0x2a1411399e84393d3497c33949ddbd3418df0a8f38c79cf068b7beef4b4997ac";
constexpr std::string_view kPlansWithinLimits =
    "0x8082c3b00c16e4df6ad1fa3cb3f3c128a9b39453cbb13c8769d3911f98819a0f";

constexpr std::uint64_t kPortfolios = 2'000;

void put_legs(WordWriter& out, const LiquidationPlan& plan) {
    out.money(plan.health_before).money(plan.health_after);
    for (const PlannedLeg& leg : plan.legs) {
        out.word(leg.asset.key())
            .uint(leg.seize)
            .word(leg.debt_asset.key())
            .uint(leg.min_proceeds)
            .money(leg.seized_value)
            .money(leg.repaid_value);
    }
}

TEST(BytesOfPlans, PlansHashToOneConstant) {
    RunningHash running;
    for (std::uint64_t seed = 0; seed < kPortfolios; ++seed) {
        const Portfolio p = random_portfolio(seed);
        const LiquidationPlan plan = plan_liquidation(p.holdings, p.prices, p.parameters).value();
        running.add([&](WordWriter& words) { put_legs(words, plan); });
    }
    EXPECT_EQ(running.text(), kPlans);
}

// Caps, correlations and a bridge's haircut in the portfolio, and what markets and time leave.
TEST(BytesOfPlans, PlansWithinLimitsHashToOneConstant) {
    RunningHash running;
    unsigned legs = 0;
    for (std::uint64_t seed = 0; seed < kPortfolios; ++seed) {
        Scene scene = scene_of(seed);
        scene.now.liquidation.bonus_ramp_s = 600;
        scene.now.liquidation.bonus_start = usd("0.25");
        Rng rng(seed);
        PlanLimits limits;
        limits.under_water_s = rng.in(0, 700);
        for (const AssetParameters& asset : scene.now.assets) {
            if (rng.chance(60)) {
                limits.capacity[asset.name] =
                    Money::whole(static_cast<std::int64_t>(rng.in(0, 90'000)));
            }
        }
        const Market market(scene.portfolio.prices, scene.now);
        const auto plan = plan_liquidation(scene.portfolio.holdings, market, limits);
        ASSERT_TRUE(plan.has_value()) << "seed " << seed << ": " << plan.error().detail;
        legs += static_cast<unsigned>(plan.value().legs.size());
        running.add([&](WordWriter& words) {
            put_legs(words, plan.value());
            words.uint(static_cast<std::uint64_t>(plan.value().end));
        });
    }
    EXPECT_GT(legs, 300U);
    EXPECT_EQ(running.text(), kPlansWithinLimits);
}

}  // namespace
}  // namespace margrave::margin::tests
