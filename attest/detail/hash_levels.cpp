// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/hash_levels.hpp"

#include "attest/tlog.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <bit>

namespace margrave::attest::detail {

void HashLevels::push(const Hash32& entry_hash) {
    Hash32 node = entry_hash;
    for (std::size_t level = 0;; ++level) {
        if (level == levels_.size()) {
            levels_.emplace_back();
        }
        levels_[level].push_back(node);
        const std::vector<Hash32>& row = levels_[level];
        if (row.size() % 2 != 0) {
            return;
        }
        node = node_hash(row[row.size() - 2], row[row.size() - 1]);
    }
}

// Every subtree of RFC 6962 starts at a multiple of the power of two that is not below its size, so
// its complete parts are nodes that are kept; they are joined from the right.
Hash32 HashLevels::range_root(std::uint64_t first, std::uint64_t count) const {
    MARGRAVE_ASSERT(first + count <= size());
    if (count == 0) {
        return empty_root();
    }
    Hash32 node;
    bool found = false;
    std::uint64_t left = count;
    for (std::size_t level = 0; left != 0; ++level, left >>= 1) {
        if ((left & 1) != 0) {
            const Hash32& subtree = levels_[level][(first >> level) + left - 1];
            node = found ? node_hash(subtree, node) : subtree;
            found = true;
        }
    }
    return node;
}

// RFC 9162 section 2.1.3.1: from the root down, the sibling of the half that holds the entry.
std::vector<Hash32> HashLevels::inclusion(std::uint64_t index) const {
    MARGRAVE_ASSERT(index < size());
    std::vector<Hash32> out;
    std::uint64_t first = 0;
    std::uint64_t count = size();
    while (count > 1) {
        const std::uint64_t half = std::bit_floor(count - 1);
        if (index - first < half) {
            out.push_back(range_root(first + half, count - half));
            count = half;
        } else {
            out.push_back(range_root(first, half));
            first += half;
            count -= half;
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

// RFC 9162 section 2.1.4.1. While only right halves were left behind, the old tree is itself a
// node, and the verifier has its root.
std::vector<Hash32> HashLevels::consistency(std::uint64_t old_size) const {
    MARGRAVE_ASSERT(old_size >= 1);
    MARGRAVE_ASSERT(old_size <= size());
    std::vector<Hash32> out;
    std::uint64_t first = 0;
    std::uint64_t count = size();
    std::uint64_t left = old_size;
    bool is_node = true;
    while (left != count) {
        const std::uint64_t half = std::bit_floor(count - 1);
        if (left <= half) {
            out.push_back(range_root(first + half, count - half));
            count = half;
        } else {
            out.push_back(range_root(first, half));
            first += half;
            left -= half;
            count -= half;
            is_node = false;
        }
    }
    if (!is_node) {
        out.push_back(range_root(first, count));
    }
    std::reverse(out.begin(), out.end());
    return out;
}

}  // namespace margrave::attest::detail
