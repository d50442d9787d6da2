// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/margin/bad_files.hpp"

#include "tests/unit/margin/venue_fixture.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace margrave::margin::tests {

Parameters full_parameters() {
    Parameters out = venue_parameters();
    out.max_head_age_s = 600;
    out.max_head_age_of[ChainId::evm(137)] = 1'200;
    out.notice_s = 86'400;
    Hash32 previous;
    previous.data[0] = 1;
    out.change =
        Change{.previous = previous, .from = UnixSeconds{1'700'000'000}, .ramp_s = 604'800};
    out.risk.bridge_tiers = {usd("0.02"), usd("0.1")};
    out.risk.lag_per_hour = usd("0.01");
    out.risk.correlations = {{.name = "dollars", .assets = {"dai", "usdc"}, .relief = usd("0.2")}};
    out.assets[2].cap = usd("1000000");
    out.assets[2].scale = {.deposits_from = usd("5000000"), .debts_from = usd("1000000")};
    out.assets[2].initial_price = {
        .confidence = usd("1"), .age_per_hour = usd("0.001"), .slow = true};
    out.assets[2].on[2].bridge_tier = 2;
    out.assets[2].on[2].cap = usd("50000");
    out.assets[2].on[2].pool_cap = usd("900000");
    out.venues[1].perpetuals[0].open_interest = {.lower = usd("1000"), .upper = usd("9000")};
    return out;
}

Canonical edited(const Canonical& document, std::string_view pointer, const Canonical* value) {
    const std::size_t end = pointer.find('/', 1);
    const std::string key(pointer.substr(1, end == std::string_view::npos ? end : end - 1));
    const std::string_view rest =
        end == std::string_view::npos ? std::string_view{} : pointer.substr(end);
    if (const auto* object = std::get_if<Canonical::Object>(&document.value())) {
        Canonical::Object out = *object;
        if (!rest.empty()) {
            out[key] = edited(out.at(key), rest, value);
        } else if (value == nullptr) {
            out.erase(key);
        } else {
            out[key] = *value;
        }
        return Canonical(std::move(out));
    }
    Canonical::Array out = std::get<Canonical::Array>(document.value());
    const std::size_t index = std::stoul(key);
    if (!rest.empty()) {
        out.at(index) = edited(out.at(index), rest, value);
    } else if (value == nullptr) {
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
        out.at(index) = *value;
    }
    return Canonical(std::move(out));
}

namespace {

Canonical e18(std::string_view decimal) {
    return Canonical(usd(decimal).to_string_e18());
}

std::vector<BadFile> bad_shapes() {
    return {
        {"/engine", "1", "/engine", "computes engine 3"},
        {"/engine", std::nullopt, "/engine", "is missing"},
        {"/engine", "two", "/engine", "two"},
        {"/validity_s", "0", "/validity_s", "from 1 to"},
        {"/validity_s", "604801", "/validity_s", "604801"},
        {"/validity_s", "18446744073709551616", "/validity_s", "18446744073709551616"},
        {"/release_deadline_s", "0", "/release_deadline_s", "from 1 to"},
        {"/max_head_age_s", "700000", "/max_head_age_s", "700000"},
        {"/max_head_age_of/137", "60", "/max_head_age_of/137", "137"},
        {"/max_head_age_of/eip155:137", "0", "/max_head_age_of/eip155:137", "is 0"},
        {"/notice_s", "99999999", "/notice_s", "at most"},
        {"/change/ramp_s", "99999999", "/change/ramp_s", "at most"},
        {"/change/from", "0", "/change/from", "is 0"},
        {"/change/previous",
         "0x0000000000000000000000000000000000000000000000000000000000000000",
         "/change/previous",
         "is zero"},
        {"/change/previous", "0x00", "/change/previous", "64 digits"},
        {"/change/previous", std::nullopt, "/change/previous", "is missing"},
        {"/change/previous", "0x" + std::string(64, 'A'), "/change/previous", "canonical"},
        {"/surprise", "1", "/surprise", "unknown"},
        {"/assets/2/colour", "red", "/assets/2/colour", "unknown"},
        {"/assets/2/on/1/weight", "1", "/assets/2/on/1/weight", "unknown"},
        {"/assets/2/debt/final", "1", "/assets/2/debt/final", "unknown"},
        {"/assets/0/cap", "0", "/assets/0/cap", "unknown"},
        {"/assets", Canonical::Array{}, "/assets", "is empty"},
        {"/assets", "none", "/assets", "is not an array"},
        {"/assets/2", Canonical::Array{}, "/assets/2", "is not an object"},
        {"/assets/2/name", "eth!", "/assets/2/name", "a-z"},
        {"/assets/2/name", "dai", "/assets/2/name", "there twice"},
        {"/assets/2/name", "a", "/assets/2/name", "must ascend"},
        {"/assets/2/decimals", "37", "/assets/2/decimals", "at most 36"},
        {"/assets/2/decimals", "-1", "/assets/2/decimals", "-1"},
        {"/assets/2/max_age_s", "0", "/assets/2/max_age_s", "from 1 to"},
        {"/assets/2/on", Canonical::Array{}, "/assets/2/on", "no chain"},
        {"/assets/2/on/1/asset", usdc_on(10).text(), "/assets/4/on/1/asset", "already at"},
        {"/assets/2/on/1/asset", "eth", "/assets/2/on/1/asset", "eth"},
        {"/assets/2/borrowable", "yes", "/assets/2/borrowable", "is not a bool"},
    };
}

std::vector<BadFile> bad_weights() {
    return {
        {"/assets/2/collateral/initial", e18("-0.1"), "/assets/2/collateral/initial", "from 0"},
        {"/assets/2/collateral/maintenance",
         e18("1.1"),
         "/assets/2/collateral/maintenance",
         "to 1"},
        {"/assets/2/collateral/initial", e18("0.81"), "/assets/2/collateral/initial", "is above"},
        {"/assets/2/collateral/liquidation_end",
         e18("0.9"),
         "/assets/2/collateral/liquidation_end",
         "is above"},
        {"/assets/2/collateral/initial", "0.75", "/assets/2/collateral/initial", "0.75"},
        {"/assets/2/debt/maintenance", e18("0.9"), "/assets/2/debt/maintenance", "from 1"},
        {"/assets/2/debt/initial", e18("11"), "/assets/2/debt/initial", "to 10"},
        {"/assets/2/debt/initial", e18("1.1"), "/assets/2/debt/liquidation_end", "is above"},
        {"/assets/2/max_bonus", e18("0.5"), "/assets/2/max_bonus", "from 1"},
        {"/assets/2/max_bonus", e18("0"), "/assets/2/max_bonus", "never seized"},
        {"/assets/2/max_bonus", e18("1.5"), "/assets/2/max_bonus", "cannot heal"},
        {"/assets/2/price_min", e18("0"), "/assets/2/price_min", "above 0"},
        {"/assets/2/price_max", e18("0.0000001"), "/assets/2/price_max", "above price_min"},
        {"/assets/2/on/2/backing", e18("0"), "/assets/2/on/2/backing", "above 0"},
        {"/assets/2/on/2/backing", e18("1.01"), "/assets/2/on/2/backing", "at most 1"},
        {"/liquidation/close_factor", e18("0"), "/liquidation/close_factor", "above 0"},
        {"/liquidation/close_factor", e18("1.1"), "/liquidation/close_factor", "at most 1"},
        {"/liquidation/target_buffer", e18("2"), "/liquidation/target_buffer", "to 1"},
        {"/liquidation/close_all_below", e18("-1"), "/liquidation/close_all_below", "negative"},
        {"/liquidation/dust", e18("-1"), "/liquidation/dust", "negative"},
        {"/liquidation/deadline_s", "0", "/liquidation/deadline_s", "from 1 to"},
        {"/liquidation/bonus", e18("1"), "/liquidation/bonus", "unknown"},
    };
}

std::vector<BadFile> bad_haircuts() {
    return {
        {"/assets/2/cap", e18("-1"), "/assets/2/cap", "negative"},
        {"/assets/2/cap", e18("99999999999"), "/assets/2/cap", "2^96"},
        {"/assets/2/on/2/cap", e18("-1"), "/assets/2/on/2/cap", "negative"},
        {"/assets/2/on/2/pool_cap", e18("-1"), "/assets/2/on/2/pool_cap", "negative"},
        {"/assets/2/on/2/bridge_tier", "3", "/assets/2/on/2/bridge_tier", "there are 2 tiers"},
        {"/assets/2/scale/debts_from", e18("-1"), "/assets/2/scale/debts_from", "negative"},
        {"/assets/2/scale/deposits_from", e18("-5"), "/assets/2/scale/deposits_from", "negative"},
        {"/assets/2/initial_price/confidence",
         e18("101"),
         "/assets/2/initial_price/confidence",
         "to 100"},
        {"/assets/2/initial_price/age_per_hour",
         e18("1.5"),
         "/assets/2/initial_price/age_per_hour",
         "to 1"},
        {"/risk/lag_per_hour", e18("2"), "/risk/lag_per_hour", "to 1"},
        {"/risk/lead_per_hour", e18("2"), "/risk/lead_per_hour", "unknown"},
        {"/risk/bridge_tiers/0", e18("0.2"), "/risk/bridge_tiers/1", "must ascend"},
        {"/risk/bridge_tiers/1", e18("1.2"), "/risk/bridge_tiers/1", "to 1"},
        {"/risk/correlations/0/relief", e18("1"), "/risk/correlations/0/relief", "between 0 and 1"},
        {"/risk/correlations/0/relief", e18("0"), "/risk/correlations/0/relief", "between 0 and 1"},
        {"/risk/correlations/0/relief", e18("0.99"), "/assets/1/max_bonus", "relief"},
        {"/risk/correlations/0/name", "", "/risk/correlations/0/name", "1 to 32"},
        {"/risk/correlations/0/assets/1", "doge", "/risk/correlations/0/assets/1", "is no asset"},
        {"/risk/correlations/0/assets/1", "dai", "/risk/correlations/0/assets/1", "must ascend"},
        {"/risk/correlations/0/assets/1",
         std::nullopt,
         "/risk/correlations/0/assets",
         "fewer than two"},
    };
}

std::vector<BadFile> bad_venues() {
    return {
        {"/venues/1/underlying", "doge", "/venues/1/underlying", "is no asset"},
        {"/venues/1/underlying", "btc", "/venues/1/underlying", "must ascend"},
        {"/venues/1/method", "guess", "/venues/1/method", "neither ratio nor grid"},
        {"/venues/1/rate", e18("1.5"), "/venues/1/rate", "to 1"},
        {"/venues/1/perpetuals/0/fee", "1", "/venues/1/perpetuals/0/fee", "unknown"},
        {"/venues/0/grid/shocks/0/time", "1", "/venues/0/grid/shocks/0/time", "unknown"},
        {"/venues/1/profit/weight", e18("1.5"), "/venues/1/profit/weight", "to 1"},
        {"/venues/1/profit/cap", e18("-1"), "/venues/1/profit/cap", "negative"},
        {"/venues/1/perpetuals/0/fractions/maintenance",
         e18("0"),
         "/venues/1/perpetuals/0/fractions/maintenance",
         "above 0"},
        {"/venues/1/perpetuals/0/fractions/initial",
         e18("0.0001"),
         "/venues/1/perpetuals/0/fractions/liquidation_end",
         "is above"},
        {"/venues/1/perpetuals/0/open_interest/lower",
         e18("-1"),
         "/venues/1/perpetuals/0/open_interest/lower",
         "negative"},
        {"/venues/1/perpetuals/0/open_interest/upper",
         e18("1000"),
         "/venues/1/perpetuals/0/open_interest/upper",
         "above lower"},
        {"/venues/1/option_markets/0/strike",
         e18("0"),
         "/venues/1/option_markets/0/strike",
         "above 0"},
        {"/venues/1/option_markets/0/expiry", "0", "/venues/1/option_markets/0/expiry", "is 0"},
        {"/venues/1/option_markets/0/volatility",
         e18("21"),
         "/venues/1/option_markets/0/volatility",
         "at most 20"},
        {"/venues/1/options/put_offset", e18("0.9"), "/venues/1/options/put_offset", "from 1"},
        {"/venues/0/grid/factor/initial",
         e18("0.1"),
         "/venues/0/grid/factor/liquidation_end",
         "above"},
        {"/venues/0/grid/shocks/0/spot", e18("0"), "/venues/0/grid/shocks/0/spot", "above 0"},
        {"/venues/0/grid/shocks/0/damp", e18("2"), "/venues/0/grid/shocks/0/damp", "at most 1"},
    };
}

}  // namespace

std::vector<BadFile> bad_files() {
    std::vector<BadFile> out = bad_shapes();
    for (std::vector<BadFile> more : {bad_weights(), bad_haircuts(), bad_venues()}) {
        std::ranges::move(more, std::back_inserter(out));
    }
    return out;
}

std::string bad_text(const Canonical& good, const BadFile& bad) {
    return edited(good, bad.pointer, bad.value ? &*bad.value : nullptr).dump();
}

}  // namespace margrave::margin::tests
