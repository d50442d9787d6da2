// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "relayer/progress.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace margrave::relayer {

/// Something of the ledger that is not what the chain says.
struct BackfillFinding {
    BlockNum block;
    std::string what;
};

struct BackfillReport {
    BlockNum from;
    BlockNum to;
    std::uint64_t blocks{0};
    std::uint64_t events{0};
    /// The first of them; `findings_total` counts all.
    std::vector<BackfillFinding> findings;
    std::uint64_t findings_total{0};
};

/// Reads a stretch of history that the ledger holds as final again, with the full proof, and
/// compares. Writes nothing. The ledger may be that of a store opened beside a daemon.
class Backfill final : public chains::HistorySink {
  public:
    /// Blocks of the stretch; absent: from the first of the ledger, to its final block.
    struct Range {
        std::optional<BlockNum> from;
        std::optional<BlockNum> to;
    };

    static constexpr std::size_t kFindingsMax = 100;

    /// `pause`: before the sources are tried again.
    Backfill(
        chains::ChainAdapter& adapter,
        const store::Database& database,
        const store::Ledger& ledger,
        infra::Logger log,
        std::chrono::milliseconds pause = std::chrono::milliseconds(2000)
    );

    /// kUsage when the ledger does not hold the stretch as final, or cannot read it again as it was
    /// read. Errors of the sources are tried again a few times.
    Task<Result<BackfillReport>> run(Range range);

    chains::ChainView view() override;
    Task<Result<void>> take(std::vector<BlockData> run) override;

  private:
    Result<void> begin(const Range& range);
    /// The stored block at `number`; absent where the ledger left it out, having no events.
    Result<std::optional<BlockData>> stored(BlockNum number);
    Result<void> compare(const BlockData& told);
    Result<void> compare_run(const std::vector<BlockData>& run);
    void find(BlockNum block, std::string what);

    chains::ChainAdapter& adapter_;
    const store::Database& database_;
    const store::Ledger& ledger_;
    infra::Logger log_;
    std::chrono::milliseconds pause_;
    BackfillReport report_;
    /// What the reading stands on: the stored block below the stretch, then the last one compared.
    std::optional<BlockRef> head_;
    std::optional<BlockRef> final_;
    Accumulator vault_;
    Accumulator positions_;
    /// Stored blocks that were read ahead, ascending, and the first number behind them.
    std::deque<BlockData> page_;
    BlockNum next_page_;
    std::optional<Progress> progress_;
};

}  // namespace margrave::relayer
