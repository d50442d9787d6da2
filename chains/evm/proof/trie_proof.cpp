// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/detail/answer.hpp"
#include "chains/evm/proof/detail/nibbles.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <string>

namespace margrave::chains::evm::trie {
namespace {

using detail::nibble_at;
using detail::nibble_count;
using evm::detail::unable;
using evm::detail::unproved;
using rlp::Item;

constexpr std::size_t kBranchItems = 17;
constexpr std::size_t kShortItems = 2;
constexpr std::size_t kValueAt = 16;
// A node shorter than a hash is embedded, and so may its children be: each level takes at least
// two bytes away.
constexpr std::size_t kEmbeddedDepth = 16;

Error bad_node(std::size_t at, const std::string& why) {
    return unproved("trie proof: node " + std::to_string(at) + " " + why);
}

bool is_empty(const Item& item) {
    return !item.is_list && item.payload.empty();
}

// A child as a branch or an extension names it: nothing, a hash, or a node shorter than a hash.
bool is_canonical_child(const Item& item) {
    if (item.is_list) {
        return rlp::list_size(item.payload.size()) < Hash32::kSize;
    }
    return item.payload.empty() || item.payload.size() == Hash32::kSize;
}

// The path of a two-item node, unpacked.
struct Path {
    bool leaf{false};
    Bytes nibbles;
};

std::optional<Path> read_path(const Item& item) {
    if (item.is_list || item.payload.empty()) {
        return std::nullopt;
    }
    const std::uint8_t flags = item.payload[0] >> 4;
    const bool odd = (flags & 1) != 0;
    if (flags > 3 || (!odd && (item.payload[0] & 0x0f) != 0)) {
        return std::nullopt;
    }
    Path out;
    out.leaf = (flags & 2) != 0;
    for (std::size_t i = odd ? 1 : 2; i < nibble_count(item.payload); ++i) {
        out.nibbles.push_back(nibble_at(item.payload, i));
    }
    return out;
}

// One walk from the root to where the key ends or leaves the trie.
class Walk {
  public:
    Walk(ByteView key, std::span<const Bytes> nodes)
        : key_(key),
          nodes_(nodes) {}

    Result<Proved> run(const Hash32& root) {
        MARGRAVE_TRY(load(root));
        while (!done_) {
            if (node_.items.size() == kBranchItems) {
                MARGRAVE_TRY(branch());
            } else if (node_.items.size() == kShortItems) {
                MARGRAVE_TRY(short_node());
            } else {
                return bad_node(at_, "is neither a branch nor a path");
            }
        }
        if (used_ != nodes_.size()) {
            return unproved(
                "trie proof: " + std::to_string(nodes_.size()) +
                " nodes, the path of the key has " + std::to_string(used_)
            );
        }
        return std::move(found_);
    }

  private:
    // Takes the next node of the proof, which must be the one with this hash.
    Result<void> load(const Hash32& hash) {
        if (used_ == nodes_.size()) {
            return unproved(
                "trie proof: ends after " + std::to_string(used_) + " nodes, before " + to_hex(hash)
            );
        }
        at_ = used_++;
        const Bytes& bytes = nodes_[at_];
        if (bytes.size() > kNodeMax) {
            return unable(
                "trie proof: node " + std::to_string(at_) + " has " + std::to_string(bytes.size()) +
                " bytes, at most " + std::to_string(kNodeMax)
            );
        }
        const Hash32 made = keccak256(bytes);
        if (made != hash) {
            return bad_node(at_, "hashes to " + to_hex(made) + ", not " + to_hex(hash));
        }
        if (at_ != 0 && bytes.size() < Hash32::kSize) {
            return bad_node(at_, "is short and should be embedded in its parent");
        }
        const rlp::Limits limits{kEmbeddedDepth, kNodeMax, kNodeMax};
        auto decoded = rlp::decode(bytes, limits);
        if (!decoded) {
            return bad_node(at_, "is no canonical " + decoded.error().detail);
        }
        if (!decoded.value().is_list) {
            return bad_node(at_, "is no list");
        }
        node_ = std::move(decoded).value();
        return ok();
    }

    // Steps into a child that is not empty.
    Result<void> enter(const Item& child) {
        if (child.is_list) {
            // The bytes stay where they are; only the items move.
            Item next = child;
            node_ = std::move(next);
            return ok();
        }
        Hash32 hash;
        std::ranges::copy(child.payload, hash.data.begin());
        return load(hash);
    }

    Result<void> branch() {
        std::size_t children = 0;
        for (std::size_t i = 0; i < kValueAt; ++i) {
            if (!is_canonical_child(node_.items[i])) {
                return bad_node(at_, "has a child that is neither a hash nor a short node");
            }
            children += is_empty(node_.items[i]) ? 0U : 1U;
        }
        const Item& value = node_.items[kValueAt];
        if (value.is_list) {
            return bad_node(at_, "has a list for a value");
        }
        if (children + (value.payload.empty() ? 0U : 1U) < 2) {
            return bad_node(at_, "is a branch with fewer than two ways");
        }
        must_branch_ = false;
        if (depth_ == nibble_count(key_)) {
            return finish(value);
        }
        const Item& child = node_.items[nibble_at(key_, depth_)];
        ++depth_;
        return is_empty(child) ? absent() : enter(child);
    }

    Result<void> short_node() {
        const auto path = read_path(node_.items[0]);
        if (!path) {
            return bad_node(at_, "has a path that is not canonical");
        }
        if (must_branch_) {
            return bad_node(at_, "follows an extension and is no branch");
        }
        const Item& rest = node_.items[1];
        if (path->leaf ? (rest.is_list || rest.payload.empty())
                       : (path->nibbles.empty() || is_empty(rest) || !is_canonical_child(rest))) {
            return bad_node(at_, path->leaf ? "is a leaf without a value" : "extends to nothing");
        }
        const std::size_t left = nibble_count(key_) - depth_;
        const std::size_t length = path->nibbles.size();
        bool follows = length <= left;
        for (std::size_t i = 0; follows && i < length; ++i) {
            follows = nibble_at(key_, depth_ + i) == path->nibbles[i];
        }
        if (!follows || (path->leaf && length != left)) {
            return absent();
        }
        if (path->leaf) {
            return finish(rest);
        }
        depth_ += length;
        must_branch_ = true;
        return enter(rest);
    }

    Result<void> finish(const Item& value) {
        done_ = true;
        if (!value.payload.empty()) {
            found_ = Bytes(value.payload.begin(), value.payload.end());
        }
        return ok();
    }

    Result<void> absent() {
        done_ = true;
        return ok();
    }

    ByteView key_;
    std::span<const Bytes> nodes_;
    std::size_t used_{0};
    // Where node_ came from; embedded nodes belong to the one that holds them.
    std::size_t at_{0};
    Item node_;
    std::size_t depth_{0};
    bool must_branch_{false};
    bool done_{false};
    Proved found_;
};

}  // namespace

Result<Proved> verify_proof(const Hash32& root, ByteView key, std::span<const Bytes> nodes) {
    if (key.size() > kKeyMax) {
        return unable(
            "trie proof: a key of " + std::to_string(key.size()) + " bytes, at most " +
            std::to_string(kKeyMax)
        );
    }
    if (root == empty_root()) {
        // Some nodes list the empty trie's one node, others nothing.
        const bool spelled = nodes.size() == 1 && nodes[0] == Bytes{0x80};
        if (!nodes.empty() && !spelled) {
            return unproved(
                "trie proof: " + std::to_string(nodes.size()) +
                " nodes under the root of the empty trie, the first " +
                to_hex(ByteView(nodes[0]).first(std::min<std::size_t>(nodes[0].size(), 40)))
            );
        }
        return Proved{};
    }
    if (nodes.empty()) {
        return unable("trie proof: no node is given under " + to_hex(root));
    }
    return Walk(key, nodes).run(root);
}

}  // namespace margrave::chains::evm::trie
