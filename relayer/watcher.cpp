// SPDX-License-Identifier: Apache-2.0
#include "relayer/watcher.hpp"

#include "relayer/custody_reading.hpp"

#include <utility>

namespace margrave::relayer {

namespace {

/// How long history is read before the heads are asked for again: whether the operators still
/// agree, and that nothing was taken back, is known as often.
constexpr std::chrono::milliseconds kHistoryTime{5000};

}  // namespace

class Watcher::Intake final : public chains::HistorySink {
  public:
    Intake(Watcher& watcher, BlockNum to)
        : watcher_(watcher),
          to_(to) {}

    chains::ChainView view() override { return watcher_.view(); }

    Task<Result<void>> take(std::vector<BlockData> run) override {
        taken_ = true;
        auto taken = co_await watcher_.take_run(std::move(run), to_);
        co_return taken;
    }

    [[nodiscard]] bool has_taken() const { return taken_; }

  private:
    Watcher& watcher_;
    BlockNum to_;
    bool taken_{false};
};

Watcher::Watcher(Parts parts)
    : parts_(std::move(parts)),
      progress_(parts_.adapter.settings().start_block) {}

chains::ChainView Watcher::view() const {
    const ChainId chain = parts_.adapter.settings().chain;
    const store::ChainState state = parts_.ledger.chain_state(chain);
    chains::ChainView view;
    view.head = state.head;
    view.final = state.final;
    view.vault = state.vault;
    view.positions = state.positions;
    view.takes_history = true;
    const store::Ledger& ledger = parts_.ledger;
    if (!parts_.adapter.settings().watch.empty()) {
        view.mapped_accounts = [&ledger, chain](const auto& after, std::size_t limit) {
            return ledger.mapped_accounts(chain, after, limit);
        };
    }
    view.block_at = [&ledger, chain](BlockNum number) {
        return ledger.block_at(chain, number);
    };
    return view;
}

Error Watcher::remember(const Error& error) {
    health_.last_error = error.detail;
    ++health_.errors_in_a_row;
    health_.probed = false;
    return error;
}

Task<Result<bool>> Watcher::pass() {
    auto done = co_await step();
    auto kept = keep_evidence();
    if (!kept) {
        co_return remember(kept.error());
    }
    co_return done;
}

void Watcher::report(ChainBoard& board, const Result<bool>& passed) const {
    const ChainId& chain = parts_.adapter.settings().chain;
    const chains::Agreement agreement = parts_.adapter.agreement();
    const UnixSeconds now = parts_.clock.now();
    if (!passed) {
        board.failed(chain, agreement, passed.error().detail, now);
        return;
    }
    const auto final = parts_.ledger.chain_state(chain).final;
    if (final && health_.lag.final < final->number) {
        board.failed(
            chain,
            agreement,
            "the final block went back from " + std::to_string(final->number.value) + " to " +
                std::to_string(health_.lag.final.value),
            now
        );
        return;
    }
    board.passed(chain, agreement, now);
}

Result<void> Watcher::keep_evidence() {
    const ChainId& chain = parts_.adapter.settings().chain;
    std::vector<store::SourceEvidence> rows;
    for (chains::Evidence& found : parts_.adapter.take_evidence()) {
        if (const auto skipped = refuted_limiter_.pass()) {
            parts_.log.warn(
                "source.refuted",
                {{"chain", chain},
                 {"endpoint", found.endpoint},
                 {"operator", found.operator_name},
                 {"kind", found.kind},
                 {"detail", found.detail},
                 {"skipped", *skipped}}
            );
        }
        store::SourceEvidence row;
        row.at = parts_.clock.now();
        row.endpoint = std::move(found.endpoint);
        row.operator_name = std::move(found.operator_name);
        row.kind = std::move(found.kind);
        row.detail = std::move(found.detail);
        row.claim = std::move(found.claim);
        rows.push_back(std::move(row));
    }
    return parts_.incidents.add_evidence(chain, std::move(rows));
}

Result<void> Watcher::keep_reorg(const BlocksReverted& reverted, const BlockRef& old_head) {
    const ChainId& chain = parts_.adapter.settings().chain;
    const auto head = parts_.ledger.chain_state(chain).head;
    store::ReorgRecord row;
    row.at = parts_.clock.now();
    row.ancestor = reverted.ancestor;
    row.old_head = old_head;
    row.new_head = head.value_or(reverted.ancestor);
    row.depth = old_head.number.value - reverted.ancestor.number.value;
    return parts_.incidents.add_reorg(chain, std::move(row));
}

Task<Result<bool>> Watcher::step() {
    if (!health_.probed) {
        auto facts = co_await parts_.adapter.probe();
        if (!facts) {
            co_return remember(facts.error());
        }
        health_.probed = true;
    }
    chains::ChainView now = view();
    auto next = co_await parts_.adapter.next(std::move(now));
    if (!next) {
        co_return remember(next.error());
    }
    health_.lag = next.value().lag;
    Result<bool> applied = false;
    if (next.value().history) {
        applied = co_await read_history(*next.value().history);
    } else {
        applied = apply(next.value().updates);
    }
    if (!applied) {
        co_return remember(applied.error());
    }
    untold_ = untold_ || applied.value();
    auto custody = co_await check_custody();
    if (!custody) {
        co_return remember(custody.error());
    }
    health_.errors_in_a_row = 0;
    health_.last_error.clear();
    if (untold_) {
        untold_ = false;
        parts_.moved();
    }
    co_return applied.value();
}

Task<Result<bool>> Watcher::read_history(BlockNum to) {
    Intake intake(*this, to);
    auto read = co_await parts_.adapter.read_history(intake, to, kHistoryTime);
    auto written = co_await flush_runs();
    if (!written) {
        co_return written.as_failure();
    }
    // What was taken counts, also when the reading ended badly.
    untold_ = untold_ || intake.has_taken();
    if (!read) {
        co_return read.as_failure();
    }
    co_return intake.has_taken();
}

Task<Result<store::ApplySummary>> Watcher::write_run(std::vector<BlockData> run) {
    BlocksFinal update{std::move(run)};
    const ChainId chain = parts_.adapter.settings().chain;
    store::Ledger& ledger = parts_.ledger;
    if (parts_.worker == nullptr) {
        co_return ledger.apply(chain, update);
    }
    // Copyable, as a std::function has to be.
    const auto shared = std::make_shared<const BlocksFinal>(std::move(update));
    std::function<Result<store::ApplySummary>()> work = [&ledger, chain, shared] {
        return ledger.fill_ahead(chain, *shared);
    };
    auto written = co_await parts_.worker->run(std::move(work));
    co_return written;
}

Task<Result<void>> Watcher::flush_runs() {
    if (parts_.worker == nullptr) {
        co_return ok();
    }
    store::Ledger& ledger = parts_.ledger;
    std::function<Result<void>()> work = [&ledger] {
        return ledger.flush();
    };
    auto flushed = co_await parts_.worker->run(std::move(work));
    co_return flushed;
}

Task<Result<void>> Watcher::take_run(std::vector<BlockData> run, BlockNum to) {
    const ChainId& chain = parts_.adapter.settings().chain;
    const BlockRef last = run.back().block;
    health_.blocks += run.size();
    // A block without events leaves nothing behind. The first links the run to the head, which need
    // not be final; the last is what the next run stands on.
    const auto is_idle = [first = run.front().block.number, &last](const BlockData& data) {
        const BlockNum number = data.block.number;
        return data.events.empty() && number != first && number != last.number;
    };
    std::erase_if(run, is_idle);
    auto summary = co_await write_run(std::move(run));
    if (!summary) {
        co_return summary.as_failure();
    }
    note_applied(summary.value());
    const auto now = std::chrono::steady_clock::now();
    if (const auto line = progress_.note(now, last.number, to, health_.events)) {
        parts_.log.info(
            "chain.history",
            {{"chain", chain},
             {"block", line->block},
             {"to", line->to},
             {"percent", line->percent},
             {"blocks_per_s", line->blocks_per_s},
             {"events_per_s", line->events_per_s},
             {"left_s", line->left ? line->left->count() : -1}}
        );
    }
    co_return ok();
}

void Watcher::note_applied(const store::ApplySummary& summary) {
    health_.events += summary.events;
    for (const Address& token : summary.unknown_assets) {
        const bool is_new = health_.unknown_assets.size() < kUnknownMax &&
                            health_.unknown_assets.insert(token).second;
        if (is_new) {
            parts_.log.warn(
                "asset.unknown",
                {{"chain", parts_.adapter.settings().chain},
                 {"token", token},
                 {"next",
                  "add it to /assets; its events count nothing until a sync into a fresh "
                  "directory"}}
            );
        }
    }
}

Result<bool> Watcher::apply(const std::vector<ChainUpdate>& updates) {
    const ChainId& chain = parts_.adapter.settings().chain;
    const std::optional<BlockRef> before = parts_.ledger.chain_state(chain).head;
    const BlocksReverted* taken_back = nullptr;
    auto applied = apply_each(updates, taken_back);
    // With the head that the step ended on, so that the record names what came in their place.
    if (taken_back != nullptr && before && before->number > taken_back->ancestor.number) {
        MARGRAVE_TRY(keep_reorg(*taken_back, *before));
    }
    MARGRAVE_TRY(std::move(applied));
    return !updates.empty();
}

Result<void> Watcher::apply_each(
    const std::vector<ChainUpdate>& updates, const BlocksReverted*& taken_back
) {
    const ChainId& chain = parts_.adapter.settings().chain;
    for (const ChainUpdate& update : updates) {
        MARGRAVE_TRY(auto summary, parts_.ledger.apply(chain, update));
        note_applied(summary);
        if (const auto* block = std::get_if<BlockApplied>(&update)) {
            ++health_.blocks;
            parts_.log.debug(
                "block.applied",
                {{"chain", chain}, {"block", block->data.block.number}, {"events", summary.events}}
            );
        } else if (const auto* filled = std::get_if<BlocksFinal>(&update)) {
            health_.blocks += filled->blocks.size();
            parts_.log.debug(
                "blocks.filled",
                {{"chain", chain}, {"blocks", filled->blocks.size()}, {"events", summary.events}}
            );
        } else if (const auto* reverted = std::get_if<BlocksReverted>(&update)) {
            taken_back = taken_back == nullptr ? reverted : taken_back;
            parts_.log.warn(
                "chain.reorg", {{"chain", chain}, {"ancestor", reverted->ancestor.number}}
            );
        }
    }
    return ok();
}

Task<Result<void>> Watcher::check_custody() {
    const ChainId chain = parts_.adapter.settings().chain;
    const store::ChainState state = parts_.ledger.chain_state(chain);
    if (!parts_.custody || !state.final || custody_checked_ == state.final->number ||
        state.final->number < health_.lag.final) {
        co_return ok();
    }
    const BlockRef final = *state.final;
    bool anchor = false;
    if (parts_.reconciler != nullptr) {
        auto due = parts_.reconciler->due(chain, final);
        if (!due) {
            co_return due.as_failure();
        }
        anchor = due.value().final;
        std::vector<BlockRef> below = std::move(due.value().below);
        auto read = co_await read_anchors(std::move(below));
        if (!read) {
            co_return read.as_failure();
        }
    }
    auto read = co_await read_custody(parts_.adapter, parts_.ledger, final);
    if (!read) {
        co_return read.as_failure();
    }
    const std::optional<Error> trouble = read.value().trouble;
    const bool known = !trouble || read.value().reading.has_deficit();
    auto doubt = judge(std::move(read.value().reading), anchor);
    if (!doubt) {
        co_return doubt.as_failure();
    }
    if (!known) {
        co_return *trouble;
    }
    custody_checked_ = final.number;
    parts_.custody(final.number, std::move(doubt).value());
    co_return ok();
}

// An anchor that no node can say anything of any more is logged as that; the final block decides
// whether the chain goes on.
Task<Result<void>> Watcher::read_anchors(std::vector<BlockRef> blocks) {
    for (const BlockRef& block : blocks) {
        auto read = co_await read_custody(parts_.adapter, parts_.ledger, block);
        if (!read) {
            co_return read.as_failure();
        }
        auto doubt = judge(std::move(read.value().reading), /*anchor=*/true);
        if (!doubt) {
            co_return doubt.as_failure();
        }
    }
    co_return ok();
}

Result<std::optional<std::string>> Watcher::judge(attest::Reconciliation reading, bool anchor) {
    if (parts_.reconciler != nullptr) {
        return parts_.reconciler->take(std::move(reading), anchor);
    }
    return reading.has_deficit() ? std::optional(reading.reason()) : std::nullopt;
}

}  // namespace margrave::relayer
