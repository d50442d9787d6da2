// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/liquidation.hpp"
#include "margin/market.hpp"
#include "margin/parameters.hpp"

#include <cstdint>
#include <string>
#include <string_view>

// What might happen to an account or to a price, as pure functions: the ground of what-if and of
// stress. Nothing here is signed.
namespace margrave::margin {

enum class MoveKind : std::uint8_t { kDeposit, kWithdraw, kBorrow, kRepay };
/// "deposit", "withdraw", "borrow", "repay".
std::string_view to_string(MoveKind kind);

/// One thing an owner might do; raw units of `asset`.
struct Move {
    MoveKind kind{MoveKind::kDeposit};
    AssetId asset;
    Amount amount;
};

/// The holdings once the move is final, as the ledger will post it: what is repaid beyond the debt
/// to our pool becomes collateral. kInvalid when the vault could not do it: more withdrawn than is
/// free, or an amount of zero; kOverflow.
Result<AccountHoldings> apply(AccountHoldings holdings, const Move& move);

/// The holdings once the leg's lot is sold at its floor. kOverflow when the lot is not there.
Result<AccountHoldings> apply(AccountHoldings holdings, const PlannedLeg& leg);

/// A price that moves: the factor (E18, 0.9 is ten percent down) of what it is, or USD per whole
/// token.
struct PriceMove {
    /// Name of a canonical asset (all its forms), or the CAIP-19 text of one form.
    std::string asset;
    bool is_factor{true};
    Money value;
};

/// A moved price is usable, whatever its row was before; the band of the parameters still applies.
/// Rounds down. kNotFound when the parameters name no such asset or form, kInvalid for a factor of
/// a price that is not there, or a price that would not be above zero.
Result<PriceTable> apply(PriceTable prices, const Parameters& parameters, const PriceMove& move);

/// The same prices, too old to be used. kNotFound as above.
Result<PriceTable> make_stale(
    PriceTable prices, const Parameters& parameters, std::string_view asset
);

}  // namespace margrave::margin
