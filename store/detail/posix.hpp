// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>

// The few file operations whose durability we must know exactly.
namespace margrave::store::detail {

/// "what /path: No such file or directory", with the current errno.
Error io_error(Errc code, std::string_view what, const std::filesystem::path& path);

/// Opens close-on-exec; -1 becomes kStore.
Result<int> open_file(const std::filesystem::path& path, int flags);
/// All of `bytes` at `offset`, or kStore.
Result<void> write_at(
    int fd, const std::filesystem::path& path, ByteView bytes, std::uint64_t offset
);
/// Up to `size` bytes at `offset`; fewer at the end of the file.
Result<Bytes> read_at(
    int fd, const std::filesystem::path& path, std::size_t size, std::uint64_t offset
);
Result<std::uint64_t> file_size(int fd, const std::filesystem::path& path);
Result<void> sync_data(int fd, const std::filesystem::path& path);
Result<void> truncate_file(int fd, const std::filesystem::path& path, std::uint64_t size);
/// A second name for a file; kStore when the name is taken.
Result<void> link_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Which file it is, for as long as it lives: a copy of it, and the same name made again, is
/// another one.
struct FileIdentity {
    std::uint64_t inode{0};
    /// Nanoseconds since 1970; 0 where the filesystem does not say. Inode numbers are given out
    /// again.
    std::uint64_t born_ns{0};
};

[[nodiscard]] inline bool is_same_file(const FileIdentity& a, const FileIdentity& b) {
    const bool known = a.born_ns != 0 && b.born_ns != 0;
    return a.inode == b.inode && (!known || a.born_ns == b.born_ns);
}

Result<FileIdentity> file_identity(int fd, const std::filesystem::path& path);
/// Makes a new or renamed entry of `dir` durable.
Result<void> sync_dir(const std::filesystem::path& dir);
/// flock, exclusive, without waiting. kLocked when somebody else has it.
Result<void> lock_file(int fd, const std::filesystem::path& path);
/// The process that holds a POSIX lock on the file; 0 when nobody or unknown.
pid_t lock_holder(const std::filesystem::path& path);

}  // namespace margrave::store::detail
