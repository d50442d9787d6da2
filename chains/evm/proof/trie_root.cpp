// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/detail/nibbles.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace margrave::chains::evm::trie {
namespace {

using detail::nibble_at;
using detail::nibble_count;

// How a parent names a child: the child itself when it is shorter than a hash, else its hash. As
// RLP, ready to be a member of the parent.
class Ref {
  public:
    Ref() = default;

    explicit Ref(ByteView node) {
        if (node.size() < Hash32::kSize) {
            std::ranges::copy(node, bytes_.begin());
            size_ = static_cast<std::uint8_t>(node.size());
            return;
        }
        const Hash32 hash = keccak256(node);
        bytes_[0] = kHashHeader;
        std::ranges::copy(hash.data, bytes_.begin() + 1);
        size_ = Hash32::kSize + 1;
    }

    // An absent child is an empty string.
    [[nodiscard]] ByteView view() const { return {bytes_.data(), size_}; }

  private:
    static constexpr std::uint8_t kHashHeader = 0xa0;
    std::array<std::uint8_t, Hash32::kSize + 1> bytes_{0x80};
    std::uint8_t size_{1};
};

std::size_t shared_nibbles(ByteView a, ByteView b, std::size_t from) {
    const std::size_t end = std::min(nibble_count(a), nibble_count(b));
    std::size_t i = from;
    while (i < end && nibble_at(a, i) == nibble_at(b, i)) {
        ++i;
    }
    return i - from;
}

// Builds the nodes of sorted entries from the leaves up. The entries under one node are one range,
// so the recursion is as deep as the longest key and no tree is ever in memory.
class Builder {
  public:
    Hash32 root(std::span<const Entry> sorted) {
        if (sorted.empty()) {
            return empty_root();
        }
        node(sorted, 0);
        return keccak256(node_);
    }

  private:
    Ref node(std::span<const Entry> entries, std::size_t depth) {
        const ByteView first = entries.front().key;
        if (entries.size() == 1) {
            put_path(first, depth, nibble_count(first), /*leaf=*/true);
            put_leaf(entries.front().value);
            return Ref(node_);
        }
        const std::size_t shared = shared_nibbles(first, entries.back().key, depth);
        const Ref child = branch(entries, depth + shared);
        if (shared == 0) {
            return child;
        }
        put_path(first, depth, depth + shared, /*leaf=*/false);
        node_.clear();
        rlp::put_list_header(node_, rlp::bytes_size(path_) + child.view().size());
        rlp::put_bytes(node_, path_);
        append(child.view());
        return Ref(node_);
    }

    Ref branch(std::span<const Entry> entries, std::size_t depth) {
        std::array<Ref, 16> children;
        ByteView value;
        if (nibble_count(entries.front().key) == depth) {
            value = entries.front().value;
            entries = entries.subspan(1);
        }
        while (!entries.empty()) {
            const std::uint8_t nibble = nibble_at(entries.front().key, depth);
            const auto end = std::ranges::find_if(entries, [&](const Entry& entry) {
                return nibble_at(entry.key, depth) != nibble;
            });
            const auto count = static_cast<std::size_t>(end - entries.begin());
            children[nibble] = node(entries.first(count), depth + 1);
            entries = entries.subspan(count);
        }
        std::size_t size = rlp::bytes_size(value);
        for (const Ref& child : children) {
            size += child.view().size();
        }
        node_.clear();
        rlp::put_list_header(node_, size);
        for (const Ref& child : children) {
            append(child.view());
        }
        rlp::put_bytes(node_, value);
        return Ref(node_);
    }

    void put_leaf(ByteView value) {
        node_.clear();
        rlp::put_list_header(node_, rlp::bytes_size(path_) + rlp::bytes_size(value));
        rlp::put_bytes(node_, path_);
        rlp::put_bytes(node_, value);
    }

    void put_path(ByteView key, std::size_t from, std::size_t to, bool leaf) {
        nibbles_.clear();
        for (std::size_t i = from; i < to; ++i) {
            nibbles_.push_back(nibble_at(key, i));
        }
        path_ = hex_prefix(nibbles_, leaf);
    }

    void append(ByteView bytes) { node_.insert(node_.end(), bytes.begin(), bytes.end()); }

    // The node that was encoded last; one buffer for all, since a child is done before its parent.
    Bytes node_;
    Bytes path_;
    Bytes nibbles_;
};

// RLP of an index, without a heap.
struct IndexKey {
    std::array<std::uint8_t, 9> bytes{};
    std::size_t size{0};

    explicit IndexKey(std::uint64_t index) {
        if (index < 0x80) {
            bytes[0] = index == 0 ? 0x80 : static_cast<std::uint8_t>(index);
            size = 1;
            return;
        }
        std::size_t width = 0;
        for (std::uint64_t rest = index; rest != 0; rest >>= 8) {
            ++width;
        }
        bytes[0] = static_cast<std::uint8_t>(0x80 + width);
        for (std::size_t i = 0; i < width; ++i) {
            bytes[width - i] = static_cast<std::uint8_t>(index >> (8 * i));
        }
        size = width + 1;
    }

    [[nodiscard]] ByteView view() const { return {bytes.data(), size}; }
};

}  // namespace

const Hash32& empty_root() {
    static const Hash32 root = keccak256(Bytes{0x80});
    return root;
}

Bytes hex_prefix(std::span<const std::uint8_t> nibbles, bool leaf) {
    const bool odd = nibbles.size() % 2 == 1;
    Bytes out;
    out.reserve(nibbles.size() / 2 + 1);
    const unsigned flags = (leaf ? 2U : 0U) + (odd ? 1U : 0U);
    out.push_back(static_cast<std::uint8_t>(flags << 4 | (odd ? nibbles[0] : 0U)));
    for (std::size_t i = odd ? 1 : 0; i < nibbles.size(); i += 2) {
        out.push_back(static_cast<std::uint8_t>(nibbles[i] << 4 | nibbles[i + 1]));
    }
    return out;
}

Result<Hash32> map_root(std::vector<Entry> entries) {
    for (const Entry& entry : entries) {
        if (entry.key.size() > kKeyMax) {
            return fail(
                Errc::kLimit,
                "trie: a key of " + std::to_string(entry.key.size()) + " bytes, at most " +
                    std::to_string(kKeyMax)
            );
        }
        if (entry.value.empty()) {
            return fail(Errc::kInvalid, "trie: key " + to_hex(entry.key) + " has no value");
        }
    }
    const auto before = [](const Entry& a, const Entry& b) {
        return std::ranges::lexicographical_compare(a.key, b.key);
    };
    std::ranges::sort(entries, before);
    const auto twice = std::ranges::adjacent_find(entries, [](const Entry& a, const Entry& b) {
        return std::ranges::equal(a.key, b.key);
    });
    if (twice != entries.end()) {
        return fail(Errc::kInvalid, "trie: key " + to_hex(twice->key) + " is there twice");
    }
    return Builder().root(entries);
}

// Sorted by key the indexes are 1 to 127, 0, then 128 and up.
Hash32 list_root(std::span<const ByteView> values) {
    std::vector<IndexKey> keys;
    std::vector<Entry> entries;
    keys.reserve(values.size());
    entries.reserve(values.size());
    const std::size_t short_end = std::min<std::size_t>(values.size(), 0x80);
    const auto put = [&](std::size_t index) {
        MARGRAVE_ASSERT(!values[index].empty());
        keys.emplace_back(index);
        entries.push_back({keys.back().view(), values[index]});
    };
    for (std::size_t i = 1; i < short_end; ++i) {
        put(i);
    }
    if (!values.empty()) {
        put(0);
    }
    for (std::size_t i = short_end; i < values.size(); ++i) {
        put(i);
    }
    return Builder().root(entries);
}

Hash32 list_root(std::span<const Bytes> values) {
    const std::vector<ByteView> views(values.begin(), values.end());
    return list_root(std::span<const ByteView>(views));
}

}  // namespace margrave::chains::evm::trie
