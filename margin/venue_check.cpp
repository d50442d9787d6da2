// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/venue_check.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace margrave::margin::detail {
namespace {

constexpr std::size_t kNameMax = 32;
constexpr std::size_t kShocksMax = 1'000;
constexpr std::int64_t kVolatilityMax = 20;
constexpr std::int64_t kSpotShockMax = 10;

bool is_skew(const Shock& shock) {
    return shock.volatility == VolatilityShock::kLinearSkew ||
           shock.volatility == VolatilityShock::kAbsoluteSkew;
}

bool is_name(const std::string& name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    };
    return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, allowed);
}

class VenueChecker {
  public:
    explicit VenueChecker(const Parameters& parameters)
        : parameters_(parameters) {}

    std::vector<ParameterError> run() {
        for (std::size_t i = 0; i < parameters_.venues.size(); ++i) {
            at_ = "/venues/" + std::to_string(i);
            check_venue(parameters_.venues[i]);
            if (i > 0 && parameters_.venues[i].underlying <= parameters_.venues[i - 1].underlying) {
                refuse("/underlying", "must ascend and be there once");
            }
        }
        return std::move(errors_);
    }

  private:
    void refuse(const std::string& where, std::string what) {
        errors_.push_back({.where = at_ + where, .what = std::move(what)});
    }

    void check_range(
        const std::string& where, const Money& value, const Money& low, const Money& high
    ) {
        if (value < low || value > high) {
            refuse(
                where,
                "is " + value.to_decimal() + "; it must be from " + low.to_decimal() + " to " +
                    high.to_decimal()
            );
        }
    }

    void check_positive(const std::string& where, const Money& value, const Money& most) {
        if (value.sign() <= 0 || value > most) {
            refuse(
                where,
                "is " + value.to_decimal() + "; it must be above 0 and at most " + most.to_decimal()
            );
        }
    }

    // Requirements grow from maintenance to initial.
    void check_order(
        const std::string& where, const Money& smaller, const Money& larger, const char* what
    ) {
        if (smaller > larger) {
            refuse(
                where,
                smaller.to_decimal() + " is above " + std::string(what) + " " + larger.to_decimal()
            );
        }
    }

    void check_venue(const VenueParameters& venue) {
        const auto asset =
            std::ranges::find(parameters_.assets, venue.underlying, &AssetParameters::name);
        if (asset == parameters_.assets.end()) {
            refuse("/underlying", "\"" + venue.underlying + "\" is no asset of the parameters");
        } else if (!in_bounds(asset->price_max)) {
            refuse("/underlying", "its price_max is 2^96 units of 1e-18 or more");
        }
        check_settlement(venue);
        check_range("/rate", venue.rate, Money{}, Money::whole(1));
        if (venue.perpetuals.empty() && venue.option_markets.empty()) {
            refuse("/perpetuals", "and option_markets are both empty");
        }
        check_perpetuals(venue);
        check_options(venue);
        if (venue.method == VenueMethod::kGrid) {
            check_grid(venue.grid);
        } else {
            check_ratio(venue);
        }
    }

    void check_settlement(const VenueParameters& venue) {
        if (venue.settlement.empty()) {
            return;
        }
        const auto asset =
            std::ranges::find(parameters_.assets, venue.settlement, &AssetParameters::name);
        if (asset == parameters_.assets.end()) {
            refuse("/settlement", "\"" + venue.settlement + "\" is no asset of the parameters");
        } else if (!in_bounds(asset->price_max)) {
            refuse("/settlement", "its price_max is 2^96 units of 1e-18 or more");
        }
        if (venue.method != VenueMethod::kGrid) {
            refuse("/settlement", "has no meaning without the grid");
        }
    }

    void check_market(
        const std::string& where,
        const Hash32& market,
        const std::string& name,
        const Hash32* before
    ) {
        if (market == Hash32{}) {
            refuse(where + "/market", "is zero");
        }
        const auto [first, added] = seen_.emplace(market, at_ + where);
        if (!added) {
            refuse(where + "/market", to_hex(market) + " is already at " + first->second);
        } else if (before != nullptr && market < *before) {
            refuse(where + "/market", "markets must ascend");
        }
        if (!is_name(name)) {
            refuse(where + "/name", "must be 1 to 32 characters of a-z, 0-9, - and _");
        }
    }

    void check_perpetuals(const VenueParameters& venue) {
        const Money one = Money::whole(1);
        for (std::size_t i = 0; i < venue.perpetuals.size(); ++i) {
            const PerpetualMarket& market = venue.perpetuals[i];
            const std::string where = "/perpetuals/" + std::to_string(i);
            check_market(
                where,
                market.market,
                market.name,
                i == 0 ? nullptr : &venue.perpetuals[i - 1].market
            );
            const Fractions& f = market.fractions;
            if (venue.method == VenueMethod::kGrid) {
                if (f != Fractions{}) {
                    refuse(where + "/fractions", "have no meaning under the grid");
                }
                if (market.open_interest != InterestBand{}) {
                    refuse(where + "/open_interest", "has no meaning under the grid");
                }
                continue;
            }
            check_positive(where + "/fractions/maintenance", f.maintenance, one);
            check_positive(where + "/fractions/liquidation_end", f.liquidation_end, one);
            check_positive(where + "/fractions/initial", f.initial, one);
            check_order(
                where + "/fractions/maintenance",
                f.maintenance,
                f.liquidation_end,
                "liquidation_end"
            );
            check_order(
                where + "/fractions/liquidation_end", f.liquidation_end, f.initial, "initial"
            );
            check_interest(where + "/open_interest", market.open_interest);
        }
    }

    void check_interest(const std::string& where, const InterestBand& band) {
        if (band == InterestBand{}) {
            return;
        }
        if (band.lower.is_negative()) {
            refuse(where + "/lower", "is negative");
        }
        if (band.upper <= band.lower || !in_bounds(band.upper)) {
            refuse(where + "/upper", "must be above lower and below 2^96 units of 1e-18");
        }
    }

    void check_options(const VenueParameters& venue) {
        for (std::size_t i = 0; i < venue.option_markets.size(); ++i) {
            const OptionMarket& market = venue.option_markets[i];
            const std::string where = "/option_markets/" + std::to_string(i);
            check_market(
                where,
                market.market,
                market.name,
                i == 0 ? nullptr : &venue.option_markets[i - 1].market
            );
            if (market.strike.sign() <= 0 || !in_bounds(market.strike)) {
                refuse(where + "/strike", "must be above 0 and below 2^96 units of 1e-18");
            }
            if (market.expiry == 0) {
                refuse(where + "/expiry", "is 0");
            }
            check_positive(where + "/volatility", market.volatility, Money::whole(kVolatilityMax));
        }
    }

    void check_ratio(const VenueParameters& venue) {
        check_range("/profit/weight", venue.profit_weight, Money{}, Money::whole(1));
        if (venue.profit_cap.is_negative() || !in_bounds(venue.profit_cap)) {
            refuse("/profit/cap", "must not be negative, and be below 2^96 units of 1e-18");
        }
        const IsolatedRules& r = venue.options;
        visit_isolated(
            r,
            [this](std::string_view, std::string_view name, const Money& value, int low, int high) {
                check_range(
                    "/options/" + std::string(name), value, Money::whole(low), Money::whole(high)
                );
            }
        );
        const std::string at = "/options/";
        check_order(at + "initial_least", r.initial_least, r.initial_most, "initial_most");
        check_order(at + "maintenance_call", r.maintenance_call, r.initial_least, "initial_least");
        check_order(at + "maintenance_put", r.maintenance_put, r.initial_least, "initial_least");
        check_order(
            at + "unpaired_maintenance",
            r.unpaired_maintenance,
            r.unpaired_initial,
            "unpaired_initial"
        );
    }

    void check_grid(const GridRules& grid) {
        visit_grid(
            grid,
            [this](
                std::string_view group, std::string_view name, const Money& value, int low, int high
            ) {
                const std::string where = group.empty() ? "" : "/" + std::string(group);
                check_range(
                    "/grid" + where + "/" + std::string(name),
                    value,
                    Money::whole(low),
                    Money::whole(high)
                );
            }
        );
        const std::string at = "/grid/factor/";
        check_order(
            at + "maintenance",
            grid.maintenance_factor,
            grid.liquidation_end_factor,
            "liquidation_end"
        );
        check_order(
            at + "liquidation_end", grid.liquidation_end_factor, grid.initial_factor, "initial"
        );
        if (grid.maintenance_factor.is_zero()) {
            refuse(at + "maintenance", "is 0, so no scenario would count");
        }
        if (grid.volatility.floor_s == 0) {
            refuse("/grid/volatility/floor_s", "is 0");
        }
        check_shocks(grid);
    }

    void check_shocks(const GridRules& grid) {
        const Money one = Money::whole(1);
        if (grid.shocks.empty() || grid.shocks.size() > kShocksMax) {
            refuse("/grid/shocks", "must be 1 to 1000");
            return;
        }
        bool up = false;
        bool down = false;
        for (std::size_t i = 0; i < grid.shocks.size(); ++i) {
            const Shock& shock = grid.shocks[i];
            const std::string where = "/grid/shocks/" + std::to_string(i);
            check_positive(where + "/spot", shock.spot, Money::whole(kSpotShockMax));
            check_positive(where + "/damp", shock.damp, one);
            if (is_skew(shock) && shock.spot != one) {
                refuse(where + "/spot", "must be 1 with a skew shock");
            }
            up = up || shock.spot > one;
            down = down || shock.spot < one;
        }
        if (!up || !down) {
            refuse("/grid/shocks", "need a move up and a move down");
        }
        if (!damped_loss(grid.shocks)) {
            refuse(
                "/grid/shocks",
                "damp times the move is not the same for all damped shocks: a linear position "
                "would lose more in one extreme than in another"
            );
        }
    }

    const Parameters& parameters_;
    std::string at_;
    std::map<Hash32, std::string> seen_;
    std::vector<ParameterError> errors_;
};

}  // namespace

std::vector<ParameterError> check_venues(const Parameters& parameters) {
    return VenueChecker(parameters).run();
}

}  // namespace margrave::margin::detail
