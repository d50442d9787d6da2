// SPDX-License-Identifier: Apache-2.0
#include "margin/screen.hpp"

#include "margin/health.hpp"
#include "tests/unit/margin/exact.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <set>

namespace margrave::margin::tests {
namespace {

using detail::ceil_of;
using detail::floor_of;

Money units_money(Uint128 x) {
    const Big high(static_cast<std::uint64_t>(x >> 64));
    const Big low(static_cast<std::uint64_t>(x));
    return Money::parse_e18(Big((high << 64) + low).str()).value();
}

Money power_of_ten(std::uint64_t exponent) {
    Money out = Money::from_e18(1);
    for (std::uint64_t i = 0; i < exponent; ++i) {
        out = times(out, 10);
    }
    return out;
}

TEST(Screen, ReciprocalsGiveTheExactQuotients) {
    Rng rng(128);
    for (int i = 0; i < 10'000; ++i) {
        const Uint128 wide = static_cast<Uint128>(rng.next()) << 64 | rng.next();
        const Uint128 a = wide >> rng.in(128 - detail::kFactorBits, 127);
        const Money q = power_of_ten(rng.in(0, 18));
        const Money p =
            units_money((static_cast<Uint128>(rng.next()) << 64 | rng.next()) >> rng.in(44, 127)) +
            Money::from_e18(1);
        const auto down = detail::reciprocal_down(p, q, detail::kFactorBits);
        const auto up = detail::reciprocal_up(p, q, detail::kFactorBits);
        if (!down || !up) {
            continue;
        }
        const Money exact_down = mul_div(units_money(a), p, q, Rounding::kDown);
        if (!in_bounds(mul_div(exact_down, Money::from_e18(1), power_of_ten(9), Rounding::kDown))) {
            continue;
        }
        EXPECT_EQ(units_money(floor_of(a, *down)), exact_down);
        EXPECT_EQ(units_money(ceil_of(a, *up)), mul_div(units_money(a), p, q, Rounding::kUp));
    }
}

struct Decided {
    std::size_t decided{0};
    std::size_t all{0};
};

// Where the screen decides, it says what the exact engine says.
Decided compare(const std::vector<AccountHoldings>& accounts, const Market& market, bool latched) {
    AccountTable table(market);
    for (const AccountHoldings& account : accounts) {
        table.add(account, market, latched);
    }
    const Screen screen(market, table);
    Screen::Marks marks = screen.room();
    std::vector<std::uint32_t> undecided;
    screen.mark(0, accounts.size(), marks, undecided);
    const std::set<std::uint32_t> doubts(undecided.begin(), undecided.end());
    for (std::uint32_t i = 0; i < accounts.size(); ++i) {
        if (doubts.contains(i)) {
            continue;
        }
        const AccountState exact = evaluate_state(accounts[i], market, latched, false);
        EXPECT_EQ(exact.status, marks.status[i]) << i;
        EXPECT_EQ(exact.equity, money_of(marks.equity[i])) << i;
    }
    return {.decided = accounts.size() - doubts.size(), .all = accounts.size()};
}

TEST(Screen, AgreesWithTheExactEngineOnRandomPortfolios) {
    Decided sum;
    for (std::uint64_t seed = 0; seed < 1'500; ++seed) {
        const Portfolio p = random_portfolio(seed);
        const Market market(p.prices, p.parameters);
        const Decided part = compare({p.holdings}, market, seed % 3 == 0);
        sum.decided += part.decided;
        sum.all += part.all;
    }
    // These worlds have assets of 0 and 2 decimals, whose prices are too large for the columns.
    EXPECT_GT(sum.decided * 2, sum.all) << sum.decided << " of " << sum.all;
}

// Health within a few units of zero at each level, from both sides.
TEST(Screen, NeverDecidesWronglyAtZero) {
    const Parameters p = sample_parameters();
    const Market market(sample_prices(), p);
    Rng rng(7);
    for (int i = 0; i < 500; ++i) {
        const AccountHoldings base =
            holdings_of({holding(eth_on(1), Amount(rng.in(1, 1'000'000'000'000'000'000)))});
        const AccountState s = evaluate_state(base, market, false, false);
        const Money& worth =
            i % 3 == 0 ? s.initial : (i % 3 == 1 ? s.liquidation_end : s.maintenance);
        // A debt in dai that takes just this away, a unit more or less.
        const Money weight = i % 3 == 0 ? usd("1.05") : (i % 3 == 1 ? usd("1.03") : usd("1.01"));
        const Money debt = over(worth, weight, Rounding::kDown);
        std::vector<AccountHoldings> accounts;
        for (const std::int64_t step : {-2, -1, 0, 1, 2}) {
            const Money owed = max(Money::from_e18(1), debt + Money::from_e18(step));
            AccountHoldings account = base;
            account.holdings.push_back(
                holding(dai(), Amount{}, Amount::parse(owed.to_string_e18()).value())
            );
            accounts.push_back(account);
        }
        compare(accounts, market, i % 2 == 0);
    }
}

TEST(Screen, LeavesWhatItCannotValueToTheExactEngine) {
    const Parameters p = venue_parameters();
    const PriceTable prices = venue_prices();
    const Market market(prices, p);
    const AccountHoldings plain = holdings_of({holding(usdc_on(1), units("5", 6))});
    AccountHoldings trading = plain;
    trading.positions = {position(p, "eth-perp", usd("1"), usd("2000"))};
    const AccountHoldings huge = holdings_of({holding(usdc_on(1), Amount::max())});
    EXPECT_EQ(compare({plain, trading, huge}, market, false).decided, 1U);
    PriceTable stale = prices;
    stale.at(usdc_on(1)).verdict = PriceVerdict::kStale;
    EXPECT_EQ(compare({plain}, Market(stale, p), false).decided, 0U);
}

}  // namespace
}  // namespace margrave::margin::tests
