// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "margin/health.hpp"

#include <algorithm>
#include <string_view>

namespace margrave::margin {
namespace {

/// Writes canonical JSON straight into one string. A round hashes the evidence of every account,
/// and a tree of Canonical values costs more than the numbers in it. Members must be written in the
/// order of their keys; evidence() reads the text back and so proves that they were.
class Writer {
  public:
    void open(char bracket) {
        separate();
        out_ += bracket;
        first_ = true;
    }

    void close(char bracket) {
        out_ += bracket;
        first_ = false;
    }

    void key(std::string_view name) {
        separate();
        quote(name);
        out_ += ':';
        first_ = true;
    }

    void text(std::string_view value) {
        separate();
        quote(value);
    }

    void flag(bool value) {
        separate();
        out_ += value ? "true" : "false";
    }

    void member(std::string_view name, std::string_view value) {
        key(name);
        text(value);
    }

    void member(std::string_view name, const Money& value) { member(name, value.to_string_e18()); }

    void member(std::string_view name, const Amount& value) { member(name, value.to_string()); }

    std::string take() { return std::move(out_); }

  private:
    void separate() {
        if (!first_) {
            out_ += ',';
        }
        first_ = false;
    }

    void quote(std::string_view value) {
        const auto needs_escape = [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
        };
        if (std::ranges::any_of(value, needs_escape)) {
            out_ += Canonical(std::string(value)).dump();
            return;
        }
        out_ += '"';
        out_ += value;
        out_ += '"';
    }

    std::string out_;
    bool first_{true};
};

void write(Writer& out, const Holding& holding) {
    out.open('{');
    out.member("asset", holding.asset.text());
    out.member("book", holding.book);
    out.member("collateral", holding.collateral);
    out.member("debt", holding.debt);
    out.member("in_sale", holding.in_sale);
    // Only where there is such a part: the evidence of an account without one has no word of it.
    if (!holding.mapped.is_zero() || !holding.mapped_debt.is_zero()) {
        out.member("mapped", holding.mapped);
        out.member("mapped_debt", holding.mapped_debt);
    }
    out.close('}');
}

void write(Writer& out, const VenuePosition& position) {
    out.open('{');
    out.member("entry_price", position.entry_price);
    out.member("market", to_hex(position.market));
    out.member("size", position.size);
    out.close('}');
}

void write(Writer& out, const Term::Part& part) {
    out.open('{');
    out.member("asset", part.asset.text());
    out.member("backing", part.backing);
    out.member("chain", part.asset.chain().text());
    out.member("collateral", part.collateral);
    out.member("collateral_value", part.collateral_value);
    out.member("debt", part.debt);
    out.member("debt_value", part.debt_value);
    // Only where it is another: most evidence has no word of it.
    if (part.initial) {
        out.key("initial");
        out.open('{');
        out.member("collateral_value", part.initial->collateral_value);
        out.member("debt_price", part.initial->debt_price);
        out.member("debt_value", part.initial->debt_value);
        out.member("part", part.initial->part);
        out.member("price", part.initial->price);
        out.close('}');
    }
    out.member("price", part.price);
    out.close('}');
}

void write_levels(
    Writer& out,
    std::string_view name,
    const Money& initial,
    const Money& liquidation_end,
    const Money& maintenance
) {
    out.key(name);
    out.open('{');
    out.member("initial", initial);
    out.member("liquidation_end", liquidation_end);
    out.member("maintenance", maintenance);
    out.close('}');
}

void write(Writer& out, const VenueTerm::Part& part) {
    out.open('{');
    out.member("entry_price", part.entry_price);
    out.member("market", to_hex(part.market));
    out.member("name", part.name);
    out.member("size", part.size);
    out.member("value", part.value);
    out.close('}');
}

void write(Writer& out, const Money& amount) {
    out.text(amount.to_string_e18());
}

void write(Writer& out, const Term& term);
void write(Writer& out, const Relief& relief);
void write(Writer& out, const VenueTerm& term);
void write(Writer& out, const Unvalued& unvalued);

template <class Items>
void write_list(Writer& out, std::string_view name, const Items& items) {
    out.key(name);
    out.open('[');
    for (const auto& item : items) {
        write(out, item);
    }
    out.close(']');
}

void write(Writer& out, const Term& term) {
    out.open('{');
    out.member("asset", term.asset);
    if (term.counted_initial != term.value || term.counted != term.value) {
        out.key("counted");
        out.open('{');
        out.member("initial", term.counted_initial);
        out.member("others", term.counted);
        out.close('}');
    }
    write_list(out, "parts", term.parts);
    out.member("price", term.price);
    write_levels(
        out,
        "required",
        term.required_initial,
        term.required_liquidation_end,
        term.required_maintenance
    );
    out.member("value", term.value);
    write_levels(
        out, "weight", term.weight_initial, term.weight_liquidation_end, term.weight_maintenance
    );
    out.close('}');
}

void write(Writer& out, const VenueTerm& term) {
    out.open('{');
    if (!term.pnl.empty()) {
        out.member("basis", term.basis);
    }
    out.member("module", term.module);
    write_list(out, "parts", term.parts);
    if (!term.pnl.empty()) {
        write_list(out, "pnl", term.pnl);
    }
    out.member("price", term.price);
    out.member("priced_at", std::to_string(term.priced_at.value));
    write_levels(
        out,
        "required",
        term.required_initial,
        term.required_liquidation_end,
        term.required_maintenance
    );
    out.member("underlying", term.underlying);
    out.member("value", term.value);
    out.close('}');
}

void write(Writer& out, const Relief& relief) {
    out.open('{');
    out.member("correlation", relief.correlation);
    out.member("initial", relief.initial);
    out.member("liquidation_end", relief.liquidation_end);
    out.member("maintenance", relief.maintenance);
    out.close('}');
}

void write(Writer& out, const Unvalued& unvalued) {
    out.open('{');
    out.member("what", unvalued.what);
    out.member("why", unvalued.why);
    out.close('}');
}

// Only where something has no usable price, and the account is attested all the same or would be.
void write(Writer& out, const AtMost& most) {
    out.key("at_most");
    out.open('{');
    out.member("equity", most.equity);
    write_levels(out, "health", most.initial, most.liquidation_end, most.maintenance);
    if (!most.reliefs.empty()) {
        write_list(out, "reliefs", most.reliefs);
    }
    write_list(out, "terms", most.terms);
    out.close('}');
}

// Said in every document, so that a reader can compute the numbers without ours.
void write_rounding(Writer& out) {
    out.key("rounding");
    out.open('{');
    out.member("collateral_value", "down");
    out.member("debt_value", "up");
    out.member("required", "up");
    out.close('}');
}

}  // namespace

std::string Evaluation::evidence_text() const {
    Writer out;
    out.open('{');
    out.member("account", to_hex(state.account));
    if (at_most) {
        write(out, *at_most);
    }
    out.member("engine", std::to_string(engine));
    out.member("equity", state.equity);
    out.member("flags", std::to_string(state.flags));
    write_levels(out, "health", state.initial, state.liquidation_end, state.maintenance);
    write_list(out, "holdings", holdings.holdings);
    write_list(out, "positions", holdings.positions);
    if (!reliefs.empty()) {
        write_list(out, "reliefs", reliefs);
    }
    write_rounding(out);
    out.member("status", to_string(state.status));
    write_list(out, "terms", terms);
    write_list(out, "unvalued", unvalued);
    // Only where there is one: the evidence of an account without positions has no word of them.
    if (!venues.empty()) {
        write_list(out, "venues", venues);
    }
    out.key("was_liquidatable");
    out.flag(was_liquidatable);
    out.close('}');
    return out.take();
}

Canonical Evaluation::evidence() const {
    auto document = parse_canonical(evidence_text());
    MARGRAVE_ASSERT(document.has_value());
    return std::move(document).value();
}

}  // namespace margrave::margin
