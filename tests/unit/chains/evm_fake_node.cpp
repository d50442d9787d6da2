// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/evm_fake_node.hpp"

#include "chains/evm/contracts.hpp"
#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;

Address address_named(std::string_view text) {
    return low_address(keccak256(text));
}

std::string hex(const Bytes& bytes) {
    return to_hex(bytes);
}

json log_json(const NodeLog& from) {
    json log = json::object();
    log["blockNumber"] = rpc::to_quantity(from.number);
    log["blockHash"] = to_hex(from.block);
    log["transactionHash"] = to_hex(from.txn);
    log["logIndex"] = rpc::to_quantity(std::uint64_t{from.index});
    log["address"] = to_hex(from.address);
    log["removed"] = false;
    log["topics"] = json::array();
    for (const Hash32& topic : from.topics) {
        log["topics"].push_back(to_hex(topic));
    }
    log["data"] = to_hex(from.data);
    return log;
}

std::string word_hex(std::uint64_t number) {
    return to_hex(Amount(number).to_word());
}

}  // namespace

ChainSettings fake_settings() {
    ChainSettings out;
    out.chain = ChainId::evm(1);
    out.vault = address_named("vault");
    out.registry = address_named("registry");
    out.sale = address_named("sale");
    out.position_book = address_named("positions");
    out.network = keccak256(std::string_view("network"));
    out.log_range = 50;
    // One fake node is all there is unless a test says otherwise.
    out.agreement = 1;
    return out;
}

Movement deposit(std::uint64_t amount) {
    Movement out;
    out.kind = MovementKind::kDeposit;
    out.account.data = keccak256(std::string_view("account")).data;
    out.token = address_named("token");
    out.amount = Amount(amount);
    out.counterparty = keccak256(std::string_view("payer"));
    return out;
}

FakeNode::FakeNode(ChainSettings settings, std::string name)
    : settings_(std::move(settings)),
      name_(std::move(name)) {
    const std::string registry = to_hex(settings_.registry);
    views[{registry, hex(encode_view(View::kNetwork))}] = to_hex(settings_.network);
    views[{registry, hex(encode_view(View::kChain))}] = to_hex(settings_.chain.key());
    views[{to_hex(settings_.vault), hex(encode_view(View::kRegistry))}] =
        to_hex(left_pad(settings_.registry));
    views[{to_hex(settings_.sale), hex(encode_view(View::kVault))}] =
        to_hex(left_pad(settings_.vault));
    mine();
}

NodeLog FakeNode::log_of(const Address& from, std::vector<Hash32> topics, Bytes data) {
    NodeLog out;
    out.address = from;
    out.topics = std::move(topics);
    out.data = std::move(data);
    return out;
}

// Every log in a receipt of its own, under a header that commits to them.
void FakeNode::seal(Block& next) const {
    HeaderFields& header = next.header;
    header.number = next.block.number;
    header.parent = next.block.parent;
    header.time = next.block.time;
    header.gas_limit = 30'000'000;
    header.base_fee = Amount(7);
    header.mix_hash = Amount(forks_).to_word();
    for (std::size_t i = 0; i < next.receipts.size(); ++i) {
        BlockReceipt& receipt = next.receipts[i];
        receipt.outcome = true;
        receipt.cumulative_gas = 50'000 * (i + 1);
        add_log(receipt.bloom, receipt.logs[0].address, receipt.logs[0].topics);
        merge(header.logs_bloom, receipt.bloom);
    }
    header.gas_used = 50'000 * next.receipts.size();
    header.receipts_root = receipts_root(next.receipts, DepositForm::kByVersion);
    next.block.hash = keccak256(encode_header(header));
    std::uint32_t index = 0;
    for (BlockReceipt& receipt : next.receipts) {
        receipt.txn = keccak256(next.block.hash, Amount(index).to_word());
        NodeLog& log = receipt.logs[0];
        log.number = next.block.number;
        log.block = next.block.hash;
        log.txn = receipt.txn;
        log.index = index++;
        next.logs.push_back(log_json(log));
    }
}

void FakeNode::mine(const std::vector<Movement>& movements, const std::vector<Position>& posts) {
    Block next;
    next.block.number = BlockNum(blocks_.size());
    next.block.time = UnixSeconds(1'700'000'000 + 12 * blocks_.size());
    if (!blocks_.empty()) {
        next.block.parent = blocks_.back().block.hash;
        next.after = blocks_.back().after;
    }
    const auto add = [&next](NodeLog log) {
        BlockReceipt receipt;
        receipt.type = 2;
        receipt.logs.push_back(std::move(log));
        next.receipts.push_back(std::move(receipt));
    };
    for (Movement movement : movements) {
        movement.sequence = next.after.vault.count + 1;
        next.after.vault = fold(next.after.vault, movement);
        WordWriter data;
        data.address(movement.token).uint(movement.amount).word(movement.counterparty);
        std::vector<Hash32> topics{
            movement_topic(),
            Amount(movement.sequence).to_word(),
            Amount(static_cast<std::uint64_t>(movement.kind)).to_word(),
            Hash32{movement.account.data}};
        add(log_of(settings_.vault, std::move(topics), data.bytes()));
    }
    for (Position post : posts) {
        post.sequence = next.after.positions.count + 1;
        next.after.positions = fold(next.after.positions, post);
        WordWriter data;
        data.money(post.size).money(post.entry_price);
        std::vector<Hash32> topics{
            position_topic(),
            Amount(post.sequence).to_word(),
            Hash32{post.account.data},
            post.market};
        add(log_of(*settings_.position_book, std::move(topics), data.bytes()));
    }
    seal(next);
    blocks_.push_back(std::move(next));
}

void FakeNode::mine_empty(std::uint64_t blocks) {
    for (std::uint64_t i = 0; i < blocks; ++i) {
        mine();
    }
}

void FakeNode::rewind(std::uint64_t number) {
    blocks_.resize(number + 1);
    ++forks_;
}

json FakeNode::header(const json& which) const {
    const auto text = which.get<std::string>();
    std::optional<std::uint64_t> number;
    if (text == "latest") {
        number = blocks_.size() - 1;
    } else if (text == "finalized" || text == "safe") {
        number = final_number;
    } else {
        number = rpc::parse_quantity_u64(text).value();
    }
    if (!number || *number >= blocks_.size()) {
        return {};
    }
    const HeaderFields& fields = blocks_[*number].header;
    json out = json::object();
    out["hash"] = to_hex(blocks_[*number].block.hash);
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
    out["extraData"] = "0x";
    out["mixHash"] = to_hex(fields.mix_hash);
    out["nonce"] = "0x0000000000000000";
    out["baseFeePerGas"] = "0x7";
    return out;
}

rpc::RpcResult<json> FakeNode::receipts(const json& which) const {
    const Block* block = by_hash(which.get<std::string>());
    if (block == nullptr) {
        return json();
    }
    json out = json::array();
    for (std::size_t i = 0; i < block->receipts.size(); ++i) {
        const BlockReceipt& receipt = block->receipts[i];
        json entry = json::object();
        entry["type"] = "0x2";
        entry["status"] = "0x1";
        entry["blockHash"] = to_hex(block->block.hash);
        entry["blockNumber"] = rpc::to_quantity(block->block.number);
        entry["transactionHash"] = to_hex(receipt.txn);
        entry["transactionIndex"] = rpc::to_quantity(std::uint64_t{i});
        entry["cumulativeGasUsed"] = rpc::to_quantity(receipt.cumulative_gas);
        entry["logsBloom"] = to_hex(receipt.bloom.view());
        entry["logs"] = json::array();
        entry["logs"].push_back(log_json(receipt.logs[0]));
        entry["logs"][0]["transactionIndex"] = entry["transactionIndex"];
        out.push_back(std::move(entry));
    }
    return out;
}

const FakeNode::Block* FakeNode::by_hash(const std::string& hash) const {
    for (const Block& block : blocks_) {
        if (to_hex(block.block.hash) == hash) {
            return &block;
        }
    }
    return nullptr;
}

rpc::RpcResult<json> FakeNode::logs(const json& filter) const {
    json out = json::array();
    if (filter.contains("blockHash")) {
        const Block* block = by_hash(filter["blockHash"].get<std::string>());
        if (block == nullptr) {
            return rpc::RpcError(rpc::RpcClass::kBlockNotFound, "unknown block");
        }
        for (const json& log : block->logs) {
            out.push_back(log);
        }
        return out;
    }
    const auto from = rpc::parse_quantity_u64(filter["fromBlock"].get<std::string>()).value();
    const auto to = rpc::parse_quantity_u64(filter["toBlock"].get<std::string>()).value();
    if (to - from + 1 > range_max) {
        return rpc::RpcError(rpc::RpcClass::kRangeTooLarge, "block range is too wide");
    }
    for (std::uint64_t n = from; n <= to && n < blocks_.size(); ++n) {
        for (const json& log : blocks_[n].logs) {
            out.push_back(log);
        }
    }
    return out;
}

rpc::RpcResult<json> FakeNode::view(const json& message, const json& at) {
    const auto to = message["to"].get<std::string>();
    const auto data = message["data"].get<std::string>();
    const auto known = views.find({to, data});
    if (known != views.end()) {
        return json(known->second);
    }
    if (!at.is_object()) {
        return json("0x");
    }
    const Block* block = by_hash(at["blockHash"].get<std::string>());
    if (block == nullptr) {
        return rpc::RpcError(rpc::RpcClass::kBlockNotFound, "unknown block");
    }
    const bool is_vault = to == to_hex(settings_.vault);
    const Accumulator& after = is_vault ? block->after.vault : block->after.positions;
    if (data == hex(encode_view(View::kEventCount))) {
        return json(word_hex(after.count));
    }
    if (data == hex(encode_view(View::kAccumulator))) {
        return json(to_hex(after.hash));
    }
    return json("0x");
}

rpc::RpcResult<json> FakeNode::answer(const std::string& method, const json& params) {
    ++asked[method];
    const auto set = fixed.find(method);
    if (set != fixed.end()) {
        return set->second;
    }
    if (method == "eth_chainId") {
        return json(rpc::to_quantity(chain_id));
    }
    if (method == "web3_clientVersion") {
        return json("fake/1\x1b[2J");
    }
    if (method == "eth_getBlockByNumber") {
        return header(params[0]);
    }
    if (method == "eth_getBlockReceipts") {
        return receipts(params[0]);
    }
    if (method == "eth_getLogs") {
        return logs(params[0]);
    }
    if (method == "eth_call") {
        return view(params[0], params[1]);
    }
    if (method == "eth_getCode") {
        return json("0x60");
    }
    return rpc::RpcError(rpc::RpcClass::kMethodNotFound, "method not found: " + method);
}

Task<rpc::RpcResult<json>> FakeNode::call(std::string method, json params) {
    if (dead) {
        co_return rpc::RpcError(rpc::RpcClass::kTransport, "connection refused");
    }
    auto out = answer(method, params);
    if (out && tamper) {
        tamper(method, out.value());
    }
    co_return out;
}

Task<rpc::RpcResult<std::vector<rpc::RpcResult<json>>>> FakeNode::batch(
    std::vector<rpc::RpcCall> calls
) {
    if (dead) {
        co_return rpc::RpcError(rpc::RpcClass::kTransport, "connection refused");
    }
    const auto logs = std::ranges::count(calls, "eth_getLogs", &rpc::RpcCall::method);
    if (static_cast<std::uint64_t>(logs) > logs_max) {
        co_return rpc::RpcError(
            rpc::RpcClass::kRangeTooLarge, Errc::kLimit, "an answer of too many bytes"
        );
    }
    std::vector<rpc::RpcResult<json>> out;
    for (const rpc::RpcCall& one : calls) {
        auto result = answer(one.method, json::parse(one.params));
        if (result && tamper) {
            tamper(one.method, result.value());
        }
        out.push_back(std::move(result));
    }
    co_return out;
}

}  // namespace margrave::chains::evm
