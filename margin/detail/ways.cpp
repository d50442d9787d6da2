// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/ways.hpp"

#include "margin/moves.hpp"

#include <algorithm>
#include <utility>

namespace margrave::margin::detail {
namespace {

const Money& one_dollar() {
    static const Money kOne = Money::whole(1);
    return kOne;
}

// How far `value` lies above a cap; zero is no cap.
Result<Money> above(const Money& value, const Money& cap) {
    if (cap.is_zero() || value <= cap) {
        return Money{};
    }
    return sub(value, cap);
}

}  // namespace

Result<WorkingAccount> WorkingAccount::of(const AccountHoldings& holdings, const Market& market) {
    WorkingAccount out(market);
    MARGRAVE_TRY(out.merge(holdings));
    MARGRAVE_TRY(out.measure());
    return out;
}

Result<void> WorkingAccount::merge(const AccountHoldings& holdings) {
    work_ = holdings;
    std::ranges::sort(work_.holdings, {}, &Holding::asset);
    std::vector<Holding> merged;
    for (const Holding& row : work_.holdings) {
        if (merged.empty() || merged.back().asset != row.asset) {
            merged.push_back(row);
            continue;
        }
        Holding& into = merged.back();
        MARGRAVE_TRY(into.collateral, add(into.collateral, row.collateral));
        MARGRAVE_TRY(into.debt, add(into.debt, row.debt));
        MARGRAVE_TRY(into.in_sale, add(into.in_sale, row.in_sale));
        MARGRAVE_TRY(into.mapped, add(into.mapped, row.mapped));
        MARGRAVE_TRY(into.mapped_debt, add(into.mapped_debt, row.mapped_debt));
    }
    work_.holdings = std::move(merged);
    return ok();
}

Result<void> WorkingAccount::measure() {
    const AccountState state = evaluate_at_most(work_, *market_);
    if (state.status == Status::kUnattestable) {
        return fail(
            Errc::kUnattestable,
            "account " + to_hex(work_.account) +
                " cannot be liquidated: " + describe_guards(state.flags)
        );
    }
    health_ = state.liquidation_end;
    groups_.clear();
    for (const Holding& row : work_.holdings) {
        const Market::Form* form = market_->find(row.asset);
        if (form != nullptr && form->trouble == 0) {
            MARGRAVE_TRY(const auto value, value_of(row, *form));
            MARGRAVE_TRY(add_to_group(groups_, *form, value));
        }
    }
    MARGRAVE_TRY(close_groups(groups_));
    debt_ = Money{};
    for (const Group& group : groups_) {
        MARGRAVE_TRY(const auto counted, counted_net(group));
        MARGRAVE_TRY(debt_, sub(debt_, min(counted.others, Money{})));
    }
    return ok();
}

const Group* WorkingAccount::group_of(const Market::Form& form) const {
    const auto found = std::ranges::find(groups_, form.group, &Group::index);
    return found == groups_.end() ? nullptr : &*found;
}

const Holding* WorkingAccount::row_of(const Market::Form& form) const {
    const auto found = std::ranges::find(work_.holdings, form.on->asset, &Holding::asset);
    return found == work_.holdings.end() ? nullptr : &*found;
}

Result<Money> WorkingAccount::health_after(const PlannedLeg& leg) const {
    MARGRAVE_TRY(const auto after, apply(work_, leg));
    const AccountState state = evaluate_at_most(after, *market_);
    if (state.status == Status::kUnattestable) {
        return fail(
            Errc::kUnattestable,
            "account " + to_hex(work_.account) +
                " could not be valued after a sale: " + describe_guards(state.flags)
        );
    }
    return state.liquidation_end;
}

Result<void> WorkingAccount::take(const PlannedLeg& leg) {
    MARGRAVE_TRY(work_, apply(std::move(work_), leg));
    return measure();
}

Result<Leaving> leaving(const Group& group, const Holding& lot, const Market::Form& sold) {
    MARGRAVE_TRY(const auto here, counted_value(lot.collateral, sold));
    MARGRAVE_TRY(const auto uncapped, sub(group.net, group.lost));
    Leaving out;
    MARGRAVE_TRY(out.above_form, above(here, sold.on->cap));
    MARGRAVE_TRY(out.above_asset, above(uncapped, sold.asset->cap));
    MARGRAVE_TRY(const auto counted, sub(uncapped, out.above_asset));
    out.counted = max(counted, Money{});
    return out;
}

Result<Money> repayable(const Market::Form& owed, const Holding* row) {
    if (row == nullptr) {
        return Money{};
    }
    return margrave::value_of(row->own_debt(), owed.asset->decimals, owed.price, Round::kUp);
}

Result<Money> room_beside(const Market::Form& owed, const Holding* row, const Money& most) {
    const Money& cap = owed.on->cap;
    if (cap.is_zero()) {
        return most;
    }
    const Amount there = row == nullptr ? Amount{} : row->collateral;
    MARGRAVE_TRY(const auto here, counted_value(there, owed));
    MARGRAVE_TRY(const auto left, sub(cap, min(here, cap)));
    return min(most, left);
}

Result<Money> smallest_leg(const Parameters& parameters, const Money& bonus) {
    const Money dust = max(parameters.liquidation.dust, Money::from_e18(kCent));
    return mul_div(dust, one_dollar(), bonus, Round::kUp);
}

Way::Key Way::key() const {
    return {sold->on->asset, owed->on->asset, as_collateral, above_cap};
}

Result<std::optional<Way>> find_way(
    const WorkingAccount& account,
    const Market::Form& sold,
    const Market::Form& owed,
    bool above_cap,
    const Parameters& parameters,
    const PlanLimits& limits
) {
    if (above_cap && sold.on->cap.is_zero() && sold.asset->cap.is_zero()) {
        return std::optional<Way>{};
    }
    const Group* gain = account.group_of(sold);
    const Group* loss = account.group_of(owed);
    const Holding* lot = account.row_of(sold);
    const bool same_chain = sold.on->asset.chain() == owed.on->asset.chain();
    if (!same_chain || gain == loss || gain == nullptr || loss == nullptr || lot == nullptr ||
        sold.trouble != 0 || owed.trouble != 0 || sold.asset->max_bonus.sign() <= 0) {
        return std::optional<Way>{};
    }
    MARGRAVE_TRY(const auto short_of, counted_net(*loss));
    MARGRAVE_TRY(const auto leave, leaving(*gain, *lot, sold));
    Way way;
    way.sold = &sold;
    way.owed = &owed;
    way.above_cap = above_cap;
    way.free = lot->free();
    MARGRAVE_TRY(const auto uncounted, add(leave.above_form, leave.above_asset));
    if (!short_of.others.is_negative() || way.free.is_zero() ||
        (above_cap ? uncounted : leave.counted).is_zero()) {
        return std::optional<Way>{};
    }
    // What counts for nothing goes first, so a way that sells what counts has it in its room too.
    way.room = uncounted;
    if (!above_cap) {
        MARGRAVE_TRY(way.room, add(uncounted, leave.counted));
    }
    const auto left = limits.capacity.find(sold.asset->name);
    if (left != limits.capacity.end()) {
        way.room = min(way.room, left->second);
    }
    MARGRAVE_TRY(way.bonus, bonus_at(*sold.asset, parameters.liquidation, limits.under_water_s));
    MARGRAVE_TRY(way.free_value, counted_value(way.free, sold));
    const Money weight = above_cap ? Money{} : sold.asset->collateral.liquidation_end;
    MARGRAVE_TRY(const auto lost, mul(weight, way.bonus, Round::kUp));
    MARGRAVE_TRY(way.healing, sub(owed.asset->debt.liquidation_end, lost));
    const Holding* row = account.row_of(owed);
    const Money missing = negate(short_of.others);
    MARGRAVE_TRY(const auto here, repayable(owed, row));
    MARGRAVE_TRY(const auto least, smallest_leg(parameters, way.bonus));
    way.as_collateral = here < least;
    way.limit = min(missing, here);
    if (way.as_collateral) {
        MARGRAVE_TRY(const auto beside, room_beside(owed, row, missing));
        MARGRAVE_TRY(const auto both, add(here, beside));
        way.limit = min(missing, both);
    }
    if (way.room.is_zero() || way.limit.is_zero() || way.healing.sign() <= 0) {
        return std::optional<Way>{};
    }
    return std::optional<Way>{way};
}

bool is_better(const Way& a, const Way& b) {
    if (a.healing != b.healing) {
        return a.healing > b.healing;
    }
    if (a.above_cap != b.above_cap) {
        return a.above_cap;
    }
    // Repaying a debt is worth at least as much as adding collateral beside it.
    if (a.as_collateral != b.as_collateral) {
        return b.as_collateral;
    }
    return std::tie(a.sold->on->asset, a.owed->on->asset) <
           std::tie(b.sold->on->asset, b.owed->on->asset);
}

Result<Money> sellable(const Way& way) {
    return mul_div(min(way.free_value, way.room), one_dollar(), way.bonus, Round::kDown);
}

Result<std::optional<PlannedLeg>> make_leg(const Way& way, const Money& repay) {
    const Market::Form& sold = *way.sold;
    const Market::Form& owed = *way.owed;
    PlannedLeg leg;
    leg.asset = sold.on->asset;
    leg.debt_asset = owed.on->asset;
    leg.repaid_value = repay;
    MARGRAVE_TRY(const auto most, sellable(way));
    if (repay == most && way.free_value <= way.room) {
        // The whole lot: a conversion to dollars and back would leave a few units behind.
        leg.seize = way.free;
    } else {
        MARGRAVE_TRY(const auto counted, mul(repay, way.bonus, Round::kDown));
        MARGRAVE_TRY(
            const auto value, mul_div(counted, one_dollar(), sold.on->backing, Round::kDown)
        );
        MARGRAVE_TRY(leg.seize, units_for(value, sold.asset->decimals, sold.price, Round::kDown));
    }
    const Money& backing = way.as_collateral ? owed.on->backing : one_dollar();
    MARGRAVE_TRY(const auto paid, mul_div(repay, one_dollar(), backing, Round::kUp));
    MARGRAVE_TRY(leg.min_proceeds, units_for(paid, owed.asset->decimals, owed.price, Round::kUp));
    MARGRAVE_TRY(leg.seized_value, counted_value(leg.seize, sold));
    if (leg.seize.is_zero() || leg.min_proceeds.is_zero()) {
        return std::optional<PlannedLeg>{};
    }
    return std::optional<PlannedLeg>{std::move(leg)};
}

}  // namespace margrave::margin::detail
