// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests::vectors {
namespace {

// x* of our planner: an account short by `shortage`, with a chosen w_l and w_a (1 + b).
Amount planned_repayment(
    const Rational& shortage,
    const Money& asset_weight,
    const Money& bonus,
    const Money& debt_weight,
    unsigned debt_decimals,
    const Money& debt_price
) {
    World world;
    AssetParameters& asset = world.add(18, Money::whole(1));
    asset.collateral = {asset_weight, asset_weight, asset_weight};
    asset.max_bonus = bonus;
    AssetParameters& debt = world.add(debt_decimals, debt_price);
    debt.debt = {debt_weight, debt_weight, debt_weight};
    // Enough of both that no cap binds: a million dollars of debt.
    const Amount owed =
        units_for(Money::whole(1'000'000), debt_decimals, debt_price, Round::kDown).value();
    world.hold(1, Amount{}, owed);
    const Rational weighted = -exact(world.state().maintenance) - shortage;
    const Rational tokens = weighted / exact(asset_weight);
    const Big wei = numerator(tokens) * Big("1000000000000000000") / denominator(tokens);
    world.hold(0, Amount::parse(wei.str()).value());
    const LiquidationPlan plan = world.plan();
    EXPECT_EQ(plan.legs.size(), 1U);
    return plan.legs.empty() ? Amount{} : plan.legs[0].min_proceeds;
}

// Theirs rounds down, ours up, and ours asks for 16 units of 1e-18 USD more.
void expect_units(const Amount& ours, const Rational& theirs, const Rational& relative) {
    const Rational got(Big(ours.rep().str()));
    EXPECT_GE(got, theirs);
    EXPECT_LE(got, theirs * (1 + relative) + 2);
}

// One token's amount as another's of the same value.
Outcome drift_conversion(
    const Json& row, const std::string& from, const std::string& to, Round round
) {
    const Json& in = row["inputs"];
    if (in["asset_mult"] != 1'000'000 || in["liab_mult"] != 1'000'000) {
        return Outcome::kSkipped;
    }
    const auto price = [&in](const std::string& side) {
        return money(rational(in[side + "_price"]) / 1'000'000);
    };
    const Money value = value_of(
                            Amount::parse(text_of(in[from + "_amount"])).value(),
                            in[from + "_dec"].get<unsigned>(),
                            price(from),
                            round
    )
                            .value();
    const Amount out = units_for(value, in[to + "_dec"].get<unsigned>(), price(to), round).value();
    EXPECT_EQ(out.to_string(), text_of(row["expected"]));
    return Outcome::kRan;
}

}  // namespace

Outcome mango_liquidation(const Json& row) {
    const Json& in = row["inputs"];
    if (in["asset_perp"] != 0 || in["liab_perp"] != 0 || in["other"] != 0) {
        return Outcome::kSkipped;
    }
    World world;
    AssetParameters& asset = world.add(6, money(in["prices"]));
    const Money asset_weight = money(in["asset_w"]);
    asset.collateral = {asset_weight, asset_weight, asset_weight};
    AssetParameters& liab = world.add(6, money(in["prices"]));
    const Money liab_weight = money(in["liab_w"]);
    liab.debt = {liab_weight, liab_weight, liab_weight};
    world.hold_tokens(0, rational(in["asset_token"]));
    world.hold_tokens(1, rational(in["liab_token"]));
    const Rational tolerance = rational(row["tolerance"]["value"]);
    EXPECT_LE(abs(Rational(world.left(0) - rational(row["expected"]["asset"]))), tolerance);
    EXPECT_LE(abs(Rational(world.left(1) - rational(row["expected"]["liab"]))), tolerance);
    return Outcome::kRan;
}

// What a buyer gets for a payment at a discount: our seizure with 1 + b = 1 / (1 - discount).
Outcome comet_quote(const Json& row) {
    const Json& in = row["inputs"];
    const Rational wad(Big("1000000000000000000"));
    const Rational discount =
        rational(in["storeFrontPriceFactor"]) / wad * (1 - rational(in["liquidationFactor"]) / wad);
    const Money bonus = money(Rational(1 / (1 - discount)));
    const Money paid = money(rational(in["baseAmount_1e6"]) / 1'000'000);
    const Amount out = units_for(
                           mul(paid, bonus, Round::kDown).value(),
                           18,
                           money(rational(in["price_1e8"]) / 100'000'000),
                           Round::kDown
    )
                           .value();
    EXPECT_EQ(out.to_string(), text_of(row["expected"]));
    return Outcome::kRan;
}

Outcome drift_perp_amount(const Json& row) {
    const Json& in = row["inputs"];
    if (in["liq_fee_1e6"] != 0 || in["if_fee_1e6"] != 0) {
        return Outcome::kSkipped;
    }
    const Rational price =
        rational(in["price_1e6"]) / 1'000'000 * rational(in["quote_price_1e6"]) / 1'000'000;
    const Rational ratio = rational(in["margin_ratio_1e4"]) / 10'000;
    const Amount ours = planned_repayment(
        rational(in["shortage_1e6"]) / 1'000'000,
        Money::whole(1),
        Money::whole(1),
        money(Rational(1 + ratio)),
        9,
        money(price)
    );
    expect_units(ours, rational(row["expected"]), 0);
    return Outcome::kRan;
}

// Their multipliers are integers of 1e6 whose quotient is cut to 1e4 on the way: 1e-4 apart.
Outcome drift_spot_amount(const Json& row) {
    const Json& in = row["inputs"];
    const Rational insurance = rational(in["if_fee_1e6"]) / 1'000'000;
    const Rational debt_weight = rational(in["liab_w"]) / 10'000 * (1 - insurance);
    const Rational bonus = rational(in["asset_mult_1e6"]) / rational(in["liab_mult_1e6"]);
    const Money bonus_down =
        mul_div(
            money(in["asset_mult_1e6"]), Money::whole(1), money(in["liab_mult_1e6"]), Round::kDown
        )
            .value();
    EXPECT_LE(exact(bonus_down), bonus);
    const Amount ours = planned_repayment(
        rational(in["shortage_1e6"]) / 1'000'000,
        money(rational(in["asset_w"]) / 10'000),
        bonus_down,
        money(debt_weight),
        in["liab_decimals"].get<unsigned>(),
        money(rational(in["liab_price_1e6"]) / 1'000'000)
    );
    expect_units(ours, rational(row["expected"]), Rational(1, 10'000));
    return Outcome::kRan;
}

Outcome drift_implied_liability(const Json& row) {
    return drift_conversion(row, "asset", "liab", Round::kUp);
}

Outcome drift_asset_transfer(const Json& row) {
    return drift_conversion(row, "liab", "asset", Round::kDown);
}

}  // namespace margrave::margin::tests::vectors
