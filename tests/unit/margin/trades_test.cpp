// SPDX-License-Identifier: Apache-2.0
#include "margin/trades.hpp"

#include "margin/numeric.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

Result<Traded> trade_on(
    const std::vector<VenuePosition>& positions,
    std::string_view name,
    const Money& size,
    const Money& price
) {
    const Parameters rules = venue_parameters();
    return apply(trader(Amount{}, positions), rules, {market_named(rules, name), size, price});
}

VenuePosition perp(const Money& size, const Money& entry) {
    return position(venue_parameters(), "eth-perp", size, entry);
}

TEST(Swaps, AreAWithdrawalAndThenADeposit) {
    const auto moves = moves_of({eth_on(1), Amount(5), usdc_on(1), Amount(7)});
    EXPECT_EQ(moves[0].kind, MoveKind::kWithdraw);
    EXPECT_EQ(moves[0].asset, eth_on(1));
    EXPECT_EQ(moves[0].amount, Amount(5));
    EXPECT_EQ(moves[1].kind, MoveKind::kDeposit);
    EXPECT_EQ(moves[1].asset, usdc_on(1));
    EXPECT_EQ(moves[1].amount, Amount(7));
}

TEST(Swaps, BringWhatHealthCountsForTheSoldRoundedDown) {
    const Parameters rules = sample_parameters();
    const PriceTable prices =
        prices_of(rules, {{"eth", usd("2000")}, {"usdc", usd("0.999")}, {"dai", usd("1")}});
    const Market market(prices, rules);
    const Amount one = units("1", 18);
    // 2000 / 0.999 = 2002.002002002...
    EXPECT_EQ(proceeds_of(eth_on(1), one, usdc_on(1), market).value(), units("2002.002002", 6));
    // Bridged ether is backed by 0.9, and what is bought costs its whole price.
    EXPECT_EQ(proceeds_of(eth_on(137), one, usdc_on(137), market).value(), units("1801.801801", 6));
    EXPECT_EQ(
        proceeds_of(usdc_on(1), units("999", 6), dai(), market).value(), units("998.001", 18)
    );
    EXPECT_TRUE(proceeds_of(eth_on(1), Amount(1), usdc_on(1), market).value().is_zero());
}

TEST(Swaps, AtAStatedRateNeedNoPrice) {
    const Parameters rules = sample_parameters();
    EXPECT_EQ(
        proceeds_at(usd("2990"), eth_on(1), units("1.5", 18), usdc_on(1), rules).value(),
        units("4485", 6)
    );
    EXPECT_EQ(
        proceeds_at(usd("0.0000015"), usdc_on(1), units("1", 6), eth_on(1), rules).value(),
        units("0.0000015", 18)
    );
    EXPECT_EQ(
        proceeds_at(usd("1"), AssetId::native(ChainId::evm(99)), Amount(1), usdc_on(1), rules)
            .error()
            .code,
        Errc::kNotFound
    );
}

TEST(Swaps, AtAPriceThatMustNotBeUsedAreRefused) {
    const Parameters rules = sample_parameters();
    const PriceTable stale = make_stale(sample_prices(), rules, "usdc").value();
    const auto out = proceeds_of(eth_on(1), Amount(1), usdc_on(1), Market(stale, rules));
    ASSERT_FALSE(out.has_value());
    EXPECT_EQ(out.error().code, Errc::kUnattestable);
    EXPECT_NE(out.error().detail.find(usdc_on(1).text()), std::string::npos);
    EXPECT_NE(out.error().detail.find("price too old"), std::string::npos);
}

TEST(PositionTrades, MoreOfASideHasTheMeanBySizeRoundedAgainstTheAccount) {
    const auto exact = trade_on({perp(usd("10"), usd("3000"))}, "eth-perp", usd("5"), usd("3003"));
    ASSERT_TRUE(exact.has_value());
    EXPECT_EQ(exact.value().holdings.positions.at(0), perp(usd("15"), usd("3001")));
    EXPECT_TRUE(exact.value().settled.is_zero());
    const auto bought = trade_on({perp(usd("1"), usd("1"))}, "eth-perp", usd("2"), usd("2"));
    EXPECT_EQ(bought.value().holdings.positions.at(0), perp(usd("3"), usd("1.666666666666666667")));
    const auto sold = trade_on({perp(usd("-1"), usd("1"))}, "eth-perp", usd("-2"), usd("2"));
    EXPECT_EQ(sold.value().holdings.positions.at(0), perp(usd("-3"), usd("1.666666666666666666")));
    const auto first = trade_on({}, "eth-perp", usd("-2"), usd("1999.5"));
    EXPECT_EQ(first.value().holdings.positions.at(0), perp(usd("-2"), usd("1999.5")));
}

TEST(PositionTrades, LessOfASideKeepsTheEntryAndSettlesWhatIsClosed) {
    const auto lost = trade_on({perp(usd("10"), usd("3000"))}, "eth-perp", usd("-4"), usd("2900"));
    EXPECT_EQ(lost.value().holdings.positions.at(0), perp(usd("6"), usd("3000")));
    EXPECT_EQ(lost.value().settled, usd("-400"));
    const auto made = trade_on({perp(usd("-10"), usd("3000"))}, "eth-perp", usd("4"), usd("2900"));
    EXPECT_EQ(made.value().holdings.positions.at(0), perp(usd("-6"), usd("3000")));
    EXPECT_EQ(made.value().settled, usd("400"));
    const auto all = trade_on({perp(usd("10"), usd("3000"))}, "eth-perp", usd("-10"), usd("2900"));
    EXPECT_TRUE(all.value().holdings.positions.empty());
    EXPECT_EQ(all.value().settled, usd("-1000"));
}

TEST(PositionTrades, ThroughZeroClosesAllAndBeginsAtTheTradesPrice) {
    const auto out = trade_on({perp(usd("10"), usd("3000"))}, "eth-perp", usd("-15"), usd("3100"));
    EXPECT_EQ(out.value().holdings.positions.at(0), perp(usd("-5"), usd("3100")));
    EXPECT_EQ(out.value().settled, usd("1000"));
}

TEST(PositionTrades, OptionsSettleTheirPremium) {
    const auto bought = trade_on({}, "eth-c-100-1", usd("2"), usd("50.25"));
    EXPECT_EQ(bought.value().settled, usd("-100.5"));
    const auto written = trade_on({}, "eth-c-100-1", usd("-2"), usd("50.25"));
    EXPECT_EQ(written.value().settled, usd("100.5"));
    EXPECT_TRUE(trade_on({}, "eth-c-100-1", usd("2"), Money{}).value().settled.is_zero());
    const Money tiny = Money::from_e18(1);
    EXPECT_EQ(trade_on({}, "eth-c-100-1", tiny, usd("0.5")).value().settled, Money::from_e18(-1));
    EXPECT_TRUE(trade_on({}, "eth-c-100-1", -tiny, usd("0.5")).value().settled.is_zero());
}

TEST(PositionTrades, WhatCannotBeIsRefused) {
    EXPECT_EQ(
        apply(trader(Amount{}, {}), venue_parameters(), {Hash32{}, usd("1"), usd("1")})
            .error()
            .code,
        Errc::kNotFound
    );
    EXPECT_EQ(trade_on({}, "eth-perp", Money{}, usd("1")).error().code, Errc::kInvalid);
    EXPECT_EQ(trade_on({}, "eth-perp", usd("1"), Money{}).error().code, Errc::kInvalid);
    EXPECT_EQ(trade_on({}, "eth-perp", usd("1"), usd("-1")).error().code, Errc::kInvalid);
    EXPECT_EQ(trade_on({}, "eth-c-100-1", usd("1"), usd("-1")).error().code, Errc::kInvalid);
    const Money most = Money::from_rep((Money::Rep(1) << 96) - 1).value();
    EXPECT_TRUE(trade_on({}, "eth-perp", most, usd("1")).has_value());
    EXPECT_EQ(
        trade_on({perp(most, usd("1"))}, "eth-perp", Money::from_e18(1), usd("1")).error().code,
        Errc::kOverflow
    );
    EXPECT_EQ(
        trade_on({}, "eth-perp", usd("1"), most + Money::from_e18(1)).error().code, Errc::kOverflow
    );
}

// In units of 1e-36, so that nothing rounds.
Money::Rep worth(const Money& size, const Money& price, const Money& entry) {
    return size.rep() * (price.rep() - entry.rep());
}

TEST(PositionTrades, MakeAndLoseNothingButTheRoundingAgainstTheAccount) {
    Rng rng(7);
    const auto money = [&rng](std::uint64_t most) {
        return times(Money::from_e18(1'000'003), rng.in(1, most * 1'000'000'000));
    };
    for (int i = 0; i < 500; ++i) {
        const Money size = rng.chance(50) ? money(1'000) : -money(1'000);
        const Money more = rng.chance(50) ? money(1'000) : -money(1'000);
        const Money entry = money(5'000);
        const Money price = money(5'000);
        const Money mark = money(5'000);
        const auto out = trade_on({perp(size, entry)}, "eth-perp", more, price);
        ASSERT_TRUE(out.has_value());
        const auto& left = out.value().holdings.positions;
        const Money::Rep before = worth(size, mark, entry) + worth(more, mark, price);
        Money::Rep after = out.value().settled.rep() * Money::whole(1).rep();
        if (!left.empty()) {
            after += worth(left[0].size, mark, left[0].entry_price);
        }
        const Money::Rep lost = before - after;
        EXPECT_GE(lost, 0) << i;
        EXPECT_LT(lost, abs(size + more).rep() + Money::whole(1).rep()) << i;
    }
}

}  // namespace
}  // namespace margrave::margin::tests
