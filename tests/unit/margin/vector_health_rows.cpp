// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace margrave::margin::tests::vectors {
namespace {

// Half-up lies between our two roundings, which are at most one unit apart.
void expect_half_up(const Money& a, const Money& b, const Money& c, const Json& wanted) {
    const Money down = mul_div(a, b, c, Round::kDown).value();
    const Money up = mul_div(a, b, c, Round::kUp).value();
    const Money theirs = Money::parse_e18(text_of(wanted)).value();
    EXPECT_LE(down, theirs);
    EXPECT_LE(theirs, up);
    EXPECT_LE(sub(up, down).value(), Money::from_e18(1));
}

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

}  // namespace

// Spot tokens with resting orders. An order reserves one side; the worse of "all reserves come back
// as base" and "as quote" is a minimum over evaluations of plain balances.
Outcome mango_init_health(const Json& row) {
    const Json& in = row["inputs"];
    for (const Json& lots : in["perp_lots_quote_bids_asks"]) {
        if (lots != 0) {
            return Outcome::kSkipped;
        }
    }
    if (!in["bank_settings"].is_null() || !in["extra"].empty()) {
        return Outcome::kSkipped;
    }
    // Orders that would turn the quote debt into collateral: that engine judges each market alone
    // there, which is no state the account can be in.
    Rational quote = rational(in["tokens"][0]);
    const bool owed = quote < 0;
    quote += rational(in["oo_1_2_quote_base"][0]) + rational(in["oo_1_3_quote_base"][0]);
    if (owed && quote >= 0) {
        return Outcome::kSkipped;
    }
    std::optional<Rational> worst;
    for (unsigned sides = 0; sides < 4; ++sides) {
        World world;
        std::vector<Rational> tokens;
        for (std::size_t i = 0; i < 3; ++i) {
            const std::string pair = in["init_weights"][i];
            const std::size_t slash = pair.find('/');
            AssetParameters& asset = world.add(6, money(in["prices"][i]));
            asset.collateral.initial = money(rational(pair.substr(0, slash)));
            asset.debt.initial = money(rational(pair.substr(slash + 1)));
            asset.collateral.liquidation_end = asset.collateral.initial;
            asset.debt.liquidation_end = asset.debt.initial;
            tokens.push_back(rational(in["tokens"][i]));
        }
        const Json orders[2] = {in["oo_1_2_quote_base"], in["oo_1_3_quote_base"]};
        for (std::size_t market = 0; market < 2; ++market) {
            const Rational returned = rational(orders[market][0]);
            const Rational base = rational(orders[market][1]);
            const Rational price = rational(in["prices"][market + 1]);
            if ((sides >> market & 1U) != 0) {
                tokens[market + 1] += base + returned / price;
            } else {
                tokens[0] += returned + base * price;
            }
        }
        for (std::size_t i = 0; i < 3; ++i) {
            world.hold_tokens(i, tokens[i]);
        }
        const Rational health = exact(world.state().initial);
        worst = worst ? std::min(*worst, health) : health;
    }
    EXPECT_LE(abs(Rational(*worst - rational(row["expected"]))), Rational(1, 1'000'000));
    return Outcome::kRan;
}

// Liquidation-end and maintenance use the oracle price only; the initial level of that engine also
// looks at a slow price and at pool sizes, which ours does not have.
Outcome mango_health_types(const Json& row) {
    const Json& in = row["inputs"];
    World world;
    world.add(6, money(in["asset_oracle"]));
    AssetParameters& liab = world.add(6, money(in["liab_oracle"]));
    const Money initial = money(in["init_liab_w"]);
    liab.debt = {initial, initial, money(in["maint_liab_w"])};
    world.hold_tokens(0, rational(in["asset"]));
    world.hold_tokens(1, rational(in["liab"]));
    const Rational tolerance = rational(row["tolerance"]["value"]);
    const Json& wanted = row["expected"];
    expect_close(world.state().liquidation_end, rational(wanted["liq_end"]), tolerance);
    expect_close(world.state().maintenance, rational(wanted["maint"]), tolerance);
    EXPECT_LE(abs(Rational(world.left(0) - rational(wanted["asset_after"]))), tolerance);
    EXPECT_LE(abs(Rational(world.left(1) - rational(wanted["liab_after"]))), tolerance);
    return Outcome::kRan;
}

Outcome aave_math(const Json& row) {
    const Json& in = row["inputs"];
    const std::string id = row["id"];
    const Money base = Money::from_e18(10'000);
    if (id.starts_with("aave-percentMul")) {
        expect_half_up(raw(in["value"]), raw(in["pct_1e4"]), base, row["expected"]);
    } else if (id.starts_with("aave-percentDiv")) {
        expect_half_up(raw(in["value"]), base, raw(in["pct_1e4"]), row["expected"]);
    } else if (id.starts_with("aave-wadDiv")) {
        expect_half_up(raw(in["a"]), Money::whole(1), raw(in["b"]), row["expected"]);
    } else {
        return Outcome::kSkipped;
    }
    return Outcome::kRan;
}

// Our engine keeps no ratio. Health factor h is (maintenance health + debt) / debt.
Outcome aave_health_factor(const Json& row) {
    const Json& in = row["inputs"];
    const Money weighted = mul_div(
                               raw(in["collateral_base"]),
                               raw(in["avg_liq_threshold_1e4"]),
                               Money::from_e18(10'000),
                               Round::kDown
    )
                               .value();
    const Money ratio =
        mul_div(weighted, Money::whole(1), raw(in["debt_base"]), Round::kDown).value();
    expect_close(
        ratio,
        rational(row["expected"]) / Rational(Big("1000000000000000000")),
        Rational(1, Big("1000000000000000000"))
    );
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
    const Rational wad(Big("1000000000000000000"));
    EXPECT_EQ(
        exact(state.equity), (rational(wanted["collateral"]) - rational(wanted["debt"])) / wad
    );
    EXPECT_EQ(exact(state.initial), rational(wanted["available"]) / wad);
    EXPECT_EQ((exact(state.maintenance) + debt) / debt, rational(wanted["hf"]) / wad);
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
    EXPECT_EQ(up, raw(row["expected"]));
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
