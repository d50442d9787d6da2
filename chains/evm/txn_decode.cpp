// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/rlp.hpp"
#include "chains/evm/txn.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <secp256k1_recovery.h>

#include <array>

namespace margrave::chains::evm {
namespace {

// Half of secp256k1's group order, rounded down.
constexpr std::array<std::uint8_t, 32> kHalfOrder{
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

constexpr std::size_t kLegacyFields = 9;
constexpr std::size_t kAccessListFields = 11;
constexpr std::size_t kDynamicFeeFields = 12;

Error refused(std::string why) {
    return fail(Errc::kInvalid, "transaction: " + std::move(why));
}

struct Parsed {
    Txn txn;
    TxnSignature signature;
};

Result<std::optional<Address>> read_to(const rlp::Item& item) {
    if (!item.is_list && item.payload.empty()) {
        return std::optional<Address>{};
    }
    MARGRAVE_TRY(const Address to, rlp::to_address(item, "to"));
    return std::optional<Address>{to};
}

Result<Bytes> read_data(const rlp::Item& item) {
    if (item.is_list) {
        return refused("data is a list");
    }
    return Bytes(item.payload.begin(), item.payload.end());
}

Result<std::vector<AccessEntry>> read_access_list(const rlp::Item& list) {
    if (!list.is_list) {
        return refused("the access list is no list");
    }
    std::vector<AccessEntry> out;
    for (const rlp::Item& item : list.items) {
        if (item.items.size() != 2 || !item.items[1].is_list) {
            return refused("an access list entry is not an address and a list of slots");
        }
        AccessEntry entry;
        MARGRAVE_TRY(entry.address, rlp::to_address(item.items[0], "access list address"));
        for (const rlp::Item& slot : item.items[1].items) {
            MARGRAVE_TRY(const Hash32 key, rlp::to_hash32(slot, "access list slot"));
            entry.slots.push_back(key);
        }
        out.push_back(std::move(entry));
    }
    return out;
}

Result<void> read_signature(TxnSignature& out, const rlp::Item& r, const rlp::Item& s) {
    MARGRAVE_TRY(const Amount r_number, rlp::to_amount(r, "r"));
    MARGRAVE_TRY(const Amount s_number, rlp::to_amount(s, "s"));
    out.r = r_number.to_word();
    out.s = s_number.to_word();
    return ok();
}

// gas limit, to, value and data stand in this order in every type.
Result<void> read_tail(Txn& txn, const std::vector<rlp::Item>& items, std::size_t at) {
    MARGRAVE_TRY(txn.gas_limit, rlp::to_u64(items[at], "gas limit"));
    MARGRAVE_TRY(txn.to, read_to(items[at + 1]));
    MARGRAVE_TRY(txn.value, rlp::to_amount(items[at + 2], "value"));
    MARGRAVE_TRY(txn.data, read_data(items[at + 3]));
    return ok();
}

Result<rlp::Item> read_fields(ByteView bytes, std::size_t count) {
    MARGRAVE_TRY(auto list, rlp::decode(bytes));
    if (!list.is_list || list.items.size() != count) {
        return refused(
            "has " + std::to_string(list.items.size()) + " fields, not " + std::to_string(count)
        );
    }
    return list;
}

// v is 27 or 28, or by EIP-155 35 + 2 * chain id + parity.
Result<void> read_legacy_v(Parsed& out, const rlp::Item& item) {
    MARGRAVE_TRY(const Amount v, rlp::to_amount(item, "v"));
    const auto small = v.to_u64();
    if (!small || small.value() < 27 || (small.value() > 28 && small.value() < 35)) {
        return refused("v = " + v.to_string());
    }
    if (small.value() <= 28) {
        out.signature.odd = small.value() == 28;
        return ok();
    }
    out.txn.chain_id = (small.value() - 35) / 2;
    out.signature.odd = (small.value() - 35) % 2 == 1;
    return ok();
}

Result<Parsed> parse_legacy(ByteView raw) {
    MARGRAVE_TRY(const auto list, read_fields(raw, kLegacyFields));
    Parsed out;
    out.txn.type = TxnType::kLegacy;
    MARGRAVE_TRY(out.txn.nonce, rlp::to_u64(list.items[0], "nonce"));
    MARGRAVE_TRY(out.txn.max_fee, rlp::to_amount(list.items[1], "gas price"));
    MARGRAVE_TRY(read_tail(out.txn, list.items, 2));
    MARGRAVE_TRY(read_legacy_v(out, list.items[6]));
    MARGRAVE_TRY(read_signature(out.signature, list.items[7], list.items[8]));
    return out;
}

Result<Parsed> parse_typed(TxnType type, ByteView payload) {
    const bool dynamic = type == TxnType::kDynamicFee;
    MARGRAVE_TRY(
        const auto list, read_fields(payload, dynamic ? kDynamicFeeFields : kAccessListFields)
    );
    Parsed out;
    out.txn.type = type;
    std::size_t at = 0;
    MARGRAVE_TRY(out.txn.chain_id, rlp::to_u64(list.items[at++], "chain id"));
    MARGRAVE_TRY(out.txn.nonce, rlp::to_u64(list.items[at++], "nonce"));
    if (dynamic) {
        MARGRAVE_TRY(out.txn.priority_fee, rlp::to_amount(list.items[at++], "priority fee"));
    }
    MARGRAVE_TRY(out.txn.max_fee, rlp::to_amount(list.items[at++], "fee"));
    MARGRAVE_TRY(read_tail(out.txn, list.items, at));
    MARGRAVE_TRY(out.txn.access_list, read_access_list(list.items[at + 4]));
    MARGRAVE_TRY(const std::uint64_t parity, rlp::to_u64(list.items[at + 5], "y parity"));
    if (parity > 1) {
        return refused("y parity is " + std::to_string(parity));
    }
    out.signature.odd = parity == 1;
    MARGRAVE_TRY(read_signature(out.signature, list.items[at + 6], list.items[at + 7]));
    return out;
}

Result<Parsed> parse(ByteView raw) {
    if (raw.empty()) {
        return refused("is empty");
    }
    if (raw[0] >= 0xc0) {
        return parse_legacy(raw);
    }
    if (raw[0] != static_cast<std::uint8_t>(TxnType::kAccessList) &&
        raw[0] != static_cast<std::uint8_t>(TxnType::kDynamicFee)) {
        return refused("type " + std::to_string(raw[0]) + " is not known");
    }
    return parse_typed(static_cast<TxnType>(raw[0]), raw.subspan(1));
}

}  // namespace

bool is_low_s(const Hash32& s) {
    return s.data <= kHalfOrder;
}

Result<Address> recover(const Hash32& digest, const TxnSignature& signature) {
    std::array<std::uint8_t, 64> compact{};
    std::copy_n(signature.r.data.begin(), 32, compact.begin());
    std::copy_n(signature.s.data.begin(), 32, compact.begin() + 32);
    secp256k1_ecdsa_recoverable_signature parsed;
    const secp256k1_context* context = secp256k1_context_static;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(
            context, &parsed, compact.data(), signature.odd ? 1 : 0
        ) != 1) {
        return fail(Errc::kSignature, "transaction: r or s is not below the group order");
    }
    secp256k1_pubkey key;
    if (secp256k1_ecdsa_recover(context, &key, &parsed, digest.data.data()) != 1) {
        return fail(Errc::kSignature, "transaction: no key could have made the signature");
    }
    std::array<std::uint8_t, 65> point{};
    std::size_t size = point.size();
    secp256k1_ec_pubkey_serialize(context, point.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
    MARGRAVE_ASSERT(size == point.size());
    return low_address(keccak256(ByteView(point).subspan(1)));
}

Result<DecodedTxn> decode_txn(ByteView raw, std::uint64_t chain_id, Fork fork) {
    MARGRAVE_TRY(auto parsed, parse(raw));
    if (parsed.txn.chain_id.value_or(chain_id) != chain_id) {
        return refused(
            "is for chain id " + std::to_string(*parsed.txn.chain_id) + ", not " +
            std::to_string(chain_id)
        );
    }
    MARGRAVE_TRY(validate(parsed.txn, fork));
    if (fork >= Fork::kHomestead && !is_low_s(parsed.signature.s)) {
        return refused("s is above half the group order");
    }
    DecodedTxn out;
    MARGRAVE_TRY(out.sender, recover(signing_hash(parsed.txn), parsed.signature));
    out.txn = std::move(parsed.txn);
    out.signature = parsed.signature;
    out.hash = keccak256(raw);
    return out;
}

}  // namespace margrave::chains::evm
