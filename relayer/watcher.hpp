// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "core/clock.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "infra/worker.hpp"
#include "relayer/chain_board.hpp"
#include "relayer/progress.hpp"
#include "relayer/reconciler.hpp"
#include "store/incidents.hpp"
#include "store/ledger.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace margrave::relayer {

/// Follows one chain: asks the adapter for the next proved updates, applies each to the ledger in
/// one batch, compares custody at every new final block that is the chain's own latest final one,
/// so that catching up needs no node with old states. Asks again only after the ledger has what it
/// asked for, so a slow store slows the reading and nothing piles up. Long stretches of final
/// blocks are read by the adapter's read_history and applied run by run, with a line of progress
/// now and then. One instance a chain, on the daemon's thread; owned by App or Sync.
class Watcher {
  public:
    struct Parts {
        chains::ChainAdapter& adapter;
        store::Ledger& ledger;
        infra::Logger log;
        /// The head or the final block moved.
        std::function<void()> moved;
        /// Custody verdict of this chain at a final block: why nothing may stand on it, or nothing
        /// when the vault covers the ledger there. Without it custody is not asked for.
        std::function<void(BlockNum at, std::optional<std::string> deficit)> custody;
        store::Incidents& incidents;
        const Clock& clock;
        /// Where runs of history are written, so that reading goes on meanwhile. Without it, on the
        /// daemon's own thread: whoever signs wants nothing to change between two of its questions.
        infra::Worker* worker{nullptr};
        /// Takes every reading of custody and says what follows from it. Without it a reading alone
        /// is the verdict.
        Reconciler* reconciler{nullptr};
    };

    explicit Watcher(Parts parts);

    /// One step. True when something was applied, so that the next step need not wait. Errors that
    /// are the world's (timeout, rpc, unproved, unable) are for a later try; on kStore and kCorrupt
    /// the caller stops, on kBelowFinality it halts the chain. What sources were refuted in is kept
    /// whatever came out.
    Task<Result<bool>> pass();

    /// Tells the board how a step ended. One that found the node's final block below the ledger's
    /// did not end well: nothing says that what was final still is.
    void report(ChainBoard& board, const Result<bool>& passed) const;

    struct Health {
        chains::ChainLag lag;
        /// Blocks applied since the start, for rate and ETA.
        std::uint64_t blocks{0};
        std::uint64_t events{0};
        /// Tokens in events that no ledger is defined for; at most kUnknownMax are named.
        std::set<Address> unknown_assets;
        std::string last_error;
        std::uint64_t errors_in_a_row{0};
        /// Contracts and chain id were checked since the last connection error.
        bool probed{false};
    };

    [[nodiscard]] const Health& health() const { return health_; }

    static constexpr std::size_t kUnknownMax = 64;

  private:
    /// The ledger as the sink of history.
    class Intake;

    [[nodiscard]] chains::ChainView view() const;
    Task<Result<bool>> read_history(BlockNum to);
    Task<Result<void>> take_run(std::vector<BlockData> run, BlockNum to);
    Task<Result<store::ApplySummary>> write_run(std::vector<BlockData> run);
    /// What write_run left on its way becomes durable.
    Task<Result<void>> flush_runs();
    void note_applied(const store::ApplySummary& summary);
    Task<Result<bool>> step();
    Result<void> keep_evidence();
    Result<void> keep_reorg(const BlocksReverted& reverted, const BlockRef& old_head);
    Result<bool> apply(const std::vector<ChainUpdate>& updates);
    /// `taken_back`: the first revert that was applied.
    Result<void> apply_each(
        const std::vector<ChainUpdate>& updates, const BlocksReverted*& taken_back
    );
    Task<Result<void>> check_custody();
    Task<Result<void>> read_anchors(std::vector<BlockRef> blocks);
    Result<std::optional<std::string>> judge(attest::Reconciliation reading, bool anchor);
    Error remember(const Error& error);

    Parts parts_;
    Health health_;
    Progress progress_;
    std::optional<BlockNum> custody_checked_;
    infra::LogLimiter refuted_limiter_{4, std::chrono::seconds(30)};
    /// Something was applied that `moved` does not know of yet.
    bool untold_{false};
};

}  // namespace margrave::relayer
