// SPDX-License-Identifier: Apache-2.0
#include "margin/perpetual.hpp"
#include "margin/pool.hpp"
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

namespace margrave::margin::tests::vectors {
namespace {

// Base asset with 6 decimals at one dollar; one factor is the weight of every collateral.
AccountState comet_state(const Json& in, const Json& factor) {
    World world;
    world.add(6, Money::whole(1));
    const Rational principal = rational(in["principal"]);
    const Amount base = Amount::parse(numerator(Rational(abs(principal))).str()).value();
    world.hold(0, principal < 0 ? Amount{} : base, principal < 0 ? base : Amount{});
    std::size_t at = 1;
    for (const Json& collateral : in["collateral"]) {
        const Money weight = raw(factor);
        const auto decimals = static_cast<unsigned>(text_of(collateral["scale"]).size() - 1);
        world.add(decimals, money(rational(collateral["price"]) / 100'000'000)).collateral = {
            weight, weight, weight};
        world.hold(at++, Amount::parse(text_of(collateral["bal"])).value());
    }
    return world.state();
}

// A market's orders hold two reserves; what they may come back as in the base token, and in the
// quote token, at the oracle price or, where it is better known, at the price of the orders.
struct Orders {
    Money as_base;
    Money as_quote;
    /// Some quotient does not come out even with 18 decimals.
    bool is_cut{false};
};

bool comes_out(const Rational& value) {
    return denominator(Rational(value * Rational(Big("1000000000000000000")))) == 1;
}

Orders orders_of(const Json& quote_base, const Money& base_price, const Json& limits) {
    const Money quote = money(quote_base[0]);
    const Money base = money(quote_base[1]);
    Money quote_as_base = over(quote, base_price, Rounding::kDown);
    Money base_as_quote = times(base, base_price, Rounding::kDown);
    if (limits.contains("bidinv")) {
        const Money inverse = near(limits["bidinv"]);
        quote_as_base = min(quote_as_base, times(quote, inverse, Rounding::kDown));
    }
    if (limits.contains("ask")) {
        const Money ask = near(limits["ask"]);
        base_as_quote = min(base_as_quote, times(base, ask, Rounding::kDown));
    }
    const bool is_cut =
        !comes_out(exact(quote) / exact(base_price)) ||
        (limits.contains("bidinv") && !comes_out(exact(quote) * rational(limits["bidinv"])));
    return {.as_base = base + quote_as_base, .as_quote = quote + base_as_quote, .is_cut = is_cut};
}

Money perpetual_profit(const Json& in) {
    const Json& lots = in["perp_lots_quote_bids_asks"];
    const Json& market = in["perp"];
    const Money lot = money(market["lot"]);
    const auto tokens = [&lot](const Json& count) {
        return times(money(count), lot, Rounding::kDown);
    };
    const Money base = worst_base_value(
        tokens(lots[0]),
        {.bids = tokens(lots[2]), .asks = tokens(lots[3])},
        money(market["price"]),
        {.asset = money(market["base_w"][0]), .liability = money(market["base_w"][1])},
        kOurs
    );
    return counted_profit(
        money(lots[1]) + base, money(market["overall"]), Money::whole(1'000'000'000), kOurs
    );
}

// [deposits, borrows, deposits' start, borrows' start], or an object with words like these.
Money bank_setting(const Json& bank, bool deposits, bool start) {
    if (bank.is_array()) {
        const std::size_t at = (deposits ? 0U : 1U) + (start ? 2U : 0U);
        return at < bank.size() ? money(bank[at]) : Money{};
    }
    for (const auto& [name, value] : bank.items()) {
        const bool of_start =
            name.find("start") != std::string::npos || name.find("scale") != std::string::npos;
        const bool of_deposits = name.find("deposit") != std::string::npos;
        const bool of_borrows = name.find("borrow") != std::string::npos;
        if (of_start == start && (deposits ? of_deposits : of_borrows)) {
            return money(value);
        }
    }
    return Money{};
}

// Orders that wait in other markets are deposits that may come.
Money waiting(const Json& bank) {
    if (bank.is_object()) {
        for (const auto& [name, value] : bank.items()) {
            if (name.find("potential") != std::string::npos) {
                return money(value);
            }
        }
    }
    return bank.is_array() && bank.size() > 4 ? money(bank[4]) : Money{};
}

void scale_weights(TokenStanding& token, const Json& bank) {
    if (bank.is_null()) {
        return;
    }
    const Money deposits =
        times(bank_setting(bank, true, false) + waiting(bank), token.price, Rounding::kDown);
    const Money borrows = times(bank_setting(bank, false, false), token.price, Rounding::kDown);
    token.asset_weight = scaled_asset_weight(
        token.asset_weight, deposits, bank_setting(bank, true, true), Rounding::kDown
    );
    token.liability_weight = scaled_liability_weight(
        token.liability_weight, borrows, bank_setting(bank, false, true), Rounding::kUp
    );
}

std::vector<TokenStanding> mango_tokens(const Json& in) {
    std::vector<TokenStanding> out;
    for (std::size_t i = 0; i < in["tokens"].size(); ++i) {
        const std::string pair = in["init_weights"][i];
        const std::size_t slash = pair.find('/');
        TokenStanding token{
            .balance = money(in["tokens"][i]),
            .reserved = {},
            .price = money(in["prices"][i]),
            .asset_weight = money(rational(pair.substr(0, slash))),
            .liability_weight = money(rational(pair.substr(slash + 1)))};
        const Json& banks = in["bank_settings"];
        scale_weights(token, banks.is_array() ? banks[i] : Json{});
        out.push_back(token);
    }
    return out;
}

}  // namespace

// Three tokens, two spot markets of the first with the others, and a perpetual settled in the
// first.
Outcome mango_init_health(const Json& row) {
    const Json& in = row["inputs"];
    std::vector<TokenStanding> tokens = mango_tokens(in);
    std::vector<Orders> markets;
    for (std::size_t base = 1; base < tokens.size(); ++base) {
        const std::string pair = "oo_1_" + std::to_string(base + 1);
        const Json limits = in["extra"].value("1" + std::to_string(base + 1), Json::object());
        markets.push_back(orders_of(in[pair + "_quote_base"], tokens[base].price, limits));
        tokens[base].reserved += markets.back().as_base;
        tokens[0].reserved += markets.back().as_quote;
    }
    tokens[0].balance += perpetual_profit(in);
    Money health;
    Money gross = Money::whole(1);
    for (const TokenStanding& token : tokens) {
        health += weighted_value(token, kOurs);
        gross += times(abs(token.balance) + abs(token.reserved), token.price, Rounding::kUp);
    }
    for (std::size_t base = 1; base < tokens.size(); ++base) {
        health +=
            min(reserve_effect(tokens[base], markets[base - 1].as_base, kOurs),
                reserve_effect(tokens[0], markets[base - 1].as_quote, kOurs));
    }
    // The rows are exact rationals; that engine itself is not exact, it scales weights in f64. Ours
    // is exact where no quotient is cut to 18 decimals. Each cut moves a weight or a count by less
    // than a unit, and with it no more than two units a dollar of what is there.
    const bool is_cut =
        !in["bank_settings"].is_null() ||
        std::ranges::any_of(markets, [](const Orders& orders) { return orders.is_cut; });
    const Rational unit = Rational(1) / Rational(Big("1000000000000000000"));
    expect_value(
        exact(health),
        row["expected"],
        row["tolerance"],
        is_cut ? Rational(exact(gross) * 2 * unit) : Rational(0)
    );
    return Outcome::kRan;
}

// The initial level looks at a slow price and at the size of the pools; liquidation-end and
// maintenance use the oracle price only, as our whole engine does.
Outcome mango_health_types(const Json& row) {
    const Json& in = row["inputs"];
    World world;
    world.add(6, money(in["asset_oracle"]));
    AssetParameters& liab = world.add(6, money(in["liab_oracle"]));
    const Money initial = money(in["init_liab_w"]);
    liab.debt = {initial, initial, money(in["maint_liab_w"])};
    world.hold_tokens(0, rational(in["asset"]));
    world.hold_tokens(1, rational(in["liab"]));
    const Json& tolerance = row["tolerance"];
    const Json& wanted = row["expected"];
    expect_value(exact(world.state().liquidation_end), wanted["liq_end"], tolerance);
    expect_value(exact(world.state().maintenance), wanted["maint"], tolerance);
    expect_value(world.left(0), wanted["asset_after"], tolerance);
    expect_value(world.left(1), wanted["liab_after"], tolerance);

    const Money asset_high = max(money(in["asset_oracle"]), money(in["asset_stable"]));
    const Money liab_high = max(money(in["liab_oracle"]), money(in["liab_stable"]));
    const TokenStanding asset{
        .balance = money(in["asset"]),
        .reserved = {},
        .price = min(money(in["asset_oracle"]), money(in["asset_stable"])),
        .asset_weight = scaled_asset_weight(
            Money::whole(1),
            times(money(in["deposits"]), asset_high, Rounding::kUp),
            money(in["deposit_scale_start"]),
            Rounding::kDown
        ),
        .liability_weight = {}};
    const TokenStanding owed{
        .balance = money(in["liab"]),
        .reserved = {},
        .price = liab_high,
        .asset_weight = {},
        .liability_weight = scaled_liability_weight(
            initial,
            times(money(in["borrows"]), liab_high, Rounding::kUp),
            money(in["borrow_scale_start"]),
            Rounding::kUp
        )};
    const Money init = weighted_value(asset, kOurs) + weighted_value(owed, kOurs);
    expect_value(exact(init), wanted["init"], tolerance);
    return Outcome::kRan;
}

// The row's formula says which quotient it is and how it rounds: "(x*y + half)/z (half up)".
Outcome aave_math(const Json& row) {
    const Json& in = row["inputs"];
    const std::string formula = row["formula"];
    const auto word_at = [&formula](std::size_t start) {
        std::size_t end = start;
        while (end < formula.size() && (std::isalnum(formula[end]) != 0 || formula[end] == '.')) {
            ++end;
        }
        return formula.substr(start, end - start);
    };
    const std::size_t product = formula.find('*');
    std::size_t start = product;
    while (start > 0 && std::isalnum(formula[start - 1]) != 0) {
        --start;
    }
    const auto operand = [&in](const std::string& name) {
        const std::string key = name == "v" ? "value" : (name == "p" ? "pct_1e4" : name);
        return in.contains(key) ? raw(in[key])
                                : Money::parse_e18(numerator(rational(key)).str()).value();
    };
    const auto has = [&formula](const char* word) {
        return formula.find(word) != std::string::npos;
    };
    const Rounding rounding =
        has("half up") ? Rounding::kHalfUp : (has("ceil") ? Rounding::kUp : Rounding::kDown);
    const Money ours = mul_div(
        operand(word_at(start)),
        operand(word_at(product + 1)),
        operand(word_at(formula.rfind('/') + 1)),
        rounding
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

// balance (18 decimals) * growth * index (27 decimals), half up at each step.
Outcome aave_accrual(const Json& row) {
    const Json& in = row["inputs"];
    const auto seconds = in["dt"].get<std::uint64_t>();
    const std::string formula = row["formula"];
    const bool linear = formula.find("1+rate*dt/year") != std::string::npos;
    const Money growth = linear ? linear_growth(raw(in["rate"]), seconds)
                                : compound_growth(raw(in["rate"]), seconds);
    expect_units(
        accrued(raw(in["balance"]), growth, raw(in["index"])), row["expected"], row["tolerance"]
    );
    return Outcome::kRan;
}

// Half up twice; without debt that engine's ratio is without bound, which its suite writes as -1 or
// as the largest integer.
Outcome aave_health_factor(const Json& row) {
    const Json& in = row["inputs"];
    const Money debt = raw(in["debt_base"]);
    if (debt.is_zero()) {
        const std::string wanted = text_of(row["expected"]);
        EXPECT_TRUE(wanted == "-1" || wanted == Amount::max().to_string()) << wanted;
        return Outcome::kRan;
    }
    const Money weighted = mul_div(
        raw(in["collateral_base"]),
        raw(in["avg_liq_threshold_1e4"]),
        Money::from_e18(10'000),
        Rounding::kHalfUp
    );
    expect_units(over(weighted, debt, Rounding::kHalfUp), row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

// That engine does not net, so collateral and debt of one reserve are two assets of ours.
Outcome aave_account(const Json& row) {
    const Json& in = row["inputs"];
    World world;
    const Money maintenance = money(rational(in["LT"]) / 10'000);
    const Money initial = money(rational(in["LTV"]) / 10'000);
    Rational debt = 0;
    for (const Json& reserve : in["reserves"]) {
        const unsigned decimals = reserve["decimals"].get<unsigned>();
        const std::size_t at = world.size();
        world.add(decimals, money(reserve["price"])).collateral = {initial, initial, maintenance};
        world.add(decimals, money(reserve["price"]));
        world.hold_tokens(at, rational(reserve["collateral"]));
        world.hold_tokens(at + 1, -rational(reserve["debt"]));
        debt += rational(reserve["debt"]) * rational(reserve["price"]);
    }
    const AccountState state = world.state();
    const Json& wanted = row["expected"];
    const Json& tolerance = row["tolerance"];
    const Money owed = money(debt);
    const Money owned = state.equity + owed;
    expect_units(owned, wanted["collateral"], tolerance);
    expect_units(owed, wanted["debt"], tolerance);
    expect_units(max(state.initial, Money{}), wanted["available"], tolerance);
    // The ratios that engine shows are quotients of our levels, rounded as there: averages down,
    // the factor half up.
    const auto expect_average = [&](const Money& level, const char* name) {
        if (wanted.contains(name)) {
            const Money e4 = Money::from_e18(10'000);
            const Money average = mul_div(level + owed, e4, owned, Rounding::kDown);
            expect_units(average, wanted[name], tolerance);
        }
    };
    expect_average(state.maintenance, "avgLT");
    expect_average(state.initial, "avgLTV");
    if (!owed.is_zero()) {
        expect_units(
            over(state.maintenance + owed, owed, Rounding::kHalfUp), wanted["hf"], tolerance
        );
    }
    return Outcome::kRan;
}

Outcome aave_debt_rounding(const Json& row) {
    const Json& in = row["inputs"];
    const Money up = value_of(
                         Amount::parse(text_of(in["debt_wei"])).value(),
                         in["decimals"].get<unsigned>(),
                         raw(in["price_1e8"]),
                         Round::kUp
    )
                         .value();
    expect_units(up, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

// Accounts that absorb leaves nothing of to sell: their whole debt becomes the reserves' loss.
Outcome comet_absorb(const Json& row) {
    const Json& in = row["inputs"];
    Money borrowed = raw(in["totalBorrowBase"]);
    for (const Json& principal : in["principals"]) {
        World world;
        world.add(0, Money::whole(1));
        world.hold_tokens(0, rational(principal));
        const AccountState state = world.state();
        EXPECT_EQ(state.status, Status::kBankrupt);
        borrowed += mul_div(state.equity, Money::from_e18(1), Money::whole(1), Rounding::kDown);
    }
    // Reserves are what is lent less what is owed to suppliers, there being no cash.
    const Money supplied = raw(in, "totalSupplyBase", 0);
    expect_units(borrowed, row["expected"]["totalBorrow"], row["tolerance"]);
    expect_units(borrowed - supplied, row["expected"]["reserves"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome comet_is_liquidatable(const Json& row) {
    const Json& in = row["inputs"];
    const AccountState state = comet_state(in, in["liquidateCF"]);
    EXPECT_EQ(state.maintenance.is_negative(), row["expected"].get<bool>());
    return Outcome::kRan;
}

Outcome comet_is_borrowable(const Json& row) {
    const Json& in = row["inputs"];
    const AccountState state = comet_state(in, in["borrowCF"]);
    EXPECT_EQ(!state.initial.is_negative(), row["expected"].get<bool>());
    return Outcome::kRan;
}

}  // namespace margrave::margin::tests::vectors
