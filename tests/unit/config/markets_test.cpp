// SPDX-License-Identifier: Apache-2.0
#include "margin/venue.hpp"
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace margrave::config {
namespace {

using nlohmann::json;

Money decimal(std::string_view text) {
    return Money::parse(text).value();
}

std::string market(char digit) {
    return "0x" + std::string(64, digit);
}

json fractions() {
    return {{"initial", "0.1"}, {"liquidation_end", "0.08"}, {"maintenance", "0.05"}};
}

json perpetual(char digit) {
    return {{"market", market(digit)}, {"name", "perp"}, {"fractions", fractions()}};
}

json option(char digit) {
    return {
        {"market", market(digit)},
        {"name", "call"},
        {"kind", "put"},
        {"strike", "2000"},
        {"expiry", "1830297600"},
        {"volatility", "0.7"}};
}

std::string asset_id(const json& document, std::size_t index) {
    return document["assets"][index]["id"];
}

json with_markets() {
    json document = good_config();
    document["markets"] = {
        {{"underlying", asset_id(document, 0)},
         {"perpetuals", {perpetual('2'), perpetual('1')}},
         {"option_markets", {option('3')}},
         {"profit", {{"cap", "7"}}}}};
    return document;
}

TEST(Markets, NoMarketsLeaveTheParametersWithoutAWordOfThem) {
    const Settings settings = load_json(good_config()).settings;
    EXPECT_TRUE(settings.parameters.venues.empty());
    EXPECT_EQ(canonical(settings.parameters).dump().find("venues"), std::string::npos);
}

TEST(Markets, EveryGivenValueArrivesAndMarketsAreSorted) {
    const json document = with_markets();
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const margin::VenueParameters& venue = loaded.settings.parameters.venues.at(0);
    EXPECT_EQ(venue.underlying, asset_id(document, 0));
    EXPECT_EQ(venue.method, margin::VenueMethod::kRatio);
    EXPECT_EQ(venue.profit_weight, decimal("1"));
    EXPECT_EQ(venue.profit_cap, decimal("7"));
    EXPECT_EQ(venue.options, margin::usual_isolated_rules());
    EXPECT_EQ(to_hex(venue.perpetuals.at(0).market), market('1'));
    EXPECT_EQ(venue.perpetuals.at(1).fractions.liquidation_end, decimal("0.08"));
    const margin::OptionMarket& put = venue.option_markets.at(0);
    EXPECT_FALSE(put.is_call);
    EXPECT_EQ(put.strike, decimal("2000"));
    EXPECT_EQ(put.expiry, 1'830'297'600U);
    EXPECT_EQ(put.volatility, decimal("0.7"));
}

TEST(Markets, OrderInTheConfigDoesNotChangeWhatIsSigned) {
    json document = with_markets();
    const std::string signed_form = canonical(load_json(document).settings.parameters).dump();
    std::swap(document["markets"][0]["perpetuals"][0], document["markets"][0]["perpetuals"][1]);
    EXPECT_EQ(canonical(load_json(document).settings.parameters).dump(), signed_form);
}

TEST(Markets, GridHasTheUsualNumbersWhereNoneAreGiven) {
    json document = with_markets();
    json& venue = document["markets"][0];
    venue["method"] = "grid";
    for (json& market : venue["perpetuals"]) {
        market.erase("fractions");
    }
    venue.erase("profit");
    const Loaded usual = load_json(document);
    ASSERT_TRUE(usual.problems.empty()) << lines(usual.problems);
    EXPECT_EQ(usual.settings.parameters.venues.at(0).grid, margin::usual_grid_rules());
    venue["grid"] = {
        {"factor", {{"initial", "2"}}},
        {"shocks", {{{"spot", "0.5"}, {"volatility", "up"}}, {{"spot", "1.5"}, {"damp", "1"}}}}};
    const Loaded loaded = load_json(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    const margin::GridRules& grid = loaded.settings.parameters.venues.at(0).grid;
    EXPECT_EQ(grid.initial_factor, decimal("2"));
    EXPECT_EQ(grid.maintenance_factor, decimal("0.8"));
    ASSERT_EQ(grid.shocks.size(), 2U);
    EXPECT_EQ(grid.shocks[0].volatility, margin::VolatilityShock::kUp);
    EXPECT_EQ(grid.shocks[1].spot, decimal("1.5"));
}

// Each with the place in the document, whose order is not that of the parameters.
TEST(Markets, ProblemsPointIntoTheDocument) {
    struct Row {
        std::string at;
        json value;
        std::string pointer;
        std::string what;
    };

    const std::vector<Row> rows{
        {"/markets/0/underlying", "gold", "/markets/0/underlying", "no asset"},
        {"/markets/0/method", "luck", "/markets/0/method", "expected one of"},
        {"/markets/0/perpetuals/0/fractions/maintenance",
         "0.09",
         "/markets/0/perpetuals/0/fractions/maintenance",
         "above liquidation_end"},
        {"/markets/0/perpetuals/0/market", market('1'), "/markets/0/perpetuals/", "already at"},
        {"/markets/0/option_markets/0/strike", "0", "/markets/0/option_markets/0/strike", "range"},
        {"/markets/0/options", {{"put_offset", "0.5"}}, "/markets/0/options/put_offset", "range"},
        {"/markets/0/options",
         {{"maintenance_call", "0.12"}},
         "/markets/0/options/maintenance_call",
         "above initial_least"},
        {"/markets/0/method", "grid", "/markets/0/perpetuals/0/fractions", "no meaning"},
    };
    for (const Row& row : rows) {
        json document = with_markets();
        document[json::json_pointer(row.at)] = row.value;
        const Loaded loaded = load_json(document);
        const bool found = std::ranges::any_of(loaded.problems, [&row](const Problem& problem) {
            return problem.pointer.starts_with(row.pointer) &&
                   problem.what.find(row.what) != std::string::npos;
        });
        EXPECT_TRUE(found) << row.at << "\n" << lines(loaded.problems);
    }
}

}  // namespace
}  // namespace margrave::config
