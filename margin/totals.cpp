// SPDX-License-Identifier: Apache-2.0
#include "margin/totals.hpp"

namespace margrave::margin {
namespace {

template <class Map, class Key>
typename Map::mapped_type row_of(const Map& rows, const Key& key) {
    const auto found = rows.find(key);
    return found == rows.end() ? typename Map::mapped_type{} : found->second;
}

}  // namespace

void Totals::count(const AccountHoldings& account, int sign) {
    for (const Holding& row : account.holdings) {
        Pool& pool = pools_[row.asset];
        pool.collateral += Wide(row.collateral.rep()) * sign;
        pool.debt += Wide(row.debt.rep()) * sign;
        if (pool == Pool{}) {
            pools_.erase(row.asset);
        }
    }
    for (const VenuePosition& row : account.positions) {
        Interest& interest = interests_[row.market];
        if (row.size.is_negative()) {
            interest.shorts -= row.size.rep() * sign;
        } else {
            interest.longs += row.size.rep() * sign;
        }
        if (interest == Interest{}) {
            interests_.erase(row.market);
        }
    }
}

void Totals::add(const AccountHoldings& account) {
    count(account, 1);
}

void Totals::remove(const AccountHoldings& account) {
    count(account, -1);
}

Totals::Pool Totals::pool(const AssetId& asset) const {
    return row_of(pools_, asset);
}

Totals::Interest Totals::interest(const Hash32& market) const {
    return row_of(interests_, market);
}

}  // namespace margrave::margin
