// SPDX-License-Identifier: Apache-2.0
#include "relayer/price_uses.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

namespace margrave::relayer {

namespace {

const oracle::PriceUse* use_of(const DecisionParts& parts, const AssetId& asset) {
    const auto found = parts.price_uses.find(asset);
    return found == parts.price_uses.end() ? nullptr : &found->second;
}

bool is_empty(const Holding& row) {
    return row.collateral.is_zero() && row.debt.is_zero();
}

/// What marks a position: the first form of its underlying.
struct Mark {
    AssetId asset;
    /// An option may gain by either way of the price, a perpetual by the way of its sign.
    bool is_option{false};
};

/// Absent for a position without a size, and in a market that no venue has.
std::optional<Mark> mark_of(const DecisionParts& parts, const VenuePosition& position) {
    const margin::Parameters& parameters = parts.settings.parameters;
    const auto is_it = [&position](const auto& market) {
        return market.market == position.market;
    };
    for (const margin::VenueParameters& venue : parameters.venues) {
        const bool is_option = std::ranges::any_of(venue.option_markets, is_it);
        if (position.size.is_zero() ||
            (!is_option && !std::ranges::any_of(venue.perpetuals, is_it))) {
            continue;
        }
        const auto asset =
            std::ranges::find(parameters.assets, venue.underlying, &margin::AssetParameters::name);
        if (asset != parameters.assets.end() && !asset->on.empty()) {
            return Mark{asset->on.front().asset, is_option};
        }
    }
    return std::nullopt;
}

/// One that cannot be valued counts as worth it.
bool is_worth_a_leg(
    const DecisionParts& parts, const VenuePosition& position, const AssetId& asset
) {
    const auto price = highest_price(parts, asset);
    const Money size = max(position.size, negate(position.size));
    const auto notional = price ? mul(size, *price, Round::kUp) : Result<Money>(Money{});
    return !price || !notional || notional.value() >= parts.settings.parameters.liquidation.dust;
}

/// Everything by whose price the state is valued, each once.
std::set<AssetId> priced_by(const DecisionParts& parts, const AccountHoldings& state) {
    std::set<AssetId> out;
    for (const Holding& row : state.holdings) {
        if (!is_empty(row)) {
            out.insert(row.asset);
        }
    }
    for (const VenuePosition& position : state.positions) {
        if (const auto mark = mark_of(parts, position)) {
            out.insert(mark->asset);
        }
    }
    return out;
}

/// What an account has and owes of one canonical asset, over all its forms and positions: whether
/// it would lose by a lower price, and by a higher one.
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
    for (const VenuePosition& position : state.positions) {
        if (const auto mark = mark_of(parts, position)) {
            Sides& sides = out[parts.settings.parameters.find(mark->asset)->name];
            sides.has = sides.has || mark->is_option || position.size.sign() > 0;
            sides.owes = sides.owes || mark->is_option || position.size.is_negative();
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

/// What the account has of one form, backed as health counts it, less what it owes there, in whole
/// tokens.
Result<Money> net_of(const Holding& row, const margin::AssetOnChain& form, unsigned decimals) {
    const Money one = Money::whole(1);
    MARGRAVE_TRY(const auto has, value_of(row.collateral, decimals, one, Round::kDown));
    MARGRAVE_TRY(const auto backed, mul(has, form.backing, Round::kDown));
    MARGRAVE_TRY(const auto owes, value_of(row.debt, decimals, one, Round::kUp));
    return sub(backed, owes);
}

/// The same of all forms.
Result<Money> net_of(const AccountHoldings& state, const margin::AssetParameters& asset) {
    Money net;
    for (const margin::AssetOnChain& form : asset.on) {
        const auto row = std::ranges::find(state.holdings, form.asset, &Holding::asset);
        if (row != state.holdings.end()) {
            MARGRAVE_TRY(const auto here, net_of(*row, form, asset.decimals));
            MARGRAVE_TRY(net, add(net, here));
        }
    }
    return net;
}

/// Whether so much is owed that a cap on what is owned could make a higher price a loss.
bool owes_beside_a_cap(
    const DecisionParts& parts, const AccountHoldings& state, const margin::AssetParameters& asset
) {
    const bool is_capped =
        !asset.cap.is_zero() || std::ranges::any_of(asset.on, [](const margin::AssetOnChain& form) {
            return !form.cap.is_zero();
        });
    return is_capped && std::ranges::any_of(state.holdings, [&](const Holding& row) {
               return !row.debt.is_zero() && parts.settings.parameters.find(row.asset) == &asset &&
                      is_worth_a_leg(parts, row.asset, row.debt);
           });
}

bool is_net_owned(
    const DecisionParts& parts, const AccountHoldings& state, const margin::AssetParameters& asset
) {
    const Result<Money> net = net_of(state, asset);
    bool has = net && net.value().sign() > 0;
    for (const VenuePosition& position : state.positions) {
        const auto mark = mark_of(parts, position);
        if (!mark || parts.settings.parameters.find(mark->asset) != &asset ||
            !is_worth_a_leg(parts, position, mark->asset)) {
            continue;
        }
        if (mark->is_option || position.size.is_negative()) {
            return false;
        }
        has = true;
    }
    return has && net && !net.value().is_negative() && !owes_beside_a_cap(parts, state, asset);
}

}  // namespace

std::string position_hold(const DecisionParts& parts, const AccountHoldings& state) {
    for (const VenuePosition& position : state.positions) {
        const auto mark = mark_of(parts, position);
        if (!mark || !is_worth_a_leg(parts, position, mark->asset)) {
            continue;
        }
        std::string hold = price_hold(parts, mark->asset);
        if (!hold.empty()) {
            return hold;
        }
    }
    return {};
}

std::string price_hold(const DecisionParts& parts, const AssetId& asset) {
    const oracle::PriceUse* use = use_of(parts, asset);
    const bool is_held = use != nullptr && use->liquidation != oracle::Use::kUsable;
    return is_held ? asset.text() + ": " + use->why : std::string{};
}

std::optional<Money> highest_price(const DecisionParts& parts, const AssetId& asset) {
    const margin::AssetParameters* parameters = parts.settings.parameters.find(asset);
    const auto row = parts.prices.find(asset);
    if (parameters == nullptr || row == parts.prices.end()) {
        return std::nullopt;
    }
    Money out = row->second.price;
    if (row->second.verdict != PriceVerdict::kUsable) {
        out = max(out, parameters->price_max);
    }
    const oracle::PriceUse* use = use_of(parts, asset);
    return use != nullptr && use->slow ? max(out, *use->slow) : out;
}

bool is_worth_a_leg(const DecisionParts& parts, const AssetId& asset, const Amount& amount) {
    const auto price = highest_price(parts, asset);
    if (!price) {
        return true;
    }
    const unsigned decimals = parts.settings.parameters.find(asset)->decimals;
    const auto value = value_of(amount, decimals, *price, Round::kUp);
    return !value || value.value() >= parts.settings.parameters.liquidation.dust;
}

bool is_net_owned(const DecisionParts& parts, const AccountHoldings& state, const AssetId& asset) {
    const margin::AssetParameters* parameters = parts.settings.parameters.find(asset);
    return parameters != nullptr && is_net_owned(parts, state, *parameters);
}

margin::PriceTable kinder_prices(const DecisionParts& parts, const AccountHoldings& state) {
    margin::PriceTable out = parts.prices;
    for (auto& [asset, row] : out) {
        const oracle::PriceUse* use = use_of(parts, asset);
        const margin::AssetParameters* parameters = parts.settings.parameters.find(asset);
        if (use == nullptr || parameters == nullptr || !use->slow ||
            use->liquidation == oracle::Use::kUsable || row.verdict != PriceVerdict::kUsable) {
            continue;
        }
        if (is_net_owned(parts, state, *parameters)) {
            row.price = max(row.price, *use->slow);
        }
    }
    return out;
}

bool is_refused(const DecisionParts& parts, const AssetId& asset) {
    const oracle::PriceUse* use = use_of(parts, asset);
    return use != nullptr && use->initial == oracle::Use::kReject;
}

Result<std::vector<margin::PriceTable>> worse_tables(
    const DecisionParts& parts, const AccountHoldings& state
) {
    bool is_any_worse = false;
    for (const AssetId& asset : priced_by(parts, state)) {
        const oracle::PriceUse* use = use_of(parts, asset);
        if (use == nullptr) {
            continue;
        }
        // What the signed row says is told by margin, with its own reason.
        const auto price = parts.prices.find(asset);
        const bool is_usable =
            price != parts.prices.end() && price->second.verdict == PriceVerdict::kUsable;
        if (is_usable && is_refused(parts, asset)) {
            return fail(
                Errc::kUnattestable, "cannot be valued now: " + asset.text() + ": " + use->why
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
