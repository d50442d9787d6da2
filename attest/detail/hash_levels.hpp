// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace margrave::attest::detail {

/// An RFC 6962 tree that only grows, with the root of every complete subtree kept: appending is
/// one hash amortised, a root or a proof takes as many as the tree has levels, or its square.
class HashLevels {
  public:
    void push(const Hash32& entry_hash);

    [[nodiscard]] std::uint64_t size() const { return levels_[0].size(); }

    /// Roots of the complete subtrees of 2^level entries.
    [[nodiscard]] std::span<const Hash32> row(unsigned level) const { return levels_[level]; }

    /// Of the first `count` entries.
    [[nodiscard]] Hash32 root(std::uint64_t count) const { return range_root(0, count); }

    /// For an entry of the whole tree (asserted to be there).
    [[nodiscard]] std::vector<Hash32> inclusion(std::uint64_t index) const;
    /// From the first `old_size` entries, at least one, to the whole tree (asserted).
    [[nodiscard]] std::vector<Hash32> consistency(std::uint64_t old_size) const;

  private:
    [[nodiscard]] Hash32 range_root(std::uint64_t first, std::uint64_t count) const;

    /// levels_[l][i] is the root of the 2^l entries from i * 2^l.
    std::vector<std::vector<Hash32>> levels_{1};
};

}  // namespace margrave::attest::detail
