// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/evm_proof_samples.hpp"

#include "chains/evm/proof/receipts.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"

#include <algorithm>

namespace margrave::tests {
namespace {

using chains::rpc::to_quantity;
using nlohmann::json;
namespace evm = chains::evm;
namespace rlp = chains::evm::rlp;

std::string word(std::string_view seed) {
    return to_hex(keccak256(seed));
}

json sample_log(std::uint64_t n) {
    json log;
    log["address"] = word("emitter " + std::to_string(n % 3)).substr(0, 42);
    log["topics"] = json::array();
    for (std::uint64_t i = 0; i < n % 5; ++i) {
        log["topics"].push_back(word("topic " + std::to_string(n * i)));
    }
    Bytes data(n * 17 % 120, static_cast<std::uint8_t>(n));
    log["data"] = to_hex(data);
    log["removed"] = false;
    return log;
}

json sample_receipt(std::uint64_t n, std::uint64_t type, std::uint64_t logs) {
    json receipt;
    receipt["type"] = to_quantity(type);
    receipt["transactionHash"] = word("transaction " + std::to_string(n));
    receipt["status"] = n == 4 ? "0x0" : "0x1";
    receipt["cumulativeGasUsed"] = to_quantity(21'000 * (n + 1));
    receipt["gasUsed"] = to_quantity(std::uint64_t{21'000});
    evm::Bloom bloom;
    receipt["logs"] = json::array();
    for (std::uint64_t i = 0; i < logs; ++i) {
        json log = sample_log(n * 3 + i);
        std::vector<Hash32> topics;
        for (const json& topic : log["topics"]) {
            topics.push_back(parse_hash32(topic.get<std::string>()).value());
        }
        evm::add_log(bloom, parse_address(log["address"].get<std::string>()).value(), topics);
        receipt["logs"].push_back(std::move(log));
    }
    receipt["logsBloom"] = to_hex(bloom.view());
    if (type == 0x7e) {
        receipt["depositNonce"] = "0x3d3bbf";
        receipt["depositReceiptVersion"] = "0x1";
    }
    return receipt;
}

std::vector<std::uint8_t> nibbles_from(const Bytes& key, std::size_t depth) {
    std::vector<std::uint8_t> out;
    for (std::size_t i = depth; i < key.size() * 2; ++i) {
        out.push_back(i % 2 == 0 ? key[i / 2] >> 4 : key[i / 2] & 0x0f);
    }
    return out;
}

void put_reference(Bytes& out, const Bytes& node) {
    if (node.size() < 32) {
        put_bytes(out, node);
    } else {
        rlp::put_bytes(out, keccak256(node).view());
    }
}

}  // namespace

json load_vectors(const std::string& name) {
    const auto text = read_file(*vectors_dir() + "/" + name);
    return text ? json::parse(*text) : json();
}

Bytes hex(std::string_view text) {
    return parse_hex(text).value();
}

SampleBlock::SampleBlock() {
    for (const char* key :
         {"parentHash",
          "sha3Uncles",
          "stateRoot",
          "transactionsRoot",
          "mixHash",
          "withdrawalsRoot",
          "parentBeaconBlockRoot",
          "requestsHash"}) {
        header[key] = word(key);
    }
    header["miner"] = word("miner").substr(0, 42);
    header["difficulty"] = "0x0";
    header["number"] = "0x1564570";
    header["gasLimit"] = "0x2255100";
    header["gasUsed"] = to_quantity(std::uint64_t{21'000} * 7);
    header["timestamp"] = "0x681ff8fc";
    header["extraData"] = "0x4e65746865726d696e64";
    header["nonce"] = "0x0000000000000000";
    header["baseFeePerGas"] = "0x7335";
    header["blobGasUsed"] = "0x20000";
    header["excessBlobGas"] = "0x0";
    const std::vector<std::uint64_t> types{0x6a, 0, 1, 2, 3, 4, 0x7e};
    const std::vector<std::uint64_t> logs{0, 3, 1, 4, 0, 3, 1};
    receipts = json::array();
    for (std::size_t i = 0; i < types.size(); ++i) {
        receipts.push_back(sample_receipt(i, types[i], logs[i]));
    }
    seal();
}

void SampleBlock::seal() {
    header["receiptsRoot"] = word("no root yet");
    header["logsBloom"] = to_hex(evm::Bloom{}.view());
    rehash(header);
    label();
    const auto read = evm::read_receipts(receipts);
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    evm::Bloom bloom;
    for (const auto& receipt : read.value()) {
        evm::merge(bloom, receipt.bloom);
    }
    header["logsBloom"] = to_hex(bloom.view());
    header["receiptsRoot"] = to_hex(evm::receipts_root(read.value(), evm::DepositForm::kByVersion));
    rehash(header);
    label();
}

void SampleBlock::label() {
    std::uint64_t index = 0;
    std::uint64_t logs = 0;
    for (json& receipt : receipts) {
        receipt["blockHash"] = header["hash"];
        receipt["blockNumber"] = header["number"];
        receipt["transactionIndex"] = to_quantity(index++);
        for (json& log : receipt["logs"]) {
            log["blockHash"] = header["hash"];
            log["blockNumber"] = header["number"];
            log["transactionIndex"] = receipt["transactionIndex"];
            log["transactionHash"] = receipt["transactionHash"];
            log["logIndex"] = to_quantity(logs++);
        }
    }
}

void rehash(json& header) {
    const auto fields = evm::read_header_fields(header);
    ASSERT_TRUE(fields.has_value()) << fields.error().detail;
    header["hash"] = to_hex(keccak256(evm::encode_header(fields.value())));
}

PlainTrie::PlainTrie(const std::map<Bytes, Bytes>& entries)
    : pairs_(entries.begin(), entries.end()),
      root_(keccak256(pairs_.empty() ? Bytes{0x80} : encode(pairs_, 0))) {}

// c(J, i) of the Yellow Paper's appendix D, word for word.
Bytes PlainTrie::encode(const Pairs& pairs, std::size_t depth) const {
    Bytes members;
    const auto first = nibbles_from(pairs[0].first, depth);
    if (pairs.size() == 1) {
        rlp::put_bytes(members, evm::trie::hex_prefix(first, true));
        rlp::put_bytes(members, pairs[0].second);
    } else {
        std::size_t shared = first.size();
        for (const auto& [key, value] : pairs) {
            const auto other = nibbles_from(key, depth);
            const auto differ = std::ranges::mismatch(first, other).in1 - first.begin();
            shared = std::min(shared, static_cast<std::size_t>(differ));
        }
        if (shared > 0) {
            const std::vector<std::uint8_t> path(
                first.begin(), first.begin() + static_cast<std::ptrdiff_t>(shared)
            );
            rlp::put_bytes(members, evm::trie::hex_prefix(path, false));
            put_reference(members, encode(pairs, depth + shared));
        } else {
            Bytes value;
            for (std::uint8_t way = 0; way < 16; ++way) {
                Pairs under;
                for (const auto& pair : pairs) {
                    const auto rest = nibbles_from(pair.first, depth);
                    if (!rest.empty() && rest[0] == way) {
                        under.push_back(pair);
                    }
                }
                if (under.empty()) {
                    members.push_back(0x80);
                } else {
                    put_reference(members, encode(under, depth + 1));
                }
            }
            for (const auto& pair : pairs) {
                value = nibbles_from(pair.first, depth).empty() ? pair.second : value;
            }
            rlp::put_bytes(members, value);
        }
    }
    Bytes out;
    rlp::put_list(out, members);
    return out;
}

std::vector<Bytes> PlainTrie::prove(const Bytes& key) const {
    std::vector<Bytes> out;
    if (!pairs_.empty()) {
        walk(pairs_, 0, key, out);
    }
    return out;
}

void PlainTrie::walk(
    const Pairs& pairs, std::size_t depth, const Bytes& key, std::vector<Bytes>& out
) const {
    const Bytes node = encode(pairs, depth);
    if (node.size() >= 32 || depth == 0) {
        out.push_back(node);
    }
    const auto mine = nibbles_from(key, depth);
    const auto first = nibbles_from(pairs[0].first, depth);
    if (pairs.size() == 1) {
        return;
    }
    std::size_t shared = first.size();
    for (const auto& pair : pairs) {
        const auto other = nibbles_from(pair.first, depth);
        const auto differ = std::ranges::mismatch(first, other).in1 - first.begin();
        shared = std::min(shared, static_cast<std::size_t>(differ));
    }
    if (shared > 0) {
        const bool follows =
            mine.size() >= shared &&
            std::equal(
                mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(shared), first.begin()
            );
        if (follows) {
            walk(pairs, depth + shared, key, out);
        }
        return;
    }
    Pairs under;
    for (const auto& pair : pairs) {
        const auto rest = nibbles_from(pair.first, depth);
        if (!rest.empty() && !mine.empty() && rest[0] == mine[0]) {
            under.push_back(pair);
        }
    }
    if (!under.empty()) {
        walk(under, depth + 1, key, out);
    }
}

}  // namespace margrave::tests
