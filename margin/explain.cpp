// SPDX-License-Identifier: Apache-2.0
#include "margin/explain.hpp"

#include "core/canonical_json.hpp"
#include "core/keccak.hpp"

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
    return out;
}

Result<Term> read_term(const Canonical& value) {
    Term out;
    MARGRAVE_TRY(out.asset, text_of(value, "asset"));
    MARGRAVE_TRY(out.price, money_of(value, "price"));
    MARGRAVE_TRY(out.value, money_of(value, "value"));
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

Result<std::vector<VenueSum>> read_venues(const Canonical& document) {
    std::vector<VenueSum> out;
    const auto* object = std::get_if<Canonical::Object>(&document.value());
    if (object == nullptr || !object->contains("venues")) {
        return out;
    }
    MARGRAVE_TRY(const auto venues, list_of(document, "venues"));
    for (const Canonical& venue : venues) {
        MARGRAVE_TRY(auto read, read_venue(venue));
        out.push_back(std::move(read));
    }
    return out;
}

template <class Part>
Result<Contribution> contribution(const Part& part) {
    Contribution out;
    MARGRAVE_TRY(out.initial, sub(part.value, part.required_initial));
    MARGRAVE_TRY(out.liquidation_end, sub(part.value, part.required_liquidation_end));
    MARGRAVE_TRY(out.maintenance, sub(part.value, part.required_maintenance));
    return out;
}

/// Holds one evidence against its leaf and writes down what does not come out.
class Examiner {
  public:
    Examiner(const AccountState& leaf, const Parameters& parameters)
        : leaf_(leaf),
          parameters_(parameters) {}

    void compare_leaf(std::string_view text, const Explanation& read) {
        if (const Hash32 hash = keccak256(text); hash != leaf_.detail) {
            say("its hash is " + to_hex(hash) + ", the leaf's detail is " + to_hex(leaf_.detail));
        }
        if (read.account != leaf_.account) {
            say("it is of account " + to_hex(read.account) + ", the leaf of " +
                to_hex(leaf_.account));
        }
        if (read.status != to_string(leaf_.status) || read.flags != leaf_.flags) {
            say("it says " + read.status + " with flags " + std::to_string(read.flags) +
                ", the leaf " + std::string(to_string(leaf_.status)) + " with flags " +
                std::to_string(leaf_.flags));
        }
        compare("equity", read.equity, leaf_.equity);
        compare("initial health", read.initial, leaf_.initial);
        compare("liquidation-end health", read.liquidation_end, leaf_.liquidation_end);
        compare("maintenance health", read.maintenance, leaf_.maintenance);
    }

    void check_term(const Term& term) {
        const AssetParameters* asset = nullptr;
        Money gained;
        Money lost;
        for (const Term::Part& part : term.parts) {
            asset = parameters_.find(part.asset);
            check_part(term, part, asset);
            accumulate(gained, part.collateral_value);
            accumulate(lost, part.debt_value);
        }
        if (!term.parts.empty()) {
            compare(term.asset + ": sum of the parts", difference(gained, lost), term.value);
        }
        if (asset != nullptr) {
            const Weights& w = term.value.is_negative() ? asset->debt : asset->collateral;
            compare(term.asset + ": initial weight", w.initial, term.weight_initial);
            compare(
                term.asset + ": liquidation-end weight",
                w.liquidation_end,
                term.weight_liquidation_end
            );
            compare(term.asset + ": maintenance weight", w.maintenance, term.weight_maintenance);
        }
        check_requirement(term, "initial", term.weight_initial, term.required_initial);
        check_requirement(
            term, "liquidation-end", term.weight_liquidation_end, term.required_liquidation_end
        );
        check_requirement(term, "maintenance", term.weight_maintenance, term.required_maintenance);
        count(term);
    }

    /// Adds a term or a venue to the sums.
    template <class Part>
    void count(const Part& part) {
        accumulate(value_, part.value);
        accumulate(required_.initial, part.required_initial);
        accumulate(required_.liquidation_end, part.required_liquidation_end);
        accumulate(required_.maintenance, part.required_maintenance);
    }

    void compare_sums() {
        compare("sum of the terms' values", value_, leaf_.equity);
        compare(
            "equity less initial requirements", difference(value_, required_.initial), leaf_.initial
        );
        compare(
            "equity less liquidation-end requirements",
            difference(value_, required_.liquidation_end),
            leaf_.liquidation_end
        );
        compare(
            "equity less maintenance requirements",
            difference(value_, required_.maintenance),
            leaf_.maintenance
        );
    }

    void check_unattestable(const Explanation& read) {
        for (const Money* amount :
             {&leaf_.equity, &leaf_.initial, &leaf_.liquidation_end, &leaf_.maintenance}) {
            if (!amount->is_zero()) {
                say("an UNATTESTABLE account has an amount of " + amount->to_decimal());
            }
        }
        if (read.unvalued.empty() && describe_guards(leaf_.flags).empty()) {
            say("an UNATTESTABLE account does not say why");
        }
    }

    std::vector<std::string> take() { return std::move(findings_); }

  private:
    void say(std::string sentence) { findings_.push_back(std::move(sentence)); }

    void compare(const std::string& what, const Money& computed, const Money& said) {
        if (computed != said) {
            say(what + " is " + computed.to_decimal() + ", said is " + said.to_decimal());
        }
    }

    void accumulate(Money& sum, const Money& part) {
        if (auto total = add(sum, part); total) {
            sum = std::move(total).value();
        } else {
            say(total.error().detail);
        }
    }

    Money difference(const Money& a, const Money& b) {
        auto out = sub(a, b);
        if (!out) {
            say(out.error().detail);
        }
        return out ? std::move(out).value() : Money{};
    }

    void check_part(const Term& term, const Term::Part& part, const AssetParameters* asset) {
        const std::string name = part.asset.text();
        const AssetOnChain* on = parameters_.find_on(part.asset);
        if (asset == nullptr || on == nullptr) {
            say(name + " is no asset of the parameters");
            return;
        }
        if (asset->name != term.asset) {
            say(name + " is " + asset->name + " but counts as " + term.asset);
        }
        compare(name + ": backing", on->backing, part.backing);
        compare(name + ": price", term.price, part.price);
        const auto owned = value_of(part.collateral, asset->decimals, part.price, Round::kDown);
        const auto backed = owned ? mul(owned.value(), part.backing, Round::kDown) : owned;
        const auto owed = value_of(part.debt, asset->decimals, part.price, Round::kUp);
        if (!backed || !owed) {
            say(name + " cannot be valued");
            return;
        }
        compare(name + ": collateral value", backed.value(), part.collateral_value);
        compare(name + ": debt value", owed.value(), part.debt_value);
    }

    void check_requirement(
        const Term& term, std::string_view level, const Money& weight, const Money& said
    ) {
        const auto counted = mul(term.value, weight, Round::kDown);
        if (!counted) {
            say(counted.error().detail);
            return;
        }
        compare(
            term.asset + ": " + std::string(level) + " requirement",
            difference(term.value, counted.value()),
            said
        );
    }

    const AccountState& leaf_;
    const Parameters& parameters_;
    std::vector<std::string> findings_;
    Money value_;
    Levels required_;
};

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
    MARGRAVE_TRY(const auto terms, list_of(document, "terms"));
    for (const Canonical& term : terms) {
        MARGRAVE_TRY(auto read, read_term(term));
        out.terms.push_back(std::move(read));
    }
    MARGRAVE_TRY(out.venues, read_venues(document));
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

std::vector<std::string> check_evidence(
    std::string_view canonical_text,
    const Explanation& read,
    const AccountState& leaf,
    const Parameters& parameters
) {
    Examiner examiner(leaf, parameters);
    examiner.compare_leaf(canonical_text, read);
    if (leaf.status == Status::kUnattestable) {
        examiner.check_unattestable(read);
        return examiner.take();
    }
    for (const Term& term : read.terms) {
        examiner.check_term(term);
    }
    for (const VenueSum& venue : read.venues) {
        examiner.count(venue);
    }
    examiner.compare_sums();
    return examiner.take();
}

}  // namespace margrave::margin
