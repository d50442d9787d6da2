// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/venue_json.hpp"

#include <map>
#include <string>
#include <utility>

namespace margrave::margin::detail {
namespace {

Canonical number(const Money& value) {
    return Canonical(value.to_string_e18());
}

// One object a group; numbers without a group stand beside them.
class GroupWriter {
  public:
    void operator()(
        std::string_view group,
        std::string_view name,
        const Money& value,
        int /*least*/,
        int /*most*/
    ) {
        Canonical::Object& into = group.empty() ? top_ : groups_[std::string(group)];
        into.emplace(name, number(value));
    }

    void put(std::string_view group, std::string_view name, Canonical value) {
        groups_[std::string(group)].emplace(name, std::move(value));
    }

    Canonical::Object take() {
        for (auto& [group, members] : groups_) {
            top_.emplace(group, std::move(members));
        }
        return std::move(top_);
    }

  private:
    Canonical::Object top_;
    std::map<std::string, Canonical::Object> groups_;
};

Canonical canonical(const GridRules& rules) {
    GroupWriter writer;
    visit_grid(rules, writer);
    writer.put("volatility", "floor_s", Canonical::integer(rules.volatility.floor_s));
    Canonical::Array shocks;
    for (const Shock& shock : rules.shocks) {
        Canonical::Object out;
        out.emplace("damp", number(shock.damp));
        out.emplace("spot", number(shock.spot));
        out.emplace("volatility", std::string(to_string(shock.volatility)));
        shocks.push_back(Canonical(std::move(out)));
    }
    Canonical::Object out = writer.take();
    out.emplace("shocks", std::move(shocks));
    return Canonical(std::move(out));
}

Canonical canonical(const IsolatedRules& rules) {
    GroupWriter writer;
    visit_isolated(rules, writer);
    return Canonical(writer.take());
}

Canonical canonical(const PerpetualMarket& market, VenueMethod method) {
    Canonical::Object out;
    if (method == VenueMethod::kRatio) {
        Canonical::Object fractions;
        fractions.emplace("initial", number(market.fractions.initial));
        fractions.emplace("liquidation_end", number(market.fractions.liquidation_end));
        fractions.emplace("maintenance", number(market.fractions.maintenance));
        out.emplace("fractions", std::move(fractions));
    }
    out.emplace("market", to_hex(market.market));
    out.emplace("name", market.name);
    if (market.open_interest != InterestBand{}) {
        out.emplace(
            "open_interest",
            Canonical::Object{
                {"lower", number(market.open_interest.lower)},
                {"upper", number(market.open_interest.upper)}}
        );
    }
    return Canonical(std::move(out));
}

Canonical canonical(const OptionMarket& market) {
    Canonical::Object out;
    out.emplace("call", market.is_call);
    out.emplace("expiry", Canonical::integer(market.expiry));
    out.emplace("market", to_hex(market.market));
    out.emplace("name", market.name);
    out.emplace("strike", number(market.strike));
    out.emplace("volatility", number(market.volatility));
    return Canonical(std::move(out));
}

Canonical canonical(const VenueParameters& venue) {
    Canonical::Array perpetuals;
    for (const PerpetualMarket& market : venue.perpetuals) {
        perpetuals.push_back(canonical(market, venue.method));
    }
    Canonical::Array options;
    for (const OptionMarket& market : venue.option_markets) {
        options.push_back(canonical(market));
    }
    Canonical::Object out;
    if (venue.method == VenueMethod::kGrid) {
        out.emplace("grid", canonical(venue.grid));
    } else {
        Canonical::Object profit;
        profit.emplace("cap", number(venue.profit_cap));
        profit.emplace("weight", number(venue.profit_weight));
        out.emplace("options", canonical(venue.options));
        out.emplace("profit", std::move(profit));
    }
    out.emplace("method", std::string(to_string(venue.method)));
    out.emplace("option_markets", std::move(options));
    out.emplace("perpetuals", std::move(perpetuals));
    out.emplace("rate", number(venue.rate));
    if (!venue.settlement.empty()) {
        out.emplace("settlement", venue.settlement);
    }
    out.emplace("underlying", venue.underlying);
    return Canonical(std::move(out));
}

class GroupReader {
  public:
    explicit GroupReader(Reader in)
        : in_(std::move(in)) {}

    void operator()(
        std::string_view group, std::string_view name, Money& value, int /*least*/, int /*most*/
    ) {
        value = group.empty() ? in_.money(name) : in_.object(group).money(name);
    }

  private:
    Reader in_;
};

std::string item_path(Reader& in, std::string_view list, std::size_t index) {
    return in.path(list) + "/" + std::to_string(index);
}

GridRules read_grid(Reader in, std::optional<Error>& trouble) {
    GridRules out;
    GroupReader reader(in);
    visit_grid(out, reader);
    out.volatility.floor_s = in.object("volatility").integer("floor_s");
    for (const Canonical& item : in.array("shocks")) {
        Reader shock(item, item_path(in, "shocks", out.shocks.size()), trouble);
        const auto volatility = parse_volatility_shock(shock.text("volatility"));
        if (!volatility) {
            shock.refuse("volatility", "is no volatility shock");
        }
        out.shocks.push_back(
            {.spot = shock.money("spot"),
             .volatility = volatility.value_or(VolatilityShock::kNone),
             .damp = shock.money("damp")}
        );
    }
    return out;
}

PerpetualMarket read_perpetual(Reader in, VenueMethod method) {
    PerpetualMarket out;
    out.market = in.hash("market");
    out.name = in.text("name");
    if (method == VenueMethod::kRatio) {
        Reader fractions = in.object("fractions");
        out.fractions = {
            .initial = fractions.money("initial"),
            .liquidation_end = fractions.money("liquidation_end"),
            .maintenance = fractions.money("maintenance")};
    }
    if (in.has("open_interest")) {
        Reader band = in.object("open_interest");
        out.open_interest = {.lower = band.money("lower"), .upper = band.money("upper")};
    }
    return out;
}

OptionMarket read_option(Reader in) {
    return {
        .market = in.hash("market"),
        .name = in.text("name"),
        .is_call = in.flag("call"),
        .strike = in.money("strike"),
        .expiry = in.integer("expiry"),
        .volatility = in.money("volatility")};
}

VenueParameters read_venue(Reader in, std::optional<Error>& trouble) {
    VenueParameters out;
    out.underlying = in.text("underlying");
    out.rate = in.money("rate");
    if (in.has("settlement")) {
        out.settlement = in.text("settlement");
    }
    const auto method = parse_venue_method(in.text("method"));
    if (!method) {
        in.refuse("method", "is neither ratio nor grid");
        return out;
    }
    out.method = *method;
    if (out.method == VenueMethod::kGrid) {
        out.grid = read_grid(in.object("grid"), trouble);
    } else {
        out.profit_cap = in.object("profit").money("cap");
        out.profit_weight = in.object("profit").money("weight");
        GroupReader reader(in.object("options"));
        visit_isolated(out.options, reader);
    }
    for (const Canonical& item : in.array("perpetuals")) {
        const std::string where = item_path(in, "perpetuals", out.perpetuals.size());
        out.perpetuals.push_back(read_perpetual(Reader(item, where, trouble), out.method));
    }
    for (const Canonical& item : in.array("option_markets")) {
        const std::string where = item_path(in, "option_markets", out.option_markets.size());
        out.option_markets.push_back(read_option(Reader(item, where, trouble)));
    }
    return out;
}

}  // namespace

Canonical canonical(const std::vector<VenueParameters>& venues) {
    Canonical::Array out;
    for (const VenueParameters& venue : venues) {
        out.push_back(canonical(venue));
    }
    return Canonical(std::move(out));
}

std::vector<VenueParameters> read_venues(Reader& parameters, std::optional<Error>& trouble) {
    std::vector<VenueParameters> out;
    for (const Canonical& item : parameters.array("venues")) {
        const std::string where = item_path(parameters, "venues", out.size());
        out.push_back(read_venue(Reader(item, where, trouble), trouble));
    }
    return out;
}

}  // namespace margrave::margin::detail
