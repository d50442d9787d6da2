// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/txn.hpp"

#include "chains/evm/rlp.hpp"
#include "core/keccak.hpp"

namespace margrave::chains::evm {
namespace {

constexpr std::uint64_t kTxnGas = 21'000;
constexpr std::uint64_t kCreateGas = 32'000;
constexpr std::uint64_t kZeroByteGas = 4;
constexpr std::uint64_t kByteGasFrontier = 68;
constexpr std::uint64_t kByteGasIstanbul = 16;
constexpr std::uint64_t kAccessAddressGas = 2'400;
constexpr std::uint64_t kAccessSlotGas = 1'900;
constexpr std::uint64_t kInitCodeWordGas = 2;
constexpr std::uint64_t kFloorTokenGas = 10;
constexpr std::size_t kInitCodeMax = 49'152;

Error refused(std::string why) {
    return fail(Errc::kInvalid, "transaction: " + std::move(why));
}

void put_to(Bytes& out, const std::optional<Address>& to) {
    rlp::put_bytes(out, to ? to->view() : ByteView{});
}

void put_access_list(Bytes& out, const std::vector<AccessEntry>& list) {
    Bytes entries;
    for (const AccessEntry& entry : list) {
        Bytes slots;
        for (const Hash32& slot : entry.slots) {
            rlp::put_bytes(slots, slot.view());
        }
        Bytes members;
        rlp::put_bytes(members, entry.address.view());
        rlp::put_list(members, slots);
        rlp::put_list(entries, members);
    }
    rlp::put_list(out, entries);
}

// Every field that is signed, without the list's header.
Bytes fields(const Txn& txn) {
    Bytes out;
    if (txn.type != TxnType::kLegacy) {
        rlp::put_uint(out, txn.chain_id.value_or(0));
    }
    rlp::put_uint(out, txn.nonce);
    if (txn.type == TxnType::kDynamicFee) {
        rlp::put_uint(out, txn.priority_fee);
    }
    rlp::put_uint(out, txn.max_fee);
    rlp::put_uint(out, txn.gas_limit);
    put_to(out, txn.to);
    rlp::put_uint(out, txn.value);
    rlp::put_bytes(out, txn.data);
    if (txn.type != TxnType::kLegacy) {
        put_access_list(out, txn.access_list);
    }
    return out;
}

Bytes envelope(TxnType type, const Bytes& members) {
    Bytes out;
    if (type != TxnType::kLegacy) {
        out.push_back(static_cast<std::uint8_t>(type));
    }
    rlp::put_list(out, members);
    return out;
}

// EIP-155: v = 35 + 2 * chain id + parity. Chain ids beyond 2^63 need more than 64 bits.
Amount legacy_v(const Txn& txn, bool odd) {
    const std::uint64_t parity = odd ? 1 : 0;
    if (!txn.chain_id) {
        return Amount(27 + parity);
    }
    const Amount id(*txn.chain_id);
    return add(add(id, id).value(), Amount(35 + parity)).value();
}

std::uint64_t count_zeros(const Bytes& data) {
    std::uint64_t zeros = 0;
    for (const std::uint8_t b : data) {
        zeros += b == 0 ? 1 : 0;
    }
    return zeros;
}

// EIP-7623: what a transaction that is mostly data pays at least.
std::uint64_t floor_gas(const Txn& txn) {
    const std::uint64_t zeros = count_zeros(txn.data);
    const std::uint64_t tokens = zeros + (txn.data.size() - zeros) * 4;
    return kTxnGas + tokens * kFloorTokenGas;
}

Result<void> validate_type(const Txn& txn, Fork fork) {
    if (txn.type == TxnType::kAccessList && fork < Fork::kBerlin) {
        return refused("type 1 is not known before Berlin");
    }
    if (txn.type == TxnType::kDynamicFee && fork < Fork::kLondon) {
        return refused("type 2 is not known before London");
    }
    if (txn.type == TxnType::kLegacy && txn.chain_id && fork < Fork::kSpuriousDragon) {
        return refused("a chain id is not known before Spurious Dragon");
    }
    if (txn.type != TxnType::kLegacy && !txn.chain_id) {
        return refused("a typed transaction needs a chain id");
    }
    if (txn.type == TxnType::kLegacy && !txn.access_list.empty()) {
        return refused("a legacy transaction has no access list");
    }
    return ok();
}

Result<void> validate_fees(const Txn& txn) {
    if (txn.type == TxnType::kDynamicFee && txn.priority_fee > txn.max_fee) {
        return refused("the priority fee is above the fee cap");
    }
    // gas_limit * max_fee below 2^256, without leaving 256 bits on the way.
    if (!txn.max_fee.is_zero()) {
        const Amount::Rep most = Amount::max().rep() / txn.max_fee.rep();
        if (Amount::Rep(txn.gas_limit) > most) {
            return refused("gas limit times fee does not fit 256 bits");
        }
    }
    return ok();
}

}  // namespace

Bytes unsigned_bytes(const Txn& txn) {
    Bytes members = fields(txn);
    if (txn.type == TxnType::kLegacy && txn.chain_id) {
        rlp::put_uint(members, *txn.chain_id);
        rlp::put_uint(members, 0);
        rlp::put_uint(members, 0);
    }
    return envelope(txn.type, members);
}

Hash32 signing_hash(const Txn& txn) {
    return keccak256(unsigned_bytes(txn));
}

Bytes signed_bytes(const Txn& txn, const TxnSignature& signature) {
    Bytes members = fields(txn);
    if (txn.type == TxnType::kLegacy) {
        rlp::put_uint(members, legacy_v(txn, signature.odd));
    } else {
        rlp::put_uint(members, std::uint64_t{signature.odd});
    }
    rlp::put_uint(members, Amount::from_word(signature.r));
    rlp::put_uint(members, Amount::from_word(signature.s));
    return envelope(txn.type, members);
}

Result<SignedTxnBytes> sign(const Txn& txn, const SignDigest& signer) {
    const Hash32 digest = signing_hash(txn);
    MARGRAVE_TRY(const Signature answer, signer(digest));
    const std::uint8_t v = answer[64];
    if (v != 27 && v != 28) {
        return fail(Errc::kSignature, "transaction: the signer answered v = " + std::to_string(v));
    }
    TxnSignature signature;
    signature.odd = v == 28;
    std::copy_n(answer.begin(), 32, signature.r.data.begin());
    std::copy_n(answer.begin() + 32, 32, signature.s.data.begin());
    if (!is_low_s(signature.s)) {
        return fail(Errc::kSignature, "transaction: the signer answered a high s");
    }
    MARGRAVE_TRY(recover(digest, signature));
    SignedTxnBytes out;
    out.raw = signed_bytes(txn, signature);
    out.hash = keccak256(out.raw);
    return out;
}

std::uint64_t intrinsic_gas(const Txn& txn, Fork fork) {
    const std::uint64_t byte_gas = fork < Fork::kIstanbul ? kByteGasFrontier : kByteGasIstanbul;
    const std::uint64_t zeros = count_zeros(txn.data);
    std::uint64_t gas = kTxnGas + zeros * kZeroByteGas + (txn.data.size() - zeros) * byte_gas;
    if (!txn.to && fork >= Fork::kHomestead) {
        gas += kCreateGas;
    }
    if (!txn.to && fork >= Fork::kShanghai) {
        gas += (txn.data.size() + 31) / 32 * kInitCodeWordGas;
    }
    for (const AccessEntry& entry : txn.access_list) {
        gas += kAccessAddressGas + entry.slots.size() * kAccessSlotGas;
    }
    return gas;
}

Result<void> validate(const Txn& txn, Fork fork) {
    MARGRAVE_TRY(validate_type(txn, fork));
    if (txn.nonce == ~std::uint64_t{0}) {
        return refused("nonce 2^64 - 1 can never be used");
    }
    MARGRAVE_TRY(validate_fees(txn));
    if (!txn.to && fork >= Fork::kShanghai && txn.data.size() > kInitCodeMax) {
        return refused(
            "init code of " + std::to_string(txn.data.size()) + " bytes, at most " +
            std::to_string(kInitCodeMax)
        );
    }
    std::uint64_t least = intrinsic_gas(txn, fork);
    if (fork >= Fork::kPrague) {
        least = std::max(least, floor_gas(txn));
    }
    if (txn.gas_limit < least) {
        return refused(
            "gas limit " + std::to_string(txn.gas_limit) + " is below the " +
            std::to_string(least) + " that it costs to begin"
        );
    }
    return ok();
}

Address create_address(const Address& sender, std::uint64_t nonce) {
    Bytes members;
    rlp::put_bytes(members, sender.view());
    rlp::put_uint(members, nonce);
    Bytes list;
    rlp::put_list(list, members);
    return low_address(keccak256(list));
}

}  // namespace margrave::chains::evm
