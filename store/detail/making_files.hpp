// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <filesystem>
#include <memory>

namespace margrave::store::detail {

/// The files of a RocksDB while it is made. RocksDB syncs each of some twenty steps, and nothing
/// needs any of them before the last: so none is synced until `finish` does it for all files once.
/// A mark beside the directory, durable before the first file and gone after the last, says that
/// what is there was never finished. From then on every sync is RocksDB's own again. One process at
/// a time makes a database; the mark is held with flock.
class MakingFiles {
  public:
    /// Whether a crash left what is in `dir` unfinished.
    static bool is_unfinished(const std::filesystem::path& dir);
    /// Makes the mark; what an earlier try left in `dir` is removed. kLocked while another process
    /// makes it, or has just made it; kCorrupt when tables are there beside the mark; kStore.
    static Result<std::unique_ptr<MakingFiles>> begin(std::filesystem::path dir);
    ~MakingFiles();
    MakingFiles(const MakingFiles&) = delete;
    MakingFiles& operator=(const MakingFiles&) = delete;

    /// For DBOptions; outlives the database.
    [[nodiscard]] rocksdb::Env* env() const { return env_.get(); }

    /// Everything in `dir` is durable when it returns. kStore: nothing may be built on it.
    Result<void> finish();

  private:
    MakingFiles(std::filesystem::path dir, int mark_fd);
    Result<void> take(bool is_new);
    Result<void> remove_unfinished();
    std::filesystem::path dir_;
    int mark_fd_{-1};
    std::shared_ptr<std::atomic<bool>> making_;
    std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace margrave::store::detail
