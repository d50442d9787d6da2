// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/netting.hpp"

#include <algorithm>
#include <utility>

namespace margrave::margin::detail {
namespace {

// Zero is no cap.
const Money& below_cap(const Money& value, const Money& cap) {
    return cap.is_zero() ? value : min(value, cap);
}

}  // namespace

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
    if (!form.plain) {
        MARGRAVE_TRY(const auto initial, initial_value_of(holding, form));
        MARGRAVE_TRY(const auto less, sub(out.collateral, initial.collateral));
        MARGRAVE_TRY(const auto more, sub(initial.debt, out.debt));
        MARGRAVE_TRY(out.lost_initial, add(less, more));
        MARGRAVE_TRY(out.lost, sub(out.collateral, below_cap(out.collateral, form.on->cap)));
    }
    return out;
}

Result<InitialValue> initial_value_of(const Holding& holding, const Market::Form& form) {
    InitialValue out;
    MARGRAVE_TRY(
        auto value,
        margrave::value_of(holding.collateral, form.asset->decimals, form.low, Round::kDown)
    );
    if (!form.fully_backed) {
        MARGRAVE_TRY(value, mul(value, form.on->backing, Round::kDown));
    }
    MARGRAVE_TRY(out.collateral, mul(below_cap(value, form.on->cap), form.counted, Round::kDown));
    MARGRAVE_TRY(
        out.debt, margrave::value_of(holding.debt, form.asset->decimals, form.high, Round::kUp)
    );
    return out;
}

Result<Counted> counted_net(const Group& group) {
    Counted out;
    const Money& cap = group.form->asset->cap;
    MARGRAVE_TRY(const auto initial, sub(group.net, group.lost_initial));
    MARGRAVE_TRY(const auto others, sub(group.net, group.lost));
    out.initial = below_cap(initial, cap);
    out.others = below_cap(others, cap);
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
    if (!form.plain) {
        MARGRAVE_TRY(group->lost_initial, add(group->lost_initial, value.lost_initial));
        MARGRAVE_TRY(group->lost, add(group->lost, value.lost));
    }
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
