// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/netting.hpp"
#include "margin/module.hpp"

#include <algorithm>
#include <array>
#include <optional>
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

// What the weight leaves of what counts, taken from `net`: net - floor(counted * weight). For a
// debt the product is negative, so rounding down rounds its magnitude up. Both ways the requirement
// rounds up.
Result<Money> requirement(const Money& net, const Money& counted, const Money& weight) {
    MARGRAVE_TRY(const auto weighted, mul(counted, weight, Round::kDown));
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
    Term::Part part{
        .asset = holding.asset,
        .collateral = holding.collateral,
        .debt = holding.debt,
        .price = form.price,
        .backing = form.on->backing,
        .collateral_value = value.collateral,
        .debt_value = value.debt,
        .initial = std::nullopt};
    if (!form.plain) {
        if (const auto initial = detail::initial_value_of(holding, form)) {
            part.initial = {
                .price = form.low,
                .debt_price = form.high,
                .part = form.counted,
                .collateral_value = initial.value().collateral,
                .debt_value = initial.value().debt};
        }
    }
    term_of(terms, form).parts.push_back(std::move(part));
}

/// What remains required of one asset, at each level, hardest first.
using Required = std::array<Money, 3>;

struct Judged {
    const Group* group{nullptr};
    /// Before weights.
    detail::Counted counted;
    Required required;
};

const Money& at(const Weights& weights, std::size_t level) {
    return level == 0 ? weights.initial
                      : (level == 1 ? weights.liquidation_end : weights.maintenance);
}

const Money& at(const detail::Counted& counted, std::size_t level) {
    return level == 0 ? counted.initial : counted.others;
}

/// Sums over the assets of one correlation at one level: what counts before weights, and what the
/// weights take of it.
struct Covered {
    Money gains;
    Money losses;
    Money of_gains;
    Money of_losses;
};

Result<Covered> cover(
    const std::vector<Judged>& assets, std::size_t correlation, std::size_t level
) {
    Covered out;
    for (const Judged& asset : assets) {
        if (asset.group->form->correlation != correlation) {
            continue;
        }
        const Money& net = at(asset.counted, level);
        MARGRAVE_TRY(const auto below, sub(asset.group->net, net));
        MARGRAVE_TRY(const auto taken, sub(asset.required[level], below));
        MARGRAVE_TRY(add_into(net.is_negative() ? out.of_losses : out.of_gains, taken));
        MARGRAVE_TRY(add_into(net.is_negative() ? out.losses : out.gains, net));
    }
    out.losses = negate(out.losses);
    return out;
}

// relief (taken of gains matched / gains + taken of losses matched / losses), each rounded down.
Result<Money> relief_of(const Covered& sums, const Money& relief) {
    const Money& matched = min(sums.gains, sums.losses);
    if (matched.is_zero()) {
        return Money{};
    }
    MARGRAVE_TRY(const auto gains, mul_div(sums.of_gains, matched, sums.gains, Round::kDown));
    MARGRAVE_TRY(const auto losses, mul_div(sums.of_losses, matched, sums.losses, Round::kDown));
    MARGRAVE_TRY(const auto both, add(gains, losses));
    return mul(both, relief, Round::kDown);
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
            const Market::Form* form = market.find(holding.asset);
            if (form != nullptr && form->trouble == 0) {
                outcome = outcome ? add_holding(groups, holding, *form, evidence) : outcome;
                continue;
            }
            const auto part = unpriced_part(holdings, holding, market, sums, evidence);
            if (part && outcome) {
                outcome = add_holding(groups, *part, market.at_most(*form), evidence);
            }
        }
        MARGRAVE_TRY(std::move(outcome));
        MARGRAVE_TRY(detail::close_groups(groups));
        std::vector<Judged> assets;
        assets.reserve(groups.size());
        for (const Group& group : groups) {
            MARGRAVE_TRY(auto judged, judge(group));
            assets.push_back(std::move(judged));
            MARGRAVE_TRY(add_asset(assets.back(), sums, evidence));
        }
        const auto& correlations = market.parameters().risk.correlations;
        for (std::size_t i = 0; i < correlations.size(); ++i) {
            MARGRAVE_TRY(relieve(correlations[i], i, assets, sums, evidence));
        }
        return ok();
    }

  private:
    // Whether all that the account has and owes of one asset is without a usable price, or it owes
    // none of it: a price of one form does not bound another's.
    static bool is_bounded(
        const AccountHoldings& holdings, const Market& market, std::size_t group
    ) {
        bool owes = false;
        bool has_price = false;
        for (const Holding& row : holdings.holdings) {
            const Market::Form* form = market.find(row.asset);
            if (form == nullptr || form->group != group) {
                continue;
            }
            const bool is_empty = row.collateral.is_zero() && row.debt.is_zero();
            owes = owes || !row.debt.is_zero();
            has_price = has_price || (form->trouble == 0 && !is_empty);
        }
        return !owes || !has_price;
    }

    // What counts, at the highest price it may have, of a holding that has no usable one: what is
    // owed, or at most what is owned. A token that the parameters do not name is worth nothing as
    // collateral; owed it cannot be passed over.
    static std::optional<Holding> unpriced_part(
        const AccountHoldings& holdings,
        const Holding& holding,
        const Market& market,
        Sums& sums,
        const Evidence* evidence
    ) {
        const Market::Form* form = market.find(holding.asset);
        const std::uint32_t trouble = form == nullptr ? flags::kUnknownAsset : form->trouble;
        sums.flags |= trouble;
        if (evidence != nullptr) {
            evidence->unvalued.push_back(
                {.what = holding.asset.text(), .why = describe_guards(trouble)}
            );
        }
        const bool may_pass =
            form == nullptr ? holding.debt.is_zero() : is_bounded(holdings, market, form->group);
        sums.unattestable = sums.unattestable || !may_pass;
        if (form == nullptr || !may_pass) {
            return {};
        }
        sums.has_unpriced = true;
        Holding part = holding;
        (sums.at_most ? part.debt : part.collateral) = Amount{};
        if (part.collateral.is_zero() && part.debt.is_zero()) {
            return {};
        }
        return part;
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

    static Result<Judged> judge(const Group& group) {
        Judged out;
        out.group = &group;
        MARGRAVE_TRY(out.counted, detail::counted_net(group));
        for (std::size_t level = 0; level < out.required.size(); ++level) {
            const Money& net = at(out.counted, level);
            const Money& weight = at(detail::weights_for(*group.form->asset, net), level);
            MARGRAVE_TRY(out.required[level], requirement(group.net, net, weight));
        }
        return out;
    }

    static Result<void> add_asset(const Judged& judged, Sums& sums, const Evidence* evidence) {
        const Group& group = *judged.group;
        MARGRAVE_TRY(add_into(sums.value, group.net));
        MARGRAVE_TRY(add_into(sums.required_initial, judged.required[0]));
        MARGRAVE_TRY(add_into(sums.required_liquidation_end, judged.required[1]));
        MARGRAVE_TRY(add_into(sums.required_maintenance, judged.required[2]));
        if (evidence != nullptr) {
            const AssetParameters& asset = *group.form->asset;
            const Weights& others = detail::weights_for(asset, judged.counted.others);
            Term& term = term_of(evidence->terms, *group.form);
            term.value = group.net;
            term.counted_initial = judged.counted.initial;
            term.counted = judged.counted.others;
            term.weight_initial = detail::weights_for(asset, judged.counted.initial).initial;
            term.weight_liquidation_end = others.liquidation_end;
            term.weight_maintenance = others.maintenance;
            term.required_initial = judged.required[0];
            term.required_liquidation_end = judged.required[1];
            term.required_maintenance = judged.required[2];
        }
        return ok();
    }

    // Takes the relief off the sums. Rounding must not put the levels out of order, so what is left
    // of a harder level is at least what is left of the easier one.
    static Result<void> relieve(
        const Correlation& correlation,
        std::size_t index,
        const std::vector<Judged>& assets,
        Sums& sums,
        const Evidence* evidence
    ) {
        Required relief;
        Money least;
        for (std::size_t level = relief.size(); level-- > 0;) {
            MARGRAVE_TRY(const auto covered, cover(assets, index, level));
            MARGRAVE_TRY(const auto most, relief_of(covered, correlation.relief));
            Money required;
            for (const Judged& asset : assets) {
                if (asset.group->form->correlation == index) {
                    MARGRAVE_TRY(add_into(required, asset.required[level]));
                }
            }
            MARGRAVE_TRY(const auto rest, sub(required, most));
            least = max(rest, least);
            MARGRAVE_TRY(relief[level], sub(required, least));
        }
        const bool nothing =
            std::ranges::all_of(relief, [](const Money& m) { return m.is_zero(); });
        if (nothing) {
            return ok();
        }
        MARGRAVE_TRY(sums.required_initial, sub(sums.required_initial, relief[0]));
        MARGRAVE_TRY(sums.required_liquidation_end, sub(sums.required_liquidation_end, relief[1]));
        MARGRAVE_TRY(sums.required_maintenance, sub(sums.required_maintenance, relief[2]));
        if (evidence != nullptr) {
            evidence->reliefs.push_back(
                {.correlation = correlation.name,
                 .initial = relief[0],
                 .liquidation_end = relief[1],
                 .maintenance = relief[2]}
            );
        }
        return ok();
    }
};

}  // namespace

std::unique_ptr<const Module> make_spot_module() {
    return std::make_unique<const SpotModule>();
}

}  // namespace margrave::margin
