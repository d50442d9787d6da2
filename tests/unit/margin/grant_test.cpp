// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <span>

namespace margrave::margin::tests {
namespace {

Result<AccountHoldings> worst(
    const std::vector<Holding>& firm,
    const std::vector<Holding>& provisional,
    const std::vector<Promise>& holds = {}
) {
    return worst_of(holdings_of(firm), holdings_of(provisional), holds);
}

Promise withdrawal(const AssetId& asset, const Amount& amount) {
    return {.asset = asset, .amount = amount, .from_collateral = true};
}

Promise borrow(const AssetId& asset, const Amount& amount) {
    return {.asset = asset, .amount = amount, .from_collateral = false};
}

Result<void> grant(const std::vector<Holding>& rows, const Promise& promise) {
    return check_grant(holdings_of(rows), promise, sample_prices(), sample_parameters());
}

void expect_refused(const Result<void>& result, std::string_view words) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kCheckFailed);
    EXPECT_NE(result.error().detail.find(words), std::string::npos) << result.error().detail;
}

TEST(WorstOf, TakesTheSmallerCollateralAndTheLargerDebt) {
    const auto out = worst(
        {holding(eth_on(1), Amount{10}), holding(dai(), Amount{}, Amount{5})},
        {holding(eth_on(1), Amount{7}), holding(dai(), Amount{}, Amount{8})}
    );
    ASSERT_TRUE(out);
    ASSERT_EQ(out.value().holdings.size(), 2U);
    EXPECT_EQ(out.value().holdings[0].asset, dai());
    EXPECT_EQ(out.value().holdings[0].debt, Amount{8});
    EXPECT_EQ(out.value().holdings[1].collateral, Amount{7});
    EXPECT_EQ(out.value().account, account());
}

TEST(WorstOf, ARowOfOneStateOnlyCountsItsDebtAndNotItsCollateral) {
    const auto out =
        worst({holding(eth_on(1), Amount{10}), holding(dai(), Amount{}, Amount{5})}, {});
    ASSERT_TRUE(out);
    ASSERT_EQ(out.value().holdings.size(), 1U);
    EXPECT_EQ(out.value().holdings[0].asset, dai());
}

TEST(WorstOf, HoldsAreTakenOut) {
    const auto out = worst(
        {holding(eth_on(1), Amount{10})},
        {holding(eth_on(1), Amount{10})},
        {withdrawal(eth_on(1), Amount{4}), borrow(dai(), Amount{3}), borrow(dai(), Amount{2})}
    );
    ASSERT_TRUE(out);
    ASSERT_EQ(out.value().holdings.size(), 2U);
    EXPECT_EQ(out.value().holdings[0].debt, Amount{5});
    EXPECT_EQ(out.value().holdings[1].collateral, Amount{6});
}

TEST(WorstOf, APromiseBeyondTheCollateralIsOwed) {
    const auto out = worst(
        {holding(eth_on(1), Amount{10})},
        {holding(eth_on(1), Amount{3})},
        {withdrawal(eth_on(1), Amount{8})}
    );
    ASSERT_TRUE(out);
    ASSERT_EQ(out.value().holdings.size(), 1U);
    EXPECT_TRUE(out.value().holdings[0].collateral.is_zero());
    EXPECT_EQ(out.value().holdings[0].debt, Amount{5});
}

TEST(WorstOf, APromiseThatRanInTheProvisionalStateCountsOnce) {
    Promise taken = withdrawal(eth_on(1), Amount{4});
    Promise lent = borrow(dai(), Amount{5});
    taken.is_executed = true;
    lent.is_executed = true;
    const auto out = worst(
        {holding(eth_on(1), Amount{10})},
        {holding(eth_on(1), Amount{6}), holding(dai(), Amount{}, Amount{5})},
        {taken, lent, withdrawal(eth_on(1), Amount{1})}
    );
    ASSERT_TRUE(out);
    ASSERT_EQ(out.value().holdings.size(), 2U);
    EXPECT_EQ(out.value().holdings[0].debt, Amount{5});
    EXPECT_EQ(out.value().holdings[1].collateral, Amount{5});
}

TEST(WorstOf, APromiseThatRanTakesNothingOfALaterDeposit) {
    Promise taken = withdrawal(eth_on(1), Amount{4});
    taken.is_executed = true;
    const auto out =
        worst({holding(eth_on(1), Amount{10})}, {holding(eth_on(1), Amount{6 + 3})}, {taken});
    ASSERT_TRUE(out);
    EXPECT_EQ(out.value().holdings.at(0).collateral, Amount{6});
}

TEST(WorstOf, TheLargerPositionOfEitherStateStays) {
    AccountHoldings firm = holdings_of({});
    AccountHoldings provisional = holdings_of({});
    firm.positions.push_back({.market = {}, .size = usd("1"), .entry_price = {}});
    provisional.positions.push_back({.market = {}, .size = usd("-2"), .entry_price = {}});
    const auto out = worst_of(firm, provisional, {});
    ASSERT_TRUE(out);
    ASSERT_EQ(out.value().positions.size(), 1U);
    EXPECT_EQ(out.value().positions[0].size, usd("-2"));
}

TEST(WorstOf, TwoAccountsAndOverflowAreErrors) {
    AccountHoldings other = holdings_of({});
    other.account.data[0] = 1;
    EXPECT_EQ(worst_of(holdings_of({}), other, {}).error().code, Errc::kInvalid);
    const auto overflow =
        worst({holding(dai(), Amount{}, Amount::max())}, {}, {borrow(dai(), Amount{1})});
    EXPECT_EQ(overflow.error().code, Errc::kOverflow);
}

TEST(CheckGrant, AWithdrawalWithoutDebtMayTakeEverythingThatIsFree) {
    EXPECT_TRUE(grant({holding(eth_on(1), Amount{10})}, withdrawal(eth_on(1), Amount{10})));
    expect_refused(
        grant({holding(eth_on(1), Amount{10})}, withdrawal(eth_on(1), Amount{11})),
        "only 10 are free"
    );
    expect_refused(grant({}, withdrawal(eth_on(1), Amount{1})), "only 0 are free");
    expect_refused(grant({}, withdrawal(eth_on(1), Amount{})), "the amount is zero");
}

TEST(CheckGrant, WhatLiesInAnAuctionIsNotFree) {
    Holding row = holding(eth_on(1), Amount{10});
    row.in_sale = Amount{4};
    EXPECT_TRUE(grant({row}, withdrawal(eth_on(1), Amount{6})));
    expect_refused(grant({row}, withdrawal(eth_on(1), Amount{7})), "only 6 are free");
}

TEST(CheckGrant, InitialHealthMustStayAtZeroOrAbove) {
    // Two ether count 3000; 2000 dai need 2100; 0.6 ether (900) may go.
    const std::vector<Holding> rows{
        holding(eth_on(1), units("2", 18)), holding(dai(), Amount{}, units("2000", 18))};
    EXPECT_TRUE(grant(rows, withdrawal(eth_on(1), units("0.6", 18))));
    expect_refused(
        grant(rows, withdrawal(eth_on(1), units("0.600000000000000001", 18))),
        "initial health would be -0.01 USD"
    );
}

TEST(CheckGrant, ABorrowNeedsRoomAndABorrowableAsset) {
    const std::vector<Holding> rows{holding(eth_on(1), units("1", 18))};
    // 1500 / 1.05.
    EXPECT_TRUE(grant(rows, borrow(usdc_on(10), units("1428.571428", 6))));
    expect_refused(grant(rows, borrow(usdc_on(10), units("1428.571429", 6))), "below zero");
    expect_refused(grant(rows, borrow(btc(), Amount{1})), "btc cannot be borrowed");
    expect_refused(
        grant(rows, borrow(AssetId::native(ChainId::evm(99)), Amount{1})),
        "the parameters do not name the asset"
    );
}

TEST(CheckGrant, AnUnusablePriceOfAnythingHeldRefuses) {
    PriceTable prices = sample_prices();
    prices[btc()].verdict = PriceVerdict::kStale;
    const AccountHoldings holdings =
        holdings_of({holding(eth_on(1), units("1", 18)), holding(btc(), Amount{1})});
    expect_refused(
        check_grant(holdings, withdrawal(eth_on(1), Amount{1}), prices, sample_parameters()),
        "price too old"
    );
}

TEST(CheckGrant, ASumBeyondTheRangeIsAnError) {
    const std::vector<Holding> rows{holding(dai(), Amount{}, Amount::max())};
    EXPECT_EQ(grant(rows, borrow(dai(), Amount{1})).error().code, Errc::kOverflow);
}

TEST(WorstOf, WhatLiesOutsideIsComparedApartFromWhatTheVaultHolds) {
    // Ten left the vault for a watched contract; neither place has them finally.
    const auto out = worst(
        {with_mapped(holding(dai(), Amount{10}, Amount{3}), Amount{0}, Amount{4})},
        {with_mapped(holding(dai(), Amount{0}, Amount{5}), Amount{10}, Amount{1})}
    );
    ASSERT_TRUE(out);
    const Holding& row = out.value().holdings.at(0);
    EXPECT_EQ(row.collateral, Amount{0});
    EXPECT_EQ(row.mapped, Amount{0});
    EXPECT_EQ(row.debt, Amount{9});
    EXPECT_EQ(row.mapped_debt, Amount{4});
}

TEST(WorstOf, AHoldIsTakenFromTheVaultsPartAlone) {
    const Holding row = with_mapped(holding(dai(), Amount{6}), Amount{100});
    const auto out = worst({row}, {row}, {withdrawal(dai(), Amount{10})});
    ASSERT_TRUE(out);
    EXPECT_EQ(out.value().holdings.at(0).collateral, Amount{100});
    EXPECT_EQ(out.value().holdings.at(0).mapped, Amount{100});
    EXPECT_EQ(out.value().holdings.at(0).debt, Amount{4});
}

TEST(Grant, AWithdrawalIsBoundedByWhatTheVaultHolds) {
    const std::vector<Holding> rows{with_mapped(holding(dai(), Amount{6}), Amount{100})};
    EXPECT_TRUE(grant(rows, withdrawal(dai(), Amount{6})));
    expect_refused(grant(rows, withdrawal(dai(), Amount{7})), "only 6 are free");
}

TEST(Grant, WhatLiesOutsideCountsForTheHealthOfABorrow) {
    const Promise asked = borrow(dai(), units("100", 18));
    expect_refused(grant({}, asked), "initial health");
    EXPECT_TRUE(grant({with_mapped(holding(eth_on(1), Amount{}), units("1", 18))}, asked));
    // And what is owed outside counts against it.
    expect_refused(
        grant(
            {with_mapped(holding(eth_on(1), Amount{}), units("1", 18)),
             with_mapped(holding(dai(), Amount{}), Amount{}, units("1500", 18))},
            asked
        ),
        "initial health"
    );
}

}  // namespace
}  // namespace margrave::margin::tests
