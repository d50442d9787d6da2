// SPDX-License-Identifier: Apache-2.0
#include "margin/close_out.hpp"
#include "margin/perpetual.hpp"
#include "margin/repayment.hpp"
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <map>

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
void expect_at_least(const Amount& ours, const Rational& theirs) {
    const Rational got(Big(ours.rep().str()));
    EXPECT_GE(got, theirs);
    EXPECT_LE(got, theirs + 2);
}

// Two tokens and nothing else: the plan of our own planner leaves what that engine leaves.
void tokens_in_planner(const Json& row) {
    const Json& in = row["inputs"];
    World world;
    AssetParameters& asset = world.add(6, money(in["prices"]));
    const Money weight = money(in["asset_w"]);
    asset.collateral = {weight, weight, weight};
    asset.max_bonus = Money::whole(1) + money(in["fees"]);
    AssetParameters& debt = world.add(6, money(in["prices"]));
    const Money debt_weight = money(in["liab_w"]);
    debt.debt = {debt_weight, debt_weight, debt_weight};
    world.hold_tokens(0, rational(in["asset_token"]));
    world.hold_tokens(1, rational(in["liab_token"]));
    expect_value(world.left(0), row["expected"]["asset"], row["tolerance"]);
    expect_value(world.left(1), row["expected"]["liab"], row["tolerance"]);
}

// What that engine answers where no amount heals.
Money largest(unsigned bits) {
    return Money::parse_e18(Big((Big(1) << bits) - 1).str()).value();
}

Side side(const Json& in, const std::string& name) {
    return {
        .amount = raw(in, name + "_amount", 0),
        .decimals = in[name + "_dec"].get<unsigned>(),
        .price = raw(in[name + "_price"]),
        .multiplier = raw(in[name + "_mult"])};
}

}  // namespace

// A token on each side, each with the unsettled profit of a perpetual; what "other" has is not
// weighted.
Outcome mango_liquidation(const Json& row) {
    const Json& in = row["inputs"];
    const Money overall = money(in["perp_overall"]);
    const Money no_cap = Money::whole(1'000'000'000);
    const auto profit = [&](const Json& pnl) {
        return counted_profit(money(pnl), overall, no_cap, kOurs);
    };
    const Money asset_weight = money(in["asset_w"]);
    const Money debt_weight = money(in["liab_w"]);
    const Money asset = money(in["asset_token"]);
    const Money debt = money(in["liab_token"]);
    const Money asset_health = asset + profit(in["asset_perp"]);
    const Money debt_health = debt + profit(in["liab_perp"]);
    const auto weighted = [&](const Money& balance, const Money& positive, const Money& negative) {
        return times(balance, balance.is_negative() ? negative : positive, Rounding::kDown);
    };
    // Both tokens have the weights w and 2 - w.
    const Money two = Money::whole(2);
    const Money health = weighted(asset_health, asset_weight, two - asset_weight) +
                         weighted(debt_health, two - debt_weight, debt_weight) + money(in["other"]);
    const Money moved = swap_amount(
        health,
        {.token = asset, .health_balance = asset_health, .weight = asset_weight},
        {.token = debt, .health_balance = debt_health, .weight = debt_weight},
        Money::whole(1) + money(in["fees"]),
        money(in["max_liab_transfer"]),
        kOurs
    );
    const Money paid = times(moved, Money::whole(1) + money(in["fees"]), Rounding::kUp);
    expect_value(exact(asset - paid), row["expected"]["asset"], row["tolerance"]);
    expect_value(exact(debt + moved), row["expected"]["liab"], row["tolerance"]);
    if (in["asset_perp"] == 0 && in["liab_perp"] == 0 && in["other"] == 0) {
        tokens_in_planner(row);
    }
    return Outcome::kRan;
}

Outcome comet_quote(const Json& row) {
    const Json& in = row["inputs"];
    const Money ours = quote_collateral(
        {.factor = raw(in["storeFrontPriceFactor"]),
         .liquidation_factor = raw(in["liquidationFactor"])},
        raw(in["baseAmount_1e6"]),
        raw(in["price_1e8"]),
        in.contains("scale") ? raw(in["scale"]) : Money::whole(1)
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

// And, where there are no fees, our planner finds the same x* for a whole account.
Outcome drift_perp_amount(const Json& row) {
    const Json& in = row["inputs"];
    const Money ours = base_to_cover(
        raw(in["shortage_1e6"]),
        {.ratio_1e4 = raw(in["margin_ratio_1e4"]),
         .liquidator = raw(in["liq_fee_1e6"]),
         .insurance = raw(in["if_fee_1e6"])},
        raw(in["price_1e6"]),
        raw(in["quote_price_1e6"]),
        largest(64)
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    if (in["liq_fee_1e6"] != 0 || in["if_fee_1e6"] != 0) {
        return Outcome::kRan;
    }
    const Rational price =
        rational(in["price_1e6"]) / 1'000'000 * rational(in["quote_price_1e6"]) / 1'000'000;
    const Rational ratio = rational(in["margin_ratio_1e4"]) / 10'000;
    const Amount planned = planned_repayment(
        rational(in["shortage_1e6"]) / 1'000'000,
        Money::whole(1),
        Money::whole(1),
        money(Rational(1 + ratio)),
        9,
        money(price)
    );
    expect_at_least(planned, rational(row["expected"]));
    return Outcome::kRan;
}

Outcome drift_spot_amount(const Json& row) {
    const Json& in = row["inputs"];
    const Side liability{
        .amount = {},
        .decimals = in["liab_decimals"].get<unsigned>(),
        .price = raw(in["liab_price_1e6"]),
        .multiplier = raw(in["liab_mult_1e6"])};
    const Money ours = liability_to_cover(
        raw(in["shortage_1e6"]),
        {.asset = raw(in["asset_w"]), .liability = raw(in["liab_w"])},
        raw(in["asset_mult_1e6"]),
        liability,
        raw(in["if_fee_1e6"]),
        largest(128)
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_implied_liability(const Json& row) {
    const Json& in = row["inputs"];
    const Money ours = liability_for(side(in, "asset"), side(in, "liab"));
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_asset_transfer(const Json& row) {
    const Json& in = row["inputs"];
    const Money ours = asset_for(side(in, "asset"), side(in, "liab"));
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_socialised(const Json& row) {
    const Json& in = row["inputs"];
    if (in.contains("deposits")) {
        const Money index =
            in.contains("index") ? raw(in["index"]) : raw(in["cumulative_interest"]);
        const Money ours = socialised_index(index, abs(raw(in["loss"])), raw(in["deposits"]));
        expect_units(ours, row["expected"], row["tolerance"]);
        return Outcome::kRan;
    }
    const Money open = abs(raw(in["long_base"])) + abs(raw(in["short_base"]));
    const Money ours = socialised_per_unit(
        raw(in["loss_1e6"]), open, Money::from_e18(1'000'000'000), Money::from_e18(1'000)
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_insurance_fee(const Json& row) {
    const Json& in = row["inputs"];
    const Money ours = insurance_fee(
        {.shortage = raw(in["shortage"]),
         .base = raw(in["base"]),
         .ratio_1e4 = raw(in["ratio_1e4"]),
         .fee = raw(in["liq_fee"]),
         .price = raw(in["price"]),
         .quote_price = raw(in["quote"])},
        raw(in["max_fee"])
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_partial(const Json& row) {
    const Json& in = row["inputs"];
    const Money ours = liquidatable_part(
        raw(in["shortage"]),
        raw(in, "freed", 0),
        in["elapsed"].get<std::uint64_t>(),
        {.initial_part = raw(in["initial_pct"]),
         .duration = in["duration"].get<std::uint64_t>(),
         .close_all_below = raw(in, "close_all_below", 50'000'000)}
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_fee_ramp(const Json& row) {
    const Json& in = row["inputs"];
    const auto grace = in.value("grace", std::uint64_t{1'500});
    const Money ours =
        ramped_fee(raw(in["base"]), raw(in["max"]), in["slots"].get<std::uint64_t>(), grace);
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome aave_liquidation(const Json& row) {
    const Json& in = row["inputs"];
    const ShareSeizure ours = seize_shares(
        {.shares = raw(in["scaledCollateral"]), .index = raw(in["liquidityIndex"])},
        {.shares = raw(in["scaledDebt"]), .index = raw(in["borrowIndex"])},
        {.bonus_1e4 = raw(in["bonus_1e4"]), .fee_1e4 = raw(in["protocolFee_1e4"])},
        raw(in["cover"])
    );
    const std::map<std::string, Money> numbers{
        {"collateral", ours.collateral},
        {"debt", ours.debt},
        {"liquidator", ours.liquidator},
        {"fee", ours.fee},
        {"scaledConsumed", ours.shares_burned},
        {"scaledLeft", ours.shares_left},
    };
    for (const auto& [name, wanted] : row["expected"].items()) {
        expect_units(numbers.at(name), wanted, row["tolerance"]);
    }
    return Outcome::kRan;
}

}  // namespace margrave::margin::tests::vectors
