// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "margin/explain.hpp"
#include "margin/liquidation.hpp"
#include "tests/unit/margin/exact.hpp"

#include <gtest/gtest.h>

// Collateral without a usable price: neither does it liquidate anybody, nor does it shield.
namespace margrave::margin::tests {
namespace {

using margrave::tests::check_property;

PriceTable without(const AssetId& asset, PriceVerdict verdict = PriceVerdict::kStale) {
    PriceTable out = sample_prices();
    out.at(asset).verdict = verdict;
    return out;
}

Evaluation judged(const AccountHoldings& holdings, const PriceTable& prices) {
    return evaluate(holdings, prices, sample_parameters(), false, false);
}

std::vector<std::string> findings(const Evaluation& e) {
    const std::string text = e.evidence_text();
    return check_evidence(text, read_evidence(text).value(), e.state, sample_parameters());
}

// 10 ether against 20,000 dai, and a unit of bitcoin that could be worth 0.10 at most.
AccountHoldings speck() {
    return holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), Amount{1}),
         holding(dai(), Amount{}, units("17000", 18))}
    );
}

TEST(Unpriced, ASpeckOfItShieldsNobody) {
    for (const PriceVerdict verdict : {PriceVerdict::kStale, PriceVerdict::kMissing}) {
        const PriceTable prices = without(btc(), verdict);
        const Evaluation e = judged(speck(), prices);
        EXPECT_EQ(e.state.status, Status::kLiquidatable);
        EXPECT_NE(e.state.flags & (flags::kPriceStale | flags::kPriceMissing), 0U);
        // 0.85 * 20,000 - 1.01 * 17,000
        EXPECT_EQ(e.state.maintenance, usd("-170"));
        ASSERT_TRUE(e.at_most.has_value());
        EXPECT_GT(e.at_most->maintenance, e.state.maintenance);
        EXPECT_TRUE(findings(e).empty()) << findings(e).front();
    }
}

TEST(Unpriced, ItIsNotSoldAndPlansCountItAtItsMost) {
    const PriceTable prices = without(btc());
    const AccountHoldings rich = holdings_of(
        {holding(eth_on(1), units("10", 18)),
         // 100 dollars at the band's end of 10,000,000.
         holding(btc(), units("0.00001", 8)),
         holding(dai(), Amount{}, units("17000", 18))}
    );
    ASSERT_EQ(judged(rich, prices).state.status, Status::kLiquidatable);
    Parameters parameters = sample_parameters();
    parameters.liquidation.close_factor = usd("1");
    const LiquidationPlan plan = plan_liquidation(rich, prices, parameters).value();
    const LiquidationPlan bare = plan_liquidation(speck(), prices, parameters).value();
    ASSERT_EQ(plan.legs.size(), 1U);
    EXPECT_EQ(plan.legs[0].asset, eth_on(1));
    // 100 dollars at most, 75 of them counted.
    EXPECT_EQ(sub(plan.health_before, bare.health_before).value().to_decimal(1), "74.9");
    EXPECT_LT(plan.legs[0].seize, bare.legs[0].seize);
}

TEST(Unpriced, WhereItsPriceDecidesNothingIsAttested) {
    const AccountHoldings owned = holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), units("0.1", 8)),
         holding(dai(), Amount{}, units("17000", 18))}
    );
    const Evaluation e = judged(owned, without(btc()));
    EXPECT_EQ(e.state.status, Status::kUnattestable);
    EXPECT_TRUE(e.state.equity.is_zero());
    EXPECT_TRUE(e.state.maintenance.is_zero());
    EXPECT_TRUE(findings(e).empty());
}

TEST(Unpriced, WhoIsWellWithoutItIsAttestedSo) {
    const AccountHoldings owned = holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), units("0.1", 8)),
         holding(dai(), Amount{}, units("10000", 18))}
    );
    const Evaluation e = judged(owned, without(btc()));
    EXPECT_EQ(e.state.status, Status::kHealthy);
    EXPECT_EQ(e.state.equity, usd("10000"));
    EXPECT_EQ(e.state.flags & flags::kPriceStale, flags::kPriceStale);
    EXPECT_TRUE(findings(e).empty());
    // And nothing is granted meanwhile.
    const Promise little{.asset = eth_on(1), .amount = units("0.001", 18), .from_collateral = true};
    EXPECT_FALSE(check_grant(owned, little, without(btc()), sample_parameters()).has_value());
}

TEST(Unpriced, ADebtInTheAssetOnAnyChainDecides) {
    const AccountHoldings owed = holdings_of(
        {holding(dai(), units("100000", 18)),
         holding(eth_on(1), units("1", 18)),
         holding(eth_on(10), Amount{}, units("0.001", 18))}
    );
    PriceTable prices = without(eth_on(1));
    EXPECT_EQ(judged(owed, prices).state.status, Status::kUnattestable);
    prices = sample_prices();
    prices.at(eth_on(10)).verdict = PriceVerdict::kStale;
    EXPECT_EQ(judged(owed, prices).state.status, Status::kUnattestable);
}

// Told beyond its band: what was told may be true, and then the account may be well.
TEST(Unpriced, WhatWasToldBeyondTheBandIsItsMost) {
    PriceTable prices = without(btc(), PriceVerdict::kOutOfBounds);
    EXPECT_EQ(judged(speck(), prices).state.status, Status::kLiquidatable);
    prices.at(btc()).price = usd("20000000000");
    EXPECT_EQ(judged(speck(), prices).state.status, Status::kLiquidatable);
    prices.at(btc()).price = usd("50000000000");
    EXPECT_EQ(judged(speck(), prices).state.status, Status::kUnattestable);
}

TEST(Unpriced, TheCheckFindsAWrongMost) {
    Evaluation e = judged(speck(), without(btc()));
    const auto rehash = [&e] {
        e.state.detail = keccak256(e.evidence_text());
    };
    e.at_most->equity = add(e.at_most->equity, usd("1")).value();
    rehash();
    EXPECT_FALSE(findings(e).empty());
    e = judged(speck(), without(btc()));
    for (Term& term : e.at_most->terms) {
        for (Term::Part& part : term.parts) {
            part.price = part.asset == btc() ? usd("1") : part.price;
        }
    }
    rehash();
    EXPECT_FALSE(findings(e).empty());
    e = judged(speck(), without(btc()));
    e.at_most.reset();
    rehash();
    EXPECT_FALSE(findings(e).empty());
    e = judged(speck(), without(btc()));
    e.state.status = Status::kMarginCall;
    rehash();
    EXPECT_FALSE(findings(e).empty());
}

// Whatever the price is within the band, the exact engine says what was attested without it.
TEST(Unpriced, TheStatusHoldsAtEveryPriceOfTheBand) {
    check_property(kCases, [] {
        Portfolio p = arbitrary_portfolio();
        const AssetParameters& asset = p.parameters.assets[0];
        const Money most = Money::whole(*rc::gen::inRange<std::int64_t>(1, 1'000'000));
        p.parameters.assets[0].price_max = most;
        Portfolio stale = p;
        for (const AssetOnChain& on : asset.on) {
            stale.prices.at(on.asset).verdict = PriceVerdict::kStale;
        }
        const AccountState told = state_of(stale);
        RC_PRE((told.flags & flags::kPriceStale) != 0);
        const Money price = mul_div(
                                most,
                                Money::from_e18(*rc::gen::inRange<std::int64_t>(1, 1'001)),
                                Money::from_e18(1'000),
                                Round::kUp
        )
                                .value();
        for (const AssetOnChain& on : asset.on) {
            p.prices.at(on.asset).price = price;
        }
        const AccountState there = state_of(p);
        RC_ASSERT(told.status == Status::kUnattestable || told.status == there.status);
        RC_ASSERT(told.status == Status::kUnattestable || told.equity <= there.equity);
        RC_TAG(to_string(told.status));
    });
}

}  // namespace
}  // namespace margrave::margin::tests
