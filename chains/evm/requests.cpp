// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/requests.hpp"

#include "chains/evm/contracts.hpp"
#include "chains/rpc/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;

constexpr std::string_view kLatest = "latest";
constexpr unsigned kFeeBlocks = 5;
constexpr unsigned kFeePercentile = 50;

json text(std::string_view value) {
    return json(std::string(value));
}

// EIP-1898: the block by its hash, so that a reorg gives an error and never another state.
json at_hash(const Hash32& block) {
    json out = json::object();
    out["blockHash"] = to_hex(block);
    return out;
}

json message_of(const Message& message) {
    json out = json::object();
    out["from"] = to_hex(message.from);
    if (message.to) {
        out["to"] = to_hex(*message.to);
    }
    out["data"] = to_hex(message.data);
    out["value"] = rpc::to_quantity(message.value);
    return out;
}

std::array<Hash32, 2> our_topics() {
    return {movement_topic(), position_topic()};
}

json log_filter(std::span<const Address> emitters, std::span<const Hash32> first_topics) {
    json addresses = json::array();
    for (const Address& emitter : emitters) {
        addresses.push_back(to_hex(emitter));
    }
    json events = json::array();
    for (const Hash32& topic : first_topics) {
        events.push_back(to_hex(topic));
    }
    json topics = json::array();
    topics.push_back(std::move(events));
    json filter = json::object();
    filter["address"] = std::move(addresses);
    filter["topics"] = std::move(topics);
    return filter;
}

rpc::RpcCall one(std::string method, json argument) {
    json params = json::array();
    params.push_back(std::move(argument));
    return {std::move(method), params};
}

rpc::RpcCall two(std::string method, json first, json second) {
    json params = json::array();
    params.push_back(std::move(first));
    params.push_back(std::move(second));
    return {std::move(method), params};
}

Result<NodeLog> read_log(const json& entry) {
    if (entry.is_object() && entry.contains("removed") && entry["removed"] != json(false)) {
        return fail(Errc::kUnproved, "the node lists a log that it says was removed");
    }
    NodeLog log;
    MARGRAVE_TRY(log.number.value, rpc::u64_at(entry, "blockNumber"));
    MARGRAVE_TRY(log.block, rpc::hash_at(entry, "blockHash"));
    MARGRAVE_TRY(log.txn, rpc::hash_at(entry, "transactionHash"));
    MARGRAVE_TRY(const std::uint64_t index, rpc::u64_at(entry, "logIndex"));
    if (index > std::numeric_limits<std::uint32_t>::max()) {
        return fail(Errc::kOverflow, "logIndex " + std::to_string(index) + " is out of range");
    }
    log.index = static_cast<std::uint32_t>(index);
    MARGRAVE_TRY(log.address, rpc::address_at(entry, "address"));
    MARGRAVE_TRY(log.data, rpc::data_at(entry, "data"));
    const auto topics = entry.find("topics");
    if (topics == entry.end() || !topics->is_array() || topics->size() > 4) {
        return fail(Errc::kInvalid, "a log has no list of at most four topics");
    }
    for (const json& topic : *topics) {
        MARGRAVE_TRY(const Hash32 word, rpc::hash_of(topic, "a log's topic"));
        log.topics.push_back(word);
    }
    return log;
}

Result<Amount> last_quantity(const json& list, std::string_view name) {
    if (!list.is_array() || list.empty()) {
        return fail(Errc::kInvalid, "eth_feeHistory has no " + std::string(name));
    }
    return rpc::amount_of(list.back(), name);
}

}  // namespace

rpc::RpcCall ask_block(std::string_view tag) {
    return two("eth_getBlockByNumber", text(tag), json(false));
}

rpc::RpcCall ask_block(BlockNum number) {
    return two("eth_getBlockByNumber", text(rpc::to_quantity(number)), json(false));
}

rpc::RpcCall ask_block_by_hash(const Hash32& block) {
    return two("eth_getBlockByHash", text(to_hex(block)), json(false));
}

rpc::RpcCall ask_full_block(const Hash32& block) {
    return two("eth_getBlockByHash", text(to_hex(block)), json(true));
}

rpc::RpcCall ask_receipts(const Hash32& block) {
    return one("eth_getBlockReceipts", text(to_hex(block)));
}

rpc::RpcCall ask_proof(const Address& account, std::span<const Hash32> slots, const Hash32& block) {
    json keys = json::array();
    for (const Hash32& slot : slots) {
        keys.push_back(to_hex(slot));
    }
    json params = json::array();
    params.push_back(to_hex(account));
    params.push_back(std::move(keys));
    params.push_back(at_hash(block));
    return {"eth_getProof", params};
}

rpc::RpcCall ask_chain_id() {
    return {"eth_chainId", json::array()};
}

rpc::RpcCall ask_client_version() {
    return {"web3_clientVersion", json::array()};
}

rpc::RpcCall ask_code(const Address& at, const Hash32& block) {
    return two("eth_getCode", text(to_hex(at)), at_hash(block));
}

rpc::RpcCall ask_call(const Address& to, ByteView data, const Hash32& block) {
    json message = json::object();
    message["to"] = to_hex(to);
    message["data"] = to_hex(data);
    return two("eth_call", std::move(message), at_hash(block));
}

rpc::RpcCall ask_call(const Message& message) {
    return two("eth_call", message_of(message), text(kLatest));
}

rpc::RpcCall ask_gas(const Message& message) {
    return two("eth_estimateGas", message_of(message), text(kLatest));
}

rpc::RpcCall ask_balance(const Address& of) {
    return two("eth_getBalance", text(to_hex(of)), text(kLatest));
}

rpc::RpcCall ask_balance(const Address& of, const Hash32& block) {
    return two("eth_getBalance", text(to_hex(of)), at_hash(block));
}

rpc::RpcCall ask_logs(
    std::span<const Address> emitters, std::span<const Hash32> topics, const Hash32& block
) {
    json filter = log_filter(emitters, topics);
    filter["blockHash"] = to_hex(block);
    return one("eth_getLogs", std::move(filter));
}

rpc::RpcCall ask_logs(std::span<const Address> emitters, const Hash32& block) {
    return ask_logs(emitters, our_topics(), block);
}

rpc::RpcCall ask_logs(std::span<const Address> emitters, BlockNum from, BlockNum to) {
    return ask_logs(emitters, our_topics(), from, to);
}

rpc::RpcCall ask_logs(
    std::span<const Address> emitters, std::span<const Hash32> topics, BlockNum from, BlockNum to
) {
    json filter = log_filter(emitters, topics);
    filter["fromBlock"] = rpc::to_quantity(from);
    filter["toBlock"] = rpc::to_quantity(to);
    return one("eth_getLogs", std::move(filter));
}

Result<std::optional<Header>> read_header(const json& answer) {
    if (answer.is_null()) {
        return std::optional<Header>{};
    }
    Header out;
    MARGRAVE_TRY(out.block.number.value, rpc::u64_at(answer, "number"));
    MARGRAVE_TRY(out.block.hash, rpc::hash_at(answer, "hash"));
    MARGRAVE_TRY(out.block.parent, rpc::hash_at(answer, "parentHash"));
    MARGRAVE_TRY(out.block.time.value, rpc::u64_at(answer, "timestamp"));
    MARGRAVE_TRY(out.base_fee, rpc::opt_amount_at(answer, "baseFeePerGas"));
    return std::optional<Header>{std::move(out)};
}

Result<std::optional<Header>> read_header(const json& answer, BlockNum asked) {
    MARGRAVE_TRY(auto header, read_header(answer));
    if (header && header->block.number != asked) {
        return fail(
            Errc::kUnproved,
            "asked for block " + std::to_string(asked.value) + ", the node answered with block " +
                std::to_string(header->block.number.value)
        );
    }
    return header;
}

Result<std::vector<NodeLog>> read_logs(const json& answer) {
    if (!answer.is_array()) {
        return fail(Errc::kInvalid, "eth_getLogs answered no list");
    }
    std::vector<NodeLog> out;
    out.reserve(answer.size());
    for (const json& entry : answer) {
        MARGRAVE_TRY(auto log, read_log(entry));
        out.push_back(std::move(log));
    }
    return out;
}

Result<std::optional<Receipt>> read_receipt(const json& answer, const Hash32& asked) {
    if (answer.is_null()) {
        return std::optional<Receipt>{};
    }
    // Some nodes answer for a waiting transaction with the block still null.
    MARGRAVE_TRY(const auto block, rpc::opt_hash_at(answer, "blockHash"));
    if (!block) {
        return std::optional<Receipt>{};
    }
    Receipt out;
    out.block = *block;
    MARGRAVE_TRY(out.txn, rpc::hash_at(answer, "transactionHash"));
    if (out.txn != asked) {
        return fail(
            Errc::kUnproved,
            "asked for the receipt of " + to_hex(asked) + ", the node answered with that of " +
                to_hex(out.txn)
        );
    }
    MARGRAVE_TRY(out.number.value, rpc::u64_at(answer, "blockNumber"));
    MARGRAVE_TRY(out.gas_used, rpc::u64_at(answer, "gasUsed"));
    MARGRAVE_TRY(const std::uint64_t status, rpc::u64_at(answer, "status"));
    if (status > 1) {
        return fail(Errc::kInvalid, "receipt status " + std::to_string(status));
    }
    out.succeeded = status == 1;
    return std::optional<Receipt>{out};
}

rpc::RpcCall ask_fee_history() {
    json params = json::array();
    params.push_back(rpc::to_quantity(std::uint64_t{kFeeBlocks}));
    params.push_back(std::string(kLatest));
    json percentiles = json::array();
    percentiles.push_back(kFeePercentile);
    params.push_back(std::move(percentiles));
    return {"eth_feeHistory", params};
}

Result<FeeHistory> read_fee_history(const json& answer) {
    if (!answer.is_object()) {
        return fail(Errc::kInvalid, "eth_feeHistory answered no object");
    }
    FeeHistory out;
    MARGRAVE_TRY(
        out.base_fee, last_quantity(answer.value("baseFeePerGas", json()), "baseFeePerGas")
    );
    std::vector<Amount> tips;
    for (const json& block : answer.value("reward", json::array())) {
        MARGRAVE_TRY(auto tip, last_quantity(block, "reward"));
        tips.push_back(std::move(tip));
    }
    if (tips.empty()) {
        return fail(Errc::kInvalid, "eth_feeHistory has no reward");
    }
    std::ranges::sort(tips);
    out.priority_fee = tips[tips.size() / 2];
    return out;
}

}  // namespace margrave::chains::evm
