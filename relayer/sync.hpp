// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "config/settings.hpp"
#include "core/clock.hpp"
#include "infra/log.hpp"
#include "infra/task_group.hpp"
#include "infra/worker.hpp"
#include "relayer/head_hints.hpp"
#include "relayer/watcher.hpp"
#include "store/database.hpp"
#include "store/incidents.hpp"
#include "store/ledger.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace margrave::relayer {

/// Defines a ledger for every form of every asset, and which events tell rates. kConfig when the
/// directory was filled with other decimals or rates, or before the asset was there.
Result<void> define_ledgers(store::Ledger& ledger, const config::Settings& settings);

/// What a sync did to one chain.
struct SyncReport {
    ChainId chain;
    /// The first block that this sync read; absent when there was none to read.
    std::optional<BlockNum> from;
    /// The ledger's head.
    std::optional<BlockRef> head;
    std::optional<BlockRef> final;
    /// Blocks and events of this sync.
    std::uint64_t blocks{0};
    std::uint64_t events{0};
    /// Until the chain's head was reached; of the whole process up to there: processor time and the
    /// most memory it ever held.
    std::chrono::milliseconds elapsed{0};
    std::chrono::milliseconds cpu{0};
    std::uint64_t peak_rss_bytes{0};
    /// What the contracts hold for accounts by the ledger, at its head, in base units.
    std::map<AssetId, Amount> totals;
    /// Tokens that events came for and that are no asset of the config.
    std::set<Address> unknown_assets;
};

/// Fills the ledger from the chains and signs nothing: no key, no contracts of ours, no prices.
/// Owns what it runs; everything on one executor with one thread, but for the ledger, which takes
/// runs of history on another.
class Sync {
  public:
    struct Options {
        /// Only this chain.
        std::optional<ChainId> chain;
        /// End when every chain's head was reached; else follow until a signal.
        bool exit_when_caught_up{false};
    };

    /// Opens the data directory, which the caller has locked. kConfig names what is missing of a
    /// chain before it can be followed.
    static Result<std::unique_ptr<Sync>> make(
        Executor executor,
        config::Settings settings,
        infra::LogSink& logs,
        const Clock& clock,
        Options options
    );
    ~Sync();

    /// Until all is read, a signal, or the error that stopped it. With exit_when_caught_up a chain
    /// that only fails ends it too.
    Task<Result<void>> run();

    /// One a chain, in the order of the config.
    [[nodiscard]] Result<std::vector<SyncReport>> reports() const;

  private:
    struct Lane;

    Sync(
        Executor executor,
        config::Settings settings,
        infra::LogSink& logs,
        const Clock& clock,
        Options options
    );

    Result<void> open();
    Result<void> add_chain(const chains::ChainSettings& chain);
    Task<void> follow(Lane* lane);
    Task<void> wait_for_signal();
    void caught_up(Lane& lane);
    void stop(Error why);
    [[nodiscard]] Result<SyncReport> report(const Lane& lane) const;

    Executor executor_;
    config::Settings settings_;
    infra::LogSink& logs_;
    const Clock& clock_;
    Options options_;
    infra::Logger log_;
    std::chrono::steady_clock::time_point started_;
    std::unique_ptr<store::Database> database_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::Incidents> incidents_;
    infra::Worker worker_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::unique_ptr<infra::TaskGroup> tasks_;
    std::optional<Error> stopped_by_;
};

}  // namespace margrave::relayer
