// SPDX-License-Identifier: Apache-2.0
#include "attest/typed_data.hpp"

#include "tests/unit/attest/samples.hpp"

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

json mail() {
    return json::parse(R"({"types":{
        "EIP712Domain":[{"name":"name","type":"string"}],
        "Item":[{"name":"a","type":"uint8"},{"name":"b","type":"int16"},{"name":"c","type":"bytes4"},
                {"name":"d","type":"bool"},{"name":"e","type":"address"},{"name":"f","type":"uint8[2]"},
                {"name":"g","type":"string"}]},
        "primaryType":"Item","domain":{"name":"x"},
        "message":{"a":"255","b":"-32768","c":"0x01020304","d":true,
                   "e":"0x00000000000000000000000000000000000000aa","f":["1","2"],"g":"t"}})");
}

TEST(TypedData, TheExampleOfEip712HashesStepByStep) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vector = public_vectors("ethers/eip712_official_example.json");
    const json& expect = vector["expect"];
    const auto hashed = hash_typed_json(vector["typedData"].dump());
    ASSERT_TRUE(hashed) << hashed.error().detail;
    EXPECT_EQ(to_hex(hashed.value().encoded), text_of(expect["encodeDataMail"]));
    EXPECT_EQ(to_hex(hashed.value().message), text_of(expect["structHashMail"]));
    EXPECT_EQ(to_hex(hashed.value().domain), text_of(expect["domainSeparator"]));
    EXPECT_EQ(to_hex(hashed.value().digest), text_of(expect["signHash"]));

    auto signer = make_local_signer(SecretKey::from_bytes(keccak256("cow").view()).value());
    EXPECT_EQ(to_hex(signer->address()), text_of(expect["address"]));
    const Signature signature = signer->sign(hashed.value().digest).value();
    EXPECT_EQ(to_hex(ByteView(signature).first(32)), text_of(expect["r"]));
    EXPECT_EQ(to_hex(ByteView(signature).subspan(32, 32)), text_of(expect["s"]));
    EXPECT_EQ(signature[64], expect["v"]);
}

TEST(TypedData, EveryEthersVectorHashesAndSignsTheSame) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json vectors = public_vectors("ethers/typed_data.json");
    ASSERT_EQ(vectors.size(), 130U);
    std::size_t signatures = 0;
    for (const json& row : vectors) {
        const json typed{
            {"domain", row["domain"]},
            {"types", row["types"]},
            {"primaryType", row["primaryType"]},
            {"message", row["data"]}};
        const auto hashed = hash_typed_json(typed.dump());
        ASSERT_TRUE(hashed) << row["name"] << ": " << hashed.error().detail;
        EXPECT_EQ(to_hex(hashed.value().encoded), text_of(row["encoded"])) << row["name"];
        EXPECT_EQ(to_hex(hashed.value().digest), text_of(row["digest"])) << row["name"];
        if (row.contains("signature")) {
            auto signer =
                make_local_signer(SecretKey::parse(row["privateKey"].get<std::string>()).value());
            const Signature made = signer->sign(hashed.value().digest).value();
            EXPECT_EQ(to_hex(ByteView(made)), text_of(row["signature"])) << row["name"];
            ++signatures;
        }
    }
    RecordProperty("signatures", static_cast<int>(signatures));
}

TEST(TypedData, ValuesAtTheEdgeOfTheirTypeAreTaken) {
    ASSERT_TRUE(hash_typed_json(mail().dump()));
    json low = mail();
    low["message"]["b"] = "32767";
    low["message"]["a"] = 0;
    EXPECT_TRUE(hash_typed_json(low.dump()));
}

TEST(TypedData, ANumberAndItsTextsAreOneValue) {
    const Hash32 expected = hash_typed_json(mail().dump()).value().digest;
    json number = mail();
    number["message"]["a"] = 255;
    number["message"]["b"] = -32768;
    EXPECT_EQ(hash_typed_json(number.dump()).value().digest, expected);
    json hex = mail();
    hex["message"]["a"] = "0xff";
    EXPECT_EQ(hash_typed_json(hex.dump()).value().digest, expected);
}

TEST(TypedData, ValuesThatDoNotFitTheirTypeAreRefused) {
    const std::vector<std::pair<const char*, json>> wrong{
        {"a", "256"},
        {"a", "-1"},
        {"a", "0x100"},
        {"a", "0x"},
        {"a", "1.0"},
        {"a", 1.5},
        {"a", nullptr},
        {"b", "32768"},
        {"b", "-32769"},
        {"c", "0x010203"},
        {"c", "0x0102030405"},
        {"d", "true"},
        {"d", 1},
        {"e", "0xaa"},
        {"f", json::array({"1"})},
        {"f", json::array({"1", "2", "3"})},
        {"f", "12"},
        {"g", true},
    };
    for (const auto& [name, value] : wrong) {
        json typed = mail();
        typed["message"][name] = value;
        const auto hashed = hash_typed_json(typed.dump());
        EXPECT_FALSE(hashed) << name << " " << value;
    }
}

TEST(TypedData, MembersMissingOrTooManyAreRefused) {
    json missing = mail();
    missing["message"].erase("g");
    EXPECT_FALSE(hash_typed_json(missing.dump()));
    json extra = mail();
    extra["message"]["h"] = "1";
    EXPECT_FALSE(hash_typed_json(extra.dump()));
    json domain = mail();
    domain["domain"]["version"] = "1";
    EXPECT_FALSE(hash_typed_json(domain.dump()));
    json twice = mail();
    std::string text = twice.dump();
    text.insert(text.find("\"message\":{") + 11, "\"a\":\"1\",");
    EXPECT_FALSE(hash_typed_json(text));
}

TEST(TypedData, UnknownTypesAreRefused) {
    for (const char* type :
         {"uint7", "uint264", "uint08", "bytes33", "bytes0", "fixed", "Other", ""}) {
        json typed = mail();
        typed["types"]["Item"][0]["type"] = type;
        EXPECT_FALSE(hash_typed_json(typed.dump())) << type;
    }
    json primary = mail();
    primary["primaryType"] = "Nothing";
    EXPECT_FALSE(hash_typed_json(primary.dump()));
}

TEST(TypedData, ATypeThatContainsItselfEnds) {
    json typed = mail();
    typed["types"]["Item"] = json::parse(R"([{"name":"items","type":"Item[]"}])");
    typed["message"] = json::parse(R"({"items":[{"items":[]},{"items":[{"items":[]}]}]})");
    EXPECT_TRUE(hash_typed_json(typed.dump()));
}

}  // namespace
}  // namespace margrave::attest
