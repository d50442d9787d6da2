// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"

#include "tests/unit/attest/samples.hpp"

#include <secp256k1.h>

#include <set>
#include <sodium.h>
#include <type_traits>

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

constexpr const char* kOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

TEST(SecretKey, CannotBeCopied) {
    static_assert(!std::is_copy_constructible_v<SecretKey>);
    static_assert(!std::is_copy_assignable_v<SecretKey>);
    static_assert(std::is_nothrow_move_constructible_v<SecretKey>);
    SUCCEED();
}

TEST(SecretKey, OnlyNumbersBelowTheGroupOrderAndAboveZeroAreKeys) {
    std::string last = kOrder;
    last.back() = '0';
    EXPECT_TRUE(SecretKey::parse(last));
    EXPECT_TRUE(SecretKey::parse("0x" + std::string(63, '0') + "1"));
    for (const std::string& bad :
         {std::string(kOrder),
          std::string(64, '0'),
          std::string(64, 'f'),
          std::string(63, '1'),
          std::string(65, '1'),
          std::string(62, '1') + "0x",
          std::string(63, '1') + "g",
          std::string(),
          "0x0x" + std::string(60, '1'),
          std::string(63, '1') + " "}) {
        const auto key = SecretKey::parse(bad);
        ASSERT_FALSE(key) << bad;
        EXPECT_EQ(key.error().code, Errc::kInvalid);
        if (bad.size() > 8) {
            EXPECT_EQ(key.error().detail.find(bad.substr(0, 8)), std::string::npos)
                << "an error must not repeat the key";
        }
    }
}

TEST(SecretKey, RandomKeysDiffer) {
    std::set<Bytes> seen;
    for (int i = 0; i < 50; ++i) {
        const SecretKey key = SecretKey::random();
        seen.emplace(key.view().begin(), key.view().end());
    }
    EXPECT_EQ(seen.size(), 50U);
}

TEST(SecretKey, AMovedKeyIsEmptyAndHasNoAddress) {
    SecretKey key = key_of("a");
    const SecretKey taken = std::move(key);
    EXPECT_TRUE(key.view().empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_FALSE(address_of(key));
    EXPECT_TRUE(address_of(taken));
}

TEST(Signer, SignsTheSameDigestTheSameWayAndRecoversToItself) {
    auto signer = make_local_signer(key_of("a"));
    EXPECT_EQ(signer->address(), address_of(key_of("a")).value());
    for (int i = 0; i < 100; ++i) {
        const Hash32 digest = keccak256("digest " + std::to_string(i));
        const Signature signature = signer->sign(digest).value();
        EXPECT_EQ(signer->sign(digest).value(), signature);
        EXPECT_EQ(recover(digest, signature).value(), signer->address());
        EXPECT_NE(recover(keccak256("other"), signature).value(), signer->address());
    }
}

TEST(Recover, RefusesTheMalleableTwin) {
    auto signer = make_local_signer(key_of("a"));
    const Hash32 digest = keccak256("digest");
    Signature twin = signer->sign(digest).value();
    // s' = n - s, and the other parity.
    const Bytes order = bytes_of_hex(kOrder);
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
        const int difference = order[i] - twin[32 + i] - borrow;
        borrow = difference < 0 ? 1 : 0;
        twin[32 + i] = static_cast<std::uint8_t>(difference + 256 * borrow);
    }
    twin[64] = static_cast<std::uint8_t>(27 + 28 - twin[64]);
    const auto recovered = recover(digest, twin);
    ASSERT_FALSE(recovered);
    EXPECT_EQ(recovered.error().code, Errc::kSignature);
    EXPECT_NE(recovered.error().detail.find("half"), std::string::npos);
}

TEST(Recover, RefusesForeignVAndZeroes) {
    auto signer = make_local_signer(key_of("a"));
    const Hash32 digest = keccak256("digest");
    for (const int v : {0, 1, 26, 29, 30, 37, 255}) {
        Signature signature = signer->sign(digest).value();
        signature[64] = static_cast<std::uint8_t>(v);
        EXPECT_FALSE(recover(digest, signature)) << v;
    }
    Signature zero_r = signer->sign(digest).value();
    std::fill_n(zero_r.begin(), 32, std::uint8_t{0});
    EXPECT_FALSE(recover(digest, zero_r));
    Signature zero_s = signer->sign(digest).value();
    std::fill_n(zero_s.begin() + 32, 32, std::uint8_t{0});
    EXPECT_FALSE(recover(digest, zero_s));
    Signature large_r = signer->sign(digest).value();
    std::fill_n(large_r.begin(), 32, std::uint8_t{0xff});
    EXPECT_FALSE(recover(digest, large_r));
}

class Quorum : public ::testing::Test {
  protected:
    Keys keys_{{"a", "b", "c", "d"}};
    Hash32 digest_ = keccak256("statement");
    std::vector<SignerSignature> all_ = keys_.sign(digest_);

    [[nodiscard]] Result<void> check(std::uint64_t threshold) const {
        return check_quorum(digest_, all_, keys_.addresses, threshold);
    }
};

TEST_F(Quorum, HoldsAtTheThresholdAndNotBelow) {
    EXPECT_TRUE(check(4));
    all_.pop_back();
    EXPECT_TRUE(check(3));
    const auto short_one = check(4);
    ASSERT_FALSE(short_one);
    EXPECT_EQ(short_one.error().code, Errc::kSignature);
    EXPECT_NE(short_one.error().detail.find("3 signatures where 4"), std::string::npos);
}

TEST_F(Quorum, AThresholdOfZeroIsNoQuorum) {
    all_.clear();
    EXPECT_FALSE(check(0));
}

TEST_F(Quorum, ADuplicateIsRefused) {
    all_[1] = all_[0];
    EXPECT_FALSE(check(2));
}

TEST_F(Quorum, SignaturesOutOfOrderAreRefused) {
    std::swap(all_[0], all_[1]);
    EXPECT_FALSE(check(2));
}

TEST_F(Quorum, AStrangerIsRefusedEvenAboveTheThreshold) {
    keys_.addresses.erase(keys_.addresses.begin() + 1);
    EXPECT_FALSE(check(2));
}

TEST_F(Quorum, ASignatureOverAnotherDigestIsRefused) {
    all_[2].signature = keys_.signers[2]->sign(keccak256("another")).value();
    EXPECT_FALSE(check(2));
}

TEST_F(Quorum, ASignatureUnderAnothersNameIsRefused) {
    all_[2].signature = all_[3].signature;
    EXPECT_FALSE(check(2));
}

TEST(LogKey, IsDerivedFromTheOperatorsKeyAndFromNothingElse) {
    const LogKey one = derive_log_key(key_of("a"));
    EXPECT_EQ(derive_log_key(key_of("a")).seed, one.seed);
    EXPECT_NE(derive_log_key(key_of("b")).seed, one.seed);
    Bytes preimage = to_bytes("margrave log key v1");
    put_bytes(preimage, key_of("a").view());
    EXPECT_EQ(one.seed, keccak256(preimage).data);
    EXPECT_EQ(log_key_from_seed(one.seed).public_key, one.public_key);
}

// DER to r and s as libsecp256k1 reads it; what it refuses, nobody can hand us as 65 bytes.
std::optional<Signature> compact_of(const Bytes& der) {
    const secp256k1_context* context = secp256k1_context_static;
    secp256k1_ecdsa_signature parsed;
    if (der.empty() ||
        secp256k1_ecdsa_signature_parse_der(context, &parsed, der.data(), der.size()) != 1) {
        return std::nullopt;
    }
    Signature out{};
    secp256k1_ecdsa_signature_serialize_compact(context, out.data(), &parsed);
    return out;
}

bool recovers_to(const Hash32& digest, Signature signature, const Address& address) {
    for (const int v : {27, 28}) {
        signature[64] = static_cast<std::uint8_t>(v);
        const auto recovered = recover(digest, signature);
        if (recovered && recovered.value() == address) {
            return true;
        }
    }
    return false;
}

// A signature is valid for a public key exactly when one of the two v recovers that key's address.
TEST(Wycheproof, RecoveryAgreesWithEveryBitcoinEcdsaVector) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.json");
    std::size_t cases = 0;
    std::size_t beyond_v28 = 0;
    for (const json& group : vectors["testGroups"]) {
        const Bytes point = bytes_of_hex(group["publicKey"]["uncompressed"].get<std::string>());
        const Address address = low_address(keccak256(ByteView(point).subspan(1)));
        for (const json& test : group["tests"]) {
            ++cases;
            const Bytes message = bytes_of_hex(test["msg"].get<std::string>());
            Hash32 digest;
            crypto_hash_sha256(digest.data.data(), message.data(), message.size());
            const auto signature = compact_of(bytes_of_hex(test["sig"].get<std::string>()));
            const bool accepted = signature && recovers_to(digest, *signature, address);
            // r wrapped around the group order needs a v of 29 or 30, which Ethereum has not.
            if (test["comment"] == "k*G has a large x-coordinate" && test["result"] == "valid") {
                EXPECT_FALSE(accepted);
                ++beyond_v28;
                continue;
            }
            EXPECT_EQ(accepted, test["result"] == "valid") << test["tcId"] << test["comment"];
        }
    }
    EXPECT_EQ(cases, vectors["numberOfTests"]);
    EXPECT_EQ(beyond_v28, 1U);
}

TEST(Wycheproof, NoInvalidEcdsaVectorIsAcceptedAndValidOnesOnlyWithLowS) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("wycheproof/ecdsa_secp256k1_sha256_test.json");
    std::size_t accepted_valid = 0;
    std::size_t high_s = 0;
    for (const json& group : vectors["testGroups"]) {
        const Bytes point = bytes_of_hex(group["publicKey"]["uncompressed"].get<std::string>());
        const Address address = low_address(keccak256(ByteView(point).subspan(1)));
        for (const json& test : group["tests"]) {
            const Bytes message = bytes_of_hex(test["msg"].get<std::string>());
            Hash32 digest;
            crypto_hash_sha256(digest.data.data(), message.data(), message.size());
            const auto signature = compact_of(bytes_of_hex(test["sig"].get<std::string>()));
            const bool accepted = signature && recovers_to(digest, *signature, address);
            const bool valid = test["result"] == "valid";
            EXPECT_TRUE(valid || !accepted) << test["tcId"];
            accepted_valid += accepted ? 1 : 0;
            high_s += valid && !accepted ? 1 : 0;
        }
    }
    EXPECT_EQ(accepted_valid, 96U);
    EXPECT_EQ(accepted_valid + high_s, 168U);
}

}  // namespace
}  // namespace margrave::attest
