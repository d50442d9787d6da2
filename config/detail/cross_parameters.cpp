// SPDX-License-Identifier: Apache-2.0
#include "config/detail/cross.hpp"
#include "margin/parameters.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace margrave::config::detail {
namespace {

// A set of parameters with nothing wrong, to stand in for parts that were already refused.
margin::LiquidationParameters sane_liquidation() {
    margin::LiquidationParameters out;
    out.close_factor = Money::whole(1);
    return out;
}

bool has_problem_below(const std::vector<Problem>& problems, const std::string& at) {
    return std::ranges::any_of(problems, [&](const Problem& problem) {
        return problem.pointer == at || problem.pointer.starts_with(at + "/");
    });
}

struct Subset {
    margin::Parameters parameters;
    /// Place among the built assets of each asset that is left.
    std::vector<std::size_t> built_places;
};

std::string place_of(const Built& built, std::size_t asset) {
    return "/assets/" + std::to_string(built.asset_places[asset]);
}

Subset without_refused(const Built& built, const std::vector<Problem>& problems) {
    Subset out;
    out.parameters = built.settings.parameters;
    out.parameters.assets.clear();
    for (std::size_t i = 0; i < built.settings.parameters.assets.size(); ++i) {
        if (!has_problem_below(problems, place_of(built, i))) {
            out.parameters.assets.push_back(built.settings.parameters.assets[i]);
            out.built_places.push_back(i);
        }
    }
    if (has_problem_below(problems, "/markets")) {
        out.parameters.venues.clear();
    }
    if (has_problem_below(problems, "/liquidation")) {
        out.parameters.liquidation = sane_liquidation();
    }
    return out;
}

// "/assets/0/on/1/backing" -> {"assets", "0", "on", "1", "backing"}
std::vector<std::string> parts_of(std::string_view pointer) {
    std::vector<std::string> out;
    while (!pointer.empty()) {
        const std::size_t next = pointer.find('/', 1);
        out.emplace_back(pointer.substr(1, next == std::string_view::npos ? next : next - 1));
        pointer = next == std::string_view::npos ? std::string_view{} : pointer.substr(next);
    }
    return out;
}

std::string member_of(const std::string& name) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kRenamed{
        {{"name", "id"},
         {"max_age_s", "price/max_age"},
         {"price_min", "price/min"},
         {"price_max", "price/max"},
         {"validity_s", "attestation/validity"},
         {"release_deadline_s", "attestation/release_deadline"},
         {"deadline_s", "deadline"},
         {"notice_s", "notice"},
         {"ramp_s", "ramp"}}};
    const auto* found =
        std::ranges::find(kRenamed, name, &std::pair<std::string_view, std::string_view>::first);
    return found == kRenamed.end() ? name : std::string(found->second);
}

// The place in the document of "/venues/v/perpetuals/m" and below.
std::string market_pointer(const Built& built, const std::vector<std::string>& parts) {
    const MarketPlaces& places = built.market_places.at(std::stoul(parts.at(1)));
    std::string out = "/markets/" + std::to_string(places.venue);
    for (std::size_t i = 2; i < parts.size(); ++i) {
        const bool perpetual = i == 3 && parts[2] == "perpetuals";
        const bool option = i == 3 && parts[2] == "option_markets";
        if (perpetual || option) {
            const auto& of = perpetual ? places.perpetuals : places.option_markets;
            out += "/" + std::to_string(of.at(std::stoul(parts[i])));
        } else {
            out += "/" + parts[i];
        }
    }
    return out;
}

// Where the config holds what margin names by its own, sorted, places.
std::string config_pointer(const Built& built, const Subset& subset, const std::string& where) {
    const std::vector<std::string> parts = parts_of(where);
    if (parts.size() > 1 && parts[0] == "venues") {
        return market_pointer(built, parts);
    }
    std::string out;
    std::size_t asset = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        out += '/';
        if (i == 1 && parts[0] == "assets") {
            asset = subset.built_places.at(std::stoul(parts[i]));
            out += std::to_string(built.asset_places[asset]);
        } else if (i == 3 && parts[0] == "assets" && parts[2] == "on") {
            out += std::to_string(built.form_places[asset].at(std::stoul(parts[i])));
        } else {
            out += member_of(parts[i]);
        }
    }
    return out;
}

// These two are reported by check_assets, with the place of the first in the config.
bool is_duplicate(const std::vector<std::string>& parts) {
    return parts.size() >= 3 && parts[0] == "assets" &&
           (parts.back() == "name" || (parts[2] == "on" && parts.back() == "asset"));
}

}  // namespace

void check_parameters(const Built& built, std::vector<Problem>& out) {
    const Subset subset = without_refused(built, out);
    if (subset.parameters.assets.empty()) {
        return;
    }
    std::vector<Problem> found;
    for (const margin::ParameterError& error : margin::check(subset.parameters)) {
        if (is_duplicate(parts_of(error.where))) {
            continue;
        }
        std::string pointer = config_pointer(built, subset, error.where);
        if (!has_problem_below(out, pointer)) {
            found.push_back({.pointer = std::move(pointer), .what = error.what});
        }
    }
    out.insert(out.end(), found.begin(), found.end());
}

}  // namespace margrave::config::detail
