// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <map>

using namespace margrave;
namespace evm = margrave::chains::evm;
namespace trie = margrave::chains::evm::trie;

namespace {

constexpr std::size_t kNodes = 12;

ByteView take(ByteView& rest, std::size_t count) {
    const ByteView out = rest.first(std::min(count, rest.size()));
    rest = rest.subspan(out.size());
    return out;
}

std::size_t take_size(ByteView& rest, std::size_t below) {
    const ByteView byte = take(rest, 1);
    return byte.empty() ? 0 : byte[0] % below;
}

// Where a node has 32 bytes of 0xee it means the node after it, so that mutations keep a chain of
// hashes; without that no input would get below the root.
Bytes link(ByteView node, const Hash32& next) {
    Bytes out(node.begin(), node.end());
    const Bytes mark(Hash32::kSize, 0xee);
    const auto at = std::ranges::search(out, mark);
    if (!at.empty()) {
        std::ranges::copy(next.data, at.begin());
    }
    return out;
}

void check_proof(ByteView rest) {
    const ByteView key = take(rest, take_size(rest, 66));
    std::vector<ByteView> parts;
    while (!rest.empty() && parts.size() < kNodes) {
        const std::size_t high = take_size(rest, 3);
        parts.push_back(take(rest, high * 256 + take_size(rest, 256)));
    }
    std::vector<Bytes> nodes(parts.size());
    Hash32 below;
    for (std::size_t i = parts.size(); i-- > 0;) {
        nodes[i] = link(parts[i], below);
        below = keccak256(nodes[i]);
    }
    const auto proved = trie::verify_proof(below, key, nodes);
    if (!proved) {
        const Errc code = proved.error().code;
        MARGRAVE_ASSERT(code == Errc::kUnproved || code == Errc::kUnable);
        return;
    }
    if (!nodes.empty()) {
        nodes.push_back(nodes.back());
        MARGRAVE_ASSERT(!trie::verify_proof(below, key, nodes));
    }
}

// Any order of the same entries has one root, and that of a list is that of its index keys.
void check_roots(ByteView rest) {
    std::map<Bytes, Bytes> map;
    std::vector<Bytes> values;
    std::map<Bytes, Bytes> indexed;
    while (!rest.empty()) {
        const ByteView key = take(rest, take_size(rest, 6));
        const ByteView value = take(rest, 1 + take_size(rest, 40));
        if (value.empty()) {
            break;
        }
        map.insert_or_assign(Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end()));
        Bytes index;
        evm::rlp::put_uint(index, std::uint64_t{values.size()});
        values.emplace_back(value.begin(), value.end());
        indexed[index] = values.back();
    }
    const auto root_of = [](const std::map<Bytes, Bytes>& entries, bool backward) {
        std::vector<trie::Entry> list;
        for (const auto& [key, value] : entries) {
            list.push_back({key, value});
        }
        if (backward) {
            std::ranges::reverse(list);
        }
        return trie::map_root(std::move(list)).value();
    };
    MARGRAVE_ASSERT(root_of(map, false) == root_of(map, true));
    MARGRAVE_ASSERT(root_of(indexed, true) == trie::list_root(std::span<const Bytes>(values)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView rest(data, size);
    if (take_size(rest, 2) == 0) {
        check_proof(rest);
    } else {
        check_roots(rest);
    }
    return 0;
}
