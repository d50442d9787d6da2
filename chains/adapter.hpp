// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/settings.hpp"
#include "chains/sources.hpp"
#include "core/events.hpp"
#include "core/statements.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace margrave::chains {

/// What the ledger already knows of one chain; the adapter keeps no durable state of its own.
struct ChainView {
    /// Last applied block. Absent before the first.
    std::optional<BlockRef> head;
    std::optional<BlockRef> final;
    Accumulator vault;
    Accumulator positions;
    /// Canonical block that was applied at a number, as far back as the ledger keeps them.
    std::function<std::optional<BlockRef>(BlockNum)> block_at;
    /// Accounts that a watch (by the keccak of its name) ever moved, ascending from behind `after`:
    /// whose balances are read again as blocks go by. Absent where nothing is watched.
    using MappedPlace = std::pair<Hash32, AccountId>;
    std::function<Result<std::vector<MappedPlace>>(
        const std::optional<MappedPlace>& after, std::size_t limit
    )>
        mapped_accounts;
    /// Whoever asks reads long stretches of final blocks by read_history.
    bool takes_history{false};
};

/// What a node says of itself and of the configured contracts, all checked.
struct ChainFacts {
    std::string client_version;
    BlockRef genesis;
    BlockRef latest;
    BlockRef final;
};

/// Where long stretches of final blocks go. Owned by whoever awaits the reading.
class HistorySink {
  public:
    virtual ~HistorySink() = default;
    /// What is known now: what comes next stands on its head, or is the first block of all.
    virtual ChainView view() = 0;
    /// Consecutive proved blocks, final and in order, never none. The next run comes when this one
    /// is taken; what is read meanwhile waits. An error ends the reading and is what it ends with.
    virtual Task<Result<void>> take(std::vector<BlockData> run) = 0;
};

/// Progress of one `next` call, for logs and `status`.
struct ChainLag {
    BlockNum latest;
    BlockNum final;
};

struct Updates {
    /// In order of application. Empty when there is nothing new.
    std::vector<ChainUpdate> updates;
    ChainLag lag;
    /// There are no updates, since the blocks up to this one are final and many: read_history.
    std::optional<BlockNum> history{std::nullopt};
};

/// Whether enough operators say the same of the chain, as of the last step.
struct Agreement {
    std::uint64_t needed{1};
    std::uint64_t agreeing{0};
    /// Empty while enough agree. Else one sentence: who does not answer, who says otherwise.
    std::string lost;
};

/// What a source said that is refuted, by a proof or by enough others.
struct Evidence {
    std::string endpoint;
    std::string operator_name;
    /// "header", "receipts", "accumulator", "final-block", "chain-id", ...
    std::string kind;
    /// One sentence: what it said and what refutes it.
    std::string detail;
    /// The answer as it came, cut at kClaimMax bytes; empty when there is no single one.
    std::string claim;

    static constexpr std::size_t kClaimMax = std::size_t{64} << 10;
};

/// Fees in wei for a type 2 transaction.
struct FeeQuote {
    Amount base_fee;
    Amount priority_fee;
};

/// Where a sent transaction stands.
struct TxnStatus {
    Hash32 txn_hash;
    BlockRef block;
    bool succeeded{false};
    std::uint64_t gas_used{0};
};

/// A transaction about to be signed. Units: wei and gas.
struct TxnRequest {
    std::uint64_t nonce{0};
    Amount max_fee;
    Amount priority_fee;
    std::uint64_t gas_limit{0};
    /// Absent: contract creation.
    std::optional<Address> to;
    Amount value;
    Bytes data;
};

struct SignedTxn {
    Hash32 hash;
    Bytes raw;
};

/// One chain, whatever its family. Lives on the daemon's executor, owned by relayer/app; every
/// method that returns a Task has its own deadline from the settings and may be called again after
/// an error. A new family is one folder that implements this and one line in registry.cpp.
class ChainAdapter {
  public:
    virtual ~ChainAdapter() = default;

    [[nodiscard]] virtual const ChainSettings& settings() const = 0;

    /// That the node answers for the configured chain: chain id and genesis. What must hold before
    /// the first contract is there. kWrongChain with both ids.
    virtual Task<Result<void>> check_node() = 0;

    /// Chain id, genesis, contract code and their immutables (network, chain, token decimals)
    /// against the settings. kWrongChain names the first thing that is not as configured.
    virtual Task<Result<ChainFacts>> probe() = 0;

    /// The next proved updates after `view`: at most settings().log_range blocks. Events are
    /// folded and compared with the contracts' accumulators at the hash of the last block, so what
    /// is returned is complete. kUnproved: a node's claim did not check; nothing may be applied.
    /// kBelowFinality: the chain replaced a block that was final. kUnable: too few operators
    /// answered or agreed; nothing may be applied, and agreement() says who.
    virtual Task<Result<Updates>> next(ChainView view) = 0;

    /// The blocks from behind sink.view().head up to `to`, which are all final, with many questions
    /// under way at once; each as proved as by `next`. Ends when they are all taken, or in good
    /// order when `time` is over. The errors of `next`.
    virtual Task<Result<void>> read_history(
        HistorySink& sink, BlockNum to, std::chrono::milliseconds time
    );

    [[nodiscard]] virtual std::vector<SourceStatus> sources() const = 0;
    [[nodiscard]] virtual Agreement agreement() const = 0;
    /// What was refuted since the last call, oldest first; at most a few hundred are kept.
    virtual std::vector<Evidence> take_evidence() = 0;
    /// An operator's word that the endpoints may be believed again: no one is lying any more.
    virtual void forgive() = 0;

    /// Read-only call against the state of one block, by hash.
    virtual Task<Result<Bytes>> call_at(Address to, Bytes data, Hash32 block) = 0;
    /// What the vault holds of `token` (zero address: native coin) at a block, by hash.
    virtual Task<Result<Amount>> custody_at(Address token, Hash32 block) = 0;
    /// Latest round the chain's registry accepted, with its digest; zero when none.
    virtual Task<Result<std::pair<RoundNum, Hash32>>> latest_round() = 0;

    /// Target and call data of an instruction.
    virtual Result<std::pair<Address, Bytes>> encode(const Instruction& instruction) const = 0;
    /// Runs it as `from` at the head: the gas it needs, or kReverted with the decoded reason.
    virtual Task<Result<std::uint64_t>> simulate(
        Address from, std::optional<Address> to, Bytes data, Amount value
    ) = 0;
    virtual Task<Result<FeeQuote>> fees() = 0;
    /// Transactions of `from` that are in a block (latest), not those waiting.
    virtual Task<Result<std::uint64_t>> nonce(Address from) = 0;
    virtual Task<Result<Amount>> balance(Address of) = 0;
    virtual Result<SignedTxn> sign(const TxnRequest& request, const SignDigest& signer) const = 0;
    /// "Already known" counts as success.
    virtual Task<Result<void>> broadcast(Bytes raw) = 0;
    /// Absent while it is in no canonical block.
    virtual Task<Result<std::optional<TxnStatus>>> status(Hash32 txn_hash) = 0;
};

/// Builds the adapter of settings.chain's namespace. kConfig names the known namespaces.
/// `log` is the channel that its endpoints write to.
Result<std::unique_ptr<ChainAdapter>> make_adapter(
    Executor executor, ChainSettings settings, infra::Logger log
);
/// The same without a log.
Result<std::unique_ptr<ChainAdapter>> make_adapter(Executor executor, ChainSettings settings);

}  // namespace margrave::chains
