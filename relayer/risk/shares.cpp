// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/shares.hpp"

#include "relayer/risk/words.hpp"

#include <nlohmann/json.hpp>

namespace margrave::relayer {
namespace {

using nlohmann::json;

constexpr unsigned kGreekDecimals = 6;

json share_json(const margin::Share& share) {
    return {
        {"equity", share.equity.to_string_e18()},
        {"health", levels_json(share.initial, share.liquidation_end, share.maintenance)},
        {"required",
         levels_json(
             share.required_initial, share.required_liquidation_end, share.required_maintenance
         )}};
}

json greeks_json(const margin::PositionGreeks& greeks) {
    return {
        {"delta", greeks.delta.to_string_e18()},
        {"gamma", greeks.gamma.to_string_e18()},
        {"vega", greeks.vega.to_string_e18()},
        {"theta", greeks.theta.to_string_e18()}};
}

json worst_json(const margin::WorstScenario& worst) {
    json out = {{"scenario", worst.scenario}, {"pnl", worst.pnl.to_string_e18()}};
    out["kind"] = worst.shock ? "shock" : "basis";
    if (worst.shock) {
        out["spot"] = worst.shock->spot.to_string_e18();
        out["volatility"] = margin::to_string(worst.shock->volatility);
        out["damp"] = worst.shock->damp.to_string_e18();
    }
    return out;
}

json tail_json(const margin::VenueShare& venue) {
    return {
        {"level", venue.tail_level.to_decimal()},
        {"worst", std::to_string(venue.tail->count)},
        {"valueAtRisk", venue.tail->value_at_risk.to_string_e18()},
        {"expectedShortfall", venue.tail->expected_shortfall.to_string_e18()}};
}

json position_json(const margin::PositionShare& row, bool with_worst) {
    json out = share_json(row.share);
    out["name"] = row.name;
    out["market"] = to_hex(row.position.market);
    out["size"] = row.position.size.to_string_e18();
    out["entryPrice"] = row.position.entry_price.to_string_e18();
    out["value"] = row.value.to_string_e18();
    out["greeks"] = greeks_json(row.greeks);
    if (with_worst) {
        out["worstPnl"] = row.worst_pnl.to_string_e18();
    }
    return out;
}

std::vector<std::string> share_row(const std::string& name, const margin::Share& share) {
    return {
        name,
        in_usd(share.equity),
        in_usd(share.initial),
        in_usd(share.liquidation_end),
        in_usd(share.maintenance),
        in_usd(share.required_maintenance)};
}

std::vector<std::string> greeks_row(
    const std::string& name, const std::string& size, const margin::PositionGreeks& greeks
) {
    return {
        name,
        size,
        greeks.delta.to_decimal(kGreekDecimals),
        greeks.gamma.to_decimal(kGreekDecimals),
        in_usd(greeks.vega),
        in_usd(greeks.theta)};
}

std::string worst_words(const margin::WorstScenario& worst) {
    if (!worst.shock) {
        return "the forwards moved against the price (basis)";
    }
    std::string out = "price x" + worst.shock->spot.to_decimal() + ", volatility " +
                      std::string(margin::to_string(worst.shock->volatility));
    if (worst.shock->damp != Money::whole(1)) {
        out += ", of which x" + worst.shock->damp.to_decimal() + " counts";
    }
    return out;
}

std::string venue_text(const margin::VenueShare& venue) {
    std::vector<std::string> head{"POSITION", "SIZE", "DELTA", "GAMMA", "VEGA/1%", "THETA/DAY"};
    std::vector<std::vector<std::string>> rows;
    for (const margin::PositionShare& row : venue.positions) {
        rows.push_back(greeks_row(row.name, row.position.size.to_decimal(), row.greeks));
    }
    rows.push_back(greeks_row("sum", "", venue.greeks));
    std::string out = "\n" + venue.underlying + " " + venue.module + "\n";
    if (venue.worst) {
        out += "worst scenario: " + worst_words(*venue.worst) + ": " + in_usd(venue.worst->pnl) +
               " USD\n";
        if (venue.tail) {
            out += "at " + in_percent(venue.tail_level) + ": value at risk " +
                   in_usd(venue.tail->value_at_risk) + " USD, expected shortfall " +
                   in_usd(venue.tail->expected_shortfall) + " USD (mean of the " +
                   std::to_string(venue.tail->count) + " worst)\n";
        }
        head.emplace_back("IN WORST");
        for (std::size_t i = 0; i < venue.positions.size(); ++i) {
            rows[i].push_back(in_usd(venue.positions[i].worst_pnl));
        }
        rows.back().push_back(in_usd(venue.worst->pnl));
    }
    return out + columns(head, rows, 1) + "\n";
}

}  // namespace

nlohmann::json shares_json(const margin::Shares& shares) {
    json out = {{"method", "leave one out"}};
    out["assets"] = json::array();
    for (const margin::AssetShare& row : shares.assets) {
        json asset = share_json(row.share);
        asset["asset"] = row.asset;
        out["assets"].push_back(std::move(asset));
    }
    out["venues"] = json::array();
    for (const margin::VenueShare& venue : shares.venues) {
        json row = {{"underlying", venue.underlying}, {"module", venue.module}};
        row["greeks"] = greeks_json(venue.greeks);
        if (venue.worst) {
            row["worst"] = worst_json(*venue.worst);
        }
        if (venue.tail) {
            row["tail"] = tail_json(venue);
        }
        row["positions"] = json::array();
        for (const margin::PositionShare& position : venue.positions) {
            row["positions"].push_back(position_json(position, venue.worst.has_value()));
        }
        out["venues"].push_back(std::move(row));
    }
    return out;
}

std::string shares_text(const margin::Shares& shares) {
    std::vector<std::vector<std::string>> rows;
    for (const margin::AssetShare& row : shares.assets) {
        rows.push_back(share_row(row.asset, row.share));
    }
    for (const margin::VenueShare& venue : shares.venues) {
        for (const margin::PositionShare& row : venue.positions) {
            rows.push_back(share_row(row.name, row.share));
        }
    }
    if (rows.empty()) {
        return {};
    }
    std::string out =
        "\nwhat each part does: the number with it less the number without it. Parts that offset "
        "each other do not add up\n" +
        columns(
            {"PART", "EQUITY USD", "INITIAL", "LIQUIDATION-END", "MAINTENANCE", "REQUIRES"}, rows, 1
        ) +
        "\n";
    for (const margin::VenueShare& venue : shares.venues) {
        out += venue_text(venue);
    }
    return out;
}

}  // namespace margrave::relayer
