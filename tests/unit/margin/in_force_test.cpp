// SPDX-License-Identifier: Apache-2.0
#include "margin/in_force.hpp"

#include "margin/explain.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

// In the sample: 0 btc, 1 dai, 2 eth, 3 junk, 4 usdc.
constexpr std::size_t kEth = 2;
constexpr std::size_t kUsdc = 4;

AccountHoldings owner(std::uint8_t who, std::vector<Holding> rows) {
    AccountHoldings out = holdings_of(std::move(rows));
    out.account.data[0] = who;
    return out;
}

RoundFacts facts_of(const std::vector<AccountHoldings>& accounts) {
    RoundFacts out;
    out.at = UnixSeconds{kPricedAt + 3'600};
    for (const AccountHoldings& account : accounts) {
        out.totals.add(account);
    }
    return out;
}

PriceTable priced() {
    PriceTable out = sample_prices();
    for (auto& [asset, row] : out) {
        row.published_at = UnixSeconds{kPricedAt};
    }
    return out;
}

TEST(Totals, WhatIsTakenOutLeavesNothingBehind) {
    const AccountHoldings a = owner(1, {holding(eth_on(1), units("2", 18), units("1", 18))});
    AccountHoldings b = owner(2, {holding(eth_on(1), Amount::max())});
    b.positions.push_back({.market = Hash32{}, .size = usd("-3"), .entry_price = Money{}});
    Totals both;
    both.add(a);
    both.add(b);
    both.add(b);
    EXPECT_EQ(both.interest(Hash32{}).shorts, usd("6").rep());
    both.remove(b);
    both.remove(b);
    Totals alone;
    alone.add(a);
    EXPECT_EQ(both, alone);
    EXPECT_EQ(alone.pool(eth_on(1)).debt, Totals::Wide(units("1", 18).rep()));
    both.remove(a);
    EXPECT_EQ(both, Totals{});
}

TEST(InForce, ParametersWithoutSuchTermsStayWhatTheyAre) {
    const auto accounts = {owner(1, {holding(eth_on(1), units("1000000", 18))})};
    const Parameters signed_ones = venue_parameters();
    EXPECT_FALSE(depends_on_round(signed_ones));
    EXPECT_EQ(in_force(signed_ones, venue_prices(), facts_of(accounts)), signed_ones);
}

TEST(InForce, TheInitialCollateralWeightShrinksWithThePoolAndNoOtherDoes) {
    Parameters p = sample_parameters();
    p.assets[kEth].scale.deposits_from = usd("1000000");
    // 300 native and 500 of the bridged form at 0.9: 750 eth are worth 1.5 million.
    const auto facts = facts_of(
        {owner(1, {holding(eth_on(1), units("300", 18))}),
         owner(2, {holding(eth_on(137), units("500", 18))})}
    );
    const Parameters now = in_force(p, priced(), facts);
    EXPECT_EQ(now.assets[kEth].collateral.initial, usd("0.5"));
    EXPECT_EQ(now.assets[kEth].collateral.liquidation_end, usd("0.8"));
    EXPECT_EQ(now.assets[kEth].collateral.maintenance, usd("0.85"));
    EXPECT_EQ(now.assets[kEth].debt, p.assets[kEth].debt);

    const auto smaller = facts_of({owner(1, {holding(eth_on(1), units("500", 18))})});
    EXPECT_EQ(in_force(p, priced(), smaller).assets[kEth].collateral.initial, usd("0.75"));
}

TEST(InForce, TheInitialDebtWeightGrowsWithThePoolsDebtsUpToTen) {
    Parameters p = sample_parameters();
    p.assets[kUsdc].scale.debts_from = usd("1000000");
    const auto facts = facts_of({owner(1, {holding(usdc_on(1), Amount{}, units("2000000", 6))})});
    EXPECT_EQ(in_force(p, priced(), facts).assets[kUsdc].debt.initial, usd("2.1"));
    const auto huge = facts_of({owner(1, {holding(usdc_on(1), Amount{}, Amount::max())})});
    EXPECT_EQ(in_force(p, priced(), huge).assets[kUsdc].debt.initial, usd("10"));
}

TEST(InForce, APoolThatCannotBeValuedCountsAsInfinite) {
    Parameters p = sample_parameters();
    p.assets[kEth].scale.deposits_from = usd("1000000");
    p.assets[kEth].on[0].pool_cap = usd("1000000");
    const auto facts = facts_of({owner(1, {holding(eth_on(1), Amount::max())})});
    const Parameters now = in_force(p, priced(), facts);
    EXPECT_TRUE(now.assets[kEth].collateral.initial.is_zero());
    EXPECT_EQ(now.assets[kEth].on[0].uncounted, usd("1"));
}

TEST(InForce, AFractionGrowsWithOpenInterestBetweenItsBounds) {
    Parameters p = venue_parameters();
    const auto eth = std::ranges::find(p.venues, "eth", &VenueParameters::underlying);
    ASSERT_NE(eth, p.venues.end());
    PerpetualMarket& market = eth->perpetuals.front();
    const Money before = market.fractions.initial;
    market.open_interest = {.lower = usd("100000"), .upper = usd("300000")};
    // 100 long against 60 short at 2000: 200,000 open, the middle.
    const auto facts = facts_of(
        {trader(Amount{}, {position(p, "eth-perp", usd("100"))}),
         trader(Amount{}, {position(p, "eth-perp", usd("-60"))})}
    );
    const auto fraction = [&](const RoundFacts& f) {
        const Parameters now = in_force(p, venue_prices(), f);
        const auto venue = std::ranges::find(now.venues, "eth", &VenueParameters::underlying);
        return venue->perpetuals.front().fractions;
    };
    const Money middle = fraction(facts).initial;
    EXPECT_EQ(middle + middle, before + usd("1"));
    EXPECT_EQ(fraction(facts).maintenance, market.fractions.maintenance);
    EXPECT_EQ(fraction(facts).liquidation_end, market.fractions.liquidation_end);
    const auto full = facts_of({trader(Amount{}, {position(p, "eth-perp", usd("-150"))})});
    EXPECT_EQ(fraction(full).initial, usd("1"));
    const auto little = facts_of({trader(Amount{}, {position(p, "eth-perp", usd("-50"))})});
    EXPECT_EQ(fraction(little).initial, before);
}

TEST(InForce, BridgeLagAndPoolCapTakeFromWhatCountsOnAChain) {
    Parameters p = sample_parameters();
    p.risk.bridge_tiers = {usd("0.1"), usd("0.5")};
    p.risk.lag_per_hour = usd("0.1");
    p.assets[kEth].on[2].bridge_tier = 2;
    p.assets[kEth].on[1].pool_cap = usd("1000000");
    auto facts = facts_of({owner(1, {holding(eth_on(10), units("1000", 18))})});
    facts.head_times = {
        {ChainId::evm(1), facts.at},
        {ChainId::evm(10), facts.at},
        {ChainId::evm(137), UnixSeconds{facts.at.value - 7'200}}};
    const auto on = in_force(p, priced(), facts).assets[kEth].on;
    EXPECT_TRUE(on[0].uncounted.is_zero());
    // Half of two million.
    EXPECT_EQ(on[1].uncounted, usd("0.5"));
    // 0.5 for the bridge, 0.8 of that for two hours.
    EXPECT_EQ(on[2].uncounted, usd("0.6"));
    facts.head_times.erase(ChainId::evm(1));
    EXPECT_EQ(in_force(p, priced(), facts).assets[kEth].on[0].uncounted, usd("1"));
}

TEST(InForce, TheInitialPriceIsMovedByConfidenceAgeAndTheSlowPrice) {
    Parameters p = sample_parameters();
    p.assets[kEth].initial_price = {
        .confidence = usd("2"), .age_per_hour = usd("0.01"), .slow = true};
    PriceTable prices = priced();
    for (const AssetOnChain& form : p.assets[kEth].on) {
        prices[form.asset].confidence = usd("10");
    }
    RoundFacts facts = facts_of({});
    for (const AssetOnChain& form : p.assets[kEth].on) {
        facts.slow_prices.emplace(form.asset, usd("1520"));
    }
    const Parameters now = in_force(p, prices, facts);
    const Market market(prices, now);
    const Market::Form* form = market.find(eth_on(1));
    ASSERT_NE(form, nullptr);
    // (1520 - 20) 0.99 and (2000 + 20) 1.01.
    EXPECT_EQ(form->low, usd("1485"));
    EXPECT_EQ(form->high, usd("2040.2"));
    EXPECT_EQ(form->price, usd("2000"));
    // The others levels keep the price.
    const AccountHoldings account = holdings_of({holding(eth_on(1), units("1", 18), Amount{})});
    const AccountState state = evaluate_state(account, prices, now, false, false);
    EXPECT_EQ(state.equity, usd("2000"));
    EXPECT_EQ(state.initial, usd("1113.75"));
    EXPECT_EQ(state.liquidation_end, usd("1600"));
    EXPECT_EQ(state.maintenance, usd("1700"));
}

TEST(InForce, TheEvidenceOfSuchARoundAddsUp) {
    Parameters p = sample_parameters();
    p.risk.bridge_tiers = {usd("0.1")};
    p.risk.correlations = {{.name = "dollars", .assets = {"dai", "usdc"}, .relief = usd("0.25")}};
    p.assets[kEth].on[2].bridge_tier = 1;
    p.assets[kEth].on[0].cap = usd("1500");
    p.assets[kEth].cap = usd("2500");
    p.assets[kEth].scale.deposits_from = usd("3000");
    p.assets[kEth].initial_price.confidence = usd("1");
    ASSERT_TRUE(check(p).empty());
    const AccountHoldings account = holdings_of(
        {holding(eth_on(1), units("1", 18)),
         holding(eth_on(137), units("1", 18), units("0.1", 18)),
         holding(dai(), units("900", 18)),
         holding(usdc_on(10), Amount{}, units("1000", 6))}
    );
    PriceTable prices = priced();
    prices[eth_on(1)].confidence = usd("5");
    prices[eth_on(137)].confidence = usd("5");
    const Parameters now = in_force(p, prices, facts_of({account}));
    const Evaluation evaluation = evaluate(account, prices, now, false, false);
    const std::string text = evaluation.evidence_text();
    EXPECT_EQ(evaluation.evidence().dump(), text);
    const auto read = read_evidence(text);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read.value().reliefs.size(), 1U);
    for (const std::string& finding : check_evidence(text, read.value(), evaluation.state, now)) {
        ADD_FAILURE() << finding;
    }
    // Against the signed parameters as they stand the scaled weight is not what they say.
    EXPECT_FALSE(check_evidence(text, read.value(), evaluation.state, p).empty());
}

}  // namespace
}  // namespace margrave::margin::tests
