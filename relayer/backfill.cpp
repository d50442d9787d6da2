// SPDX-License-Identifier: Apache-2.0
#include "relayer/backfill.hpp"

#include "infra/timeout.hpp"
#include "relayer/detail/trouble.hpp"
#include "store/stored_blocks.hpp"

#include <algorithm>
#include <utility>

namespace margrave::relayer {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kReadingTime{60'000};
constexpr unsigned kAttempts = 5;
/// Stored blocks that are read together.
constexpr std::size_t kPage = 256;

Error usage(std::string what) {
    return fail(Errc::kUsage, std::move(what));
}

bool reads_by_call(const chains::ChainSettings& settings) {
    return std::ranges::any_of(settings.watch, [](const chains::WatchSettings& watch) {
        return !watch.calls.empty() || watch.preset == chains::WatchPreset::kErc4626 ||
               watch.preset == chains::WatchPreset::kAaveV3Pool;
    });
}

}  // namespace

Backfill::Backfill(
    chains::ChainAdapter& adapter,
    const store::Database& database,
    const store::Ledger& ledger,
    infra::Logger log,
    std::chrono::milliseconds pause
)
    : adapter_(adapter),
      database_(database),
      ledger_(ledger),
      log_(log),
      pause_(pause) {}

Result<void> Backfill::begin(const Range& range) {
    const chains::ChainSettings& settings = adapter_.settings();
    const std::string& name = settings.chain.text();
    const store::ChainState state = ledger_.chain_state(settings.chain);
    if (!state.final) {
        return usage("the ledger holds no final block of " + name + "; margrave sync fills it");
    }
    final_ = state.final;
    const BlockNum start = settings.start_block;
    report_.from = range.from.value_or(start);
    report_.to = range.to.value_or(state.final->number);
    if (report_.from < start || report_.to > state.final->number || report_.from > report_.to) {
        return usage(
            "the ledger holds blocks " + std::to_string(start.value) + " to " +
            std::to_string(state.final->number.value) + " of " + name + " as final, not all from " +
            std::to_string(report_.from.value) + " to " + std::to_string(report_.to.value)
        );
    }
    if (report_.from > start && reads_by_call(settings)) {
        return usage(
            name +
            " has balances that are read by call, of every account known so far: it can "
            "only be read again from its first block, without --from"
        );
    }
    // A block that was left out has no hash here to stand on: the stretch begins a little earlier.
    while (report_.from > start) {
        const BlockNum below(report_.from.value - 1);
        head_ = ledger_.block_at(settings.chain, below);
        if (head_) {
            MARGRAVE_TRY(const auto folded, ledger_.accumulators_at(settings.chain, below));
            vault_ = folded.first;
            positions_ = folded.second;
            break;
        }
        report_.from = below;
    }
    next_page_ = report_.from;
    progress_.emplace(report_.from);
    return ok();
}

chains::ChainView Backfill::view() {
    chains::ChainView out;
    out.head = head_;
    out.final = final_;
    out.vault = vault_;
    out.positions = positions_;
    out.takes_history = true;
    return out;
}

Result<std::optional<BlockData>> Backfill::stored(BlockNum number) {
    while (!page_.empty() && page_.front().block.number < number) {
        page_.pop_front();
    }
    if (page_.empty() && next_page_ <= number) {
        const ChainId& chain = adapter_.settings().chain;
        MARGRAVE_TRY(auto page, store::stored_blocks(database_, chain, number, report_.to, kPage));
        const bool is_last = page.size() < kPage;
        next_page_ = BlockNum((is_last ? report_.to.value : page.back().block.number.value) + 1);
        std::ranges::move(page, std::back_inserter(page_));
    }
    if (page_.empty() || page_.front().block.number != number) {
        return std::optional<BlockData>{};
    }
    std::optional<BlockData> out(std::move(page_.front()));
    page_.pop_front();
    return out;
}

void Backfill::find(BlockNum block, std::string what) {
    ++report_.findings_total;
    log_.warn(
        "backfill.differs", {{"chain", adapter_.settings().chain}, {"block", block}, {"what", what}}
    );
    if (report_.findings.size() < kFindingsMax) {
        report_.findings.push_back({block, std::move(what)});
    }
}

Result<void> Backfill::compare(const BlockData& told) {
    const BlockNum number = told.block.number;
    MARGRAVE_TRY(const auto held, stored(number));
    if (!held) {
        if (!told.events.empty()) {
            find(
                number,
                "the chain has " + std::to_string(told.events.size()) +
                    " events, the ledger has no such block"
            );
        }
        return ok();
    }
    if (held->block.hash != told.block.hash) {
        find(
            number,
            "the ledger has block " + to_hex(held->block.hash) + ", the chain has " +
                to_hex(told.block.hash)
        );
    } else if (held->events.size() != told.events.size()) {
        find(
            number,
            "the ledger has " + std::to_string(held->events.size()) + " events, the chain has " +
                std::to_string(told.events.size())
        );
    } else if (held->events != told.events) {
        const auto [ours, theirs] = std::ranges::mismatch(held->events, told.events);
        find(
            number,
            "the event of log " + std::to_string(ours->log_index) + " (transaction " +
                to_hex(ours->txn_hash) + ") is not what the chain says"
        );
    } else if (held->vault != told.vault || held->positions != told.positions) {
        find(number, "the accumulators after the block are not those of the chain");
    }
    return ok();
}

Task<Result<void>> Backfill::take(std::vector<BlockData> run) {
    co_return compare_run(run);
}

Result<void> Backfill::compare_run(const std::vector<BlockData>& run) {
    for (const BlockData& told : run) {
        MARGRAVE_TRY(compare(told));
        ++report_.blocks;
        report_.events += told.events.size();
    }
    const BlockData& last = run.back();
    head_ = last.block;
    vault_ = last.vault;
    positions_ = last.positions;
    const auto now = std::chrono::steady_clock::now();
    const auto line = progress_->note(now, last.block.number, report_.to, report_.events);
    if (line) {
        log_.info(
            "backfill.progress",
            {{"chain", adapter_.settings().chain},
             {"block", line->block},
             {"to", line->to},
             {"percent", line->percent},
             {"blocks_per_s", line->blocks_per_s},
             {"events_per_s", line->events_per_s},
             {"left_s", line->left ? line->left->count() : -1}}
        );
    }
    return ok();
}

Task<Result<BackfillReport>> Backfill::run(Range range) {
    auto begun = begin(range);
    if (!begun) {
        co_return begun.as_failure();
    }
    unsigned failed = 0;
    while (!head_ || head_->number < report_.to) {
        const std::uint64_t before = report_.blocks;
        auto read = co_await adapter_.read_history(*this, report_.to, kReadingTime);
        if (read || report_.blocks > before) {
            failed = 0;
        }
        if (!read && (must_stop(read.error().code) || ++failed >= kAttempts)) {
            co_return read.as_failure();
        }
        if (!read) {
            log_.warn(
                "backfill.retry", {{"chain", adapter_.settings().chain}, {"reason", read.error()}}
            );
            co_await infra::sleep_for(pause_);
        }
    }
    co_return report_;
}

}  // namespace margrave::relayer
