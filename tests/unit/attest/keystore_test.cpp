// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"
#include "tests/unit/attest/samples.hpp"

#include <regex>

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

constexpr unsigned kFast = 4;
constexpr const char* kPassword = "correct horse";

json keystore() {
    static const std::string text = encrypt_keystore(key_of("a"), kPassword, kFast).value();
    return json::parse(text);
}

void expect_refused(const json& file, Errc code, const std::string& word) {
    const auto key = decrypt_keystore(file.dump(), kPassword);
    ASSERT_FALSE(key) << file.dump(2);
    EXPECT_EQ(key.error().code, code) << key.error().detail;
    EXPECT_NE(key.error().detail.find(word), std::string::npos) << key.error().detail;
}

TEST(Keystore, OpensEveryPublicVector) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("ethereum/KeyStoreTests_basic_tests.json");
    ASSERT_EQ(vectors.size(), 5U);
    for (const auto& [name, row] : vectors.items()) {
        const auto key = decrypt_keystore(row["json"].dump(), row["password"].get<std::string>());
        ASSERT_TRUE(key) << name << ": " << key.error().detail;
        EXPECT_EQ(to_hex(key.value().view()).substr(2), text_of(row["priv"])) << name;
    }
    EXPECT_FALSE(decrypt_keystore(vectors["mycrypto"]["json"].dump(), "wrong"));
}

TEST(Keystore, ReadsBackWhatItWrote) {
    const auto key = decrypt_keystore(keystore().dump(), kPassword);
    ASSERT_TRUE(key) << key.error().detail;
    EXPECT_EQ(to_hex(key.value().view()), to_hex(key_of("a").view()));
    EXPECT_EQ(keystore_address(keystore().dump()).value(), address_of(key_of("a")).value());
}

TEST(Keystore, AnyBytesAreAPassword) {
    for (const std::string& password :
         {std::string(),
          std::string("\0x", 2),
          std::string(300, 'p'),
          std::string("\xc3\xa9\xff")}) {
        const std::string file = encrypt_keystore(key_of("b"), password, kFast).value();
        EXPECT_TRUE(decrypt_keystore(file, password));
        EXPECT_FALSE(decrypt_keystore(file, password + "x"));
    }
}

TEST(Keystore, TheDefaultIsTheUsualScryptAndTheKeyIsNotInTheFile) {
    const std::string file = encrypt_keystore(key_of("a"), kPassword).value();
    const json parsed = json::parse(file);
    EXPECT_EQ(parsed["crypto"]["kdf"], "scrypt");
    EXPECT_EQ(parsed["crypto"]["kdfparams"]["n"], 262144);
    EXPECT_EQ(parsed["version"], 3);
    EXPECT_EQ(file.find(to_hex(key_of("a").view()).substr(2)), std::string::npos);
    EXPECT_TRUE(std::regex_match(
        parsed["id"].get<std::string>(),
        std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    ));
}

TEST(Keystore, NoTwoFilesShareSaltIvOrId) {
    const json one = keystore();
    const json two = json::parse(encrypt_keystore(key_of("a"), kPassword, kFast).value());
    EXPECT_NE(one["id"], two["id"]);
    EXPECT_NE(one["crypto"]["cipherparams"]["iv"], two["crypto"]["cipherparams"]["iv"]);
    EXPECT_NE(one["crypto"]["kdfparams"]["salt"], two["crypto"]["kdfparams"]["salt"]);
}

TEST(Keystore, AWrongPasswordIsToldFromADamagedField) {
    const auto wrong = decrypt_keystore(keystore().dump(), "incorrect horse");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::kPassword);
}

TEST(Keystore, AnEditedSecretFieldFailsTheMac) {
    for (const char* pointer : {"/crypto/ciphertext", "/crypto/mac", "/crypto/kdfparams/salt"}) {
        json file = keystore();
        std::string text = file[json::json_pointer(pointer)];
        text[5] = text[5] == 'a' ? 'b' : 'a';
        file[json::json_pointer(pointer)] = text;
        expect_refused(file, Errc::kPassword, "MAC");
    }
}

// The MAC does not cover the iv, so another iv decrypts to another key; the address tells.
TEST(Keystore, AnEditedIvIsFoundByTheAddress) {
    json file = keystore();
    std::string iv = file["crypto"]["cipherparams"]["iv"];
    iv[0] = iv[0] == 'a' ? 'b' : 'a';
    file["crypto"]["cipherparams"]["iv"] = iv;
    expect_refused(file, Errc::kInvalid, "address");
}

TEST(Keystore, AForeignAddressIsRefused) {
    json file = keystore();
    file["address"] = std::string(40, '1');
    expect_refused(file, Errc::kInvalid, "address");
    file["address"] = "12";
    expect_refused(file, Errc::kInvalid, "address");
    file.erase("address");
    EXPECT_TRUE(decrypt_keystore(file.dump(), kPassword));
    EXPECT_FALSE(keystore_address(file.dump()));
}

TEST(Keystore, EveryMissingOrWrongFieldIsNamed) {
    const std::vector<std::pair<std::string, json>> wrong{
        {"/version", 4},
        {"/version", "three"},
        {"/crypto/cipher", "aes-256-ctr"},
        {"/crypto/cipherparams/iv", "00"},
        {"/crypto/cipherparams/iv", "zz"},
        {"/crypto/ciphertext", "00"},
        {"/crypto/mac", "0x00"},
        {"/crypto/kdf", "argon2"},
        {"/crypto/kdfparams/dklen", 16},
        {"/crypto/kdfparams/salt", ""},
        {"/crypto/kdfparams/n", 3},
        {"/crypto/kdfparams/n", 1},
        {"/crypto/kdfparams/n", -2},
        {"/crypto/kdfparams/r", 0},
        {"/crypto/kdfparams/p", "many"},
    };
    for (const auto& [pointer, value] : wrong) {
        const std::string name = pointer.substr(pointer.rfind('/') + 1);
        json file = keystore();
        file[json::json_pointer(pointer)] = value;
        expect_refused(file, Errc::kInvalid, "\"" + name + "\"");
        json without = keystore();
        without[json::json_pointer(pointer.substr(0, pointer.rfind('/')))].erase(name);
        expect_refused(without, Errc::kInvalid, "\"" + name + "\"");
    }
    expect_refused(json::array(), Errc::kInvalid, "object");
    EXPECT_FALSE(decrypt_keystore("", kPassword));
    EXPECT_FALSE(decrypt_keystore("{\"version\":3", kPassword));
}

TEST(Keystore, ParametersBeyondTheMemoryAndTimeLimitsAreRefusedAtOnce) {
    json large = keystore();
    large["crypto"]["kdfparams"]["n"] = 1U << 24U;
    expect_refused(large, Errc::kInvalid, "1 GiB");
    json wide = keystore();
    wide["crypto"]["kdfparams"]["r"] = 1U << 23U;
    expect_refused(wide, Errc::kInvalid, "1 GiB");
    json slow = keystore();
    slow["crypto"]["kdfparams"]["p"] = 1U << 22U;
    expect_refused(slow, Errc::kInvalid, "\"p\"");
    json rounds = keystore();
    rounds["crypto"]["kdf"] = "pbkdf2";
    rounds["crypto"]["kdfparams"]["prf"] = "hmac-sha256";
    rounds["crypto"]["kdfparams"]["c"] = 4'000'000'000U;
    expect_refused(rounds, Errc::kInvalid, "\"c\"");
    EXPECT_FALSE(encrypt_keystore(key_of("a"), kPassword, 21));
    EXPECT_FALSE(encrypt_keystore(key_of("a"), kPassword, 0));
}

TEST(Keystore, ARepeatedFieldIsRefused) {
    std::string text = keystore().dump();
    text.insert(1, "\"version\":3,");
    EXPECT_FALSE(decrypt_keystore(text, kPassword));
}

}  // namespace
}  // namespace margrave::attest
