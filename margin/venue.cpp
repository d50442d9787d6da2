// SPDX-License-Identifier: Apache-2.0
#include "margin/venue.hpp"

#include <algorithm>
#include <array>

namespace margrave::margin {
namespace {

// Thousandths.
Money milli(std::int64_t count) {
    return times(Money::from_e18(count), 1'000'000'000'000'000);
}

struct ShockWord {
    VolatilityShock shock;
    std::string_view word;
};

constexpr std::array kShockWords{
    ShockWord{VolatilityShock::kNone, "none"},
    ShockWord{VolatilityShock::kUp, "up"},
    ShockWord{VolatilityShock::kDown, "down"},
    ShockWord{VolatilityShock::kLinearSkew, "linear_skew"},
    ShockWord{VolatilityShock::kAbsoluteSkew, "absolute_skew"},
};

std::vector<Shock> usual_shocks() {
    const Money one = Money::whole(1);
    std::vector<Shock> out;
    for (std::int64_t step = -4; step <= 4; ++step) {
        const Money spot = milli(1'000 + step * 45);
        const bool edge = step == -4 || step == 4;
        for (const auto volatility :
             {VolatilityShock::kDown, VolatilityShock::kNone, VolatilityShock::kUp}) {
            if (!edge || volatility == VolatilityShock::kUp) {
                out.push_back({.spot = spot, .volatility = volatility, .damp = one});
            }
        }
    }
    // damp = 0.036 / |move|, cut to 18 decimals.
    const Money loss = milli(36);
    for (const std::int64_t thousandths : {340, 670, 1'500, 2'000, 3'000, 4'000}) {
        const Money spot = milli(thousandths);
        const Money damp = over(loss, abs(spot - one), Rounding::kDown);
        out.push_back({.spot = spot, .volatility = VolatilityShock::kUp, .damp = damp});
    }
    out.push_back({.spot = one, .volatility = VolatilityShock::kLinearSkew, .damp = one});
    out.push_back({.spot = one, .volatility = VolatilityShock::kAbsoluteSkew, .damp = one});
    return out;
}

}  // namespace

IsolatedRules usual_isolated_rules() {
    return {
        .initial_most = milli(150),
        .initial_least = milli(100),
        .maintenance_call = milli(75),
        .maintenance_put = milli(75),
        .maintenance_put_mark = milli(75),
        .put_offset = milli(1'050),
        .unpaired_initial = milli(1'200),
        .unpaired_maintenance = milli(1'100)};
}

GridRules usual_grid_rules() {
    GridRules out;
    out.shocks = usual_shocks();
    out.initial_factor = Money::whole(1);
    out.liquidation_end_factor = milli(900);
    out.maintenance_factor = milli(800);
    out.volatility = {
        .range_up = milli(500),
        .range_down = milli(275),
        .power_short = milli(300),
        .power_long = milli(130),
        .floor_s = 86'400,
        .least_up = milli(450)};
    out.skew = {
        .linear_base = milli(150),
        .linear_slope = milli(-50),
        .absolute_base = milli(150),
        .absolute_slope = milli(-50),
        .least_width = milli(10),
        .width = milli(4'000),
        .level = milli(600),
        .level_slope = milli(-100)};
    out.discount = {
        .long_base = milli(950),
        .long_rate_factor = milli(1'000),
        .long_rate_add = milli(80),
        .short_base = milli(1'040),
        .short_rate_factor = milli(500),
        .short_rate_add = milli(80)};
    out.basis = {.up = milli(1'045), .down = milli(955), .add = milli(500), .factor = milli(2'000)};
    out.contingency = {
        .peg_threshold = milli(980),
        .peg_factor = milli(2'000),
        .confidence_threshold = milli(550),
        .confidence_factor = milli(1'000),
        .perpetual_maintenance = milli(15),
        .perpetual_initial = milli(5),
        .option_maintenance = milli(3),
        .option_initial = milli(2)};
    return out;
}

std::string_view to_string(VolatilityShock shock) {
    return std::ranges::find(kShockWords, shock, &ShockWord::shock)->word;
}

std::optional<VolatilityShock> parse_volatility_shock(std::string_view word) {
    const auto found = std::ranges::find(kShockWords, word, &ShockWord::word);
    return found == kShockWords.end() ? std::nullopt : std::optional(found->shock);
}

std::string_view to_string(VenueMethod method) {
    return method == VenueMethod::kRatio ? "ratio" : "grid";
}

std::optional<VenueMethod> parse_venue_method(std::string_view word) {
    for (const VenueMethod method : {VenueMethod::kRatio, VenueMethod::kGrid}) {
        if (to_string(method) == word) {
            return method;
        }
    }
    return std::nullopt;
}

}  // namespace margrave::margin
