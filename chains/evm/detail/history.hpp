// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/adapter.hpp"
#include "chains/evm/ranges.hpp"
#include "infra/notifier.hpp"
#include "infra/timeout.hpp"

/// What history.cpp and history_ranges.cpp share.
namespace margrave::chains::evm {

struct EvmAdapter::HistoryPart {
    Node* node{nullptr};
    std::vector<BlockRef> blocks;
    /// The blocks that hold something; with the contracts' own accumulators all of it is in `logs`.
    std::vector<ProvedContent> contents;
    std::vector<NodeLog> logs;
    /// What the contracts say at its end, where that was asked for.
    std::optional<Accumulators> claimed;
    /// Of the answers, for the size of the next question.
    std::size_t bytes{0};

    [[nodiscard]] std::size_t events() const {
        std::size_t out = logs.size();
        for (const ProvedContent& content : contents) {
            out += content.logs.size() + content.txns.size();
        }
        return out;
    }
};

struct EvmAdapter::Setback {
    enum class Cure : std::uint8_t {
        kSmaller,
        /// Another endpoint may do better.
        kElsewhere,
        kNone,
    };
    Cure cure{Cure::kNone};
    Error error;
};

struct EvmAdapter::History {
    History(
        const Executor& executor,
        HistorySink* to_whom,
        BlockRange range,
        std::chrono::milliseconds time
    )
        : sink(to_whom),
          all(range),
          plan(range.from, range.to),
          backlog(range.from, BacklogLimits{}),
          arrived(executor),
          until(infra::Deadline::after(time)),
          handed(executor),
          written(executor),
          claim_due(infra::Deadline::after(kClaimAge)) {}

    /// A proof of the contracts' accumulators covers all that was brought before it. It is due with
    /// as many events as a run has, and at the latest after this time, so that what waits for it is
    /// bounded.
    static constexpr std::chrono::milliseconds kClaimAge{1000};

    [[nodiscard]] bool is_complete() const { return backlog.next() > all.to; }

    [[nodiscard]] bool is_stopping() const {
        return ended || failed.has_value() || until.passed() || is_complete();
    }

    [[nodiscard]] bool claims(const HistoryPart& part, bool proves_each);

    void wake_lanes() {
        for (const auto& notifier : room) {
            notifier->notify();
        }
    }

    HistorySink* sink;
    BlockRange all;
    RangePlan plan;
    Backlog<HistoryPart> backlog;
    infra::Notifier arrived;
    infra::Deadline until;
    /// By lane: whom it asks, and what wakes it.
    std::vector<Node*> nodes;
    std::vector<std::unique_ptr<infra::Notifier>> room;
    std::size_t running{0};
    /// Nothing more comes after what was handed on.
    bool ended{false};

    /// The run that is on its way into the sink, and what tells of its coming and of its end.
    std::optional<std::vector<BlockData>> outgoing;
    /// The sink took a run no more.
    bool refused{false};
    infra::Notifier handed;
    infra::Notifier written;
    /// Why the last lane gave up, and why nothing more can be delivered.
    std::optional<Error> gave_up;
    std::optional<Error> failed;

    // What was delivered so far: first what waits for a proof behind it, then the run that grows.
    bool begun{false};
    std::optional<BlockRef> last;
    Accumulators before;
    std::set<Touch> known;
    std::vector<std::vector<BlockData>> waiting;
    /// Who brought it.
    std::set<const Node*> waiting_for;
    /// Events that were brought since a proof was asked for, and how many and how long make the
    /// next one due.
    std::size_t unclaimed{0};
    std::size_t claim_size{0};
    infra::Deadline claim_due;
    std::vector<BlockData> run;
    std::size_t run_events{0};
    /// Events with which it is handed on.
    std::size_t run_size{0};
    std::optional<infra::Deadline> run_due;
};

}  // namespace margrave::chains::evm
