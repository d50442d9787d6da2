// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/events.hpp"
#include "core/ids.hpp"

#include <vector>

namespace margrave {

/// What one account has and owes in one asset of one chain, at one state of that chain. Raw units.
struct Holding {
    AssetId asset;
    /// Owned by the account: free, held for a release under way, in an auction not yet sold, or at
    /// a watched contract.
    Amount collateral;
    /// Owed by the account: loan, receivable, and what it owes at watched contracts.
    Amount debt;
    /// What the vault's own book says it could exit with.
    Amount book;
    /// The part of collateral that lies in an auction; it cannot be seized or withdrawn.
    Amount in_sale;
    /// The part of collateral that lies at watched contracts. It counts for health; no vault of
    /// ours can seize or release it.
    Amount mapped;
    /// The part of debt that is owed at watched contracts. No vault of ours can repay it.
    Amount mapped_debt;

    /// What our vault holds for the account, in an auction or not.
    [[nodiscard]] Amount own() const { return sub_or_zero(collateral, mapped); }

    /// What our vault could release or seize.
    [[nodiscard]] Amount free() const { return sub_or_zero(own(), in_sale); }

    /// What the account owes to our pool.
    [[nodiscard]] Amount own_debt() const { return sub_or_zero(debt, mapped_debt); }

    bool operator==(const Holding&) const = default;
};

/// The last state of one venue position (PositionBook). size and entry price are signed E18.
struct VenuePosition {
    Hash32 market;
    Money size;
    Money entry_price;
    bool operator==(const VenuePosition&) const = default;
};

/// Everything margin needs to know of one account. Holdings ascend by asset text, positions by
/// market; rows that are all zero are absent.
struct AccountHoldings {
    AccountId account;
    std::vector<Holding> holdings;
    std::vector<VenuePosition> positions;
    bool operator==(const AccountHoldings&) const = default;
};

}  // namespace margrave
