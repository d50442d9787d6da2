// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/keys.hpp"
#include "chains/adapter.hpp"
#include "config/settings.hpp"
#include "core/clock.hpp"
#include "infra/disk_watch.hpp"
#include "infra/log.hpp"
#include "infra/notifier.hpp"
#include "infra/task_group.hpp"
#include "infra/unix_server.hpp"
#include "infra/worker.hpp"
#include "oracle/oracle.hpp"
#include "relayer/chain_board.hpp"
#include "relayer/delivery.hpp"
#include "relayer/head_hints.hpp"
#include "relayer/rounds.hpp"
#include "relayer/scribe.hpp"
#include "relayer/silence.hpp"
#include "relayer/watcher.hpp"
#include "store/database.hpp"
#include "store/fold.hpp"
#include "store/guard.hpp"
#include "store/incidents.hpp"
#include "store/ledger.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace margrave::relayer {

/// The whole program: builds every part, top to bottom in dependency order, and runs their tasks
/// until a signal or the first trouble that must stop it. Everything lives on one executor with one
/// thread.
class App {
  public:
    struct Options {
        /// Watch and compute, sign and send nothing.
        bool dry_run{false};
    };

    /// Opens the data directory and builds the parts. Errors are those of the parts.
    static Result<std::unique_ptr<App>> make(
        Executor executor,
        config::Settings settings,
        attest::SecretKey key,
        infra::LogSink& logs,
        const Clock& clock,
        Options options
    );
    ~App();

    /// Until SIGINT or SIGTERM (ok) or the error that stopped it.
    Task<Result<void>> run();

    /// What `margrave status --output json` prints; docs/operating.md lists the fields.
    [[nodiscard]] std::string status_json() const;

  private:
    App(Executor executor,
        config::Settings settings,
        infra::LogSink& logs,
        const Clock& clock,
        Options options);

    Result<void> open(attest::SecretKey key);
    Result<void> open_adapters();
    /// Opens the scribe, which finishes what a crash interrupted.
    Result<void> open_log();
    /// kLimit when a disk has less room than its reserve: nothing is opened then.
    Result<void> open_disk();
    /// Whether work must wait for room; says so now and then.
    bool is_disk_short();
    /// At the end, when it is short: the ballast makes room to close everything in order.
    void release_disk();
    Result<void> open_reconciler(const std::vector<ChainId>& chains);
    [[nodiscard]] oracle::CallAt call_at() const;
    /// How long steps of a chain may fail before it is held: a round, and at most what an alarm may
    /// take.
    [[nodiscard]] std::chrono::seconds patience() const;
    /// Halts a chain durably; an error stops the daemon.
    Result<void> halt(std::size_t index, const Error& why);
    /// While the chain is halted: says so now and then, until an operator's word.
    Task<void> wait_halted(std::size_t index, infra::LogLimiter& limiter);
    void add_chain(chains::ChainAdapter& adapter, const std::shared_ptr<attest::Signer>& paying);
    [[nodiscard]] OwnRound own_round() const;
    /// kUnsafe when what was published elsewhere is not a part of this log. What does not answer is
    /// passed over, unless the store was restored.
    Task<Result<void>> check_published();
    /// kUnsafe when a registry is ahead of what this data directory signed, or when the store was
    /// restored and one does not answer.
    Task<Result<void>> check_chains();
    /// Finishes what a crash interrupted, and publishes.
    Result<void> begin_signing();
    void begin_silence();
    /// Ends when the silence is over, or with what stops the daemon.
    Task<void> keep_silence();
    /// Of a restored store: ends when every chain was read again as far as it was attested and gave
    /// the same, or with what stops the daemon.
    Task<void> compare_restored();
    /// What is still waited for; empty when all was compared and rounds may be signed.
    Result<std::string> compare_restored_heads();
    /// Removes states that are older than the config wants to keep, in small steps.
    Task<void> prune();
    /// Makes a copy of the store beside it, for a backup.
    Task<Result<void>> copy_store();
    /// How it stands, for people.
    [[nodiscard]] std::string silence_words() const;
    Task<void> follow_chain(std::size_t index);
    Task<void> sign_rounds();
    Task<void> check_prices();
    /// Of the chains that can be asked, those that are not far behind.
    [[nodiscard]] std::map<ChainId, BlockRef> recent_heads() const;
    Task<void> deliver(std::size_t index);
    /// Holds the journal against the balances, a little at a time, and stops the daemon when they
    /// differ.
    Task<void> fold_journal();
    Result<void> fold_step();
    Task<void> wait_for_signal();
    Task<std::string> answer(std::string request);
    [[nodiscard]] Canonical chain_row(std::size_t index) const;
    Result<Canonical> resume(const Canonical& request);
    /// Keeps the first reason and ends every task.
    void stop(Error why);

    Executor executor_;
    config::Settings settings_;
    const Clock& clock_;
    Options options_;
    infra::Logger log_;
    infra::LogSink& logs_;
    std::unique_ptr<infra::DiskWatch> disk_;
    infra::LogLimiter disk_limiter_{1, std::chrono::seconds(30)};
    /// Why work waits for room; empty while it does not.
    std::string disk_shortage_;
    std::unique_ptr<store::Database> database_;
    std::unique_ptr<store::Ledger> ledger_;
    /// Copies the database, while the rest goes on.
    std::unique_ptr<infra::Worker> copier_;
    std::unique_ptr<store::SigningGuard> guard_;
    std::unique_ptr<attest::Signer> signer_;
    /// Who pays for transactions.
    Address sender_;
    std::vector<std::unique_ptr<chains::ChainAdapter>> adapters_;
    std::unique_ptr<oracle::Oracle> oracle_;
    std::unique_ptr<Scribe> scribe_;
    std::unique_ptr<store::Incidents> incidents_;
    std::unique_ptr<ChainBoard> board_;
    std::unique_ptr<Rounds> rounds_;
    std::unique_ptr<Reconciler> reconciler_;
    std::vector<std::unique_ptr<Watcher>> watchers_;
    std::vector<std::unique_ptr<Delivery>> deliveries_;
    /// Of each chain, in the order of the adapters.
    std::vector<std::unique_ptr<HeadHints>> hints_;
    std::unique_ptr<infra::UnixServer> admin_;
    infra::Notifier round_due_;
    std::vector<std::unique_ptr<infra::Notifier>> delivery_due_;
    /// An operator said that a halted chain may go on.
    std::vector<std::unique_ptr<infra::Notifier>> resumed_;
    std::unique_ptr<infra::TaskGroup> tasks_;
    /// From the start of signing on; absent in a dry run.
    std::optional<Silence> silence_;
    /// The store came out of a backup and was not compared yet.
    bool restored_{false};
    /// What that comparison waits for, for people.
    std::string restored_wait_;
    std::optional<Error> stopped_by_;
    store::FoldProgress fold_;
};

}  // namespace margrave::relayer
