// SPDX-License-Identifier: Apache-2.0
#include "relayer/app.hpp"

#include "core/assert.hpp"
#include "infra/signals.hpp"
#include "infra/timeout.hpp"
#include "relayer/detail/trouble.hpp"
#include "relayer/price_check.hpp"
#include "relayer/restore.hpp"
#include "relayer/seizure_call.hpp"
#include "relayer/sender.hpp"
#include "relayer/sync.hpp"

#include <utility>

namespace margrave::relayer {

namespace {

/// An operator is to know within 30 s; a step that fails may take ten.
constexpr std::chrono::seconds kAlarmAfter{20};

/// Entries of the journal, and how often: 40 million a day, and some milliseconds a time.
constexpr std::size_t kFoldEntries = 500;
constexpr std::chrono::milliseconds kFoldInterval{1000};

}  // namespace

App::App(
    Executor executor,
    config::Settings settings,
    infra::LogSink& logs,
    const Clock& clock,
    Options options
)
    : executor_(executor),
      settings_(std::move(settings)),
      clock_(clock),
      options_(options),
      log_(logs.logger("relayer")),
      logs_(logs),
      round_due_(executor) {}

App::~App() = default;

Result<std::unique_ptr<App>> App::make(
    Executor executor,
    config::Settings settings,
    attest::SecretKey key,
    infra::LogSink& logs,
    const Clock& clock,
    Options options
) {
    std::unique_ptr<App> app(new App(executor, std::move(settings), logs, clock, options));
    MARGRAVE_TRY(app->open(std::move(key)));
    return app;
}

Result<void> App::open(attest::SecretKey key) {
    const Hash32 network = settings_.genesis.network();
    const std::filesystem::path& dir = settings_.data_dir;
    MARGRAVE_TRY(open_disk());
    MARGRAVE_TRY(database_, store::Database::open({dir / "store", network, false}));
    log_.info("store.opened", {{"found", database_->note()}});
    MARGRAVE_TRY(const auto restored, restored_mark(dir / "store"));
    restored_ = restored.has_value();
    if (restored) {
        log_.warn("store.restored", {{"from", *restored}});
    }
    ledger_ = std::make_unique<store::Ledger>(*database_);
    MARGRAVE_TRY(fold_step());
    copier_ = std::make_unique<infra::Worker>();
    MARGRAVE_TRY(define_ledgers(*ledger_, settings_));
    MARGRAVE_TRY(
        guard_, store::SigningGuard::open(settings_.guard.dir, settings_.guard.mark, network)
    );
    if (!guard_->note().empty()) {
        log_.warn("guard.mended", {{"note", guard_->note()}});
    }

    const attest::LogKey log_key = attest::derive_log_key(key);
    MARGRAVE_TRY(auto sender_key, derive_sender_key(key));
    MARGRAVE_TRY(sender_, attest::address_of(sender_key));
    signer_ = attest::make_local_signer(std::move(key));
    // Shared by the deliveries of all chains; each signs with its own nonces.
    const std::shared_ptr<attest::Signer> paying = attest::make_local_signer(std::move(sender_key));

    MARGRAVE_TRY(open_adapters());
    std::vector<chains::ChainAdapter*> targets;
    for (const auto& adapter : adapters_) {
        targets.push_back(adapter.get());
    }
    const oracle::Reach reach(call_at(), told_by(*ledger_));
    oracle_ = std::make_unique<oracle::Oracle>(settings_.oracle, reach);
    scribe_ = std::make_unique<Scribe>(Scribe::Parts{
        settings_, *database_, *guard_, *signer_, log_key, targets});
    incidents_ = std::make_unique<store::Incidents>(*database_);
    std::vector<ChainId> chains;
    for (const chains::ChainSettings& chain : settings_.chains) {
        chains.push_back(chain.chain);
    }
    board_ = std::make_unique<ChainBoard>(chains, patience(), clock_.now(), logs_.logger("chains"));
    MARGRAVE_TRY(board_->load(*incidents_));
    rounds_ = std::make_unique<Rounds>(Rounds::Parts{
        settings_,
        *ledger_,
        *database_,
        *oracle_,
        *scribe_,
        clock_,
        logs_.logger("rounds"),
        *board_,
        call_at()});
    MARGRAVE_TRY(open_reconciler(chains));
    for (const auto& adapter : adapters_) {
        add_chain(*adapter, paying);
    }
    infra::UnixServer::Handler handler = [this](std::string line) {
        return answer(std::move(line));
    };
    MARGRAVE_TRY(
        admin_,
        infra::UnixServer::listen(
            executor_, settings_.admin_socket, std::move(handler), {}, logs_.logger("admin")
        )
    );
    tasks_ = std::make_unique<infra::TaskGroup>(executor_);
    return options_.dry_run ? ok() : scribe_->load();
}

Result<void> App::open_reconciler(const std::vector<ChainId>& chains) {
    reconciler_ = std::make_unique<Reconciler>(Reconciler::Parts{
        settings_.reconciliation,
        *ledger_,
        *database_,
        *incidents_,
        options_.dry_run ? nullptr : scribe_.get(),
        *board_,
        clock_,
        logs_.logger("custody")});
    return reconciler_->load(chains);
}

Result<void> App::open_adapters() {
    for (const chains::ChainSettings& chain : settings_.chains) {
        MARGRAVE_TRY(auto adapter, chains::make_adapter(executor_, chain));
        adapters_.push_back(std::move(adapter));
        MARGRAVE_TRY(auto hints, HeadHints::make(executor_, chain, logs_.logger("chains")));
        hints_.push_back(std::move(hints));
    }
    return ok();
}

oracle::CallAt App::call_at() const {
    return [this](ChainId chain, Address to, Bytes data, Hash32 block) {
        for (const auto& adapter : adapters_) {
            if (adapter->settings().chain == chain) {
                return adapter->call_at(to, std::move(data), block);
            }
        }
        MARGRAVE_ASSERT(false);
    };
}

void App::add_chain(chains::ChainAdapter& adapter, const std::shared_ptr<attest::Signer>& paying) {
    const ChainId chain = adapter.settings().chain;
    resumed_.push_back(std::make_unique<infra::Notifier>(executor_));
    delivery_due_.push_back(std::make_unique<infra::Notifier>(executor_));
    infra::Notifier* due = delivery_due_.back().get();
    watchers_.push_back(std::make_unique<Watcher>(Watcher::Parts{
        adapter,
        *ledger_,
        logs_.logger("chains"),
        [this, due] {
            round_due_.notify();
            due->notify();
        },
        [this, chain](BlockNum at, std::optional<std::string> deficit) {
            rounds_->set_custody(chain, at, std::move(deficit));
        },
        *incidents_,
        clock_,
        nullptr,
        reconciler_.get()}));
    if (auto doubt = reconciler_->doubt(chain)) {
        rounds_->set_custody(chain, BlockNum{}, std::move(doubt));
    }
    deliveries_.push_back(std::make_unique<Delivery>(Delivery::Parts{
        adapter,
        *database_,
        *ledger_,
        sender_,
        [paying](const Hash32& digest) { return paying->sign(digest); },
        [this, &adapter](const store::Intent& intent, RoundNum round) {
            return complete_seizure(*database_, adapter, intent, round);
        },
        clock_,
        logs_.logger("delivery")}));
}

std::chrono::seconds App::patience() const {
    const auto round =
        std::chrono::duration_cast<std::chrono::seconds>(settings_.attestation_interval);
    return std::clamp<std::chrono::seconds>(round, std::chrono::seconds(1), kAlarmAfter);
}

void App::stop(Error why) {
    if (!stopped_by_) {
        log_.error("daemon.stopping", {{"reason", why}});
        stopped_by_ = std::move(why);
    }
    tasks_->cancel();
}

Result<void> App::begin_signing() {
    if (restored_) {
        MARGRAVE_TRY(scribe_->check_untold(clock_.now()));
    }
    MARGRAVE_TRY(open_log());
    // Over a restored ledger they open when it was read again (compare_restored).
    return restored_ ? ok() : rounds_->open();
}

Task<void> App::sign_rounds() {
    const auto tick = std::min<std::chrono::milliseconds>(
        settings_.attestation_interval, std::chrono::milliseconds(1000)
    );
    infra::LogLimiter limiter(1, std::chrono::seconds(30));
    co_await keep_silence();
    co_await compare_restored();
    while (!stopped_by_) {
        board_->review(clock_.now());
        if (is_disk_short()) {
            co_await round_due_.wait_for(tick);
            continue;
        }
        auto passed = co_await rounds_->pass();
        if (!passed && must_stop(passed.error().code)) {
            stop(passed.error());
            co_return;
        }
        if (!passed) {
            if (const auto skipped = limiter.pass()) {
                log_.warn("round.failed", {{"reason", passed.error()}, {"skipped", *skipped}});
            }
        }
        if (!rounds_->waiting_for().empty()) {
            if (const auto skipped = limiter.pass()) {
                log_.warn(
                    "round.waiting", {{"for", rounds_->waiting_for()}, {"skipped", *skipped}}
                );
            }
        }
        for (const auto& due : delivery_due_) {
            due->notify();
        }
        co_await round_due_.wait_for(tick);
    }
}

Task<void> App::deliver(std::size_t index) {
    Delivery& delivery = *deliveries_[index];
    const chains::ChainSettings& chain = adapters_[index]->settings();
    infra::LogLimiter limiter(1, std::chrono::seconds(30));
    while (true) {
        // Nothing is brought to a chain that is halted or dead or whose custody is in doubt, nor
        // without room to keep it.
        const bool idle = board_->is_halted(chain.chain) || rounds_->dead().contains(chain.chain) ||
                          reconciler_->doubt(chain.chain);
        if (idle || is_disk_short()) {
            co_await delivery_due_[index]->wait_for(chain.poll_interval);
            continue;
        }
        auto passed = co_await delivery.pass();
        if (!passed && must_stop(passed.error().code)) {
            stop(passed.error());
            co_return;
        }
        auto known = check_registry(chain.chain, delivery.registry_round(), Hash32{}, own_round());
        if (!known) {
            stop(known.error());
            co_return;
        }
        if (!passed) {
            if (const auto skipped = limiter.pass()) {
                log_.warn(
                    "delivery.failed",
                    {{"chain", chain.chain}, {"reason", passed.error()}, {"skipped", *skipped}}
                );
            }
        }
        co_await delivery_due_[index]->wait_for(chain.poll_interval);
    }
}

Result<void> App::fold_step() {
    auto folded = store::fold_step(*database_, kFoldEntries);
    if (!folded) {
        return fail(
            folded.error().code,
            "the ledger does not stand by its journal: " + folded.error().detail +
                ". Nothing is signed; docs/ledger.md section 15 says what to do"
        );
    }
    if (folded.value().cycles != fold_.cycles && fold_.cycles != 0) {
        log_.debug("ledger.folded", {{"cycles", folded.value().cycles}});
    }
    fold_ = folded.value();
    return ok();
}

Task<void> App::fold_journal() {
    while (!stopped_by_) {
        co_await infra::sleep_for(kFoldInterval);
        if (is_disk_short()) {
            continue;
        }
        const Result<void> held = fold_step();
        if (!held) {
            stop(held.error());
            co_return;
        }
    }
}

Task<void> App::wait_for_signal() {
    const int number = co_await infra::wait_for_shutdown_signal();
    log_.info("daemon.signal", {{"signal", number}});
    tasks_->cancel();
}

Task<Result<void>> App::run() {
    if (!options_.dry_run) {
        auto compared = co_await check_published();
        if (!compared) {
            co_return compared.as_failure();
        }
    }
    auto checked = co_await check_chains();
    if (!checked) {
        co_return checked.as_failure();
    }
    if (!options_.dry_run) {
        const auto begun = begin_signing();
        if (!begun) {
            co_return begun.as_failure();
        }
    }
    log_.info(
        "daemon.running",
        {{"chains", settings_.chains.size()},
         {"signer", signer_->address()},
         {"dry_run", options_.dry_run}}
    );
    std::vector<std::pair<std::string, Task<void>>> work;
    for (std::size_t i = 0; i < adapters_.size(); ++i) {
        work.emplace_back("follow " + adapters_[i]->settings().chain.text(), follow_chain(i));
        work.emplace_back("heads of " + adapters_[i]->settings().chain.text(), hints_[i]->run());
        if (!options_.dry_run) {
            work.emplace_back("deliver " + adapters_[i]->settings().chain.text(), deliver(i));
        }
    }
    if (!options_.dry_run) {
        begin_silence();
        work.emplace_back("rounds", sign_rounds());
    }
    work.emplace_back("prices", check_prices());
    work.emplace_back("fold", fold_journal());
    work.emplace_back("prune", prune());
    work.emplace_back("admin", admin_->run());
    work.emplace_back("signal", wait_for_signal());
    for (auto& [name, task] : work) {
        auto spawned = tasks_->spawn(std::move(name), std::move(task));
        if (!spawned) {
            break;
        }
    }
    co_await tasks_->wait();
    release_disk();
    if (stopped_by_) {
        co_return *stopped_by_;
    }
    log_.info("daemon.stopped", {{"round", scribe_->last().round}});
    co_return ok();
}

}  // namespace margrave::relayer
