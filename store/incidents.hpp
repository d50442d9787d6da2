// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"
#include "core/statements.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace margrave::store {

class Database;

/// An operator's word that a stopped chain may go on.
struct ChainResume {
    UnixSeconds at;
    std::string reason;
    /// Last round in the log before it.
    RoundNum after;
    bool operator==(const ChainResume&) const = default;
};

/// A chain that went back below what was final. It is written with its `halt` leaf in one synced
/// batch (Decision::stops) and stays until an operator's word ends it (Decision::resumes).
struct ChainStop {
    ChainId chain;
    /// 1, 2, ... for each chain; given by the store.
    std::uint64_t number{0};
    UnixSeconds at;
    /// What was final and what the chain says now.
    std::string reason;
    /// The ledger's final block; absent when there was none.
    std::optional<BlockRef> final;
    /// Last round in the log before it.
    RoundNum after;
    std::optional<ChainResume> resumed;
    bool operator==(const ChainStop&) const = default;

    /// Whether a round must count the chain as stopped, and whether it may. They differ for one
    /// round at each end: the one that was recorded before the stop or its end came between.
    [[nodiscard]] bool must_cover(RoundNum round) const {
        return round.value > after.value + 1 && (!resumed || round.value <= resumed->after.value);
    }

    [[nodiscard]] bool may_cover(RoundNum round) const {
        return round > after && (!resumed || round.value <= resumed->after.value + 1);
    }
};

/// What a source said that was refuted.
struct SourceEvidence {
    /// 1, 2, ... for each chain; given by the store.
    std::uint64_t number{0};
    UnixSeconds at;
    std::string endpoint;
    std::string operator_name;
    std::string kind;
    std::string detail;
    /// At most Incidents::kClaimBytes of it.
    std::string claim;
    bool operator==(const SourceEvidence&) const = default;
};

/// Blocks that were taken back.
struct ReorgRecord {
    /// 1, 2, ... for each chain; given by the store.
    std::uint64_t number{0};
    UnixSeconds at;
    /// Blocks taken back.
    std::uint64_t depth{0};
    BlockRef ancestor;
    BlockRef old_head;
    /// The head once the step that took them back was applied.
    BlockRef new_head;
    bool operator==(const ReorgRecord&) const = default;
};

/// What went wrong with each chain, kept for people: stops, refuted sources, reorgs. Reads rows of
/// Database and writes evidence and reorgs; stops are written by Database::commit. On the daemon's
/// thread, or over a database opened for reading; lives as long as Database.
class Incidents {
  public:
    /// Rows that are kept of each kind and chain; the oldest make room.
    static constexpr std::uint64_t kKept = 10'000;
    static constexpr std::size_t kClaimBytes = std::size_t{64} << 10;

    explicit Incidents(const Database& db)
        : db_(db) {}

    /// Newest first, all of them: each took an operator's word.
    [[nodiscard]] Result<std::vector<ChainStop>> stops(const ChainId& chain) const;
    /// The stop that nobody ended.
    [[nodiscard]] Result<std::optional<ChainStop>> open_stop(const ChainId& chain) const;

    /// Synced. A longer claim is cut.
    Result<void> add_evidence(const ChainId& chain, std::vector<SourceEvidence> rows);
    Result<void> add_reorg(const ChainId& chain, ReorgRecord row);

    /// Newest first.
    [[nodiscard]] Result<std::vector<SourceEvidence>> evidence(
        const ChainId& chain, std::size_t limit
    ) const;
    /// kNotFound for a number that never was or has made room.
    [[nodiscard]] Result<SourceEvidence> evidence_row(const ChainId& chain, std::uint64_t number)
        const;
    [[nodiscard]] Result<std::vector<ReorgRecord>> reorgs(const ChainId& chain, std::size_t limit)
        const;

    struct Count {
        /// Ever written, and how many of these made room.
        std::uint64_t total{0};
        std::uint64_t dropped{0};
        bool operator==(const Count&) const = default;
    };

    [[nodiscard]] Result<Count> evidence_count(const ChainId& chain) const;
    [[nodiscard]] Result<Count> reorg_count(const ChainId& chain) const;

  private:
    const Database& db_;
};

}  // namespace margrave::store
