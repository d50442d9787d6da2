// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/canonical_json.hpp"
#include "core/result.hpp"

#include <string_view>

namespace margrave::attest {

/// What EIP-712 makes of typed data, step by step.
struct TypedDataHash {
    Hash32 domain;
    /// typeHash and encodeData of the primary type.
    Bytes encoded;
    /// hashStruct of the message.
    Hash32 message;
    /// keccak(0x1901, domain, message): what a wallet signs.
    Hash32 digest;
};

/// Any {types, primaryType, domain, message} by the letter of EIP-712, without knowing Margrave's
/// statements: an independent check of attest/digest.hpp, since both must say the same about a
/// leaf. Integers may be decimal or 0x texts; `types` may leave out EIP712Domain, which then
/// follows from the domain's members as wallets do it. kInvalid names the type or the field.
Result<TypedDataHash> hash_typed_data(const Canonical& typed);
/// The same from JSON text, in which integers may be numbers below 2^64.
Result<TypedDataHash> hash_typed_json(std::string_view json);

}  // namespace margrave::attest
