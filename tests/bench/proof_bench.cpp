// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/proof/account_proof.hpp"
#include "chains/evm/proof/receipts.hpp"
#include "chains/evm/proof/trie.hpp"
#include "chains/evm/rlp.hpp"
#include "chains/rpc/codec.hpp"
#include "core/assert.hpp"
#include "core/keccak.hpp"

#include <nlohmann/json.hpp>

#include <benchmark/benchmark.h>
#include <chrono>
#include <string>

// The limit of every proof is its hashing: as many Keccak permutations as its bytes need, 136 bytes
// each. Every row times both and gives `x_limit`, how many times the bare permutations it takes.
namespace margrave::chains::evm {
namespace {

using nlohmann::json;

constexpr std::size_t kRate = 136;

std::size_t permutations(std::size_t bytes) {
    return bytes / kRate + 1;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Each turn also hashes one message of as many permutations, so both see the same machine.
template <class Work>
void against_limit(benchmark::State& state, std::size_t needed, Work work) {
    const Bytes message(needed * kRate - 1, 0x5a);
    double limit = 0;
    double spent = 0;
    for (auto _ : state) {
        state.PauseTiming();
        const auto bare = std::chrono::steady_clock::now();
        benchmark::DoNotOptimize(keccak256(message));
        limit += seconds_since(bare);
        state.ResumeTiming();
        const auto start = std::chrono::steady_clock::now();
        work();
        spent += seconds_since(start);
    }
    state.counters["permutations"] = static_cast<double>(needed);
    state.counters["x_limit"] = spent / limit;
}

std::string word(const std::string& seed) {
    return to_hex(keccak256(seed));
}

json sample_header() {
    json out;
    for (const char* key :
         {"parentHash",
          "sha3Uncles",
          "stateRoot",
          "transactionsRoot",
          "receiptsRoot",
          "mixHash",
          "withdrawalsRoot",
          "parentBeaconBlockRoot",
          "requestsHash"}) {
        out[key] = word(key);
    }
    out["miner"] = word("miner").substr(0, 42);
    out["logsBloom"] = to_hex(Bloom{}.view());
    out["difficulty"] = "0x0";
    out["number"] = "0x1564570";
    out["gasLimit"] = "0x2255100";
    out["gasUsed"] = "0x1234567";
    out["timestamp"] = "0x681ff8fc";
    out["extraData"] = "0x4e65746865726d696e64";
    out["nonce"] = "0x0000000000000000";
    out["baseFeePerGas"] = "0x7335";
    out["blobGasUsed"] = "0x20000";
    out["excessBlobGas"] = "0x0";
    return out;
}

void rehash(json& header) {
    header["hash"] = to_hex(keccak256(encode_header(read_header_fields(header).value())));
}

// Like mainnet's: three logs a receipt, most of them transfers of a few tokens.
json sample_receipts(std::size_t count) {
    json out = json::array();
    std::uint64_t index = 0;
    for (std::size_t i = 0; i < count; ++i) {
        json receipt;
        receipt["type"] = "0x2";
        receipt["status"] = "0x1";
        receipt["transactionHash"] = word("txn" + std::to_string(i));
        receipt["transactionIndex"] = rpc::to_quantity(std::uint64_t{i});
        receipt["blockNumber"] = "0x1564570";
        receipt["cumulativeGasUsed"] = rpc::to_quantity(std::uint64_t{90'000 * (i + 1)});
        receipt["logs"] = json::array();
        Bloom bloom;
        for (int l = 0; l < 3; ++l) {
            json log;
            log["address"] = word("token" + std::to_string((i + index) % 20)).substr(0, 42);
            log["topics"] = json::array(
                {word("Transfer"),
                 word("from" + std::to_string(i)),
                 word("to" + std::to_string(i % 40))}
            );
            log["data"] = word("amount" + std::to_string(index));
            log["blockNumber"] = "0x1564570";
            log["transactionHash"] = receipt["transactionHash"];
            log["transactionIndex"] = receipt["transactionIndex"];
            log["logIndex"] = rpc::to_quantity(index++);
            log["removed"] = false;
            std::vector<Hash32> topics;
            for (const json& topic : log["topics"]) {
                topics.push_back(parse_hash32(topic.get<std::string>()).value());
            }
            add_log(bloom, parse_address(log["address"].get<std::string>()).value(), topics);
            receipt["logs"].push_back(std::move(log));
        }
        receipt["logsBloom"] = to_hex(bloom.view());
        out.push_back(std::move(receipt));
    }
    return out;
}

struct SampleBlock {
    json header = sample_header();
    json receipts;
    std::vector<BlockReceipt> read;
    /// Permutations of the receipts trie: its leaves, and a branch for every sixteen.
    std::size_t needed{0};

    explicit SampleBlock(std::size_t count)
        : receipts(sample_receipts(count)) {
        label(word("placeholder"));
        read = read_receipts(receipts).value();
        Bloom bloom;
        for (const BlockReceipt& receipt : read) {
            merge(bloom, receipt.bloom);
            needed += permutations(encode_receipt(receipt, DepositForm::kByVersion).size() + 4);
        }
        constexpr std::size_t kBranch = 532;
        for (std::size_t level = count; level > 1; level = (level + 15) / 16) {
            needed += (level + 15) / 16 * permutations(kBranch);
        }
        header["logsBloom"] = to_hex(bloom.view());
        header["receiptsRoot"] = to_hex(receipts_root(read, DepositForm::kByVersion));
        rehash(header);
        label(header["hash"].get<std::string>());
    }

    void label(const std::string& hash) {
        for (json& receipt : receipts) {
            receipt["blockHash"] = hash;
            for (json& log : receipt["logs"]) {
                log["blockHash"] = hash;
            }
        }
    }
};

void header_hash(benchmark::State& state) {
    const auto fields = read_header_fields(sample_header()).value();
    against_limit(state, permutations(encode_header(fields).size()), [&] {
        benchmark::DoNotOptimize(keccak256(encode_header(fields)));
    });
}

BENCHMARK(header_hash);

void header_prove_json(benchmark::State& state) {
    json header = sample_header();
    rehash(header);
    const std::size_t size = encode_header(read_header_fields(header).value()).size();
    against_limit(state, permutations(size), [&] {
        benchmark::DoNotOptimize(prove_header(header));
    });
}

BENCHMARK(header_prove_json);

void receipts_root_only(benchmark::State& state) {
    const SampleBlock block(static_cast<std::size_t>(state.range(0)));
    against_limit(state, block.needed, [&] {
        benchmark::DoNotOptimize(receipts_root(block.read, DepositForm::kByVersion));
    });
}

BENCHMARK(receipts_root_only)->Arg(100)->Arg(1000);

void receipts_prove_json(benchmark::State& state) {
    const SampleBlock block(static_cast<std::size_t>(state.range(0)));
    const ProvedHeader header = prove_header(block.header).value();
    MARGRAVE_ASSERT(prove_receipts(header, block.receipts).has_value());
    against_limit(state, block.needed, [&] {
        benchmark::DoNotOptimize(prove_receipts(header, block.receipts));
    });
}

BENCHMARK(receipts_prove_json)->Arg(100)->Arg(1000);

// A path as deep as mainnet's: six full branches, one with three ways, then the account's leaf.
struct SampleProof {
    json answer;
    Hash32 root;
    Address account = low_address(keccak256("account"));
    std::size_t needed{1};

    SampleProof() {
        const Hash32 path = keccak256(account.view());
        const auto nibble = [&](std::size_t i) {
            return i % 2 == 0 ? path.data[i / 2] >> 4 : path.data[i / 2] & 15;
        };
        constexpr std::size_t kDepth = 7;
        Bytes value;
        rlp::put_uint(value, std::uint64_t{1});
        rlp::put_uint(value, Amount(1'000'000'000));
        rlp::put_bytes(value, trie::empty_root().view());
        rlp::put_bytes(value, keccak256("code").view());
        Bytes account_rlp;
        rlp::put_list(account_rlp, value);
        Bytes rest;
        for (std::size_t i = kDepth; i < 64; ++i) {
            rest.push_back(static_cast<std::uint8_t>(nibble(i)));
        }
        Bytes members;
        rlp::put_bytes(members, trie::hex_prefix(rest, true));
        rlp::put_bytes(members, account_rlp);
        Bytes node;
        rlp::put_list(node, members);
        json nodes = json::array({to_hex(node)});
        for (std::size_t level = kDepth; level-- > 0;) {
            needed += permutations(node.size());
            const Hash32 below = keccak256(node);
            members.clear();
            for (int way = 0; way < 16; ++way) {
                const bool mine = way == nibble(level);
                const bool full = level + 1 < kDepth || way % 6 == 0;
                const Hash32 sibling = keccak256(std::to_string(level * 16) + std::to_string(way));
                rlp::put_bytes(members, mine ? below.view() : (full ? sibling.view() : ByteView{}));
            }
            rlp::put_bytes(members, {});
            node.clear();
            rlp::put_list(node, members);
            nodes.insert(nodes.begin(), to_hex(node));
        }
        needed += permutations(node.size());
        root = keccak256(node);
        answer["address"] = to_hex(account);
        answer["nonce"] = "0x1";
        answer["balance"] = "0x3b9aca00";
        answer["storageHash"] = to_hex(trie::empty_root());
        answer["codeHash"] = to_hex(keccak256("code"));
        answer["accountProof"] = nodes;
        answer["storageProof"] = json::array();
    }
};

void account_prove_json(benchmark::State& state) {
    const SampleProof proof;
    MARGRAVE_ASSERT(prove_account(proof.answer, proof.root, proof.account, {}).has_value());
    against_limit(state, proof.needed, [&] {
        benchmark::DoNotOptimize(prove_account(proof.answer, proof.root, proof.account, {}));
    });
}

BENCHMARK(account_prove_json);

}  // namespace
}  // namespace margrave::chains::evm

BENCHMARK_MAIN();
