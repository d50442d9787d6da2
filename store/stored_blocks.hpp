// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace margrave::store {

class Database;

/// The ledger's blocks of one chain from `from` to `to` with their events, ascending, at most
/// `limit`. What was left out of a run of final blocks, having no events, is absent.
Result<std::vector<BlockData>> stored_blocks(
    const Database& db, const ChainId& chain, BlockNum from, BlockNum to, std::size_t limit
);

/// The newest block at or below `up_to` that has an event.
Result<std::optional<BlockNum>> last_event_block(
    const Database& db, const ChainId& chain, BlockNum up_to
);

}  // namespace margrave::store
