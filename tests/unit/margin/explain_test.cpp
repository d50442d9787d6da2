// SPDX-License-Identifier: Apache-2.0
#include "margin/explain.hpp"

#include "core/keccak.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

Evaluation sample() {
    return evaluate(
        holdings_of(
            {holding(eth_on(1), units("2", 18)),
             holding(eth_on(137), units("1.5", 18)),
             holding(usdc_on(10), units("10", 6), units("3000", 6))}
        ),
        sample_prices(),
        sample_parameters(),
        false,
        false
    );
}

std::vector<std::string> findings(
    const std::string& text, const AccountState& leaf, const Parameters& parameters
) {
    const auto read = read_evidence(text);
    EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().detail);
    return read ? check_evidence(text, read.value(), leaf, parameters) : std::vector<std::string>{};
}

// The evidence with one text put for another, under a leaf that carries its hash: what a relayer
// would sign that computes wrongly.
std::vector<std::string> findings_after(const std::string& from, const std::string& to) {
    const Evaluation evaluation = sample();
    std::string text = evaluation.evidence_text();
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    AccountState leaf = evaluation.state;
    leaf.detail = keccak256(text);
    return findings(text, leaf, sample_parameters());
}

bool has(const std::vector<std::string>& found, std::string_view words) {
    return std::ranges::any_of(found, [words](const std::string& sentence) {
        return sentence.find(words) != std::string::npos;
    });
}

TEST(Explain, WhatTheEngineWritesAddsUp) {
    const Evaluation evaluation = sample();
    EXPECT_TRUE(findings(evaluation.evidence_text(), evaluation.state, sample_parameters()).empty()
    );
    const auto read = read_evidence(evaluation.evidence_text());
    ASSERT_TRUE(read.has_value());
    ASSERT_EQ(read.value().terms.size(), 2U);
    const Term& eth = read.value().terms[0];
    // 2 x 2000 + 1.5 x 2000 x 0.9.
    EXPECT_EQ(eth.value, usd("6700"));
    EXPECT_EQ(contribution_of(eth).value().initial, usd("5025"));
    EXPECT_EQ(contribution_of(read.value().terms[1]).value().maintenance, usd("-3019.9"));
}

TEST(Explain, EveryRandomAccountAddsUp) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        const Portfolio p = random_portfolio(seed);
        const Evaluation e = evaluate(p.holdings, p.prices, p.parameters, false, false);
        const auto found = findings(e.evidence_text(), e.state, p.parameters);
        EXPECT_TRUE(found.empty()) << seed << ": " << found.front();
    }
}

TEST(Explain, EvidenceOfAnotherLeafIsNamed) {
    const Evaluation evaluation = sample();
    AccountState leaf = evaluation.state;
    leaf.detail.data[0] ^= 1U;
    leaf.initial = usd("7");
    const auto found = findings(evaluation.evidence_text(), leaf, sample_parameters());
    EXPECT_TRUE(has(found, "the leaf's detail is"));
    EXPECT_TRUE(has(found, "initial health is"));
    EXPECT_TRUE(has(found, "equity less initial requirements is"));
}

TEST(Explain, PartThatIsWorthAnotherAmountIsNamed) {
    const auto found = findings_after(
        "\"collateral_value\":\"4000000000000000000000\"",
        "\"collateral_value\":\"4000000000000000000001\""
    );
    EXPECT_TRUE(has(found, ": collateral value is 4000, said is 4000.000000000000000001"));
    EXPECT_TRUE(has(found, "eth: sum of the parts"));
}

TEST(Explain, TermWithAnotherWeightIsNamed) {
    const auto found = findings_after(
        "\"maintenance\":\"850000000000000000\"", "\"maintenance\":\"860000000000000000\""
    );
    EXPECT_TRUE(has(found, "eth: maintenance weight is 0.85, said is 0.86"));
    EXPECT_TRUE(has(found, "eth: maintenance requirement is"));
}

// A term of positions, as a module for them would write it: worth 10, of which 4, 3 and 2 are
// required. The sums count it whether or not this build has such a module.
TEST(Explain, VenuesCountInTheSums) {
    const Evaluation evaluation = sample();
    std::string text = evaluation.evidence_text();
    text.insert(
        text.rfind(",\"was_liquidatable\""),
        R"(,"venues":[{"module":"perpetual","parts":[],"price":"2000000000000000000000",)"
        R"("required":{"initial":"4000000000000000000","liquidation_end":"3000000000000000000",)"
        R"("maintenance":"2000000000000000000"},"underlying":"eth","value":"10000000000000000000"}])"
    );
    AccountState leaf = evaluation.state;
    leaf.detail = keccak256(text);
    const auto without = findings(text, leaf, sample_parameters());
    EXPECT_TRUE(has(without, "sum of the terms' values is 3720, said is 3710"));
    EXPECT_TRUE(has(without, "equity less maintenance requirements is"));
    const auto read = read_evidence(text).value();
    ASSERT_EQ(read.venues.size(), 1U);
    EXPECT_EQ(read.venues.front().underlying, "eth");
    EXPECT_EQ(contribution_of(read.venues.front()).value().initial, usd("6"));
    leaf.equity = add(leaf.equity, usd("10")).value();
    leaf.initial = add(leaf.initial, usd("6")).value();
    leaf.liquidation_end = add(leaf.liquidation_end, usd("7")).value();
    leaf.maintenance = add(leaf.maintenance, usd("8")).value();
    EXPECT_FALSE(has(findings(text, leaf, sample_parameters()), "sum of the terms"));
    EXPECT_FALSE(has(findings(text, leaf, sample_parameters()), "requirements is"));
}

TEST(Explain, UnattestableAccountHasNoSumButAReason) {
    PriceTable prices = sample_prices();
    prices[eth_on(1)].verdict = PriceVerdict::kStale;
    const Evaluation e = evaluate(
        holdings_of(
            {holding(eth_on(1), units("2", 18)), holding(usdc_on(1), Amount{}, units("1", 6))}
        ),
        prices,
        sample_parameters(),
        false,
        false
    );
    ASSERT_EQ(e.state.status, Status::kUnattestable);
    EXPECT_TRUE(findings(e.evidence_text(), e.state, sample_parameters()).empty());
    AccountState leaf = e.state;
    leaf.equity = usd("1");
    EXPECT_TRUE(has(findings(e.evidence_text(), leaf, sample_parameters()), "has an amount of 1"));
}

TEST(Explain, TextThatIsNoEvidenceIsRefused) {
    const std::string text = sample().evidence_text();
    for (const std::string& bad :
         {std::string(), std::string("{}"), text.substr(0, text.size() - 1), "[" + text + "]"}) {
        EXPECT_FALSE(read_evidence(bad).has_value()) << bad.substr(0, 20);
    }
}

}  // namespace
}  // namespace margrave::margin::tests
