// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "relayer/grants.hpp"

#include <optional>
#include <string>
#include <vector>

// What the prices of a pass allow beside what their signed rows say (oracle::PriceUse).
namespace margrave::relayer {

/// Why nothing may be liquidated by the price of now of this form; empty when it may.
std::string price_hold(const DecisionParts& parts, const AssetId& asset);

/// The same of the prices that mark the account's positions. Less than the dust protects nobody.
std::string position_hold(const DecisionParts& parts, const AccountHoldings& state);

/// The highest price that something may have: that of now or the slow one, whichever is more, and
/// without a usable price the end of its band. Absent where there is no row at all.
std::optional<Money> highest_price(const DecisionParts& parts, const AssetId& asset);

/// Whether so many raw units are worth what a leg must be at the highest price; what cannot be
/// valued counts as worth it. By the price of now a crash would make dust of what it holds.
bool is_worth_a_leg(const DecisionParts& parts, const AssetId& asset, const Amount& amount);

/// Whether the account has more of the asset, in all its forms and positions together, than it
/// owes, so that it can never lose by a higher price of it. Less than the dust does not count
/// against it.
bool is_net_owned(const DecisionParts& parts, const AccountHoldings& state, const AssetId& asset);

/// The prices by which a liquidation judges and plans: what an account has more of than it owes is
/// worth its slow price where that is higher and the price of now must not begin a liquidation.
margin::PriceTable kinder_prices(const DecisionParts& parts, const AccountHoldings& state);

/// Whether nothing is granted by the price of now of this form.
bool is_refused(const DecisionParts& parts, const AssetId& asset);

/// The prices by which a grant judges this state beside those of now: none, or with the slow price
/// where that is worse, once for what the account has and once for what it owes. kUnattestable
/// while a usable price of something in it decides nothing.
Result<std::vector<margin::PriceTable>> worse_tables(
    const DecisionParts& parts, const AccountHoldings& state
);

/// Whether the promise may be made where prices are far from their slow prices: under the worse of
/// both for what the account would have. kCheckFailed when it has not the room under that,
/// kUnattestable while a price decides nothing.
Result<void> check_price_uses(
    const DecisionParts& parts, const AccountHoldings& worst, const margin::Promise& asked
);

}  // namespace margrave::relayer
