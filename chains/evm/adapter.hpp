// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "chains/evm/events.hpp"
#include "chains/evm/heads.hpp"
#include "chains/evm/requests.hpp"
#include "chains/rpc/client.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace margrave::chains::evm {

/// An EVM chain behind the interface of chains/adapter.hpp. It talks to one endpoint at a time and
/// never to two within one step; transport trouble makes the next call go to the next endpoint.
/// Here are only the coroutines that move bytes: what comes next is decided in heads.hpp, what is
/// proved in events.hpp, what the bytes mean in contracts.hpp and requests.hpp.
class EvmAdapter final : public ChainAdapter {
  public:
    using Callers = std::vector<std::unique_ptr<rpc::RpcCaller>>;

    /// kConfig when the chain is not eip155 with a decimal id, or there is no caller.
    static Result<std::unique_ptr<EvmAdapter>> make(ChainSettings settings, Callers callers);

    [[nodiscard]] const ChainSettings& settings() const override { return settings_; }

    [[nodiscard]] std::vector<SourceStatus> sources() const override;
    [[nodiscard]] Agreement agreement() const override;
    std::vector<Evidence> take_evidence() override;
    void forgive() override;

    Task<Result<void>> check_node() override;
    Task<Result<ChainFacts>> probe() override;
    Task<Result<Updates>> next(ChainView view) override;

    Task<Result<Bytes>> call_at(Address to, Bytes data, Hash32 block) override;
    Task<Result<Amount>> custody_at(Address token, Hash32 block) override;
    Task<Result<std::pair<RoundNum, Hash32>>> latest_round() override;

    [[nodiscard]] Result<std::pair<Address, Bytes>> encode(const Instruction& instruction
    ) const override;
    Task<Result<std::uint64_t>> simulate(
        Address from, std::optional<Address> to, Bytes data, Amount value
    ) override;
    Task<Result<FeeQuote>> fees() override;
    Task<Result<std::uint64_t>> nonce(Address from) override;
    Task<Result<Amount>> balance(Address of) override;
    [[nodiscard]] Result<SignedTxn> sign(const TxnRequest& request, const SignDigest& signer)
        const override;
    Task<Result<void>> broadcast(Bytes raw) override;
    Task<Result<std::optional<TxnStatus>>> status(Hash32 txn_hash) override;

  private:
    using Json = nlohmann::json;
    using Answers = std::vector<rpc::RpcResult<Json>>;
    /// The endpoint of one step. A step that began with one does not go on with another.
    using Node = rpc::RpcCaller;

    EvmAdapter(ChainSettings settings, std::uint64_t chain_id, Callers callers);

    // endpoint.cpp. Parameters that are references outlive the task: the node is owned by this
    // adapter, the rest by the step that awaits.
    Task<Result<Node*>> begin();
    Task<rpc::RpcResult<Json>> ask(Node& node, rpc::RpcCall call);
    Task<rpc::RpcResult<Answers>> ask_all(Node& node, std::vector<rpc::RpcCall> calls);
    /// All answers or the first error.
    Task<Result<std::vector<Json>>> ask_each(Node& node, std::vector<rpc::RpcCall> calls);
    /// The same for calls that answer bytes.
    Task<Result<std::vector<Bytes>>> ask_bytes(Node& node, std::vector<rpc::RpcCall> calls);
    Task<Result<Header>> latest(Node& node);
    Task<Result<void>> check_chain_id(Node& node);
    void note(const Node& node, const rpc::RpcError& error);
    [[nodiscard]] Error named(const Node& node, const rpc::RpcError& error) const;
    [[nodiscard]] std::optional<std::string> finality_tag() const;

    // steps.cpp: the parts of next().
    Task<Result<NodeHeads>> read_heads(Node& node, std::optional<BlockNum> at);
    Task<Result<std::vector<BlockRef>>> read_blocks(Node& node, BlockNum from, BlockNum to);
    Task<Result<Accumulators>> accumulators_at(Node& node, Hash32 block);
    Task<Result<Accumulators>> accumulators_before(
        Node& node, const ChainView& view, BlockRef first
    );
    Task<rpc::RpcResult<Json>> ask_logs_of(Node& node, const std::vector<BlockRef>& blocks);
    Task<Result<std::vector<BlockData>>> prove(
        Node& node, std::vector<BlockRef> blocks, Accumulators before
    );
    Task<Result<Updates>> forward(
        Node& node, const ChainView& view, const NodeHeads& heads, Step step
    );
    Task<Result<Updates>> back(Node& node, const ChainView& view, BlockNum to);

    // probe.cpp
    /// Block 0, compared with the configured genesis.
    Task<Result<std::optional<Header>>> read_genesis(Node& node);
    Task<Result<ChainFacts>> read_facts(Node& node);
    Task<Result<void>> check_code(Node& node);
    Task<Result<void>> check_identity(Node& node, Hash32 block);
    Task<Result<void>> check_decimals(Node& node, Hash32 block);

    ChainSettings settings_;
    std::uint64_t chain_id_;
    Callers callers_;
    std::size_t current_{0};
    /// When eth_chainId was last right at the current endpoint.
    std::optional<std::chrono::steady_clock::time_point> chain_checked_;
    /// Blocks one step asks for: halved when a node calls the range too large, slowly grown back to
    /// settings_.log_range.
    std::uint64_t range_;
};

}  // namespace margrave::chains::evm
