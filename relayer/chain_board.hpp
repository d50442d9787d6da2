// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "core/events.hpp"
#include "infra/log.hpp"
#include "store/incidents.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace margrave::relayer {

/// How every chain stands with this daemon: followed, held (nothing is signed until it is followed
/// again or counts as dead) or halted (its finality was violated; only an operator's word ends it).
/// Watchers write it, rounds and status read it. One thread; owned by App.
class ChainBoard {
  public:
    /// `patience`: how long steps of a chain may fail before it is held. A lost agreement holds at
    /// once.
    ChainBoard(
        const std::vector<ChainId>& chains,
        std::chrono::seconds patience,
        UnixSeconds now,
        infra::Logger log
    );

    /// The stops that are on disk.
    Result<void> load(const store::Incidents& incidents);

    /// A step of the chain ended well, or with this error.
    void passed(const ChainId& chain, const chains::Agreement& agreement, UnixSeconds now);
    void failed(
        const ChainId& chain,
        const chains::Agreement& agreement,
        const std::string& reason,
        UnixSeconds now
    );
    /// Time alone holds a chain that does not answer: called at least once a second.
    void review(UnixSeconds now);

    void halt(const store::ChainStop& stop);
    /// The chain is held until a step of it ended well.
    void resume(const ChainId& chain, UnixSeconds now);

    struct Row {
        std::optional<store::ChainStop> stop;
        /// The last step that ended well; the start, or the resume, while there is none.
        UnixSeconds last_good;
        /// A step ended well since the start or the resume.
        bool seen{false};
        /// Why the agreement is lost, and the last error; empty after a good step.
        std::string lost;
        std::string error;
        /// Set while the alarm is on.
        std::optional<UnixSeconds> alarm_since;
        std::uint64_t alarms{0};
        std::uint64_t steps{0};
        std::uint64_t failures{0};
        infra::LogLimiter limiter{4, std::chrono::seconds(30)};
    };

    [[nodiscard]] const Row& row(const ChainId& chain) const;

    [[nodiscard]] bool is_halted(const ChainId& chain) const { return row(chain).stop.has_value(); }

    /// Why nothing may be signed that stands on the chain, with the time since when; empty while it
    /// is followed. A halted chain is not held.
    [[nodiscard]] std::string held(const ChainId& chain) const;
    [[nodiscard]] UnixSeconds held_since(const ChainId& chain) const;
    [[nodiscard]] std::set<ChainId> halted() const;

  private:
    Row& at(const ChainId& chain);
    void judge(const ChainId& chain, Row& row, UnixSeconds now);

    std::chrono::seconds patience_;
    infra::Logger log_;
    std::map<ChainId, Row> rows_;
};

}  // namespace margrave::relayer
