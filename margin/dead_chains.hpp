// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "core/holdings.hpp"
#include "core/ids.hpp"

#include <cstdint>
#include <set>

namespace margrave::margin {

/// Chains of which nothing recent enough is known in one round (docs/protocol.md section 3). What
/// an account has there may have changed unseen, so whoever has anything there is UNATTESTABLE.
struct DeadChains {
    std::set<ChainId> chains;
    /// The chain of the position book, the hub, is one of them.
    bool positions{false};

    bool operator==(const DeadChains&) const = default;

    [[nodiscard]] bool empty() const { return chains.empty(); }

    [[nodiscard]] bool contains(const ChainId& chain) const { return chains.contains(chain); }

    void add(const ChainId& chain, const ChainId& hub) {
        chains.insert(chain);
        positions = positions || chain == hub;
    }

    [[nodiscard]] bool holds(const Holding& row) const {
        const bool nothing = row.collateral.is_zero() && row.debt.is_zero() && row.book.is_zero() &&
                             row.in_sale.is_zero();
        return !nothing && chains.contains(row.asset.chain());
    }

    [[nodiscard]] bool holds(const VenuePosition& row) const {
        return positions && !row.size.is_zero();
    }

    /// Whether the account has, owes or trades anything on one of them.
    [[nodiscard]] bool touch(const AccountHoldings& account) const;
};

/// Whether a final head is too old for a round: `max_age_s` seconds and more than that have passed
/// between its block's time and the time of issue. Zero: there is no limit.
inline bool is_head_too_old(UnixSeconds head, UnixSeconds issued_at, std::uint64_t max_age_s) {
    return max_age_s != 0 && issued_at > head && issued_at.value - head.value > max_age_s;
}

}  // namespace margrave::margin
