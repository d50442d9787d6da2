// SPDX-License-Identifier: Apache-2.0
#include "margin/explain.hpp"

#include "core/canonical_json.hpp"

#include <limits>
#include <utility>

namespace margrave::margin {
namespace {

Error no_evidence(std::string_view what) {
    return fail(Errc::kInvalid, "the evidence " + std::string(what));
}

Result<Canonical> part_of(const Canonical& value, std::string_view name) {
    const auto* object = std::get_if<Canonical::Object>(&value.value());
    if (object == nullptr) {
        return no_evidence("has something else than an object around '" + std::string(name) + "'");
    }
    const auto found = object->find(name);
    if (found == object->end()) {
        return no_evidence("has no member '" + std::string(name) + "'");
    }
    return found->second;
}

bool has_part(const Canonical& value, std::string_view name) {
    const auto* object = std::get_if<Canonical::Object>(&value.value());
    return object != nullptr && object->contains(name);
}

Result<std::string> text_of(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto found, part_of(value, name));
    const auto* text = std::get_if<std::string>(&found.value());
    if (text == nullptr) {
        return no_evidence("has no text at '" + std::string(name) + "'");
    }
    return *text;
}

Result<Money> money_of(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto text, text_of(value, name));
    return Money::parse_e18(text);
}

Result<Amount> amount_of(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto text, text_of(value, name));
    return Amount::parse(text);
}

Result<std::uint64_t> integer_of(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto amount, amount_of(value, name));
    return amount.to_u64();
}

Result<bool> flag_of(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto found, part_of(value, name));
    const auto* flag = std::get_if<bool>(&found.value());
    if (flag == nullptr) {
        return no_evidence("has neither true nor false at '" + std::string(name) + "'");
    }
    return *flag;
}

Result<Canonical::Array> list_of(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto found, part_of(value, name));
    const auto* list = std::get_if<Canonical::Array>(&found.value());
    if (list == nullptr) {
        return no_evidence("has no list at '" + std::string(name) + "'");
    }
    return *list;
}

struct Levels {
    Money initial;
    Money liquidation_end;
    Money maintenance;
};

Result<Levels> levels_of(const Canonical& value, std::string_view name) {
    MARGRAVE_TRY(const auto found, part_of(value, name));
    Levels out;
    MARGRAVE_TRY(out.initial, money_of(found, "initial"));
    MARGRAVE_TRY(out.liquidation_end, money_of(found, "liquidation_end"));
    MARGRAVE_TRY(out.maintenance, money_of(found, "maintenance"));
    return out;
}

Result<Term::Part> read_part(const Canonical& value) {
    Term::Part out;
    MARGRAVE_TRY(const auto asset, text_of(value, "asset"));
    MARGRAVE_TRY(out.asset, AssetId::parse(asset));
    MARGRAVE_TRY(out.collateral, amount_of(value, "collateral"));
    MARGRAVE_TRY(out.debt, amount_of(value, "debt"));
    MARGRAVE_TRY(out.price, money_of(value, "price"));
    MARGRAVE_TRY(out.backing, money_of(value, "backing"));
    MARGRAVE_TRY(out.collateral_value, money_of(value, "collateral_value"));
    MARGRAVE_TRY(out.debt_value, money_of(value, "debt_value"));
    if (has_part(value, "initial")) {
        MARGRAVE_TRY(const auto initial, part_of(value, "initial"));
        Term::Part::Initial read;
        MARGRAVE_TRY(read.price, money_of(initial, "price"));
        MARGRAVE_TRY(read.debt_price, money_of(initial, "debt_price"));
        MARGRAVE_TRY(read.part, money_of(initial, "part"));
        MARGRAVE_TRY(read.collateral_value, money_of(initial, "collateral_value"));
        MARGRAVE_TRY(read.debt_value, money_of(initial, "debt_value"));
        out.initial = std::move(read);
    }
    return out;
}

Result<Term> read_term(const Canonical& value) {
    Term out;
    MARGRAVE_TRY(out.asset, text_of(value, "asset"));
    MARGRAVE_TRY(out.price, money_of(value, "price"));
    MARGRAVE_TRY(out.value, money_of(value, "value"));
    out.counted_initial = out.value;
    out.counted = out.value;
    if (has_part(value, "counted")) {
        MARGRAVE_TRY(const auto counted, part_of(value, "counted"));
        MARGRAVE_TRY(out.counted_initial, money_of(counted, "initial"));
        MARGRAVE_TRY(out.counted, money_of(counted, "others"));
    }
    MARGRAVE_TRY(auto weight, levels_of(value, "weight"));
    out.weight_initial = std::move(weight.initial);
    out.weight_liquidation_end = std::move(weight.liquidation_end);
    out.weight_maintenance = std::move(weight.maintenance);
    MARGRAVE_TRY(auto required, levels_of(value, "required"));
    out.required_initial = std::move(required.initial);
    out.required_liquidation_end = std::move(required.liquidation_end);
    out.required_maintenance = std::move(required.maintenance);
    MARGRAVE_TRY(const auto parts, list_of(value, "parts"));
    for (const Canonical& part : parts) {
        MARGRAVE_TRY(auto read, read_part(part));
        out.parts.push_back(std::move(read));
    }
    return out;
}

Result<VenueSum> read_venue(const Canonical& value) {
    VenueSum out;
    MARGRAVE_TRY(out.underlying, text_of(value, "underlying"));
    MARGRAVE_TRY(out.module, text_of(value, "module"));
    MARGRAVE_TRY(out.price, money_of(value, "price"));
    MARGRAVE_TRY(out.value, money_of(value, "value"));
    MARGRAVE_TRY(auto required, levels_of(value, "required"));
    out.required_initial = std::move(required.initial);
    out.required_liquidation_end = std::move(required.liquidation_end);
    out.required_maintenance = std::move(required.maintenance);
    return out;
}

Result<std::vector<Term>> read_terms(const Canonical& document) {
    std::vector<Term> out;
    MARGRAVE_TRY(const auto terms, list_of(document, "terms"));
    for (const Canonical& term : terms) {
        MARGRAVE_TRY(auto read, read_term(term));
        out.push_back(std::move(read));
    }
    return out;
}

Result<std::vector<VenueSum>> read_venues(const Canonical& document) {
    std::vector<VenueSum> out;
    if (!has_part(document, "venues")) {
        return out;
    }
    MARGRAVE_TRY(const auto venues, list_of(document, "venues"));
    for (const Canonical& venue : venues) {
        MARGRAVE_TRY(auto read, read_venue(venue));
        out.push_back(std::move(read));
    }
    return out;
}

Result<std::vector<Relief>> read_reliefs(const Canonical& document) {
    std::vector<Relief> out;
    if (!has_part(document, "reliefs")) {
        return out;
    }
    MARGRAVE_TRY(const auto rows, list_of(document, "reliefs"));
    for (const Canonical& row : rows) {
        Relief read;
        MARGRAVE_TRY(read.correlation, text_of(row, "correlation"));
        MARGRAVE_TRY(read.initial, money_of(row, "initial"));
        MARGRAVE_TRY(read.liquidation_end, money_of(row, "liquidation_end"));
        MARGRAVE_TRY(read.maintenance, money_of(row, "maintenance"));
        out.push_back(std::move(read));
    }
    return out;
}

Result<std::optional<AtMost>> read_at_most(const Canonical& document) {
    if (!has_part(document, "at_most")) {
        return std::optional<AtMost>{};
    }
    MARGRAVE_TRY(const auto found, part_of(document, "at_most"));
    AtMost out;
    MARGRAVE_TRY(out.equity, money_of(found, "equity"));
    MARGRAVE_TRY(auto health, levels_of(found, "health"));
    out.initial = std::move(health.initial);
    out.liquidation_end = std::move(health.liquidation_end);
    out.maintenance = std::move(health.maintenance);
    MARGRAVE_TRY(out.terms, read_terms(found));
    MARGRAVE_TRY(out.reliefs, read_reliefs(found));
    return std::optional<AtMost>{std::move(out)};
}

template <class Part>
Result<Contribution> contribution(const Part& part) {
    Contribution out;
    MARGRAVE_TRY(out.initial, sub(part.value, part.required_initial));
    MARGRAVE_TRY(out.liquidation_end, sub(part.value, part.required_liquidation_end));
    MARGRAVE_TRY(out.maintenance, sub(part.value, part.required_maintenance));
    return out;
}

}  // namespace

Result<Explanation> read_evidence(std::string_view canonical_text) {
    MARGRAVE_TRY(const auto document, parse_canonical(canonical_text));
    Explanation out;
    MARGRAVE_TRY(const auto account, text_of(document, "account"));
    MARGRAVE_TRY(out.account, parse_account(account));
    MARGRAVE_TRY(out.engine, integer_of(document, "engine"));
    MARGRAVE_TRY(out.equity, money_of(document, "equity"));
    MARGRAVE_TRY(auto health, levels_of(document, "health"));
    out.initial = std::move(health.initial);
    out.liquidation_end = std::move(health.liquidation_end);
    out.maintenance = std::move(health.maintenance);
    MARGRAVE_TRY(out.status, text_of(document, "status"));
    MARGRAVE_TRY(const auto flags, integer_of(document, "flags"));
    if (flags > std::numeric_limits<std::uint32_t>::max()) {
        return no_evidence("has flags of more than 32 bits");
    }
    out.flags = static_cast<std::uint32_t>(flags);
    MARGRAVE_TRY(out.was_liquidatable, flag_of(document, "was_liquidatable"));
    MARGRAVE_TRY(out.terms, read_terms(document));
    MARGRAVE_TRY(out.reliefs, read_reliefs(document));
    MARGRAVE_TRY(out.at_most, read_at_most(document));
    MARGRAVE_TRY(out.venues, read_venues(document));
    MARGRAVE_TRY(const auto holdings, list_of(document, "holdings"));
    for (const Canonical& row : holdings) {
        Explanation::Units read;
        MARGRAVE_TRY(read.asset, text_of(row, "asset"));
        MARGRAVE_TRY(read.collateral, amount_of(row, "collateral"));
        MARGRAVE_TRY(read.debt, amount_of(row, "debt"));
        out.holdings.push_back(std::move(read));
    }
    MARGRAVE_TRY(const auto positions, list_of(document, "positions"));
    for (const Canonical& row : positions) {
        MARGRAVE_TRY(auto market, text_of(row, "market"));
        out.positions.push_back(std::move(market));
    }
    MARGRAVE_TRY(const auto unvalued, list_of(document, "unvalued"));
    for (const Canonical& row : unvalued) {
        Unvalued read;
        MARGRAVE_TRY(read.what, text_of(row, "what"));
        MARGRAVE_TRY(read.why, text_of(row, "why"));
        out.unvalued.push_back(std::move(read));
    }
    return out;
}

Result<Contribution> contribution_of(const Term& term) {
    return contribution(term);
}

Result<Contribution> contribution_of(const VenueSum& venue) {
    return contribution(venue);
}

}  // namespace margrave::margin
