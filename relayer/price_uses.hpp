// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "relayer/grants.hpp"

#include <string>

// What the prices of a pass allow beside what their signed rows say (oracle::PriceUse).
namespace margrave::relayer {

/// Why nothing may be liquidated by the price of now of this form; empty when it may.
std::string price_hold(const DecisionParts& parts, const AssetId& asset);

/// Whether the promise may be made where prices are far from their slow prices: under the worse of
/// both for what the account would have. kCheckFailed when it has not the room under that,
/// kUnattestable while a price decides nothing.
Result<void> check_price_uses(
    const DecisionParts& parts, const AccountHoldings& worst, const margin::Promise& asked
);

}  // namespace margrave::relayer
