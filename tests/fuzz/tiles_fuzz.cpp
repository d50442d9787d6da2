// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/tiles.hpp"
#include "attest/tlog.hpp"
#include "core/assert.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

// A published log as a stranger writes it: bundles of entries, and proofs of a leaf and of a
// prefix. A whole bundle is written as the same bytes; no proof shows two leaves at one place.
namespace {

using namespace margrave;

void try_bundle(std::uint64_t count, ByteView bytes) {
    const auto whole = attest::detail::parse_bundle(bytes, count, true, "tile/entries/000");
    const auto first = attest::detail::parse_bundle(bytes, count, false, "tile/entries/000");
    MARGRAVE_ASSERT(!whole || (first && first.value() == whole.value()));
    MARGRAVE_ASSERT(!first || first.value().size() == count);
    MARGRAVE_ASSERT(
        !whole || std::ranges::equal(attest::detail::bundle_bytes(whole.value()), bytes)
    );
}

Hash32 take_hash(ByteView& rest) {
    Hash32 out;
    const std::size_t size = std::min(rest.size(), Hash32::kSize);
    std::copy_n(rest.begin(), size, out.data.begin());
    rest = rest.subspan(size);
    return out;
}

// The root that a proof of 256 hashes or fewer leads to, as RFC 9162 2.1.3.2 computes it.
Hash32 root_of(
    std::uint64_t size, std::uint64_t index, Hash32 hash, const std::vector<Hash32>& proof
) {
    std::uint64_t last = size - 1;
    for (const Hash32& other : proof) {
        if (index % 2 == 1 || index == last) {
            hash = attest::node_hash(other, hash);
            while (index % 2 == 0 && index != 0) {
                index /= 2;
                last /= 2;
            }
        } else {
            hash = attest::node_hash(hash, other);
        }
        index /= 2;
        last /= 2;
    }
    return hash;
}

void try_proofs(std::uint64_t size, std::uint64_t index, ByteView rest) {
    const Hash32 leaf = take_hash(rest);
    const Hash32 old_root = take_hash(rest);
    std::vector<Hash32> proof;
    while (!rest.empty()) {
        proof.push_back(take_hash(rest));
    }
    if (size > 0) {
        const Hash32 root = root_of(size, index, leaf, proof);
        const bool proved = attest::verify_inclusion(root, size, index, leaf, proof);
        MARGRAVE_ASSERT(!proved || index < size);
        MARGRAVE_ASSERT(
            !attest::verify_inclusion(root, size, index, old_root, proof) || old_root == leaf
        );
    }
    (void)attest::verify_consistency(old_root, index, leaf, size, proof);
}

}  // namespace

// Three bytes: which of the two, then two small numbers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) {
        return 0;
    }
    const ByteView rest(data + 3, size - 3);
    if (data[0] % 2 == 0) {
        try_bundle(data[1] % (attest::detail::kTileWidth + 1), rest);
    } else {
        try_proofs(data[1], data[2], rest);
    }
    return 0;
}
