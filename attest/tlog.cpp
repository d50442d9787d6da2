// SPDX-License-Identifier: Apache-2.0
#include "attest/tlog.hpp"

#include "core/assert.hpp"

#include <openssl/evp.h>

#include <array>
#include <bit>
#include <initializer_list>

namespace margrave::attest {
namespace {

// Fetching the algorithm costs more than hashing a node, so it is done once.
const EVP_MD* sha256() {
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    MARGRAVE_ASSERT(algorithm != nullptr);
    return algorithm;
}

struct ContextDeleter {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

Hash32 hash_parts(std::initializer_list<ByteView> parts) {
    thread_local const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
    MARGRAVE_ASSERT(context != nullptr);
    MARGRAVE_ASSERT(EVP_DigestInit_ex2(context.get(), sha256(), nullptr) == 1);
    for (const ByteView part : parts) {
        MARGRAVE_ASSERT(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
    }
    Hash32 out;
    unsigned size = 0;
    MARGRAVE_ASSERT(EVP_DigestFinal_ex(context.get(), out.data.data(), &size) == 1);
    MARGRAVE_ASSERT(size == Hash32::kSize);
    return out;
}

constexpr std::array<std::uint8_t, 1> kEntryPrefix{0x00};
constexpr std::array<std::uint8_t, 1> kNodePrefix{0x01};

}  // namespace

Hash32 entry_hash(ByteView entry) {
    return hash_parts({kEntryPrefix, entry});
}

Hash32 node_hash(const Hash32& left, const Hash32& right) {
    return hash_parts({kNodePrefix, left.view(), right.view()});
}

Hash32 empty_root() {
    return hash_parts({});
}

// RFC 9162 section 2.1.3.2; fn and sn are its names.
bool verify_inclusion(
    const Hash32& root,
    std::uint64_t size,
    std::uint64_t index,
    const Hash32& leaf,
    const std::vector<Hash32>& proof
) {
    if (index >= size) {
        return false;
    }
    std::uint64_t fn = index;
    std::uint64_t sn = size - 1;
    Hash32 node = leaf;
    for (const Hash32& sibling : proof) {
        if (sn == 0) {
            return false;
        }
        if ((fn & 1) != 0 || fn == sn) {
            node = node_hash(sibling, node);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            node = node_hash(node, sibling);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && node == root;
}

// RFC 9162 section 2.1.4.2.
bool verify_consistency(
    const Hash32& old_root,
    std::uint64_t old_size,
    const Hash32& new_root,
    std::uint64_t new_size,
    const std::vector<Hash32>& proof
) {
    if (old_size == 0 || old_size > new_size) {
        return false;
    }
    if (old_size == new_size) {
        return proof.empty() && old_root == new_root;
    }
    // A power of two is a node of the new tree, so the proof starts from the old root itself.
    const bool is_node = std::has_single_bit(old_size);
    if (proof.empty()) {
        return false;
    }
    std::uint64_t fn = old_size - 1;
    std::uint64_t sn = new_size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    Hash32 old_node = is_node ? old_root : proof.front();
    Hash32 new_node = old_node;
    for (std::size_t i = is_node ? 0 : 1; i < proof.size(); ++i) {
        if (sn == 0) {
            return false;
        }
        if ((fn & 1) != 0 || fn == sn) {
            old_node = node_hash(proof[i], old_node);
            new_node = node_hash(proof[i], new_node);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            new_node = node_hash(new_node, proof[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && old_node == old_root && new_node == new_root;
}

}  // namespace margrave::attest
