// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/support/fault_disk.hpp"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

namespace margrave::tests {

/// RocksDB's error for an errno.
inline rocksdb::IOStatus status_of(int error, const std::string& path) {
    if (error == 0) {
        return rocksdb::IOStatus::OK();
    }
    if (error == ENOSPC) {
        return rocksdb::IOStatus::NoSpace(path, "made by the test");
    }
    return rocksdb::IOStatus::IOError(path, "made by the test");
}

/// A file that RocksDB appends to.
class FaultWritableFile : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    FaultWritableFile(
        std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, FaultDisk& disk
    )
        : FSWritableFileOwnerWrapper(std::move(file)),
          path_(std::move(path)),
          disk_(disk) {}

    rocksdb::IOStatus Append(
        const rocksdb::Slice& data, const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg
    ) override {
        std::size_t size = data.size();
        const int error = disk_.before(DiskOp::kWrite, path_, &size);
        rocksdb::IOStatus done = target()->Append(rocksdb::Slice(data.data(), size), options, dbg);
        if (done.ok()) {
            size_ += size;
        }
        return error != 0 ? status_of(error, path_) : done;
    }

    rocksdb::IOStatus Append(
        const rocksdb::Slice& data,
        const rocksdb::IOOptions& options,
        const rocksdb::DataVerificationInfo& /*info*/,
        rocksdb::IODebugContext* dbg
    ) override {
        return Append(data, options, dbg);
    }

    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg)
        override {
        return sync([&] { return target()->Sync(options, dbg); });
    }

    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg)
        override {
        return sync([&] { return target()->Fsync(options, dbg); });
    }

  private:
    template <class Do>
    rocksdb::IOStatus sync(const Do& now) {
        const std::uint64_t size = size_;
        const int error = disk_.before(DiskOp::kSync, path_);
        if (error != 0) {
            return status_of(error, path_);
        }
        rocksdb::IOStatus done = now();
        if (done.ok()) {
            disk_.synced(path_, size);
        }
        return done;
    }

    std::string path_;
    FaultDisk& disk_;
    std::uint64_t size_{0};
};

class FaultDirectory : public rocksdb::FSDirectoryWrapper {
  public:
    FaultDirectory(std::unique_ptr<rocksdb::FSDirectory> dir, std::string path, FaultDisk& disk)
        : FSDirectoryWrapper(std::move(dir)),
          path_(std::move(path)),
          disk_(disk) {}

    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg)
        override {
        const int error = disk_.before(DiskOp::kSync, path_);
        return error != 0 ? status_of(error, path_) : FSDirectoryWrapper::Fsync(options, dbg);
    }

    rocksdb::IOStatus FsyncWithDirOptions(
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* dbg,
        const rocksdb::DirFsyncOptions& how
    ) override {
        const int error = disk_.before(DiskOp::kSync, path_);
        return error != 0 ? status_of(error, path_)
                          : FSDirectoryWrapper::FsyncWithDirOptions(options, dbg, how);
    }

  private:
    std::string path_;
    FaultDisk& disk_;
};

/// RocksDB's own file system with a FaultDisk below what changes the disk. Its info log is left
/// alone: nothing stands on it. The disk outlives it.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
  public:
    explicit FaultFileSystem(FaultDisk& disk)
        : FileSystemWrapper(rocksdb::FileSystem::Default()),
          disk_(disk) {}

    const char* Name() const override { return "FaultFileSystem"; }

    rocksdb::IOStatus NewWritableFile(
        const std::string& path,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSWritableFile>* out,
        rocksdb::IODebugContext* dbg
    ) override {
        if (is_info_log(path)) {
            return target()->NewWritableFile(path, options, out, dbg);
        }
        const int error = disk_.before(DiskOp::kOpen, path);
        if (error != 0) {
            return status_of(error, path);
        }
        rocksdb::IOStatus done = target()->NewWritableFile(path, options, out, dbg);
        if (done.ok()) {
            disk_.started(path);
            *out = std::make_unique<FaultWritableFile>(std::move(*out), path, disk_);
        }
        return done;
    }

    rocksdb::IOStatus NewDirectory(
        const std::string& path,
        const rocksdb::IOOptions& options,
        std::unique_ptr<rocksdb::FSDirectory>* out,
        rocksdb::IODebugContext* dbg
    ) override {
        rocksdb::IOStatus done = target()->NewDirectory(path, options, out, dbg);
        if (done.ok()) {
            *out = std::make_unique<FaultDirectory>(std::move(*out), path, disk_);
        }
        return done;
    }

    rocksdb::IOStatus RenameFile(
        const std::string& from,
        const std::string& to,
        const rocksdb::IOOptions& options,
        rocksdb::IODebugContext* dbg
    ) override {
        if (is_info_log(from)) {
            return target()->RenameFile(from, to, options, dbg);
        }
        const int error = disk_.before(DiskOp::kRename, to);
        return error != 0 ? status_of(error, to) : target()->RenameFile(from, to, options, dbg);
    }

    rocksdb::IOStatus DeleteFile(
        const std::string& path, const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg
    ) override {
        const int error = disk_.before(DiskOp::kRemove, path);
        return error != 0 ? status_of(error, path) : target()->DeleteFile(path, options, dbg);
    }

  private:
    static bool is_info_log(const std::string& path) {
        return path.substr(path.rfind('/') + 1).starts_with("LOG");
    }

    FaultDisk& disk_;
};

inline std::unique_ptr<rocksdb::Env> make_fault_env(FaultDisk& disk) {
    return rocksdb::NewCompositeEnv(std::make_shared<FaultFileSystem>(disk));
}

}  // namespace margrave::tests
