// SPDX-License-Identifier: Apache-2.0
#include "attest/digest.hpp"

#include "attest/typed_data.hpp"
#include "tests/unit/attest/samples.hpp"

#include <map>

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

template <class T>
struct Case;

template <>
struct Case<Attestation> {
    static Attestation sample() { return SampleRound(7, keccak256("previous")).attestation; }

    static Result<Attestation> parse(const Canonical& typed) { return parse_attestation(typed); }
};

template <>
struct Case<Release> {
    static Release sample() { return sample_release(5); }

    static Result<Release> parse(const Canonical& typed) { return parse_release(typed); }
};

template <>
struct Case<Seizure> {
    static Seizure sample() { return sample_seizure(2, 3); }

    static Result<Seizure> parse(const Canonical& typed) { return parse_seizure(typed); }
};

template <>
struct Case<SignerSet> {
    static SignerSet sample() {
        return {2, 3, keccak256("signers"), UnixSeconds{1'700'000'000}, keccak256("previous")};
    }

    static Result<SignerSet> parse(const Canonical& typed) { return parse_signer_set(typed); }
};

template <>
struct Case<Link> {
    static Link sample() {
        return {
            account_of(address_named("owner")),
            keccak256("solana:x"),
            keccak256("wallet"),
            9,
            UnixSeconds{1'800'000'000}};
    }

    static Result<Link> parse(const Canonical& typed) { return parse_link(typed); }
};

template <class T>
class Statement : public ::testing::Test {};

using Statements = ::testing::Types<Attestation, Release, Seizure, SignerSet, Link>;
TYPED_TEST_SUITE(Statement, Statements);

json typed_json(const auto& s) {
    return json::parse(typed_data(test_network(), s).dump());
}

Result<Canonical> canonical_of(const json& value) {
    return parse_canonical(value.dump());
}

TYPED_TEST(Statement, DigestEqualsTheGenericEncodersOfItsTypedData) {
    const auto s = Case<TypeParam>::sample();
    const auto generic = hash_typed_data(typed_data(test_network(), s));
    ASSERT_TRUE(generic) << generic.error().detail;
    EXPECT_EQ(generic.value().domain, domain_separator(test_network()));
    EXPECT_EQ(generic.value().message, struct_hash(s));
    EXPECT_EQ(generic.value().digest, digest_of(test_network(), s));
}

TYPED_TEST(Statement, IsReadBackFromItsTypedData) {
    const auto s = Case<TypeParam>::sample();
    const auto parsed = Case<TypeParam>::parse(typed_data(test_network(), s));
    ASSERT_TRUE(parsed) << parsed.error().detail;
    EXPECT_EQ(parsed.value(), s);
}

TYPED_TEST(Statement, EveryFieldIsInTheDigest) {
    const json typed = typed_json(Case<TypeParam>::sample());
    const Hash32 before = digest_of(test_network(), Case<TypeParam>::sample());
    for (const auto& [name, value] : typed["message"].items()) {
        json changed = typed;
        std::string text = value;
        text.back() = text.back() == '1' ? '2' : '1';
        changed["message"][name] = text;
        const auto parsed = Case<TypeParam>::parse(canonical_of(changed).value());
        ASSERT_TRUE(parsed) << name << ": " << parsed.error().detail;
        EXPECT_NE(digest_of(test_network(), parsed.value()), before) << name;
    }
}

TYPED_TEST(Statement, AWrongFieldIsNamed) {
    const json typed = typed_json(Case<TypeParam>::sample());
    for (const auto& member : typed["message"].items()) {
        const std::string name = member.key();
        for (const json& bad :
             {json("0x"), json(""), json("-1"), json("01"), json(true), json(json::array())}) {
            json changed = typed;
            changed["message"][name] = bad;
            const auto parsed = Case<TypeParam>::parse(canonical_of(changed).value());
            ASSERT_FALSE(parsed) << name << " " << bad;
            EXPECT_EQ(parsed.error().code, Errc::kInvalid);
            EXPECT_NE(parsed.error().detail.find("\"" + name + "\""), std::string::npos)
                << parsed.error().detail;
        }
        json without = typed;
        without["message"].erase(name);
        const auto parsed = Case<TypeParam>::parse(canonical_of(without).value());
        ASSERT_FALSE(parsed);
        EXPECT_NE(parsed.error().detail.find("\"" + name + "\" is missing"), std::string::npos);
    }
}

TYPED_TEST(Statement, AForeignTypeDomainOrSpellingIsRefused) {
    const json typed = typed_json(Case<TypeParam>::sample());
    std::vector<json> wrong(6, typed);
    wrong[0]["domain"]["name"] = "Margrave2";
    wrong[1]["domain"]["chainId"] = "1";
    wrong[2]["message"]["extra"] = "1";
    wrong[3]["types"]["EIP712Domain"].erase(2);
    wrong[4]["primaryType"] = "Permit";
    wrong[5]["more"] = "1";
    for (const json& value : wrong) {
        const auto parsed = Case<TypeParam>::parse(canonical_of(value).value());
        ASSERT_FALSE(parsed) << value;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid);
    }
    std::string salt = typed["domain"]["salt"];
    json upper = typed;
    std::transform(salt.begin() + 2, salt.end(), salt.begin() + 2, [](char c) {
        return static_cast<char>(std::toupper(c));
    });
    upper["domain"]["salt"] = salt;
    EXPECT_FALSE(Case<TypeParam>::parse(canonical_of(upper).value()));
}

TYPED_TEST(Statement, AnotherNetworkGivesAnotherDigest) {
    const auto s = Case<TypeParam>::sample();
    EXPECT_NE(digest_of(test_network(), s), digest_of(keccak256("another"), s));
}

TEST(Digest, AReleaseOfAnUnknownKindIsRefused) {
    for (const char* kind : {"0", "4", "256"}) {
        json typed = typed_json(sample_release(1));
        typed["message"]["kind"] = kind;
        const auto parsed = parse_release(canonical_of(typed).value());
        ASSERT_FALSE(parsed) << kind;
        EXPECT_NE(parsed.error().detail.find("\"kind\""), std::string::npos);
    }
}

TEST(Digest, NumbersBeyondTheirTypeAreRefused) {
    json typed = typed_json(SampleRound(1).attestation);
    typed["message"]["round"] = "18446744073709551616";
    EXPECT_FALSE(parse_attestation(canonical_of(typed).value()));
    json release = typed_json(sample_release(1));
    release["message"]["amount"] =
        "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    EXPECT_FALSE(parse_release(canonical_of(release).value()));
}

class ProtocolDigests : public ::testing::Test {
  protected:
    void SetUp() override {
        vectors_ = protocol_vectors();
        if (vectors_.is_null()) {
            GTEST_SKIP() << "contracts/test/vectors.json is not there";
        }
        network_ = parse_hash32(vectors_["network"].get<std::string>()).value();
    }

    // The vector's message as our typed data would carry it.
    template <class S>
    void check(const std::string& name) {
        const json& row = vectors_["statements"][name];
        S blank;
        json typed = json::parse(typed_data(network_, blank).dump());
        EXPECT_EQ(typed["primaryType"], row["primaryType"]);
        for (auto& [field, value] : typed["message"].items()) {
            value = row["message"].at(field);
        }
        const auto s = Case<S>::parse(canonical_of(typed).value());
        ASSERT_TRUE(s) << name << ": " << s.error().detail;
        EXPECT_EQ(to_hex(struct_hash(s.value())), text_of(row["structHash"])) << name;
        const Hash32 digest = digest_of(network_, s.value());
        EXPECT_EQ(to_hex(digest), text_of(row["digest"])) << name;
        check_signatures(row, digest);
    }

    // RFC 6979 leaves no choice, so our signatures are those of ethers to the byte.
    void check_signatures(const json& row, const Hash32& digest) {
        std::vector<SignerSignature> all;
        std::vector<Address> signers;
        for (std::size_t i = 0; i < row["signatures"].size(); ++i) {
            const json& key = vectors_["keys"][i];
            auto signer =
                make_local_signer(SecretKey::parse(key["privateKey"].get<std::string>()).value());
            EXPECT_EQ(to_hex(signer->address()), text_of(key["address"]));
            const Signature signature = signer->sign(digest).value();
            EXPECT_EQ(to_hex(ByteView(signature)), text_of(row["signatures"][i]));
            EXPECT_EQ(recover(digest, signature).value(), signer->address());
            all.push_back({signer->address(), signature});
            signers.push_back(signer->address());
        }
        EXPECT_TRUE(check_quorum(digest, all, signers, all.size()));
        EXPECT_EQ(to_hex(join(all)), text_of(row["concatenated"]));
    }

    json vectors_;
    Hash32 network_;
};

TEST_F(ProtocolDigests, DomainSeparatorIsThatOfEthers) {
    EXPECT_EQ(to_hex(domain_separator(network_)), text_of(vectors_["domainSeparator"]));
}

TEST_F(ProtocolDigests, StructHashesDigestsAndSignaturesAreThoseOfEthers) {
    check<Attestation>("attestation");
    check<Release>("release");
    check<Seizure>("seizure");
    check<SignerSet>("firstSignerSet");
    check<SignerSet>("nextSignerSet");
    check<Link>("link");
}

TEST_F(ProtocolDigests, TypeStringsAreThoseOfEthers) {
    const auto type_of = [](const Canonical& typed) {
        const json value = json::parse(typed.dump());
        const std::string name = value["primaryType"];
        std::string out = name + "(";
        for (const json& member : value["types"][name]) {
            out += (out.back() == '(' ? "" : ",") + member["type"].get<std::string>() + " " +
                   member["name"].get<std::string>();
        }
        return out + ")";
    };
    const json& rows = vectors_["statements"];
    EXPECT_EQ(type_of(typed_data(network_, Attestation{})), text_of(rows["attestation"]["type"]));
    EXPECT_EQ(type_of(typed_data(network_, Release{})), text_of(rows["release"]["type"]));
    EXPECT_EQ(type_of(typed_data(network_, Seizure{})), text_of(rows["seizure"]["type"]));
    EXPECT_EQ(type_of(typed_data(network_, SignerSet{})), text_of(rows["nextSignerSet"]["type"]));
    EXPECT_EQ(type_of(typed_data(network_, Link{})), text_of(rows["link"]["type"]));
}

TEST_F(ProtocolDigests, SignersHashIsTheContracts) {
    std::vector<Address> signers;
    for (const json& key : vectors_["keys"]) {
        signers.push_back(parse_address(key["address"].get<std::string>()).value());
    }
    EXPECT_EQ(to_hex(signers_hash(signers)), text_of(vectors_["signersHash"]));
}

TEST_F(ProtocolDigests, SnapshotHashesAreThoseOfEthers) {
    std::map<std::string, ChainId> chains{{to_hex(ChainId::evm(10).key()), ChainId::evm(10)}};
    for (const json& row : vectors_["chains"]) {
        chains[row["chain"]] = ChainId::parse(row["caip2"].get<std::string>()).value();
    }
    ASSERT_FALSE(vectors_["snapshots"].empty());
    for (const json& row : vectors_["snapshots"]) {
        std::vector<Head> heads;
        for (const json& head : row["heads"]) {
            heads.push_back(
                {chains.at(head["chain"]),
                 BlockNum{std::stoull(head["number"].get<std::string>())},
                 parse_hash32(head["hash"].get<std::string>()).value(),
                 std::stoull(head["events"].get<std::string>()),
                 parse_hash32(head["accumulator"].get<std::string>()).value()}
            );
        }
        EXPECT_EQ(to_hex(snapshot_hash(heads)), text_of(row["hash"]));
    }
}

TEST(DigestDeathTest, HeadsOutOfOrderStopTheProcess) {
    std::vector<Head> heads = heads_at(5);
    std::swap(heads[0], heads[1]);
    EXPECT_DEATH((void)snapshot_hash(heads), "assert|previous");
}

}  // namespace
}  // namespace margrave::attest
