// SPDX-License-Identifier: Apache-2.0
#include "config/detail/build_markets.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

namespace margrave::config::detail {
namespace {

// The numbers of the rules that the document has, over the usual ones.
class GroupTaker {
  public:
    explicit GroupTaker(const Reader& in)
        : in_(in) {}

    void operator()(
        std::string_view group, std::string_view name, Money& value, int /*least*/, int /*most*/
    ) const {
        take(value, group.empty() ? in_.decimal(name) : in_.object(group).decimal(name));
    }

  private:
    const Reader& in_;
};

margin::Shock build_shock(const Reader& in) {
    margin::Shock out;
    take(out.spot, in.decimal("spot"));
    take(out.damp, in.decimal("damp"));
    if (const auto word = in.text("volatility")) {
        out.volatility = margin::parse_volatility_shock(*word).value_or(out.volatility);
    }
    return out;
}

margin::GridRules build_grid(const Reader& in) {
    margin::GridRules out = margin::usual_grid_rules();
    margin::visit_grid(out, GroupTaker(in));
    if (in.has("shocks")) {
        out.shocks.clear();
        for (std::size_t i = 0; i < in.size("shocks"); ++i) {
            out.shocks.push_back(build_shock(in.item("shocks", i)));
        }
    }
    return out;
}

margin::PerpetualMarket build_perpetual(const Reader& in) {
    margin::PerpetualMarket out;
    take(out.market, in.hash("market"));
    take(out.name, in.text("name"));
    const Reader fractions = in.object("fractions");
    take(out.fractions.initial, fractions.decimal("initial"));
    take(out.fractions.liquidation_end, fractions.decimal("liquidation_end"));
    take(out.fractions.maintenance, fractions.decimal("maintenance"));
    take(out.open_interest.lower, in.object("open_interest").decimal("lower"));
    take(out.open_interest.upper, in.object("open_interest").decimal("upper"));
    return out;
}

margin::OptionMarket build_option(const Reader& in) {
    margin::OptionMarket out;
    take(out.market, in.hash("market"));
    take(out.name, in.text("name"));
    out.is_call = in.text("kind").value_or("call") == "call";
    take(out.strike, in.decimal("strike"));
    take(out.expiry, in.count("expiry"));
    take(out.volatility, in.decimal("volatility"));
    return out;
}

template <class Market>
std::vector<std::size_t> sort_by_id(std::vector<Market>& markets) {
    std::vector<std::size_t> places(markets.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::ranges::stable_sort(places, {}, [&markets](std::size_t i) { return markets[i].market; });
    std::vector<Market> sorted;
    for (const std::size_t place : places) {
        sorted.push_back(markets[place]);
    }
    markets = std::move(sorted);
    return places;
}

std::pair<margin::VenueParameters, MarketPlaces> build_venue(const Reader& in) {
    margin::VenueParameters out;
    take(out.underlying, in.text("underlying"));
    take(out.settlement, in.text("settlement"));
    take(out.rate, in.decimal("rate"));
    if (const auto word = in.text("method")) {
        out.method = margin::parse_venue_method(*word).value_or(out.method);
    }
    if (out.method == margin::VenueMethod::kGrid) {
        out.grid = build_grid(in.object("grid"));
    } else {
        out.profit_weight = Money::whole(1);
        take(out.profit_weight, in.object("profit").decimal("weight"));
        take(out.profit_cap, in.object("profit").decimal("cap"));
        out.options = margin::usual_isolated_rules();
        margin::visit_isolated(out.options, GroupTaker(in.object("options")));
    }
    for (std::size_t i = 0; i < in.size("perpetuals"); ++i) {
        out.perpetuals.push_back(build_perpetual(in.item("perpetuals", i)));
    }
    for (std::size_t i = 0; i < in.size("option_markets"); ++i) {
        out.option_markets.push_back(build_option(in.item("option_markets", i)));
    }
    MarketPlaces places;
    places.perpetuals = sort_by_id(out.perpetuals);
    places.option_markets = sort_by_id(out.option_markets);
    return {std::move(out), std::move(places)};
}

}  // namespace

BuiltMarkets build_markets(const Reader& root) {
    std::vector<std::pair<margin::VenueParameters, MarketPlaces>> venues;
    for (std::size_t i = 0; i < root.size("markets"); ++i) {
        venues.push_back(build_venue(root.item("markets", i)));
        venues.back().second.venue = i;
    }
    std::ranges::stable_sort(venues, {}, [](const auto& venue) { return venue.first.underlying; });
    BuiltMarkets out;
    for (auto& [venue, places] : venues) {
        out.venues.push_back(std::move(venue));
        out.places.push_back(std::move(places));
    }
    return out;
}

}  // namespace margrave::config::detail
