// SPDX-License-Identifier: Apache-2.0
#include "margin/early.hpp"

#include <algorithm>
#include <utility>

namespace margrave::margin {

EarlyCredit early_credit(std::span<const EarlyTier> tiers, const EarlySight& sight) {
    EarlyCredit best;
    for (std::size_t i = 0; i < tiers.size() && i < sight.at_depth.size(); ++i) {
        const std::optional<Amount>& seen = sight.at_depth[i];
        if (!seen) {
            continue;
        }
        const Amount gain = sub_or_zero(min(*seen, sight.head), sight.firm);
        const Amount& counted = min(gain, tiers[i].up_to);
        if (!counted.is_zero() && best.amount <= counted) {
            best = {.amount = counted, .tier = i};
        }
    }
    return best;
}

Result<AccountHoldings> with_early(AccountHoldings worst, std::span<const EarlyPart> parts) {
    for (const EarlyPart& part : parts) {
        if (part.amount.is_zero()) {
            continue;
        }
        auto row = std::ranges::lower_bound(worst.holdings, part.asset, {}, &Holding::asset);
        if (row == worst.holdings.end() || row->asset != part.asset) {
            row = worst.holdings.insert(row, Holding{});
            row->asset = part.asset;
        }
        MARGRAVE_TRY(row->collateral, add(row->collateral, part.amount));
        MARGRAVE_TRY(row->mapped, add(row->mapped, part.amount));
    }
    return worst;
}

Result<std::vector<EarlyPart>> least_early(
    std::span<const EarlyPart> offers, const EarlyTest& passes
) {
    std::vector<EarlyPart> taken;
    for (const EarlyPart& offer : offers) {
        taken.push_back(offer);
        MARGRAVE_TRY(const bool enough, passes(taken));
        if (!enough) {
            continue;
        }
        // Too little with `low` of the last, enough with `high`.
        Amount low;
        Amount high = offer.amount;
        while (add(low, Amount{1}).value() < high) {
            taken.back().amount = halfway(low, high);
            MARGRAVE_TRY(const bool still, passes(taken));
            (still ? high : low) = taken.back().amount;
        }
        taken.back().amount = high;
        return taken;
    }
    return std::vector<EarlyPart>{};
}

}  // namespace margrave::margin
