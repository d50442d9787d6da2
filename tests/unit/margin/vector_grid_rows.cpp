// SPDX-License-Identifier: Apache-2.0
#include "margin/grid.hpp"
#include "tests/unit/margin/vector_world.hpp"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace margrave::margin::tests::vectors {
namespace {

VolatilityShock volatility_shock(const std::string& word) {
    static const std::map<std::string, VolatilityShock> kWords{
        {"None", VolatilityShock::kNone},
        {"Up", VolatilityShock::kUp},
        {"Down", VolatilityShock::kDown},
        {"LINEAR", VolatilityShock::kLinearSkew},
        {"ABS", VolatilityShock::kAbsoluteSkew}};
    return kWords.at(word);
}

// [spot, volatility, damp], or an object with the suite's names.
std::vector<Shock> shocks_of(const Json& grid) {
    std::vector<Shock> out;
    for (const Json& shock : grid) {
        const bool list = shock.is_array();
        const Json& volatility = list ? shock[1] : shock["VolShockDirection"];
        out.push_back(
            {.spot = near(list ? shock[0] : shock["SpotShock"]),
             .volatility = volatility_shock(volatility.get<std::string>()),
             .damp = near(list ? shock[2] : shock["DampeningFactor"])}
        );
    }
    return out;
}

// The grid that rows without one of their own name; a row of the file that has only a grid.
std::vector<Shock>& shared_shocks() {
    static std::vector<Shock> shocks;
    return shocks;
}

GridRules rules_of(const Json& p, std::vector<Shock> shocks) {
    const Json& margin = p["Margin"];
    const Json& vol = p["VolShock"];
    const Json& skew = p["SkewShock"];
    const Json& basis = p["BasisContingency"];
    const Json& other = p["OtherContingency"];
    GridRules out;
    out.shocks = std::move(shocks);
    out.initial_factor = near(margin["IM_LOSS_FACTOR"]);
    out.maintenance_factor = near(margin["MM_LOSS_FACTOR"]);
    out.discount = {
        .long_base = near(margin["BASE_STATIC_DISCOUNT"]),
        .long_rate_factor = near(margin["LONG_RATE_MULTSCALE"]),
        .long_rate_add = near(margin["LONG_RATE_ADDSCALE"]),
        .short_base = near(margin["BASE_STATIC_DISCOUNT_NEG"]),
        .short_rate_factor = near(margin["SHORT_RATE_MULTSCALE"]),
        .short_rate_add = near(margin["SHORT_RATE_ADDSCALE"])};
    out.volatility = {
        .range_up = near(vol["VOLRANGEUP"]),
        .range_down = near(vol["VOLRANGEDOWN"]),
        .power_short = near(vol["SHORTTERMPOWER"]),
        .power_long = near(vol["LONGTERMPOWER"]),
        .floor_s =
            static_cast<std::uint64_t>(numerator(Rational(rational(vol["DTE_FLOOR"]) * 86'400))),
        .least_up = near(vol["MIN_VOL_EVAL_SHOCKED"])};
    out.skew = {
        .linear_base = near(skew["LINEAR_SCALE_CAP"]),
        .linear_slope = near(skew["LINEAR_CBASE"]),
        .absolute_base = near(skew["ABS_SCALE_CAP"]),
        .absolute_slope = near(skew["ABS_CBASE"]),
        .least_width = near(skew["MIN_K_STAR"]),
        .width = near(skew["MIN_WIDTH_SCALE"]),
        .level = near(skew["VOL_PARAM_STATIC"]),
        .level_slope = near(skew["VOL_PARAM_SCALE"])};
    out.basis = {
        .up = near(basis["SCENARIO_SPOT_UP"]),
        .down = near(basis["SCENARIO_SPOT_DOWN"]),
        .add = near(basis["BASIS_CONT_ADD_FACTOR"]),
        .factor = near(basis["BASIS_CONT_MULT_FACTOR"])};
    out.contingency = {
        .peg_threshold = near(other["PEG_LOSS_THRESHOLD"]),
        .peg_factor = near(other["PEG_LOSS_FACTOR"]),
        .confidence_threshold = near(other["CONF_THRESHOLD"]),
        .confidence_factor = near(other["CONF_MARGIN"]),
        .perpetual_maintenance = near(other["MM_PERP_PERCENT"]),
        .perpetual_initial = near(other["IM_PERP_PERCENT"]),
        .option_maintenance = near(other["MM_OPTION_PERCENT"]),
        .option_initial = near(other["IM_OPTION_PERCENT"])};
    return out;
}

std::vector<GridExpiry> expiries_of(const Json& scenario) {
    std::map<std::string, GridExpiry> expiries;
    for (const Json& feed : scenario["OptionFeeds"]) {
        GridExpiry& expiry = expiries[text_of(feed["FeedExpiry"])];
        expiry.seconds = feed["FeedExpiry"].get<std::uint64_t>();
        expiry.forward = near(feed["Forward"]);
        expiry.rate = near(feed["Rate"]);
        expiry.confidence =
            min(min(near(feed["ForwardConfidence"]), near(feed["RateConfidence"])),
                near(feed["OptionVolConfidences"]));
    }
    for (const Json& option : scenario["Options"]) {
        expiries.at(text_of(option["Expiry"]))
            .legs.push_back(
                {.is_call = option["IsCall"] == 1 || option["IsCall"] == true,
                 .strike = near(option["Strike"]),
                 .size = near(option["Amount"]),
                 .volatility = near(option["MarkVol"])}
            );
    }
    std::vector<GridExpiry> out;
    for (auto& [seconds, expiry] : expiries) {
        if (!expiry.legs.empty()) {
            out.push_back(std::move(expiry));
        }
    }
    return out;
}

GridPortfolio portfolio_of(const Json& scenario) {
    GridPortfolio out;
    out.spot = near(scenario["SpotPrice"]);
    out.spot_confidence = near(scenario["SpotConfidence"]);
    out.stable_price = near(scenario["StablePrice"]);
    out.cash = near(scenario["Cash"]);
    out.perpetual_size = near(scenario["NumPerps"]);
    out.perpetual_price = near(scenario["PerpPrice"]);
    out.perpetual_confidence = near(scenario["PerpConfidence"]);
    out.perpetual_value = near(scenario["UnrealisedPerpPNL"]) + near(scenario["UnrealisedFunding"]);
    for (const Json& c : scenario["Collaterals"]) {
        out.collaterals.push_back(
            {.value =
                 mul_div(near(c["Amount"]), near(c["Price"]), out.stable_price, Rounding::kZero),
             .confidence = near(c["Confidence"]),
             .moves_with_spot = c["IsRiskCancelling"].get<bool>(),
             .maintenance_haircut = near(c["MMHaircut"]),
             .initial_haircut = near(c["IMHaircut"]),
             .confidence_threshold = near(c["ConfidenceFactor"])}
        );
    }
    out.expiries = expiries_of(scenario);
    return out;
}

}  // namespace

void share_grid(const Json& rows) {
    for (const Json& row : rows) {
        const Json& in = row["inputs"];
        if (row["system"] == "Derive PMRM_2" && !in.contains("scenario") && in.contains("grid")) {
            shared_shocks() = shocks_of(in["grid"]);
        }
    }
}

Outcome derive_grid(const Json& row) {
    const Json& in = row["inputs"];
    if (!in.contains("scenario")) {
        const std::vector<Shock> shocks = shocks_of(in["grid"]);
        EXPECT_EQ(shocks.size(), row["expected"]["scenarios"].get<std::size_t>());
        EXPECT_TRUE(damped_loss(shocks)) << "damp * |move| is not one constant";
        return Outcome::kRan;
    }
    const bool by_name = in["grid"].is_string();
    if (by_name && shared_shocks().empty()) {
        ADD_FAILURE() << "no row of the file has the grid " << in["grid"];
        return Outcome::kRan;
    }
    const GridRules rules =
        rules_of(in["parameters"], by_name ? shared_shocks() : shocks_of(in["grid"]));
    const GridResult ours = grid_margin(rules, portfolio_of(in["scenario"]), kDerive);
    expect_units(ours.maintenance, row["expected"]["MM"], row["tolerance"]);
    expect_units(ours.initial, row["expected"]["IM"], row["tolerance"]);
    return Outcome::kRan;
}

}  // namespace margrave::margin::tests::vectors
