// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"

#include <utility>

namespace margrave::margin {
namespace {

Canonical canonical(const Term& term);
Canonical canonical(const Unvalued& unvalued);

Canonical e18(const Money& value) {
    return Canonical(value.to_string_e18());
}

Canonical canonical(const Holding& holding) {
    Canonical::Object out;
    out.emplace("asset", holding.asset.text());
    out.emplace("book", holding.book.to_string());
    out.emplace("collateral", holding.collateral.to_string());
    out.emplace("debt", holding.debt.to_string());
    out.emplace("in_sale", holding.in_sale.to_string());
    return Canonical(std::move(out));
}

Canonical canonical(const VenuePosition& position) {
    Canonical::Object out;
    out.emplace("entry_price", e18(position.entry_price));
    out.emplace("market", to_hex(position.market));
    out.emplace("size", e18(position.size));
    return Canonical(std::move(out));
}

Canonical canonical(const Term::Part& part) {
    Canonical::Object out;
    out.emplace("asset", part.asset.text());
    out.emplace("backing", e18(part.backing));
    out.emplace("chain", part.asset.chain().text());
    out.emplace("collateral", part.collateral.to_string());
    out.emplace("collateral_value", e18(part.collateral_value));
    out.emplace("debt", part.debt.to_string());
    out.emplace("debt_value", e18(part.debt_value));
    out.emplace("price", e18(part.price));
    return Canonical(std::move(out));
}

Canonical levels(const Money& initial, const Money& liquidation_end, const Money& maintenance) {
    Canonical::Object out;
    out.emplace("initial", e18(initial));
    out.emplace("liquidation_end", e18(liquidation_end));
    out.emplace("maintenance", e18(maintenance));
    return Canonical(std::move(out));
}

template <class Items>
Canonical list(const Items& items) {
    Canonical::Array out;
    for (const auto& item : items) {
        out.push_back(canonical(item));
    }
    return Canonical(std::move(out));
}

Canonical canonical(const Term& term) {
    Canonical::Object out;
    out.emplace("asset", term.asset);
    out.emplace("parts", list(term.parts));
    out.emplace("price", e18(term.price));
    out.emplace(
        "required",
        levels(term.required_initial, term.required_liquidation_end, term.required_maintenance)
    );
    out.emplace("value", e18(term.value));
    out.emplace(
        "weight", levels(term.weight_initial, term.weight_liquidation_end, term.weight_maintenance)
    );
    return Canonical(std::move(out));
}

Canonical canonical(const Unvalued& unvalued) {
    Canonical::Object out;
    out.emplace("what", unvalued.what);
    out.emplace("why", unvalued.why);
    return Canonical(std::move(out));
}

// Said in every document, so that a reader can compute the numbers without ours.
Canonical rounding() {
    Canonical::Object out;
    out.emplace("collateral_value", "down");
    out.emplace("debt_value", "up");
    out.emplace("required", "up");
    return Canonical(std::move(out));
}

}  // namespace

Canonical Evaluation::evidence() const {
    Canonical::Object out;
    out.emplace("account", to_hex(state.account));
    out.emplace("engine", Canonical::integer(engine));
    out.emplace("equity", e18(state.equity));
    out.emplace("flags", Canonical::integer(state.flags));
    out.emplace("health", levels(state.initial, state.liquidation_end, state.maintenance));
    out.emplace("holdings", list(holdings.holdings));
    out.emplace("positions", list(holdings.positions));
    out.emplace("rounding", rounding());
    out.emplace("status", std::string(to_string(state.status)));
    out.emplace("terms", list(terms));
    out.emplace("unvalued", list(unvalued));
    out.emplace("was_liquidatable", was_liquidatable);
    return Canonical(std::move(out));
}

}  // namespace margrave::margin
