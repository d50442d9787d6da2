// SPDX-License-Identifier: Apache-2.0
#include "infra/disk_watch.hpp"

#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace margrave::infra {

namespace {

namespace fs = std::filesystem;

std::string megabytes(std::uint64_t bytes) {
    constexpr unsigned kMegabyteBits = 20;
    return std::to_string(bytes >> kMegabyteBits) + " MiB";
}

Error disk_error(const std::string& doing, const fs::path& path, int number) {
    return fail(
        Errc::kIo,
        "cannot " + doing + " " + path.string() + ": " +
            std::error_code(number, std::generic_category()).message()
    );
}

}  // namespace

Result<std::uint64_t> free_bytes(const fs::path& place) {
    std::error_code ignored;
    fs::path there = fs::absolute(place, ignored);
    while (!fs::exists(there, ignored) && there.has_relative_path()) {
        there = there.parent_path();
    }

    struct statvfs facts {};

    if (::statvfs(there.c_str(), &facts) != 0) {
        return disk_error("ask for the room on", there, errno);
    }
    return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

DiskWatch::DiskWatch(Settings settings, FreeBytes free)
    : settings_(std::move(settings)),
      ask_(std::move(free)) {}

bool DiskWatch::has_ballast() const {
    std::error_code ignored;
    return fs::exists(settings_.ballast, ignored);
}

// Blocks are allotted, not written; a sparse file would hold nothing back.
Result<bool> DiskWatch::make_ballast() {
    if (settings_.ballast_bytes == 0 || has_ballast()) {
        return has_ballast();
    }
    auto room = ask_(settings_.ballast);
    if (!room) {
        return std::move(room).error();
    }
    if (room.value() < settings_.ballast_bytes + 2 * settings_.reserve_bytes) {
        return false;
    }
    constexpr mode_t kOwnerOnly = 0600;
    const int fd =
        ::open(settings_.ballast.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
    if (fd < 0) {
        return disk_error("make", settings_.ballast, errno);
    }
    const int failed = ::posix_fallocate(fd, 0, static_cast<off_t>(settings_.ballast_bytes));
    ::close(fd);
    if (failed != 0) {
        release_ballast();
        return disk_error("allot", settings_.ballast, failed);
    }
    return true;
}

bool DiskWatch::release_ballast() {
    std::error_code ignored;
    return fs::remove(settings_.ballast, ignored);
}

std::string DiskWatch::shortage() {
    if (settings_.reserve_bytes == 0) {
        return {};
    }
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    fs::path where;
    for (const fs::path& place : settings_.places) {
        const auto room = ask_(place);
        if (!room) {
            return room.error().detail;
        }
        if (room.value() < least) {
            least = room.value();
            where = place;
        }
    }
    free_ = least;
    const std::uint64_t needed =
        settings_.reserve_bytes + (is_short_ ? settings_.reserve_bytes / 8 : 0);
    is_short_ = least < needed;
    if (!is_short_) {
        return {};
    }
    return "the disk of " + where.string() + " has " + megabytes(least) + " left and " +
           megabytes(needed) +
           " are needed: nothing is written or signed until there is room. Make some" +
           (has_ballast() ? "; in need delete " + settings_.ballast.string() : "");
}

}  // namespace margrave::infra
