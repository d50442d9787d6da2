// SPDX-License-Identifier: Apache-2.0
#include "margin/stress.hpp"

#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

Depth flat(std::string_view impact_per_million) {
    Depth out;
    out.otherwise = {{usd("1000000"), usd(impact_per_million)}};
    return out;
}

// `count` accounts with 2 ether each; the i-th owes 2400 + 20 i dollars.
StressBook book(std::size_t count) {
    StressBook out;
    out.prices = sample_prices();
    out.hub = ChainId::evm(1);
    for (std::size_t i = 0; i < count; ++i) {
        AccountHoldings holdings = holdings_of(
            {holding(eth_on(1), units("2", 18)),
             holding(usdc_on(1), Amount{}, units(std::to_string(2400 + 20 * i), 6))}
        );
        holdings.account.data[0] = static_cast<std::uint8_t>(i + 1);
        out.accounts.push_back({holdings, false});
    }
    return out;
}

StressResult run(const StressBook& accounts, const StressShock& shock, const Depth& depth) {
    auto out = stress(accounts, sample_parameters(), shock, depth);
    EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().detail);
    return std::move(out).value();
}

StressShock fall(std::string_view factor) {
    return {"fall", {{"eth", true, usd(factor)}}, {}, {}};
}

std::uint64_t count_of(const StatusCounts& counts, Status status) {
    return counts.at(static_cast<std::size_t>(status));
}

std::uint64_t sum_of(const StatusCounts& counts) {
    std::uint64_t out = 0;
    for (const std::uint64_t count : counts) {
        out += count;
    }
    return out;
}

TEST(Impact, IsALineThroughThePointsAndFlatBehind) {
    const DepthCurve curve{{usd("100"), usd("0.1")}, {usd("300"), usd("0.5")}};
    EXPECT_EQ(impact_at(curve, usd("0")).value(), usd("0"));
    EXPECT_EQ(impact_at(curve, usd("50")).value(), usd("0.05"));
    EXPECT_EQ(impact_at(curve, usd("100")).value(), usd("0.1"));
    EXPECT_EQ(impact_at(curve, usd("200")).value(), usd("0.3"));
    EXPECT_EQ(impact_at(curve, usd("9999")).value(), usd("0.5"));
    EXPECT_EQ(impact_at({}, usd("9999")).value(), usd("0"));
}

TEST(Stress, NoShockChangesNothing) {
    const StressResult out = run(book(5), {"as is", {}, {}, {}}, flat("0.01"));
    EXPECT_EQ(count_of(out.shocked, Status::kHealthy), 5U);
    EXPECT_EQ(out.shocked, out.settled);
    EXPECT_TRUE(out.is_settled);
    EXPECT_EQ(out.rounds, 0U);
    EXPECT_TRUE(out.seized.is_zero());
}

TEST(Stress, DeepMarketHealsWhatFell) {
    const StressResult out = run(book(5), fall("0.73"), flat("0"));
    const std::uint64_t fell = count_of(out.shocked, Status::kLiquidatable);
    ASSERT_GT(fell, 0U);
    EXPECT_EQ(out.liquidated, fell);
    EXPECT_EQ(count_of(out.settled, Status::kLiquidatable), 0U);
    EXPECT_TRUE(out.is_settled);
    EXPECT_TRUE(out.unsold.is_zero());
    EXPECT_TRUE(out.bad_debt_settled.is_zero());
    // What is seized is worth at most the largest bonus more than what it repays.
    EXPECT_LE(out.seized, mul(out.repaid, usd("1.05"), Round::kUp).value());
    EXPECT_GT(out.seized, out.repaid);
    EXPECT_EQ(sum_of(out.settled), 5U);
}

TEST(Stress, ImpactDrawsInAccountsThatTheBlowAloneSpared) {
    const StressResult deep = run(book(40), fall("0.72"), flat("0"));
    const StressResult thin = run(book(40), fall("0.72"), flat("0.8"));
    ASSERT_GT(deep.liquidated, 0U);
    ASSERT_LT(deep.liquidated, 40U);
    EXPECT_GT(thin.liquidated, deep.liquidated);
    EXPECT_GT(thin.rounds, deep.rounds);
    EXPECT_LT(thin.prices[2].settled, thin.prices[2].shocked);
    EXPECT_EQ(thin.prices[2].asset, "eth");
    EXPECT_EQ(deep.prices[2].settled, deep.prices[2].shocked);
}

TEST(Stress, LotThatNobodyTakesStaysAndIsNamed) {
    // 80 % off for the first ten thousand dollars: no lot of a thousand pays its floor.
    Depth hole;
    hole.otherwise = {{usd("10000"), usd("0.8")}};
    const StressResult out = run(book(5), fall("0.7"), hole);
    EXPECT_EQ(out.liquidated, 0U);
    EXPECT_EQ(out.rounds, 0U);
    EXPECT_TRUE(out.is_settled);
    EXPECT_GT(out.unsold, usd("1000"));
    EXPECT_EQ(out.shocked, out.settled);
}

TEST(Stress, BadDebtIsWhatIsOwedBeyondEverything) {
    const StressResult out = run(book(1), fall("0.5"), flat("0"));
    // 2 x 1000 against 2400.
    EXPECT_EQ(count_of(out.shocked, Status::kBankrupt), 1U);
    EXPECT_EQ(out.bad_debt_shocked, usd("400"));
    EXPECT_GE(out.bad_debt_settled, usd("400"));
}

TEST(Stress, DeadChainAndStalePriceMakeTheirHoldersUnattestable) {
    StressBook accounts = book(3);
    AccountHoldings other = holdings_of({holding(eth_on(10), units("1", 18))});
    accounts.accounts.push_back({other, false});
    const StressResult dead = run(accounts, {"halt", {}, {ChainId::evm(1)}, {}}, flat("0"));
    EXPECT_EQ(count_of(dead.settled, Status::kUnattestable), 3U);
    EXPECT_EQ(count_of(dead.settled, Status::kHealthy), 1U);
    const StressResult stale = run(accounts, {"freeze", {}, {}, {"usdc"}}, flat("0"));
    EXPECT_EQ(count_of(stale.settled, Status::kUnattestable), 3U);
}

TEST(Stress, SameBookGivesTheSameResultTwice) {
    const StressResult a = run(book(30), fall("0.7"), flat("0.5"));
    const StressResult b = run(book(30), fall("0.7"), flat("0.5"));
    EXPECT_EQ(a.seized, b.seized);
    EXPECT_EQ(a.settled, b.settled);
    EXPECT_EQ(a.prices[2].settled, b.prices[2].settled);
}

TEST(Stress, ShockOfAnUnknownAssetIsRefused) {
    const auto out =
        stress(book(1), sample_parameters(), {"x", {{"etc", true, usd("1")}}, {}, {}}, flat("0"));
    ASSERT_FALSE(out.has_value());
    EXPECT_EQ(out.error().code, Errc::kNotFound);
}

TEST(Stress, BuiltInShocksAllApplyAndCoverEveryKind) {
    const std::vector<StressShock> shocks = built_in_shocks(sample_parameters(), sample_prices());
    std::set<std::string> names;
    for (const StressShock& shock : shocks) {
        EXPECT_TRUE(names.insert(shock.name).second) << shock.name;
        const StressResult out = run(book(2), shock, built_in_depth());
        EXPECT_EQ(sum_of(out.settled), 2U) << shock.name;
    }
    for (const char* name :
         {"as is",
          "eth -10%",
          "eth -80%",
          "crash -40%",
          "usdc at 0.97",
          "usdc at 1.05",
          "eth on eip155:137 -50%",
          "halt eip155:10",
          "freeze btc",
          "freeze all"}) {
        EXPECT_TRUE(names.contains(name)) << name;
    }
    EXPECT_FALSE(names.contains("eth at 0.97"));
}

TEST(Stress, RandomBooksSettleAndLoseNobody) {
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
        const Portfolio p = random_portfolio(seed);
        StressBook accounts;
        accounts.prices = p.prices;
        accounts.hub = ChainId::evm(1);
        accounts.accounts.push_back({p.holdings, false});
        const StressShock shock{"half", {{"asset0", true, usd("0.5")}}, {}, {}};
        const auto out = stress(accounts, p.parameters, shock, built_in_depth());
        ASSERT_TRUE(out.has_value()) << seed << " " << out.error().detail;
        EXPECT_TRUE(out.value().is_settled) << seed;
        EXPECT_EQ(sum_of(out.value().settled), 1U);
    }
}

}  // namespace
}  // namespace margrave::margin::tests
