// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "store/detail/posix.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

namespace margrave::store::detail {

/// How far an append-only history had come when somebody was last told that it is on disk.
struct Mark {
    std::uint64_t count{0};
    Hash32 hash;
    bool operator==(const Mark&) const = default;
};

/// A high-water mark beside the history it guards: a history that is shorter than its mark was cut
/// or replaced. Two slots are written in turn, each with a checksum and one fdatasync, so a crash
/// leaves the older one whole. Held with flock; one owner, one thread.
class MarkFile {
  public:
    /// kLocked when another process holds it, kCorrupt when neither slot checks, kNotFound when
    /// there is no file.
    static Result<std::unique_ptr<MarkFile>> open(const std::filesystem::path& file);
    /// kConflict when the file exists. On disk, with its directory entry, when it returns.
    static Result<std::unique_ptr<MarkFile>> create(
        const std::filesystem::path& file, const Mark& mark
    );
    /// What it says, without holding it: an owner may write it meanwhile. Errors as of `open`.
    static Result<Mark> look(const std::filesystem::path& file);
    ~MarkFile();

    MarkFile(const MarkFile&) = delete;
    MarkFile& operator=(const MarkFile&) = delete;

    [[nodiscard]] const Mark& mark() const { return mark_; }

    [[nodiscard]] Result<FileIdentity> identity() const { return file_identity(fd_, file_); }

    /// On disk when it returns. kStore: the outcome is unknown.
    Result<void> advance(const Mark& mark);
    /// Writes again what was read, where it was read. An fsync that failed before this start may
    /// have left it in memory alone; then the other slot is the only one on disk, not to be
    /// touched.
    Result<void> renew();

  private:
    MarkFile(std::filesystem::path file, int fd);
    void wrote(const Mark& mark);
    Result<void> load();

    std::filesystem::path file_;
    int fd_;
    Mark mark_;
    std::size_t next_slot_{0};
};

}  // namespace margrave::store::detail
