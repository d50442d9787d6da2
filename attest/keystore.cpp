// SPDX-License-Identifier: Apache-2.0
#include "attest/detail/canonical_reader.hpp"
#include "attest/keys.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <cstdint>
#include <memory>
#include <sodium.h>
#include <string>
#include <utility>

// Web3 secret storage, version 3:
// https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage/
namespace margrave::attest {
namespace {

constexpr std::string_view kWhere = "keystore";
constexpr std::size_t kDerivedSize = 32;
constexpr std::size_t kIvSize = 16;
constexpr std::uint64_t kMaxMemory = std::uint64_t{1} << 30;
// Sixteen times the default of n = 2^18, r = 8, p = 1: some fifteen seconds.
constexpr std::uint64_t kMaxWork = std::uint64_t{1} << 25;
constexpr std::uint64_t kMaxRounds = 10'000'000;

// The derived key: cipher key in the first 16 bytes, MAC key in the other 16.
struct Derived {
    std::array<std::uint8_t, kDerivedSize> bytes{};

    Derived() = default;
    Derived(const Derived&) = default;
    Derived& operator=(const Derived&) = default;

    ~Derived() { sodium_memzero(bytes.data(), bytes.size()); }
};

struct Scrypt {
    std::uint64_t n{0};
    std::uint64_t r{0};
    std::uint64_t p{0};
};

struct Pbkdf2 {
    std::uint64_t rounds{0};
};

struct Keystore {
    std::optional<Scrypt> scrypt;
    Pbkdf2 pbkdf2;
    Bytes salt;
    Bytes iv;
    Bytes ciphertext;
    Bytes mac;
    std::optional<Address> address;
};

Error wrong(std::string_view field, const std::string& what) {
    return fail(Errc::kInvalid, std::string(kWhere) + ": \"" + std::string(field) + "\" " + what);
}

Result<Bytes> find_hex(
    const Canonical& object, std::string_view name, std::size_t min, std::size_t max
) {
    MARGRAVE_TRY(const std::string_view text, detail::find_text(object, name, kWhere));
    auto bytes = parse_hex("0x" + std::string(text));
    if (!bytes) {
        return wrong(name, "is not hex digits without \"0x\"");
    }
    if (bytes.value().size() < min || bytes.value().size() > max) {
        return wrong(name, "has " + std::to_string(bytes.value().size()) + " bytes");
    }
    return bytes;
}

Result<void> expect(const Canonical& object, std::string_view name, std::string_view value) {
    MARGRAVE_TRY(const std::string_view text, detail::find_text(object, name, kWhere));
    if (text != value) {
        return wrong(
            name,
            "is " + std::string(text.substr(0, 40)) + ", only " + std::string(value) + " is known"
        );
    }
    return ok();
}

Result<void> check(const Scrypt& s) {
    if (s.n < 2 || (s.n & (s.n - 1)) != 0) {
        return wrong("n", std::to_string(s.n) + " is not a power of two above 1");
    }
    constexpr std::uint64_t kMaxBlocks = kMaxMemory / 128;
    if (s.r == 0 || s.p == 0 || s.r > kMaxBlocks || s.p > kMaxBlocks) {
        return wrong("r", "or \"p\" is zero or absurd");
    }
    if (s.n > kMaxBlocks / s.r) {
        return wrong("n", "and \"r\" would take more than 1 GiB of memory");
    }
    if (s.n * s.r > kMaxWork / s.p) {
        return wrong("p", "with \"n\" and \"r\" would take minutes to compute");
    }
    return ok();
}

Result<void> read_kdf(const Canonical& crypto, Keystore& out) {
    MARGRAVE_TRY(const std::string_view kdf, detail::find_text(crypto, "kdf", kWhere));
    MARGRAVE_TRY(const Canonical* params, detail::find(crypto, "kdfparams", kWhere));
    MARGRAVE_TRY(const std::uint64_t size, detail::find_u64(*params, "dklen", kWhere));
    if (size != kDerivedSize) {
        return wrong("dklen", "is " + std::to_string(size) + ", only 32 is known");
    }
    MARGRAVE_TRY(out.salt, find_hex(*params, "salt", 1, 1024));
    if (kdf == "scrypt") {
        Scrypt scrypt;
        MARGRAVE_TRY(scrypt.n, detail::find_u64(*params, "n", kWhere));
        MARGRAVE_TRY(scrypt.r, detail::find_u64(*params, "r", kWhere));
        MARGRAVE_TRY(scrypt.p, detail::find_u64(*params, "p", kWhere));
        MARGRAVE_TRY(check(scrypt));
        out.scrypt = scrypt;
        return ok();
    }
    if (kdf != "pbkdf2") {
        return wrong("kdf", "is " + std::string(kdf.substr(0, 40)) + ", not scrypt or pbkdf2");
    }
    MARGRAVE_TRY(expect(*params, "prf", "hmac-sha256"));
    MARGRAVE_TRY(out.pbkdf2.rounds, detail::find_u64(*params, "c", kWhere));
    if (out.pbkdf2.rounds == 0 || out.pbkdf2.rounds > kMaxRounds) {
        return wrong("c", std::to_string(out.pbkdf2.rounds) + " is not in 1 to 10000000");
    }
    return ok();
}

Result<std::optional<Address>> read_address(const Canonical& file) {
    if (!detail::find(file, "address", kWhere)) {
        return std::optional<Address>{};
    }
    MARGRAVE_TRY(std::string_view text, detail::find_text(file, "address", kWhere));
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
    }
    auto address = parse_address("0x" + std::string(text));
    if (!address) {
        return wrong("address", "is not 40 hex digits");
    }
    return std::optional<Address>{address.value()};
}

Result<Keystore> read_keystore(std::string_view json) {
    MARGRAVE_TRY(const Canonical file, detail::read_json(json));
    MARGRAVE_TRY(expect(file, "version", "3"));
    MARGRAVE_TRY(const Canonical* crypto, detail::find(file, "crypto", kWhere));
    MARGRAVE_TRY(expect(*crypto, "cipher", "aes-128-ctr"));
    MARGRAVE_TRY(const Canonical* cipher, detail::find(*crypto, "cipherparams", kWhere));
    Keystore out;
    MARGRAVE_TRY(out.iv, find_hex(*cipher, "iv", kIvSize, kIvSize));
    MARGRAVE_TRY(out.ciphertext, find_hex(*crypto, "ciphertext", 32, 32));
    MARGRAVE_TRY(out.mac, find_hex(*crypto, "mac", 32, 32));
    MARGRAVE_TRY(read_kdf(*crypto, out));
    MARGRAVE_TRY(out.address, read_address(file));
    return out;
}

// RFC 7914 asks for n < 2^(16 r), and OpenSSL holds to it. Geth writes and opens files beyond it,
// one of which is a public test vector, so those few go to libsodium, which is slower.
bool derive_scrypt(const Scrypt& s, std::string_view password, ByteView salt, Derived& out) {
    if (s.r >= 4 || s.n < std::uint64_t{1} << (16 * s.r)) {
        return EVP_PBE_scrypt(
                   password.data(),
                   password.size(),
                   salt.data(),
                   salt.size(),
                   s.n,
                   s.r,
                   s.p,
                   kMaxMemory + (kMaxMemory >> 4),
                   out.bytes.data(),
                   out.bytes.size()
               ) == 1;
    }
    const ByteView secret = as_bytes(password);
    return crypto_pwhash_scryptsalsa208sha256_ll(
               secret.data(),
               secret.size(),
               salt.data(),
               salt.size(),
               s.n,
               static_cast<std::uint32_t>(s.r),
               static_cast<std::uint32_t>(s.p),
               out.bytes.data(),
               out.bytes.size()
           ) == 0;
}

Result<Derived> derive(const Keystore& keystore, std::string_view password) {
    Derived out;
    const bool done = keystore.scrypt
                          ? derive_scrypt(*keystore.scrypt, password, keystore.salt, out)
                          : PKCS5_PBKDF2_HMAC(
                                password.data(),
                                static_cast<int>(password.size()),
                                keystore.salt.data(),
                                static_cast<int>(keystore.salt.size()),
                                static_cast<int>(keystore.pbkdf2.rounds),
                                EVP_sha256(),
                                static_cast<int>(out.bytes.size()),
                                out.bytes.data()
                            ) == 1;
    if (!done) {
        return fail(Errc::kLimit, "keystore: deriving the key failed; is there enough memory?");
    }
    return out;
}

// CTR mode is its own inverse.
Result<void> aes_ctr(const Derived& key, ByteView iv, ByteView in, std::uint8_t* out) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
        EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free
    );
    int written = 0;
    if (context == nullptr ||
        EVP_EncryptInit_ex(
            context.get(), EVP_aes_128_ctr(), nullptr, key.bytes.data(), iv.data()
        ) != 1 ||
        EVP_EncryptUpdate(context.get(), out, &written, in.data(), static_cast<int>(in.size())) !=
            1 ||
        static_cast<std::size_t>(written) != in.size()) {
        return fail(Errc::kInvalid, "keystore: AES-128-CTR failed");
    }
    return ok();
}

Hash32 mac_of(const Derived& key, ByteView ciphertext) {
    Bytes preimage(key.bytes.begin() + 16, key.bytes.end());
    put_bytes(preimage, ciphertext);
    const Hash32 out = keccak256(preimage);
    sodium_memzero(preimage.data(), preimage.size());
    return out;
}

std::string bare_hex(ByteView bytes) {
    return to_hex(bytes).substr(2);
}

std::string random_uuid() {
    std::array<std::uint8_t, 16> bytes{};
    randombytes_buf(bytes.data(), bytes.size());
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    std::string out = bare_hex(bytes);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) {
        out.insert(at, 1, '-');
    }
    return out;
}

std::string write_keystore(const Keystore& keystore) {
    MARGRAVE_ASSERT(keystore.scrypt.has_value());
    MARGRAVE_ASSERT(keystore.address.has_value());
    const nlohmann::ordered_json out{
        {"version", 3},
        {"id", random_uuid()},
        {"address", bare_hex(keystore.address->view())},
        {"crypto",
         {{"cipher", "aes-128-ctr"},
          {"cipherparams", {{"iv", bare_hex(keystore.iv)}}},
          {"ciphertext", bare_hex(keystore.ciphertext)},
          {"kdf", "scrypt"},
          {"kdfparams",
           {{"dklen", kDerivedSize},
            {"n", keystore.scrypt->n},
            {"r", keystore.scrypt->r},
            {"p", keystore.scrypt->p},
            {"salt", bare_hex(keystore.salt)}}},
          {"mac", bare_hex(keystore.mac)}}}};
    return out.dump(2) + "\n";
}

}  // namespace

Result<std::string> encrypt_keystore(
    const SecretKey& key, std::string_view password, unsigned log_n
) {
    if (log_n < 1 || log_n > 20) {
        return fail(
            Errc::kInvalid, "keystore: log n is " + std::to_string(log_n) + ", not in 1 to 20"
        );
    }
    Keystore keystore;
    MARGRAVE_TRY(keystore.address, address_of(key));
    keystore.scrypt = Scrypt{.n = std::uint64_t{1} << log_n, .r = 8, .p = 1};
    keystore.salt.resize(32);
    keystore.iv.resize(kIvSize);
    keystore.ciphertext.resize(32);
    randombytes_buf(keystore.salt.data(), keystore.salt.size());
    randombytes_buf(keystore.iv.data(), keystore.iv.size());
    MARGRAVE_TRY(const Derived derived, derive(keystore, password));
    MARGRAVE_TRY(aes_ctr(derived, keystore.iv, key.view(), keystore.ciphertext.data()));
    const Hash32 mac = mac_of(derived, keystore.ciphertext);
    keystore.mac.assign(mac.data.begin(), mac.data.end());
    return write_keystore(keystore);
}

Result<SecretKey> decrypt_keystore(std::string_view json, std::string_view password) {
    MARGRAVE_TRY(const Keystore keystore, read_keystore(json));
    MARGRAVE_TRY(const Derived derived, derive(keystore, password));
    const Hash32 mac = mac_of(derived, keystore.ciphertext);
    if (sodium_memcmp(mac.data.data(), keystore.mac.data(), mac.data.size()) != 0) {
        return fail(
            Errc::kPassword,
            "keystore: the password is wrong, or the file was changed (MAC differs)"
        );
    }
    std::array<std::uint8_t, 32> plain{};
    auto decrypted = aes_ctr(derived, keystore.iv, keystore.ciphertext, plain.data());
    auto key = SecretKey::from_bytes(plain);
    sodium_memzero(plain.data(), plain.size());
    if (!decrypted) {
        return std::move(decrypted).error();
    }
    if (!key) {
        return wrong("ciphertext", "holds no secp256k1 key: " + key.error().detail);
    }
    MARGRAVE_TRY(const Address address, address_of(key.value()));
    if (keystore.address && *keystore.address != address) {
        return wrong(
            "address",
            "says " + to_hex(*keystore.address) + ", the key's address is " + to_hex(address)
        );
    }
    return key;
}

Result<Address> keystore_address(std::string_view json) {
    MARGRAVE_TRY(const Keystore keystore, read_keystore(json));
    if (!keystore.address) {
        return wrong("address", "is missing");
    }
    return *keystore.address;
}

}  // namespace margrave::attest
