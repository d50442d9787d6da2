// SPDX-License-Identifier: Apache-2.0
#include "attest/leaf.hpp"

#include "attest/reconciliation.hpp"
#include "tests/unit/attest/samples.hpp"

namespace margrave::attest {
namespace {

using namespace tests;
using nlohmann::json;

json json_of(const Bytes& leaf) {
    return json::parse(as_text(leaf));
}

Bytes bytes_of(const json& leaf) {
    return to_bytes(leaf.dump());
}

void expect_finding(const Bytes& leaf, const std::string& word) {
    const auto read = read_leaf(test_network(), leaf);
    ASSERT_FALSE(read) << as_text(leaf);
    EXPECT_EQ(read.error().code, Errc::kCheckFailed);
    EXPECT_NE(read.error().detail.find(word), std::string::npos) << read.error().detail;
}

class Leaves : public ::testing::Test {
  protected:
    [[nodiscard]] std::map<std::string, Bytes> signed_leaves() const {
        return {
            {"attestation", SampleRound(3).leaf(keys_)},
            {"release", sample_release_leaf(4, keys_)},
            {"seizure", sample_seizure_leaf(1, 2, keys_)},
            {"signers", rotation()},
            {"key", sample_key_leaf(keys_)},
        };
    }

    [[nodiscard]] std::map<std::string, Bytes> other_leaves() const {
        return {
            {"genesis", genesis_leaf(genesis_document())},
            {"parameters", parameters_leaf(parameter_document("1"), RoundNum{1})},
            {"refusal", sample_refusal(4)},
            {"retraction", notice_leaf("retraction", ChainId::evm(10), "block 5 is gone", "0x05")},
            {"halt", notice_leaf("halt", ChainId{}, "guard", Canonical::Object{})},
            {"resume", notice_leaf("resume", ChainId{}, "settled", Canonical::Array{})},
            {"reconciliation", reconciliation_leaf(sample_reading())},
            {"equivocation", notice_leaf("equivocation", ChainId::evm(1), "two roots", "1")},
        };
    }

    [[nodiscard]] static Reconciliation sample_reading() {
        Reconciliation out;
        out.chain = ChainId::evm(1);
        out.block.number = BlockNum{7};
        out.block.hash = keccak256("block 7");
        out.block.time = UnixSeconds{1'700'000'000};
        out.after = RoundNum{3};
        out.rows = {
            {AssetId::erc20(out.chain, address_named("usdc")), Amount{9}, Amount{8}, {}},
            {AssetId::native(out.chain), Amount{5}, std::nullopt, "pruned"}};
        out.state = CustodyState::kSuspected;
        out.readings = 1;
        return out;
    }

    [[nodiscard]] Bytes rotation() const {
        SignerSet s;
        s.epoch = 2;
        s.threshold = 1;
        s.signers = signers_hash(keys_.addresses);
        s.activates_at = UnixSeconds{1'700'000'000};
        s.previous = keccak256("previous");
        const Hash32 digest = digest_of(test_network(), s);
        return signers_leaf(test_network(), s, keys_.sign(digest), keys_.addresses);
    }

    Keys keys_{{"a", "b"}};
};

TEST_F(Leaves, EveryKindIsReadBack) {
    for (const auto& leaves : {signed_leaves(), other_leaves()}) {
        for (const auto& [kind, bytes] : leaves) {
            const auto leaf = read_leaf(test_network(), bytes);
            ASSERT_TRUE(leaf) << kind << ": " << leaf.error().detail;
            EXPECT_EQ(leaf.value().kind, kind);
            EXPECT_EQ(leaf.value().body.dump(), as_text(bytes));
        }
    }
}

TEST_F(Leaves, SignedKindsCarryTheFiveFieldsOfTheProtocol) {
    for (const auto& [kind, bytes] : signed_leaves()) {
        const json leaf = json_of(bytes);
        for (const char* field : {"kind", "apiVersion", "digest", "signatures"}) {
            EXPECT_TRUE(leaf.contains(field)) << kind << " " << field;
        }
        EXPECT_EQ(leaf.contains("typedData"), kind != "key");
        EXPECT_EQ(leaf["apiVersion"], "1");
        const auto read = read_leaf(test_network(), bytes).value();
        EXPECT_EQ(to_hex(read.digest), text_of(leaf["digest"]));
        EXPECT_EQ(read.signatures.size(), kind == "key" ? 1U : 2U);
    }
}

TEST_F(Leaves, EveryFlippedByteOfASignedLeafIsFound) {
    for (const auto& [kind, bytes] : signed_leaves()) {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            Bytes changed = bytes;
            changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1U << (i % 8)));
            ASSERT_FALSE(read_leaf(test_network(), changed))
                << kind << " byte " << i << ": " << as_text(changed);
        }
    }
}

TEST_F(Leaves, EveryFlippedByteOfAGenesisOrParametersLeafIsFoundOrAnotherKind) {
    for (const char* kind : {"genesis", "parameters"}) {
        const Bytes bytes = other_leaves()[kind];
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            Bytes changed = bytes;
            changed[i] ^= 1;
            const auto read = read_leaf(test_network(), changed);
            // Only the round from which parameters hold is a free field.
            EXPECT_TRUE(!read || read.value().kind != kind || json_of(changed)["from"] == "0")
                << as_text(changed);
        }
    }
}

TEST_F(Leaves, ACutLeafIsFound) {
    for (const auto& [kind, bytes] : signed_leaves()) {
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            ASSERT_FALSE(read_leaf(test_network(), ByteView(bytes).first(size))) << kind;
        }
    }
}

TEST_F(Leaves, AnotherNetworkIsRefused) {
    for (const auto& [kind, bytes] : signed_leaves()) {
        EXPECT_FALSE(read_leaf(keccak256("another"), bytes)) << kind;
    }
    EXPECT_FALSE(read_leaf(keccak256("another"), genesis_leaf(genesis_document())));
}

TEST_F(Leaves, UnknownKindsAreKeptAndUnknownSignedKindsAreFindings) {
    const Bytes unknown = bytes_of({{"kind", "weather"}, {"apiVersion", "1"}, {"sky", "blue"}});
    EXPECT_EQ(read_leaf(test_network(), unknown).value().kind, "weather");
    for (const char* field : {"typedData", "digest", "signatures"}) {
        json leaf = json_of(unknown);
        leaf[field] = "x";
        expect_finding(bytes_of(leaf), "unknown but claims signatures");
    }
}

TEST_F(Leaves, KindAndVersionMustBeThere) {
    expect_finding(bytes_of({{"apiVersion", "1"}}), "\"kind\" is missing");
    expect_finding(bytes_of({{"kind", "weather"}}), "\"apiVersion\" is missing");
    expect_finding(bytes_of({{"kind", "weather"}, {"apiVersion", "2"}}), "apiVersion");
    expect_finding(to_bytes("[]"), "not a JSON object");
    expect_finding(to_bytes("{\"kind\":\"weather\", \"apiVersion\":\"1\"}"), "canonical");
}

TEST_F(Leaves, AnExtraMemberIsFoundInEveryKnownKind) {
    for (const auto& leaves : {signed_leaves(), other_leaves()}) {
        for (const auto& [kind, bytes] : leaves) {
            json leaf = json_of(bytes);
            leaf["extra"] = "1";
            expect_finding(bytes_of(leaf), "has not");
        }
    }
}

TEST_F(Leaves, EveryMissingMemberIsFound) {
    for (const auto& leaves : {signed_leaves(), other_leaves()}) {
        for (const auto& [kind, bytes] : leaves) {
            const json whole = json_of(bytes);
            for (const auto& member : whole.items()) {
                json leaf = whole;
                leaf.erase(member.key());
                EXPECT_FALSE(read_leaf(test_network(), bytes_of(leaf))) << kind << member.key();
            }
        }
    }
}

TEST_F(Leaves, RowsThatDoNotHashToTheStatementAreFound) {
    const json good = json_of(SampleRound(3).leaf(keys_));
    json head = good;
    head["snapshot"][0]["number"] = "1";
    expect_finding(bytes_of(head), "\"snapshot\" do not hash");
    json fewer = good;
    fewer["snapshot"].erase(1);
    expect_finding(bytes_of(fewer), "\"snapshot\" do not hash");
    json price = good;
    price["prices"][1]["price"] = "1";
    expect_finding(bytes_of(price), "\"prices\" do not hash");
    json order = good;
    std::swap(order["prices"][0], order["prices"][1]);
    expect_finding(bytes_of(order), "\"prices\" item 1 is out of order");
    json verdict = good;
    verdict["prices"][0]["verdict"] = "4";
    expect_finding(bytes_of(verdict), "\"prices\" item 0");
}

TEST_F(Leaves, AnIdThatDoesNotFollowFromItsPartsIsFound) {
    json release = json_of(sample_release_leaf(4, keys_));
    release["request"] = "5";
    expect_finding(bytes_of(release), "not that of request 5");
    json seizure = json_of(sample_seizure_leaf(1, 2, keys_));
    seizure["leg"] = "3";
    expect_finding(bytes_of(seizure), "not that of lock 1, leg 3");
}

TEST_F(Leaves, WhatAReleaseStandsOnIsReadBackAndHeldAgainstItself) {
    EarlyUse use;
    use.asset = AssetId::native(ChainId::evm(1));
    use.amount = Amount{5};
    use.firm = Amount{10};
    use.ahead = Amount{15};
    use.firm_block = BlockNum{100};
    use.depth_block = BlockNum{110};
    use.head = BlockNum{112};
    const Release s = sample_release(4);
    const auto signatures = keys_.sign(digest_of(test_network(), s));
    const Bytes bytes = release_leaf(test_network(), s, signatures, 4, {use});
    const auto read = read_leaf(test_network(), bytes);
    ASSERT_TRUE(read) << read.error().detail;
    const auto& members = std::get<Canonical::Object>(read.value().body.value());
    EXPECT_EQ(parse_early(members.find("early")->second).value(), std::vector<EarlyUse>{use});
    const json good = json_of(bytes);
    json more = good;
    more["early"][0]["amount"] = "6";
    expect_finding(bytes_of(more), "more counts than is there");
    json blocks = good;
    blocks["early"][0]["depthBlock"] = "100";
    expect_finding(bytes_of(blocks), "blocks do not ascend");
    json twice = good;
    twice["early"].push_back(twice["early"][0]);
    expect_finding(bytes_of(twice), "not above the one before");
    json none = good;
    none["early"] = json::array();
    expect_finding(bytes_of(none), "an empty one");
}

TEST_F(Leaves, ASignatureByAnotherIsNamed) {
    json leaf = json_of(sample_release_leaf(4, keys_));
    std::swap(leaf["signatures"][0]["signature"], leaf["signatures"][1]["signature"]);
    expect_finding(bytes_of(leaf), "is by");
    std::swap(leaf["signatures"][0], leaf["signatures"][1]);
    expect_finding(bytes_of(leaf), "out of order");
}

TEST_F(Leaves, ADigestOfSomethingElseIsFound) {
    json leaf = json_of(sample_release_leaf(4, keys_));
    leaf["digest"] = to_hex(keccak256("else"));
    expect_finding(bytes_of(leaf), "\"digest\"");
}

TEST_F(Leaves, ANumberInPlaceOfATextIsNotCanonical) {
    std::string text(as_text(sample_release_leaf(4, keys_)));
    const std::string from = "\"request\":\"4\"";
    text.replace(text.find(from), from.size(), "\"request\":4");
    EXPECT_FALSE(read_leaf(test_network(), as_bytes(text)));
}

TEST_F(Leaves, TheKeyStatementBindsNetworkAndKey) {
    const Hash32 one = key_statement(test_network(), "a+b+c");
    EXPECT_NE(one, key_statement(keccak256("another"), "a+b+c"));
    EXPECT_NE(one, key_statement(test_network(), "a+b+d"));
}

}  // namespace
}  // namespace margrave::attest
