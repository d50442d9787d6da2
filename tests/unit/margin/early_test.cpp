// SPDX-License-Identifier: Apache-2.0
#include "margin/early.hpp"

#include "margin/health.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

const std::vector<EarlyTier> kTiers{
    {.blocks = 2, .up_to = Amount{100}}, {.blocks = 12, .up_to = Amount{1'000}}};

EarlySight sight(
    std::uint64_t firm, std::uint64_t head, std::vector<std::optional<std::uint64_t>> at_depth
) {
    EarlySight out{.firm = Amount{firm}, .head = Amount{head}, .at_depth = {}};
    for (const auto& amount : at_depth) {
        out.at_depth.push_back(amount ? std::optional(Amount{*amount}) : std::nullopt);
    }
    return out;
}

Amount credit(
    std::uint64_t firm, std::uint64_t head, std::vector<std::optional<std::uint64_t>> at_depth
) {
    return early_credit(kTiers, sight(firm, head, std::move(at_depth))).amount;
}

TEST(Early, DeeperDepositsCountForMore) {
    EXPECT_EQ(credit(0, 5'000, {0, 0}), Amount{0});
    EXPECT_EQ(credit(0, 5'000, {5'000, 0}), Amount{100});
    EXPECT_EQ(credit(0, 5'000, {5'000, 600}), Amount{600});
    EXPECT_EQ(credit(0, 5'000, {5'000, 5'000}), Amount{1'000});
}

TEST(Early, OnlyWhatIsAboveTheFirmBalanceCounts) {
    EXPECT_EQ(credit(5'000, 5'000, {5'000, 5'000}), Amount{0});
    EXPECT_EQ(credit(5'000, 5'070, {5'070, 5'070}), Amount{70});
    EXPECT_EQ(credit(5'000, 4'000, {4'000, 4'000}), Amount{0});
}

TEST(Early, WhatLeftSinceDoesNotCount) {
    EXPECT_EQ(credit(0, 30, {5'000, 5'000}), Amount{30});
    EXPECT_EQ(credit(40, 30, {5'000, 5'000}), Amount{0});
}

TEST(Early, BlocksThatAreNotKnownGiveNothing) {
    EXPECT_EQ(credit(0, 5'000, {std::nullopt, std::nullopt}), Amount{0});
    EXPECT_EQ(credit(0, 5'000, {}), Amount{0});
    EXPECT_EQ(credit(0, 5'000, {5'000, std::nullopt}), Amount{100});
}

TEST(Early, TheDeepestTierThatGivesAsMuchIsNamed) {
    EXPECT_EQ(early_credit(kTiers, sight(0, 50, {50, 50})).tier, 1U);
    EXPECT_EQ(early_credit(kTiers, sight(0, 50, {50, 10})).tier, 0U);
}

TEST(Early, CreditIsNeverMoreThanItsTierOrWhatIsThere) {
    Rng random(7);
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t firm = random.in(0, 3'000);
        const std::uint64_t head = random.in(0, 3'000);
        const std::uint64_t shallow = random.in(0, 3'000);
        const std::uint64_t deep = random.in(0, 3'000);
        const EarlyCredit got = early_credit(kTiers, sight(firm, head, {shallow, deep}));
        ASSERT_LE(got.amount, kTiers[got.tier].up_to);
        const std::uint64_t seen = std::min(got.tier == 0 ? shallow : deep, head);
        ASSERT_LE(got.amount, sub_or_zero(Amount{seen}, Amount{firm}));
        // One more anywhere above the firm block never gives less, one more final never more.
        ASSERT_LE(got.amount, credit(firm, head + 1, {shallow + 1, deep + 1}));
        ASSERT_LE(credit(firm + 1, head, {shallow, deep}), got.amount);
    }
}

TEST(Early, PartsCountForHealthAndCannotLeave) {
    const AccountHoldings nothing = holdings_of({});
    const std::vector<EarlyPart> parts{{.asset = eth_on(1), .amount = units("1", 18)}};
    const AccountHoldings more = with_early(nothing, parts).value();
    ASSERT_EQ(more.holdings.size(), 1U);
    EXPECT_TRUE(more.holdings[0].free().is_zero());
    const Parameters parameters = sample_parameters();
    const AccountState state = evaluate_state(more, sample_prices(), parameters, false, false);
    EXPECT_GT(state.initial, Money{});
    const Promise withdrawal{eth_on(1), Amount{1}, true};
    EXPECT_FALSE(check_grant(more, withdrawal, sample_prices(), parameters));
    const Promise borrow{usdc_on(10), Amount{1'000'000}, false};
    EXPECT_TRUE(check_grant(more, borrow, sample_prices(), parameters));
    EXPECT_FALSE(check_grant(nothing, borrow, sample_prices(), parameters));
}

Amount sum_of(std::span<const EarlyPart> parts) {
    Amount sum;
    for (const EarlyPart& part : parts) {
        sum = add(sum, part.amount).value();
    }
    return sum;
}

TEST(Early, LeastIsExact) {
    Rng random(11);
    for (int i = 0; i < 2'000; ++i) {
        const Amount first{random.in(1, 1'000'000)};
        const Amount second{random.in(1, 1'000'000)};
        const Amount needed{random.in(1, 2'100'000)};
        const std::vector<EarlyPart> offers{{eth_on(1), first}, {usdc_on(1), second}};
        const EarlyTest passes = [&needed](std::span<const EarlyPart> parts) -> Result<bool> {
            return needed <= sum_of(parts);
        };
        const auto least = least_early(offers, passes).value();
        if (sum_of(offers) < needed) {
            ASSERT_TRUE(least.empty());
            continue;
        }
        ASSERT_EQ(sum_of(least), needed);
        ASSERT_EQ(least.size(), needed <= first ? 1U : 2U);
    }
}

// What a grant with early parts needs is really needed: one unit less is refused.
TEST(Early, LeastOfAGrantIsTheEdge) {
    const Parameters parameters = sample_parameters();
    const PriceTable prices = sample_prices();
    const AccountHoldings own = holdings_of({holding(eth_on(10), units("0.1", 18))});
    const std::vector<EarlyPart> offers{{eth_on(1), units("5", 18)}};
    const Promise borrow{usdc_on(10), units("1000", 6), false};
    const EarlyTest passes = [&](std::span<const EarlyPart> parts) -> Result<bool> {
        return check_grant(with_early(own, parts).value(), borrow, prices, parameters).has_value();
    };
    auto least = least_early(offers, passes).value();
    ASSERT_EQ(least.size(), 1U);
    EXPECT_LT(least[0].amount, units("1", 18));
    EXPECT_TRUE(passes(least).value());
    least[0].amount = sub(least[0].amount, Amount{1}).value();
    EXPECT_FALSE(passes(least).value());
}

TEST(Early, AnErrorOfTheTestEndsTheSearch) {
    const std::vector<EarlyPart> offers{{eth_on(1), Amount{5}}};
    const EarlyTest breaks = [](std::span<const EarlyPart>) -> Result<bool> {
        return fail(Errc::kStore, "gone");
    };
    EXPECT_EQ(least_early(offers, breaks).error().code, Errc::kStore);
    const EarlyTest never = [](std::span<const EarlyPart>) -> Result<bool> {
        return false;
    };
    EXPECT_TRUE(least_early(offers, never).value().empty());
}

}  // namespace
}  // namespace margrave::margin::tests
