// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/detail/history.hpp"

#include "chains/evm/adapter.hpp"
#include "core/assert.hpp"
#include "infra/task_group.hpp"

#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

// How long stretches of final blocks are read (docs/chain-data.md section 5): lanes ask for ranges,
// one task takes what they bring in order and folds it, and one waits for the ledger, so that the
// next run grows while the last one is written.
namespace margrave::chains::evm {
namespace {

using std::chrono::milliseconds;

/// Ranges under way at one endpoint, and at all of them together. One turn of an endpoint is always
/// left to whoever follows the head.
constexpr std::size_t kLanesOfNode = 3;
constexpr std::size_t kLanesMax = 6;
/// What one run holds before it is handed on.
constexpr std::size_t kRunEvents = 65'536;
constexpr std::size_t kRunBlocks = 16'384;
/// The first is small and each holds four times what the one before did, so that the ledger gets to
/// work soon and stays at it while the next one is read.
constexpr std::size_t kFirstRunEvents = 4'096;
constexpr std::size_t kRunGrowth = 4;
/// A range of so many events gets a proof of its own, so that what several lanes bring without one
/// is no more than another run.
constexpr std::size_t kOwnProofEvents = 8'192;
/// And how long its first block waits at most: what a crash costs.
constexpr milliseconds kRunAge{2000};
/// After which a task that waits looks by itself.
constexpr milliseconds kLook{500};

// In memory: a log with its topics and data; a block.
constexpr std::size_t kLogWeight = 400;
constexpr std::size_t kBlockWeight = 120;

std::size_t lanes_for(const RateSettings& rate) {
    // A few requests a second need no second lane, and leave room for the head.
    constexpr std::uint64_t kFew = 50;
    const bool slow = rate.per_second > 0 && rate.per_second < kFew;
    const std::size_t turns = rate.concurrency > 1 ? rate.concurrency - 1 : 1;
    return slow ? 1 : std::min<std::size_t>(kLanesOfNode, turns);
}

}  // namespace

// One endpoint of each operator; those that may be asked now, if there are any, and not the one
// that was refuted last, unless it is the only one.
std::vector<rpc::Endpoint*> EvmAdapter::history_nodes() const {
    std::vector<Node*> out = pool_->one_per_operator();
    const auto keep = [&out](const auto& good) {
        if (std::ranges::any_of(out, good)) {
            std::erase_if(out, [&good](const Node* node) { return !good(node); });
        }
    };
    keep([](const Node* node) { return node->is_ready(); });
    keep([this](const Node* node) { return node->name() != avoid_; });
    return out;
}

Task<Result<void>> EvmAdapter::read_history(
    HistorySink& sink, BlockNum to, std::chrono::milliseconds time
) {
    co_await dial(kDialInterval);
    const ChainView view = sink.view();
    const BlockNum from = view.head ? BlockNum(view.head->number.value + 1) : settings_.start_block;
    if (from > to) {
        co_return ok();
    }
    const std::vector<Node*> nodes = history_nodes();
    if (nodes.empty()) {
        auto begun = co_await begin();
        co_return begun ? fail(Errc::kUnable, settings_.chain.text() + ": nobody may be asked")
                        : Error(begun.error());
    }
    Executor executor = co_await boost::asio::this_coro::executor;
    const BlockRange range{from, to};
    History history(executor, &sink, range, time);
    history.last = view.head;
    history.run_size = kFirstRunEvents;
    history.claim_size = kFirstRunEvents;
    for (Node* node : nodes) {
        const std::size_t lanes = lanes_for(node->settings().rate);
        for (std::size_t i = 0; i < lanes && history.nodes.size() < kLanesMax; ++i) {
            history.nodes.push_back(node);
            history.room.push_back(std::make_unique<infra::Notifier>(executor));
        }
    }
    history.running = history.nodes.size();
    std::vector<Task<void>> tasks;
    tasks.push_back(deliver_history(&history));
    tasks.push_back(write_history(&history));
    for (std::size_t lane = 0; lane < history.nodes.size(); ++lane) {
        tasks.push_back(history_lane(&history, lane));
    }
    co_await infra::wait_all(std::move(tasks));
    if (history.failed) {
        co_return std::move(*history.failed);
    }
    if (history.gave_up && !history.is_complete() && !history.until.passed()) {
        co_return std::move(*history.gave_up);
    }
    for (const Node* node : nodes) {
        doubts_.erase(node->name());
    }
    avoid_.clear();
    proves_each_ = false;
    co_return ok();
}

Task<void> EvmAdapter::history_lane(History* history, std::size_t lane) {
    co_await run_lane(history, lane);
    --history->running;
    history->arrived.notify();
    history->wake_lanes();
}

Task<void> EvmAdapter::run_lane(History* history, std::size_t lane) {
    Node& node = *history->nodes[lane];
    while (!history->is_stopping()) {
        const auto lowest = history->plan.lowest();
        if (!lowest || !history->backlog.has_room(*lowest)) {
            co_await history->room[lane]->wait_for(kLook);
            continue;
        }
        std::uint64_t blocks = size_of(node).blocks();
        if (settings_.proof == ProofMode::kAgreement) {
            for (const Node* other : history->nodes) {
                blocks = std::min(blocks, size_of(*other).blocks());
            }
        }
        const BlockRange range = *history->plan.take(blocks);
        auto brought = co_await bring(node, range, history);
        if (const auto* trouble = std::get_if<Setback>(&brought)) {
            history->plan.give_back(range);
            history->wake_lanes();
            if (trouble->cure == Setback::Cure::kSmaller) {
                continue;
            }
            history->gave_up = trouble->error;
            if (trouble->cure == Setback::Cure::kNone) {
                history->failed = trouble->error;
            }
            co_return;
        }
        HistoryPart& part = std::get<HistoryPart>(brought);
        const BlockRange covered{range.from, part.blocks.back().number};
        if (covered.to < range.to) {
            history->plan.give_back({BlockNum(covered.to.value + 1), range.to});
            history->wake_lanes();
        }
        const std::size_t events = part.events();
        size_of(node).answered(covered.blocks(), part.bytes, events);
        const std::size_t weight = events * kLogWeight + part.blocks.size() * kBlockWeight;
        history->backlog.put(covered, std::move(part), weight, events);
        history->arrived.notify();
    }
}

// Hands the run on, which then is no longer here, as soon as the one before it is written.
Task<void> EvmAdapter::hand_on(History* history) {
    if (history->run.empty()) {
        co_return;
    }
    while (history->outgoing && !history->refused) {
        co_await history->written.wait_for(kLook);
    }
    if (history->refused) {
        co_return;
    }
    history->run_events = 0;
    history->run_due.reset();
    history->outgoing = std::exchange(history->run, {});
    history->run_size = std::min(kRunGrowth * history->run_size, kRunEvents);
    history->handed.notify();
}

Task<void> EvmAdapter::write_history(History* history) {
    while (!history->refused) {
        if (history->outgoing) {
            std::vector<BlockData> run = std::move(*history->outgoing);
            auto taken = co_await history->sink->take(std::move(run));
            history->refused = taken.has_error();
            keep_failure(history, std::move(taken));
            history->outgoing.reset();
            history->written.notify();
        } else if (history->ended) {
            break;
        } else {
            co_await history->handed.wait_for(kLook);
        }
    }
    history->written.notify();
    history->arrived.notify();
    history->wake_lanes();
}

Task<void> EvmAdapter::deliver_history(History* history) {
    while (!history->failed && !history->is_complete()) {
        std::optional<HistoryPart> part = history->backlog.pop();
        const bool due = history->run_due && history->run_due->passed();
        if (!part && due) {
            co_await hand_on(history);
        } else if (!part && history->running == 0) {
            break;
        } else if (!part) {
            co_await history->arrived.wait_for(kLook);
        } else {
            history->wake_lanes();
            auto delivered = co_await deliver_part(history, std::move(*part));
            keep_failure(history, std::move(delivered));
        }
    }
    // What is proved is worth keeping, whatever came after it.
    co_await hand_on(history);
    history->ended = true;
    history->handed.notify();
    history->wake_lanes();
}

// The first one: what comes after it follows from it.
void EvmAdapter::keep_failure(History* history, Result<void> done) {
    if (!done && !history->failed) {
        history->failed = done.error();
    }
}

Task<Result<void>> EvmAdapter::begin_delivery(History* history, const HistoryPart& part) {
    const ChainView view = history->sink->view();
    Readers readers(*part.node);
    auto before = co_await accumulators_before(readers, view, part.blocks.front());
    if (!before) {
        co_return before.as_failure();
    }
    auto known = accounts_to_read(view);
    if (!known) {
        co_return known.as_failure();
    }
    history->before = before.value();
    history->known = std::move(known).value();
    history->begun = true;
    co_return ok();
}

Task<Result<void>> EvmAdapter::deliver_part(History* history, HistoryPart part) {
    if (!history->begun) {
        auto begun = co_await begin_delivery(history, part);
        if (!begun) {
            co_return begun.as_failure();
        }
    }
    // Both ends are agreed, so a gap is no lie of who brought it: the chain moved.
    auto linked = check_links(history->last, part.blocks);
    if (!linked) {
        co_return fail(Errc::kReorg, settings_.chain.text() + ": " + linked.error().detail);
    }
    for (const ProvedContent& content : part.contents) {
        std::ranges::copy_if(content.logs, std::back_inserter(part.logs), [&](const NodeLog& log) {
            return is_ours(log);
        });
    }
    auto proved = prove_events(settings_, part.blocks, part.logs, history->before, part.claimed);
    if (!proved) {
        co_return unproved_part(history, *part.node, proved.error());
    }
    auto blocks =
        co_await add_mapped(&history->known, std::move(proved).value(), std::move(part.contents));
    if (!blocks) {
        co_return blocks.as_failure();
    }
    history->last = part.blocks.back();
    history->before = {blocks.value().back().vault, blocks.value().back().positions};
    history->waiting.push_back(std::move(blocks).value());
    history->waiting_for.insert(part.node);
    if (settings_.proof == ProofMode::kAccumulator && !part.claimed) {
        co_return ok();
    }
    history->waiting_for.clear();
    std::vector<std::vector<BlockData>> whole = std::exchange(history->waiting, {});
    for (std::vector<BlockData>& stretch : whole) {
        co_await add_to_run(history, std::move(stretch));
    }
    co_return ok();
}

// Before the proof nobody knows which of several endpoints it was, and an honest one must not be
// named: the next reading proves each range by itself.
Error EvmAdapter::unproved_part(History* history, const Node& node, const Error& error) {
    history->waiting_for.insert(&node);
    if (history->waiting_for.size() == 1 || error.code != Errc::kUnproved) {
        return refuted(node, "logs", error);
    }
    proves_each_ = true;
    return fail(
        Errc::kUnable, error.detail + "; each range is proved by itself now, to find who lied"
    );
}

// Whether the range that was brought last gets a proof of the accumulators at its end.
bool EvmAdapter::History::claims(const HistoryPart& part, bool proves_each) {
    unclaimed += part.logs.size();
    const bool is_due = proves_each || part.blocks.back().number == all.to ||
                        part.logs.size() >= kOwnProofEvents || unclaimed >= claim_size ||
                        claim_due.passed();
    if (is_due) {
        unclaimed = 0;
        claim_size = std::min(kRunGrowth * claim_size, kRunEvents);
        claim_due = infra::Deadline::after(kClaimAge);
    }
    return is_due;
}

Task<void> EvmAdapter::add_to_run(History* history, std::vector<BlockData> blocks) {
    std::size_t events = 0;
    for (const BlockData& block : blocks) {
        events += block.events.size();
    }
    if (history->run_events + events > kRunEvents) {
        co_await hand_on(history);
    }
    history->run_events += events;
    std::ranges::move(blocks, std::back_inserter(history->run));
    if (!history->run_due) {
        history->run_due = infra::Deadline::after(kRunAge);
    }
    const bool is_full = history->run_events >= history->run_size ||
                         history->run.size() >= kRunBlocks || history->run_due->passed();
    if (is_full) {
        co_await hand_on(history);
    }
}

}  // namespace margrave::chains::evm
