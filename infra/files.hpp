// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace margrave::infra {

/// The whole of a regular file. kNotFound, kLimit above bytes_max, kIo else; each names the path.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max);

/// Replaces the file so that a crash leaves the old or the new bytes: a temporary file in the same
/// directory, fsync, rename, fsync of the directory. `mode` is the permission bits, e.g. 0600.
Result<void> write_file_atomic(
    const std::filesystem::path& path, std::string_view bytes, unsigned mode
);

/// Makes names that were made, renamed or removed in the directory durable.
Result<void> sync_dir(const std::filesystem::path& path);

/// The directory and its parents; what it makes has `mode`. A directory that exists is left alone.
Result<void> make_dirs(const std::filesystem::path& path, unsigned mode = 0700);

/// An exclusive advisory lock on a file, held until destruction or the end of the process. The file
/// carries the holder's process id and is never removed, so a lock cannot be lost to a new file.
class FileLock {
  public:
    FileLock(FileLock&& other) noexcept;
    FileLock& operator=(FileLock&& other) noexcept;
    ~FileLock();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    friend Result<FileLock> lock_file(const std::filesystem::path& path);

    FileLock(int fd, std::filesystem::path path)
        : fd_(fd),
          path_(std::move(path)) {}

    int fd_{-1};
    std::filesystem::path path_;
};

/// Does not wait: kLocked names the path and, when the file tells, the process that holds it.
Result<FileLock> lock_file(const std::filesystem::path& path);

}  // namespace margrave::infra
