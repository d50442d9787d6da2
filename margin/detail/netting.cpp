// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/netting.hpp"

#include <algorithm>
#include <utility>

namespace margrave::margin::detail {

Result<Money> counted_value(const Amount& amount, const Market::Form& form) {
    MARGRAVE_TRY(
        auto value, margrave::value_of(amount, form.asset->decimals, form.price, Round::kDown)
    );
    if (form.fully_backed) {
        return value;
    }
    return mul(value, form.on->backing, Round::kDown);
}

Result<HoldingValue> value_of(const Holding& holding, const Market::Form& form) {
    HoldingValue out;
    if (!holding.collateral.is_zero()) {
        MARGRAVE_TRY(auto collateral, counted_value(holding.collateral, form));
        out.collateral = std::move(collateral);
    }
    if (!holding.debt.is_zero()) {
        MARGRAVE_TRY(
            auto debt,
            margrave::value_of(holding.debt, form.asset->decimals, form.price, Round::kUp)
        );
        out.debt = std::move(debt);
    }
    return out;
}

const Weights& weights_for(const AssetParameters& asset, const Money& net) {
    return net.is_negative() ? asset.debt : asset.collateral;
}

Result<void> add_to_group(
    std::vector<Group>& groups, const Market::Form& form, const HoldingValue& value
) {
    auto group = std::ranges::find(groups, form.group, &Group::index);
    if (group == groups.end()) {
        Group fresh;
        fresh.index = form.group;
        fresh.form = &form;
        group = groups.insert(groups.end(), std::move(fresh));
    }
    MARGRAVE_TRY(auto collateral, add(group->collateral, value.collateral));
    MARGRAVE_TRY(auto debt, add(group->debt, value.debt));
    group->collateral = std::move(collateral);
    group->debt = std::move(debt);
    return ok();
}

Result<void> close_groups(std::vector<Group>& groups) {
    std::ranges::sort(groups, {}, &Group::index);
    for (Group& group : groups) {
        MARGRAVE_TRY(auto net, sub(group.collateral, group.debt));
        group.net = std::move(net);
    }
    return ok();
}

}  // namespace margrave::margin::detail
