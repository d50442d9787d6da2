// SPDX-License-Identifier: Apache-2.0
#include "core/words.hpp"

namespace margrave {
namespace {

constexpr std::size_t kWord = Hash32::kSize;

// Space for the longest row of the protocol, so that writing one allocates once.
Bytes& roomy(Bytes& out) {
    constexpr std::size_t kRowWords = 12;
    if (out.capacity() == 0) {
        out.reserve(kRowWords * kWord);
    }
    return out;
}

}  // namespace

WordWriter& WordWriter::word(const Hash32& v) {
    put_bytes(roomy(out_), v.view());
    return *this;
}

WordWriter& WordWriter::word(const AccountId& v) {
    put_bytes(roomy(out_), v.view());
    return *this;
}

WordWriter& WordWriter::address(const Address& v) {
    roomy(out_).insert(out_.end(), kWord - Address::kSize, 0);
    put_bytes(out_, v.view());
    return *this;
}

WordWriter& WordWriter::uint(std::uint64_t v) {
    roomy(out_).insert(out_.end(), kWord - sizeof v, 0);
    put_u64(out_, v);
    return *this;
}

WordWriter& WordWriter::uint(const Amount& v) {
    return word(v.to_word());
}

WordWriter& WordWriter::money(const Money& v) {
    return word(v.to_word());
}

WordWriter& WordWriter::tail(ByteView data) {
    uint(static_cast<std::uint64_t>(data.size()));
    put_bytes(out_, data);
    out_.insert(out_.end(), (kWord - data.size() % kWord) % kWord, 0);
    return *this;
}

}  // namespace margrave
