// SPDX-License-Identifier: Apache-2.0
#include "attest/tree.hpp"

#include "core/assert.hpp"
#include "core/words.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <span>

namespace margrave::attest {
namespace {

// Twice, so that no inner node (64 bytes) can pass for a leaf.
Hash32 double_hash(const WordWriter& words) {
    return keccak256(words.hash().view());
}

Hash32 pair_hash(const Hash32& a, const Hash32& b) {
    return a < b ? keccak256(a, b) : keccak256(b, a);
}

std::size_t parent_of(std::size_t node) {
    return (node - 1) / 2;
}

// Hashes inner nodes that are asked for in descending order, many at once where they do not need
// one another. They stand in the tree when it is gone.
class InnerNodes {
  public:
    explicit InnerNodes(std::vector<Hash32>& nodes)
        : nodes_(nodes) {}

    InnerNodes(const InnerNodes&) = delete;
    InnerNodes& operator=(const InnerNodes&) = delete;

    ~InnerNodes() { finish(); }

    void hash(std::size_t node) {
        const bool needs_pending = pending_ > 0 && 2 * node + 1 <= first_;
        if (needs_pending || pending_ == kAtOnce) {
            finish();
        }
        if (pending_ == 0) {
            first_ = node;
        }
        const Hash32& left = nodes_[2 * node + 1];
        const Hash32& right = nodes_[2 * node + 2];
        pairs_[2 * pending_] = std::min(left, right);
        pairs_[2 * pending_ + 1] = std::max(left, right);
        places_[pending_++] = node;
    }

  private:
    static constexpr std::size_t kAtOnce = 8;

    void finish() {
        static_assert(sizeof(pairs_) == 2 * kAtOnce * Hash32::kSize, "pairs lie without gaps");
        constexpr std::size_t kPair = 2 * Hash32::kSize;
        const ByteView bytes(pairs_.front().data.data(), pending_ * kPair);
        std::array<Hash32, kAtOnce> out;
        keccak256_each(bytes, kPair, std::span(out).first(pending_));
        for (std::size_t i = 0; i < pending_; ++i) {
            nodes_[places_[i]] = out[i];
        }
        pending_ = 0;
    }

    std::vector<Hash32>& nodes_;
    std::array<Hash32, 2 * kAtOnce> pairs_;
    std::array<std::size_t, kAtOnce> places_{};
    std::size_t pending_{0};
    std::size_t first_{0};
};

}  // namespace

Hash32 leaf_hash(const AccountState& state) {
    WordWriter words;
    words.word(state.account)
        .money(state.equity)
        .money(state.initial)
        .money(state.liquidation_end)
        .money(state.maintenance)
        .uint(static_cast<std::uint64_t>(state.status))
        .uint(std::uint64_t{state.flags})
        .word(state.detail);
    return double_hash(words);
}

Hash32 leaf_hash(const PriceRow& row) {
    WordWriter words;
    words.word(row.asset.key())
        .money(row.price)
        .money(row.confidence)
        .uint(row.published_at.value)
        .uint(static_cast<std::uint64_t>(row.verdict))
        .word(row.sources);
    return double_hash(words);
}

MerkleTree::MerkleTree(std::vector<Hash32> leaves)
    : count_(leaves.size()),
      nodes_(count_ == 0 ? 0 : 2 * count_ - 1) {
    std::copy(leaves.rbegin(), leaves.rend(), nodes_.end() - static_cast<std::ptrdiff_t>(count_));
    InnerNodes inner(nodes_);
    for (std::size_t i = count_ == 0 ? 0 : count_ - 1; i-- > 0;) {
        inner.hash(i);
    }
}

Hash32 MerkleTree::root() const {
    return count_ == 0 ? Hash32{} : nodes_[0];
}

std::vector<Hash32> MerkleTree::proof(std::size_t index) const {
    MARGRAVE_ASSERT(index < count_);
    std::vector<Hash32> out;
    for (std::size_t node = 2 * count_ - 2 - index; node > 0; node = parent_of(node)) {
        const std::size_t sibling = node % 2 == 1 ? node + 1 : node - 1;
        out.push_back(nodes_[sibling]);
    }
    return out;
}

void MerkleTree::replace(std::size_t index, const Hash32& leaf) {
    MARGRAVE_ASSERT(index < count_);
    std::size_t node = 2 * count_ - 2 - index;
    nodes_[node] = leaf;
    while (node > 0) {
        node = parent_of(node);
        nodes_[node] = pair_hash(nodes_[2 * node + 1], nodes_[2 * node + 2]);
    }
}

// Nodes are taken in descending order from two queues, the replaced leaves and the parents found on
// the way. A child's number is above its parent's, so every child is final when its parent is
// hashed, and parents come out in descending order too, so a repeated one is the last one found.
void MerkleTree::replace(const std::vector<std::pair<std::size_t, Hash32>>& leaves) {
    std::vector<std::size_t> touched;
    touched.reserve(leaves.size());
    for (const auto& [index, leaf] : leaves) {
        MARGRAVE_ASSERT(index < count_);
        nodes_[2 * count_ - 2 - index] = leaf;
        touched.push_back(2 * count_ - 2 - index);
    }
    std::sort(touched.begin(), touched.end(), std::greater<>{});
    InnerNodes hashing(nodes_);
    std::vector<std::size_t> inner;
    std::size_t next_leaf = 0;
    std::size_t next_inner = 0;
    while (next_leaf < touched.size() || next_inner < inner.size()) {
        std::size_t node = 0;
        if (next_inner == inner.size() ||
            (next_leaf < touched.size() && touched[next_leaf] > inner[next_inner])) {
            node = touched[next_leaf++];
        } else {
            node = inner[next_inner++];
            hashing.hash(node);
        }
        if (node > 0 && (inner.empty() || inner.back() != parent_of(node))) {
            inner.push_back(parent_of(node));
        }
    }
}

bool verify_proof(const Hash32& root, const Hash32& leaf, const std::vector<Hash32>& proof) {
    Hash32 node = leaf;
    for (const Hash32& sibling : proof) {
        node = pair_hash(node, sibling);
    }
    return node == root;
}

Hash32 price_root(const std::vector<PriceRow>& rows) {
    std::vector<Hash32> leaves;
    leaves.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        MARGRAVE_ASSERT(i == 0 || rows[i - 1].asset.key() < rows[i].asset.key());
        leaves.push_back(leaf_hash(rows[i]));
    }
    return MerkleTree(std::move(leaves)).root();
}

}  // namespace margrave::attest
