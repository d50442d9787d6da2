// SPDX-License-Identifier: Apache-2.0
#include "margin/parameters.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

namespace margrave::margin::tests {
namespace {

constexpr std::size_t kGridVenue = 0;
constexpr std::size_t kRatioVenue = 1;

struct Case {
    std::function<void(VenueParameters& grid, VenueParameters& ratio)> break_it;
    std::string where;
    std::string what;
};

TEST(VenueCheck, SampleBreaksNoRule) {
    EXPECT_TRUE(check(venue_parameters()).empty());
}

using V = VenueParameters;

const std::vector<Case> kCases{
    {[](V& g, V&) { g.underlying = "gold"; }, "/venues/0/underlying", "no asset"},
    {[](V& g, V&) { g.underlying = "eth"; }, "/venues/1/underlying", "ascend"},
    {[](V& g, V&) { g.rate = usd("1.01"); }, "/venues/0/rate", "from 0 to 1"},
    {[](V& g, V&) {
         g.perpetuals.clear();
         g.option_markets.clear();
     },
     "/venues/0/perpetuals",
     "empty"},
    {[](V& g, V&) { g.perpetuals[0].market = Hash32{}; }, "/venues/0/perpetuals/0/market", "zero"},
    {[](V& g, V& r) { r.perpetuals[0].market = g.perpetuals[0].market; },
     "/venues/1/perpetuals/0/market",
     "already at /venues/0/perpetuals/0"},
    {[](V& g, V&) { std::swap(g.option_markets[0], g.option_markets[1]); },
     "/venues/0/option_markets/1/market",
     "ascend"},
    {[](V& g, V&) { g.perpetuals[0].name = "Big Perp"; }, "/venues/0/perpetuals/0/name", "a-z"},
    {[](V&, V& r) { r.perpetuals[0].fractions.maintenance = Money{}; },
     "/venues/1/perpetuals/0/fractions/maintenance",
     "above 0"},
    {[](V&, V& r) { r.perpetuals[0].fractions.maintenance = usd("0.09"); },
     "/venues/1/perpetuals/0/fractions/maintenance",
     "above liquidation_end"},
    {[](V&, V& r) { r.perpetuals[0].fractions.liquidation_end = usd("0.11"); },
     "/venues/1/perpetuals/0/fractions/liquidation_end",
     "above initial"},
    {[](V& g, V&) { g.perpetuals[0].fractions.initial = usd("0.1"); },
     "/venues/0/perpetuals/0/fractions",
     "no meaning"},
    {[](V& g, V&) { g.option_markets[0].strike = Money{}; },
     "/venues/0/option_markets/0/strike",
     "above 0"},
    {[](V& g, V&) { g.option_markets[0].expiry = 0; }, "/venues/0/option_markets/0/expiry", "0"},
    {[](V& g, V&) { g.option_markets[0].volatility = usd("20.1"); },
     "/venues/0/option_markets/0/volatility",
     "at most 20"},
    {[](V&, V& r) { r.profit_weight = usd("1.1"); }, "/venues/1/profit/weight", "from 0 to 1"},
    {[](V&, V& r) { r.profit_cap = usd("-1"); }, "/venues/1/profit/cap", "negative"},
    {[](V&, V& r) { r.options.put_offset = usd("0.9"); }, "/venues/1/options/put_offset", "from 1"},
    {[](V&, V& r) { r.options.maintenance_call = usd("0.12"); },
     "/venues/1/options/maintenance_call",
     "above initial_least"},
    {[](V&, V& r) { r.options.unpaired_maintenance = usd("1.3"); },
     "/venues/1/options/unpaired_maintenance",
     "above unpaired_initial"},
    {[](V& g, V&) { g.grid.maintenance_factor = usd("0.95"); },
     "/venues/0/grid/factor/maintenance",
     "above liquidation_end"},
    {[](V& g, V&) { g.grid.maintenance_factor = Money{}; },
     "/venues/0/grid/factor/maintenance",
     "no scenario"},
    {[](V& g, V&) { g.grid.discount.short_base = usd("0.9"); },
     "/venues/0/grid/discount/short_base",
     "from 1"},
    {[](V& g, V&) { g.grid.basis.up = usd("0.9"); }, "/venues/0/grid/basis/up", "from 1"},
    {[](V& g, V&) { g.grid.volatility.floor_s = 0; }, "/venues/0/grid/volatility/floor_s", "0"},
    {[](V& g, V&) { g.grid.shocks.clear(); }, "/venues/0/grid/shocks", "1 to 1000"},
    {[](V& g, V&) { g.grid.shocks.back().spot = usd("0.9"); },
     "/venues/0/grid/shocks/30/spot",
     "must be 1 with a skew"},
    {[](V& g, V&) { g.grid.shocks[0].spot = Money{}; }, "/venues/0/grid/shocks/0/spot", "above 0"},
    {[](V& g, V&) { g.grid.shocks[24].damp = usd("0.2"); },
     "/venues/0/grid/shocks",
     "not the same"},
    {[](V& g, V&) {
         std::erase_if(g.grid.shocks, [](const Shock& s) { return s.spot < usd("1"); });
     },
     "/venues/0/grid/shocks",
     "a move up and a move down"},
};

TEST(VenueCheck, EveryRuleSaysWhereAndWhy) {
    for (const Case& c : kCases) {
        Parameters p = venue_parameters();
        c.break_it(p.venues[kGridVenue], p.venues[kRatioVenue]);
        bool found = false;
        std::string all;
        for (const ParameterError& error : check(p)) {
            all += error.where + ": " + error.what + "\n";
            found =
                found || (error.where == c.where && error.what.find(c.what) != std::string::npos);
        }
        EXPECT_TRUE(found) << c.where << ": " << c.what << " is not among\n" << all;
    }
}

TEST(VenueCheck, SignedFormComesBackAsItWas) {
    const Parameters p = venue_parameters();
    const std::string text = canonical(p).dump();
    EXPECT_NE(text.find("\"venues\":["), std::string::npos);
    const auto back = parse_parameters(text);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(back.value(), p);
}

TEST(VenueCheck, ParametersWithoutMarketsHaveNoWordOfThem) {
    EXPECT_EQ(canonical(sample_parameters()).dump().find("venues"), std::string::npos);
}

TEST(VenueCheck, ForeignFormIsRefusedWithItsPlace) {
    const std::string text = canonical(venue_parameters()).dump();
    const auto refused = [&text](const std::string& from, const std::string& to) {
        std::string edited = text;
        const std::size_t at = edited.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        edited.replace(at, from.size(), to);
        const auto result = parse_parameters(edited);
        return result ? std::string("accepted") : result.error().detail;
    };
    EXPECT_NE(
        refused("\"method\":\"grid\"", "\"method\":\"luck\"").find("/venues/0/method"),
        std::string::npos
    );
    EXPECT_NE(
        refused("\"volatility\":\"up\"", "\"volatility\":\"UP\"").find("/volatility"),
        std::string::npos
    );
    EXPECT_NE(
        refused("\"floor_s\":\"86400\"", "\"floor_s\":\"x\"")
            .find("/venues/0/grid/volatility/floor_s"),
        std::string::npos
    );
    EXPECT_NE(refused("\"rate\":", "\"ratf\":\"0\",\"rate\":"), "accepted");
}

}  // namespace
}  // namespace margrave::margin::tests
