// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/recover.hpp"

#include "core/keccak.hpp"

#include <secp256k1_recovery.h>

#include <array>
#include <string>

namespace margrave::oracle::detail {
namespace {

constexpr std::size_t kSignatureSize = 65;
constexpr std::uint8_t kFirstRecovery = 27;

Error bad_signature(std::string why) {
    return fail(Errc::kSignature, std::move(why));
}

}  // namespace

Result<Address> recover(const Hash32& digest, ByteView signature) {
    if (signature.size() != kSignatureSize) {
        return bad_signature(
            "a signature has " + std::to_string(signature.size()) + " bytes, not 65"
        );
    }
    const std::uint8_t v = signature[kSignatureSize - 1];
    if (v != kFirstRecovery && v != kFirstRecovery + 1) {
        return bad_signature("v is " + std::to_string(v) + ", not 27 or 28");
    }
    // Recovering needs no secret, so the context that is never blinded will do.
    const secp256k1_context* context = secp256k1_context_static;
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_ecdsa_signature plain;
    secp256k1_pubkey point;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(
            context, &parsed, signature.data(), v - kFirstRecovery
        ) != 1) {
        return bad_signature("r or s is no number below the group order");
    }
    secp256k1_ecdsa_recoverable_signature_convert(context, &plain, &parsed);
    if (secp256k1_ecdsa_signature_normalize(context, nullptr, &plain) == 1) {
        return bad_signature("s is above half the group order");
    }
    if (secp256k1_ecdsa_recover(context, &point, &parsed, digest.data.data()) != 1) {
        return bad_signature("no key made this signature");
    }
    std::array<std::uint8_t, kSignatureSize> bytes{};
    std::size_t size = bytes.size();
    secp256k1_ec_pubkey_serialize(context, bytes.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED);
    return low_address(keccak256(ByteView(bytes).subspan(1)));
}

}  // namespace margrave::oracle::detail
