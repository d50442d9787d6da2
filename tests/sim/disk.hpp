// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>

namespace margrave::tests::sim {

/// What happens at the chosen operation.
enum class DiskFault : std::uint8_t {
    /// The process dies in it: what it wrote of a write is a part, and nothing after it happens.
    kDeath,
    /// A write or fsync fails once with EIO; a part of the write may be there.
    kError,
    /// Writes fail with ENOSPC until the disk heals.
    kFull,
};

/// What the simulated process does to its disk. The functions of libc that write (open, write,
/// pwrite, fsync, fdatasync, ftruncate, rename, link, unlink, close) are those of disk.cpp in this
/// program, so that RocksDB, the signing guard, the marks and the published log all meet one disk,
/// and no part of the daemon knows of it. The bytes lie in real files, best on a tmpfs; what is
/// kept here is which of them an fsync made durable. Names (create, rename, unlink) are durable at
/// once: a journalling filesystem that orders them.
///
/// One of it a process. Operations of other threads, which are RocksDB's, obey it but are not
/// counted, so that what one thread does is the same each time.
class Disk {
  public:
    static Disk& instance();

    /// Files below `root` are the simulated disk; the calling thread is the one that is counted.
    void watch(std::filesystem::path root);
    void unwatch();

    /// The fault comes at the `after`-th operation of the counted thread on a file that is appended
    /// to or written again: write-ahead logs, guard, marks, published log. `salt` says how much of
    /// a torn write arrives. `died` is called at a death, from inside of the operation.
    void arm(
        DiskFault fault, std::uint64_t after, std::uint64_t salt, std::function<void()> died = {}
    );
    /// Nothing more happens to files: the process is dead, though its destructors still run.
    void die();
    /// A disk that works again, for the next start. What was not durable still is not.
    void heal();
    /// The power goes: of what no fsync covers, `salt` says what is left. No file may be open.
    void lose_unsynced(std::uint64_t salt);

    [[nodiscard]] bool is_armed() const;
    /// Whether the armed fault came.
    [[nodiscard]] bool has_struck() const;
    [[nodiscard]] std::uint64_t operations() const;
};

}  // namespace margrave::tests::sim
