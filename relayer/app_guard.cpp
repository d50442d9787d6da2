// SPDX-License-Identifier: Apache-2.0
#include "infra/http_client.hpp"
#include "infra/timeout.hpp"
#include "infra/url.hpp"
#include "relayer/app.hpp"
#include "relayer/price_start.hpp"
#include "relayer/replay.hpp"
#include "relayer/restore.hpp"

#include <algorithm>
#include <utility>

// What the daemon compares before it signs: the published log, the registries, and the silence.
namespace margrave::relayer {

namespace {

constexpr std::chrono::milliseconds kCheckpointTimeout{10'000};
constexpr std::size_t kCheckpointBytes = 1'000'000;
constexpr std::chrono::milliseconds kAskLeast{1'000};
constexpr std::chrono::milliseconds kAskMost{10'000};
constexpr int kAsksInSilence = 8;
constexpr std::chrono::milliseconds kProbeInterval{2'000};
// At an older block, while history is read, a contract may not be there yet.
constexpr std::uint64_t kProbeAge_s = 3'600;

}  // namespace

Result<void> App::open_log() {
    const std::uint64_t before = database_->leaf_count();
    MARGRAVE_TRY(scribe_->begin(clock_.now()));
    log_.info(
        "log.opened",
        {{"entries", scribe_->leaves()},
         {"finished", scribe_->leaves() - before},
         {"round", scribe_->last().round}}
    );
    return ok();
}

Task<Result<void>> App::check_published() {
    for (const std::string& text : settings_.guard.published) {
        const auto url = infra::parse_url(text);
        if (!url) {
            co_return url.as_failure();
        }
        infra::HttpLimits limits;
        limits.body_bytes = kCheckpointBytes;
        const std::string name = "published log on " + url.value().host;
        infra::HttpClient client(executor_, name, url.value(), limits);
        std::string path = "/checkpoint";
        auto answer = co_await client.get(std::move(path), kCheckpointTimeout);
        if (!answer || answer.value().status != 200) {
            const std::string why =
                answer ? "status " + std::to_string(answer.value().status) : answer.error().detail;
            log_.warn("published.unreachable", {{"log", name}, {"reason", why}});
            if (restored_) {
                co_return fail(
                    Errc::kUnsafe,
                    "the store was restored from a backup and the " + name +
                        ", with which it must be compared, does not answer (" + why +
                        "). Nothing is signed"
                );
            }
            continue;
        }
        auto compared = scribe_->compare_published(answer.value().body, name);
        if (!compared) {
            co_return compared.as_failure();
        }
        log_.info("published.compared", {{"log", name}, {"entries", compared.value()}});
    }
    co_return ok();
}

Task<Result<void>> App::check_chains() {
    for (const auto& adapter : adapters_) {
        const ChainId chain = adapter->settings().chain;
        if (board_->is_halted(chain)) {
            continue;
        }
        auto facts = co_await adapter->probe();
        if (!facts) {
            const bool known = ledger_->chain_state(chain).final.has_value();
            const bool needed = restored_ && !options_.dry_run;
            if (facts.error().code == Errc::kWrongChain || !known || needed) {
                co_return facts.as_failure();
            }
            log_.warn("chain.unreachable", {{"chain", chain}, {"reason", facts.error()}});
            continue;
        }
        if (options_.dry_run) {
            continue;
        }
        auto on_chain = co_await adapter->latest_round();
        if (!on_chain) {
            co_return on_chain.as_failure();
        }
        const auto& [round, digest] = on_chain.value();
        auto known_round = check_registry(chain, round, digest, own_round());
        if (!known_round) {
            co_return known_round.as_failure();
        }
    }
    co_return ok();
}

std::map<ChainId, BlockRef> App::recent_heads() const {
    std::map<ChainId, BlockRef> out;
    const std::uint64_t now = clock_.now().value;
    for (const chains::ChainSettings& chain : settings_.chains) {
        const auto head = ledger_->chain_state(chain.chain).head;
        const bool held = board_->is_halted(chain.chain) || !board_->held(chain.chain).empty();
        if (head && !held && head->time.value + kProbeAge_s >= now) {
            out.emplace(chain.chain, *head);
        }
    }
    return out;
}

// Rounds do not wait for it: what a source that was not found right answers is guarded all the
// same.
Task<void> App::check_prices() {
    PriceStart start(*oracle_, logs_.logger("prices"));
    while (!stopped_by_) {
        std::map<ChainId, BlockRef> heads = recent_heads();
        const Result<bool> done = co_await start.step(std::move(heads));
        if (!done) {
            stop(done.error());
        }
        if (!done || done.value()) {
            co_return;
        }
        co_await infra::sleep_for(kProbeInterval);
    }
}

OwnRound App::own_round() const {
    return {scribe_->last().round, scribe_->last_digest()};
}

void App::begin_silence() {
    silence_.emplace(settings_.guard.silence, std::chrono::steady_clock::now(), own_round());
    if (settings_.guard.silence.count() == 0) {
        log_.warn("guard.silence_off", {{"round", own_round().round}});
        return;
    }
    log_.info(
        "guard.silence",
        {{"seconds", settings_.guard.silence.count()}, {"round", own_round().round}}
    );
}

// Asks one after the other; a chain that does not answer is not waited for, unless none does.
Task<void> App::keep_silence() {
    const auto pause = std::clamp<std::chrono::milliseconds>(
        settings_.guard.silence / kAsksInSilence, kAskLeast, kAskMost
    );
    while (!silence_->is_over()) {
        co_await infra::sleep_for(pause);
        for (const auto& adapter : adapters_) {
            board_->review(clock_.now());
            const ChainId chain = adapter->settings().chain;
            if (board_->is_halted(chain)) {
                continue;
            }
            auto told = co_await adapter->latest_round();
            if (!told) {
                continue;
            }
            const auto& [round, digest] = told.value();
            auto heard = silence_->hear(chain, round, digest, std::chrono::steady_clock::now());
            if (!heard) {
                stop(heard.error());
                co_return;
            }
        }
    }
    log_.info("guard.silence_over", {{"round", own_round().round}});
}

Result<std::string> App::compare_restored_heads() {
    MARGRAVE_TRY(const auto heads, attested_heads(*database_, settings_.genesis.network()));
    bool exact = true;
    for (const Head& head : heads) {
        exact = exact && ledger_->block_at(head.chain, head.number);
        MARGRAVE_TRY(const std::string waits, compare_head(*ledger_, head));
        if (!waits.empty()) {
            return waits;
        }
    }
    MARGRAVE_TRY(const bool opened, rounds_->open_restored());
    if (!opened) {
        return std::string("a final block that was compared with its vault, on every chain");
    }
    // Read again in runs, a ledger has not every state: then the heads must do.
    const auto replayed =
        exact ? replay_round(settings_.genesis.network(), *database_, *ledger_, RoundNum{})
              : Result<ReplayedRound>(fail(Errc::kNotFound, "the attested block lies in a run"));
    if (!replayed && replayed.error().code != Errc::kNotFound) {
        return replayed.error();
    }
    if (replayed) {
        log_.info("restored.replayed", {{"round", replayed.value().attestation.round}});
    } else {
        log_.warn("restored.not_replayed", {{"reason", replayed.error()}});
    }
    return std::string{};
}

Task<void> App::compare_restored() {
    infra::LogLimiter limiter(1, std::chrono::seconds(30));
    while (restored_ && !stopped_by_) {
        const auto waits = compare_restored_heads();
        const auto done = waits && waits.value().empty()
                              ? remove_restored_mark(settings_.data_dir / "store")
                              : Result<void>(ok());
        if (!waits || !done) {
            stop(waits ? done.error() : waits.error());
            co_return;
        }
        restored_wait_ = waits.value();
        restored_ = !restored_wait_.empty();
        if (!restored_) {
            log_.info("restored.compared", {{"round", own_round().round}});
            co_return;
        }
        if (const auto skipped = limiter.pass()) {
            log_.warn("restored.waiting", {{"for", restored_wait_}, {"skipped", *skipped}});
        }
        co_await round_due_.wait_for(kAskLeast);
    }
}

}  // namespace margrave::relayer
