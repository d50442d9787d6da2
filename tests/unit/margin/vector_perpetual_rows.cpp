// SPDX-License-Identifier: Apache-2.0
#include "margin/close_out.hpp"
#include "margin/perpetual.hpp"
#include "margin/pool.hpp"
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <map>

namespace margrave::margin::tests::vectors {
namespace {

// Quote quantums are 1e-6 USD.
constexpr int kQuoteDigits = 6;
constexpr std::int64_t kQuoteUnit = 1'000'000;
// A clob pair's exponent from base quantums and subticks to quote quantums.
constexpr int kSubtickExponent = -8;

struct Instrument {
    Money price;
    int resolution{0};
};

struct DydxWorld {
    std::map<std::string, Instrument> instruments;
    Money initial_ppm;
    Money maintenance_ppm;
};

// "BTC 50000 (res -8)".
Instrument instrument(const std::string& text) {
    const std::size_t name_end = text.find(' ');
    const std::size_t open = text.find('(');
    const std::size_t res = text.find("res");
    return {
        .price = Money::parse_e18(text.substr(name_end + 1, open - name_end - 2)).value(),
        .resolution = std::stoi(text.substr(res + 3))};
}

// What the suite's accounts trade unless the row says otherwise.
DydxWorld dydx_world(const Json& in) {
    const Json prices =
        in.value("prices", Json{{"0", "BTC 50000 (res -8)"}, {"1", "ETH 3000 (res -9)"}});
    DydxWorld out;
    for (const auto& [perpetual, text] : prices.items()) {
        out.instruments[perpetual] = instrument(text);
    }
    out.initial_ppm = raw(in, "imf_ppm", 200'000);
    out.maintenance_ppm = raw(in, "mf_ppm", 500'000);
    return out;
}

Standing standing(const DydxWorld& world, const std::string& perpetual, const Money& size) {
    const Instrument& i = world.instruments.at(perpetual);
    const Money value = notional(size, i.price, i.resolution + kQuoteDigits, Rounding::kZero);
    const PerpetualRequirement required = requirement(
        value,
        {.initial = world.initial_ppm, .maintenance_part = world.maintenance_ppm},
        OpenInterest{},
        kDydx
    );
    return {.net_notional = value, .maintenance = required.maintenance};
}

AccountStanding account_standing(
    const DydxWorld& world, const Money& quote_usd, const std::map<std::string, Money>& positions
) {
    AccountStanding out{.net_collateral = times(quote_usd, kQuoteUnit), .maintenance = {}};
    for (const auto& [perpetual, size] : positions) {
        const Standing part = standing(world, perpetual, size);
        out.net_collateral += part.net_notional;
        out.maintenance += part.maintenance;
    }
    return out;
}

std::map<std::string, Money> positions_of(const Json& in) {
    std::map<std::string, Money> out;
    for (const auto& [perpetual, size] : in["positions"].items()) {
        out[perpetual] = raw(size);
    }
    return out;
}

OpenInterest open_interest(const Json& in, const Money& open) {
    return {.open = open, .lower = raw(in, "lower", 0), .upper = raw(in, "upper", 0)};
}

Money dydx_quote(const Json& in, const Money& quantums) {
    const int exponent = in["exponent"].get<int>() + in["atomic_res"].get<int>() + kQuoteDigits;
    return notional(quantums, raw(in["price"]), exponent, Rounding::kZero);
}

SizeCurve size_curve(const Json& in) {
    return {
        .imf = raw(in["imf_1e6"]),
        .imf_one = Money::from_e18(1'000'000),
        .weight_one = Money::from_e18(10'000)};
}

}  // namespace

Outcome dydx_fraction(const Json& row) {
    const Json& in = row["inputs"];
    const Money scaled = scaled_fraction(
        raw(in["imf_ppm"]), open_interest(in, raw(in, "oi", 0)), kDydx, Rounding::kDown
    );
    const Money ours =
        in.contains("notional") ? requirement(raw(in["notional"]), scaled, kDydx) : scaled;
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome dydx_margin(const Json& row) {
    const Json& in = row["inputs"];
    const Money open = dydx_quote(in, raw(in, "oi_base", 0));
    const PerpetualRequirement ours = requirement(
        dydx_quote(in, raw(in["quantums"])),
        {.initial = raw(in["imf_ppm"]), .maintenance_part = raw(in["mf_ppm"])},
        open_interest(in, open),
        kDydx
    );
    expect_units(ours.initial, row["expected"]["IMR"], row["tolerance"]);
    expect_units(ours.maintenance, row["expected"]["MMR"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome dydx_notional(const Json& row) {
    const Json& in = row["inputs"];
    expect_units(dydx_quote(in, raw(in["quantums"])), row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome dydx_liquidatable(const Json& row) {
    const Json& in = row["inputs"];
    const bool ours =
        is_liquidatable({.net_collateral = raw(in["NC"]), .maintenance = raw(in["MMR"])});
    EXPECT_EQ(ours, row["expected"].get<bool>());
    return Outcome::kRan;
}

Outcome dydx_bankruptcy(const Json& row) {
    const Json& in = row["inputs"];
    const DydxWorld world = dydx_world(in);
    const std::map<std::string, Money> positions = positions_of(in);
    const std::string perpetual = text_of(in["perp"]);
    const Money size = positions.at(perpetual);
    const Money ours = bankruptcy_quote(
        account_standing(world, raw(in["quote_usd"]), positions),
        standing(world, perpetual, size),
        standing(world, perpetual, size + raw(in["delta"]))
    );
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

// The row's number is an exact fraction of quote quantums per base quantum.
Outcome dydx_fillable(const Json& row) {
    const Json& in = row["inputs"];
    const DydxWorld world = dydx_world(in);
    const std::map<std::string, Money> positions = positions_of(in);
    const std::string perpetual = text_of(in["perp"]);
    const Ratio ours = fillable_price(
        account_standing(world, raw(in["quote_usd"]), positions),
        standing(world, perpetual, positions.at(perpetual)),
        positions.at(perpetual),
        {.bankruptcy_adjustment_ppm = raw(in["ba_ppm"]),
         .spread_to_maintenance_ppm = raw(in["smmr_ppm"])}
    );
    expect_value(
        exact(ours.numerator) / exact(ours.denominator), row["expected"], row["tolerance"]
    );
    return Outcome::kRan;
}

Outcome dydx_insurance(const Json& row) {
    const Json& in = row["inputs"];
    const DydxWorld world = dydx_world(in);
    const std::string perpetual = in.contains("perp") ? text_of(in["perp"]) : "0";
    const Money size = raw(in["position"]);
    const Money fill = raw(in["fill"]);
    const bool is_buy = in["is_buy"].get<bool>();
    const Money amount = notional(fill, raw(in["subticks"]), kSubtickExponent, Rounding::kZero);
    const Money bankruptcy = bankruptcy_quote(
        account_standing(world, raw(in["quote_usd"]), {{perpetual, size}}),
        standing(world, perpetual, size),
        standing(world, perpetual, is_buy ? size + fill : size - fill)
    );
    const Money ours =
        insurance_change(is_buy ? -amount : amount, bankruptcy, raw(in["max_fee_ppm"]));
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_size_weight(const Json& row) {
    const Json& in = row["inputs"];
    const bool asset = in.value("kind", "asset") == "asset";
    const Money weight = raw(in["weight_1e4"]);
    const Money size = raw(in["size_1e9"]);
    const Money ours = asset ? discounted_asset_weight(weight, size, size_curve(in))
                             : raised_liability_weight(weight, size, size_curve(in));
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

// A profit of 6 decimals is judged as a size of 9.
Outcome drift_profit_weight(const Json& row) {
    const Json& in = row["inputs"];
    const Money size = times(raw(in["pnl_1e6"]), 1'000);
    const Money ours = discounted_asset_weight(raw(in["weight"]), size, size_curve(in));
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_pool_weight(const Json& row) {
    const Json& in = row["inputs"];
    const Money pool = notional(raw(in["deposits"]), raw(in["price"]), 0, Rounding::kDown);
    const Money ours =
        scaled_asset_weight(raw(in["weight"]), pool, raw(in["start_usd"]), Rounding::kDown);
    expect_units(ours, row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

Outcome drift_perp_margin(const Json& row) {
    const Json& in = row["inputs"];
    const Money base = abs(raw(in["base_1e9"]));
    // 9 decimals of base to 6 of quote.
    const Money value = notional(
        notional(base, raw(in["price"]), -3, Rounding::kDown),
        raw(in, "quote_price", 1),
        0,
        Rounding::kDown
    );
    const Money ratio = raised_liability_weight(raw(in["margin_ratio_1e4"]), base, size_curve(in));
    const Policy drift{
        .value = Rounding::kDown, .requirement = Rounding::kDown, .one = Money::from_e18(10'000)};
    expect_units(requirement(value, ratio, drift), row["expected"], row["tolerance"]);
    return Outcome::kRan;
}

}  // namespace margrave::margin::tests::vectors
