// SPDX-License-Identifier: Apache-2.0
#include "margin/sellable.hpp"

#include <algorithm>
#include <utility>

namespace margrave::margin {
namespace {

Amount free_of(const AccountHoldings& holdings, const AssetId& asset) {
    const auto row = std::ranges::find(holdings.holdings, asset, &Holding::asset);
    return row == holdings.holdings.end() ? Amount{} : row->free();
}

// What is not free in the other state is as good as in an auction: it counts, and stays.
void keep_free_in_both(AccountHoldings& holdings, const AccountHoldings& other) {
    for (Holding& row : holdings.holdings) {
        const Amount free = free_of(other, row.asset);
        if (free < row.free()) {
            row.in_sale = sub_or_zero(row.own(), free);
        }
    }
}

}  // namespace

Result<Sellable> better_off(Sellable firm, Sellable provisional, const Parameters& parameters) {
    if (firm.holdings.account != provisional.holdings.account) {
        return fail(
            Errc::kInvalid,
            "one of two accounts: " + to_hex(firm.holdings.account) + " and " +
                to_hex(provisional.holdings.account)
        );
    }
    const auto judge = [&parameters](const Sellable& state) {
        return evaluate_at_most(state.holdings, Market(state.prices, parameters));
    };
    const AccountState by_firm = judge(firm);
    const AccountState by_provisional = judge(provisional);
    const bool firm_first = by_firm.status == Status::kUnattestable ||
                            (by_provisional.status != Status::kUnattestable &&
                             by_firm.liquidation_end >= by_provisional.liquidation_end);
    if (!firm_first) {
        std::swap(firm, provisional);
    }
    keep_free_in_both(firm.holdings, provisional.holdings);
    return firm;
}

}  // namespace margrave::margin
