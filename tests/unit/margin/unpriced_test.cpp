// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "margin/bad_debt.hpp"
#include "margin/explain.hpp"
#include "margin/liquidation.hpp"
#include "margin/shares.hpp"
#include "margin/stress.hpp"
#include "tests/unit/margin/exact.hpp"

#include <gtest/gtest.h>

#include <array>

// What has no usable price: neither does it liquidate anybody, nor does it shield.
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

// As whoever signs could make it: with the hash of its own evidence.
std::vector<std::string> rehashed(Evaluation e) {
    e.state.detail = keccak256(e.evidence_text());
    return findings(e);
}

Evaluation made_unattestable(Evaluation e) {
    e.state.status = Status::kUnattestable;
    for (Money* amount :
         {&e.state.equity, &e.state.initial, &e.state.liquidation_end, &e.state.maintenance}) {
        *amount = Money{};
    }
    return e;
}

// 10 ether against 20,000 dai, and a unit of bitcoin that could be worth 0.10 at most.
AccountHoldings speck() {
    return holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), Amount{1}),
         holding(dai(), Amount{}, units("17000", 18))}
    );
}

AccountHoldings with_bitcoin(std::string_view dai_owed) {
    return holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), units("0.1", 8)),
         holding(dai(), Amount{}, units(dai_owed, 18))}
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
    const AccountHoldings owned = with_bitcoin("17000");
    const Evaluation e = judged(owned, without(btc()));
    EXPECT_EQ(e.state.status, Status::kUnattestable);
    EXPECT_TRUE(e.state.equity.is_zero());
    EXPECT_TRUE(e.state.maintenance.is_zero());
    EXPECT_TRUE(findings(e).empty());
}

TEST(Unpriced, WhoIsWellWithoutItIsAttestedSo) {
    const AccountHoldings owned = with_bitcoin("10000");
    const Evaluation e = judged(owned, without(btc()));
    EXPECT_EQ(e.state.status, Status::kHealthy);
    EXPECT_EQ(e.state.equity, usd("10000"));
    EXPECT_EQ(e.state.flags & flags::kPriceStale, flags::kPriceStale);
    EXPECT_TRUE(findings(e).empty());
    // And nothing is granted meanwhile.
    const Promise little{.asset = eth_on(1), .amount = units("0.001", 18), .from_collateral = true};
    EXPECT_FALSE(check_grant(owned, little, without(btc()), sample_parameters()).has_value());
}

AccountHoldings with_debt(std::string_view dai_owed, const Amount& btc_owed) {
    return holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), Amount{}, btc_owed),
         holding(dai(), Amount{}, units(dai_owed, 18))}
    );
}

TEST(Unpriced, ASpeckOfDebtShieldsNobody) {
    const AccountHoldings owed = with_debt("17000", Amount{1});
    const Evaluation e = judged(owed, without(btc()));
    EXPECT_EQ(e.state.status, Status::kLiquidatable);
    EXPECT_NE(e.state.flags & flags::kPriceStale, 0U);
    // As above, and 0.10 at the end of the band by 1.2.
    EXPECT_EQ(e.state.maintenance, usd("-170.12"));
    ASSERT_TRUE(e.at_most.has_value());
    EXPECT_EQ(e.at_most->maintenance, usd("-170"));
    EXPECT_TRUE(findings(e).empty()) << findings(e).front();
    // It is not repaid, and nothing is sold for it.
    const LiquidationPlan plan =
        plan_liquidation(owed, without(btc()), sample_parameters()).value();
    const AccountHoldings bare =
        holdings_of({holding(eth_on(1), units("10", 18)), holding(dai(), {}, units("17000", 18))});
    const LiquidationPlan same =
        plan_liquidation(bare, sample_prices(), sample_parameters()).value();
    ASSERT_EQ(plan.legs.size(), 1U);
    EXPECT_EQ(plan.legs[0].seize, same.legs[0].seize);
    EXPECT_EQ(plan.legs[0].debt_asset, dai());
}

TEST(Unpriced, WhereThePriceOfADebtDecidesNothingIsAttested) {
    const Evaluation e = judged(with_debt("10000", units("0.1", 8)), without(btc()));
    EXPECT_EQ(e.state.status, Status::kUnattestable);
    EXPECT_TRUE(e.state.equity.is_zero());
    EXPECT_TRUE(findings(e).empty()) << findings(e).front();
}

TEST(Unpriced, WhoCanPayADebtAtAnyPriceIsAttestedSoAndGrantedNothing) {
    const AccountHoldings owed = with_debt("1000", Amount{1});
    const Evaluation e = judged(owed, without(btc()));
    EXPECT_EQ(e.state.status, Status::kHealthy);
    EXPECT_EQ(e.state.equity, usd("18999.9"));
    EXPECT_TRUE(findings(e).empty()) << findings(e).front();
    const Promise little{.asset = eth_on(1), .amount = units("0.001", 18), .from_collateral = true};
    EXPECT_FALSE(check_grant(owed, little, without(btc()), sample_parameters()).has_value());
    EXPECT_TRUE(check_grant(owed, little, sample_prices(), sample_parameters()).has_value());
}

TEST(Unpriced, OwnedAndOwedAtOnceIsBoundedFromBothSides) {
    AccountHoldings both = speck();
    for (Holding& row : both.holdings) {
        row.debt = row.asset == btc() ? Amount{2} : row.debt;
    }
    const Evaluation e = judged(both, without(btc()));
    EXPECT_EQ(e.state.status, Status::kLiquidatable);
    EXPECT_EQ(e.state.maintenance, usd("-170.24"));
    EXPECT_EQ(e.at_most->maintenance, judged(speck(), without(btc())).at_most->maintenance);
    EXPECT_TRUE(findings(e).empty()) << findings(e).front();
}

TEST(Unpriced, TheCheckFindsADebtThatIsLeftOut) {
    const AccountHoldings owed = with_debt("17000", Amount{1});
    const Evaluation good = judged(owed, without(btc()));
    ASSERT_TRUE(rehashed(good).empty());
    Evaluation e = good;
    std::erase_if(e.terms, [](const Term& term) { return term.asset == "btc"; });
    EXPECT_FALSE(rehashed(e).empty());
    e = good;
    for (Term& term : e.terms) {
        if (term.asset == "btc") {
            term.price = usd("50000");
            term.parts[0].price = usd("50000");
        }
    }
    EXPECT_FALSE(rehashed(e).empty());
}

TEST(Unpriced, ThePriceOfOneFormBoundsNoOther) {
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

// Weighted with nothing it can heal nobody, however much it may be worth.
TEST(Unpriced, WhoIsBankruptWithoutItAndLiquidatableWithItIsAttestedBankrupt) {
    Parameters parameters = sample_parameters();
    for (AssetParameters& asset : parameters.assets) {
        if (asset.name == "btc") {
            asset.collateral = {Money{}, Money{}, Money{}};
        }
    }
    const AccountHoldings owned = holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), units("0.01", 8)),
         holding(dai(), Amount{}, units("21000", 18))}
    );
    const PriceTable prices = without(btc());
    const Evaluation e = evaluate(owned, prices, parameters, false, false);
    EXPECT_EQ(e.state.status, Status::kBankrupt);
    EXPECT_EQ(e.state.equity, usd("-1000"));
    ASSERT_TRUE(e.at_most.has_value());
    EXPECT_EQ(e.at_most->equity, usd("99000"));
    const std::string text = e.evidence_text();
    const auto said = check_evidence(text, read_evidence(text).value(), e.state, parameters);
    EXPECT_TRUE(said.empty()) << said.front();
    // Its loss is nobody's yet.
    const DeadChains none;
    const std::array<AccountHoldings, 1> accounts{owned};
    PriceTable told = sample_prices();
    const auto hidden = absorb_bad_debt(accounts, {}, {prices, parameters, none});
    EXPECT_TRUE(hidden.value().rows.empty());
    told.at(btc()).price = usd("1");
    EXPECT_FALSE(absorb_bad_debt(accounts, {}, {told, parameters, none}).value().rows.empty());
}

// Two rounds: who recovers beyond liquidation_end is out of it, although a speck has no price.
TEST(Unpriced, WhoIsHealthyWithItAndCalledWithoutIsAttestedAsCalled) {
    const AccountHoldings owned = holdings_of(
        {holding(eth_on(1), units("10", 18)),
         holding(btc(), units("0.00001", 8)),
         holding(dai(), Amount{}, units("17000", 18))}
    );
    PriceTable prices = without(btc());
    for (const AssetId& ether : {eth_on(1), eth_on(10)}) {
        prices.at(ether).price = usd("2375.33");
    }
    const Evaluation e = evaluate(owned, prices, sample_parameters(), true, false);
    ASSERT_TRUE(e.at_most.has_value());
    EXPECT_TRUE(e.state.initial.is_negative());
    EXPECT_FALSE(e.at_most->initial.is_negative());
    EXPECT_EQ(e.state.status, Status::kMarginCall);
    EXPECT_TRUE(findings(e).empty()) << findings(e).front();
}

// The highest of several answers, of which the row shows the median and half the distance.
TEST(Unpriced, WhatOneOfSeveralToldBeyondTheBandIsItsMostToo) {
    PriceTable prices = without(btc(), PriceVerdict::kOutOfBounds);
    prices.at(btc()).price = usd("9000000");
    prices.at(btc()).confidence = usd("25000000000");
    EXPECT_EQ(judged(speck(), prices).state.status, Status::kUnattestable);
    // Not even one that no sum can hold is an error, nor does it bound anything.
    prices.at(btc()).confidence = usd("1600000000000000000000000000000000000000");
    EXPECT_EQ(judged(speck(), prices).state.status, Status::kUnattestable);
}

TEST(Unpriced, TheCheckFindsPartsThatAreNotTheHoldings) {
    const Evaluation good = judged(speck(), without(btc()));
    ASSERT_TRUE(rehashed(good).empty());
    Evaluation e = good;
    for (Holding& row : e.holdings.holdings) {
        if (row.asset == btc()) {
            row.collateral = units("0.1", 8);
        }
    }
    EXPECT_FALSE(rehashed(e).empty());
    e = good;
    std::erase_if(e.at_most->terms, [](const Term& term) { return term.asset == "eth"; });
    EXPECT_FALSE(rehashed(e).empty());
    e = good;
    std::erase_if(e.holdings.holdings, [](const Holding& row) { return row.asset == dai(); });
    EXPECT_FALSE(rehashed(e).empty());
}

TEST(Unpriced, TheCheckFindsAShieldThatNothingDecides) {
    const auto said = rehashed(made_unattestable(judged(speck(), without(btc()))));
    ASSERT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0], "at most: it decides nothing, and the account is UNATTESTABLE");
}

TEST(Unpriced, TheCheckFindsAShieldThatDoesNotSayWhatItIsAtMost) {
    for (const AccountHoldings& holdings : {speck(), with_debt("17000", Amount{1})}) {
        Evaluation e = made_unattestable(judged(holdings, without(btc())));
        e.at_most.reset();
        const auto said = rehashed(e);
        ASSERT_EQ(said.size(), 1U);
        EXPECT_EQ(said[0], "nothing that it says makes the account UNATTESTABLE");
        // Nor does a position that it has not, or a bare flag.
        e.state.flags |= flags::kPositionUnvalued | flags::kChainDead;
        e.unvalued.push_back({.what = "position " + to_hex(Hash32{}), .why = "because"});
        EXPECT_EQ(rehashed(e), said);
    }
    AccountHoldings unknown = speck();
    unknown.holdings.push_back(holding(AssetId::native(ChainId::evm(4'242)), {}, Amount{1}));
    const Evaluation e = judged(unknown, without(btc()));
    ASSERT_EQ(e.state.status, Status::kUnattestable);
    EXPECT_TRUE(findings(e).empty()) << findings(e).front();
}

TEST(Unpriced, TheCheckFindsACollateralThatIsHiddenAndATermThatIsSplit) {
    // Named as unvalued, but neither flagged nor counted at its most.
    Evaluation hidden = judged(speck(), without(btc()));
    hidden.at_most.reset();
    hidden.state.flags &= ~flags::kPriceStale;
    EXPECT_FALSE(rehashed(hidden).empty());
    // 10 ether here and 9 owed there net to one; two terms that add up would say LIQUIDATABLE.
    const Holding has = holding(eth_on(1), units("10", 18));
    const Holding owes = holding(eth_on(10), {}, units("9", 18));
    const AccountHoldings netted = holdings_of({has, owes});
    Evaluation split = judged(netted, sample_prices());
    ASSERT_TRUE(rehashed(split).empty());
    const Evaluation one = judged(holdings_of({has}), sample_prices());
    const Evaluation other = judged(holdings_of({owes}), sample_prices());
    split.terms = {one.terms.at(0), other.terms.at(0)};
    split.state.equity = one.state.equity + other.state.equity;
    split.state.initial = one.state.initial + other.state.initial;
    split.state.liquidation_end = one.state.liquidation_end + other.state.liquidation_end;
    split.state.maintenance = one.state.maintenance + other.state.maintenance;
    split.state.status = Status::kLiquidatable;
    EXPECT_EQ(rehashed(split), std::vector<std::string>{"eth does not come after eth"});
    Evaluation bare = judged(netted, sample_prices());
    bare.terms.push_back({});
    bare.terms.back().asset = "zzz";
    EXPECT_EQ(rehashed(bare), std::vector<std::string>{"zzz has no parts"});
}

TEST(Unpriced, SharesAreOfWhatHasAPrice) {
    const AccountHoldings owned = with_bitcoin("10000");
    const PriceTable prices = without(btc());
    const Parameters parameters = sample_parameters();
    const auto shares = shares_of(owned, Market(prices, parameters));
    ASSERT_TRUE(shares.has_value());
    EXPECT_EQ(shares.value().assets.size(), 2U);
    const auto owing = shares_of(with_debt("1000", Amount{1}), Market(prices, parameters));
    ASSERT_TRUE(owing.has_value()) << owing.error().detail;
    EXPECT_EQ(owing.value().assets.size(), 2U);
}

// The price of now may be 100 % beside the truth and a day old: what is owed counts so.
TEST(Unpriced, ADebtCountsAtTheMostOfTheInitialLevelToo) {
    Parameters parameters = sample_parameters();
    AssetParameters& bitcoin = *std::ranges::find(parameters.assets, "btc", &AssetParameters::name);
    bitcoin.initial_price.confidence = usd("2");
    bitcoin.initial_price.age_per_hour = usd("0.1");
    const Evaluation e =
        evaluate(with_debt("1000", Amount{1}), without(btc()), parameters, false, false);
    ASSERT_EQ(e.state.status, Status::kHealthy);
    // 0.10 and twice that for its confidence, and all of that again for its age, by 1.3.
    EXPECT_EQ(e.state.initial, usd("13949.22"));
    const std::string text = e.evidence_text();
    const auto said = check_evidence(text, read_evidence(text).value(), e.state, parameters);
    EXPECT_TRUE(said.empty()) << said.front();
}

TEST(Unpriced, NobodyBearsALossThatOnlyAMissingPriceMakes) {
    const Parameters parameters = sample_parameters();
    StressBook book;
    book.prices = sample_prices();
    book.accounts.push_back({with_debt("17000", units("0.1", 8)), false});
    const StressResult frozen = stress(book, parameters, {"freeze", {}, {}, {"btc"}}, {}).value();
    EXPECT_EQ(frozen.shocked.at(static_cast<std::size_t>(Status::kBankrupt)), 1U);
    EXPECT_TRUE(frozen.bad_debt_shocked.is_zero());
}

// Whatever the price is within the band, the exact engine says that what was attested without it
// may be seized, or may not.
TEST(Unpriced, WhatMayBeSeizedHoldsAtEveryPriceOfTheBand) {
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
        const AccountState at_most =
            evaluate_at_most(stale.holdings, Market(stale.prices, stale.parameters));
        RC_ASSERT(
            told.status == Status::kUnattestable ||
            is_seizable(told.status) == is_seizable(there.status)
        );
        const bool unknown = told.status == Status::kUnattestable;
        RC_ASSERT(unknown || told.equity <= there.equity);
        RC_ASSERT(unknown || told.initial <= there.initial);
        RC_ASSERT(unknown || told.maintenance <= there.maintenance);
        if (at_most.status != Status::kUnattestable) {
            RC_ASSERT(at_most.equity >= there.equity);
            RC_ASSERT(at_most.maintenance >= there.maintenance);
        }
        const bool is_owed = std::ranges::any_of(p.holdings.holdings, [&](const Holding& row) {
            return !row.debt.is_zero() &&
                   std::ranges::find(asset.on, row.asset, &AssetOnChain::asset) != asset.on.end();
        });
        RC_TAG(to_string(told.status), is_owed ? "owed" : "owned");
    });
}

}  // namespace
}  // namespace margrave::margin::tests
