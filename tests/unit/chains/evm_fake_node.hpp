// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/events.hpp"
#include "chains/evm/proof/receipts.hpp"
#include "chains/rpc/client.hpp"
#include "chains/settings.hpp"
#include "core/events.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace margrave::chains::evm {

/// A chain in memory that answers as a node does, and lies when a test says so.
class FakeNode final : public rpc::RpcCaller {
  public:
    explicit FakeNode(ChainSettings settings, std::string name = "fake");

    /// Adds a block with these events; their sequences and the accumulators follow by themselves.
    void mine(const std::vector<Movement>& movements = {}, const std::vector<Position>& posts = {});
    void mine_empty(std::uint64_t blocks);
    /// Forgets every block above `number`; what is mined next has other hashes.
    void rewind(std::uint64_t number);

    [[nodiscard]] const BlockRef& at(std::uint64_t number) const { return blocks_[number].block; }

    [[nodiscard]] const BlockRef& head() const { return blocks_.back().block; }

    [[nodiscard]] const std::string& name() const override { return name_; }

    Task<rpc::RpcResult<nlohmann::json>> call(std::string method, nlohmann::json params) override;
    Task<rpc::RpcResult<std::vector<rpc::RpcResult<nlohmann::json>>>> batch(
        std::vector<rpc::RpcCall> calls
    ) override;

    std::uint64_t chain_id{1};
    /// Number behind the finality tags; absent: the node answers null.
    std::optional<std::uint64_t> final_number{0};
    /// Blocks that one eth_getLogs may span.
    std::uint64_t range_max{100'000};
    /// Calls of eth_getLogs in one batch whose answer is read.
    std::uint64_t logs_max{100'000};
    /// No answer at all.
    bool dead{false};
    /// Answers by method, before anything else is looked at.
    std::map<std::string, rpc::RpcResult<nlohmann::json>> fixed;
    /// Answers of eth_call by target and call data, in hex.
    std::map<std::pair<std::string, std::string>, std::string> views;
    /// Changes an answer on its way out.
    std::function<void(const std::string& method, nlohmann::json& answer)> tamper;
    /// Calls by method.
    std::map<std::string, std::size_t> asked;

  private:
    struct Block {
        BlockRef block;
        HeaderFields header;
        std::vector<BlockReceipt> receipts;
        std::vector<nlohmann::json> logs;
        Accumulators after;
    };

    rpc::RpcResult<nlohmann::json> answer(const std::string& method, const nlohmann::json& params);
    nlohmann::json header(const nlohmann::json& which) const;
    rpc::RpcResult<nlohmann::json> receipts(const nlohmann::json& which) const;
    void seal(Block& block) const;
    rpc::RpcResult<nlohmann::json> logs(const nlohmann::json& filter) const;
    rpc::RpcResult<nlohmann::json> view(const nlohmann::json& message, const nlohmann::json& at);
    [[nodiscard]] const Block* by_hash(const std::string& hash) const;
    static NodeLog log_of(const Address& from, std::vector<Hash32> topics, Bytes data);

    ChainSettings settings_;
    std::string name_;
    std::vector<Block> blocks_;
    std::uint64_t forks_{0};
};

/// Settings of a chain whose addresses, network and endpoint are made up.
ChainSettings fake_settings();

Movement deposit(std::uint64_t amount);

}  // namespace margrave::chains::evm
