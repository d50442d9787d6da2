// SPDX-License-Identifier: Apache-2.0
#include "store/detail/making_files.hpp"

#include "store/detail/posix.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace margrave::store::detail {
namespace {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using Making = std::shared_ptr<std::atomic<bool>>;

class MadeFile final : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    MadeFile(std::unique_ptr<rocksdb::FSWritableFile> file, Making making)
        : FSWritableFileOwnerWrapper(std::move(file)),
          making_(std::move(making)) {}

    IOStatus Sync(const IOOptions& options, IODebugContext* dbg) override {
        return *making_ ? IOStatus::OK() : FSWritableFileOwnerWrapper::Sync(options, dbg);
    }

    IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override {
        return *making_ ? IOStatus::OK() : FSWritableFileOwnerWrapper::Fsync(options, dbg);
    }

  private:
    Making making_;
};

class MadeDirectory final : public rocksdb::FSDirectoryWrapper {
  public:
    MadeDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, Making making)
        : FSDirectoryWrapper(std::move(directory)),
          making_(std::move(making)) {}

    IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override {
        return *making_ ? IOStatus::OK() : FSDirectoryWrapper::Fsync(options, dbg);
    }

    IOStatus FsyncWithDirOptions(
        const IOOptions& options, IODebugContext* dbg, const rocksdb::DirFsyncOptions& why
    ) override {
        return *making_ ? IOStatus::OK()
                        : FSDirectoryWrapper::FsyncWithDirOptions(options, dbg, why);
    }

  private:
    Making making_;
};

class MadeFileSystem final : public rocksdb::FileSystemWrapper {
  public:
    explicit MadeFileSystem(Making making)
        : FileSystemWrapper(rocksdb::FileSystem::Default()),
          making_(std::move(making)) {}

    [[nodiscard]] const char* Name() const override { return "MargraveMadeFiles"; }

    IOStatus NewWritableFile(
        const std::string& name,
        const rocksdb::FileOptions& options,
        std::unique_ptr<rocksdb::FSWritableFile>* result,
        IODebugContext* dbg
    ) override {
        IOStatus status = FileSystemWrapper::NewWritableFile(name, options, result, dbg);
        if (status.ok()) {
            *result = std::make_unique<MadeFile>(std::move(*result), making_);
        }
        return status;
    }

    IOStatus NewDirectory(
        const std::string& name,
        const IOOptions& options,
        std::unique_ptr<rocksdb::FSDirectory>* result,
        IODebugContext* dbg
    ) override {
        IOStatus status = FileSystemWrapper::NewDirectory(name, options, result, dbg);
        if (status.ok()) {
            *result = std::make_unique<MadeDirectory>(std::move(*result), making_);
        }
        return status;
    }

  private:
    Making making_;
};

fs::path mark_of(const fs::path& dir) {
    return dir.string() + ".making";
}

// What RocksDB writes for people, and its lock, which nobody reads.
bool matters(const fs::path& file) {
    return file.filename() != "LOG" && file.filename() != "LOCK";
}

Result<void> sync_file(const fs::path& file) {
    MARGRAVE_TRY(const int fd, open_file(file, O_RDONLY));
    Result<void> outcome = sync_data(fd, file);
    ::close(fd);
    return outcome;
}

}  // namespace

MakingFiles::MakingFiles(fs::path dir, int mark_fd)
    : dir_(std::move(dir)),
      mark_fd_(mark_fd),
      making_(std::make_shared<std::atomic<bool>>(true)),
      env_(rocksdb::NewCompositeEnv(std::make_shared<MadeFileSystem>(making_))) {}

MakingFiles::~MakingFiles() {
    ::close(mark_fd_);
}

bool MakingFiles::is_unfinished(const fs::path& dir) {
    return fs::exists(mark_of(dir));
}

Result<std::unique_ptr<MakingFiles>> MakingFiles::begin(fs::path dir) {
    const fs::path mark = mark_of(dir);
    const bool is_new = !fs::exists(mark);
    MARGRAVE_TRY(const int fd, open_file(mark, O_WRONLY | O_CREAT | (is_new ? O_EXCL : 0)));
    std::unique_ptr<MakingFiles> out(new MakingFiles(std::move(dir), fd));
    MARGRAVE_TRY(out->take(is_new));
    return out;
}

// Whoever finishes takes the mark away while it holds it. So a mark that is ours and still has its
// name is one that nobody finished, and a database without one is whole.
Result<void> MakingFiles::take(bool is_new) {
    const fs::path mark = mark_of(dir_);
    MARGRAVE_TRY(lock_file(mark_fd_, mark));

    struct stat info {};

    const bool named = ::fstat(mark_fd_, &info) == 0 && info.st_nlink > 0;
    if (!named || (is_new && fs::exists(dir_ / "CURRENT"))) {
        if (named) {
            ::unlink(mark.c_str());
        }
        return fail(Errc::kLocked, dir_.string() + " was just made by another process");
    }
    MARGRAVE_TRY(sync_dir(dir_.parent_path()));
    return is_new ? ok() : remove_unfinished();
}

Result<void> MakingFiles::remove_unfinished() {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(dir_, error)) {
        if (entry.path().extension() == ".sst") {
            return fail(
                Errc::kCorrupt,
                mark_of(dir_).string() + " says that " + dir_.string() +
                    " was never finished, but it has tables; move both away and sync again"
            );
        }
    }
    fs::remove_all(dir_, error);
    if (error) {
        return fail(Errc::kStore, "remove " + dir_.string() + ": " + error.message());
    }
    return ok();
}

Result<void> MakingFiles::finish() {
    *making_ = false;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(dir_, error)) {
        if (entry.is_regular_file() && matters(entry.path())) {
            MARGRAVE_TRY(sync_file(entry.path()));
        }
    }
    if (error) {
        return fail(Errc::kStore, "list " + dir_.string() + ": " + error.message());
    }
    MARGRAVE_TRY(sync_dir(dir_));
    const fs::path mark = mark_of(dir_);
    if (::unlink(mark.c_str()) != 0) {
        return io_error(Errc::kStore, "remove", mark);
    }
    return sync_dir(dir_.parent_path());
}

}  // namespace margrave::store::detail
