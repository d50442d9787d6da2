// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"

#include <botan/keccak.h>

namespace margrave {
namespace {

// Making a hasher costs several times what hashing a word does, and final() leaves one ready for
// the next message, so each thread makes one and keeps it.
Botan::Keccak_1600& hasher() {
    thread_local Botan::Keccak_1600 instance(256);
    return instance;
}

}  // namespace

Hash32 keccak256(ByteView data) {
    Botan::Keccak_1600& h = hasher();
    h.update(data.data(), data.size());
    Hash32 out;
    h.final(out.data.data());
    return out;
}

Hash32 keccak256(const Hash32& left, const Hash32& right) {
    Botan::Keccak_1600& h = hasher();
    h.update(left.data.data(), left.data.size());
    h.update(right.data.data(), right.data.size());
    Hash32 out;
    h.final(out.data.data());
    return out;
}

}  // namespace margrave
