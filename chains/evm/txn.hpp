// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/statements.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace margrave::chains::evm {

/// EIP-2718 type numbers; a legacy transaction has no type byte.
enum class TxnType : std::uint8_t { kLegacy = 0, kAccessList = 1, kDynamicFee = 2 };

/// Protocol versions whose rules for transactions differ, ascending.
enum class Fork : std::uint8_t {
    kFrontier,
    kHomestead,
    kSpuriousDragon,
    kIstanbul,
    kBerlin,
    kLondon,
    kShanghai,
    kPrague,
};

struct AccessEntry {
    Address address;
    std::vector<Hash32> slots;
    bool operator==(const AccessEntry&) const = default;
};

/// An unsigned transaction. Units: wei and gas.
struct Txn {
    TxnType type{TxnType::kDynamicFee};
    /// Absent only in a legacy transaction from before EIP-155, valid on every chain.
    std::optional<std::uint64_t> chain_id;
    std::uint64_t nonce{0};
    /// The gas price of types 0 and 1.
    Amount max_fee;
    /// Type 2 only.
    Amount priority_fee;
    std::uint64_t gas_limit{0};
    /// Absent: contract creation.
    std::optional<Address> to;
    Amount value;
    Bytes data;
    /// Types 1 and 2.
    std::vector<AccessEntry> access_list;
    bool operator==(const Txn&) const = default;
};

/// r and s of secp256k1 and the parity of R's y.
struct TxnSignature {
    Hash32 r;
    Hash32 s;
    bool odd{false};
    bool operator==(const TxnSignature&) const = default;
};

struct SignedTxnBytes {
    Hash32 hash;
    Bytes raw;
};

/// What decode found in the bytes of a signed transaction.
struct DecodedTxn {
    Txn txn;
    TxnSignature signature;
    Address sender;
    Hash32 hash;
};

/// The bytes whose keccak is signed.
Bytes unsigned_bytes(const Txn& txn);
Hash32 signing_hash(const Txn& txn);
Bytes signed_bytes(const Txn& txn, const TxnSignature& signature);

/// Asks `signer` and checks what it answers: v 27 or 28, r and s in range, low s, and that the
/// signature recovers to somebody.
Result<SignedTxnBytes> sign(const Txn& txn, const SignDigest& signer);

/// Gas that is due before the first instruction runs.
std::uint64_t intrinsic_gas(const Txn& txn, Fork fork);

/// Whether a chain under `fork` could ever execute it, whatever the state: types, sizes, sums,
/// nonce below 2^64 - 1 (EIP-2681), intrinsic gas (EIP-2028, 2930, 3860, 7623).
Result<void> validate(const Txn& txn, Fork fork);

/// A signed transaction as it goes over the wire: canonical RLP only, valid under `fork`, for
/// `chain_id` or for every chain, with its sender recovered.
Result<DecodedTxn> decode_txn(ByteView raw, std::uint64_t chain_id, Fork fork);

/// Address that signed `digest`. kSignature when r or s is out of range or nobody could have.
Result<Address> recover(const Hash32& digest, const TxnSignature& signature);
/// s at most half the group order (EIP-2).
bool is_low_s(const Hash32& s);

/// Address of the contract that `sender` creates with its transaction of that nonce.
Address create_address(const Address& sender, std::uint64_t nonce);

}  // namespace margrave::chains::evm
