// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/receipts.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"
#include "tests/unit/chains/evm_proof_samples.hpp"

#include <algorithm>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using rpc::to_quantity;
using tests::SampleBlock;

ProvedHeader proved(const json& header) {
    auto made = prove_header(header);
    EXPECT_TRUE(made.has_value()) << made.error().detail;
    return std::move(made).value();
}

std::string other(std::string text) {
    text.back() = text.back() == '1' ? '2' : '1';
    return text;
}

// Receipts of a source without labels, labelled as those of `header`.
json labelled(const json& receipts, const json& header) {
    SampleBlock block;
    block.header = header;
    block.receipts = receipts;
    block.label();
    return block.receipts;
}

struct ReceiptFile {
    const char* name;
    std::size_t receipts;
};

// mainnet_6008148 has no "type" anywhere; arbsepolia begins with an internal transaction (0x6a).
const std::vector<ReceiptFile> kFiles{
    {"mainnet_6008148", 39},
    {"mainnet_10000000", 103},
    {"mainnet_19433902", 171},
    {"mainnet_21854576", 57},
    {"arbsepolia_185232421", 7}};

TEST(ProvedReceipts, EveryRealListRebuildsItsRootAndGivesItsLogs) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    for (const ReceiptFile& file : kFiles) {
        const json block = tests::load_vectors("receipts/" + std::string(file.name) + ".json");
        ASSERT_EQ(block["receipts"].size(), file.receipts) << file.name;
        const ProvedHeader header = proved(block["header"]);
        const auto logs = prove_receipts(header, block["receipts"]);
        ASSERT_TRUE(logs.has_value()) << logs.error().detail;
        std::vector<std::string> told;
        for (const json& receipt : block["receipts"]) {
            for (const json& log : receipt["logs"]) {
                told.push_back(log["data"].get<std::string>());
            }
        }
        ASSERT_EQ(logs.value().logs().size(), told.size());
        for (std::size_t i = 0; i < told.size(); ++i) {
            EXPECT_EQ(to_hex(logs.value().logs()[i].data), told[i]);
            EXPECT_EQ(logs.value().logs()[i].index, i);
        }
        EXPECT_FALSE(logs.value().has_proved_txns());
        EXPECT_EQ(logs.value().block(), header.block());
    }
}

TEST(ProvedReceipts, EveryRealListIsRefusedWithAReceiptOrLogDroppedOrAltered) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    for (const ReceiptFile& file : kFiles) {
        const json block = tests::load_vectors("receipts/" + std::string(file.name) + ".json");
        const ProvedHeader header = proved(block["header"]);
        json receipts = block["receipts"];
        receipts.erase(receipts.size() / 2);
        receipts = labelled(receipts, block["header"]);
        EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
        receipts = block["receipts"];
        for (json& receipt : receipts) {
            if (!receipt["logs"].empty()) {
                receipt["logs"].erase(receipt["logs"].size() - 1);
                break;
            }
        }
        receipts = labelled(receipts, block["header"]);
        EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
        EXPECT_REFUSED(prove_receipts(header, json::array()), Errc::kUnproved, "the root is");
    }
}

// The source of these gives neither labels nor, in the stages, blooms of its own: the labels are
// filled in here.
TEST(ProvedReceipts, EveryStageOfAnIsthmusBlockRebuildsItsRoot) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json file = tests::load_vectors("receipts/unichain_sepolia_35535698_stages.json");
    ASSERT_EQ(file["stages"].size(), 5U);
    for (const json& stage : file["stages"]) {
        const ProvedHeader header = proved(stage["header"]);
        json receipts = labelled(stage["receipts"], stage["header"]);
        EXPECT_EQ(receipts[0]["depositReceiptVersion"], json("0x1"));
        const auto logs = prove_receipts(header, receipts);
        ASSERT_TRUE(logs.has_value()) << logs.error().detail;
        receipts[0].erase("depositReceiptVersion");
        EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
        // The same transactions, raw, give the header's other root.
        std::vector<Bytes> txns;
        for (const json& raw : stage["rawTransactions"]) {
            txns.push_back(tests::hex(raw.get<std::string>()));
        }
        EXPECT_EQ(trie::list_root(std::span<const Bytes>(txns)), header.transactions_root());
    }
}

// Five receipts without a header: before Canyon the deposit's nonce is told but not hashed. The
// third case hashes it without a version, which no chain does, but which its source tests.
TEST(ProvedReceipts, ADepositsNonceIsHashedOnlyFromCanyonOn) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json file = tests::load_vectors("receipts/op_stack_receipts_regolith_canyon.json");
    ASSERT_EQ(file["cases"].size(), 3U);
    for (const json& entry : file["cases"]) {
        SampleBlock block;
        block.receipts = file["receipts"];
        block.seal();
        block.header["receiptsRoot"] = entry["receiptsRoot"];
        tests::rehash(block.header);
        block.label();
        const auto logs = prove_receipts(proved(block.header), block.receipts);
        EXPECT_TRUE(logs.has_value()) << entry["fork"] << logs.error().detail;
        const auto read = read_receipts(block.receipts).value();
        const auto form = entry["encodeDepositNonce"].get<bool>() ? DepositForm::kWithNonce
                                                                  : DepositForm::kByVersion;
        EXPECT_EQ(to_hex(receipts_root(read, form)), entry["receiptsRoot"].get<std::string>())
            << entry["fork"];
    }
}

json log_of(const rlp::Item& item) {
    json log;
    log["address"] = to_hex(item.items[0].payload);
    log["topics"] = json::array();
    for (const rlp::Item& topic : item.items[1].items) {
        log["topics"].push_back(to_hex(topic.payload));
    }
    log["data"] = to_hex(item.items[2].payload);
    return log;
}

// The JSON of a receipt from its consensus encoding. What is not in it is made up.
json receipt_of(const Bytes& raw, std::size_t index) {
    const bool typed = raw[0] < 0xc0;
    const auto list = rlp::decode(ByteView(raw).subspan(typed ? 1 : 0)).value();
    json receipt;
    receipt["type"] = to_quantity(typed ? std::uint64_t{raw[0]} : 0);
    receipt["transactionHash"] = to_hex(keccak256(std::to_string(index)));
    const ByteView outcome = list.items[0].payload;
    if (outcome.size() == Hash32::kSize) {
        receipt["root"] = to_hex(outcome);
    } else {
        receipt["status"] = outcome.empty() ? "0x0" : "0x1";
    }
    receipt["cumulativeGasUsed"] = to_quantity(rlp::to_u64(list.items[1], "gas").value());
    receipt["logsBloom"] = to_hex(list.items[2].payload);
    receipt["logs"] = json::array();
    for (const rlp::Item& log : list.items[3].items) {
        receipt["logs"].push_back(log_of(log));
    }
    return receipt;
}

TEST(ProvedReceipts, EveryRawReceiptIsEncodedToItselfAlsoWithAStateRoot) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    std::size_t with_root = 0;
    for (const json& block : tests::load_vectors("receipts/mainnet_raw_receipts.json")) {
        std::vector<Bytes> raw;
        json receipts = json::array();
        for (const json& text : block["consensusReceipts"]) {
            raw.push_back(tests::hex(text.get<std::string>()));
            receipts.push_back(receipt_of(raw.back(), receipts.size()));
        }
        const ProvedHeader header = proved(block["header"]);
        EXPECT_EQ(trie::list_root(std::span<const Bytes>(raw)), header.receipts_root());
        receipts = labelled(receipts, block["header"]);
        const auto read = read_receipts(receipts);
        ASSERT_TRUE(read.has_value()) << read.error().detail;
        for (std::size_t i = 0; i < raw.size(); ++i) {
            EXPECT_EQ(encode_receipt(read.value()[i], DepositForm::kByVersion), raw[i]);
        }
        const auto logs = prove_receipts(header, receipts);
        EXPECT_TRUE(logs.has_value()) << logs.error().detail;
        with_root += receipts[0].contains("root") ? 1U : 0U;
    }
    EXPECT_EQ(with_root, 8U);
}

// All answers of one block by its hash, its number and a tag are the same; the headers are found
// among the eth_getBlockBy cases. A block that is not there is answered with null.
TEST(ProvedReceipts, EveryAnswerOfTheExecutionApisTestChainIsProvedOrNull) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = tests::load_vectors("proofs/execution_apis_rpc_cases.json");
    std::map<std::string, json> headers;
    json genesis;
    for (const json& entry : cases) {
        const json& answer = entry["response"].value("result", json());
        if (answer.is_object() && answer.contains("receiptsRoot")) {
            headers[answer["hash"].get<std::string>()] = answer;
            genesis = answer["number"] == json("0x0") ? answer : genesis;
        }
    }
    std::size_t found = 0;
    std::size_t none = 0;
    for (const json& entry : cases) {
        if (entry["path"].get<std::string>().find("eth_getBlockReceipts") == std::string::npos) {
            continue;
        }
        const json& answer = entry["response"]["result"];
        if (answer.is_null()) {
            EXPECT_REFUSED(prove_receipts(proved(genesis), answer), Errc::kUnable, "has none");
            ++none;
            continue;
        }
        const json& header =
            answer.empty() ? genesis : headers[answer[0]["blockHash"].get<std::string>()];
        ASSERT_FALSE(header.is_null()) << entry["path"];
        const auto logs = prove_receipts(proved(header), answer);
        EXPECT_TRUE(logs.has_value()) << entry["path"] << logs.error().detail;
        ++found;
    }
    EXPECT_EQ(found, 5U);
    EXPECT_EQ(none, 3U);
}

TEST(ProvedReceipts, AWholeBlockGivesItsLogsInOrder) {
    const SampleBlock block;
    const auto logs = prove_receipts(proved(block.header), block.receipts);
    ASSERT_TRUE(logs.has_value()) << logs.error().detail;
    ASSERT_EQ(logs.value().logs().size(), 12U);
    const NodeLog& last = logs.value().logs().back();
    EXPECT_EQ(last.index, 11U);
    EXPECT_EQ(to_hex(last.block), block.header["hash"].get<std::string>());
    EXPECT_EQ(to_hex(last.txn), block.receipts[6]["transactionHash"].get<std::string>());
    EXPECT_EQ(last.number, BlockNum(0x1564570));
}

TEST(ProvedReceipts, ABlockWithoutReceiptsIsProvedEmpty) {
    SampleBlock block;
    block.receipts = json::array();
    block.seal();
    const auto logs = prove_receipts(proved(block.header), block.receipts);
    ASSERT_TRUE(logs.has_value()) << logs.error().detail;
    EXPECT_TRUE(logs.value().logs().empty());
}

TEST(ProvedReceipts, EveryHashedPartOfEveryReceiptCounts) {
    const SampleBlock block;
    const ProvedHeader header = proved(block.header);
    for (std::size_t i = 0; i < block.receipts.size(); ++i) {
        for (const char* key : {"status", "cumulativeGasUsed", "logsBloom", "type"}) {
            json receipts = block.receipts;
            std::string& text = receipts[i][key].get_ref<std::string&>();
            text = std::string_view(key) == "status" ? (text == "0x1" ? "0x0" : "0x1")
                   : std::string_view(key) == "type" ? (text == "0x2" ? "0x1" : "0x2")
                                                     : other(text);
            EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
        }
        for (std::size_t l = 0; l < block.receipts[i]["logs"].size(); ++l) {
            json receipts = block.receipts;
            json& log = receipts[i]["logs"][l];
            log["data"] = log["data"].get<std::string>() + "00";
            EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
            log = block.receipts[i]["logs"][l];
            log["address"] = other(log["address"].get<std::string>());
            EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
            log = block.receipts[i]["logs"][l];
            if (!log["topics"].empty()) {
                log["topics"].erase(log["topics"].size() - 1);
                EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
            }
        }
    }
    for (const char* key : {"depositNonce", "depositReceiptVersion"}) {
        json receipts = block.receipts;
        receipts[6][key] = "0x7";
        EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");
    }
}

TEST(ProvedReceipts, AReceiptOrLogDroppedRepeatedInventedOrMovedIsRefused) {
    const SampleBlock block;
    const ProvedHeader header = proved(block.header);
    const auto refused = [&](SampleBlock changed, const char* part) {
        changed.label();
        EXPECT_REFUSED(prove_receipts(header, changed.receipts), Errc::kUnproved, part);
    };
    for (std::size_t i = 0; i < block.receipts.size(); ++i) {
        SampleBlock changed = block;
        changed.receipts.erase(i);
        refused(changed, "the root is");
        changed = block;
        changed.receipts.push_back(block.receipts[i]);
        refused(changed, "repeats transaction");
        changed.receipts.back()["transactionHash"] = to_hex(keccak256(std::to_string(i)));
        refused(changed, "the root is");
        if (i > 0) {
            changed = block;
            std::swap(changed.receipts[i - 1], changed.receipts[i]);
            refused(changed, "the root is");
        }
    }
    SampleBlock changed = block;
    changed.receipts[1]["logs"].erase(0);
    refused(changed, "the root is");
    changed = block;
    changed.receipts[0]["logs"].push_back(block.receipts[1]["logs"][0]);
    refused(changed, "the root is");
    changed = block;
    std::swap(changed.receipts[3]["logs"][0], changed.receipts[3]["logs"][1]);
    refused(changed, "the root is");
}

TEST(ProvedReceipts, EveryLabelIsCheckedThoughNoneIsHashed) {
    const SampleBlock block;
    const ProvedHeader header = proved(block.header);
    const auto refused = [&](const char* place, const std::string& key, const json& value) {
        json receipts = block.receipts;
        json& entry = *place == 'r' ? receipts[3] : receipts[3]["logs"][1];
        entry[key] = value;
        EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "");
    };
    const json hash = to_hex(keccak256(std::string_view("another")));
    for (const char* place : {"receipt", "log"}) {
        refused(place, "blockHash", hash);
        refused(place, "blockNumber", "0x1564571");
        refused(place, "transactionIndex", "0x4");
    }
    refused("log", "transactionHash", hash);
    refused("log", "logIndex", "0x4");
    refused("log", "removed", true);
    refused("receipt", "transactionHash", block.receipts[2]["transactionHash"]);
    // The transaction's own hash is in no receipt: without the transactions nobody can tell.
    SampleBlock renamed = block;
    renamed.receipts[3]["transactionHash"] = hash;
    renamed.label();
    EXPECT_TRUE(prove_receipts(header, renamed.receipts).has_value());
}

TEST(ProvedReceipts, WhatIsMissingOrMalformedIsUnjudged) {
    const SampleBlock block;
    const ProvedHeader header = proved(block.header);
    const auto unable = [&](const json& receipts, const char* part) {
        EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnable, part);
    };
    unable(json(nullptr), "has none");
    unable(json::object(), "not a list");
    json receipts = block.receipts;
    receipts[2] = nullptr;
    unable(receipts, "receipt 2");
    for (const char* key :
         {"transactionHash",
          "status",
          "cumulativeGasUsed",
          "logsBloom",
          "logs",
          "blockHash",
          "blockNumber",
          "transactionIndex"}) {
        receipts = block.receipts;
        receipts[3].erase(key);
        unable(receipts, "receipt 3");
    }
    for (const char* key :
         {"address",
          "topics",
          "data",
          "blockHash",
          "blockNumber",
          "transactionHash",
          "logIndex",
          "transactionIndex"}) {
        receipts = block.receipts;
        receipts[3]["logs"][0].erase(key);
        unable(receipts, key);
    }
    receipts = block.receipts;
    receipts[3]["status"] = "0x2";
    unable(receipts, "status 2");
    receipts[3]["status"] = "0x1";
    receipts[3]["type"] = "0x80";
    unable(receipts, "above 127");
    receipts = block.receipts;
    receipts[3]["logs"][0]["topics"] = json::array_t(5, json(to_hex(Hash32{})));
    unable(receipts, "at most 4");
    receipts = block.receipts;
    receipts[6].erase("depositNonce");
    unable(receipts, "without depositNonce");
}

TEST(ProvedReceipts, AnUnknownTypeIsBelievedWhenTheRootComesOutAndElseUnjudged) {
    SampleBlock block;
    block.receipts[4]["type"] = "0x5b";
    block.seal();
    const ProvedHeader header = proved(block.header);
    EXPECT_FALSE(is_known_receipt(0x5b));
    EXPECT_TRUE(prove_receipts(header, block.receipts).has_value());
    json receipts = block.receipts;
    receipts[1]["status"] = "0x0";
    EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnable, "type 91");
    // No type that a node invents turns a refuted list into a proof.
    const SampleBlock whole;
    for (const char* type : {"0x5", "0x5b", "0x67", "0x6b", "0x7f"}) {
        receipts = whole.receipts;
        receipts[3]["type"] = type;
        EXPECT_REFUSED(prove_receipts(proved(whole.header), receipts), Errc::kUnable, "not known");
    }
}

// A later fork may hash more of a receipt than is known here, and Polygon's nodes list one that is
// in no root: neither is a lie for that, and neither passes.
TEST(ProvedReceipts, AnUnknownMemberOrAStateSyncIsUnjudgedWhenTheRootDoesNotComeOut) {
    const SampleBlock block;
    const ProvedHeader header = proved(block.header);
    json receipts = block.receipts;
    receipts[2]["gasSpent"] = "0x1";
    EXPECT_TRUE(prove_receipts(header, receipts).has_value());
    receipts[1]["cumulativeGasUsed"] = "0x1";
    EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnable, "gasSpent");
    receipts[2]["gasSpent"] = nullptr;
    EXPECT_REFUSED(prove_receipts(header, receipts), Errc::kUnproved, "the root is");

    SampleBlock synced = block;
    json sync = block.receipts[1];
    sync["transactionHash"] = to_hex(keccak256("matic-bor-receipt-"));
    sync["from"] = to_hex(Address{});
    sync["to"] = to_hex(Address{});
    sync["gasUsed"] = "0x0";
    synced.receipts.push_back(sync);
    synced.label();
    EXPECT_REFUSED(prove_receipts(header, synced.receipts), Errc::kUnable, "state sync");
    synced.receipts.back()["gasUsed"] = "0x5208";
    EXPECT_REFUSED(prove_receipts(header, synced.receipts), Errc::kUnproved, "the root is");
}

// Such a chain's receipts are proved, but its blooms are no proof of absence.
TEST(ProvedReceipts, AChainWhoseBloomsDoNotFollowItsLogsIsUnable) {
    SampleBlock block;
    block.receipts[1]["logsBloom"] = to_hex(Bloom{}.view());
    block.seal();
    EXPECT_REFUSED(
        prove_receipts(proved(block.header), block.receipts), Errc::kUnable, "prove nothing"
    );
    block = SampleBlock();
    block.header["logsBloom"] = to_hex(Bloom{}.view());
    tests::rehash(block.header);
    block.label();
    EXPECT_REFUSED(
        prove_receipts(proved(block.header), block.receipts), Errc::kUnable, "proves nothing"
    );
    block = SampleBlock();
    block.receipts[2]["cumulativeGasUsed"] = "0x1";
    block.seal();
    EXPECT_REFUSED(
        prove_receipts(proved(block.header), block.receipts), Errc::kUnable, "gas falls"
    );
}

}  // namespace
}  // namespace margrave::chains::evm
