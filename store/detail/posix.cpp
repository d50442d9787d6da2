// SPDX-License-Identifier: Apache-2.0
#include "store/detail/posix.hpp"

#include "core/disk_seam.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace margrave::store::detail {

namespace {

// What a test wants to fail here.
bool fails(DiskOp op, const std::filesystem::path& path) {
    const int error = disk_fault(op, path.c_str());
    errno = error != 0 ? error : errno;
    return error != 0;
}

bool is_changing(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY;
}

}  // namespace

Error io_error(Errc code, std::string_view what, const std::filesystem::path& path) {
    const std::string why = std::generic_category().message(errno);
    return fail(code, std::string(what) + " " + path.string() + ": " + why);
}

Result<int> open_file(const std::filesystem::path& path, int flags) {
    constexpr mode_t kOwnerOnly = 0600;
    if (is_changing(flags) && fails(DiskOp::kOpen, path)) {
        return io_error(Errc::kStore, "open", path);
    }
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, kOwnerOnly);
    if (fd < 0) {
        return io_error(Errc::kStore, "open", path);
    }
    return fd;
}

Result<void> write_at(
    int fd, const std::filesystem::path& path, ByteView bytes, std::uint64_t offset
) {
    std::size_t size = bytes.size();
    const int fault = disk_fault(DiskOp::kWrite, path.c_str(), &size);
    bytes = bytes.first(size);
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return io_error(Errc::kStore, "write", path);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    if (fault != 0) {
        errno = fault;
        return io_error(Errc::kStore, "write", path);
    }
    return ok();
}

Result<Bytes> read_at(
    int fd, const std::filesystem::path& path, std::size_t size, std::uint64_t offset
) {
    Bytes out(size);
    std::size_t done = 0;
    while (done < size) {
        const ssize_t n =
            ::pread(fd, out.data() + done, size - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return io_error(Errc::kStore, "read", path);
        }
        if (n == 0) {
            break;
        }
        done += static_cast<std::size_t>(n);
    }
    out.resize(done);
    return out;
}

Result<std::uint64_t> file_size(int fd, const std::filesystem::path& path) {
    struct stat info {};

    if (::fstat(fd, &info) != 0) {
        return io_error(Errc::kStore, "stat", path);
    }
    return static_cast<std::uint64_t>(info.st_size);
}

Result<FileIdentity> file_identity(int fd, const std::filesystem::path& path) {
    constexpr std::uint64_t kNanoseconds = 1'000'000'000;

    struct statx info {};

    if (::statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) != 0) {
        return io_error(Errc::kStore, "statx", path);
    }
    FileIdentity out;
    out.inode = info.stx_ino;
    if ((info.stx_mask & STATX_BTIME) != 0U && info.stx_btime.tv_sec > 0) {
        out.born_ns = static_cast<std::uint64_t>(info.stx_btime.tv_sec) * kNanoseconds +
                      info.stx_btime.tv_nsec;
    }
    return out;
}

Result<void> sync_data(int fd, const std::filesystem::path& path) {
    if (fails(DiskOp::kSync, path) || ::fdatasync(fd) != 0) {
        return io_error(Errc::kStore, "fdatasync", path);
    }
    return ok();
}

Result<void> truncate_file(int fd, const std::filesystem::path& path, std::uint64_t size) {
    if (fails(DiskOp::kTruncate, path) || ::ftruncate(fd, static_cast<off_t>(size)) != 0) {
        return io_error(Errc::kStore, "truncate", path);
    }
    return ok();
}

Result<void> link_file(const std::filesystem::path& from, const std::filesystem::path& to) {
    if (fails(DiskOp::kRename, to) || ::link(from.c_str(), to.c_str()) != 0) {
        return io_error(Errc::kStore, "make", to);
    }
    return ok();
}

Result<void> sync_dir(const std::filesystem::path& dir) {
    const std::filesystem::path& target = dir.empty() ? std::filesystem::path(".") : dir;
    MARGRAVE_TRY(const int fd, open_file(target, O_RDONLY | O_DIRECTORY));
    const int outcome = fails(DiskOp::kSync, target) ? -1 : ::fsync(fd);
    const int error = errno;
    ::close(fd);
    if (outcome != 0) {
        errno = error;
        return io_error(Errc::kStore, "fsync", target);
    }
    return ok();
}

Result<void> lock_file(int fd, const std::filesystem::path& path) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return ok();
    }
    if (errno == EWOULDBLOCK) {
        return fail(Errc::kLocked, path.string() + " is held by another process");
    }
    return io_error(Errc::kStore, "lock", path);
}

pid_t lock_holder(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }

    struct flock query {};

    query.l_type = F_WRLCK;
    query.l_whence = SEEK_SET;
    const bool asked = ::fcntl(fd, F_GETLK, &query) == 0;
    ::close(fd);
    return asked && query.l_type != F_UNLCK ? query.l_pid : 0;
}

}  // namespace margrave::store::detail
