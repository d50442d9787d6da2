// SPDX-License-Identifier: Apache-2.0
#include "infra/files.hpp"

#include "core/bytes.hpp"
#include "core/disk_seam.hpp"
#include "infra/random.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace margrave::infra {

namespace {

class Fd {
  public:
    explicit Fd(int fd)
        : fd_(fd) {}

    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;

    ~Fd() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] int get() const { return fd_; }

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

    int release() { return std::exchange(fd_, -1); }

    /// close() itself may report a write that failed late.
    bool close_now() { return ::close(release()) == 0; }

  private:
    int fd_;
};

Error io_error(const std::string& doing, const std::filesystem::path& path, int number) {
    const Errc code = number == ENOENT ? Errc::kNotFound : Errc::kIo;
    return fail(
        code,
        "cannot " + doing + " " + path.string() + ": " +
            std::error_code(number, std::generic_category()).message()
    );
}

// What a test wants to fail here.
bool fails(DiskOp op, const std::filesystem::path& path) {
    const int error = disk_fault(op, path.c_str());
    errno = error != 0 ? error : errno;
    return error != 0;
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

// The same; a write that fails may have written a part.
bool write_or_fail(int fd, const std::filesystem::path& path, std::string_view bytes) {
    std::size_t size = bytes.size();
    const int error = disk_fault(DiskOp::kWrite, path.c_str(), &size);
    const bool written = write_all(fd, bytes.substr(0, size));
    errno = error != 0 ? error : errno;
    return written && error == 0;
}

Result<void> write_new_file(
    const std::filesystem::path& path, std::string_view bytes, unsigned mode
) {
    if (fails(DiskOp::kOpen, path)) {
        return io_error("make", path, errno);
    }
    Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file.is_open()) {
        return io_error("make", path, errno);
    }
    // The mode as asked, whatever the umask is.
    if (::fchmod(file.get(), mode) != 0 || !write_or_fail(file.get(), path, bytes)) {
        return io_error("write", path, errno);
    }
    disk_moment("file.written");
    if (fails(DiskOp::kSync, path) || ::fsync(file.get()) != 0 || !file.close_now()) {
        return io_error("write", path, errno);
    }
    disk_moment("file.synced");
    return ok();
}

std::filesystem::path dir_of(const std::filesystem::path& path) {
    const std::filesystem::path dir = path.parent_path();
    return dir.empty() ? std::filesystem::path(".") : dir;
}

/// ", held by process 123" when the file says so.
std::string holder_of(int fd) {
    std::array<char, 24> text{};
    const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
    long pid = 0;
    const char* end = text.data() + (got > 0 ? got : 0);
    const auto parsed = std::from_chars(text.data(), end, pid);
    return parsed.ec == std::errc{} ? ", held by process " + std::to_string(pid) : "";
}

}  // namespace

Result<void> sync_dir(const std::filesystem::path& path) {
    const Fd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir.is_open() || fails(DiskOp::kSync, path) || ::fsync(dir.get()) != 0) {
        return io_error("sync the directory", path, errno);
    }
    return ok();
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
    // Without O_NONBLOCK a named pipe would wait for its writer.
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

    struct stat facts {};

    if (!file.is_open() || ::fstat(file.get(), &facts) != 0) {
        return io_error("read", path, errno);
    }
    if (!S_ISREG(facts.st_mode)) {
        return fail(Errc::kIo, "cannot read " + path.string() + ": it is not a regular file");
    }
    std::string bytes;
    std::array<char, 65'536> chunk{};
    while (true) {
        const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return io_error("read", path, errno);
        }
        if (got == 0) {
            return bytes;
        }
        if (bytes.size() + static_cast<std::size_t>(got) > bytes_max) {
            return fail(
                Errc::kLimit,
                path.string() + " is larger than " + std::to_string(bytes_max) + " bytes"
            );
        }
        bytes.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

Result<void> write_file_atomic(
    const std::filesystem::path& path, std::string_view bytes, unsigned mode
) {
    std::array<std::uint8_t, 8> random{};
    random_bytes(random);
    std::filesystem::path temporary = path;
    temporary += "." + to_hex(ByteView(random)).substr(2) + ".tmp";
    const Result<void> written = write_new_file(temporary, bytes, mode);
    if (!written) {
        ::unlink(temporary.c_str());
        return written.as_failure();
    }
    if (fails(DiskOp::kRename, path) || ::rename(temporary.c_str(), path.c_str()) != 0) {
        Error error = io_error("replace", path, errno);
        ::unlink(temporary.c_str());
        return error;
    }
    disk_moment("file.renamed");
    return sync_dir(dir_of(path));
}

Result<void> make_dirs(const std::filesystem::path& path, unsigned mode) {
    std::filesystem::path made;
    for (const std::filesystem::path& part : path.lexically_normal()) {
        made /= part;
        if (::mkdir(made.c_str(), mode) == 0) {
            MARGRAVE_TRY(sync_dir(dir_of(made)));
            continue;
        }
        const int number = errno;

        struct stat facts {};

        if (::stat(made.c_str(), &facts) != 0) {
            return io_error("make the directory", made, number);
        }
        if (!S_ISDIR(facts.st_mode)) {
            return io_error("make the directory", made, ENOTDIR);
        }
    }
    return ok();
}

FileLock::FileLock(FileLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
}

FileLock::~FileLock() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Result<FileLock> lock_file(const std::filesystem::path& path) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) {
        return io_error("open", path, errno);
    }
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return io_error("lock", path, errno);
        }
        return fail(Errc::kLocked, path.string() + " is locked" + holder_of(file.get()));
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file.get(), 0) != 0 || !write_all(file.get(), pid)) {
        return io_error("write", path, errno);
    }
    return FileLock(file.release(), path);
}

}  // namespace margrave::infra
