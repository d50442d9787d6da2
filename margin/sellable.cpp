// SPDX-License-Identifier: Apache-2.0
#include "margin/sellable.hpp"

#include <algorithm>

namespace margrave::margin {
namespace {

Amount free_of(const AccountHoldings& holdings, const AssetId& asset) {
    const auto row = std::ranges::find(holdings.holdings, asset, &Holding::asset);
    return row == holdings.holdings.end() ? Amount{} : row->free();
}

// What is not free in the other state is as good as in an auction: it counts, and stays.
AccountHoldings free_in_both(AccountHoldings holdings, const AccountHoldings& other) {
    for (Holding& row : holdings.holdings) {
        const Amount free = free_of(other, row.asset);
        if (free < row.free()) {
            row.in_sale = sub_or_zero(row.own(), free);
        }
    }
    return holdings;
}

}  // namespace

Result<LiquidationPlan> plan_least(
    const Sellable& final,
    const Sellable& provisional,
    const Parameters& parameters,
    const PlanLimits& limits
) {
    if (final.holdings.account != provisional.holdings.account) {
        return fail(
            Errc::kInvalid,
            "a plan for two accounts: " + to_hex(final.holdings.account) + " and " +
                to_hex(provisional.holdings.account)
        );
    }
    const auto plan = [&](const Sellable& state, const Sellable& other) {
        const Market market(state.prices, parameters);
        return plan_liquidation(free_in_both(state.holdings, other.holdings), market, limits);
    };
    MARGRAVE_TRY(auto none_stays, plan(final, provisional));
    if (final.holdings == provisional.holdings && final.prices == provisional.prices) {
        return none_stays;
    }
    MARGRAVE_TRY(auto all_stay, plan(provisional, final));
    return seized_by(all_stay) < seized_by(none_stays) ? all_stay : none_stays;
}

}  // namespace margrave::margin
