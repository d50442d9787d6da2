// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/database.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace margrave::store {

// Copies of a store (docs/ledger.md section 10). None of them has the signing guard, and none is
// signed from without the comparison that follows a restore.

/// One backup in a directory of backups.
struct BackupRow {
    std::uint32_t id{0};
    /// When it was made.
    UnixSeconds at;
    /// Of all its files; files that did not change are shared between backups.
    std::uint64_t bytes{0};
    std::uint64_t files{0};
    /// What its maker said of it.
    std::string about;
};

/// Called now and then while something long goes on, with the bytes or rows done so far. Must not
/// throw.
using OnProgress = std::function<void(std::uint64_t done)>;

/// Makes `dir` (which must not exist; its parent must) a copy of what the database holds at one
/// moment: hard links on one filesystem, so it costs a flush and little space. From any thread,
/// beside the writer. kStore.
Result<void> copy_store(const Database& db, const std::filesystem::path& dir);

/// Opens what `copy_store` or `restore_backup` made, and makes the mark that belongs to it: a copy
/// holds as many decisions as it holds. kConflict when it has a mark already.
Result<std::unique_ptr<Database>> open_copy(const DatabaseOptions& options);

/// Adds a backup to `dir` and reads all of its files again before it counts: one that does not
/// check is removed. `db` is a copy; nobody else writes it. kIo; kCorrupt.
Result<BackupRow> make_backup(
    const Database& db,
    const std::filesystem::path& dir,
    const std::string& about,
    const OnProgress& progress
);

/// Oldest first. kNotFound when there is no such directory or it holds none.
Result<std::vector<BackupRow>> list_backups(const std::filesystem::path& dir);

/// Removes all but the newest `keep` (at least 1).
Result<void> forget_backups(const std::filesystem::path& dir, std::uint32_t keep);

/// Checks every file of backup `id` against its size and checksum, then writes its database to
/// `store_dir`/db, which must be missing or empty. It has no mark yet (open_copy). kConflict when
/// something is there; kCorrupt when the backup does not check; kNotFound.
Result<void> restore_backup(
    const std::filesystem::path& dir, std::uint32_t id, const std::filesystem::path& store_dir
);

}  // namespace margrave::store
