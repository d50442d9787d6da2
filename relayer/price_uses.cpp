// SPDX-License-Identifier: Apache-2.0
#include "relayer/price_uses.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace margrave::relayer {

namespace {

const oracle::PriceUse* use_of(const DecisionParts& parts, const AssetId& asset) {
    const auto found = parts.price_uses.find(asset);
    return found == parts.price_uses.end() ? nullptr : &found->second;
}

bool is_empty(const Holding& row) {
    return row.collateral.is_zero() && row.debt.is_zero();
}

/// What an account has and owes of one canonical asset, over all its forms.
struct Sides {
    bool has{false};
    bool owes{false};
};

std::map<std::string, Sides> sides_of(const DecisionParts& parts, const AccountHoldings& state) {
    std::map<std::string, Sides> out;
    for (const Holding& row : state.holdings) {
        const margin::AssetParameters* asset = parts.settings.parameters.find(row.asset);
        if (asset != nullptr) {
            Sides& sides = out[asset->name];
            sides.has = sides.has || !row.collateral.is_zero();
            sides.owes = sides.owes || !row.debt.is_zero();
        }
    }
    return out;
}

/// The prices with the slow one where that is worse for these holdings. What the account both has
/// and owes of an asset counts as owed when `owed`.
margin::PriceTable worse_prices(
    const DecisionParts& parts, const std::map<std::string, Sides>& sides, bool owed
) {
    margin::PriceTable out = parts.prices;
    for (auto& [asset, row] : out) {
        const oracle::PriceUse* use = use_of(parts, asset);
        const margin::AssetParameters* parameters = parts.settings.parameters.find(asset);
        if (use == nullptr || parameters == nullptr || !use->slow ||
            use->initial != oracle::Use::kWorseOfBoth) {
            continue;
        }
        const auto found = sides.find(parameters->name);
        const Sides mine = found == sides.end() ? Sides{} : found->second;
        const bool as_debt = mine.owes && (!mine.has || owed);
        row.price = as_debt ? max(row.price, *use->slow) : min(row.price, *use->slow);
    }
    return out;
}

}  // namespace

std::string price_hold(const DecisionParts& parts, const AssetId& asset) {
    const oracle::PriceUse* use = use_of(parts, asset);
    const bool is_held = use != nullptr && use->liquidation != oracle::Use::kUsable;
    return is_held ? asset.text() + ": " + use->why : std::string{};
}

bool is_refused(const DecisionParts& parts, const AssetId& asset) {
    const oracle::PriceUse* use = use_of(parts, asset);
    return use != nullptr && use->initial == oracle::Use::kReject;
}

Result<std::vector<margin::PriceTable>> worse_tables(
    const DecisionParts& parts, const AccountHoldings& state
) {
    bool is_any_worse = false;
    for (const Holding& row : state.holdings) {
        const oracle::PriceUse* use = use_of(parts, row.asset);
        if (use == nullptr || is_empty(row)) {
            continue;
        }
        // What the signed row says is told by margin, with its own reason.
        const auto price = parts.prices.find(row.asset);
        const bool is_usable =
            price != parts.prices.end() && price->second.verdict == PriceVerdict::kUsable;
        if (is_usable && is_refused(parts, row.asset)) {
            return fail(
                Errc::kUnattestable, "cannot be valued now: " + row.asset.text() + ": " + use->why
            );
        }
        is_any_worse = is_any_worse || use->initial == oracle::Use::kWorseOfBoth;
    }
    std::vector<margin::PriceTable> out;
    if (is_any_worse) {
        const std::map<std::string, Sides> sides = sides_of(parts, state);
        for (const bool owed : {false, true}) {
            out.push_back(worse_prices(parts, sides, owed));
        }
    }
    return out;
}

Result<void> check_price_uses(
    const DecisionParts& parts, const AccountHoldings& worst, const margin::Promise& asked
) {
    const std::array<margin::Promise, 1> one{asked};
    MARGRAVE_TRY(const auto after, margin::worst_of(worst, worst, one));
    MARGRAVE_TRY(const auto tables, worse_tables(parts, after));
    for (const margin::PriceTable& prices : tables) {
        MARGRAVE_TRY(margin::check_grant(worst, asked, prices, parts.settings.parameters));
    }
    return ok();
}

}  // namespace margrave::relayer
