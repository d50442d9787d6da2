// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/statements.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace margrave::attest {

/// keccak(keccak(abi(fields))): OpenZeppelin merkle-tree's leaf form.
Hash32 leaf_hash(const AccountState& state);
Hash32 leaf_hash(const PriceRow& row);

/// OpenZeppelin's complete binary tree over leaves in the given order (`sortLeaves: false`): node i
/// has children 2i+1 and 2i+2, leaf k of n is node 2n-2-k, inner = keccak of the sorted pair.
/// Replacing a leaf rehashes its path only.
class MerkleTree {
  public:
    MerkleTree() = default;
    explicit MerkleTree(std::vector<Hash32> leaves);

    /// Zero for the empty set.
    [[nodiscard]] Hash32 root() const;

    [[nodiscard]] std::size_t size() const { return count_; }

    [[nodiscard]] std::vector<Hash32> proof(std::size_t index) const;
    void replace(std::size_t index, const Hash32& leaf);
    /// Many leaves at once: each inner node on their paths is hashed once.
    void replace(const std::vector<std::pair<std::size_t, Hash32>>& leaves);

  private:
    std::size_t count_{0};
    std::vector<Hash32> nodes_;
};

bool verify_proof(const Hash32& root, const Hash32& leaf, const std::vector<Hash32>& proof);

/// Root over rows ascending by asset key (asserted).
Hash32 price_root(const std::vector<PriceRow>& rows);

}  // namespace margrave::attest
