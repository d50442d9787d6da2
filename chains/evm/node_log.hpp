// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/ids.hpp"

#include <cstdint>
#include <vector>

namespace margrave::chains::evm {

/// A log as a node tells it.
struct NodeLog {
    BlockNum number;
    Hash32 block;
    Hash32 txn;
    /// Among all logs of the block, from 0.
    std::uint32_t index{0};
    Address address;
    std::vector<Hash32> topics;
    Bytes data;
    bool operator==(const NodeLog&) const = default;
};

}  // namespace margrave::chains::evm
