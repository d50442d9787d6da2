// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/body.hpp"
#include "chains/evm/proof/receipts.hpp"
#include "chains/evm/proof/trie.hpp"
#include "core/keccak.hpp"
#include "tests/unit/chains/evm_proof_samples.hpp"

#include <algorithm>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;

ProvedHeader proved(const json& header) {
    auto made = prove_header(header);
    EXPECT_TRUE(made.has_value()) << made.error().detail;
    return std::move(made).value();
}

std::string other(std::string text) {
    text.back() = text.back() == '1' ? '2' : '1';
    return text;
}

// The quirks: Arbitrum's first transaction is of type 0x6a, whose encoding is not known here; of op
// Sepolia 8790919 the source kept only the first transaction; withdrawals are told from Shanghai
// on.
TEST(ProvedBody, EveryRealFullBlockIsProvedOrUnableForItsKnownReason) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    std::size_t whole = 0;
    std::size_t unable = 0;
    std::size_t cut = 0;
    for (const json& entry : tests::load_vectors("headers/real_full_blocks.json")) {
        const json& block = entry["block"];
        const ProvedHeader header = proved(block);
        const auto txns = prove_txns(header, block);
        const json& expected = entry["transactionsRootVerified"];
        if (expected.is_null()) {
            EXPECT_REFUSED(txns, Errc::kUnable, "type 106");
            ++unable;
        } else if (!expected.get<bool>()) {
            EXPECT_REFUSED(txns, Errc::kUnproved, "the root is");
            ++cut;
        } else {
            ASSERT_TRUE(txns.has_value()) << entry["source"] << txns.error().detail;
            ASSERT_EQ(txns.value().hashes().size(), block["transactions"].size());
            ++whole;
        }
        const auto withdrawals = prove_withdrawals(header, block);
        ASSERT_TRUE(withdrawals.has_value()) << entry["source"] << withdrawals.error().detail;
        const json none = json::array();
        const json& told = block.contains("withdrawals") ? block["withdrawals"] : none;
        EXPECT_EQ(withdrawals.value().size(), told.size());
    }
    EXPECT_EQ(whole, 19U);
    EXPECT_EQ(unable, 2U);
    EXPECT_EQ(cut, 1U);
}

// A null in a list is no answer, so it is not judged; the service these are from refuses it too.
TEST(ProvedBody, EveryBlockOfTheOptimismServiceTestsIsJudgedAsItsNameSays) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    const json cases = tests::load_vectors("headers/optimism_opservice_blocks.json");
    ASSERT_EQ(cases.size(), 12U);
    for (const auto& [name, entry] : cases.items()) {
        SCOPED_TRACE(name);
        const std::string reason = entry["metadata"].value("reason", "");
        const auto header = prove_header(entry["data"]);
        if (reason == "failed to verify block hash") {
            EXPECT_REFUSED(header, Errc::kUnproved, "hashes to");
            continue;
        }
        ASSERT_TRUE(header.has_value()) << header.error().detail;
        const auto txns = prove_txns(header.value(), entry["data"]);
        const auto withdrawals = prove_withdrawals(header.value(), entry["data"]);
        const bool bad_txns = reason.find("tx") != std::string::npos ||
                              reason.find("transactions") != std::string::npos;
        const bool bad_withdrawals = reason.find("withdrawal") != std::string::npos;
        const bool null =
            reason.find("nil") != std::string::npos || reason.find("null") != std::string::npos;
        const Errc expected = null ? Errc::kUnable : Errc::kUnproved;
        if (bad_txns) {
            EXPECT_REFUSED(txns, expected, null ? "transaction 0 is null" : "the root is");
        } else {
            EXPECT_TRUE(txns.has_value()) << txns.error().detail;
        }
        if (bad_withdrawals) {
            EXPECT_REFUSED(withdrawals, expected, null ? "withdrawal 0" : "the root is");
        } else {
            EXPECT_TRUE(withdrawals.has_value()) << withdrawals.error().detail;
        }
    }
}

// A block of one transaction of each known type.
json sample_txn(std::uint8_t type) {
    json txn;
    txn["type"] =
        "0x" + std::string(1, "0123456789abcdef"[type >> 4]) + "0123456789abcdef"[type & 15];
    if (type < 16) {
        txn["type"] = "0x" + std::string(1, "0123456789abcdef"[type]);
    }
    const std::string word = to_hex(keccak256("word"));
    txn["from"] = word.substr(0, 42);
    txn["to"] = type == 1 ? json(nullptr) : json(word.substr(0, 42));
    txn["input"] = "0x1234";
    txn["value"] = "0x10";
    txn["gas"] = "0x5208";
    txn["sourceHash"] = word;
    txn["mint"] = "0x7";
    txn["isSystemTx"] = true;
    txn["nonce"] = "0x9";
    txn["chainId"] = "0x1";
    txn["gasPrice"] = "0xa";
    txn["maxFeePerGas"] = "0xb";
    txn["maxPriorityFeePerGas"] = "0x3";
    txn["maxFeePerBlobGas"] = "0xc";
    txn["blobVersionedHashes"] = json::array({word});
    json access;
    access["address"] = word.substr(0, 42);
    access["storageKeys"] = json::array({word});
    txn["accessList"] = json::array({access});
    json authorization;
    authorization["chainId"] = "0x1";
    authorization["address"] = word.substr(0, 42);
    authorization["nonce"] = "0x2";
    authorization["yParity"] = "0x1";
    authorization["r"] = "0x3";
    authorization["s"] = "0x4";
    txn["authorizationList"] = json::array({authorization});
    txn["v"] = type == 0 ? "0x25" : "0x1";
    txn["r"] = "0x5";
    txn["s"] = "0x6";
    txn["hash"] = to_hex(keccak256(encode_block_txn(txn).value()));
    return txn;
}

struct SampleBody {
    json block;

    SampleBody() {
        block = tests::SampleBlock().header;
        block["transactions"] = json::array();
        std::vector<Bytes> raw;
        const Bytes types{0, 1, 2, 3, 4, 0x7e};
        for (const std::uint8_t type : types) {
            block["transactions"].push_back(sample_txn(type));
            raw.push_back(encode_block_txn(block["transactions"].back()).value());
        }
        block["transactionsRoot"] = to_hex(trie::list_root(std::span<const Bytes>(raw)));
        tests::rehash(block);
    }
};

TEST(ProvedBody, EveryMemberOfEveryTypeOfTransactionCounts) {
    const SampleBody body;
    const ProvedHeader header = proved(body.block);
    const auto txns = prove_txns(header, body.block);
    ASSERT_TRUE(txns.has_value()) << txns.error().detail;
    EXPECT_EQ(txns.value().hashes().size(), 6U);
    const std::vector<std::vector<const char*>> members{
        {"nonce", "gasPrice", "gas", "to", "value", "input", "v", "r", "s"},
        {"chainId", "nonce", "gasPrice", "gas", "value", "input", "v", "r", "s"},
        {"chainId", "nonce", "maxFeePerGas", "maxPriorityFeePerGas", "gas", "to", "value", "input"},
        {"maxFeePerBlobGas", "maxFeePerGas", "nonce", "r", "s"},
        {"chainId", "nonce", "maxFeePerGas", "to", "value", "s"},
        {"sourceHash", "from", "to", "mint", "value", "gas", "input"}};
    for (std::size_t i = 0; i < members.size(); ++i) {
        for (const char* key : members[i]) {
            json forged = body.block;
            json& txn = forged["transactions"][i];
            txn[key] = other(txn[key].get<std::string>());
            EXPECT_REFUSED(prove_txns(header, forged), Errc::kUnproved, "the root is");
        }
    }
    for (const std::size_t i : {1U, 2U, 3U, 4U}) {
        json forged = body.block;
        forged["transactions"][i]["accessList"][0]["storageKeys"] = json::array();
        EXPECT_REFUSED(prove_txns(header, forged), Errc::kUnproved, "the root is");
    }
    json forged = body.block;
    forged["transactions"][3]["blobVersionedHashes"] = json::array();
    EXPECT_REFUSED(prove_txns(header, forged), Errc::kUnproved, "the root is");
    forged = body.block;
    forged["transactions"][4]["authorizationList"][0]["nonce"] = "0x3";
    EXPECT_REFUSED(prove_txns(header, forged), Errc::kUnproved, "the root is");
    forged = body.block;
    forged["transactions"][5]["isSystemTx"] = false;
    EXPECT_REFUSED(prove_txns(header, forged), Errc::kUnproved, "the root is");
    forged = body.block;
    std::swap(forged["transactions"][0], forged["transactions"][1]);
    EXPECT_REFUSED(prove_txns(header, forged), Errc::kUnproved, "the root is");
}

TEST(ProvedBody, ATransactionUnderAnotherHashIsRefusedThoughTheRootComesOut) {
    SampleBody body;
    const ProvedHeader header = proved(body.block);
    json& hash = body.block["transactions"][2]["hash"];
    hash = other(hash.get<std::string>());
    EXPECT_REFUSED(prove_txns(header, body.block), Errc::kUnproved, "transaction 2 hashes to");
}

TEST(ProvedBody, WhatIsMissingUnknownOrMalformedIsUnjudged) {
    const SampleBody body;
    const ProvedHeader header = proved(body.block);
    const auto unable = [&](const json& txns, const char* part) {
        json block = body.block;
        block["transactions"] = txns;
        EXPECT_REFUSED(prove_txns(header, block), Errc::kUnable, part);
    };
    unable(json(nullptr), "none in the answer");
    unable(json::object(), "no list");
    unable(json::array({to_hex(Hash32{})}), "is string");
    json txns = body.block["transactions"];
    txns[1] = nullptr;
    unable(txns, "transaction 1 is null");
    txns = body.block["transactions"];
    txns[1]["type"] = "0x5";
    unable(txns, "type 5");
    for (const char* key : {"nonce", "gas", "value", "input", "v", "r", "s", "gasPrice", "hash"}) {
        txns = body.block["transactions"];
        txns[0].erase(key);
        unable(txns, "transaction 0");
    }
    txns = body.block["transactions"];
    txns[1]["accessList"] = 7;
    unable(txns, "no list");
}

TEST(ProvedBody, ReceiptsAreHeldAgainstTheBlocksTransactions) {
    tests::SampleBlock block;
    block.receipts.erase(0);
    const SampleBody body;
    for (std::size_t i = 0; i < block.receipts.size(); ++i) {
        block.receipts[i]["transactionHash"] = body.block["transactions"][i]["hash"];
    }
    block.header["transactionsRoot"] = body.block["transactionsRoot"];
    block.seal();
    const ProvedHeader header = proved(block.header);
    const auto txns = prove_txns(header, body.block);
    ASSERT_TRUE(txns.has_value()) << txns.error().detail;
    const auto logs = prove_receipts(header, block.receipts, txns.value());
    ASSERT_TRUE(logs.has_value()) << logs.error().detail;
    EXPECT_TRUE(logs.value().has_proved_txns());
    tests::SampleBlock renamed = block;
    renamed.receipts[3]["transactionHash"] = to_hex(keccak256("another"));
    renamed.label();
    EXPECT_TRUE(prove_receipts(header, renamed.receipts).has_value());
    EXPECT_REFUSED(
        prove_receipts(header, renamed.receipts, txns.value()), Errc::kUnproved, "the block has"
    );
    renamed = block;
    renamed.receipts.erase(5);
    EXPECT_REFUSED(
        prove_receipts(header, renamed.receipts, txns.value()), Errc::kUnproved, "5 receipts for 6"
    );
}

TEST(ProvedBody, WithdrawalsAreProvedCountedAndRefused) {
    MARGRAVE_SKIP_WITHOUT_VECTORS();
    json block;
    for (const json& entry : tests::load_vectors("headers/real_full_blocks.json")) {
        if (entry["number"] == json(19426587)) {
            block = entry["block"];
        }
    }
    const ProvedHeader header = proved(block);
    const auto refused = [&](const json& list, Errc errc, const char* part) {
        json forged = block;
        forged["withdrawals"] = list;
        EXPECT_REFUSED(prove_withdrawals(header, forged), errc, part);
    };
    for (const char* key : {"index", "validatorIndex", "address", "amount"}) {
        json list = block["withdrawals"];
        list[3][key] = other(list[3][key].get<std::string>());
        refused(list, Errc::kUnproved, "the root is");
        list[3].erase(key);
        refused(list, Errc::kUnable, "withdrawal 3");
    }
    refused(json(nullptr), Errc::kUnable, "none in the answer");
    refused(json::array(), Errc::kUnable, "OP stack");
    json more = block["withdrawals"];
    more.push_back(more[0]);
    refused(more, Errc::kUnproved, "the root is");
}

TEST(ProvedBody, BeforeShanghaiThereAreNoWithdrawals) {
    json header = tests::SampleBlock().header;
    for (const char* key :
         {"withdrawalsRoot",
          "blobGasUsed",
          "excessBlobGas",
          "parentBeaconBlockRoot",
          "requestsHash"}) {
        header.erase(key);
    }
    tests::rehash(header);
    const ProvedHeader early = proved(header);
    EXPECT_TRUE(prove_withdrawals(early, header).value().empty());
    header["withdrawals"] = json::array({1});
    EXPECT_REFUSED(prove_withdrawals(early, header), Errc::kUnproved, "before Shanghai");
}

}  // namespace
}  // namespace margrave::chains::evm
