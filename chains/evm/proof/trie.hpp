// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// Ethereum's Merkle-Patricia trie (Yellow Paper, appendix D): roots and proofs.
namespace margrave::chains::evm::trie {

/// Longest key, in bytes; it bounds the depth. State and storage keys have 32, index keys 9.
constexpr std::size_t kKeyMax = 64;
/// Largest proof node. An account's or slot's node has at most 532 bytes.
constexpr std::size_t kNodeMax = std::size_t{64} << 10;

/// Root of the trie with nothing in it: keccak of the empty string's RLP.
const Hash32& empty_root();

struct Entry {
    ByteView key;
    /// Not empty: the trie has no empty values.
    ByteView value;
};

/// Root of a map, in time linear in the bytes of keys and values; nothing is kept but the path that
/// is being hashed. kInvalid for a repeated key or an empty value, kLimit for a key over kKeyMax.
Result<Hash32> map_root(std::vector<Entry> entries);

/// Root of a list as blocks commit to transactions, receipts and withdrawals: value i under the RLP
/// of i. The values are encodings, so none is empty.
Hash32 list_root(std::span<const ByteView> values);
Hash32 list_root(std::span<const Bytes> values);

/// What a proof says of its key: the value, or nothing when the trie has none.
using Proved = std::optional<Bytes>;

/// Follows `key` from `root` through `nodes`, as eth_getProof lists them: the root's node first,
/// and no node for what is embedded in another. kUnproved: a node does not hash to what its parent
/// names, is not canonical, or is missing or left over. kUnable: no node at all under a root that
/// is not empty, or a node or key over its bound.
Result<Proved> verify_proof(const Hash32& root, ByteView key, std::span<const Bytes> nodes);

/// Nibbles packed with their parity and whether the path ends in a leaf (appendix C, HP).
Bytes hex_prefix(std::span<const std::uint8_t> nibbles, bool leaf);

}  // namespace margrave::chains::evm::trie
