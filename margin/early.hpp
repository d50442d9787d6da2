// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/parameters.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

/// Collateral that counts before it is final (docs/margin.md section 2): only for what is granted,
/// never in what is attested, and never as something that may itself leave.
namespace margrave::margin {

/// What one form of an asset counts for early, in raw units of it.
struct EarlyPart {
    AssetId asset;
    Amount amount;
    bool operator==(const EarlyPart&) const = default;
};

/// An account's collateral in one form, at the blocks that matter.
struct EarlySight {
    Amount firm;
    Amount head;
    /// At the block of each tier, in the order of the tiers: so many blocks below the head. Absent
    /// where that block is not above the firm one, or not known.
    std::vector<std::optional<Amount>> at_depth;
};

struct EarlyCredit {
    Amount amount;
    /// The tier that gives it; of equals the deepest.
    std::size_t tier{0};
};

/// max over tiers of min(up_to, min(at_depth, head) - firm), never below zero.
EarlyCredit early_credit(std::span<const EarlyTier> tiers, const EarlySight& sight);

/// The holdings with the parts on top. A part counts for health; it cannot be withdrawn or seized,
/// and pays for no promise, as what lies outside our vaults. kOverflow.
Result<AccountHoldings> with_early(AccountHoldings worst, std::span<const EarlyPart> parts);

/// Whether a grant holds with these parts. An error ends the search and is its result.
using EarlyTest = std::function<Result<bool>(std::span<const EarlyPart>)>;

/// The least of the offers, taken in their order, with which the test says yes: whole ones and as
/// much of the last as is needed. Empty when all of them do not do. More of a part never turns a
/// yes into a no: every weight and price is positive.
Result<std::vector<EarlyPart>> least_early(
    std::span<const EarlyPart> offers, const EarlyTest& passes
);

}  // namespace margrave::margin
