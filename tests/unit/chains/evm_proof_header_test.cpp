// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/header.hpp"
#include "core/keccak.hpp"
#include "tests/unit/chains/evm_proof_samples.hpp"

#include <set>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using tests::SampleBlock;

const std::vector<std::string> kFields{
    "parentHash",    "sha3Uncles",  "miner",           "stateRoot",     "transactionsRoot",
    "receiptsRoot",  "logsBloom",   "difficulty",      "number",        "gasLimit",
    "gasUsed",       "timestamp",   "extraData",       "mixHash",       "nonce",
    "baseFeePerGas", "blobGasUsed", "withdrawalsRoot", "excessBlobGas", "parentBeaconBlockRoot",
    "requestsHash"};

// Another value of the same shape: its last digit is changed.
std::string other(std::string text) {
    text.back() = text.back() == '1' ? '2' : '1';
    return text;
}

// The seal of two AuRa headers of Gnosis, which their file leaves out: that of the genesis is step
// 0 and 65 zero bytes, that of the other is in the file of full blocks.
void add_aura_seal(json& header) {
    header["auraStep"] = "0x0";
    header["auraSeal"] = "0x" + std::string(130, '0');
    if (header["number"] == json("0x0")) {
        return;
    }
    for (const json& entry : tests::load_vectors("headers/real_full_blocks.json")) {
        if (entry["block"]["hash"] == header["hash"]) {
            header["auraStep"] = entry["block"]["auraStep"];
            header["auraSeal"] = entry["block"]["auraSeal"];
        }
    }
}

TEST(ProvedHeader, EveryRealHeaderHashesToItsHash) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json headers = tests::load_vectors("headers/real_headers.json");
    ASSERT_EQ(headers.size(), 69U);
    std::size_t sealed_by_aura = 0;
    for (const json& entry : headers) {
        json header = entry["header"];
        if (entry["network"] == json("gnosis") &&
            entry["number"].get<std::uint64_t>() <= 20'000'000) {
            EXPECT_REFUSED(prove_header(header), Errc::kUnable, "AuRa");
            add_aura_seal(header);
            ++sealed_by_aura;
        }
        const auto proved = prove_header(header);
        ASSERT_TRUE(proved.has_value()) << entry["source"] << proved.error().detail;
        EXPECT_EQ(to_hex(proved.value().block().hash), header["hash"].get<std::string>());
        EXPECT_EQ(to_hex(proved.value().block().parent), header["parentHash"].get<std::string>());
        EXPECT_EQ(proved.value().block().number.value, entry["number"].get<std::uint64_t>());
        EXPECT_EQ(proved.value().base_fee().has_value(), header.contains("baseFeePerGas"));
    }
    EXPECT_EQ(sealed_by_aura, 2U);
}

// The quirks here: Arbitrum's mixHash and nonce carry its own data and its blocks have sendRoot,
// sendCount and l1BlockNumber; Gnosis 20000000 is sealed by auraStep and auraSeal, its mixHash and
// nonce are not hashed; one of OP Goerli has sealFields.
TEST(ProvedHeader, EveryRealFullBlockHashesToItsHashWhateverItCarriesBeside) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json blocks = tests::load_vectors("headers/real_full_blocks.json");
    ASSERT_EQ(blocks.size(), 22U);
    for (const json& entry : blocks) {
        const auto proved = prove_header(entry["block"]);
        ASSERT_TRUE(proved.has_value()) << entry["source"] << proved.error().detail;
        json forged = entry["block"];
        forged["stateRoot"] = other(forged["stateRoot"].get<std::string>());
        EXPECT_REFUSED(prove_header(forged), Errc::kUnproved, "hashes to");
    }
}

TEST(ProvedHeader, EveryHeaderOfTheOptimismServiceTestsIsJudgedAsItsNameSays) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = tests::load_vectors("headers/optimism_opservice_headers.json");
    ASSERT_EQ(cases.size(), 7U);
    std::size_t bad = 0;
    for (const auto& [name, entry] : cases.items()) {
        const auto proved = prove_header(entry["data"]);
        if (entry["metadata"].value("fail", false)) {
            ++bad;
            EXPECT_REFUSED(proved, Errc::kUnproved, "hashes to");
        } else {
            EXPECT_TRUE(proved.has_value()) << name;
        }
    }
    EXPECT_EQ(bad, 5U);
}

TEST(ProvedHeader, TheEncodingIsByteForByteThatOfTheRawHeaders) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json blocks = tests::load_vectors("receipts/mainnet_raw_receipts.json");
    ASSERT_EQ(blocks.size(), 12U);
    for (const json& block : blocks) {
        const auto fields = read_header_fields(block["header"]);
        ASSERT_TRUE(fields.has_value()) << fields.error().detail;
        EXPECT_EQ(to_hex(encode_header(fields.value())), block["headerRlp"].get<std::string>())
            << block["number"];
    }
}

TEST(ProvedHeader, EveryBlockOfTheExecutionApisTestChainHashesToItsHash) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    std::size_t headers = 0;
    for (const json& entry : tests::load_vectors("proofs/execution_apis_rpc_cases.json")) {
        const std::string path = entry["path"].get<std::string>();
        if (path.find("eth_getBlockBy") == std::string::npos) {
            continue;
        }
        const json& answer = entry["response"]["result"];
        if (answer.is_null()) {
            EXPECT_REFUSED(prove_header(answer, Hash32{}), Errc::kUnable, "has no block");
            continue;
        }
        const auto proved = prove_header(answer);
        EXPECT_TRUE(proved.has_value()) << path << proved.error().detail;
        ++headers;
    }
    EXPECT_EQ(headers, 10U);
}

TEST(ProvedHeader, AWholeHeaderIsProvedAndSaysWhatItHolds) {
    const SampleBlock sample;
    const auto proved = prove_header(sample.header);
    ASSERT_TRUE(proved.has_value()) << proved.error().detail;
    const ProvedHeader& header = proved.value();
    EXPECT_EQ(to_hex(header.block().hash), sample.header["hash"].get<std::string>());
    EXPECT_EQ(to_hex(header.state_root()), sample.header["stateRoot"].get<std::string>());
    EXPECT_EQ(to_hex(header.receipts_root()), sample.header["receiptsRoot"].get<std::string>());
    EXPECT_EQ(
        to_hex(header.transactions_root()), sample.header["transactionsRoot"].get<std::string>()
    );
    EXPECT_EQ(
        to_hex(*header.withdrawals_root()), sample.header["withdrawalsRoot"].get<std::string>()
    );
    EXPECT_EQ(to_hex(header.logs_bloom().view()), sample.header["logsBloom"].get<std::string>());
    EXPECT_EQ(header.base_fee(), Amount(0x7335));
    EXPECT_EQ(header.block().time, UnixSeconds(0x681ff8fc));
    EXPECT_EQ(header.gas_used(), 147'000U);
    EXPECT_EQ(header.gas_limit(), 36'000'000U);
}

TEST(ProvedHeader, EveryFieldCounts) {
    const SampleBlock sample;
    for (const std::string& field : kFields) {
        json forged = sample.header;
        forged[field] = other(forged[field].get<std::string>());
        EXPECT_REFUSED(prove_header(forged), Errc::kUnproved, "hashes to");
    }
}

TEST(ProvedHeader, AFieldThatIsMissingOrMalformedLeavesItUnjudged) {
    const SampleBlock sample;
    const auto expect_unable = [&](const std::string& field, const json& value) {
        json broken = sample.header;
        broken[field] = value;
        const auto refused = prove_header(broken);
        ASSERT_FALSE(refused.has_value()) << field << value;
        // The newest field's absence is the form of the fork before it, which then hashes wrong.
        const bool other_form = field == "requestsHash" && value.is_null();
        EXPECT_EQ(refused.error().code, other_form ? Errc::kUnproved : Errc::kUnable)
            << field << value << refused.error().detail;
    };
    for (const std::string& field : kFields) {
        for (const json& value :
             {json(nullptr),
              json(7),
              json("12"),
              json("0x"),
              json("0xzz"),
              json::array(),
              json("0x" + std::string(600, '1'))}) {
            // Any bytes are extra data, if not how it is told.
            if (field != "extraData" || !value.is_string() || value == "12" || value == "0xzz") {
                expect_unable(field, value);
            }
        }
    }
    json nameless = sample.header;
    nameless.erase("hash");
    EXPECT_REFUSED(prove_header(nameless), Errc::kUnable, "hash");
    EXPECT_REFUSED(prove_header(json::array()), Errc::kUnable, "hash");
    json big = sample.header;
    big["extraData"] = "0x" + std::string(2 * ((64 << 10) + 1), '0');
    EXPECT_REFUSED(prove_header(big), Errc::kUnable, "more than 65536");
}

TEST(ProvedHeader, AnotherBlockThanTheAgreedOneIsRefusedThoughItHashesRight) {
    const SampleBlock sample;
    const Hash32 agreed = keccak256(std::string_view("agreed"));
    EXPECT_REFUSED(prove_header(sample.header, agreed), Errc::kUnproved, "answered with");
    json renamed = sample.header;
    renamed["hash"] = to_hex(agreed);
    EXPECT_REFUSED(prove_header(renamed, agreed), Errc::kUnproved, "hashes to");
    EXPECT_REFUSED(prove_header(json(nullptr), agreed), Errc::kUnable, "has no block");
}

TEST(ProvedHeader, AFieldOfALaterForkMakesAWrongHashUnableAndNeverAPass) {
    SampleBlock sample;
    json later = sample.header;
    later["blockAccessListHash"] = to_hex(keccak256(std::string_view("list")));
    // A header that hashes right needs no such field: it is no part of it.
    EXPECT_TRUE(prove_header(later).has_value());
    later["stateRoot"] = other(later["stateRoot"].get<std::string>());
    EXPECT_REFUSED(prove_header(later), Errc::kUnable, "blockAccessListHash");
    later["blockAccessListHash"] = nullptr;
    EXPECT_REFUSED(prove_header(later), Errc::kUnproved, "hashes to");
    for (int i = 0; i < 8; ++i) {
        later["unknown" + std::to_string(i)] = "0x1";
    }
    EXPECT_REFUSED(prove_header(later), Errc::kUnable, "and 3 more");
}

TEST(ProvedHeader, BodyMembersAndLabelsAreNoUnknownFields) {
    SampleBlock sample;
    json forged = sample.header;
    for (const char* key :
         {"size",
          "totalDifficulty",
          "transactions",
          "uncles",
          "withdrawals",
          "author",
          "sealFields",
          "l1BlockNumber",
          "sendCount",
          "sendRoot"}) {
        EXPECT_TRUE(is_body_member(key)) << key;
        forged[key] = "0x1";
    }
    EXPECT_TRUE(prove_header(forged).has_value());
    forged["gasUsed"] = "0x0";
    EXPECT_REFUSED(prove_header(forged), Errc::kUnproved, "hashes to");
}

// The encoding has no names: a root moved to the name of a later field gives the same bytes.
TEST(ProvedHeader, ARenamedFieldIsRefusedThoughItHashesRight) {
    SampleBlock sample;
    json header = sample.header;
    for (const char* key :
         {"blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash"}) {
        header.erase(key);
    }
    tests::rehash(header);
    ASSERT_TRUE(prove_header(header).has_value());
    for (const char* name : {"requestsHash", "parentBeaconBlockRoot"}) {
        json renamed = header;
        renamed[name] = renamed["withdrawalsRoot"];
        renamed.erase("withdrawalsRoot");
        EXPECT_REFUSED(prove_header(renamed), Errc::kUnable, "earlier one");
    }
}

TEST(ProvedHeader, AnAuraSealIsHashedInPlaceOfMixHashAndNonce) {
    SampleBlock sample;
    json header = sample.header;
    header["auraStep"] = "0x1391ec5a";
    header["auraSeal"] = "0x" + std::string(130, '7');
    tests::rehash(header);
    const auto proved = prove_header(header);
    ASSERT_TRUE(proved.has_value()) << proved.error().detail;
    // The two are told but not proved, so they do not come out.
    EXPECT_TRUE(proved.value().fields().mix_hash.is_zero());
    for (const char* key : {"auraStep", "auraSeal"}) {
        json forged = header;
        forged[key] = other(forged[key].get<std::string>());
        EXPECT_REFUSED(prove_header(forged), Errc::kUnproved, "hashes to");
        forged[key] = 7;
        EXPECT_REFUSED(prove_header(forged), Errc::kUnable, key);
    }
    header.erase("auraSeal");
    header["mixHash"] = to_hex(Hash32{});
    header["difficulty"] = "0xfffffffffffffffffffffffffffffffe";
    EXPECT_REFUSED(prove_header(header), Errc::kUnable, "no seal");
}

TEST(ProvedHeader, EveryForksFormHashesAsItself) {
    SampleBlock sample;
    json header = sample.header;
    std::vector<std::string> hashes;
    for (const char* newest :
         {"requestsHash", "parentBeaconBlockRoot", "withdrawalsRoot", "baseFeePerGas"}) {
        tests::rehash(header);
        const auto proved = prove_header(header);
        ASSERT_TRUE(proved.has_value()) << newest << proved.error().detail;
        hashes.push_back(header["hash"].get<std::string>());
        header.erase(newest);
        if (std::string_view(newest) == "parentBeaconBlockRoot") {
            header.erase("excessBlobGas");
            header.erase("blobGasUsed");
        }
    }
    tests::rehash(header);
    EXPECT_TRUE(prove_header(header).has_value());
    EXPECT_EQ(std::set<std::string>(hashes.begin(), hashes.end()).size(), 4U);
}

}  // namespace
}  // namespace margrave::chains::evm
