// SPDX-License-Identifier: Apache-2.0
#include "margin/parameters.hpp"

#include "margin/detail/parameter_reader.hpp"
#include "margin/detail/venue_json.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace margrave::margin {
namespace {

Canonical e18(const Money& value) {
    return Canonical(value.to_string_e18());
}

Canonical canonical(const Weights& weights) {
    Canonical::Object out;
    out.emplace("initial", e18(weights.initial));
    out.emplace("liquidation_end", e18(weights.liquidation_end));
    out.emplace("maintenance", e18(weights.maintenance));
    return Canonical(std::move(out));
}

// What is not given has no member: older parameters keep their bytes.
void put_given(Canonical::Object& out, std::string_view name, const Money& value) {
    if (!value.is_zero()) {
        out.emplace(name, e18(value));
    }
}

Canonical canonical(const AssetOnChain& form) {
    Canonical::Object out;
    out.emplace("asset", form.asset.text());
    out.emplace("backing", e18(form.backing));
    if (form.bridge_tier != 0) {
        out.emplace("bridge_tier", Canonical::integer(form.bridge_tier));
    }
    put_given(out, "cap", form.cap);
    if (!form.early.empty()) {
        Canonical::Array tiers;
        for (const EarlyTier& tier : form.early) {
            tiers.push_back(Canonical::Object{
                {"blocks", Canonical::integer(tier.blocks)}, {"up_to", tier.up_to.to_string()}});
        }
        out.emplace("early", std::move(tiers));
        out.emplace("early_total", form.early_total.to_string());
    }
    put_given(out, "pool_cap", form.pool_cap);
    return Canonical(std::move(out));
}

Canonical canonical(const InitialPrice& price) {
    Canonical::Object out;
    put_given(out, "age_per_hour", price.age_per_hour);
    put_given(out, "confidence", price.confidence);
    if (price.slow) {
        out.emplace("slow", true);
    }
    return Canonical(std::move(out));
}

Canonical canonical(const AssetParameters& asset) {
    Canonical::Array forms;
    for (const AssetOnChain& form : asset.on) {
        forms.push_back(canonical(form));
    }
    Canonical::Object out;
    out.emplace("borrowable", asset.borrowable);
    put_given(out, "cap", asset.cap);
    out.emplace("collateral", canonical(asset.collateral));
    out.emplace("debt", canonical(asset.debt));
    out.emplace("decimals", Canonical::integer(asset.decimals));
    if (asset.initial_price != InitialPrice{}) {
        out.emplace("initial_price", canonical(asset.initial_price));
    }
    if (!asset.market_capacity.is_zero()) {
        Canonical::Object market;
        market.emplace("capacity", e18(asset.market_capacity));
        market.emplace("window_s", Canonical::integer(asset.market_window_s));
        out.emplace("market", std::move(market));
    }
    out.emplace("max_age_s", Canonical::integer(asset.max_age_s));
    out.emplace("max_bonus", e18(asset.max_bonus));
    out.emplace("name", asset.name);
    out.emplace("on", std::move(forms));
    out.emplace("price_max", e18(asset.price_max));
    out.emplace("price_min", e18(asset.price_min));
    if (asset.scale != PoolScale{}) {
        Canonical::Object scale;
        put_given(scale, "debts_from", asset.scale.debts_from);
        put_given(scale, "deposits_from", asset.scale.deposits_from);
        out.emplace("scale", std::move(scale));
    }
    return Canonical(std::move(out));
}

Canonical canonical(const RiskParameters& risk) {
    Canonical::Object out;
    if (!risk.bridge_tiers.empty()) {
        Canonical::Array tiers;
        for (const Money& haircut : risk.bridge_tiers) {
            tiers.push_back(e18(haircut));
        }
        out.emplace("bridge_tiers", std::move(tiers));
    }
    if (!risk.correlations.empty()) {
        Canonical::Array rows;
        for (const Correlation& correlation : risk.correlations) {
            Canonical::Array assets;
            for (const std::string& asset : correlation.assets) {
                assets.emplace_back(asset);
            }
            rows.push_back(Canonical::Object{
                {"assets", std::move(assets)},
                {"name", correlation.name},
                {"relief", e18(correlation.relief)}});
        }
        out.emplace("correlations", std::move(rows));
    }
    put_given(out, "lag_per_hour", risk.lag_per_hour);
    return Canonical(std::move(out));
}

Canonical canonical(const LiquidationParameters& liquidation) {
    Canonical::Object out;
    if (liquidation.bonus_ramp_s != 0) {
        Canonical::Object ramp;
        ramp.emplace("seconds", Canonical::integer(liquidation.bonus_ramp_s));
        ramp.emplace("start", e18(liquidation.bonus_start));
        out.emplace("bonus_ramp", std::move(ramp));
    }
    out.emplace("close_all_below", e18(liquidation.close_all_below));
    out.emplace("close_factor", e18(liquidation.close_factor));
    out.emplace("deadline_s", Canonical::integer(liquidation.deadline_s));
    out.emplace("dust", e18(liquidation.dust));
    out.emplace("target_buffer", e18(liquidation.target_buffer));
    return Canonical(std::move(out));
}

using detail::Reader;

Weights read_weights(Reader in) {
    return {
        .initial = in.money("initial"),
        .liquidation_end = in.money("liquidation_end"),
        .maintenance = in.money("maintenance")};
}

LiquidationParameters read_liquidation(Reader in) {
    LiquidationParameters out;
    out.target_buffer = in.money("target_buffer");
    out.close_factor = in.money("close_factor");
    out.close_all_below = in.money("close_all_below");
    out.dust = in.money("dust");
    out.deadline_s = in.integer("deadline_s");
    if (in.has("bonus_ramp")) {
        Reader ramp = in.object("bonus_ramp");
        out.bonus_ramp_s = ramp.integer("seconds");
        out.bonus_start = ramp.money("start");
    }
    return out;
}

std::map<ChainId, std::uint64_t> read_ages(Reader in) {
    std::map<ChainId, std::uint64_t> out;
    for (const std::string& name : in.keys()) {
        Result<ChainId> chain = ChainId::parse(name);
        if (!chain) {
            in.refuse(name, chain.error().detail);
            return out;
        }
        out.emplace(std::move(chain).value(), in.integer(name));
    }
    return out;
}

Money read_given(Reader& in, std::string_view key) {
    return in.has(key) ? in.money(key) : Money{};
}

AssetOnChain read_form(Reader in, std::optional<Error>& trouble) {
    AssetOnChain out;
    out.asset = in.asset("asset");
    out.backing = in.money("backing");
    out.cap = read_given(in, "cap");
    out.pool_cap = read_given(in, "pool_cap");
    if (in.has("early")) {
        for (const Canonical& item : in.array("early")) {
            const std::string where = in.path("early") + "/" + std::to_string(out.early.size());
            Reader tier(item, where, trouble);
            out.early.push_back({.blocks = tier.integer("blocks"), .up_to = tier.amount("up_to")});
        }
        out.early_total = in.amount("early_total");
    }
    if (in.has("bridge_tier")) {
        out.bridge_tier = in.integer("bridge_tier");
    }
    return out;
}

InitialPrice read_initial_price(Reader in) {
    InitialPrice out;
    out.age_per_hour = read_given(in, "age_per_hour");
    out.confidence = read_given(in, "confidence");
    out.slow = in.has("slow") && in.flag("slow");
    return out;
}

std::string read_name(const Canonical& item, Reader& in, std::string_view list) {
    const auto* text = std::get_if<std::string>(&item.value());
    if (text == nullptr) {
        in.refuse(list, "has something else than text");
    }
    return text == nullptr ? std::string{} : *text;
}

RiskParameters read_risk(Reader in, std::optional<Error>& trouble) {
    RiskParameters out;
    if (in.has("bridge_tiers")) {
        for (const Canonical& item : in.array("bridge_tiers")) {
            auto haircut = Money::parse_e18(read_name(item, in, "bridge_tiers"));
            if (!haircut) {
                in.refuse("bridge_tiers", haircut.error().detail);
                break;
            }
            out.bridge_tiers.push_back(std::move(haircut).value());
        }
    }
    out.lag_per_hour = read_given(in, "lag_per_hour");
    if (!in.has("correlations")) {
        return out;
    }
    for (const Canonical& item : in.array("correlations")) {
        const std::string where =
            in.path("correlations") + "/" + std::to_string(out.correlations.size());
        Reader row(item, where, trouble);
        Correlation correlation;
        correlation.name = row.text("name");
        correlation.relief = row.money("relief");
        for (const Canonical& asset : row.array("assets")) {
            correlation.assets.push_back(read_name(asset, row, "assets"));
        }
        out.correlations.push_back(std::move(correlation));
    }
    return out;
}

AssetParameters read_asset(Reader in, std::optional<Error>& trouble) {
    AssetParameters out;
    out.name = in.text("name");
    out.decimals = in.small_integer("decimals");
    out.collateral = read_weights(in.object("collateral"));
    out.debt = read_weights(in.object("debt"));
    out.borrowable = in.flag("borrowable");
    out.max_bonus = in.money("max_bonus");
    for (const Canonical& item : in.array("on")) {
        const std::string where = in.path("on") + "/" + std::to_string(out.on.size());
        out.on.push_back(read_form(Reader(item, where, trouble), trouble));
    }
    if (in.has("market")) {
        Reader market = in.object("market");
        out.market_capacity = market.money("capacity");
        out.market_window_s = market.integer("window_s");
    }
    out.max_age_s = in.integer("max_age_s");
    out.price_min = in.money("price_min");
    out.price_max = in.money("price_max");
    out.cap = read_given(in, "cap");
    if (in.has("initial_price")) {
        out.initial_price = read_initial_price(in.object("initial_price"));
    }
    if (in.has("scale")) {
        Reader scale = in.object("scale");
        out.scale.deposits_from = read_given(scale, "deposits_from");
        out.scale.debts_from = read_given(scale, "debts_from");
    }
    return out;
}

// Where a document first differs from what was understood of it, and how.
std::string difference(const Canonical& given, const Canonical& known, const std::string& where) {
    const auto* members = std::get_if<Canonical::Object>(&given.value());
    const auto* known_members = std::get_if<Canonical::Object>(&known.value());
    if (members != nullptr && known_members != nullptr) {
        for (const auto& [key, value] : *members) {
            const auto found = known_members->find(key);
            if (found == known_members->end()) {
                return where + "/" + key + ": is unknown, or is left out where it says nothing";
            }
            if (found->second != value) {
                return difference(value, found->second, where + "/" + key);
            }
        }
    }
    const auto* items = std::get_if<Canonical::Array>(&given.value());
    const auto* known_items = std::get_if<Canonical::Array>(&known.value());
    if (items != nullptr && known_items != nullptr) {
        for (std::size_t i = 0; i < std::min(items->size(), known_items->size()); ++i) {
            if ((*items)[i] != (*known_items)[i]) {
                return difference((*items)[i], (*known_items)[i], where + "/" + std::to_string(i));
            }
        }
    }
    return where + ": is not in its canonical spelling";
}

}  // namespace

const AssetParameters* Parameters::find(const AssetId& asset) const {
    for (const AssetParameters& candidate : assets) {
        for (const AssetOnChain& form : candidate.on) {
            if (form.asset == asset) {
                return &candidate;
            }
        }
    }
    return nullptr;
}

const AssetOnChain* Parameters::find_on(const AssetId& asset) const {
    for (const AssetParameters& candidate : assets) {
        for (const AssetOnChain& form : candidate.on) {
            if (form.asset == asset) {
                return &form;
            }
        }
    }
    return nullptr;
}

std::uint64_t Parameters::head_age_limit(const ChainId& chain) const {
    const auto own = max_head_age_of.find(chain);
    return own == max_head_age_of.end() ? max_head_age_s : own->second;
}

Canonical canonical(const Parameters& parameters) {
    Canonical::Array assets;
    for (const AssetParameters& asset : parameters.assets) {
        assets.push_back(canonical(asset));
    }
    Canonical::Object out;
    out.emplace("assets", std::move(assets));
    out.emplace("engine", Canonical::integer(parameters.engine));
    out.emplace("liquidation", canonical(parameters.liquidation));
    if (parameters.max_head_age_s != 0) {
        Canonical::Object ages;
        for (const auto& [chain, seconds] : parameters.max_head_age_of) {
            ages.emplace(chain.text(), Canonical::integer(seconds));
        }
        out.emplace("max_head_age_of", std::move(ages));
        out.emplace("max_head_age_s", Canonical::integer(parameters.max_head_age_s));
    }
    out.emplace("release_deadline_s", Canonical::integer(parameters.release_deadline_s));
    if (parameters.risk != RiskParameters{}) {
        out.emplace("risk", canonical(parameters.risk));
    }
    out.emplace("validity_s", Canonical::integer(parameters.validity_s));
    if (!parameters.venues.empty()) {
        out.emplace("venues", detail::canonical(parameters.venues));
    }
    if (parameters.notice_s != 0) {
        out.emplace("notice_s", Canonical::integer(parameters.notice_s));
    }
    if (parameters.change) {
        out.emplace(
            "change",
            Canonical::Object{
                {"from", Canonical::integer(parameters.change->from.value)},
                {"previous", to_hex(parameters.change->previous)},
                {"ramp_s", Canonical::integer(parameters.change->ramp_s)}}
        );
    }
    if (!parameters.watches.empty()) {
        out.emplace("watches", parameters.watches);
    }
    return Canonical(std::move(out));
}

Result<Parameters> parse_parameters(std::string_view canonical_text) {
    MARGRAVE_TRY(const Canonical document, parse_canonical(canonical_text));
    std::optional<Error> trouble;
    Reader in(document, "", trouble);
    Parameters out;
    out.engine = in.integer("engine");
    out.validity_s = in.integer("validity_s");
    out.release_deadline_s = in.integer("release_deadline_s");
    // Parameters that were signed before there was a limit have neither member and mean none.
    if (in.has("max_head_age_s")) {
        out.max_head_age_s = in.integer("max_head_age_s");
        out.max_head_age_of = read_ages(in.object("max_head_age_of"));
    }
    out.liquidation = read_liquidation(in.object("liquidation"));
    for (const Canonical& item : in.array("assets")) {
        const std::string where = "/assets/" + std::to_string(out.assets.size());
        out.assets.push_back(read_asset(Reader(item, where, trouble), trouble));
    }
    if (in.has("watches")) {
        out.watches = in.array("watches");
    }
    if (in.has("venues")) {
        out.venues = detail::read_venues(in, trouble);
    }
    if (in.has("notice_s")) {
        out.notice_s = in.integer("notice_s");
    }
    if (in.has("change")) {
        Reader change = in.object("change");
        out.change = {
            .previous = change.hash("previous"),
            .from = UnixSeconds{change.integer("from")},
            .ramp_s = change.integer("ramp_s")};
    }
    if (in.has("risk")) {
        out.risk = read_risk(in.object("risk"), trouble);
    }
    if (trouble) {
        return *std::move(trouble);
    }
    // A member this reader does not know, or an asset id in another spelling, would be lost here
    // and the hash of the bytes would then name parameters that are not these.
    const Canonical known = canonical(out);
    if (known.dump() != canonical_text) {
        return fail(Errc::kInvalid, "parameters" + difference(document, known, ""));
    }
    return out;
}

}  // namespace margrave::margin
