// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace margrave {

/// Keccak-256 as Ethereum uses it (the padding of the Keccak submission, not FIPS 202's SHA-3).
/// Takes the best instructions the processor has; the hash is the same with all of them.
Hash32 keccak256(ByteView data);

inline Hash32 keccak256(std::string_view text) {
    return keccak256(as_bytes(text));
}

/// Of the concatenation of two words: the inner node of every tree and accumulator.
Hash32 keccak256(const Hash32& left, const Hash32& right);

/// Of each of out.size() messages of `size` bytes that lie one behind the other in `messages`
/// (asserted): what trees are built from. Eight at once with AVX-512, four with AVX2.
void keccak256_each(ByteView messages, std::size_t size, std::span<Hash32> out);

}  // namespace margrave
