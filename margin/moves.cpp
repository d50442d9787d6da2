// SPDX-License-Identifier: Apache-2.0
#include "margin/moves.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace margrave::margin {
namespace {

Holding& moved_row(AccountHoldings& holdings, const AssetId& asset) {
    auto row = std::ranges::lower_bound(holdings.holdings, asset, {}, &Holding::asset);
    if (row == holdings.holdings.end() || row->asset != asset) {
        row = holdings.holdings.insert(row, Holding{});
        row->asset = asset;
    }
    return *row;
}

// Rows that are all zero are absent.
void drop_if_nothing(AccountHoldings& holdings, const AssetId& asset) {
    std::erase_if(holdings.holdings, [&asset](const Holding& row) {
        return row.asset == asset && row.collateral.is_zero() && row.debt.is_zero() &&
               row.book.is_zero() && row.in_sale.is_zero();
    });
}

Result<void> add_collateral(Holding& row, const Amount& amount) {
    MARGRAVE_TRY(row.collateral, add(row.collateral, amount));
    MARGRAVE_TRY(row.book, add(row.book, amount));
    return ok();
}

Result<void> pay(Holding& row, const Amount& amount) {
    const Amount surplus = sub_or_zero(amount, row.own_debt());
    MARGRAVE_TRY(row.debt, sub(row.debt, min(amount, row.own_debt())));
    return add_collateral(row, surplus);
}

Result<void> take(Holding& row, const Amount& amount) {
    MARGRAVE_TRY(row.collateral, sub(row.collateral, amount));
    row.book = sub_or_zero(row.book, amount);
    return ok();
}

Result<void> post(Holding& row, const Move& move) {
    switch (move.kind) {
        case MoveKind::kDeposit:
            return add_collateral(row, move.amount);
        case MoveKind::kWithdraw:
            return take(row, move.amount);
        case MoveKind::kBorrow: {
            MARGRAVE_TRY(row.debt, add(row.debt, move.amount));
            return ok();
        }
        case MoveKind::kRepay:
            return pay(row, move.amount);
    }
    MARGRAVE_ASSERT(false);
    return ok();
}

// The forms that `asset` names.
Result<std::vector<AssetId>> forms_named(const Parameters& parameters, std::string_view asset) {
    std::vector<AssetId> out;
    for (const AssetParameters& row : parameters.assets) {
        for (const AssetOnChain& form : row.on) {
            if (row.name == asset || form.asset.text() == asset) {
                out.push_back(form.asset);
            }
        }
    }
    if (out.empty()) {
        return fail(Errc::kNotFound, "the parameters name no asset \"" + std::string(asset) + "\"");
    }
    return out;
}

Result<Money> moved_price(const PriceRow& row, const PriceMove& move) {
    Money price = move.value;
    if (move.is_factor) {
        if (row.price.sign() <= 0) {
            return fail(
                Errc::kInvalid,
                row.asset.text() + " has no price that could move by a part of itself"
            );
        }
        MARGRAVE_TRY(price, mul(row.price, move.value, Round::kDown));
    }
    if (price.sign() <= 0) {
        return fail(
            Errc::kInvalid,
            "the price of " + row.asset.text() + " would be " + price.to_decimal() +
                " USD; it has to stay above zero"
        );
    }
    return price;
}

}  // namespace

std::string_view to_string(MoveKind kind) {
    switch (kind) {
        case MoveKind::kDeposit:
            return "deposit";
        case MoveKind::kWithdraw:
            return "withdraw";
        case MoveKind::kBorrow:
            return "borrow";
        case MoveKind::kRepay:
            return "repay";
    }
    MARGRAVE_ASSERT(false);
    return {};
}

Result<AccountHoldings> apply(AccountHoldings holdings, const Move& move) {
    const std::string what = std::string(to_string(move.kind)) + " of " + move.amount.to_string() +
                             " raw units of " + move.asset.text();
    if (move.amount.is_zero()) {
        return fail(Errc::kInvalid, what + ": the amount is zero");
    }
    Holding& row = moved_row(holdings, move.asset);
    if (move.kind == MoveKind::kWithdraw && row.free() < move.amount) {
        return fail(Errc::kInvalid, what + ": only " + row.free().to_string() + " are free");
    }
    MARGRAVE_TRY(post(row, move));
    drop_if_nothing(holdings, move.asset);
    return holdings;
}

Result<AccountHoldings> apply(AccountHoldings holdings, const PlannedLeg& leg) {
    MARGRAVE_TRY(take(moved_row(holdings, leg.asset), leg.seize));
    MARGRAVE_TRY(pay(moved_row(holdings, leg.debt_asset), leg.min_proceeds));
    drop_if_nothing(holdings, leg.asset);
    drop_if_nothing(holdings, leg.debt_asset);
    return holdings;
}

Result<PriceTable> apply(PriceTable prices, const Parameters& parameters, const PriceMove& move) {
    MARGRAVE_TRY(const auto forms, forms_named(parameters, move.asset));
    for (const AssetId& form : forms) {
        PriceRow& row = prices[form];
        row.asset = form;
        MARGRAVE_TRY(row.price, moved_price(row, move));
        row.verdict = PriceVerdict::kUsable;
    }
    return prices;
}

Result<PriceTable> make_stale(
    PriceTable prices, const Parameters& parameters, std::string_view asset
) {
    MARGRAVE_TRY(const auto forms, forms_named(parameters, asset));
    for (const AssetId& form : forms) {
        PriceRow& row = prices[form];
        row.asset = form;
        row.verdict = PriceVerdict::kStale;
    }
    return prices;
}

}  // namespace margrave::margin
