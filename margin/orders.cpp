// SPDX-License-Identifier: Apache-2.0
#include "margin/orders.hpp"

namespace margrave::margin {

bool is_triggered(const PriceOrder& order, const PriceRow& row, UnixSeconds issued_at) {
    if (row.asset != order.watched || row.verdict != PriceVerdict::kUsable ||
        issued_at < order.valid_from || issued_at > order.expiry) {
        return false;
    }
    return order.below ? row.price <= order.trigger : row.price >= order.trigger;
}

}  // namespace margrave::margin
