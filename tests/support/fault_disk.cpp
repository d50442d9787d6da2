// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fault_disk.hpp"

#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <system_error>
#include <unistd.h>

namespace margrave::tests {
namespace {

namespace fs = std::filesystem;

FaultDisk* installed = nullptr;

std::optional<std::string> content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return std::nullopt;
    }
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

// In place: the signing guard knows its files by their inodes.
void put_back(const fs::path& path, const std::optional<std::string>& content) {
    std::error_code ignored;
    if (!content) {
        fs::remove(path, ignored);
        return;
    }
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << *content;
}

}  // namespace

const char* to_string(DiskFault fault) {
    switch (fault) {
        case DiskFault::kNone:
            return "none";
        case DiskFault::kTornWrite:
            return "torn write";
        case DiskFault::kSyncError:
            return "fsync error";
        case DiskFault::kIoError:
            return "EIO";
        case DiskFault::kFull:
            return "ENOSPC";
        case DiskFault::kReadOnly:
            return "read-only";
        case DiskFault::kKill:
            return "kill";
        case DiskFault::kPowerCut:
            return "power cut";
    }
    return "unknown";
}

void FaultDisk::arm(DiskFault fault, std::uint64_t n, std::uint64_t seed) {
    const std::lock_guard lock(mutex_);
    fault_ = fault;
    nth_ = n;
    count_ = 0;
    dice_ = seed;
    hit_ = false;
}

bool FaultDisk::hit() const {
    const std::lock_guard lock(mutex_);
    return hit_;
}

std::uint64_t FaultDisk::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

void FaultDisk::install() {
    installed = this;
    disk_seam.fault = [](DiskOp op, const char* path, std::size_t* size) {
        return installed->before(op, path, size);
    };
}

bool FaultDisk::concerns(DiskOp op) const {
    switch (fault_) {
        case DiskFault::kTornWrite:
            return op == DiskOp::kWrite;
        case DiskFault::kSyncError:
            return op == DiskOp::kSync;
        case DiskFault::kFull:
            return op == DiskOp::kWrite || op == DiskOp::kOpen || op == DiskOp::kRename;
        case DiskFault::kNone:
        case DiskFault::kIoError:
        case DiskFault::kReadOnly:
        case DiskFault::kKill:
        case DiskFault::kPowerCut:
            return true;
    }
    return true;
}

int FaultDisk::before(DiskOp op, const fs::path& path, std::size_t* size) {
    const std::lock_guard lock(mutex_);
    if (!concerns(op)) {
        remember(op, path);
        return 0;
    }
    ++count_;
    const bool lasts = fault_ == DiskFault::kFull || fault_ == DiskFault::kReadOnly;
    if (nth_ != 0 && (count_ == nth_ || (lasts && count_ > nth_))) {
        hit_ = true;
        return happen(op, size);
    }
    remember(op, path);
    return 0;
}

int FaultDisk::happen(DiskOp op, std::size_t* size) {
    switch (fault_) {
        case DiskFault::kNone:
            return 0;
        case DiskFault::kTornWrite:
            if (size != nullptr) {
                *size /= 2;
            }
            return EIO;
        case DiskFault::kSyncError:
            return EIO;
        case DiskFault::kIoError:
        case DiskFault::kFull:
        case DiskFault::kReadOnly:
            if (size != nullptr && op == DiskOp::kWrite) {
                *size = 0;
            }
            return fault_ == DiskFault::kFull       ? ENOSPC
                   : fault_ == DiskFault::kReadOnly ? EROFS
                                                    : EIO;
        case DiskFault::kPowerCut:
            cut_power();
            break;
        case DiskFault::kKill:
            break;
    }
    ::kill(::getpid(), SIGKILL);
    return EIO;
}

// What a power cut would bring back. Files of RocksDB are known by their length instead.
void FaultDisk::remember(DiskOp op, const fs::path& path) {
    if (fault_ != DiskFault::kPowerCut || appended_.contains(path.string())) {
        return;
    }
    if (op != DiskOp::kSync) {
        if (!unsynced_.contains(path)) {
            unsynced_.emplace(path, content_of(path));
        }
        return;
    }
    std::error_code ignored;
    if (!fs::is_directory(path, ignored)) {
        unsynced_.erase(path);
        return;
    }
    std::erase_if(unsynced_, [&](const auto& row) { return row.first.parent_path() == path; });
}

void FaultDisk::started(const std::string& path) {
    const std::lock_guard lock(mutex_);
    appended_[path] = 0;
}

void FaultDisk::synced(const std::string& path, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    appended_[path] = bytes;
}

void FaultDisk::cut_power() {
    for (const auto& [path, bytes] : appended_) {
        std::error_code error;
        const std::uint64_t size = fs::file_size(path, error);
        if (!error && size > bytes) {
            // Of what followed the sync nothing is there, or a part, or all.
            dice_ = dice_ * 6364136223846793005U + 1442695040888963407U;
            const std::uint64_t rest = size - bytes;
            const std::uint64_t kept = (dice_ >> 33U) % 3 == 0 ? 0 : (dice_ >> 33U) % (rest + 1);
            fs::resize_file(path, bytes + kept, error);
        }
    }
    for (const auto& [path, content] : unsynced_) {
        put_back(path, content);
    }
}

}  // namespace margrave::tests
