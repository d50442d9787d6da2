// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace margrave::margin {
namespace {

using Rows = std::map<AssetId, Holding>;

// One row per asset; a row that is there twice is one row with the sum.
Result<Rows> rows_of(const AccountHoldings& holdings) {
    Rows rows;
    for (const Holding& holding : holdings.holdings) {
        Holding& row = rows[holding.asset];
        row.asset = holding.asset;
        MARGRAVE_TRY(row.collateral, add(row.collateral, holding.collateral));
        MARGRAVE_TRY(row.debt, add(row.debt, holding.debt));
        MARGRAVE_TRY(row.book, add(row.book, holding.book));
        MARGRAVE_TRY(row.in_sale, add(row.in_sale, holding.in_sale));
        MARGRAVE_TRY(row.mapped, add(row.mapped, holding.mapped));
        MARGRAVE_TRY(row.mapped_debt, add(row.mapped_debt, holding.mapped_debt));
    }
    return rows;
}

// What our vault holds and what lies outside are compared apart: tokens that moved from the one to
// the other are final in neither place.
Result<Holding> worse(const Holding& a, const Holding& b) {
    Holding out;
    out.mapped = min(a.mapped, b.mapped);
    out.mapped_debt = std::max(a.mapped_debt, b.mapped_debt);
    MARGRAVE_TRY(out.collateral, add(min(a.own(), b.own()), out.mapped));
    MARGRAVE_TRY(out.debt, add(std::max(a.own_debt(), b.own_debt()), out.mapped_debt));
    out.book = min(a.book, b.book);
    out.in_sale = std::max(a.in_sale, b.in_sale);
    return out;
}

bool is_nothing(const Holding& row) {
    return row.collateral.is_zero() && row.debt.is_zero() && row.book.is_zero() &&
           row.in_sale.is_zero();
}

// Of a market that no module values the larger size keeps the account unattestable until both
// states agree that there is none; of others a caller looks at both states' positions.
std::vector<VenuePosition> larger_positions(
    const std::vector<VenuePosition>& a, const std::vector<VenuePosition>& b
) {
    const auto size_of = [](const VenuePosition& position) {
        return max(position.size, negate(position.size));
    };
    std::map<Hash32, VenuePosition> rows;
    for (const auto* side : {&a, &b}) {
        for (const VenuePosition& position : *side) {
            const auto [row, added] = rows.emplace(position.market, position);
            if (!added && size_of(row->second) < size_of(position)) {
                row->second = position;
            }
        }
    }
    std::vector<VenuePosition> out;
    for (auto& [market, position] : rows) {
        out.push_back(position);
    }
    return out;
}

// A withdrawal under way is gone. If the state does not hold all of it, because a deposit is not
// final, the rest is owed: the vault will pay it out of what belongs to others. What lies outside
// the vault pays for nothing.
Result<void> keep_promise(Rows& rows, const Promise& promise) {
    Holding& row = rows[promise.asset];
    Amount owed = promise.amount;
    if (promise.from_collateral) {
        owed = sub_or_zero(promise.amount, row.own());
        MARGRAVE_TRY(row.collateral, add(sub_or_zero(row.own(), promise.amount), row.mapped));
    }
    MARGRAVE_TRY(row.debt, add(row.debt, owed));
    return ok();
}

Result<Rows> rows_less(
    const AccountHoldings& holdings, std::span<const Promise> holds, bool and_executed
) {
    MARGRAVE_TRY(Rows rows, rows_of(holdings));
    for (const Promise& hold : holds) {
        if (and_executed || !hold.is_executed) {
            MARGRAVE_TRY(keep_promise(rows, hold));
        }
    }
    return rows;
}

AccountHoldings holdings_of(
    const AccountId& account, Rows rows, std::vector<VenuePosition> positions
) {
    AccountHoldings out;
    out.account = account;
    out.positions = std::move(positions);
    for (auto& [asset, row] : rows) {
        row.asset = asset;
        if (!is_nothing(row)) {
            out.holdings.push_back(std::move(row));
        }
    }
    return out;
}

Error refuse(const Promise& promise, const std::string& why) {
    const std::string what = promise.from_collateral ? "withdrawal of " : "borrow of ";
    return fail(
        Errc::kCheckFailed,
        what + promise.amount.to_string() + " raw units of " + promise.asset.text() + ": " + why
    );
}

Result<void> check_promise(const Rows& rows, const Promise& promise, const Parameters& parameters) {
    if (promise.amount.is_zero()) {
        return refuse(promise, "the amount is zero");
    }
    if (promise.from_collateral) {
        const auto row = rows.find(promise.asset);
        Amount free;
        if (row != rows.end()) {
            free = row->second.free();
        }
        if (free < promise.amount) {
            return refuse(promise, "only " + free.to_string() + " are free");
        }
        return ok();
    }
    const AssetParameters* asset = parameters.find(promise.asset);
    if (asset == nullptr) {
        return refuse(promise, "the parameters do not name the asset");
    }
    if (!asset->borrowable) {
        return refuse(promise, asset->name + " cannot be borrowed");
    }
    return ok();
}

}  // namespace

Result<AccountHoldings> firm_less(AccountHoldings firm, std::span<const Promise> holds) {
    MARGRAVE_TRY(Rows rows, rows_less(firm, holds, /*and_executed=*/true));
    return holdings_of(firm.account, std::move(rows), std::move(firm.positions));
}

Result<AccountHoldings> provisional_less(
    AccountHoldings provisional, std::span<const Promise> holds
) {
    MARGRAVE_TRY(Rows rows, rows_less(provisional, holds, /*and_executed=*/false));
    return holdings_of(provisional.account, std::move(rows), std::move(provisional.positions));
}

Result<AccountHoldings> worst_of(
    const AccountHoldings& firm, const AccountHoldings& provisional, std::span<const Promise> holds
) {
    if (firm.account != provisional.account) {
        return fail(
            Errc::kInvalid,
            "worst of two accounts: " + to_hex(firm.account) + " and " + to_hex(provisional.account)
        );
    }
    MARGRAVE_TRY(Rows a, rows_less(firm, holds, /*and_executed=*/true));
    MARGRAVE_TRY(Rows b, rows_less(provisional, holds, /*and_executed=*/false));
    for (const auto& [asset, row] : b) {
        a.try_emplace(asset);
    }
    Rows out;
    for (const auto& [asset, row] : a) {
        MARGRAVE_TRY(out[asset], worse(row, b[asset]));
    }
    return holdings_of(
        firm.account, std::move(out), larger_positions(firm.positions, provisional.positions)
    );
}

Result<void> check_grant(
    const AccountHoldings& worst,
    const Promise& promise,
    const PriceTable& prices,
    const Parameters& parameters
) {
    MARGRAVE_TRY(Rows rows, rows_of(worst));
    MARGRAVE_TRY(check_promise(rows, promise, parameters));
    MARGRAVE_TRY(keep_promise(rows, promise));
    const AccountHoldings after = holdings_of(worst.account, std::move(rows), worst.positions);
    const AccountState state = evaluate_state(
        after, prices, parameters, /*was_liquidatable=*/false, /*provisional_differs=*/false
    );
    if (state.status == Status::kUnattestable || (state.flags & kNoPrice) != 0) {
        return refuse(promise, "the account cannot be valued: " + describe_guards(state.flags));
    }
    if (state.initial.is_negative()) {
        return refuse(
            promise, "initial health would be " + state.initial.to_decimal(2) + " USD, below zero"
        );
    }
    return ok();
}

}  // namespace margrave::margin
