// SPDX-License-Identifier: Apache-2.0
#include "infra/timeout.hpp"
#include "relayer/app.hpp"
#include "relayer/detail/messages.hpp"
#include "relayer/detail/trouble.hpp"

#include <algorithm>
#include <utility>

// How the daemon follows its chains, halts one and lets it go on.
namespace margrave::relayer {

namespace {

constexpr std::chrono::milliseconds kBackoffMax{10'000};
constexpr std::chrono::milliseconds kHaltedTick{60'000};

/// Doubles with each error in a row, so that a dead chain costs little and a short outage too.
std::chrono::milliseconds backoff(std::chrono::milliseconds base, std::uint64_t errors) {
    std::chrono::milliseconds wait = base;
    for (std::uint64_t i = 1; i < errors && wait < kBackoffMax; ++i) {
        wait *= 2;
    }
    return std::min(wait, kBackoffMax);
}

}  // namespace

Result<void> App::halt(std::size_t index, const Error& why) {
    const ChainId& chain = adapters_[index]->settings().chain;
    if (board_->is_halted(chain)) {
        log_.error("chain.halted", {{"chain", chain}, {"reason", why}, {"was", "halted before"}});
        return reconciler_->give_up(chain);
    }
    store::ChainStop stop;
    stop.chain = chain;
    stop.at = clock_.now();
    stop.reason = why.detail;
    stop.final = ledger_->chain_state(chain).final;
    // A dry run writes no log; what it met it meets again at its next start.
    if (!options_.dry_run) {
        MARGRAVE_TRY(stop, scribe_->halt(std::move(stop)));
    }
    board_->halt(stop);
    log_.error(
        "chain.halted",
        {{"chain", chain},
         {"reason", stop.reason},
         {"final", stop.final ? stop.final->number.value : 0},
         {"next", "find out who changed it; then: margrave chains resume " + chain.text()}}
    );
    round_due_.notify();
    return ok();
}

Task<void> App::wait_halted(std::size_t index, infra::LogLimiter& limiter) {
    const ChainId& chain = adapters_[index]->settings().chain;
    if (const auto skipped = limiter.pass()) {
        const store::ChainStop& stop = *board_->row(chain).stop;
        log_.error(
            "chain.still_halted",
            {{"chain", chain}, {"reason", stop.reason}, {"since", stop.at}, {"skipped", *skipped}}
        );
    }
    co_await resumed_[index]->wait_for(kHaltedTick);
}

Task<void> App::follow_chain(std::size_t index) {
    Watcher& watcher = *watchers_[index];
    const chains::ChainSettings& chain = adapters_[index]->settings();
    infra::LogLimiter limiter(1, std::chrono::seconds(30));
    infra::LogLimiter halted_limiter(1, std::chrono::minutes(10));
    while (true) {
        if (board_->is_halted(chain.chain) && !reconciler_->is_watching(chain.chain)) {
            co_await wait_halted(index, halted_limiter);
            continue;
        }
        if (is_disk_short()) {
            co_await hints_[index]->wait(chain.poll_interval, /*failed=*/true);
            continue;
        }
        const bool was_held = !board_->held(chain.chain).empty();
        auto passed = co_await watcher.pass();
        watcher.report(*board_, passed);
        if (was_held && board_->held(chain.chain).empty()) {
            // Who waits for this chain, as every start does, need not wait for the next tick.
            round_due_.notify();
        }
        if (!passed && passed.error().code == Errc::kBelowFinality) {
            auto halted = halt(index, passed.error());
            if (halted) {
                continue;
            }
            passed = halted.as_failure();
        }
        if (!passed && must_stop(passed.error().code)) {
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
        const std::chrono::milliseconds wait =
            backoff(chain.poll_interval, watcher.health().errors_in_a_row);
        const bool failed = watcher.health().errors_in_a_row > 0;
        co_await hints_[index]->wait(wait, failed);
    }
}

Result<Canonical> App::resume(const Canonical& request) {
    MARGRAVE_TRY(const auto name, text_member(request, "chain"));
    MARGRAVE_TRY(const auto reason, text_member(request, "reason"));
    MARGRAVE_TRY(const auto chain, ChainId::parse(name));
    MARGRAVE_TRY(check_resume_reason(reason));
    std::size_t index = 0;
    while (index < adapters_.size() && adapters_[index]->settings().chain != chain) {
        ++index;
    }
    if (index == adapters_.size()) {
        return fail(Errc::kNotFound, "the daemon follows no chain " + chain.text());
    }
    if (options_.dry_run) {
        return fail(
            Errc::kUsage, "a dry run writes no log and resumes nothing: stop it, then resume"
        );
    }
    // An operator's word also clears sources of what they were refuted in.
    adapters_[index]->forgive();
    if (!board_->is_halted(chain)) {
        return Canonical(Canonical::Object{
            {"chain", chain.text()}, {"forgiven", true}, {"resumed", false}});
    }
    auto written = scribe_->resume(chain, reason, clock_.now());
    if (!written) {
        stop(written.error());
        return written.as_failure();
    }
    log_.warn("chain.resumed", {{"chain", chain}, {"reason", reason}});
    board_->resume(chain, clock_.now());
    resumed_[index]->notify();
    return Canonical(Canonical::Object{
        {"chain", chain.text()}, {"forgiven", true}, {"resumed", true}});
}

}  // namespace margrave::relayer
