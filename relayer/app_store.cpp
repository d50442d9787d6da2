// SPDX-License-Identifier: Apache-2.0
#include "infra/timeout.hpp"
#include "relayer/app.hpp"
#include "relayer/detail/trouble.hpp"
#include "store/backup.hpp"
#include "store/prune.hpp"

#include <system_error>
#include <utility>

// What the daemon does for its database: copies for backups, and pruning.
namespace margrave::relayer {

namespace {

/// A pass looks at every version once, so it is not begun often; a step keeps the other tasks
/// waiting for some milliseconds.
constexpr std::chrono::milliseconds kPassEvery{3'600'000};
constexpr std::chrono::milliseconds kBetweenSteps{50};
constexpr std::chrono::milliseconds kWhileShort{10'000};
constexpr std::size_t kStepRows = 5'000;

}  // namespace

Task<Result<void>> App::copy_store() {
    if (is_disk_short()) {
        co_return fail(
            Errc::kIo,
            "the disk of " + settings_.data_dir.string() +
                " is short of space, and a copy keeps old files: make room first"
        );
    }
    const std::filesystem::path dir = settings_.data_dir / "store" / "copy";
    const store::Database& database = *database_;
    std::function<Result<void>()> work = [dir, &database]() -> Result<void> {
        std::error_code ignored;
        std::filesystem::remove_all(dir, ignored);
        return store::copy_store(database, dir);
    };
    auto copied = co_await copier_->run(std::move(work));
    log_.info("store.copied", {{"ok", copied.has_value()}});
    co_return copied;
}

Task<void> App::prune() {
    while (!stopped_by_) {
        std::uint64_t removed = 0;
        bool done = false;
        while (!done) {
            const std::chrono::milliseconds pause = is_disk_short() ? kWhileShort : kBetweenSteps;
            co_await infra::sleep_for(pause);
            if (is_disk_short()) {
                continue;
            }
            const auto wanted = store::keep_from(*database_, settings_.keep_states);
            const auto step = wanted ? store::prune_step(*database_, wanted.value(), kStepRows)
                                     : Result<store::PruneStep>(wanted.error());
            if (!step) {
                stop(step.error());
                co_return;
            }
            removed += step.value().removed;
            done = step.value().done;
        }
        if (removed > 0) {
            log_.info("store.pruned", {{"rows", removed}});
        }
        co_await infra::sleep_for(kPassEvery);
    }
}

}  // namespace margrave::relayer
