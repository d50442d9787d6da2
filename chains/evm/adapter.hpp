// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "chains/evm/events.hpp"
#include "chains/evm/heads.hpp"
#include "chains/evm/mapping.hpp"
#include "chains/evm/proof/account_proof.hpp"
#include "chains/evm/ranges.hpp"
#include "chains/evm/requests.hpp"
#include "chains/evm/survey.hpp"
#include "chains/rpc/client.hpp"
#include "chains/rpc/pool.hpp"
#include "infra/log.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace margrave::chains::evm {

/// An EVM chain behind the interface of chains/adapter.hpp. What is believed is what as many
/// operators say as the settings ask for; a step then reads from one endpoint of those, and proves
/// what it reads (docs/chain-data.md). Here are only the coroutines that move bytes: who agrees is
/// decided in agreement.hpp and survey.hpp, what comes next in heads.hpp, what is proved in proof/
/// and events.hpp, what the bytes mean in contracts.hpp and requests.hpp.
class EvmAdapter final : public ChainAdapter {
  public:
    using Callers = std::vector<std::unique_ptr<rpc::RpcCaller>>;

    /// One caller for each of settings.endpoints, in their order; without endpoint settings every
    /// caller is an operator of its own. kConfig when the chain is not eip155 with a decimal id,
    /// or there is no caller.
    static Result<std::unique_ptr<EvmAdapter>> make(
        ChainSettings settings, Callers callers, infra::Logger log
    );
    static Result<std::unique_ptr<EvmAdapter>> make(ChainSettings settings, Callers callers);

    [[nodiscard]] const ChainSettings& settings() const override { return settings_; }

    [[nodiscard]] std::vector<SourceStatus> sources() const override;
    [[nodiscard]] Agreement agreement() const override;
    std::vector<Evidence> take_evidence() override;
    void forgive() override;

    Task<Result<void>> check_node() override;
    Task<Result<ChainFacts>> probe() override;
    Task<Result<Updates>> next(ChainView view) override;
    Task<Result<void>> read_history(HistorySink& sink, BlockNum to, std::chrono::milliseconds time)
        override;

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
    /// What a block holds of what is followed, proved.
    struct ProvedContent {
        BlockRef block;
        std::vector<NodeLog> logs;
        /// Only where native coin is watched.
        std::vector<NodeTxn> txns;
    };

    static constexpr std::chrono::seconds kDialInterval{60};
    static constexpr std::chrono::seconds kDialNow{0};

    using Json = nlohmann::json;
    using Answers = std::vector<rpc::RpcResult<Json>>;
    using Node = rpc::Endpoint;

    /// Whom one step reads from: an endpoint that says the block the step leads to, and another
    /// operator's that says the same and is asked beside it when it is slow (a hedge). Whoever
    /// answers, every answer is proved against what is agreed, and `told` is to blame for it.
    struct Readers {
        explicit Readers(Node& node)
            : first(&node),
              told(&node) {}

        Node* first;
        Node* second{nullptr};
        Node* told;
    };

    EvmAdapter(
        ChainSettings settings,
        std::uint64_t chain_id,
        std::unique_ptr<rpc::EndpointPool> pool,
        Mapping mapping,
        infra::Logger log
    );

    // asking.cpp. Parameters that are references or pointers outlive the task: nodes are owned by
    // the pool, the rest by the step that awaits.
    /// Chain id and genesis of every endpoint for which they were not right within `interval`.
    Task<void> dial(std::chrono::milliseconds interval);
    /// The best endpoint, for what is not part of a step.
    Task<Result<Node*>> begin();
    Task<rpc::RpcResult<Json>> ask(Node& node, rpc::RpcCall call);
    Task<rpc::RpcResult<Answers>> ask_all(Node& node, std::vector<rpc::RpcCall> calls);
    /// The same of a step's readers, hedged.
    Task<rpc::RpcResult<Json>> ask(Readers& readers, rpc::RpcCall call);
    Task<rpc::RpcResult<Answers>> ask_all(Readers& readers, std::vector<rpc::RpcCall> calls);
    /// All answers or the first error.
    Task<Result<std::vector<Json>>> ask_each(Readers& readers, std::vector<rpc::RpcCall> calls);
    /// What enough operators answer alike. The calls name their block by hash.
    Task<Result<CommonAnswers>> ask_common(std::vector<rpc::RpcCall> calls);
    /// The same for calls that answer bytes.
    Task<Result<std::vector<Bytes>>> ask_common_bytes(std::vector<rpc::RpcCall> calls);
    [[nodiscard]] Error named(const Node& node, const rpc::RpcError& error) const;
    [[nodiscard]] std::optional<std::string_view> finality_tag() const;

    // listening.cpp: what the operators say, and what becomes of those who are refuted.
    Task<Survey> listen(std::optional<BlockNum> head);
    Task<void> listen_more(Survey* survey, std::vector<BlockNum> numbers);
    void hear_one(Survey& survey, const rpc::OperatorAnswer& answer, const FirstQuestion& question);
    Task<Result<BlockRef>> agreed_head();
    Task<Result<BlockRef>> agree_on_head(Survey* survey);
    [[nodiscard]] Node* endpoint_named(std::string_view name) const;
    /// Endpoints that say `block`, the best that did not just fail; absent when nobody says it.
    [[nodiscard]] std::optional<Readers> agreeing(const Survey& survey, const BlockRef& block)
        const;
    /// Keeps the evidence; three in a row and the endpoint counts as lying.
    void refute(Evidence evidence);
    /// The error as it is; a disproof by this endpoint becomes evidence, and the next step reads
    /// elsewhere if it can.
    Error refuted(const Node& node, std::string_view kind, Error error);

    // steps.cpp: the parts of next().
    Task<Result<std::vector<KnownBlock>>> read_blocks(Readers& readers, BlockNum from, BlockNum to);
    Task<Result<Updates>> forward(
        Readers& readers, const ChainView& view, const Survey& survey, const Step& step
    );
    Task<Result<Updates>> back(Readers& readers, const ChainView& view, const Step& step);
    void note_agreement(const ChainView& view, const Survey& survey, const Step& step);
    Error not_agreed(const ChainView& view, const Survey& survey, const Error& error);
    [[nodiscard]] FollowRules rules() const;
    [[nodiscard]] ChainLag lag_of(const Survey& survey, const Step& step) const;

    // history.cpp: long stretches of final blocks, read by several lanes and delivered in order.
    struct History;
    /// What a lane brings of one range.
    struct HistoryPart;
    /// Why a range was not brought, and what may help.
    struct Setback;
    template <class T>
    using Brought = std::variant<T, Setback>;

    /// Asks for ranges until all are there. The history is in the frame of read_history.
    Task<void> history_lane(History* history, std::size_t lane);
    Task<void> run_lane(History* history, std::size_t lane);
    Task<void> deliver_history(History* history);
    Task<Result<void>> begin_delivery(History* history, const HistoryPart& part);
    Task<Result<void>> deliver_part(History* history, HistoryPart part);
    /// What came of the part cannot be: whoever brought it, or all that is not proved yet, lied.
    Error unproved_part(History* history, const Node& node, const Error& error);
    /// Proved blocks become part of the run that grows.
    static Task<void> add_to_run(History* history, std::vector<BlockData> blocks);
    static Task<void> hand_on(History* history);
    static Task<void> write_history(History* history);
    static void keep_failure(History* history, Result<void> done);
    // history_ranges.cpp
    Task<Brought<HistoryPart>> bring(Node& node, BlockRange range, History* history);
    Task<Brought<std::vector<KnownBlock>>> bring_blocks(Node& node, BlockRange range);
    /// That enough operators have this block.
    Task<std::optional<Setback>> agree_on(Node& node, const KnownBlock& block);
    /// The logs of the blocks, by the chain's proof mode.
    Task<std::optional<Setback>> bring_events(
        Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part, History* history
    );
    Task<std::optional<Setback>> bring_by_accumulator(
        Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part, History* history
    );
    Task<std::optional<Setback>> bring_by_receipts(
        Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part
    );
    Task<std::optional<Setback>> bring_by_agreement(
        Node& node, const std::vector<KnownBlock>& blocks, HistoryPart* part
    );
    Task<Brought<std::vector<NodeLog>>> bring_logs(Node& node, BlockRange range);
    /// What as many operators as must agree give alike.
    Task<Brought<std::vector<NodeLog>>> bring_common_logs(Node& node, BlockRange range);
    [[nodiscard]] std::vector<Node*> history_nodes() const;
    [[nodiscard]] RangeSize& size_of(const Node& node);
    [[nodiscard]] Setback setback(const Node& node, const rpc::RpcError& error, BlockRange range);

    // proving.cpp: the events of blocks, by the chain's proof mode.
    Task<Result<std::vector<BlockData>>> prove(
        Readers& readers, const ChainView& view, std::vector<KnownBlock> blocks
    );
    /// Every log of the block that is followed, ours or watched, by receipts under its header; and
    /// its transactions, where native coin is watched.
    Task<Result<ProvedContent>> open_block(Readers& readers, const KnownBlock& block);
    /// The questions that open a block, and what their answers prove.
    [[nodiscard]] std::vector<rpc::RpcCall> ask_content(const KnownBlock& block) const;
    Result<ProvedContent> read_content(
        const Node& node, const KnownBlock& block, std::span<const Json> answers
    );
    /// Whether the block's bloom proves that it holds nothing that is followed.
    [[nodiscard]] bool proves_nothing(const KnownBlock& block) const;
    /// Who emits what is followed, ours or watched, and by which first topics.
    [[nodiscard]] std::pair<std::vector<Address>, std::vector<Hash32>> followed() const;
    [[nodiscard]] bool is_ours(const NodeLog& log) const;
    Task<Result<std::vector<BlockData>>> prove_by_accumulator(
        Readers& readers, std::vector<KnownBlock> blocks, Accumulators before
    );
    Task<Result<std::vector<BlockData>>> prove_by_receipts(
        Readers& readers, const ChainView& view, std::vector<KnownBlock> blocks, Accumulators before
    );
    Task<Result<std::vector<BlockData>>> prove_by_agreement(
        const ChainView& view, std::vector<KnownBlock> blocks, Accumulators before
    );

    // watching.cpp: what contracts that are not ours say.
    /// The blocks with their mapped events, and the balances that are read at them. `known` is
    /// whose balances are read from time to time, and grows by whom the blocks touch.
    Task<Result<std::vector<BlockData>>> add_mapped(
        std::set<Touch>* known, std::vector<BlockData> blocks, std::vector<ProvedContent> contents
    );
    Task<Result<std::vector<BlockData>>> add_mapped(
        const ChainView& view, std::vector<BlockData> blocks, std::vector<ProvedContent> contents
    );
    Task<Result<std::vector<ChainEvent>>> read_touched(Hash32 block, std::set<Touch> touched);
    /// Whose balances are read from time to time.
    [[nodiscard]] Result<std::set<Touch>> accounts_to_read(const ChainView& view) const;
    [[nodiscard]] bool is_watched(const NodeLog& log) const;
    [[nodiscard]] bool may_touch(const ProvedHeader& header) const;

    Task<Result<Accumulators>> accumulators_at(Readers& readers, const KnownBlock& block);
    Task<Result<Accumulators>> accumulators_before(
        Readers& readers, const ChainView& view, BlockRef first
    );
    /// A contract's account and slots under an agreed header. kUnable when the node cannot prove.
    Task<Result<ProvedAccount>> ask_account(
        Readers& readers, const ProvedHeader& header, Address account, std::vector<Hash32> slots
    );
    Task<rpc::RpcResult<Json>> ask_logs_of(Readers& readers, const std::vector<KnownBlock>& blocks);
    Task<Result<Amount>> native_custody_at(Hash32 block);

    // probe.cpp
    Task<Result<ChainFacts>> read_facts();
    Task<Result<void>> check_code(Hash32 block);
    Task<Result<void>> check_identity(Hash32 block);
    Task<Result<void>> check_decimals(Hash32 block);

    ChainSettings settings_;
    std::uint64_t chain_id_;
    std::unique_ptr<rpc::EndpointPool> pool_;
    Mapping mapping_;
    infra::Logger log_;
    Agreement agreement_;
    /// Oldest first.
    std::deque<Evidence> evidence_;
    /// What was refuted since the last good step, by endpoint.
    std::map<std::string, unsigned, std::less<>> doubts_;
    /// Who spoiled the last step; the next one reads elsewhere if it can.
    std::string avoid_;
    /// Ranges of several endpoints did not come out together, so each is proved by itself.
    bool proves_each_{false};
    /// Endpoints that have no eth_getProof, or none that this client can check.
    std::set<std::string, std::less<>> without_proofs_;
    /// Blocks one step asks for: halved when a node calls the range too large, slowly grown back to
    /// settings_.log_range.
    std::uint64_t range_;
    /// How much of history each endpoint is asked for at once, by its name.
    std::map<std::string, RangeSize, std::less<>> sizes_;
    /// Made once: what is followed of our own contracts.
    std::vector<Address> emitters_;
};

}  // namespace margrave::chains::evm
