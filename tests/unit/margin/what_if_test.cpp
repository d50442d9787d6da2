// SPDX-License-Identifier: Apache-2.0
#include "margin/what_if.hpp"

#include "margin/numeric.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

// 2 ether against 2500 USD, on one chain: initial 500, liquidation-end 625, maintenance 875.
AccountHoldings borrower() {
    return holdings_of(
        {holding(eth_on(1), units("2", 18)), holding(usdc_on(1), Amount{}, units("2500", 6))}
    );
}

WhatIfQuestion question(const AccountHoldings& holdings) {
    WhatIfQuestion out;
    out.firm = holdings;
    out.worst = holdings;
    out.prices = sample_prices();
    return out;
}

WhatIf answer(
    const AccountHoldings& holdings,
    const std::vector<Move>& moves,
    const std::vector<PriceMove>& prices = {}
) {
    WhatIfQuestion asked = question(holdings);
    asked.moves = moves;
    asked.price_moves = prices;
    auto out = what_if(asked, sample_parameters());
    EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().detail);
    return std::move(out).value();
}

const Room& room_of(const WhatIf& what, const AssetId& asset) {
    return *std::ranges::find(what.rooms, asset, &Room::asset);
}

bool is_granted(
    const AccountHoldings& holdings, const AssetId& asset, const Amount& amount, bool out
) {
    return check_grant(holdings, {asset, amount, out}, sample_prices(), sample_parameters())
        .has_value();
}

TEST(Moves, RepaymentBeyondTheDebtBecomesCollateral) {
    const auto after =
        apply(borrower(), Move{MoveKind::kRepay, usdc_on(1), units("2600", 6)}).value();
    ASSERT_EQ(after.holdings.size(), 2U);
    const Holding& row = after.holdings.front();
    ASSERT_EQ(row.asset, usdc_on(1));
    EXPECT_EQ(row.debt, Amount{});
    EXPECT_EQ(row.collateral, units("100", 6));
}

TEST(Moves, WithdrawalOfAllLeavesNoRow) {
    const auto after =
        apply(borrower(), Move{MoveKind::kWithdraw, eth_on(1), units("2", 18)}).value();
    EXPECT_EQ(after.holdings.size(), 1U);
    const auto more = apply(borrower(), Move{MoveKind::kWithdraw, eth_on(1), units("2.1", 18)});
    ASSERT_FALSE(more.has_value());
    EXPECT_NE(more.error().detail.find("only 2000000000000000000 are free"), std::string::npos);
    EXPECT_FALSE(apply(borrower(), Move{MoveKind::kDeposit, eth_on(1), Amount{}}).has_value());
}

TEST(Moves, LegIsExecutedAsTheFixtureDoes) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        const Portfolio p = random_portfolio(seed);
        const auto plan = plan_liquidation(p.holdings, p.prices, p.parameters);
        if (!plan) {
            continue;
        }
        AccountHoldings mine = p.holdings;
        for (const PlannedLeg& leg : plan.value().legs) {
            mine = apply(std::move(mine), leg).value();
        }
        const auto health = [&p](const AccountHoldings& h) {
            return evaluate_state(h, p.prices, p.parameters, true, false).liquidation_end;
        };
        EXPECT_EQ(health(mine), health(executed(p.holdings, plan.value()))) << seed;
    }
}

TEST(Moves, PriceMovesOfANameMoveEveryFormAndOfAFormOnlyThat) {
    const Parameters parameters = sample_parameters();
    const auto all = apply(sample_prices(), parameters, PriceMove{"eth", true, usd("0.7")}).value();
    EXPECT_EQ(all.at(eth_on(1)).price, usd("1400"));
    EXPECT_EQ(all.at(eth_on(137)).price, usd("1400"));
    const auto one =
        apply(sample_prices(), parameters, PriceMove{eth_on(137).text(), false, usd("5")}).value();
    EXPECT_EQ(one.at(eth_on(1)).price, usd("2000"));
    EXPECT_EQ(one.at(eth_on(137)).price, usd("5"));
    EXPECT_EQ(
        apply(sample_prices(), parameters, PriceMove{"etc", true, usd("1")}).error().code,
        Errc::kNotFound
    );
    EXPECT_EQ(
        apply(sample_prices(), parameters, PriceMove{"eth", true, usd("0")}).error().code,
        Errc::kInvalid
    );
    const auto stale = make_stale(sample_prices(), parameters, "usdc").value();
    EXPECT_EQ(stale.at(usdc_on(10)).verdict, PriceVerdict::kStale);
}

TEST(WhatIf, NothingChangesNothing) {
    const WhatIf out = answer(borrower(), {});
    EXPECT_EQ(out.before.state, out.after.state);
    EXPECT_EQ(out.after.state.initial, usd("375"));
    EXPECT_TRUE(out.plan.legs.empty());
    EXPECT_TRUE(out.no_room.empty());
}

TEST(WhatIf, MovesAndPricesCountTogether) {
    const WhatIf out = answer(
        borrower(),
        {{MoveKind::kDeposit, eth_on(10), units("1", 18)},
         {MoveKind::kBorrow, usdc_on(10), units("100", 6)}},
        {{"eth", true, usd("0.5")}}
    );
    EXPECT_EQ(out.before.state.equity, usd("1500"));
    // 3 x 1000 - 2600.
    EXPECT_EQ(out.after.state.equity, usd("400"));
    EXPECT_EQ(out.after.state.status, Status::kLiquidatable);
    ASSERT_EQ(out.refusals.size(), 2U);
    EXPECT_FALSE(out.refusals[0].has_value());
    EXPECT_NE(out.refusals[1]->find("below zero"), std::string::npos);
    EXPECT_EQ(out.rooms.size(), 0U);
    EXPECT_NE(out.no_room.find("initial health is -"), std::string::npos);
}

TEST(WhatIf, LiquidationIsThePlannersAndHeals) {
    const WhatIf out = answer(borrower(), {}, {{"eth", false, usd("1450")}});
    ASSERT_EQ(out.after.state.status, Status::kLiquidatable);
    ASSERT_FALSE(out.plan.legs.empty());
    EXPECT_EQ(out.plan.legs.front().asset, eth_on(1));
    EXPECT_GT(out.liquidated.liquidation_end, out.after.state.liquidation_end);
    EXPECT_EQ(out.liquidated.liquidation_end, out.plan.health_after);
}

TEST(WhatIf, RoomIsExactToTheUnit) {
    const WhatIf out = answer(borrower(), {});
    const Amount most = room_of(out, eth_on(1)).withdrawable;
    ASSERT_FALSE(most.is_zero());
    EXPECT_TRUE(is_granted(borrower(), eth_on(1), most, true));
    EXPECT_FALSE(is_granted(borrower(), eth_on(1), add(most, Amount(1)).value(), true));
    // 375 of initial health at a weight of 1.05.
    EXPECT_EQ(room_of(out, usdc_on(10)).borrowable, units("357.142857", 6));
    EXPECT_TRUE(room_of(out, btc()).withdrawable.is_zero());
    EXPECT_TRUE(room_of(out, btc()).borrowable.is_zero());
}

TEST(WhatIf, WithoutDebtEverythingFreeMayLeave) {
    Holding row = holding(eth_on(1), units("2", 18));
    row.in_sale = units("0.5", 18);
    const WhatIf out = answer(holdings_of({row}), {});
    EXPECT_EQ(room_of(out, eth_on(1)).withdrawable, units("1.5", 18));
}

TEST(WhatIf, RandomRoomsAreEdges) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        const Portfolio p = random_portfolio(seed);
        for (const AssetParameters& asset : p.parameters.assets) {
            for (const bool takes : {true, false}) {
                const AssetId& form = asset.on.front().asset;
                const Amount most = largest_grant(p.holdings, form, takes, p.prices, p.parameters);
                const auto grants = [&](const Amount& amount) {
                    return check_grant(p.holdings, {form, amount, takes}, p.prices, p.parameters)
                        .has_value();
                };
                EXPECT_TRUE(most.is_zero() || grants(most)) << seed;
                EXPECT_FALSE(grants(add(most, Amount(1)).value())) << seed;
            }
        }
    }
}

TEST(WhatIf, DeadChainLetsNothingLeave) {
    WhatIfQuestion asked = question(borrower());
    asked.dead.chains.insert(ChainId::evm(1));
    const std::vector<Move> moves{{MoveKind::kWithdraw, eth_on(1), Amount(1)}};
    asked.moves = moves;
    const WhatIf out = what_if(asked, sample_parameters()).value();
    EXPECT_EQ(out.after.state.status, Status::kUnattestable);
    EXPECT_EQ(*out.refusals[0], "chain without a recent final block");
    EXPECT_EQ(out.no_room, "chain without a recent final block");
}

TEST(WhatIf, LatchHoldsFromBeforeToAfter) {
    WhatIfQuestion asked = question(borrower());
    asked.prices = prices_of(sample_parameters(), {{"eth", usd("1450")}, {"usdc", usd("1")}});
    // Above maintenance but below liquidation-end: only a latched account is still liquidatable.
    const std::vector<PriceMove> prices{{"eth", false, usd("1500")}};
    asked.price_moves = prices;
    EXPECT_EQ(
        what_if(asked, sample_parameters()).value().after.state.status, Status::kLiquidatable
    );
    asked.prices = sample_prices();
    EXPECT_EQ(what_if(asked, sample_parameters()).value().after.state.status, Status::kMarginCall);
}

// A swap, then what could leave.
WhatIf swapped(std::string_view ether, std::string_view dollars) {
    const auto moves = moves_of({eth_on(1), units(ether, 18), usdc_on(1), units(dollars, 6)});
    return answer(borrower(), {moves.begin(), moves.end()});
}

TEST(WhatIf, SwapIsJudgedBeforeWhatItBringsIsThere) {
    const WhatIf small = swapped("0.2", "400");
    ASSERT_EQ(small.refusals.size(), 2U);
    EXPECT_FALSE(small.refusals[0].has_value()) << *small.refusals[0];
    EXPECT_FALSE(small.refusals[1].has_value());
    // 1.8 x 2000 x 0.75 - 2100 x 1.05.
    EXPECT_EQ(small.after.state.initial, usd("495"));
    EXPECT_EQ(small.after.state.equity, small.before.state.equity);
    const WhatIf large = swapped("2", "4000");
    ASSERT_TRUE(large.refusals[0].has_value());
    EXPECT_NE(large.refusals[0]->find("below zero"), std::string::npos);
    EXPECT_FALSE(large.refusals[1].has_value());
    EXPECT_EQ(large.after.state.equity, usd("1500"));
    EXPECT_EQ(large.after.state.status, Status::kHealthy);
}

WhatIf traded(
    const AccountHoldings& holdings,
    const std::vector<PositionTrade>& trades,
    const std::vector<PriceMove>& prices = {}
) {
    WhatIfQuestion asked = question(holdings);
    asked.prices = venue_prices();
    asked.trades = trades;
    asked.price_moves = prices;
    auto out = what_if(asked, venue_parameters());
    EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().detail);
    return std::move(out).value();
}

PositionTrade perp_trade(std::string_view size, std::string_view price) {
    return {market_named(venue_parameters(), "eth-perp"), usd(size), usd(price)};
}

VenuePosition perp(std::string_view size, std::string_view entry) {
    return position(venue_parameters(), "eth-perp", usd(size), usd(entry));
}

const Amount kDollars = units("10000", 6);

TEST(WhatIf, PositionIsRequiredForAtTheMovedPrice) {
    const WhatIf out =
        traded(trader(kDollars, {}), {perp_trade("10", "2000")}, {{"eth", false, usd("1900")}});
    EXPECT_EQ(out.after.holdings.positions, std::vector{perp("10", "2000")});
    EXPECT_EQ(out.settled, std::vector{Money{}});
    EXPECT_EQ(out.after.state.equity, usd("9000"));
    // A tenth of 19000 and the loss.
    EXPECT_EQ(out.after.state.initial, out.before.state.initial - usd("2900"));
    EXPECT_NE(out.after.state.flags & flags::kHasDebt, 0U);
}

TEST(WhatIf, LossOfAClosedPositionIsOwed) {
    const AccountHoldings holdings = trader(kDollars, {perp("10", "2100")});
    const WhatIf half = traded(holdings, {perp_trade("-5", "2000")});
    EXPECT_EQ(half.settled, std::vector{usd("-500")});
    EXPECT_EQ(half.after.state.equity, half.before.state.equity);
    EXPECT_EQ(half.after.state.initial, half.before.state.initial + usd("1000"));
    const WhatIf all = traded(holdings, {perp_trade("-5", "2000"), perp_trade("-5", "1990")});
    EXPECT_TRUE(all.after.holdings.positions.empty());
    EXPECT_EQ(all.settled, (std::vector{usd("-500"), usd("-550")}));
    EXPECT_EQ(all.after.state.equity, usd("8950"));
    const Money free =
        evaluate_state(trader(kDollars, {}), venue_prices(), venue_parameters(), false, false)
            .initial;
    EXPECT_EQ(all.after.state.initial, free - usd("1050"));
    EXPECT_EQ(all.rooms.size(), traded(holdings, {}).rooms.size());
    EXPECT_LT(
        room_of(all, usdc_on(1)).withdrawable,
        room_of(traded(trader(kDollars, {}), {}), usdc_on(1)).withdrawable
    );
}

TEST(WhatIf, ProfitOfAClosedPositionCountsOnceItIsDeposited) {
    const WhatIf out = traded(trader(kDollars, {perp("10", "1900")}), {perp_trade("-10", "2000")});
    EXPECT_EQ(out.settled, std::vector{usd("1000")});
    EXPECT_EQ(out.before.state.equity, usd("11000"));
    EXPECT_EQ(out.after.state.equity, usd("10000"));
}

TEST(WhatIf, LossBeyondAllThereIsIsBankruptAndHealsByNoSale) {
    const WhatIf out = traded(trader(kDollars, {perp("10", "2000")}), {perp_trade("-10", "900")});
    EXPECT_EQ(out.after.state.status, Status::kBankrupt);
    EXPECT_EQ(out.after.state.equity, usd("-1000"));
    EXPECT_TRUE(out.plan.legs.empty());
    EXPECT_FALSE(out.no_plan.empty());
    EXPECT_NE(out.no_room.find("initial health is -"), std::string::npos);
}

TEST(WhatIf, GrantsAreJudgedWithThePositionsThere) {
    WhatIfQuestion asked = question(trader(kDollars, {}));
    asked.prices = venue_prices();
    const std::vector<Move> moves{{MoveKind::kWithdraw, usdc_on(1), units("9000", 6)}};
    asked.moves = moves;
    EXPECT_FALSE(what_if(asked, venue_parameters()).value().refusals[0].has_value());
    const std::vector<PositionTrade> trades{perp_trade("-10", "2000")};
    asked.trades = trades;
    EXPECT_TRUE(what_if(asked, venue_parameters()).value().refusals[0].has_value());
}

TEST(WhatIf, TradeInAMarketThatNobodyKnowsIsAnError) {
    WhatIfQuestion asked = question(borrower());
    const std::vector<PositionTrade> trades{perp_trade("1", "1")};
    asked.trades = trades;
    EXPECT_EQ(what_if(asked, sample_parameters()).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace margrave::margin::tests
