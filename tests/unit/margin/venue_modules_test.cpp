// SPDX-License-Identifier: Apache-2.0
#include "margin/black76.hpp"
#include "margin/health.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

AccountState state_with(const Amount& usdc, std::vector<VenuePosition> positions) {
    return evaluate_state(
        trader(usdc, std::move(positions)), venue_prices(), venue_parameters(), false, false
    );
}

Amount dollars(const char* count) {
    return units(count, 6);
}

// Ten thousand dollars of usdc count in full in this world.
Money base() {
    return state_with(dollars("10000"), {}).maintenance;
}

TEST(VenueModules, PerpetualIsValuedByRatio) {
    const Parameters p = venue_parameters();
    // Long 2 from 1900 at 2000: profit 200; notional 4000.
    const AccountState s =
        state_with(dollars("10000"), {position(p, "eth-perp", usd("2"), usd("1900"))});
    const AccountState none = state_with(dollars("10000"), {});
    EXPECT_EQ(s.equity, none.equity + usd("200"));
    EXPECT_EQ(s.maintenance, none.maintenance + usd("200") - usd("200"));
    EXPECT_EQ(s.liquidation_end, none.liquidation_end + usd("200") - usd("320"));
    // Of a profit 0.8 counts initially.
    EXPECT_EQ(s.initial, none.initial + usd("160") - usd("400"));
    EXPECT_EQ(s.flags & flags::kHasDebt, flags::kHasDebt);
    EXPECT_NE(s.status, Status::kUnattestable);
}

TEST(VenueModules, LossCountsInFullAndProfitOnlyUpToTheCap) {
    const Parameters p = venue_parameters();
    const AccountState none = state_with(dollars("10000"), {});
    const AccountState loser =
        state_with(dollars("10000"), {position(p, "eth-perp", usd("-1"), usd("1000"))});
    EXPECT_EQ(loser.equity, none.equity - usd("1000"));
    EXPECT_EQ(loser.initial, none.initial - usd("1000") - usd("200"));
    const AccountState winner =
        state_with(dollars("10000"), {position(p, "eth-perp", usd("1"), usd("1000"))});
    EXPECT_EQ(winner.equity, none.equity + usd("1000"));
    EXPECT_EQ(winner.initial, none.initial + usd("500") - usd("200"));
    EXPECT_EQ(winner.liquidation_end, none.liquidation_end + usd("1000") - usd("160"));
}

TEST(VenueModules, PerpetualTurnsLiquidatableJustBelowItsMaintenance) {
    const Parameters p = venue_parameters();
    const Money spare = base();
    // Maintenance is 100 for 1 eth; the loss that leaves exactly nothing, and one unit more.
    const Money entry = usd("2000") + spare - usd("100");
    const AccountState at =
        state_with(dollars("10000"), {position(p, "eth-perp", usd("1"), entry)});
    EXPECT_TRUE(at.maintenance.is_zero());
    EXPECT_NE(at.status, Status::kLiquidatable);
    const AccountState below = state_with(
        dollars("10000"), {position(p, "eth-perp", usd("1"), entry + Money::from_e18(1))}
    );
    EXPECT_EQ(below.status, Status::kLiquidatable);
}

TEST(VenueModules, LongOptionAddsEquityButNoHealth) {
    const Parameters p = venue_parameters();
    const AccountState none = state_with(dollars("10000"), {});
    const AccountState s = state_with(dollars("10000"), {position(p, "eth-c-100-1", usd("3"))});
    EXPECT_GT(s.equity, none.equity);
    EXPECT_EQ(s.maintenance, none.maintenance);
    EXPECT_EQ(s.initial, none.initial);
}

TEST(VenueModules, SpreadNeedsNoMoreThanItCanLose) {
    const Parameters p = venue_parameters();
    const AccountState none = state_with(dollars("10000"), {});
    // Short the 1800 call, long the 2000 call: at most 200 each.
    const AccountState spread = state_with(
        dollars("10000"),
        {position(p, "eth-c-90-1", usd("-1")), position(p, "eth-c-100-1", usd("1"))}
    );
    EXPECT_EQ(spread.initial, none.initial - usd("200"));
    EXPECT_EQ(spread.maintenance, none.maintenance - usd("200"));
    // In different expiries nothing covers the short call.
    const AccountState calendar = state_with(
        dollars("10000"),
        {position(p, "eth-c-90-1", usd("-1")), position(p, "eth-c-100-2", usd("1"))}
    );
    EXPECT_LT(calendar.initial, spread.initial);
}

TEST(VenueModules, ExpiredOptionIsWorthItsIntrinsicValue) {
    const Parameters p = venue_parameters();
    PriceTable prices = venue_prices();
    for (auto& [asset, row] : prices) {
        row.published_at = UnixSeconds{kSecondExpiry + 1};
    }
    const auto state = [&](std::vector<VenuePosition> positions) {
        return evaluate_state(
            trader(dollars("10000"), std::move(positions)), prices, p, false, false
        );
    };
    const Money gain = state({position(p, "eth-c-90-1", usd("1"))}).equity - state({}).equity;
    EXPECT_LE(gain, usd("200"));
    EXPECT_GT(gain, usd("199.999999"));
}

TEST(VenueModules, GridNetsAPerpetualAgainstItsSyntheticOpposite) {
    const Parameters p = venue_parameters();
    const AccountState none = state_with(dollars("100000"), {});
    const auto needed = [&](std::vector<VenuePosition> positions) {
        const AccountState s = state_with(dollars("100000"), std::move(positions));
        return (s.equity - s.maintenance) - (none.equity - none.maintenance);
    };
    const VenuePosition perp = position(p, "btc-perp", usd("-1"), usd("50000"));
    const VenuePosition call = position(p, "btc-c-100-2", usd("1"));
    const VenuePosition put = position(p, "btc-p-100-2", usd("-1"));
    const Money alone = needed({perp});
    const Money synthetic = needed({call, put});
    const Money hedged = needed({perp, call, put});
    EXPECT_LT(hedged, alone);
    EXPECT_LT(hedged, synthetic);
    // 18 % of 50000 at 0.8, and the perpetual's contingency of 1.5 %.
    EXPECT_EQ(alone, usd("7950"));
}

AccountState short_bitcoin(const Parameters& p, const PriceTable& prices) {
    return evaluate_state(
        trader(dollars("100000"), {position(p, "btc-perp", usd("-1"), usd("50000"))}),
        prices,
        p,
        false,
        false
    );
}

// Sources that are half the price apart: the part below the threshold is asked for, initially.
TEST(VenueModules, GridAsksMoreWhereItsPriceIsUnsure) {
    const Parameters p = venue_parameters();
    PriceTable prices = venue_prices();
    const AccountState sure = short_bitcoin(p, prices);
    prices.at(btc()).confidence = usd("22500");
    EXPECT_EQ(short_bitcoin(p, prices).initial, sure.initial);
    prices.at(btc()).confidence = usd("25000");
    const AccountState unsure = short_bitcoin(p, prices);
    EXPECT_EQ(unsure.initial, sure.initial - usd("25000"));
    EXPECT_EQ(unsure.liquidation_end, sure.liquidation_end);
    EXPECT_EQ(unsure.maintenance, sure.maintenance);
}

TEST(VenueModules, GridAsksMoreWhereWhatItSettlesInIsBelowItsPeg) {
    Parameters p = venue_parameters();
    PriceTable prices = venue_prices();
    for (const std::uint64_t chain : {1U, 10U, 137U}) {
        prices.at(usdc_on(chain)).price = usd("0.95");
    }
    const AccountState dollar = short_bitcoin(p, prices);
    p.venues[0].settlement = "usdc";
    ASSERT_TRUE(check(p).empty());
    const AccountState settled = short_bitcoin(p, prices);
    // 0.03 below the threshold, twice that of the 9,000 of the worst scenario.
    EXPECT_EQ(settled.initial, dollar.initial - usd("540"));
    EXPECT_EQ(settled.maintenance, dollar.maintenance);
    prices.at(usdc_on(1)).verdict = PriceVerdict::kStale;
    EXPECT_EQ(short_bitcoin(p, prices).status, Status::kUnattestable);
    EXPECT_EQ(parse_parameters(canonical(p).dump()).value(), p);
}

TEST(VenueModules, MarketThatNoVenueNamesStaysUnattestable) {
    VenuePosition unknown;
    unknown.market.data[0] = 7;
    unknown.size = usd("1");
    const AccountState s = state_with(dollars("10000"), {unknown});
    EXPECT_EQ(s.status, Status::kUnattestable);
    EXPECT_NE(s.flags & flags::kPositionUnvalued, 0U);
}

TEST(VenueModules, UnusablePriceOfTheUnderlyingIsUnattestable) {
    const Parameters p = venue_parameters();
    PriceTable prices = venue_prices();
    for (auto& [asset, row] : prices) {
        if (p.find(asset)->name == "eth") {
            row.verdict = PriceVerdict::kStale;
        }
    }
    const AccountHoldings account =
        trader(dollars("10"), {position(p, "eth-perp", usd("1"), usd("2000"))});
    const Evaluation e = evaluate(account, prices, p, false, false);
    EXPECT_EQ(e.state.status, Status::kUnattestable);
    EXPECT_NE(e.state.flags & flags::kPriceStale, 0U);
    ASSERT_EQ(e.unvalued.size(), 1U);
    EXPECT_TRUE(e.venues.empty());
    // A position of no size needs no price.
    const AccountHoldings closed =
        trader(dollars("10"), {position(p, "eth-perp", Money{}, usd("2000"))});
    EXPECT_EQ(evaluate_state(closed, prices, p, false, false).status, Status::kHealthy);
}

TEST(VenueModules, NumbersBeyondTheBoundsAreUnattestableNotACrash) {
    const Parameters p = venue_parameters();
    const Money huge = Money::parse_e18("79228162514264337593543950336").value();
    for (const char* name : {"eth-perp", "eth-c-100-1", "btc-perp", "btc-p-90-2"}) {
        for (const Money& size : {huge, -huge}) {
            const AccountState s = state_with(dollars("10"), {position(p, name, size)});
            EXPECT_EQ(s.status, Status::kUnattestable) << name;
            EXPECT_NE(s.flags & flags::kArithmetic, 0U) << name;
        }
        const Money largest = huge - Money::from_e18(1);
        for (const Money& size : {largest, -largest}) {
            EXPECT_NE(
                state_with(dollars("10"), {position(p, name, size, largest)}).status,
                Status::kUnattestable
            ) << name;
        }
    }
}

TEST(VenueModules, EvidenceNamesEveryPositionAndItsScenarios) {
    const Parameters p = venue_parameters();
    const AccountHoldings account = trader(
        dollars("100000"),
        {position(p, "eth-perp", usd("2"), usd("1900")),
         position(p, "btc-perp", usd("-1"), usd("50000")),
         position(p, "btc-c-100-1", usd("-2"))}
    );
    const Evaluation e = evaluate(account, venue_prices(), p, false, false);
    ASSERT_EQ(e.venues.size(), 2U);
    EXPECT_EQ(e.venues[0].module, "perpetual");
    EXPECT_EQ(e.venues[0].parts[0].name, "eth-perp");
    EXPECT_EQ(e.venues[0].value, usd("200"));
    EXPECT_TRUE(e.venues[0].pnl.empty());
    EXPECT_EQ(e.venues[1].module, "scenario");
    EXPECT_EQ(e.venues[1].parts.size(), 2U);
    EXPECT_EQ(e.venues[1].pnl.size(), p.venues[0].grid.shocks.size());
    EXPECT_NE(e.evidence_text().find("\"venues\":["), std::string::npos);
    EXPECT_EQ(e.evidence().dump(), e.evidence_text());
    const Evaluation plain = evaluate(trader(dollars("1"), {}), venue_prices(), p, false, false);
    EXPECT_EQ(plain.evidence_text().find("venues"), std::string::npos);
}

}  // namespace
}  // namespace margrave::margin::tests
