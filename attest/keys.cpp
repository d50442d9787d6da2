// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"

#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include <algorithm>
#include <sodium.h>
#include <string>
#include <utility>

namespace margrave::attest {
namespace {

constexpr std::uint8_t kFirstV = 27;

// Half the group order: s above it is the malleable twin of a signature.
constexpr std::array<std::uint8_t, 32> kHalfOrder{
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

struct ContextDeleter {
    void operator()(secp256k1_context* context) const { secp256k1_context_destroy(context); }
};

using Context = std::unique_ptr<secp256k1_context, ContextDeleter>;

// A context's blinding protects the secret from side channels; each is seeded once, when made.
Context make_context() {
    MARGRAVE_ASSERT(sodium_init() >= 0);
    Context out(secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY));
    MARGRAVE_ASSERT(out != nullptr);
    std::array<std::uint8_t, 32> seed{};
    randombytes_buf(seed.data(), seed.size());
    MARGRAVE_ASSERT(secp256k1_context_randomize(out.get(), seed.data()) == 1);
    sodium_memzero(seed.data(), seed.size());
    return out;
}

// Verification has no secret and never changes the context, so one serves every thread.
const secp256k1_context* verify_context() {
    static const Context context = make_context();
    return context.get();
}

Address address_of(const secp256k1_context* context, const secp256k1_pubkey& key) {
    std::array<std::uint8_t, 65> point{};
    std::size_t size = point.size();
    secp256k1_ec_pubkey_serialize(context, point.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED);
    MARGRAVE_ASSERT(size == point.size());
    return low_address(keccak256(ByteView{point.data() + 1, point.size() - 1}));
}

class LocalSigner final : public Signer {
  public:
    explicit LocalSigner(SecretKey key)
        : key_(std::move(key)),
          context_(make_context()) {
        auto own = attest::address_of(key_);
        MARGRAVE_ASSERT(own.has_value());
        address_ = own.value();
    }

    [[nodiscard]] Address address() const override { return address_; }

    Result<Signature> sign(const Hash32& digest) override {
        secp256k1_ecdsa_recoverable_signature made;
        Signature out{};
        int recovery = 0;
        if (secp256k1_ecdsa_sign_recoverable(
                context_.get(), &made, digest.data.data(), key_.view().data(), nullptr, nullptr
            ) != 1) {
            return fail(Errc::kSignature, "signing with " + to_hex(address_) + " failed");
        }
        secp256k1_ecdsa_recoverable_signature_serialize_compact(
            context_.get(), out.data(), &recovery, &made
        );
        out[64] = static_cast<std::uint8_t>(kFirstV + recovery);
        MARGRAVE_TRY(const Address signer, recover(digest, out));
        if (signer != address_) {
            return fail(
                Errc::kSignature,
                "the signature just made recovers to " + to_hex(signer) + ", not to " +
                    to_hex(address_) + "; it was not released"
            );
        }
        return out;
    }

  private:
    SecretKey key_;
    Context context_;
    Address address_;
};

}  // namespace

void SecretKey::Wipe::operator()(std::uint8_t* bytes) const noexcept {
    sodium_free(bytes);
}

SecretKey::SecretKey() {
    MARGRAVE_ASSERT(sodium_init() >= 0);
    bytes_.reset(static_cast<std::uint8_t*>(sodium_malloc(kSize)));
    MARGRAVE_ASSERT(bytes_ != nullptr);
    sodium_memzero(bytes_.get(), kSize);
}

SecretKey::SecretKey(SecretKey&& other) noexcept = default;
SecretKey& SecretKey::operator=(SecretKey&& other) noexcept = default;
SecretKey::~SecretKey() = default;

SecretKey SecretKey::random() {
    SecretKey out;
    do {
        randombytes_buf(out.bytes_.get(), kSize);
    } while (secp256k1_ec_seckey_verify(verify_context(), out.bytes_.get()) != 1);
    return out;
}

Result<SecretKey> SecretKey::parse(std::string_view hex) {
    if (hex.starts_with("0x")) {
        hex.remove_prefix(2);
    }
    if (hex.size() != 2 * kSize) {
        return fail(
            Errc::kInvalid,
            "a secret key has 64 hex digits, this text has " + std::to_string(hex.size())
        );
    }
    SecretKey out;
    std::size_t written = 0;
    if (sodium_hex2bin(
            out.bytes_.get(), kSize, hex.data(), hex.size(), nullptr, &written, nullptr
        ) != 0 ||
        written != kSize) {
        return fail(Errc::kInvalid, "a secret key has only hex digits, this text has others");
    }
    return from_bytes(out.view());
}

Result<SecretKey> SecretKey::from_bytes(ByteView bytes) {
    if (bytes.size() != kSize) {
        return fail(
            Errc::kInvalid, "a secret key has 32 bytes, not " + std::to_string(bytes.size())
        );
    }
    if (secp256k1_ec_seckey_verify(verify_context(), bytes.data()) != 1) {
        return fail(Errc::kInvalid, "the secret key is zero or not below the order of secp256k1");
    }
    SecretKey out;
    std::copy(bytes.begin(), bytes.end(), out.bytes_.get());
    return out;
}

Result<Address> address_of(const SecretKey& key) {
    if (key.view().empty()) {
        return fail(Errc::kInvalid, "the secret key was moved away");
    }
    secp256k1_pubkey point;
    if (secp256k1_ec_pubkey_create(verify_context(), &point, key.view().data()) != 1) {
        return fail(Errc::kInvalid, "the secret key has no public key");
    }
    return address_of(verify_context(), point);
}

std::unique_ptr<Signer> make_local_signer(SecretKey key) {
    return std::make_unique<LocalSigner>(std::move(key));
}

Result<Address> recover(const Hash32& digest, const Signature& signature) {
    const std::uint8_t v = signature[64];
    if (v != kFirstV && v != kFirstV + 1) {
        return fail(Errc::kSignature, "v is " + std::to_string(v) + ", not 27 or 28");
    }
    if (std::lexicographical_compare(
            kHalfOrder.begin(), kHalfOrder.end(), signature.begin() + 32, signature.begin() + 64
        )) {
        return fail(Errc::kSignature, "s is above half the group order");
    }
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_pubkey point;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(
            verify_context(), &parsed, signature.data(), v - kFirstV
        ) != 1 ||
        secp256k1_ecdsa_recover(verify_context(), &point, &parsed, digest.data.data()) != 1) {
        return fail(Errc::kSignature, "no public key gives this signature");
    }
    return address_of(verify_context(), point);
}

Result<void> check_quorum(
    const Hash32& digest,
    const std::vector<SignerSignature>& signatures,
    const std::vector<Address>& signers,
    std::uint64_t threshold
) {
    const SignerSignature* previous = nullptr;
    for (const SignerSignature& each : signatures) {
        const std::string who = "signature of " + to_hex(each.signer);
        if (previous != nullptr && !(previous->signer < each.signer)) {
            return fail(
                Errc::kSignature,
                who + (previous->signer == each.signer ? " is there twice" : " is out of order")
            );
        }
        previous = &each;
        if (std::find(signers.begin(), signers.end(), each.signer) == signers.end()) {
            return fail(Errc::kSignature, who + ": it is not in the signer set");
        }
        auto signer = recover(digest, each.signature);
        if (!signer) {
            return fail(Errc::kSignature, who + ": " + signer.error().detail);
        }
        if (signer.value() != each.signer) {
            return fail(Errc::kSignature, who + " is by " + to_hex(signer.value()));
        }
    }
    // A threshold of zero would let an empty list pass.
    if (threshold == 0 || signatures.size() < threshold) {
        return fail(
            Errc::kSignature,
            std::to_string(signatures.size()) + " signatures where " + std::to_string(threshold) +
                " are needed"
        );
    }
    return ok();
}

LogKey::~LogKey() {
    sodium_memzero(seed.data(), seed.size());
}

LogKey log_key_from_seed(const std::array<std::uint8_t, 32>& seed) {
    MARGRAVE_ASSERT(sodium_init() >= 0);
    LogKey out;
    out.seed = seed;
    std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> expanded{};
    crypto_sign_seed_keypair(out.public_key.data(), expanded.data(), seed.data());
    sodium_memzero(expanded.data(), expanded.size());
    return out;
}

LogKey derive_log_key(const SecretKey& key) {
    constexpr std::string_view kTag = "margrave log key v1";
    std::array<std::uint8_t, kTag.size() + 32> preimage{};
    MARGRAVE_ASSERT(key.view().size() == 32);
    auto end = std::copy(kTag.begin(), kTag.end(), preimage.begin());
    std::copy(key.view().begin(), key.view().end(), end);
    Hash32 seed = keccak256(ByteView{preimage.data(), preimage.size()});
    sodium_memzero(preimage.data(), preimage.size());
    LogKey out = log_key_from_seed(seed.data);
    sodium_memzero(seed.data.data(), seed.data.size());
    return out;
}

}  // namespace margrave::attest
