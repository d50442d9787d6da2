// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "margin/grid.hpp"
#include "margin/haircuts.hpp"
#include "margin/isolated_options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the markets of the position book are, as signed parameters. A position in a market that no
// venue names stays unvalued and its account UNATTESTABLE.
namespace margrave::margin {

/// Requirements as parts of a position's notional: initial >= liquidation_end >= maintenance.
struct Fractions {
    Money initial;
    Money liquidation_end;
    Money maintenance;
    bool operator==(const Fractions&) const = default;
};

/// A perpetual on one unit of the underlying. Size counts units, entry price is USD per unit; the
/// mark is the underlying's price. Funding is what the venue settles into the entry price.
struct PerpetualMarket {
    /// As on the position book.
    Hash32 market;
    std::string name;
    /// Used by the ratio method only; zero under the grid.
    Fractions fractions;
    /// Zero: the initial fraction stays what it is. Ratio method only.
    InterestBand open_interest{};
    bool operator==(const PerpetualMarket&) const = default;
};

/// A European option on one unit of the underlying. Its premium was paid when it was traded, so the
/// entry price of a position counts for nothing.
struct OptionMarket {
    Hash32 market;
    std::string name;
    bool is_call{true};
    Money strike;
    /// Seconds since 1970. From then on it is worth its intrinsic value until the venue removes it.
    std::uint64_t expiry{0};
    /// Of the mark, per square root of a year: there is no feed of it.
    Money volatility;
    bool operator==(const OptionMarket&) const = default;
};

enum class VenueMethod : std::uint8_t {
    /// Perpetuals by ratio, options alone with the largest loss per expiry; no offset.
    kRatio,
    /// All positions of the underlying in one scenario vector.
    kGrid,
};

/// The markets of one underlying and how they are margined.
struct VenueParameters {
    /// Name of an asset of the parameters, whose price this is.
    std::string underlying;
    /// Name of the asset that the venue settles in, whose fall below one dollar the grid's peg rule
    /// asks for. Empty: dollars, and then the signed form leaves it out.
    std::string settlement{};
    VenueMethod method{VenueMethod::kRatio};
    /// Per year: forward = price e^(rate tau), discount = e^(-rate tau).
    Money rate;
    /// Ratio: how much of a perpetual's profit counts at the initial level, and at most how many
    /// dollars of it per position.
    Money profit_weight;
    Money profit_cap;
    IsolatedRules options;
    GridRules grid;
    /// Each ascending by market.
    std::vector<PerpetualMarket> perpetuals;
    std::vector<OptionMarket> option_markets;
    bool operator==(const VenueParameters&) const = default;
};

/// Deribit's constants for options alone, which Derive's standard risk manager has as well.
IsolatedRules usual_isolated_rules();
/// Nine equal steps to 18 % either way with volatility down, unchanged and up; six extreme moves
/// damped to the loss of a 3.6 % one; the two skews; and the contingencies published for such a
/// grid (reference: Derive's portfolio risk manager). A starting point, not advice.
GridRules usual_grid_rules();

/// Every number of the rules, by group and name, with the least and the most that makes sense.
/// visit(group, name, value, least, most).
template <class Rules, class Visit>
void visit_isolated(Rules& r, Visit&& visit) {
    visit("", "initial_least", r.initial_least, 0, 2);
    visit("", "initial_most", r.initial_most, 0, 2);
    visit("", "maintenance_call", r.maintenance_call, 0, 2);
    visit("", "maintenance_put", r.maintenance_put, 0, 2);
    visit("", "maintenance_put_mark", r.maintenance_put_mark, 0, 2);
    visit("", "put_offset", r.put_offset, 1, 10);
    visit("", "unpaired_initial", r.unpaired_initial, 1, 10);
    visit("", "unpaired_maintenance", r.unpaired_maintenance, 1, 10);
}

template <class Rules, class Visit>
void visit_grid(Rules& r, Visit&& visit) {
    visit("factor", "initial", r.initial_factor, 0, 10);
    visit("factor", "liquidation_end", r.liquidation_end_factor, 0, 10);
    visit("factor", "maintenance", r.maintenance_factor, 0, 10);
    visit("", "tail_level", r.tail_level, 0, 1);
    visit("volatility", "range_up", r.volatility.range_up, 0, 10);
    visit("volatility", "range_down", r.volatility.range_down, 0, 10);
    visit("volatility", "power_short", r.volatility.power_short, 0, 2);
    visit("volatility", "power_long", r.volatility.power_long, 0, 2);
    visit("volatility", "least_up", r.volatility.least_up, 0, 20);
    visit("skew", "linear_base", r.skew.linear_base, 0, 10);
    visit("skew", "linear_slope", r.skew.linear_slope, -10, 10);
    visit("skew", "absolute_base", r.skew.absolute_base, 0, 10);
    visit("skew", "absolute_slope", r.skew.absolute_slope, -10, 10);
    visit("skew", "least_width", r.skew.least_width, 0, 10);
    visit("skew", "width", r.skew.width, 0, 10);
    visit("skew", "level", r.skew.level, 0, 10);
    visit("skew", "level_slope", r.skew.level_slope, -20, 20);
    visit("discount", "long_base", r.discount.long_base, 0, 1);
    visit("discount", "long_rate_factor", r.discount.long_rate_factor, 0, 10);
    visit("discount", "long_rate_add", r.discount.long_rate_add, 0, 10);
    visit("discount", "short_base", r.discount.short_base, 1, 4);
    visit("discount", "short_rate_factor", r.discount.short_rate_factor, 0, 10);
    visit("discount", "short_rate_add", r.discount.short_rate_add, 0, 10);
    visit("basis", "up", r.basis.up, 1, 3);
    visit("basis", "down", r.basis.down, 0, 1);
    visit("basis", "add", r.basis.add, 0, 20);
    visit("basis", "factor", r.basis.factor, 0, 20);
    visit("contingency", "peg_threshold", r.contingency.peg_threshold, 0, 1);
    visit("contingency", "peg_factor", r.contingency.peg_factor, 0, 10);
    visit("contingency", "confidence_threshold", r.contingency.confidence_threshold, 0, 1);
    visit("contingency", "confidence_factor", r.contingency.confidence_factor, 0, 20);
    visit("contingency", "perpetual_maintenance", r.contingency.perpetual_maintenance, 0, 3);
    visit("contingency", "perpetual_initial", r.contingency.perpetual_initial, 0, 3);
    visit("contingency", "option_maintenance", r.contingency.option_maintenance, 0, 2);
    visit("contingency", "option_initial", r.contingency.option_initial, 0, 2);
}

/// "none", "up", "down", "linear_skew", "absolute_skew".
std::string_view to_string(VolatilityShock shock);
std::optional<VolatilityShock> parse_volatility_shock(std::string_view word);
/// "ratio", "grid".
std::string_view to_string(VenueMethod method);
std::optional<VenueMethod> parse_venue_method(std::string_view word);

}  // namespace margrave::margin
