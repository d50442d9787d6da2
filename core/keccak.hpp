// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"

#include <memory>

namespace margrave {

/// Keccak-256 as Ethereum uses it (the padding of the Keccak submission, not FIPS 202's SHA-3).
Hash32 keccak256(ByteView data);

inline Hash32 keccak256(std::string_view text) {
    return keccak256(as_bytes(text));
}

/// Of the concatenation of two words: the inner node of every tree and accumulator.
Hash32 keccak256(const Hash32& left, const Hash32& right);

}  // namespace margrave
