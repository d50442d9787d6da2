// SPDX-License-Identifier: Apache-2.0
#include "margin/trades.hpp"

#include "margin/health.hpp"
#include "margin/numeric.hpp"
#include "margin/perpetual.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace margrave::margin {
namespace {

// Of no chain that is followed, so that it is never dead and nothing is sold for it.
const AssetId& venue_cash() {
    static const AssetId asset = AssetId::native(ChainId::parse("what-if:venue").value(), 0);
    return asset;
}

constexpr unsigned kCashDecimals = 18;

Result<const Market::Form*> usable_form(const AssetId& asset, const Market& market) {
    const Market::Form* form = market.find(asset);
    if (form == nullptr) {
        return fail(Errc::kNotFound, "the parameters name no asset " + asset.text());
    }
    if (form->trouble != 0) {
        return fail(
            Errc::kUnattestable,
            asset.text() + " has no usable price: " + describe_guards(form->trouble)
        );
    }
    return form;
}

Result<const AssetParameters*> named(const AssetId& asset, const Parameters& parameters) {
    const AssetParameters* found = parameters.find(asset);
    if (found == nullptr) {
        return fail(Errc::kNotFound, "the parameters name no asset " + asset.text());
    }
    return found;
}

bool is_opposite(const Money& a, const Money& b) {
    return a.sign() * b.sign() < 0;
}

// Worse for what is long is higher, for what is short lower.
Money mean_entry(const VenuePosition& position, const PositionTrade& trade) {
    const Money after = position.size + trade.size;
    const Rounding against = after.is_negative() ? Rounding::kDown : Rounding::kUp;
    return position.entry_price +
           mul_div(trade.price - position.entry_price, trade.size, after, against);
}

// `position` becomes what is left; returns what the closed contracts of a perpetual made.
Money post(VenuePosition& position, const PositionTrade& trade) {
    const Money after = position.size + trade.size;
    if (!is_opposite(position.size, trade.size)) {
        position.entry_price = mean_entry(position, trade);
        position.size = after;
        return Money{};
    }
    const bool is_through = is_opposite(position.size, after);
    const Money closed = is_through ? position.size : -trade.size;
    const Money made = unrealised(closed, trade.price, position.entry_price, kOurs);
    position.size = after;
    if (is_through) {
        position.entry_price = trade.price;
    }
    return made;
}

Result<void> check_trade(const PositionTrade& trade, const Market::Instrument& instrument) {
    if (trade.size.is_zero()) {
        return fail(Errc::kInvalid, "a trade of zero contracts");
    }
    const bool is_option = instrument.option != nullptr;
    if (trade.price.is_negative() || (trade.price.is_zero() && !is_option)) {
        return fail(Errc::kInvalid, "a trade at a price of " + trade.price.to_decimal() + " USD");
    }
    return ok();
}

VenuePosition& row_of(AccountHoldings& holdings, const Hash32& market) {
    auto& rows = holdings.positions;
    auto row = std::ranges::lower_bound(rows, market, {}, &VenuePosition::market);
    if (row == rows.end() || row->market != market) {
        row = rows.insert(row, VenuePosition{.market = market, .size = {}, .entry_price = {}});
    }
    return *row;
}

}  // namespace

std::array<Move, 2> moves_of(const Swap& swap) {
    return {
        Move{.kind = MoveKind::kWithdraw, .asset = swap.sold, .amount = swap.amount},
        Move{.kind = MoveKind::kDeposit, .asset = swap.bought, .amount = swap.received}};
}

Result<Amount> proceeds_of(
    const AssetId& sold, const Amount& amount, const AssetId& bought, const Market& market
) {
    MARGRAVE_TRY(const auto* from, usable_form(sold, market));
    MARGRAVE_TRY(const auto* into, usable_form(bought, market));
    MARGRAVE_TRY(
        const auto whole, value_of(amount, from->asset->decimals, from->price, Round::kDown)
    );
    MARGRAVE_TRY(const auto value, mul(whole, from->on->backing, Round::kDown));
    return units_for(value, into->asset->decimals, into->price, Round::kDown);
}

Result<Amount> proceeds_at(
    const Money& rate,
    const AssetId& sold,
    const Amount& amount,
    const AssetId& bought,
    const Parameters& parameters
) {
    MARGRAVE_TRY(const auto* from, named(sold, parameters));
    MARGRAVE_TRY(const auto* into, named(bought, parameters));
    MARGRAVE_TRY(const auto tokens, value_of(amount, from->decimals, rate, Round::kDown));
    return units_for(tokens, into->decimals, Money::whole(1), Round::kDown);
}

Result<Traded> apply(
    AccountHoldings holdings, const Parameters& parameters, const PositionTrade& trade
) {
    const Market market(PriceTable{}, parameters);
    const Market::Instrument* instrument = market.find_market(trade.market);
    if (instrument == nullptr) {
        return fail(Errc::kNotFound, "no venue has the market " + to_hex(trade.market));
    }
    MARGRAVE_TRY(check_trade(trade, *instrument));
    VenuePosition& row = row_of(holdings, trade.market);
    const std::array inputs{row.size, row.entry_price, trade.size, trade.price};
    if (!in_bounds(inputs) || !in_bounds(row.size + trade.size)) {
        return fail(
            Errc::kOverflow,
            "a size or price in the market " + to_hex(trade.market) +
                " is 2^96 units of 1e-18 or more"
        );
    }
    Traded out;
    out.settled = post(row, trade);
    if (instrument->option != nullptr) {
        out.settled = times(-trade.size, trade.price, Rounding::kDown);
    }
    std::erase_if(holdings.positions, [](const VenuePosition& position) {
        return position.size.is_zero();
    });
    out.holdings = std::move(holdings);
    return out;
}

Result<void> VenueDebt::charge(AccountHoldings& holdings, const Money& settled) {
    if (!settled.is_negative()) {
        return ok();
    }
    MARGRAVE_TRY(
        const auto units, units_for(negate(settled), kCashDecimals, Money::whole(1), Round::kUp)
    );
    auto row = std::ranges::lower_bound(holdings.holdings, venue_cash(), {}, &Holding::asset);
    if (row == holdings.holdings.end() || row->asset != venue_cash()) {
        row = holdings.holdings.insert(row, Holding{});
        row->asset = venue_cash();
    }
    MARGRAVE_TRY(row->mapped_debt, add(row->mapped_debt, units));
    row->debt = row->mapped_debt;
    exists_ = true;
    return ok();
}

void VenueDebt::add_to(PriceTable& prices, Parameters& parameters) {
    const Money one = Money::whole(1);
    PriceRow row;
    row.asset = venue_cash();
    row.price = one;
    row.verdict = PriceVerdict::kUsable;
    prices[venue_cash()] = row;
    AssetParameters asset;
    asset.name = "venue cash";
    asset.decimals = kCashDecimals;
    asset.collateral = {};
    asset.debt = {.initial = one, .liquidation_end = one, .maintenance = one};
    asset.on.push_back({.asset = venue_cash(), .backing = one});
    asset.price_min = one;
    asset.price_max = one;
    parameters.assets.push_back(std::move(asset));
}

}  // namespace margrave::margin
