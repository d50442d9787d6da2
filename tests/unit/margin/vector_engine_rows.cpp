// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "margin/isolated_options.hpp"
#include "margin/venue.hpp"
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <utility>

// Rows of other engines that our engine can be given as what it judges: holdings, positions and
// parameters, through evaluate_state.
namespace margrave::margin::tests::vectors {
namespace {

// What our engine says alike: requirements of perpetuals, bases, and options whose margin is the
// largest loss or nothing. Where a mark counts it has another forward (one price and one rate for
// all expiries), and an oracle's confidence is judged in another way.
const std::set<std::string>& expressible() {
    static const std::set<std::string> kIds{
        "derive-srm-pf-test_long_ATM_perp",
        "derive-srm-pf-test_long_ATM_put",
        "derive-srm-pf-test_long_OTM_perp",
        "derive-srm-pf-test_long_box",
        "derive-srm-pf-test_long_perp_with_btc",
        "derive-srm-pf-test_long_put_spread",
        "derive-srm-pf-test_short_box",
        "derive-srm-pf-test_short_call_spread_with_MaxLoss",
        "derive-srm-pf-test_short_spread_over_two_expiries_both_MaxLoss"};
    return kIds;
}

Hash32 market_id(std::size_t number) {
    return keccak256("market " + std::to_string(number));
}

// Ascending by market; sizes go into the world as positions.
void add_perpetuals(const Json& row, const std::string& name, World& world, VenueParameters& out) {
    const std::string sentence = row["inputs"]["params"];
    const Money maintenance = named_number(sentence, "perp mm");
    for (const Json& perpetual : row["inputs"]["perps"]) {
        if (perpetual["underlying"] != name) {
            continue;
        }
        PerpetualMarket market;
        market.market = market_id(out.perpetuals.size());
        market.name = name + "-perp";
        market.fractions = {named_number(sentence, "im"), maintenance, maintenance};
        world.open(
            {.market = market.market,
             .size = portfolio_amount(perpetual["amount"]),
             .entry_price = portfolio_amount(perpetual["entryPrice"])}
        );
        out.perpetuals.push_back(std::move(market));
    }
}

void add_options(const Json& row, const std::string& name, World& world, VenueParameters& out) {
    const Json& in = row["inputs"];
    const std::string volatility = in["vol"];
    for (const Json& option : in["options"]) {
        if (option["underlying"] != name) {
            continue;
        }
        OptionMarket market;
        market.market = market_id(100 + out.option_markets.size());
        market.name = name + "-option";
        market.is_call = option["type"] == "call";
        market.strike = money(option["strike"]);
        market.expiry =
            kWorldPricedAt.value +
            in["sec_to_expiry"][option["expiry"].get<std::string>()].get<std::uint64_t>();
        market.volatility = money(rational(volatility.substr(0, volatility.find(' '))));
        world.open(
            {.market = market.market,
             .size = portfolio_amount(option["amount"]),
             .entry_price = Money{}}
        );
        out.option_markets.push_back(std::move(market));
    }
}

}  // namespace

// The number that follows `word`.
Money named_number(const std::string& text, const std::string& word) {
    const std::size_t found = text.find(word + " ");
    EXPECT_NE(found, std::string::npos) << word << " is not in: " << text;
    const std::size_t start = found + word.size() + 1;
    std::size_t end = start;
    while (end < text.size() && (std::isdigit(text[end]) != 0 || text[end] == '.')) {
        ++end;
    }
    const std::string number = text.substr(start, end - start);
    return money(rational(number.starts_with('.') ? "0" + number : number));
}

Money portfolio_amount(const Json& value) {
    return money(Rational(rational(value) / 100'000'000));
}

void expect_dollars(const Money& ours, const Json& wanted, const Json& tolerance) {
    const Money dollars = mul_div(ours, Money::from_e18(1), Money::whole(1), Rounding::kZero);
    expect_units(dollars, wanted, tolerance);
}

void standard_portfolio_in_engine(const Json& row, const IsolatedRules& options) {
    if (!expressible().contains(row["id"].get<std::string>())) {
        return;
    }
    const Json& in = row["inputs"];
    World world;
    world.add(8, Money::whole(1));
    world.hold_tokens(0, rational(in["cash_1e8"]) / 100'000'000);
    const Money factor = named_number(in["params"], "base factor");
    for (const std::string name : {"eth", "btc"}) {
        if (!in.contains(name)) {
            continue;
        }
        const Json& perpetuals = in["perps"];
        const bool has_perpetual =
            std::any_of(perpetuals.begin(), perpetuals.end(), [&name](const Json& one) {
                return one["underlying"] == name;
            });
        const std::size_t at = world.size();
        world.add(8, raw(in[name][has_perpetual ? "perpPrice" : "spot"])).collateral = {
            factor, factor, factor};
        for (const Json& base : in["bases"]) {
            if (base["underlying"] == name) {
                EXPECT_FALSE(has_perpetual) << "an asset has one price";
                world.hold_tokens(at, rational(base["amount"]) / 100'000'000);
            }
        }
        VenueParameters& venue = world.trade(at);
        venue.options = options;
        venue.profit_weight = Money::whole(1);
        venue.profit_cap = Money::whole(1'000'000'000);
        add_perpetuals(row, name, world, venue);
        add_options(row, name, world, venue);
    }
    const AccountState ours = world.state();
    EXPECT_NE(ours.status, Status::kUnattestable);
    expect_dollars(ours.maintenance, row["expected"]["MM"], row["tolerance"]);
    expect_dollars(ours.initial, row["expected"]["IM"], row["tolerance"]);
}

}  // namespace margrave::margin::tests::vectors
