// SPDX-License-Identifier: Apache-2.0
#include "relayer/sync.hpp"

#include "infra/signals.hpp"
#include "infra/timeout.hpp"
#include "relayer/detail/trouble.hpp"
#include "relayer/rate_rules.hpp"

#include <algorithm>
#include <sys/resource.h>
#include <utility>

namespace margrave::relayer {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBackoffMax{10'000};
/// Steps in a row that may fail before a sync that is to end gives up: some minutes.
constexpr std::uint64_t kErrorsMax = 20;

milliseconds backoff(milliseconds base, std::uint64_t errors) {
    milliseconds wait = base;
    for (std::uint64_t i = 1; i < errors && wait < kBackoffMax; ++i) {
        wait *= 2;
    }
    return std::min(wait, kBackoffMax);
}

struct Spent {
    milliseconds cpu{0};
    std::uint64_t peak_rss_bytes{0};
};

Spent spent_so_far() {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) != 0) {
        return {};
    }
    const auto time = [](const timeval& t) {
        return std::chrono::duration_cast<milliseconds>(
            std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec)
        );
    };
    constexpr std::uint64_t kKilobyte = 1024;
    return {
        time(usage.ru_utime) + time(usage.ru_stime),
        static_cast<std::uint64_t>(usage.ru_maxrss) * kKilobyte};
}

/// What this command needs of a chain beyond what the config's rows ask for.
Result<void> check_can_follow(const chains::ChainSettings& chain) {
    if (chain.vault.is_zero() && chain.watch.empty()) {
        return fail(
            Errc::kConfig,
            chain.chain.text() +
                " has nothing to follow: give it \"watch\", or \"contracts\" (`margrave deploy` "
                "writes them)"
        );
    }
    return ok();
}

bool is_hopeless(Errc code) {
    return must_stop(code) || code == Errc::kWrongChain || code == Errc::kConfig;
}

}  // namespace

Result<void> define_ledgers(store::Ledger& ledger, const config::Settings& settings) {
    for (const margin::AssetParameters& asset : settings.parameters.assets) {
        for (const margin::AssetOnChain& form : asset.on) {
            auto defined = ledger.define(form.asset, asset.decimals);
            // What the directory was filled with cannot change under it: the config has to.
            if (!defined && defined.error().code == Errc::kConflict) {
                return fail(Errc::kConfig, "/assets: " + defined.error().detail);
            }
            MARGRAVE_TRY(std::move(defined));
        }
    }
    return follow_rates(ledger, settings.chains);
}

/// One chain.
struct Sync::Lane {
    std::unique_ptr<chains::ChainAdapter> adapter;
    std::unique_ptr<HeadHints> hints;
    std::unique_ptr<Watcher> watcher;
    BlockNum from;
    /// Set once the head was reached.
    std::optional<milliseconds> elapsed;
    Spent spent;
};

Sync::Sync(
    Executor executor,
    config::Settings settings,
    infra::LogSink& logs,
    const Clock& clock,
    Options options
)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      logs_(logs),
      clock_(clock),
      options_(std::move(options)),
      log_(logs.logger("relayer")),
      started_(std::chrono::steady_clock::now()) {}

Sync::~Sync() = default;

Result<std::unique_ptr<Sync>> Sync::make(
    Executor executor,
    config::Settings settings,
    infra::LogSink& logs,
    const Clock& clock,
    Options options
) {
    std::unique_ptr<Sync> sync(
        new Sync(std::move(executor), std::move(settings), logs, clock, std::move(options))
    );
    MARGRAVE_TRY(sync->open());
    return sync;
}

Result<void> Sync::open() {
    for (const chains::ChainSettings& chain : settings_.chains) {
        if (!options_.chain || *options_.chain == chain.chain) {
            MARGRAVE_TRY(check_can_follow(chain));
        }
    }
    const Hash32 network = settings_.genesis.network();
    MARGRAVE_TRY(database_, store::Database::open({settings_.data_dir / "store", network, false}));
    ledger_ = std::make_unique<store::Ledger>(*database_);
    MARGRAVE_TRY(define_ledgers(*ledger_, settings_));
    incidents_ = std::make_unique<store::Incidents>(*database_);
    for (const chains::ChainSettings& chain : settings_.chains) {
        if (!options_.chain || *options_.chain == chain.chain) {
            MARGRAVE_TRY(add_chain(chain));
        }
    }
    tasks_ = std::make_unique<infra::TaskGroup>(executor_);
    return ok();
}

Result<void> Sync::add_chain(const chains::ChainSettings& chain) {
    auto lane = std::make_unique<Lane>();
    const infra::Logger log = logs_.logger("chains");
    MARGRAVE_TRY(lane->adapter, chains::make_adapter(executor_, chain, log));
    MARGRAVE_TRY(lane->hints, HeadHints::make(executor_, chain, log));
    const auto head = ledger_->chain_state(chain.chain).head;
    lane->from = head ? BlockNum(head->number.value + 1) : chain.start_block;
    lane->watcher = std::make_unique<Watcher>(Watcher::Parts{
        *lane->adapter,
        *ledger_,
        log,
        [] {},
        /*custody=*/nullptr,
        *incidents_,
        clock_,
        &worker_});
    lanes_.push_back(std::move(lane));
    return ok();
}

void Sync::stop(Error why) {
    if (!stopped_by_) {
        log_.error("sync.stopping", {{"reason", why}});
        stopped_by_ = std::move(why);
    }
    tasks_->cancel();
}

void Sync::caught_up(Lane& lane) {
    if (lane.elapsed) {
        return;
    }
    lane.elapsed =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - started_);
    lane.spent = spent_so_far();
    const Watcher::Health& health = lane.watcher->health();
    log_.info(
        "sync.caught_up",
        {{"chain", lane.adapter->settings().chain},
         {"blocks", health.blocks},
         {"events", health.events},
         {"elapsed_ms", *lane.elapsed}}
    );
    const bool all =
        std::ranges::all_of(lanes_, [](const auto& other) { return other->elapsed.has_value(); });
    if (all && options_.exit_when_caught_up) {
        tasks_->cancel();
    }
}

Task<void> Sync::follow(Lane* lane) {
    const chains::ChainSettings& chain = lane->adapter->settings();
    infra::LogLimiter limiter(1, std::chrono::seconds(30));
    while (!stopped_by_) {
        auto passed = co_await lane->watcher->pass();
        const std::uint64_t errors = lane->watcher->health().errors_in_a_row;
        if (!passed && (is_hopeless(passed.error().code) ||
                        (options_.exit_when_caught_up && errors >= kErrorsMax))) {
            stop(passed.error());
            co_return;
        }
        if (!passed) {
            if (const auto skipped = limiter.pass()) {
                log_.warn(
                    "chain.behind",
                    {{"chain", chain.chain}, {"reason", passed.error()}, {"skipped", *skipped}}
                );
            }
        }
        if (passed && passed.value()) {
            continue;
        }
        const auto head = ledger_->chain_state(chain.chain).head;
        const BlockNum latest = lane->watcher->health().lag.latest;
        // Below its start block a chain has nothing to read yet.
        const bool at_head = head ? head->number >= latest : latest < chain.start_block;
        if (passed && at_head) {
            caught_up(*lane);
            if (options_.exit_when_caught_up) {
                co_return;
            }
        }
        co_await lane->hints->wait(backoff(chain.poll_interval, errors), errors > 0);
    }
}

Task<void> Sync::wait_for_signal() {
    const int number = co_await infra::wait_for_shutdown_signal();
    log_.info("sync.signal", {{"signal", number}});
    tasks_->cancel();
}

Task<Result<void>> Sync::run() {
    std::vector<std::pair<std::string, Task<void>>> work;
    for (const auto& lane : lanes_) {
        const std::string name = lane->adapter->settings().chain.text();
        work.emplace_back("follow " + name, follow(lane.get()));
        work.emplace_back("heads of " + name, lane->hints->run());
    }
    work.emplace_back("signal", wait_for_signal());
    for (auto& [name, task] : work) {
        auto spawned = tasks_->spawn(std::move(name), std::move(task));
        if (!spawned) {
            break;
        }
    }
    co_await tasks_->wait();
    if (stopped_by_) {
        co_return *stopped_by_;
    }
    co_return ok();
}

Result<SyncReport> Sync::report(const Lane& lane) const {
    const Watcher::Health& health = lane.watcher->health();
    SyncReport out;
    out.chain = lane.adapter->settings().chain;
    const store::ChainState state = ledger_->chain_state(out.chain);
    out.head = state.head;
    out.final = state.final;
    if (health.blocks > 0) {
        out.from = lane.from;
    }
    out.blocks = health.blocks;
    out.events = health.events;
    const auto now = std::chrono::steady_clock::now() - started_;
    out.elapsed = lane.elapsed.value_or(std::chrono::duration_cast<milliseconds>(now));
    const Spent spent = lane.elapsed ? lane.spent : spent_so_far();
    out.cpu = spent.cpu;
    out.peak_rss_bytes = spent.peak_rss_bytes;
    out.unknown_assets = health.unknown_assets;
    for (const store::LedgerDefinition& ledger : ledger_->ledgers()) {
        if (ledger.asset.chain() != out.chain || !state.head) {
            continue;
        }
        MARGRAVE_TRY(auto balance, ledger_->trial_balance(ledger.id, state.head->number));
        MARGRAVE_TRY(
            const Amount held,
            add(balance.totals[store::AccountCode::kVault],
                balance.totals[store::AccountCode::kCustody])
        );
        out.totals.emplace(ledger.asset, held);
    }
    return out;
}

Result<std::vector<SyncReport>> Sync::reports() const {
    std::vector<SyncReport> out;
    for (const auto& lane : lanes_) {
        MARGRAVE_TRY(auto one, report(*lane));
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace margrave::relayer
