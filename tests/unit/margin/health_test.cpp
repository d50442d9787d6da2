// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"

#include "core/keccak.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::margin::tests {
namespace {

AccountState state_of(std::vector<Holding> rows, bool was_liquidatable = false) {
    return tests::state_of(holdings_of(std::move(rows)), sample_prices(), was_liquidatable);
}

// One ether of collateral (2000 USD; counts 1500, 1600, 1700) against dai
// (counts 1.05, 1.03, 1.01).
AccountState one_eth_against(std::string_view dai_owed, bool was_liquidatable = false) {
    return state_of(
        {holding(eth_on(1), units("1", 18)), holding(dai(), Amount{}, units(dai_owed, 18))},
        was_liquidatable
    );
}

void expect_unattestable(const AccountState& state, std::uint32_t guard) {
    EXPECT_EQ(state.status, Status::kUnattestable);
    EXPECT_EQ(state.flags & ~0xffU, guard);
    EXPECT_TRUE(state.equity.is_zero());
    EXPECT_TRUE(state.initial.is_zero());
    EXPECT_TRUE(state.liquidation_end.is_zero());
    EXPECT_TRUE(state.maintenance.is_zero());
}

TEST(Health, AnEmptyAccountIsHealthyAndWorthNothing) {
    const AccountState state = state_of(std::vector<Holding>{});
    EXPECT_EQ(state.status, Status::kHealthy);
    EXPECT_EQ(state.flags, 0U);
    EXPECT_TRUE(state.equity.is_zero());
    EXPECT_EQ(state.account, account());
}

TEST(Health, EquityCountsInFullAndEveryLevelTakesItsWeight) {
    const AccountState state = one_eth_against("1000");
    EXPECT_EQ(state.equity, usd("1000"));
    EXPECT_EQ(state.initial, usd("450"));
    EXPECT_EQ(state.liquidation_end, usd("570"));
    EXPECT_EQ(state.maintenance, usd("690"));
    EXPECT_EQ(state.flags, flags::kHasDebt);
    EXPECT_EQ(state.status, Status::kHealthy);
}

TEST(Health, StatusFollowsTheLevels) {
    struct Row {
        std::string_view dai_owed;
        bool was_liquidatable;
        Status status;
    };

    // Zero initial health at 1428.57 of debt, liquidation-end at 1553.39, maintenance at 1683.16.
    constexpr Row kRows[]{
        {"1428", false, Status::kHealthy},
        {"1429", false, Status::kMarginCall},
        {"1429", true, Status::kMarginCall},
        {"1553", true, Status::kMarginCall},
        {"1554", false, Status::kMarginCall},
        {"1554", true, Status::kLiquidatable},
        {"1683", false, Status::kMarginCall},
        {"1684", false, Status::kLiquidatable},
        {"1684", true, Status::kLiquidatable},
        {"2000", true, Status::kLiquidatable},
        {"2000.000000000000000001", false, Status::kBankrupt},
    };
    for (const Row& row : kRows) {
        EXPECT_EQ(one_eth_against(row.dai_owed, row.was_liquidatable).status, row.status)
            << row.dai_owed << " latched " << row.was_liquidatable;
    }
}

TEST(Health, ExactlyZeroIsOnTheGoodSideOfEveryLevel) {
    // 1.05 * 1500 = 1575 = 0.75 * 2100.
    const auto at = [](std::string_view eth_price) {
        return tests::state_of(
            holdings_of(
                {holding(eth_on(1), units("1", 18)), holding(dai(), Amount{}, units("1500", 18))}
            ),
            prices_of(sample_parameters(), {{"eth", usd(eth_price)}, {"dai", usd("1")}}),
            false
        );
    };
    EXPECT_TRUE(at("2100").initial.is_zero());
    EXPECT_EQ(at("2100").status, Status::kHealthy);
    EXPECT_EQ(at("2099.999999999999999999").status, Status::kMarginCall);
    // 1.01 * 1500 = 1515 = 0.85 * 1782.352941176470588235..., so the level lies between two units.
    EXPECT_EQ(at("1782.352941176470588236").status, Status::kMarginCall);
    EXPECT_EQ(at("1782.352941176470588235").status, Status::kLiquidatable);
}

TEST(Health, ChainsOfOneAssetNetBeforeWeights) {
    const AccountState state = state_of(
        {holding(usdc_on(1), units("1000", 6)), holding(usdc_on(10), Amount{}, units("1000", 6))}
    );
    EXPECT_TRUE(state.equity.is_zero());
    EXPECT_TRUE(state.initial.is_zero());
    EXPECT_EQ(state.status, Status::kHealthy);
    EXPECT_EQ(state.flags, flags::kHasDebt);
}

TEST(Health, DifferentAssetsDoNotNet) {
    const AccountState state = state_of(
        {holding(usdc_on(1), units("1000", 6)), holding(dai(), Amount{}, units("1000", 18))}
    );
    EXPECT_TRUE(state.equity.is_zero());
    EXPECT_EQ(state.initial, usd("-100"));
}

TEST(Health, ABridgedTokenCountsItsBackingAndOwesInFull) {
    EXPECT_EQ(state_of({holding(eth_on(137), units("1", 18))}).equity, usd("1800"));
    EXPECT_EQ(state_of({holding(eth_on(137), Amount{}, units("1", 18))}).equity, usd("-2000"));
}

TEST(Health, ValuesRoundAgainstTheAccount) {
    // One wei at half a dollar is half a unit of 1e-18 USD.
    const PriceTable prices =
        prices_of(sample_parameters(), {{"eth", usd("0.5")}, {"dai", usd("0.5")}});
    const auto value = [&prices](const Holding& row) {
        return tests::state_of(holdings_of({row}), prices, false).equity;
    };
    EXPECT_EQ(value(holding(eth_on(1), Amount{1})), Money{});
    EXPECT_EQ(value(holding(eth_on(1), Amount{3})), Money::from_e18(1));
    EXPECT_EQ(value(holding(dai(), Amount{}, Amount{1})), Money::from_e18(-1));
    EXPECT_EQ(value(holding(dai(), Amount{}, Amount{3})), Money::from_e18(-2));
}

TEST(Health, UnknownCollateralIsWorthNothingAndSaysSo) {
    const AssetId unknown = AssetId::native(ChainId::evm(99));
    const AccountState state =
        state_of({holding(unknown, units("5", 18)), holding(eth_on(1), units("1", 18))});
    EXPECT_EQ(state.status, Status::kHealthy);
    EXPECT_EQ(state.equity, usd("2000"));
    EXPECT_EQ(state.flags, flags::kUnknownAsset);
}

TEST(Health, UnknownDebtCannotBeAttested) {
    const AssetId unknown = AssetId::native(ChainId::evm(99));
    expect_unattestable(state_of({holding(unknown, Amount{}, Amount{1})}), flags::kUnknownAsset);
}

// A token, and a debt that it carries if it is worth something: its price decides.
AccountHoldings carried_by(const AssetId& asset) {
    return holdings_of(
        {holding(asset, units("1", 18)), holding(usdc_on(1), Amount{}, units("1", 6))}
    );
}

TEST(Health, EveryUnusablePriceThatDecidesIsUnattestableWithItsFlag) {
    struct Row {
        PriceVerdict verdict;
        std::uint32_t flag;
    };

    constexpr Row kRows[]{
        {PriceVerdict::kStale, flags::kPriceStale},
        {PriceVerdict::kOutOfBounds, flags::kPriceOutOfBounds},
        {PriceVerdict::kMissing, flags::kPriceMissing},
    };
    for (const Row& row : kRows) {
        PriceTable prices = sample_prices();
        prices[eth_on(1)].verdict = row.verdict;
        const auto with = [&prices](const AccountHoldings& account) {
            return tests::state_of(account, prices, false);
        };
        expect_unattestable(with(carried_by(eth_on(1))), row.flag);
        expect_unattestable(with(holdings_of({holding(eth_on(1), Amount{}, Amount{1})})), row.flag);
        EXPECT_EQ(with(carried_by(eth_on(10))).status, Status::kHealthy);
    }
}

TEST(Health, AMissingRowIsAMissingPrice) {
    const PriceTable prices = prices_of(sample_parameters(), {{"usdc", usd("1")}});
    expect_unattestable(
        tests::state_of(carried_by(eth_on(1)), prices, false), flags::kPriceMissing
    );
}

TEST(Health, AUsableVerdictWithAPriceOutsideTheBandIsNotBelieved) {
    for (const std::string_view price : {"0", "-1", "0.0000009", "10000000.000000000000000001"}) {
        const PriceTable prices =
            prices_of(sample_parameters(), {{"eth", usd(price)}, {"usdc", usd("1")}});
        expect_unattestable(
            tests::state_of(carried_by(eth_on(1)), prices, false), flags::kPriceOutOfBounds
        );
    }
}

TEST(Health, SeveralGuardsAreAllNamed) {
    PriceTable prices = sample_prices();
    prices[eth_on(1)].verdict = PriceVerdict::kStale;
    prices[dai()].verdict = PriceVerdict::kMissing;
    AccountHoldings account = carried_by(eth_on(1));
    account.holdings.push_back(holding(dai(), units("1", 18)));
    expect_unattestable(
        tests::state_of(account, prices, false), flags::kPriceStale | flags::kPriceMissing
    );
}

TEST(Health, APositionWithoutAModuleIsNeverPassedOver) {
    AccountHoldings holdings = holdings_of({holding(eth_on(1), units("1", 18))});
    holdings.positions.push_back({.market = {}, .size = usd("-1"), .entry_price = usd("100")});
    const AccountState state = tests::state_of(holdings, sample_prices(), false);
    expect_unattestable(state, flags::kPositionUnvalued);
    EXPECT_NE(state.flags & flags::kHasDebt, 0U);

    holdings.positions[0].size = Money{};
    EXPECT_EQ(tests::state_of(holdings, sample_prices(), false).status, Status::kHealthy);
}

TEST(Health, ABookThatDiffersIsFlaggedEvenWithoutCollateral) {
    Holding row = holding(eth_on(1), units("1", 18));
    row.book = units("0.9", 18);
    EXPECT_EQ(state_of({row}).flags, flags::kBookDiffers);
    row = holding(eth_on(1), Amount{});
    row.book = Amount{1};
    EXPECT_EQ(state_of({row}).flags, flags::kBookDiffers);
}

TEST(Health, ProvisionalDifferenceIsPassedOn) {
    const AccountState state = evaluate_state(
        holdings_of({}), sample_prices(), sample_parameters(), false, /*provisional_differs=*/true
    );
    EXPECT_EQ(state.flags, flags::kProvisionalDiffers);
}

TEST(Health, OverflowIsUnattestableWhateverTheOrder) {
    PriceTable prices = sample_prices();
    prices[dai()].verdict = PriceVerdict::kStale;
    AccountHoldings holdings =
        holdings_of({holding(eth_on(1), Amount::max()), holding(dai(), Amount{1})});
    const AccountState state = tests::state_of(holdings, prices, false);
    expect_unattestable(state, flags::kArithmetic | flags::kPriceStale);
    std::ranges::reverse(holdings.holdings);
    EXPECT_EQ(tests::state_of(holdings, prices, false), state);
}

TEST(Evidence, IsCanonicalAndItsHashIsTheDetail) {
    const Evaluation evaluation = evaluate(
        holdings_of(
            {holding(eth_on(1), units("1", 18)),
             holding(eth_on(137), units("2", 18)),
             holding(dai(), Amount{}, units("1000", 18))}
        ),
        sample_prices(),
        sample_parameters(),
        /*was_liquidatable=*/true,
        /*provisional_differs=*/true
    );
    const std::string text = evaluation.evidence().dump();
    EXPECT_EQ(evaluation.state.detail, keccak256(text));
    const auto parsed = parse_canonical(text);
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed.value().dump(), text);
    ASSERT_EQ(evaluation.terms.size(), 2U);
    EXPECT_EQ(evaluation.terms[0].asset, "dai");
    EXPECT_EQ(evaluation.terms[0].value, usd("-1000"));
    EXPECT_EQ(evaluation.terms[1].asset, "eth");
    EXPECT_EQ(evaluation.terms[1].value, usd("5600"));
    EXPECT_EQ(evaluation.terms[1].required_initial, usd("1400"));
    ASSERT_EQ(evaluation.terms[1].parts.size(), 2U);
    EXPECT_EQ(evaluation.terms[1].parts[1].collateral_value, usd("3600"));
    for (const std::string_view word :
         {"\"engine\":\"3\"",
          "\"was_liquidatable\":true",
          "\"backing\":\"900000000000000000\"",
          "\"chain\":\"eip155:137\"",
          "\"debt_value\":\"up\"",
          "\"status\":\"HEALTHY\""}) {
        EXPECT_NE(text.find(word), std::string::npos) << word;
    }
}

TEST(Health, WhatLiesOutsideIsNoDifferenceToTheVaultsBook) {
    const Holding row = with_mapped(holding(dai(), units("5", 18)), units("7", 18));
    EXPECT_EQ(state_of({row}).flags, 0U);
    EXPECT_EQ(state_of({row}).equity, usd("12"));
    const Holding owed = with_mapped(holding(dai(), units("5", 18)), Amount{}, units("1", 18));
    EXPECT_EQ(state_of({owed}).flags, flags::kHasDebt);
}

TEST(Evidence, SpeaksOfWhatLiesOutsideOnlyWhereThereIsSome) {
    const auto text_of = [](const Holding& row) {
        return evaluate(holdings_of({row}), sample_prices(), sample_parameters(), false, false)
            .evidence_text();
    };
    EXPECT_EQ(text_of(holding(dai(), Amount{5})).find("mapped"), std::string::npos);
    const std::string text = text_of(with_mapped(holding(dai(), Amount{5}), Amount{7}));
    EXPECT_NE(
        text.find("\"in_sale\":\"0\",\"mapped\":\"7\",\"mapped_debt\":\"0\"}"), std::string::npos
    ) << text;
    EXPECT_EQ(parse_canonical(text).value().dump(), text);
}

TEST(Evidence, SaysWhatCouldNotBeValued) {
    PriceTable prices = sample_prices();
    prices[eth_on(1)].verdict = PriceVerdict::kStale;
    AccountHoldings holdings = holdings_of({holding(eth_on(1), Amount{1})});
    holdings.positions.push_back({.market = {}, .size = usd("1"), .entry_price = {}});
    const Evaluation evaluation = evaluate(holdings, prices, sample_parameters(), false, false);
    ASSERT_EQ(evaluation.unvalued.size(), 2U);
    EXPECT_EQ(evaluation.unvalued[1].what, "eip155:1/slip44:60");
    EXPECT_EQ(evaluation.unvalued[1].why, "price too old");
}

TEST(Evidence, DoesNotDependOnTheOrderOfTheHoldings) {
    AccountHoldings holdings = holdings_of(
        {holding(eth_on(1), units("1", 18)),
         holding(eth_on(10), units("2", 18)),
         holding(dai(), Amount{}, units("100", 18)),
         holding(btc(), units("1", 8))}
    );
    const auto before = evaluate(holdings, sample_prices(), sample_parameters(), false, false);
    std::ranges::reverse(holdings.holdings);
    const auto after = evaluate(holdings, sample_prices(), sample_parameters(), false, false);
    EXPECT_EQ(before.state, after.state);
}

TEST(Guards, AreDescribedInWords) {
    EXPECT_EQ(describe_guards(flags::kHasDebt | flags::kBookDiffers), "");
    EXPECT_EQ(
        describe_guards(flags::kPriceStale | flags::kUnknownAsset),
        "price too old, asset not in the parameters"
    );
    EXPECT_EQ(describe_guards(1U << 31U), "unnamed guard");
}

}  // namespace
}  // namespace margrave::margin::tests
