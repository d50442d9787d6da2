// SPDX-License-Identifier: Apache-2.0
#include "margin/sale_limits.hpp"

#include "margin/detail/netting.hpp"
#include "margin/liquidation.hpp"

namespace margrave::margin {
namespace {

bool is_counted(const OutstandingSale& sale, const AssetParameters& asset, UnixSeconds now) {
    const std::uint64_t from =
        now.value > asset.market_window_s ? now.value - asset.market_window_s : 0;
    return sale.is_open || sale.instructed_at.value > from;
}

Money less_sold(const Money& left, const Money& sold) {
    const auto rest = sub(left, min(left, sold));
    return rest ? rest.value() : Money{};
}

// Equity per requirement where there is a requirement; without one the sign of the equity.
int standing_of(const AccountState& state, const Money& requirement) {
    if (!requirement.is_zero()) {
        return 0;
    }
    return state.equity.is_negative() ? -1 : 1;
}

Money requirement_of(const AccountState& state) {
    const auto out = sub(state.equity, state.maintenance);
    return out ? max(out.value(), Money{}) : Money{};
}

}  // namespace

Result<SaleCapacity> capacity_left(
    std::span<const OutstandingSale> sales, const Market& market, UnixSeconds now
) {
    SaleCapacity left;
    for (const AssetParameters& asset : market.parameters().assets) {
        if (!asset.market_capacity.is_zero()) {
            left.emplace(asset.name, asset.market_capacity);
        }
    }
    for (const OutstandingSale& sale : sales) {
        const Market::Form* form = market.find(sale.asset);
        const auto entry = form == nullptr ? left.end() : left.find(form->asset->name);
        if (entry == left.end() || !is_counted(sale, *form->asset, now)) {
            continue;
        }
        if (form->trouble != 0) {
            entry->second = Money{};
            continue;
        }
        MARGRAVE_TRY(const auto value, detail::counted_value(sale.amount, *form));
        entry->second = less_sold(entry->second, value);
    }
    return left;
}

Result<void> use_capacity(
    SaleCapacity& left, std::span<const PlannedLeg> legs, const Parameters& parameters
) {
    for (const PlannedLeg& leg : legs) {
        const AssetParameters* asset = parameters.find(leg.asset);
        if (asset == nullptr) {
            return fail(Errc::kInvalid, "a leg sells " + leg.asset.text() + ", which is unknown");
        }
        const auto entry = left.find(asset->name);
        if (entry != left.end()) {
            entry->second = less_sold(entry->second, leg.seized_value);
        }
    }
    return ok();
}

Result<Money> bonus_at(
    const AssetParameters& asset, const LiquidationParameters& rules, std::uint64_t under_water_s
) {
    if (rules.bonus_ramp_s == 0 || under_water_s >= rules.bonus_ramp_s ||
        asset.max_bonus.is_zero()) {
        return asset.max_bonus;
    }
    const Money one = Money::whole(1);
    MARGRAVE_TRY(const auto later, sub(one, rules.bonus_start));
    const Money elapsed = Money::from_e18(static_cast<std::int64_t>(under_water_s));
    const Money ramp = Money::from_e18(static_cast<std::int64_t>(rules.bonus_ramp_s));
    MARGRAVE_TRY(const auto grown, mul_div(later, elapsed, ramp, Round::kDown));
    MARGRAVE_TRY(const auto part, add(rules.bonus_start, grown));
    MARGRAVE_TRY(const auto most, sub(asset.max_bonus, one));
    MARGRAVE_TRY(const auto bonus, mul(most, part, Round::kDown));
    return add(one, bonus);
}

bool is_riskier(const AccountState& a, const AccountState& b) {
    const Money required_a = requirement_of(a);
    const Money required_b = requirement_of(b);
    const int standing_a = standing_of(a, required_a);
    const int standing_b = standing_of(b, required_b);
    if (standing_a != standing_b) {
        return standing_a < standing_b;
    }
    // Both below 2^192, so the products fit.
    const Money::Rep left = a.equity.rep() * required_b.rep();
    const Money::Rep right = b.equity.rep() * required_a.rep();
    if (left != right) {
        return left < right;
    }
    if (required_a != required_b) {
        return required_a > required_b;
    }
    return a.account < b.account;
}

}  // namespace margrave::margin
