// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"

#include <cstddef>
#include <cstdint>

namespace margrave::chains::evm::trie::detail {

/// Half a byte of a key, the high half first.
inline std::uint8_t nibble_at(ByteView key, std::size_t i) {
    return i % 2 == 0 ? static_cast<std::uint8_t>(key[i / 2] >> 4)
                      : static_cast<std::uint8_t>(key[i / 2] & 0x0f);
}

inline std::size_t nibble_count(ByteView key) {
    return key.size() * 2;
}

}  // namespace margrave::chains::evm::trie::detail
