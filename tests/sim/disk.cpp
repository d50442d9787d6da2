// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/disk.hpp"

#include "core/disk_seam.hpp"
#include "tests/sim/random.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace margrave::tests::sim {

namespace {

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// The file descriptors of one process; more than a simulation ever opens.
constexpr std::size_t kDescriptors = 4096;

/// Bytes that a write replaced and no fsync has confirmed.
struct Replaced {
    std::uint64_t offset{0};
    std::vector<char> before;
};

struct FileState {
    /// The part that survives a loss of power.
    std::uint64_t durable{0};
    /// Oldest first.
    std::vector<Replaced> replaced;
};

struct Descriptor {
    bool watched{false};
    /// Part of what faults are counted on.
    bool counted{false};
    std::uint64_t inode{0};
};

/// What an operation is to do.
struct Order {
    /// Zero: as asked.
    int error{0};
    /// Of a write: so many bytes arrive before the error.
    std::size_t part{0};
};

struct State {
    std::mutex mutex;
    std::string root;
    std::array<Descriptor, kDescriptors> open{};
    std::map<std::uint64_t, FileState> files;
    std::optional<DiskFault> fault;
    std::uint64_t left{0};
    std::uint64_t salt{0};
    std::function<void()> died;
    bool dead{false};
    bool full{false};
    bool struck{false};
    std::uint64_t operations{0};
    /// How often the power came back, and the id of the boot since.
    std::uint64_t boots{0};
    std::string boot;
};

// Never destroyed: threads of libraries close files until the process ends.
State& state() {
    static auto* const it = new State;
    return *it;
}

thread_local bool is_counted_thread = false;

bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// Tables and manifests of RocksDB are written whole and their number depends on when its own
/// threads run; everything else is the daemon's thread alone.
bool is_counted_file(std::string_view path) {
    const bool rocks = path.find("/store/db/") != std::string_view::npos;
    return !rocks || ends_with(path, ".log");
}

std::uint64_t size_of(int fd) {
    struct stat info {};

    return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

/// Under the lock; `counted` when the operation is one at which a fault may come.
Order order_for(State& s, bool counted, std::size_t bytes) {
    if (s.dead) {
        return {EIO, 0};
    }
    const bool writes = bytes > 0;
    if (counted && is_counted_thread) {
        ++s.operations;
        if (s.fault && --s.left == 0) {
            Random random(s.salt);
            const std::size_t part = writes ? random.below(bytes + 1) : 0;
            const DiskFault fault = *std::exchange(s.fault, std::nullopt);
            s.struck = true;
            s.dead = fault == DiskFault::kDeath;
            s.full = fault == DiskFault::kFull;
            if (s.dead && s.died) {
                s.died();
            }
            if (fault != DiskFault::kFull) {
                return {EIO, part};
            }
        }
    }
    return s.full && writes ? Order{ENOSPC, 0} : Order{};
}

void note_replaced(FileState& file, int fd, std::uint64_t offset, std::size_t size) {
    if (offset >= file.durable) {
        return;
    }
    Replaced old;
    old.offset = offset;
    old.before.resize(std::min<std::uint64_t>(size, file.durable - offset));
    const ssize_t got =
        ::pread(fd, old.before.data(), old.before.size(), static_cast<off_t>(offset));
    if (got > 0) {
        old.before.resize(static_cast<std::size_t>(got));
        file.replaced.push_back(std::move(old));
    }
}

/// Runs a write of `size` bytes at `offset` as the disk has it.
template <class Write>
ssize_t write_through(int fd, std::size_t size, std::uint64_t offset, const Write& write) {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    const Descriptor& descriptor = s.open[static_cast<std::size_t>(fd)];
    const Order order = order_for(s, descriptor.counted, size);
    const std::size_t arrives = order.error == 0 ? size : order.part;
    if (arrives > 0) {
        note_replaced(s.files[descriptor.inode], fd, offset, arrives);
        const ssize_t written = write(arrives);
        if (order.error == 0) {
            return written;
        }
    }
    errno = order.error;
    return order.error == 0 ? 0 : -1;
}

bool is_watched(int fd) {
    State& s = state();
    return fd >= 0 && static_cast<std::size_t>(fd) < kDescriptors &&
           s.open[static_cast<std::size_t>(fd)].watched;
}

bool is_below_root(const char* path) {
    const State& s = state();
    return !s.root.empty() && std::string_view(path).substr(0, s.root.size()) == s.root;
}

/// RocksDB's own text log, which says nothing that counts; the library aborts when it cannot be
/// written.
bool is_text_log(const char* path) {
    return std::string_view(path).find("/store/db/LOG") != std::string_view::npos;
}

int open_through(const char* path, int flags, mode_t mode) {
    static auto* const next = real<int(const char*, int, ...)>("open");
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (!writes || !is_below_root(path) || is_text_log(path)) {
        return next(path, flags, mode);
    }
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    if (s.dead && (flags & (O_CREAT | O_TRUNC)) != 0) {
        errno = EIO;
        return -1;
    }
    const int fd = next(path, flags, mode);

    struct stat info {};

    if (fd < 0 || static_cast<std::size_t>(fd) >= kDescriptors || ::fstat(fd, &info) != 0) {
        return fd;
    }
    const std::uint64_t size = static_cast<std::uint64_t>(info.st_size);
    if (size == 0 || !s.files.contains(info.st_ino)) {
        s.files[info.st_ino] = FileState{size, {}};
    }
    s.open[static_cast<std::size_t>(fd)] = {true, is_counted_file(path), info.st_ino};
    return fd;
}

/// Whoever opened a file to read it may sync what others wrote.
void note_sync_by_reader(int fd) {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);

    struct stat info {};

    if (!s.dead && ::fstat(fd, &info) == 0) {
        const auto file = s.files.find(info.st_ino);
        if (file != s.files.end()) {
            file->second = FileState{static_cast<std::uint64_t>(info.st_size), {}};
        }
    }
}

int sync_through(int fd, int (*next)(int)) {
    if (!is_watched(fd)) {
        note_sync_by_reader(fd);
        return next(fd);
    }
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    const Descriptor& descriptor = s.open[static_cast<std::size_t>(fd)];
    const Order order = order_for(s, descriptor.counted, 0);
    if (order.error != 0) {
        errno = order.error;
        return -1;
    }
    s.files[descriptor.inode] = FileState{size_of(fd), {}};
    return 0;
}

/// For what changes names: nothing once the process is dead.
bool may_rename(const char* path) {
    if (!is_below_root(path)) {
        return true;
    }
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    errno = EIO;
    return !s.dead;
}

/// The stretch of a file that no fsync covers, as it is after the power came back.
void lose_tail(const std::filesystem::path& path, const FileState& file, Random& random) {
    static auto* const open_file = real<int(const char*, int, ...)>("open");
    static auto* const close_file = real<int(int)>("close");
    static auto* const write_at = real<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
    static auto* const truncate_file = real<int(int, off_t)>("ftruncate");
    const int fd = open_file(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    for (auto old = file.replaced.rbegin(); old != file.replaced.rend(); ++old) {
        if (random.percent(50)) {
            // Nothing to be done about a failure: the file is on a tmpfs.
            (void
            )!write_at(fd, old->before.data(), old->before.size(), static_cast<off_t>(old->offset));
        }
    }
    const std::uint64_t size = size_of(fd);
    if (size > file.durable) {
        const std::uint64_t kept = random.percent(50) ? 0 : random.below(size - file.durable + 1);
        (void)!truncate_file(fd, static_cast<off_t>(file.durable + kept));
    }
    close_file(fd);
}

/// One name for all files of a kind, whose numbers depend on RocksDB's threads.
std::uint64_t kind_of(const std::filesystem::path& path) {
    const std::string name = path.extension() == ".log" ? "wal" : path.string();
    std::uint64_t sum = 1469598103934665603U;
    for (const char c :
         name.substr(name.rfind("/data") == std::string::npos ? 0 : name.rfind("/data"))) {
        sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211U;
    }
    return sum;
}

}  // namespace

Disk& Disk::instance() {
    static Disk it;
    return it;
}

void Disk::watch(std::filesystem::path root) {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    s.root = root.string() + "/";
    s.operations = 0;
    s.boots = 0;
    is_counted_thread = true;
}

void Disk::unwatch() {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    s.root.clear();
    s.files.clear();
    s.fault.reset();
    s.dead = false;
    s.full = false;
    disk_seam.boot = nullptr;
}

void Disk::arm(
    DiskFault fault, std::uint64_t after, std::uint64_t salt, std::function<void()> died
) {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    s.fault = fault;
    s.left = after;
    s.salt = salt;
    s.died = std::move(died);
    s.struck = false;
}

void Disk::die() {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    s.dead = true;
}

void Disk::heal() {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    s.fault.reset();
    s.died = {};
    s.dead = false;
    s.full = false;
    s.struck = false;
}

void Disk::lose_unsynced(std::uint64_t salt) {
    State& s = state();
    const std::lock_guard<std::mutex> held(s.mutex);
    const std::filesystem::path root(s.root);
    std::error_code ignored;
    for (auto it = std::filesystem::recursive_directory_iterator(root, ignored);
         it != std::filesystem::recursive_directory_iterator();
         it.increment(ignored)) {
        const std::filesystem::directory_entry& entry = *it;

        struct stat info {};

        if (!entry.is_regular_file(ignored) || ::stat(entry.path().c_str(), &info) != 0) {
            continue;
        }
        const auto file = s.files.find(info.st_ino);
        if (file != s.files.end()) {
            Random random(salt ^ kind_of(entry.path()));
            lose_tail(entry.path(), file->second, random);
        }
    }
    s.files.clear();
    s.boot = "boot " + std::to_string(++s.boots);
    disk_seam.boot = s.boot.c_str();
}

bool Disk::is_armed() const {
    return state().fault.has_value();
}

bool Disk::has_struck() const {
    return state().struck;
}

std::uint64_t Disk::operations() const {
    return state().operations;
}

}  // namespace margrave::tests::sim

namespace sim = margrave::tests::sim;

// What the whole program, with its shared libraries, calls instead of libc's.
extern "C" {

int open(const char* path, int flags, ...) {
    std::va_list arguments;
    va_start(arguments, flags);
    const bool has_mode = (flags & (O_CREAT | O_TMPFILE)) != 0;
    const mode_t mode = has_mode ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return sim::open_through(path, flags, mode);
}

int close(int fd) {
    static auto* const next = sim::real<int(int)>("close");
    if (sim::is_watched(fd)) {
        const std::lock_guard<std::mutex> held(sim::state().mutex);
        sim::state().open[static_cast<std::size_t>(fd)] = {};
    }
    return next(fd);
}

ssize_t write(int fd, const void* data, std::size_t size) {
    static auto* const next = sim::real<ssize_t(int, const void*, std::size_t)>("write");
    if (!sim::is_watched(fd)) {
        return next(fd, data, size);
    }
    const auto offset = static_cast<std::uint64_t>(std::max<off_t>(::lseek(fd, 0, SEEK_CUR), 0));
    return sim::write_through(fd, size, offset, [&](std::size_t part) {
        return next(fd, data, part);
    });
}

ssize_t pwrite(int fd, const void* data, std::size_t size, off_t offset) {
    static auto* const next = sim::real<ssize_t(int, const void*, std::size_t, off_t)>("pwrite");
    if (!sim::is_watched(fd)) {
        return next(fd, data, size, offset);
    }
    return sim::write_through(fd, size, static_cast<std::uint64_t>(offset), [&](std::size_t part) {
        return next(fd, data, part, offset);
    });
}

int fsync(int fd) {
    static auto* const next = sim::real<int(int)>("fsync");
    return sim::sync_through(fd, next);
}

int fdatasync(int fd) {
    static auto* const next = sim::real<int(int)>("fdatasync");
    return sim::sync_through(fd, next);
}

int ftruncate(int fd, off_t size) noexcept {
    static auto* const next = sim::real<int(int, off_t)>("ftruncate");
    if (sim::is_watched(fd)) {
        sim::State& s = sim::state();
        const std::lock_guard<std::mutex> held(s.mutex);
        if (s.dead) {
            errno = EIO;
            return -1;
        }
        sim::FileState& file = s.files[s.open[static_cast<std::size_t>(fd)].inode];
        file.durable = std::min(file.durable, static_cast<std::uint64_t>(size));
    }
    return next(fd, size);
}

// Room that is set aside changes nothing that counts here, and on a tmpfs it costs memory.
int fallocate(int fd, int mode, off_t offset, off_t size) {
    static auto* const next = sim::real<int(int, int, off_t, off_t)>("fallocate");
    return sim::is_watched(fd) ? 0 : next(fd, mode, offset, size);
}

int rename(const char* from, const char* to) noexcept {
    static auto* const next = sim::real<int(const char*, const char*)>("rename");
    return sim::may_rename(from) ? next(from, to) : -1;
}

int link(const char* from, const char* to) noexcept {
    static auto* const next = sim::real<int(const char*, const char*)>("link");
    return sim::may_rename(from) ? next(from, to) : -1;
}

int unlink(const char* path) noexcept {
    static auto* const next = sim::real<int(const char*)>("unlink");
    return sim::may_rename(path) ? next(path) : -1;
}

}  // extern "C"
