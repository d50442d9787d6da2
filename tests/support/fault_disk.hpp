// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/disk_seam.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace margrave::tests {

/// What happens to the n-th operation on the disk.
enum class DiskFault : std::uint8_t {
    kNone,
    /// Half of it is written, then EIO; once.
    kTornWrite,
    /// fsync fails with EIO; once.
    kSyncError,
    /// EIO; once, whatever the operation is.
    kIoError,
    /// ENOSPC for everything that needs room, from then on.
    kFull,
    /// EROFS for everything, from then on.
    kReadOnly,
    /// SIGKILL before it.
    kKill,
    /// SIGKILL before it, and what was not synced is gone or there in part.
    kPowerCut,
};
const char* to_string(DiskFault fault);

/// The disk of one process, below RocksDB (FaultFileSystem) and below our own files (DiskSeam).
/// Counts what changes it, in one row, and lets the n-th fail. After a power cut a file is as it
/// was at its last sync; an appended one may keep a part of what followed. Any thread.
class FaultDisk {
  public:
    /// `n` counts from 1 the operations to which the fault can happen.
    void arm(DiskFault fault, std::uint64_t n, std::uint64_t seed = 1);
    /// Whether the fault came.
    [[nodiscard]] bool hit() const;
    /// Operations so far to which the armed fault can happen; all of them while none is armed.
    [[nodiscard]] std::uint64_t count() const;
    /// Makes this disk the one below our own files.
    void install();

    /// The errno to fail with, or 0. `size` as in DiskSeam.
    int before(DiskOp op, const std::filesystem::path& path, std::size_t* size = nullptr);
    /// A file of RocksDB was opened anew, or grew; what is known of it is how much was synced.
    void started(const std::string& path);
    void synced(const std::string& path, std::uint64_t bytes);

  private:
    [[nodiscard]] bool concerns(DiskOp op) const;
    int happen(DiskOp op, std::size_t* size);
    void remember(DiskOp op, const std::filesystem::path& path);
    void cut_power();

    mutable std::mutex mutex_;
    DiskFault fault_{DiskFault::kNone};
    std::uint64_t nth_{0};
    std::uint64_t count_{0};
    std::uint64_t dice_{1};
    bool hit_{false};
    /// RocksDB's files: bytes that were synced.
    std::map<std::string, std::uint64_t> appended_;
    /// Our own: content at the last sync; nullopt when it was not there.
    std::map<std::filesystem::path, std::optional<std::string>> unsynced_;
};

}  // namespace margrave::tests
