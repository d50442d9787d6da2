// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/holdings.hpp"
#include "core/ids.hpp"

#include <map>

namespace margrave::margin {

/// What all accounts of one snapshot have, owe and hold open together: what depends on the size of
/// a pool or a market scales with it. Sums of raw units, wide enough for any number of accounts, so
/// neither the order nor an overflow matters, and what was added can be taken out again.
class Totals {
  public:
    using Wide = Money::Rep;

    struct Pool {
        Wide collateral{0};
        Wide debt{0};
        bool operator==(const Pool&) const = default;
    };

    /// Sizes E18, both as magnitudes.
    struct Interest {
        Wide longs{0};
        Wide shorts{0};
        bool operator==(const Interest&) const = default;
    };

    void add(const AccountHoldings& account);
    /// Of an account that was added as it is.
    void remove(const AccountHoldings& account);

    /// Zero for what nobody has.
    [[nodiscard]] Pool pool(const AssetId& asset) const;
    [[nodiscard]] Interest interest(const Hash32& market) const;

    bool operator==(const Totals&) const = default;

  private:
    void count(const AccountHoldings& account, int sign);

    // Without rows of zero, so that equal totals are equal however they came about.
    std::map<AssetId, Pool> pools_;
    std::map<Hash32, Interest> interests_;
};

}  // namespace margrave::margin
