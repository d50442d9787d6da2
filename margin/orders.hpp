// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "core/statements.hpp"
#include "margin/liquidation.hpp"

#include <cstdint>

// Stop-loss and take-profit orders of an account: when one is triggered, and which sale it asks
// for. Pure.
namespace margrave::margin {

/// Sell `amount` raw units of `sell` for `proceeds`, a token of the same chain, once the guarded
/// price of `watched` is at or beyond `trigger` (USD E18 per whole token).
struct PriceOrder {
    AccountId account;
    AssetId watched;
    /// True: at the trigger or below it, a stop-loss of what is owned. False: at it or above.
    bool below{true};
    Money trigger;
    AssetId sell;
    Amount amount;
    AssetId proceeds;
    UnixSeconds valid_from;
    /// The last second in which it may be triggered.
    UnixSeconds expiry;
    std::uint64_t nonce{0};
    bool operator==(const PriceOrder&) const = default;
};

/// Whether a round issued at that time with that row of the watched asset triggers the order. A
/// price that must not be used triggers nothing.
bool is_triggered(const PriceOrder& order, const PriceRow& row, UnixSeconds issued_at);

/// The sale by the planner's own arithmetic: at most what the vault holds free of auctions, at the
/// floor of the whole bonus; what is paid beyond the debt in that token becomes collateral. One
/// leg, or none when there is nothing to sell; health before and after are liquidation-end health.
/// kInvalid when the two tokens are not a sale (unknown, of two chains, of one asset, or may not be
/// seized), kUnattestable when the account cannot be valued.
Result<LiquidationPlan> plan_sale(
    const AccountHoldings& holdings, const PriceOrder& order, const Market& market
);

}  // namespace margrave::margin
