// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/keys.hpp"

namespace margrave::relayer {

/// The key that pays for transactions: keccak("margrave sender key v1" || operator secret), so that
/// one keystore is all an operator keeps and the attestation key never signs a transaction.
Result<attest::SecretKey> derive_sender_key(const attest::SecretKey& operator_key);

}  // namespace margrave::relayer
