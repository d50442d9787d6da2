// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/keccak.hpp"
#include "core/statements.hpp"

#include <secp256k1_recovery.h>

#include <algorithm>
#include <array>
#include <memory>

namespace margrave::tests {

/// Signs digests with a key that is no secret. Needs PkgConfig::secp256k1 in the test's LIBS.
class TestSigner {
  public:
    explicit TestSigner(const Hash32& key)
        : key_(key),
          context_(secp256k1_context_create(SECP256K1_CONTEXT_SIGN)) {}

    [[nodiscard]] Address address() const {
        secp256k1_pubkey point;
        if (secp256k1_ec_pubkey_create(context_.get(), &point, key_.data.data()) != 1) {
            return {};
        }
        std::array<std::uint8_t, 65> bytes{};
        std::size_t size = bytes.size();
        secp256k1_ec_pubkey_serialize(
            context_.get(), bytes.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED
        );
        return low_address(keccak256(ByteView(bytes).subspan(1)));
    }

    /// RFC 6979, so the same digest always gives the same signature.
    [[nodiscard]] Result<Signature> sign(const Hash32& digest) const {
        secp256k1_ecdsa_recoverable_signature raw;
        if (secp256k1_ecdsa_sign_recoverable(
                context_.get(), &raw, digest.data.data(), key_.data.data(), nullptr, nullptr
            ) != 1) {
            return fail(Errc::kSignature, "the test key is no key");
        }
        Signature out{};
        int parity = 0;
        secp256k1_ecdsa_recoverable_signature_serialize_compact(
            context_.get(), out.data(), &parity, &raw
        );
        out[64] = static_cast<std::uint8_t>(27 + parity);
        return out;
    }

    /// The signer must outlive what this returns.
    [[nodiscard]] SignDigest function() const {
        return [this](const Hash32& digest) {
            return sign(digest);
        };
    }

  private:
    struct Destroy {
        void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
    };

    Hash32 key_;
    std::unique_ptr<secp256k1_context, Destroy> context_;
};

}  // namespace margrave::tests
