// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/netting.hpp"
#include "margin/module.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace margrave::margin {
namespace {

using detail::Group;

Result<void> add_into(Money& sum, const Money& part) {
    MARGRAVE_TRY(auto total, add(sum, part));
    sum = std::move(total);
    return ok();
}

// What a weight leaves of `net`, taken from it: net - floor(net * weight). For a debt the product
// is negative, so rounding down rounds its magnitude up. Both ways the requirement rounds up.
Result<Money> requirement(const Money& net, const Money& weight) {
    MARGRAVE_TRY(const auto weighted, mul(net, weight, Round::kDown));
    return sub(net, weighted);
}

Term& term_of(std::vector<Term>& terms, const Market::Form& form) {
    auto term = std::ranges::find(terms, form.asset->name, &Term::asset);
    if (term == terms.end()) {
        terms.emplace_back();
        term = std::prev(terms.end());
        term->asset = form.asset->name;
        term->price = form.price;
    }
    return *term;
}

void note_part(
    std::vector<Term>& terms,
    const Holding& holding,
    const Market::Form& form,
    const detail::HoldingValue& value
) {
    term_of(terms, form)
        .parts.push_back(
            {.asset = holding.asset,
             .collateral = holding.collateral,
             .debt = holding.debt,
             .price = form.price,
             .backing = form.on->backing,
             .collateral_value = value.collateral,
             .debt_value = value.debt}
        );
}

/// Collateral and borrow of tokens: linear, netted over chains per canonical asset.
class SpotModule final : public Module {
  public:
    [[nodiscard]] std::string_view name() const override { return "spot"; }

    [[nodiscard]] bool covers(const VenuePosition& /*position*/, const Market& /*market*/)
        const override {
        return false;
    }

    Result<void> add(
        const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
    ) const override {
        std::vector<Group> groups;
        groups.reserve(holdings.holdings.size());
        // An overflow is returned only after every holding was seen: which guards are flagged must
        // not depend on the order of the holdings.
        Result<void> outcome = ok();
        for (const Holding& holding : holdings.holdings) {
            if (holding.collateral.is_zero() && holding.debt.is_zero()) {
                continue;
            }
            const Market::Form* form = usable_form(holding, market, sums, evidence);
            if (form == nullptr || !outcome) {
                continue;
            }
            outcome = add_holding(groups, holding, *form, evidence);
        }
        MARGRAVE_TRY(std::move(outcome));
        MARGRAVE_TRY(detail::close_groups(groups));
        for (const Group& group : groups) {
            MARGRAVE_TRY(add_group(group, sums, evidence));
        }
        return ok();
    }

  private:
    // Null when the holding counts nothing. A token that the parameters do not name is worth
    // nothing as collateral; owed, or with a price that must not be used, it cannot be passed over.
    static const Market::Form* usable_form(
        const Holding& holding, const Market& market, Sums& sums, const Evidence* evidence
    ) {
        const Market::Form* form = market.find(holding.asset);
        const std::uint32_t trouble = form == nullptr ? flags::kUnknownAsset : form->trouble;
        if (trouble == 0) {
            return form;
        }
        sums.flags |= trouble;
        sums.unattestable = sums.unattestable || form != nullptr || !holding.debt.is_zero();
        if (evidence != nullptr) {
            evidence->unvalued.push_back(
                {.what = holding.asset.text(), .why = describe_guards(trouble)}
            );
        }
        return nullptr;
    }

    static Result<void> add_holding(
        std::vector<Group>& groups,
        const Holding& holding,
        const Market::Form& form,
        const Evidence* evidence
    ) {
        MARGRAVE_TRY(const auto value, detail::value_of(holding, form));
        if (evidence != nullptr) {
            note_part(evidence->terms, holding, form, value);
        }
        return detail::add_to_group(groups, form, value);
    }

    static Result<void> add_group(const Group& group, Sums& sums, const Evidence* evidence) {
        const Weights& w = detail::weights_for(*group.form->asset, group.net);
        MARGRAVE_TRY(const auto initial, requirement(group.net, w.initial));
        MARGRAVE_TRY(const auto liquidation_end, requirement(group.net, w.liquidation_end));
        MARGRAVE_TRY(const auto maintenance, requirement(group.net, w.maintenance));
        MARGRAVE_TRY(add_into(sums.value, group.net));
        MARGRAVE_TRY(add_into(sums.required_initial, initial));
        MARGRAVE_TRY(add_into(sums.required_liquidation_end, liquidation_end));
        MARGRAVE_TRY(add_into(sums.required_maintenance, maintenance));
        if (evidence != nullptr) {
            Term& term = term_of(evidence->terms, *group.form);
            term.value = group.net;
            term.weight_initial = w.initial;
            term.weight_liquidation_end = w.liquidation_end;
            term.weight_maintenance = w.maintenance;
            term.required_initial = initial;
            term.required_liquidation_end = liquidation_end;
            term.required_maintenance = maintenance;
        }
        return ok();
    }
};

}  // namespace

std::unique_ptr<const Module> make_spot_module() {
    return std::make_unique<const SpotModule>();
}

}  // namespace margrave::margin
