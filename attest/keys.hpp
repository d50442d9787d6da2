// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "core/statements.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::attest {

/// 32 secret bytes: not copyable, not printable, locked in memory where the system allows, wiped on
/// destruction.
class SecretKey {
  public:
    static SecretKey random();
    /// 64 hex digits with or without "0x"; kInvalid unless in [1, n-1] of secp256k1.
    static Result<SecretKey> parse(std::string_view hex);
    static Result<SecretKey> from_bytes(ByteView bytes);
    SecretKey(SecretKey&& other) noexcept;
    SecretKey& operator=(SecretKey&& other) noexcept;
    SecretKey(const SecretKey&) = delete;
    SecretKey& operator=(const SecretKey&) = delete;
    ~SecretKey();

    /// Empty after a move.
    [[nodiscard]] ByteView view() const { return {bytes_.get(), bytes_ ? kSize : 0}; }

  private:
    static constexpr std::size_t kSize = 32;

    struct Wipe {
        void operator()(std::uint8_t* bytes) const noexcept;
    };

    SecretKey();
    /// A guarded page of its own, so that wiping or unlocking one key touches no other.
    std::unique_ptr<std::uint8_t[], Wipe> bytes_;
};

Result<Address> address_of(const SecretKey& key);

/// Who signs. Local keystore now; a remote signer or an HSM is another implementation.
class Signer {
  public:
    virtual ~Signer() = default;
    [[nodiscard]] virtual Address address() const = 0;
    /// RFC 6979, low s, v 27 or 28; its own signature is recovered and compared before it returns.
    virtual Result<Signature> sign(const Hash32& digest) = 0;
};

std::unique_ptr<Signer> make_local_signer(SecretKey key);

/// Refuses high s and v other than 27/28 (kSignature).
Result<Address> recover(const Hash32& digest, const Signature& signature);
/// All of: ascending by signer, no duplicate, each by a member of `signers`, at least `threshold`.
Result<void> check_quorum(
    const Hash32& digest,
    const std::vector<SignerSignature>& signatures,
    const std::vector<Address>& signers,
    std::uint64_t threshold
);

/// Web3 secret storage v3. scrypt (default n = 262144) or PBKDF2 on read; scrypt on write.
/// kPassword for a MAC mismatch; kInvalid names the field that is wrong; parameters that would take
/// more than 1 GiB are refused.
Result<std::string> encrypt_keystore(
    const SecretKey& key, std::string_view password, unsigned log_n = 18
);
/// What a reader takes of a keystore file, bytes; one of these is less than 1 KiB.
inline constexpr std::size_t kKeystoreBytesMax = std::size_t{64} * 1024;
Result<SecretKey> decrypt_keystore(std::string_view json, std::string_view password);
/// The address a keystore file says it holds, without opening it.
Result<Address> keystore_address(std::string_view json);

/// Ed25519 key of the log, 32-byte seed; the seed is wiped on destruction.
struct LogKey {
    std::array<std::uint8_t, 32> seed{};
    std::array<std::uint8_t, 32> public_key{};

    ~LogKey();
};

LogKey log_key_from_seed(const std::array<std::uint8_t, 32>& seed);
/// Derived from the operator's key: seed = keccak("margrave log key v1" || secret), so one keystore
/// is all an operator keeps.
LogKey derive_log_key(const SecretKey& key);

}  // namespace margrave::attest
