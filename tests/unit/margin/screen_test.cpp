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
Decided compare(
    const AccountTable& table,
    const std::vector<AccountHoldings>& accounts,
    const Market& market,
    const std::vector<bool>& latched,
    bool lanes
) {
    Screen screen(market, table);
    screen.use_lanes(lanes);
    Screen::Marks marks = screen.room();
    std::vector<std::uint32_t> undecided;
    screen.mark(0, table.packets(), marks, undecided);
    const std::set<std::uint32_t> doubts(undecided.begin(), undecided.end());
    EXPECT_EQ(doubts.size(), undecided.size());
    for (std::uint32_t i = 0; i < accounts.size(); ++i) {
        const auto one = screen.mark_one(i);
        // Lanes decide a little nearer to zero.
        EXPECT_FALSE(one && doubts.contains(i));
        if (doubts.contains(i)) {
            continue;
        }
        const AccountState exact = evaluate_state(accounts[i], market, latched[i], false);
        EXPECT_EQ(exact.status, marks.status[i]) << i;
        EXPECT_EQ(exact.equity, money_of(marks.equity[i])) << i;
        if (one) {
            EXPECT_EQ(one->status, marks.status[i]) << i;
            EXPECT_EQ(one->equity, marks.equity[i]) << i;
        }
    }
    return {.decided = accounts.size() - doubts.size(), .all = accounts.size()};
}

// With the vector unit, where there is one, and without.
Decided compare(const std::vector<AccountHoldings>& accounts, const Market& market, bool latched) {
    AccountTable table(market);
    for (const AccountHoldings& account : accounts) {
        table.add(account, market, latched);
    }
    const std::vector<bool> all(accounts.size(), latched);
    const Decided fast = compare(table, accounts, market, all, true);
    EXPECT_GE(fast.decided, compare(table, accounts, market, all, false).decided);
    return fast;
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

// Whatever makes less count: prices and parts of the initial level, caps, correlations.
void make_less_count(Portfolio& p, Rng& rng) {
    const auto part = [&rng](std::uint64_t most) {
        return Money::from_e18(static_cast<std::int64_t>(rng.in(0, most)));
    };
    constexpr std::uint64_t kTenth = 100'000'000'000'000'000;
    for (AssetParameters& asset : p.parameters.assets) {
        const Money price = p.prices.at(asset.on[0].asset).price;
        asset.initial_price.confidence = rng.chance(30) ? Money::whole(1) : Money{};
        asset.now.aged = rng.chance(30) ? part(kTenth) : Money{};
        asset.now.slow = rng.chance(30) ? times(price, part(20 * kTenth), Rounding::kUp) : Money{};
        asset.cap =
            rng.chance(10) ? Money::whole(static_cast<std::int64_t>(rng.in(1, 200'000))) : Money{};
        for (AssetOnChain& on : asset.on) {
            p.prices.at(on.asset).confidence = times(price, part(kTenth), Rounding::kUp);
            on.uncounted = rng.chance(30) ? part(5 * kTenth) : Money{};
            on.cap = rng.chance(10) ? Money::whole(static_cast<std::int64_t>(rng.in(1, 100'000)))
                                    : Money{};
        }
    }
    if (rng.chance(20)) {
        p.parameters.risk.correlations = {
            {.name = "two",
             .assets = {p.parameters.assets[0].name, p.parameters.assets[1].name},
             .relief = part(5 * kTenth)}};
    }
}

TEST(Screen, AgreesWithTheExactEngineWhereLessCounts) {
    Decided sum;
    std::array<std::size_t, 5> statuses{};
    for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
        Portfolio p = random_portfolio(seed);
        for (AssetParameters& asset : p.parameters.assets) {
            asset.decimals = 18;
        }
        Rng rng(seed);
        make_less_count(p, rng);
        const Market market(p.prices, p.parameters);
        // The random amounts are for other decimals: dollars by the price instead.
        for (Holding& row : p.holdings.holdings) {
            const Money price = p.prices.at(row.asset).price;
            const auto worth = [&rng, &price](std::int64_t most) {
                const Money value = Money::whole(
                    static_cast<std::int64_t>(rng.in(0, static_cast<std::uint64_t>(most)))
                );
                return units_for(value, 18, price, Round::kDown).value();
            };
            row.collateral = row.collateral.is_zero() ? Amount{} : worth(100'000);
            row.debt = row.debt.is_zero() ? Amount{} : worth(60'000);
        }
        const Decided part = compare({p.holdings}, market, seed % 3 == 0);
        sum.decided += part.decided;
        sum.all += part.all;
        const AccountState exact = evaluate_state(p.holdings, market, seed % 3 == 0, false);
        ++statuses.at(static_cast<std::size_t>(exact.status));
    }
    EXPECT_GT(sum.decided * 3, sum.all) << sum.decided << " of " << sum.all;
    for (std::size_t status = 0; status < 4; ++status) {
        EXPECT_GT(statuses.at(status), 50U) << status;
    }
}

// Initial health of a form that does not count in full within a few units of zero.
TEST(Screen, NeverDecidesWronglyAtZeroWhereLessCounts) {
    Rng rng(11);
    for (int i = 0; i < 400; ++i) {
        Portfolio p{sample_parameters(), sample_prices(), {}};
        make_less_count(p, rng);
        p.parameters.risk.correlations.clear();
        for (AssetParameters& asset : p.parameters.assets) {
            asset.cap = Money{};
            for (AssetOnChain& on : asset.on) {
                on.cap = Money{};
            }
        }
        const Market market(p.prices, p.parameters);
        const Uint128 wide = static_cast<Uint128>(rng.next()) << 64 | rng.next();
        const Money owned = units_money(wide >> rng.in(50, 70));
        const AccountHoldings base = holdings_of(
            {holding(eth_on(137), Amount::parse(owned.to_string_e18()).value()),
             holding(usdc_on(1), Amount(rng.in(1, 1'000'000'000)))}
        );
        const AccountState s = evaluate_state(base, market, false, false);
        const AssetParameters& debt_asset = *p.parameters.find(dai());
        const Market::Form& form = *market.find(dai());
        const Money value = over(s.initial, debt_asset.debt.initial, Rounding::kDown);
        const Money debt = over(value, form.high, Rounding::kDown);
        std::vector<AccountHoldings> accounts;
        for (const std::int64_t step : {-9, -2, -1, 0, 1, 2, 9}) {
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

// Health within a few units of zero at each level, from both sides.
TEST(Screen, NeverDecidesWronglyAtZero) {
    Rng rng(7);
    for (int i = 0; i < 600; ++i) {
        Parameters p = sample_parameters();
        PriceTable prices = sample_prices();
        // Weights and prices with all their digits, so that products have fractions.
        const auto draw = [&rng](std::uint64_t least, std::uint64_t most) {
            return Money::from_e18(static_cast<std::int64_t>(rng.in(least, most)));
        };
        constexpr std::uint64_t kTenth = 100'000'000'000'000'000;
        for (AssetParameters& asset : p.assets) {
            asset.collateral.initial = draw(3 * kTenth, 5 * kTenth);
            asset.collateral.liquidation_end = draw(5 * kTenth, 7 * kTenth);
            asset.collateral.maintenance = draw(7 * kTenth, 9 * kTenth);
            asset.debt.initial = draw(13 * kTenth, 15 * kTenth);
            asset.debt.liquidation_end = draw(12 * kTenth, 13 * kTenth);
            asset.debt.maintenance = draw(10 * kTenth, 12 * kTenth);
            for (const AssetOnChain& on : asset.on) {
                prices[on.asset].price = asset.name == "dai" ? usd("1") : draw(kTenth, 90 * kTenth);
            }
        }
        const Market market(prices, p);
        const Uint128 wide = static_cast<Uint128>(rng.next()) << 64 | rng.next();
        const Money units = units_money(wide >> rng.in(40, 100)) + Money::from_e18(1);
        const AccountHoldings base = holdings_of(
            {holding(eth_on(1), Amount::parse(units.to_string_e18()).value()),
             holding(usdc_on(1), Amount(rng.in(1, 1'000'000'000)))}
        );
        const AccountState s = evaluate_state(base, market, false, false);
        const Weights& debts =
            std::ranges::find(p.assets, std::string("dai"), &AssetParameters::name)->debt;
        const Money& worth =
            i % 3 == 0 ? s.initial : (i % 3 == 1 ? s.liquidation_end : s.maintenance);
        const Money& weight =
            i % 3 == 0 ? debts.initial : (i % 3 == 1 ? debts.liquidation_end : debts.maintenance);
        // A debt in dai that takes just this away, a unit more or less.
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

// Amounts of every length in one packet, values up to the bound and beyond, at prices and backings
// of every length; the sides and the forms of each account at random.
TEST(Screen, LanesAgreeWithTheExactEngineOnNumbersOfEveryLength) {
    Rng rng(52);
    Decided sum;
    for (int world = 0; world < 150; ++world) {
        Parameters p = sample_parameters();
        PriceTable prices = sample_prices();
        for (AssetParameters& asset : p.assets) {
            asset.decimals = static_cast<std::uint8_t>(rng.in(0, 18));
            asset.price_min = Money::from_e18(1);
            asset.price_max = Money::whole(1'000'000'000);
            const Money price = Money::from_e18(static_cast<std::int64_t>(rng.next() >> 1U));
            const Money wide = times(price, rng.in(1, 100'000'000));
            for (AssetOnChain& on : asset.on) {
                prices[on.asset].price = world % 2 == 0 ? price : wide;
                on.backing = rng.in(0, 2) == 0 ? Money::whole(1)
                                               : Money::from_e18(static_cast<std::int64_t>(
                                                     rng.in(1, 1'000'000'000'000'000'000)
                                                 ));
            }
        }
        const Market market(prices, p);
        std::vector<AccountHoldings> accounts;
        for (int i = 0; i < 40; ++i) {
            AccountHoldings account;
            const std::uint64_t longest = rng.in(30, 127);
            for (const Market::Form& form : market.forms()) {
                const auto amount = [&] {
                    const Uint128 wide = static_cast<Uint128>(rng.next()) << 64 | rng.next();
                    return Amount::parse(units_money(wide >> rng.in(longest, 127)).to_string_e18())
                        .value();
                };
                const std::uint64_t kind = i % 5 == 0 ? rng.in(0, 3) : rng.in(0, 1);
                if (kind != 3) {
                    const Amount none;
                    account.holdings.push_back(holding(
                        form.on->asset, kind == 1 ? none : amount(), kind == 0 ? none : amount()
                    ));
                }
            }
            accounts.push_back(account);
        }
        const Decided part = compare(accounts, market, world % 3 == 0);
        sum.decided += part.decided;
        sum.all += part.all;
    }
    EXPECT_GT(sum.decided * 4, sum.all) << sum.decided << " of " << sum.all;
    EXPECT_LT(sum.decided, sum.all);
}

// Accounts that come, change shape, latch and change amounts, beside those that stay.
TEST(Screen, TableFollowsItsAccounts) {
    const Parameters p = sample_parameters();
    const Market market(sample_prices(), p);
    AccountTable table(market);
    std::vector<AccountHoldings> accounts;
    std::vector<bool> latched;
    Rng rng(3);
    for (std::uint32_t step = 0; step < 600; ++step) {
        AccountHoldings account = holdings_of({});
        for (const AssetId& asset : {eth_on(1), usdc_on(1), dai()}) {
            const std::uint64_t kind = rng.in(0, 3);
            const Amount amount(rng.in(1, 1'000'000'000'000'000'000));
            if (kind > 1) {
                account.holdings.push_back(
                    holding(asset, kind == 2 ? amount : Amount{}, kind == 3 ? amount : Amount{})
                );
            }
        }
        const bool latch = rng.in(0, 1) == 1;
        const auto number = static_cast<std::uint32_t>(rng.in(0, 60));
        if (number < accounts.size()) {
            table.set(number, account, market, latch);
            accounts[number] = account;
            latched[number] = latch;
        } else {
            EXPECT_EQ(table.add(account, market, latch), accounts.size());
            accounts.push_back(account);
            latched.push_back(latch);
        }
        if (step % 20 == 0) {
            compare(table, accounts, market, latched, step % 40 == 0);
        }
    }
    EXPECT_EQ(table.size(), accounts.size());
    // Forms of three assets on two sides, latched or not: lanes that were left are taken again.
    EXPECT_LT(table.packets(), 2U * 27U * 2U);
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
    DeadChains dead;
    dead.chains.insert(ChainId::evm(999));
    EXPECT_EQ(compare({plain}, Market(prices, p, dead), false).decided, 0U);
}

}  // namespace
}  // namespace margrave::margin::tests
