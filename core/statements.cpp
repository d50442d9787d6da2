// SPDX-License-Identifier: Apache-2.0
#include "core/statements.hpp"

#include "core/assert.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace margrave {

namespace {

Hash32 tagged_id(
    std::string_view tag, const Hash32& first, const Hash32& second, std::uint64_t third
) {
    constexpr std::uint64_t kTailOffset = 4 * 32;
    return WordWriter{}
        .uint(kTailOffset)
        .word(first)
        .word(second)
        .uint(third)
        .tail(as_bytes(tag))
        .hash();
}

}  // namespace

std::string_view to_string(Status status) {
    switch (status) {
        case Status::kHealthy:
            return "HEALTHY";
        case Status::kMarginCall:
            return "MARGIN_CALL";
        case Status::kLiquidatable:
            return "LIQUIDATABLE";
        case Status::kBankrupt:
            return "BANKRUPT";
        case Status::kUnattestable:
            return "UNATTESTABLE";
    }
    MARGRAVE_ASSERT(false);
}

std::string_view to_string(PriceVerdict verdict) {
    switch (verdict) {
        case PriceVerdict::kUsable:
            return "usable";
        case PriceVerdict::kStale:
            return "stale";
        case PriceVerdict::kOutOfBounds:
            return "out_of_bounds";
        case PriceVerdict::kMissing:
            return "missing";
    }
    MARGRAVE_ASSERT(false);
}

std::string_view to_string(ReleaseKind kind) {
    switch (kind) {
        case ReleaseKind::kWithdrawal:
            return "withdrawal";
        case ReleaseKind::kBorrow:
            return "borrow";
        case ReleaseKind::kPool:
            return "pool";
    }
    MARGRAVE_ASSERT(false);
}

Hash32 release_id(const Hash32& chain, const Address& vault, std::uint64_t request) {
    return tagged_id("release", chain, left_pad(vault), request);
}

Hash32 seizure_id(const AccountId& account, std::uint64_t lock, std::uint64_t leg) {
    Hash32 owner;
    owner.data = account.data;
    Hash32 lock_word;
    for (std::size_t i = 0; i < 8; ++i) {
        lock_word.data[31 - i] = static_cast<std::uint8_t>(lock >> (8 * i));
    }
    return tagged_id("seizure", owner, lock_word, leg);
}

Bytes join(std::vector<SignerSignature> signatures) {
    std::sort(signatures.begin(), signatures.end(), [](const auto& a, const auto& b) {
        return a.signer < b.signer;
    });
    Bytes out;
    for (const SignerSignature& s : signatures) {
        put_bytes(out, {s.signature.data(), s.signature.size()});
    }
    return out;
}

}  // namespace margrave
