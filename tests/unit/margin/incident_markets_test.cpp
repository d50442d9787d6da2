// SPDX-License-Identifier: Apache-2.0
#include "margin/bad_debt.hpp"
#include "margin/liquidation.hpp"
#include "margin/what_if.hpp"
#include "oracle/slow.hpp"
#include "tests/unit/margin/incident_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

// Losses that began on a derivatives market, with the published figures, each once with the guard
// that catches it and once without (docs/margin.md section 10).
namespace margrave::margin::tests {
namespace {

constexpr std::string_view kTenfold =
    R"({"initial": "0.1", "liquidation_end": "0.08", "maintenance": "0.05"})";

// A venue that counts every profit as if it were paid.
void count_all_profits(Parameters& rules) {
    for (VenueParameters& venue : rules.venues) {
        venue.profit_weight = usd("1");
        venue.profit_cap = usd("10000000000");
    }
}

// 22:00 UTC, 11 October 2022: two accounts with 5 million USD each trade 483 million MNGO-PERP with
// each other at 0.0382 USD. Thin spot markets go to 0.91, and the long account's profit is
// collateral for all that Mango has.
class IncidentMango : public testing::Test {
  protected:
    IncidentMango()
        : rules_(
              settings_of({asset_of("mngo", 6), dollar()}, market_of("mngo", kTenfold)).parameters
          ) {}

    [[nodiscard]] AccountHoldings buyer() const {
        AccountHoldings out = owner(1, {holding(usdc(), units("5000000", 6))});
        out.positions = {long_of(rules_, "mngo", usd("483000000"), usd("0.0382"))};
        return out;
    }

    [[nodiscard]] AccountHoldings seller() const {
        AccountHoldings out = owner(2, {holding(usdc(), units("5000000", 6))});
        out.positions = {long_of(rules_, "mngo", usd("-483000000"), usd("0.0382"))};
        return out;
    }

    [[nodiscard]] AssetId usdc() const { return form_of(rules_, "usdc"); }

    [[nodiscard]] PriceTable at(std::string_view price) const {
        return prices_of(rules_, {{"mngo", usd(price)}, {"usdc", usd("1")}});
    }

    // What the buyer is left with once he has taken all he may have at the top, and it is over.
    [[nodiscard]] Money left_behind() const {
        AccountHoldings account = buyer();
        const Parameters rules = in_force(rules_, at("0.91"), round_of({buyer(), seller()}));
        take_all(account, usdc(), at("0.91"), rules);
        return judged(account, at("0.0382"), rules_).equity;
    }

    Parameters rules_;
};

TEST_F(IncidentMango, October2022AProfitOnPaperPaysForNothingByDefault) {
    EXPECT_EQ(rules_.venues[0].profit_cap, usd("100"));
    AccountHoldings account = buyer();
    EXPECT_TRUE(take_all(account, usdc(), at("0.91"), rules_).is_zero());
    EXPECT_EQ(left_behind(), usd("5000000"));

    count_all_profits(rules_);
    // All there was to take, about 116 million USD, and more.
    const Promise all{.asset = usdc(), .amount = units("116000000", 6), .from_collateral = false};
    EXPECT_TRUE(check_grant(buyer(), all, at("0.91"), rules_).has_value());
    AccountHoldings gone = buyer();
    gone.holdings[0].debt = all.amount;
    EXPECT_EQ(judged(gone, at("0.0382"), rules_).status, Status::kBankrupt);
    EXPECT_EQ(judged(gone, at("0.0382"), rules_).equity, usd("-111000000"));
}

TEST_F(IncidentMango, October2022OpenInterestAloneLeavesNothingToTake) {
    count_all_profits(rules_);
    EXPECT_LT(left_behind(), usd("-300000000"));
    // A day's volume of the spot markets was a few hundred thousand USD.
    rules_.venues[0].perpetuals[0].open_interest = {usd("1000000"), usd("10000000")};
    EXPECT_EQ(left_behind(), usd("5000000"));
}

// The same with the token itself as collateral, bought before.
TEST_F(IncidentMango, October2022ATokenCountsAtItsSlowPriceAndByTheSizeOfItsPool) {
    const AssetId mngo = form_of(rules_, "mngo");
    const AccountHoldings holder = owner(1, {holding(mngo, units("483000000", 6))});
    const auto loan = [&](const Parameters& rules) {
        AccountHoldings account = holder;
        return worth(take_all(account, usdc(), at("0.91"), rules), 6, usd("1"));
    };
    EXPECT_GT(loan(rules_), usd("330000000"));

    // Half an hour from 0.038 to 0.91, a step a minute, under the usual six percent an hour.
    oracle::SlowSettings usual;
    usual.max_per_hour = usd("0.06");
    usual.max_from_delayed = usd("0.5");
    oracle::SlowState slow = oracle::begin_slow(usd("0.038"), UnixSeconds{1'665'525'600});
    Money price = usd("0.038");
    for (unsigned minute = 1; minute <= 30; ++minute) {
        price = min(times(price, usd("1.112"), Rounding::kDown), usd("0.91"));
        slow = oracle::advance_slow(usual, slow, price, UnixSeconds{slow.at.value + 60});
    }
    EXPECT_GT(price, usd("0.9"));
    EXPECT_LT(slow.price, usd("0.0393"));
    Parameters by_slow = rules_;
    asset_in(by_slow, "mngo").initial_price.slow = true;
    RoundFacts facts = round_of({holder});
    facts.slow_prices[mngo] = slow.price;
    EXPECT_LT(loan(in_force(by_slow, at("0.91"), facts)), usd("14400000"));

    Parameters by_pool = rules_;
    asset_in(by_pool, "mngo").scale.deposits_from = usd("1000000");
    // Of the whole pool so much counts as of a million: 0.8 / 1.06 of it.
    EXPECT_LT(loan(in_force(by_pool, at("0.91"), round_of({holder}))), usd("754717"));
}

// November 2023: YFI goes from 5,400 to 14,400 USD in a week. Over a hundred wallets hold it long
// at the most leverage there is; what they gain each day becomes the margin of new ones, until 67
// million are open. Then it falls by 30 percent in an hour, and by 43 in five. The insurance fund
// paid 9 million.
class IncidentDydx : public testing::Test {
  protected:
    static constexpr std::string_view kFivefold =
        R"({"initial": "0.2", "liquidation_end": "0.15", "maintenance": "0.1"})";
    static constexpr std::uint64_t kWalletsADay = 14;
    static constexpr unsigned kDays = 7;

    struct Outcome {
        Money open_at_top;
        std::size_t wallets{0};
        Money bad_debt_after_an_hour;
        Money bad_debt_after_five;
    };

    [[nodiscard]] static Parameters rules_with(std::string_view guards) {
        return settings_of({dollar(), asset_of("yfi", 18)}, market_of("yfi", kFivefold, guards))
            .parameters;
    }

    [[nodiscard]] static PriceTable at(const Parameters& rules, const Money& price) {
        return prices_of(rules, {{"yfi", price}, {"usdc", usd("1")}});
    }

    // A new wallet takes the largest position for which the venue sees initial health.
    static void open_wallet(
        std::vector<AccountHoldings>& wallets,
        const Amount& margin,
        const Parameters& rules,
        const Money& price
    ) {
        const AccountHoldings empty =
            owner(wallets.size() + 1, {holding(form_of(rules, "usdc"), margin)});
        const RoundFacts before = round_of(wallets);
        const PriceTable prices = at(rules, price);
        const auto with = [&](const Money& size) {
            AccountHoldings out = empty;
            out.positions = {long_of(rules, "yfi", size, price)};
            return out;
        };
        Money low;
        Money high = usd("1000");
        while (high - low > usd("0.01")) {
            const Money middle =
                mul_div(low + high, Money::from_e18(1), Money::from_e18(2), Rounding::kDown);
            RoundFacts facts = before;
            facts.totals.add(with(middle));
            const Parameters now = in_force(rules, prices, facts);
            (judged(with(middle), prices, now).initial.is_negative() ? high : low) = middle;
        }
        if (!low.is_zero()) {
            wallets.push_back(with(low));
        }
    }

    static void open_wallets(
        std::vector<AccountHoldings>& wallets,
        const Amount& capital,
        const Parameters& rules,
        const Money& price
    ) {
        const Amount part =
            units_for(worth(capital, 6, usd("1")), 6, Money::whole(kWalletsADay), Round::kDown)
                .value();
        for (std::uint64_t i = 0; i < kWalletsADay && !part.is_zero(); ++i) {
            open_wallet(wallets, part, rules, price);
        }
    }

    [[nodiscard]] static Outcome campaign(const Parameters& rules) {
        std::vector<AccountHoldings> wallets;
        Money price = usd("5400");
        open_wallets(wallets, units("270000", 6), rules, price);
        for (unsigned day = 0; day < kDays; ++day) {
            price = times(price, usd("1.15"), Rounding::kDown);
            const PriceTable prices = at(rules, price);
            const Parameters now = in_force(rules, prices, round_of(wallets));
            Amount taken;
            for (AccountHoldings& wallet : wallets) {
                const Amount gain = take_all(wallet, form_of(rules, "usdc"), prices, now);
                taken = add(taken, gain).value();
            }
            open_wallets(wallets, taken, rules, price);
        }
        Outcome out;
        out.wallets = wallets.size();
        for (const AccountHoldings& wallet : wallets) {
            out.open_at_top += times(wallet.positions[0].size, price, Rounding::kDown);
        }
        const auto fallen = [&](std::string_view to) {
            return at(rules, times(price, usd(to), Rounding::kDown));
        };
        out.bad_debt_after_an_hour = shortfall(wallets, fallen("0.7"), rules);
        out.bad_debt_after_five = shortfall(wallets, fallen("0.57"), rules);
        return out;
    }
};

TEST_F(IncidentDydx, November2023ProfitsThatAreNotPaidOpenNoMorePositions) {
    Parameters rules = rules_with("{}");
    EXPECT_EQ(rules.venues[0].profit_cap, usd("100"));
    const Outcome capped = campaign(rules);
    // The first wallets only: 2.66 times the 1.26 million they began with.
    EXPECT_EQ(capped.wallets, kWalletsADay);
    EXPECT_LT(capped.open_at_top, usd("3500000"));
    EXPECT_TRUE(capped.bad_debt_after_an_hour.is_zero());
    EXPECT_TRUE(capped.bad_debt_after_five.is_zero());

    count_all_profits(rules);
    const Outcome recycled = campaign(rules);
    EXPECT_GT(recycled.wallets, 100U);
    EXPECT_GT(recycled.open_at_top, usd("50000000"));
    EXPECT_LT(recycled.open_at_top, usd("80000000"));
    EXPECT_GT(recycled.bad_debt_after_an_hour, usd("4000000"));
    EXPECT_GT(recycled.bad_debt_after_five, usd("9000000"));
}

TEST_F(IncidentDydx, November2023OpenInterestAloneBoundsAllWalletsTogether) {
    Parameters rules = rules_with(R"({"open_interest": {"lower": "1000000", "upper": "5000000"}})");
    count_all_profits(rules);
    const Outcome bounded = campaign(rules);
    EXPECT_LT(bounded.open_at_top, usd("7000000"));
    EXPECT_LT(bounded.bad_debt_after_an_hour, usd("100000"));
}

// 12 March 2025, 50 times leverage: 15.23 million USDC, 175,179 ETH long at 1,884.4. With 8 million
// of profit 14,945 ETH are closed, and 17 million leave. What was left, 160,234 ETH, was liquidated
// at 1,915 whole, and sold off for 4 million less than that left.
class IncidentHyperliquidEth : public testing::Test {
  protected:
    static constexpr std::string_view kFiftyfold =
        R"({"initial": "0.02", "liquidation_end": "0.015", "maintenance": "0.01"})";

    [[nodiscard]] static Parameters rules_with(std::string_view guards) {
        return settings_of({asset_of("eth", 18), dollar()}, market_of("eth", kFiftyfold, guards))
            .parameters;
    }

    // What the closed part earned, 0.68 million, is in the entry price.
    [[nodiscard]] static AccountHoldings whale(const Parameters& rules) {
        AccountHoldings out = owner(1, {holding(form_of(rules, "usdc"), units("15230000", 6))});
        out.positions = {long_of(rules, "eth", usd("160234"), usd("1880.15"))};
        return out;
    }

    [[nodiscard]] static PriceTable at(const Parameters& rules, std::string_view price) {
        return prices_of(rules, {{"eth", usd(price)}, {"usdc", usd("1")}});
    }

    struct Outcome {
        Money taken;
        // Once it is all sold, 2.5 percent below where the liquidation began.
        Money left;
    };

    [[nodiscard]] static Outcome outcome(const Parameters& rules) {
        AccountHoldings account = whale(rules);
        const PriceTable top = at(rules, "1930");
        const Parameters now = in_force(rules, top, round_of({account}));
        Outcome out;
        out.taken = worth(take_all(account, form_of(rules, "usdc"), top, now), 6, usd("1"));
        out.left = judged(account, at(rules, "1867"), rules).equity;
        return out;
    }
};

TEST_F(IncidentHyperliquidEth, March2025WhatIsTakenFromAPositionIsBoundedByItsSize) {
    Parameters rules = rules_with("{}");
    // By default 100 USD of the 8 million pay for a withdrawal.
    const Outcome by_default = outcome(rules);
    EXPECT_LT(by_default.taken, usd("9000000"));
    EXPECT_GT(by_default.left, usd("4000000"));

    count_all_profits(rules);
    const Outcome emptied = outcome(rules);
    EXPECT_GT(emptied.taken, usd("16500000"));
    EXPECT_LT(emptied.left, usd("-3500000"));
    EXPECT_GT(emptied.left, usd("-4500000"));

    rules.venues[0].perpetuals[0].open_interest = {usd("50000000"), usd("500000000")};
    const Outcome scaled = outcome(rules);
    EXPECT_TRUE(scaled.taken.is_zero());
    EXPECT_GT(scaled.left, usd("13000000"));
}

// The same size as a loan: what a market cannot take in a window is not sold in it.
TEST_F(IncidentHyperliquidEth, March2025ALiquidationSellsNoMoreThanItsMarketTakes) {
    Parameters rules = rules_with("{}");
    const AccountHoldings borrower = owner(
        1,
        {holding(form_of(rules, "eth"), units("160234", 18)),
         holding(form_of(rules, "usdc"), Amount{}, units("253000000", 6))}
    );
    const PriceTable prices = at(rules, "1915");
    const auto sold = [&](PlanEnd end) {
        const Market market(prices, rules);
        PlanLimits limits;
        limits.capacity = capacity_left({}, market, UnixSeconds{1'741'780'800}).value();
        const LiquidationPlan plan = plan_liquidation(borrower, market, limits).value();
        EXPECT_EQ(plan.end, end) << describe(plan.end);
        return plan.legs.at(0).seized_value;
    };
    EXPECT_GT(sold(PlanEnd::kTarget), usd("75000000"));
    asset_in(rules, "eth").market_capacity = usd("10000000");
    asset_in(rules, "eth").market_window_s = 600;
    EXPECT_LE(sold(PlanEnd::kMarket), usd("10000000"));
}

// 26 March 2025: one person is short 4.1 million USD of JELLY at 0.0095 and long as much on two
// other accounts. He takes the margin of the short away, buys the token up to 0.0395 on thin
// markets, and leaves the short, 12 million under water, to the house.
class IncidentHyperliquidJelly : public testing::Test {
  protected:
    static constexpr std::string_view kThreefold =
        R"({"initial": "0.3334", "liquidation_end": "0.25", "maintenance": "0.1667"})";

    IncidentHyperliquidJelly()
        : rules_(settings_of({dollar(), asset_of("jelly", 6)}, market_of("jelly", kThreefold))
                     .parameters),
          short_(trader_of(1, "4100000", "-430000000")),
          first_(trader_of(2, "770000", "226000000")),
          second_(trader_of(3, "690000", "204000000")) {}

    [[nodiscard]] AccountHoldings trader_of(
        std::uint64_t number, std::string_view margin, std::string_view size
    ) const {
        AccountHoldings out = owner(number, {holding(usdc(), units(margin, 6))});
        out.positions = {long_of(rules_, "jelly", usd(size), usd("0.0095"))};
        return out;
    }

    [[nodiscard]] AssetId usdc() const { return form_of(rules_, "usdc"); }

    [[nodiscard]] PriceTable at(std::string_view price) const {
        return prices_of(rules_, {{"jelly", usd(price)}, {"usdc", usd("1")}});
    }

    [[nodiscard]] Parameters now(const PriceTable& prices) const {
        return in_force(rules_, prices, round_of({short_, first_, second_}));
    }

    // What leaves the longs at the top.
    [[nodiscard]] Money taken_at_top() {
        const PriceTable top = at("0.0395");
        const Parameters rules = now(top);
        Money out;
        for (AccountHoldings* account : {&first_, &second_}) {
            out += worth(take_all(*account, usdc(), top, rules), 6, usd("1"));
        }
        return out;
    }

    Parameters rules_;
    AccountHoldings short_;
    AccountHoldings first_;
    AccountHoldings second_;
};

TEST_F(IncidentHyperliquidJelly, March2025TheMarginOfAMarketThatIsTooLargeStays) {
    const PriceTable before = at("0.0095");
    AccountHoldings emptied = short_;
    const Amount gone = take_all(emptied, usdc(), before, now(before));
    EXPECT_GT(gone, units("2600000", 6));
    const AccountState squeezed = judged(emptied, at("0.0395"), rules_);
    EXPECT_EQ(squeezed.status, Status::kBankrupt);
    EXPECT_LT(squeezed.equity, usd("-11400000"));
    EXPECT_GT(squeezed.equity, usd("-12600000"));

    rules_.venues[0].perpetuals[0].open_interest = {usd("100000"), usd("1000000")};
    AccountHoldings kept = short_;
    EXPECT_TRUE(take_all(kept, usdc(), before, now(before)).is_zero());
    // Nobody else may open what he has: it would need as much as it is worth.
    EXPECT_EQ(now(before).venues[0].perpetuals[0].fractions.initial, usd("1"));
}

TEST_F(IncidentHyperliquidJelly, March2025TheOtherSidesProfitStaysAndPaysForTheLoss) {
    // By default nothing of the 13 million that the longs show.
    EXPECT_TRUE(taken_at_top().is_zero());
    const PriceTable top = at("0.0395");
    take_all(short_, usdc(), at("0.0095"), rules_);
    const std::vector<AccountHoldings> all{short_, first_, second_};
    const DeadChains nobody;
    const Deleveraging ranked = rank_deleveraging(all, Scene{top, rules_, nobody}).value();
    ASSERT_EQ(ranked.losses.size(), 1U);
    EXPECT_GT(ranked.losses[0].loss, usd("11400000"));
    EXPECT_EQ(ranked.losses[0].covered, ranked.losses[0].loss);

    count_all_profits(rules_);
    EXPECT_GT(taken_at_top(), usd("7000000"));
}

}  // namespace
}  // namespace margrave::margin::tests
