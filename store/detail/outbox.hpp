// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/database_impl.hpp"
#include "store/detail/decision_records.hpp"

namespace margrave::store::detail {

/// Still to be followed by delivery.
bool is_open(IntentState state);
/// The row and its place among the open ones.
void put_intent(const Database::Impl& impl, rocksdb::WriteBatch& batch, const IntentRow& row);

}  // namespace margrave::store::detail
