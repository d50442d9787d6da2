// SPDX-License-Identifier: Apache-2.0
#include "relayer/sender.hpp"

#include "core/keccak.hpp"

#include <cstring>

namespace margrave::relayer {

Result<attest::SecretKey> derive_sender_key(const attest::SecretKey& operator_key) {
    Bytes material = to_bytes("margrave sender key v1");
    put_bytes(material, operator_key.view());
    Hash32 secret = keccak256(material);
    auto key = attest::SecretKey::from_bytes(secret.view());
    explicit_bzero(material.data(), material.size());
    explicit_bzero(secret.data.data(), secret.data.size());
    return key;
}

}  // namespace margrave::relayer
