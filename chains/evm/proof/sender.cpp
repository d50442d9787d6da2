// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/body.hpp"
#include "chains/evm/proof/detail/answer.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/evm/txn.hpp"
#include "core/keccak.hpp"

#include <span>
#include <string>

namespace margrave::chains::evm {
namespace {

using detail::unable;

constexpr std::size_t kLegacyMembers = 9;
constexpr std::size_t kLegacySigned = 6;
constexpr std::uint8_t kLastSignedType = 4;
constexpr std::uint8_t kDepositType = 0x7e;
constexpr std::uint64_t kOldV = 27;
constexpr std::uint64_t kReplayProtectedV = 35;

void put_items(Bytes& out, std::span<const rlp::Item> items) {
    for (const rlp::Item& item : items) {
        const Bytes encoded = rlp::encode(item);
        put_bytes(out, encoded);
    }
}

// r and s may be shorter than a word.
Result<Hash32> word_of(const rlp::Item& item, std::string_view name) {
    MARGRAVE_TRY(const Amount value, rlp::to_amount(item, name));
    return value.to_word();
}

Result<Address> recover_from(
    const Bytes& payload, Bytes prefix, const rlp::Item& r, const rlp::Item& s, bool odd
) {
    rlp::put_list(prefix, payload);
    TxnSignature signature;
    MARGRAVE_TRY(signature.r, word_of(r, "r"));
    MARGRAVE_TRY(signature.s, word_of(s, "s"));
    signature.odd = odd;
    return recover(keccak256(prefix), signature);
}

Result<Address> legacy_sender(const rlp::Item& txn) {
    const auto& items = txn.items;
    if (!txn.is_list || items.size() != kLegacyMembers) {
        return fail(Errc::kInvalid, "a legacy transaction has nine members");
    }
    MARGRAVE_TRY(const std::uint64_t v, rlp::to_u64(items[kLegacySigned], "v"));
    Bytes payload;
    put_items(payload, std::span(items).first(kLegacySigned));
    if (v >= kReplayProtectedV) {
        rlp::put_uint(payload, (v - kReplayProtectedV) / 2);
        rlp::put_uint(payload, std::uint64_t{0});
        rlp::put_uint(payload, std::uint64_t{0});
    } else if (v != kOldV && v != kOldV + 1) {
        return fail(Errc::kInvalid, "v is " + std::to_string(v));
    }
    const bool odd = v >= kReplayProtectedV ? (v - kReplayProtectedV) % 2 == 1 : v != kOldV;
    return recover_from(payload, {}, items[kLegacySigned + 1], items[kLegacySigned + 2], odd);
}

// A typed transaction ends with the parity, r and s over everything before.
Result<Address> typed_sender(std::uint8_t type, const rlp::Item& txn) {
    const auto& items = txn.items;
    if (!txn.is_list || items.size() <= 3) {
        return fail(Errc::kInvalid, "a typed transaction has more than its signature");
    }
    const std::size_t count = items.size() - 3;
    MARGRAVE_TRY(const std::uint64_t parity, rlp::to_u64(items[count], "yParity"));
    if (parity > 1) {
        return fail(Errc::kInvalid, "yParity is " + std::to_string(parity));
    }
    Bytes payload;
    put_items(payload, std::span(items).first(count));
    return recover_from(payload, {type}, items[count + 1], items[count + 2], parity == 1);
}

}  // namespace

Result<Address> sender_of(ByteView encoded) {
    constexpr std::uint8_t kFirstList = 0xc0;
    if (encoded.empty()) {
        return fail(Errc::kInvalid, "a transaction without a byte");
    }
    const std::uint8_t type = encoded.front();
    if (type >= kFirstList) {
        MARGRAVE_TRY(const rlp::Item txn, rlp::decode(encoded));
        return legacy_sender(txn);
    }
    if (type > kLastSignedType && type != kDepositType) {
        return unable("transactions of type " + std::to_string(type) + " have no known sender");
    }
    MARGRAVE_TRY(const rlp::Item txn, rlp::decode(encoded.subspan(1)));
    if (type != kDepositType) {
        return typed_sender(type, txn);
    }
    if (!txn.is_list || txn.items.size() < 2) {
        return fail(Errc::kInvalid, "a deposit transaction without a sender");
    }
    return rlp::to_address(txn.items[1], "from");
}

}  // namespace margrave::chains::evm
