// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/node_log.hpp"
#include "chains/rpc/client.hpp"
#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/events.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// The JSON-RPC calls this folder makes, and their answers as values. JSON ends here: what leaves
/// has the right shape and is about the question that was asked; whether it is true is decided by
/// heads.hpp and events.hpp.
namespace margrave::chains::evm {

/// A block header, as far as anything here uses it.
struct Header {
    BlockRef block;
    /// Absent before London.
    std::optional<Amount> base_fee;
};

struct Receipt {
    Hash32 txn;
    BlockNum number;
    Hash32 block;
    bool succeeded{false};
    std::uint64_t gas_used{0};
};

/// `tag` is "latest", "safe" or "finalized".
rpc::RpcCall ask_block(std::string_view tag);
rpc::RpcCall ask_block(BlockNum number);
rpc::RpcCall ask_block_by_hash(const Hash32& block);
/// The same with whole transactions.
rpc::RpcCall ask_full_block(const Hash32& block);
/// Every receipt of a block, by its hash.
rpc::RpcCall ask_receipts(const Hash32& block);
/// Account and slots with their proof against the state of a block, by hash (EIP-1186, EIP-1898).
rpc::RpcCall ask_proof(const Address& account, std::span<const Hash32> slots, const Hash32& block);
rpc::RpcCall ask_chain_id();
rpc::RpcCall ask_client_version();
rpc::RpcCall ask_code(const Address& at, const Hash32& block);
/// eth_call against the state of a block, by hash (EIP-1898).
rpc::RpcCall ask_call(const Address& to, ByteView data, const Hash32& block);

/// eth_call or eth_estimateGas as a sender at the head; no `to` creates a contract.
struct Message {
    Address from;
    std::optional<Address> to;
    Bytes data;
    Amount value;
};

rpc::RpcCall ask_call(const Message& message);
rpc::RpcCall ask_gas(const Message& message);
rpc::RpcCall ask_balance(const Address& of);
rpc::RpcCall ask_balance(const Address& of, const Hash32& block);
/// The Movement and Position events of `emitters` in one block, by its hash.
rpc::RpcCall ask_logs(std::span<const Address> emitters, const Hash32& block);
rpc::RpcCall ask_logs(std::span<const Address> emitters, BlockNum from, BlockNum to);
/// Any of these first topics.
rpc::RpcCall ask_logs(
    std::span<const Address> emitters, std::span<const Hash32> topics, const Hash32& block
);

rpc::RpcCall ask_logs(
    std::span<const Address> emitters, std::span<const Hash32> topics, BlockNum from, BlockNum to
);

/// Answers to ask_block. Absent for null: the node has no such block.
Result<std::optional<Header>> read_header(const nlohmann::json& answer);
/// The same, and the number must be the one that was asked for. kUnproved else.
Result<std::optional<Header>> read_header(const nlohmann::json& answer, BlockNum asked);
/// In the order of the node. kUnproved for a log that says it was removed.
Result<std::vector<NodeLog>> read_logs(const nlohmann::json& answer);
/// Absent for null: in no block.
Result<std::optional<Receipt>> read_receipt(const nlohmann::json& answer, const Hash32& asked);

/// Base fee of the next block and a tip that half of the last blocks' transactions paid, from
/// eth_feeHistory with one percentile. kInvalid when a part is missing.
struct FeeHistory {
    Amount base_fee;
    Amount priority_fee;
};

rpc::RpcCall ask_fee_history();
Result<FeeHistory> read_fee_history(const nlohmann::json& answer);

}  // namespace margrave::chains::evm
