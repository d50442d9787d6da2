// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/fast_json.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>
#include <string>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using Random = std::mt19937_64;

std::uint64_t pick(Random& random, std::uint64_t below) {
    return random() % below;
}

std::string hex_of(Random& random, std::size_t bytes) {
    Bytes out(bytes);
    for (std::uint8_t& b : out) {
        b = static_cast<std::uint8_t>(random());
    }
    return to_hex(out);
}

std::string quantity(Random& random) {
    std::string out = "0x";
    const std::string word = hex_of(random, 8);
    const std::size_t digits = 1 + pick(random, 12);
    out += word.substr(2, digits);
    return out[2] == '0' ? "0x0" : out;
}

// As anvil writes them; the order of the members varies as it does between clients.
std::string log_text(Random& random, const std::string& block) {
    std::vector<std::string> members{
        R"("address":")" + hex_of(random, 20) + '"',
        R"("blockHash":")" + block + '"',
        R"("blockNumber":")" + quantity(random) + '"',
        R"("blockTimestamp":"0x65")",
        R"("data":")" + hex_of(random, pick(random, 200)) + '"',
        R"("logIndex":")" + std::string("0x") + "abcdef"[pick(random, 6)] + '"',
        R"("removed":false)",
        R"("transactionHash":")" + hex_of(random, 32) + '"',
        R"("transactionIndex":"0x0")"};
    std::string topics = R"("topics":[)";
    for (std::uint64_t i = pick(random, 5); i > 0; --i) {
        topics += '"' + hex_of(random, 32) + (i > 1 ? "\"," : "\"");
    }
    members.push_back(topics + "]");
    std::shuffle(members.begin(), members.end(), random);
    std::string out = "{";
    for (const std::string& member : members) {
        out += (out.size() > 1 ? "," : "") + member;
    }
    return out + "}";
}

std::string logs_text(Random& random) {
    std::string out = "[";
    const std::string block = hex_of(random, 32);
    for (std::uint64_t i = pick(random, 6); i > 0; --i) {
        out += log_text(random, pick(random, 3) == 0 ? hex_of(random, 32) : block);
        out += i > 1 ? "," : "";
    }
    return out + "]";
}

std::string header_text(Random& random) {
    json header = json::object();
    header["number"] = quantity(random);
    header["hash"] = hex_of(random, 32);
    header["parentHash"] = hex_of(random, 32);
    header["timestamp"] = quantity(random);
    header["logsBloom"] = hex_of(random, 256);
    header["transactions"] = json::array();
    header["transactions"].push_back(hex_of(random, 32));
    header["withdrawals"] = json::array();
    header["withdrawals"].push_back(json::object());
    header["withdrawals"][0]["index"] = "0x1";
    if (pick(random, 2) == 0) {
        header["baseFeePerGas"] = pick(random, 3) == 0 ? json(nullptr) : json(quantity(random));
    }
    return header.dump();
}

// What a careless or hostile node could make of a text.
std::string mutated(Random& random, std::string text) {
    static const std::vector<std::string> kPieces{
        "null",
        "true",
        "1.5",
        "\"0x\"",
        "\"0x00\"",
        "\"0X1\"",
        "{}",
        "[]",
        ",",
        "\"",
        "\\u0041",
        "\xff",
        "{\"a\":1,\"a\":2}",
        "\"removed\":true,",
        "\"data\":\"0x\",",
        "-0",
        "1e5",
        "18446744073709551616",
        " ",
        "\n",
        std::string(1, '\0'),
        "\"topics\":[],",
        "9",
        "]",
        "}"};
    for (std::uint64_t i = 1 + pick(random, 2); i > 0 && !text.empty(); --i) {
        const std::size_t at = pick(random, text.size());
        switch (pick(random, 5)) {
            case 0:
                text[at] = static_cast<char>(random());
                break;
            case 1:
                text.erase(at, 1 + pick(random, 40));
                break;
            case 2:
                text.insert(at, kPieces[pick(random, kPieces.size())]);
                break;
            case 3: {
                // A piece where a member or a value begins, so that the text often stays JSON.
                const std::size_t place = text.find_first_of("{:,[", at);
                if (place != std::string::npos) {
                    text.insert(place + 1, kPieces[pick(random, kPieces.size())]);
                }
                break;
            }
            default: {
                const std::size_t from = text.find(':', at);
                const std::size_t to = text.find_first_of(",}]", from);
                if (from != std::string::npos && to != std::string::npos) {
                    text.replace(from + 1, to - from - 1, kPieces[pick(random, kPieces.size())]);
                }
                break;
            }
        }
    }
    return text;
}

bool same(const NodeLog& a, const NodeLog& b) {
    return a.number == b.number && a.block == b.block && a.txn == b.txn && a.index == b.index &&
           a.address == b.address && a.topics == b.topics && a.data == b.data;
}

// What the fast half takes, the strict one takes too, with the same values.
bool compare_logs(const std::string& text) {
    const rpc::RawAnswer answer(text);
    const auto fast = detail::plain_logs(answer);
    const auto slow = detail::strict_logs(answer);
    if (!fast) {
        return false;
    }
    EXPECT_TRUE(slow.has_value()) << text << '\n' << slow.error().detail;
    if (slow) {
        EXPECT_TRUE(std::ranges::equal(*fast, slow.value(), same)) << text;
    }
    return true;
}

bool compare_headers(const std::string& text) {
    const rpc::RawAnswer answer(text);
    const auto fast = detail::plain_header(answer);
    const auto slow = detail::strict_header(answer);
    if (!fast) {
        return false;
    }
    EXPECT_TRUE(slow.has_value() && slow.value().has_value()) << text;
    if (slow && slow.value()) {
        EXPECT_EQ(fast->block, slow.value()->block) << text;
        EXPECT_EQ(fast->base_fee, slow.value()->base_fee) << text;
    }
    return true;
}

Hash32 random_hash(Random& random) {
    return parse_hash32(hex_of(random, 32)).value();
}

// A block whose hash is that of its fields, of a random fork.
json block_of(Random& random) {
    HeaderFields fields;
    fields.parent = random_hash(random);
    fields.state_root = random_hash(random);
    fields.receipts_root = random_hash(random);
    fields.number = BlockNum(random() >> 20U);
    fields.time = UnixSeconds(random() >> 32U);
    fields.gas_limit = 30'000'000;
    fields.gas_used = random() % 30'000'000;
    fields.extra_data = parse_hex(hex_of(random, pick(random, 40))).value();
    fields.mix_hash = random_hash(random);
    fields.logs_bloom.data[pick(random, 256)] = 1;
    json out = json::object();
    const std::uint64_t fork = pick(random, 5);
    if (fork > 0) {
        fields.base_fee = Amount(random());
        out["baseFeePerGas"] = rpc::to_quantity(*fields.base_fee);
    }
    if (fork > 1) {
        fields.withdrawals_root = random_hash(random);
        out["withdrawalsRoot"] = to_hex(*fields.withdrawals_root);
    }
    if (fork > 2) {
        fields.blob_gas_used = 0;
        fields.excess_blob_gas = random() % 1'000'000;
        fields.parent_beacon_block_root = random_hash(random);
        out["blobGasUsed"] = "0x0";
        out["excessBlobGas"] = rpc::to_quantity(*fields.excess_blob_gas);
        out["parentBeaconBlockRoot"] = to_hex(*fields.parent_beacon_block_root);
    }
    if (fork > 3) {
        fields.requests_hash = random_hash(random);
        out["requestsHash"] = to_hex(*fields.requests_hash);
    }
    out["hash"] = to_hex(keccak256(encode_header(fields)));
    out["parentHash"] = to_hex(fields.parent);
    out["sha3Uncles"] = to_hex(fields.uncles_hash);
    out["miner"] = to_hex(fields.miner);
    out["stateRoot"] = to_hex(fields.state_root);
    out["transactionsRoot"] = to_hex(fields.transactions_root);
    out["receiptsRoot"] = to_hex(fields.receipts_root);
    out["logsBloom"] = to_hex(fields.logs_bloom.view());
    out["difficulty"] = "0x0";
    out["number"] = rpc::to_quantity(fields.number);
    out["gasLimit"] = rpc::to_quantity(fields.gas_limit);
    out["gasUsed"] = rpc::to_quantity(fields.gas_used);
    out["timestamp"] = rpc::to_quantity(fields.time.value);
    out["extraData"] = to_hex(fields.extra_data);
    out["mixHash"] = to_hex(fields.mix_hash);
    out["nonce"] = "0x0000000000000000";
    out["size"] = "0x220";
    out["transactions"] = json::array();
    out["uncles"] = json::array();
    return out;
}

bool compare_blocks(const std::string& text) {
    const rpc::RawAnswer answer(text);
    const auto fast = detail::plain_block(answer);
    if (!fast) {
        return false;
    }
    const auto slow = detail::strict_block(answer, ProofMode::kReceipts, std::nullopt);
    EXPECT_TRUE(slow.has_value() && slow.value().has_value()) << text;
    if (slow && slow.value()) {
        EXPECT_EQ(fast->block, slow.value()->block) << text;
        EXPECT_EQ(fast->header->fields(), slow.value()->header->fields()) << text;
    }
    return true;
}

TEST(FastJson, ReadsBlocksOfEveryForkAsTheStrictReaderDoes) {
    Random random(5);
    for (int i = 0; i < 300; ++i) {
        EXPECT_TRUE(compare_blocks(block_of(random).dump()));
    }
    for (int i = 0; i < 3000; ++i) {
        compare_blocks(mutated(random, block_of(random).dump()));
    }
}

TEST(FastJson, ABlockThatDoesNotHashToItsHashIsNotTaken) {
    Random random(6);
    json block = block_of(random);
    const BlockNum number(rpc::parse_quantity_u64(block["number"].get<std::string>()).value());
    const auto read = [&](std::optional<BlockNum> asked) {
        return read_block(rpc::RawAnswer(block.dump()), ProofMode::kReceipts, asked);
    };
    EXPECT_EQ(read(number).value()->block.number, number);
    EXPECT_EQ(read(BlockNum(number.value + 1)).error().code, Errc::kUnproved);
    block["gasUsed"] = "0x1234567";
    EXPECT_FALSE(detail::plain_block(rpc::RawAnswer(block.dump())));
    EXPECT_EQ(read(number).error().code, Errc::kUnproved);
    // Where nobody can hash headers again the node's word stands.
    const rpc::RawAnswer as_told(block.dump());
    EXPECT_TRUE(read_block(as_told, ProofMode::kAgreement, number).has_value());
    EXPECT_FALSE(
        read_block(rpc::RawAnswer("null"), ProofMode::kReceipts, number).value().has_value()
    );
}

TEST(FastJson, ReadsWhatNodesWrite) {
    Random random(1);
    for (int i = 0; i < 400; ++i) {
        EXPECT_TRUE(compare_logs(logs_text(random)));
        EXPECT_TRUE(compare_headers(header_text(random)));
    }
}

TEST(FastJson, TakesNoMutatedAnswerThatTheStrictReaderRefuses) {
    Random random(2);
    std::size_t taken = 0;
    std::size_t left = 0;
    for (int i = 0; i < 6000; ++i) {
        taken += compare_logs(mutated(random, logs_text(random))) ? 1U : 0U;
        left += compare_headers(mutated(random, header_text(random))) ? 0U : 1U;
    }
    EXPECT_GT(taken, 100U);
    EXPECT_GT(left, 100U);
}

TEST(FastJson, LeavesWhatIsNotPlainToTheStrictReader) {
    Random random(3);
    const std::string good = log_text(random, hex_of(random, 32));
    const auto with = [&](const std::string& member) {
        return "[" + good.substr(0, good.size() - 1) + "," + member + "}]";
    };
    EXPECT_TRUE(detail::plain_logs(rpc::RawAnswer(with(R"("more":[1,{"a":null}])"))));
    // Each of these is refused by parse_strict, or read by it alone.
    for (const char* member :
         {R"("more":1.5)",
          R"("data":"0x")",
          R"("more":{"a":1,"a":1})",
          R"("more":1,"more":1)",
          R"("more":"\u0041")",
          R"("more":18446744073709551616)"}) {
        EXPECT_FALSE(detail::plain_logs(rpc::RawAnswer(with(member)))) << member;
    }
    EXPECT_EQ(read_logs(rpc::RawAnswer(with(R"("more":"\u0041")"))).value().size(), 1U);
    EXPECT_EQ(read_logs(rpc::RawAnswer(with(R"("more":1.5)"))).error().code, Errc::kInvalid);
    std::string removed = "[" + good + "]";
    removed.replace(removed.find("false"), 5, "true");
    EXPECT_EQ(read_logs(rpc::RawAnswer(removed)).error().code, Errc::kUnproved);
    EXPECT_EQ(read_logs(rpc::RawAnswer("null")).error().code, Errc::kInvalid);
    EXPECT_EQ(read_logs(rpc::RawAnswer("[],1")).error().code, Errc::kInvalid);
    EXPECT_TRUE(read_logs(rpc::RawAnswer("[]")).value().empty());
}

TEST(FastJson, ReadsHeaders) {
    EXPECT_FALSE(read_header(rpc::RawAnswer("null")).value().has_value());
    Random random(4);
    json header = json::parse(header_text(random));
    header["number"] = "0x10";
    const rpc::RawAnswer answer(header.dump());
    EXPECT_EQ(read_header(answer, BlockNum{16}).value()->block.number, BlockNum{16});
    EXPECT_EQ(read_header(answer, BlockNum{17}).error().code, Errc::kUnproved);
    header.erase("hash");
    EXPECT_EQ(read_header(rpc::RawAnswer(header.dump())).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace margrave::chains::evm
