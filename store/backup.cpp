// SPDX-License-Identifier: Apache-2.0
#include "store/backup.hpp"

#include "core/assert.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/posix.hpp"

#include <rocksdb/utilities/backup_engine.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <system_error>

namespace margrave::store {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kProgressBytes = std::uint64_t{4} << 20U;

Error backup_error(std::string_view what, const fs::path& dir, const rocksdb::Status& status) {
    const Errc code = status.IsCorruption() ? Errc::kCorrupt
                      : status.IsNotFound() ? Errc::kNotFound
                                            : Errc::kIo;
    return fail(code, std::string(what) + " " + dir.string() + ": " + status.ToString());
}

rocksdb::BackupEngineOptions engine_options(const fs::path& dir) {
    rocksdb::BackupEngineOptions out(dir.string());
    out.callback_trigger_interval_size = kProgressBytes;
    return out;
}

BackupRow row_of(const rocksdb::BackupInfo& info) {
    BackupRow row;
    row.id = info.backup_id;
    row.at = UnixSeconds{static_cast<std::uint64_t>(std::max<std::int64_t>(info.timestamp, 0))};
    row.bytes = info.size;
    row.files = info.number_files;
    row.about = info.app_metadata;
    return row;
}

// Opening to write would make a directory that is not there.
Result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> open_to_read(const fs::path& dir) {
    if (!fs::exists(dir / "meta")) {
        return fail(Errc::kNotFound, dir.string() + " holds no backups");
    }
    rocksdb::BackupEngineReadOnly* raw = nullptr;
    const rocksdb::IOStatus status =
        rocksdb::BackupEngineReadOnly::Open(engine_options(dir), rocksdb::Env::Default(), &raw);
    std::unique_ptr<rocksdb::BackupEngineReadOnly> engine(raw);
    if (!status.ok()) {
        return backup_error("open backups in", dir, status);
    }
    return engine;
}

Result<std::unique_ptr<rocksdb::BackupEngine>> open_to_write(const fs::path& dir) {
    rocksdb::BackupEngine* raw = nullptr;
    const rocksdb::IOStatus status =
        rocksdb::BackupEngine::Open(engine_options(dir), rocksdb::Env::Default(), &raw);
    std::unique_ptr<rocksdb::BackupEngine> engine(raw);
    if (!status.ok()) {
        return backup_error("open backups in", dir, status);
    }
    return engine;
}

}  // namespace

namespace detail {

Result<void> copy_store_at(const Database::Impl& impl, const fs::path& dir) {
    MARGRAVE_TRY(impl.check_writable());
    std::error_code error;
    if (!fs::create_directory(dir, error)) {
        return fail(
            Errc::kStore,
            "create " + dir.string() + ": " + (error ? error.message() : "it exists already")
        );
    }
    rocksdb::Checkpoint* raw = nullptr;
    rocksdb::Status status = rocksdb::Checkpoint::Create(impl.db.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(raw);
    if (status.ok()) {
        status = checkpoint->CreateCheckpoint((dir / "db").string());
    }
    if (!status.ok()) {
        // The database itself is as it was, unless its own threads say otherwise.
        return fail(Errc::kStore, "copy the store to " + dir.string() + ": " + status.ToString());
    }
    return sync_dir(dir);
}

}  // namespace detail

Result<void> copy_store(const Database& db, const fs::path& dir) {
    return detail::copy_store_at(db.impl(), dir);
}

Result<std::unique_ptr<Database>> open_copy(const DatabaseOptions& options) {
    detail::OpenPlan plan;
    plan.make_mark = true;
    return Database::Impl::open(options, plan);
}

Result<BackupRow> make_backup(
    const Database& db, const fs::path& dir, const std::string& about, const OnProgress& progress
) {
    MARGRAVE_TRY(db.impl().check_writable());
    MARGRAVE_TRY(const auto engine, open_to_write(dir));
    std::uint64_t done = 0;
    rocksdb::CreateBackupOptions how;
    how.flush_before_backup = true;
    how.progress_callback = [&done, &progress] {
        done += kProgressBytes;
        progress(done);
    };
    rocksdb::BackupID id = 0;
    const rocksdb::IOStatus made =
        engine->CreateNewBackupWithMetadata(how, db.impl().db.get(), about, &id);
    if (!made.ok()) {
        return backup_error("back up to", dir, made);
    }
    const rocksdb::IOStatus checked = engine->VerifyBackup(id, /*verify_with_checksum=*/true);
    if (!checked.ok()) {
        engine->DeleteBackup(id).PermitUncheckedError();
        return backup_error("read back the backup in", dir, checked);
    }
    rocksdb::BackupInfo info;
    const rocksdb::Status read = engine->GetBackupInfo(id, &info);
    if (!read.ok()) {
        return backup_error("read the backup in", dir, read);
    }
    return row_of(info);
}

Result<std::vector<BackupRow>> list_backups(const fs::path& dir) {
    MARGRAVE_TRY(const auto engine, open_to_read(dir));
    std::vector<rocksdb::BackupInfo> infos;
    engine->GetBackupInfo(&infos);
    std::vector<BackupRow> out;
    for (const rocksdb::BackupInfo& info : infos) {
        out.push_back(row_of(info));
    }
    if (out.empty()) {
        return fail(Errc::kNotFound, dir.string() + " holds no backup that is whole");
    }
    std::ranges::sort(out, {}, &BackupRow::id);
    return out;
}

Result<void> forget_backups(const fs::path& dir, std::uint32_t keep) {
    MARGRAVE_ASSERT(keep > 0);
    MARGRAVE_TRY(const auto engine, open_to_write(dir));
    const rocksdb::IOStatus status = engine->PurgeOldBackups(keep);
    if (!status.ok()) {
        return backup_error("remove old backups from", dir, status);
    }
    return ok();
}

Result<void> restore_backup(const fs::path& dir, std::uint32_t id, const fs::path& store_dir) {
    std::error_code error;
    if (fs::exists(store_dir, error) && !fs::is_empty(store_dir, error)) {
        return fail(
            Errc::kUsage,
            store_dir.string() +
                " is not empty: nothing is restored over what is there; move it away"
        );
    }
    MARGRAVE_TRY(const auto engine, open_to_read(dir));
    const rocksdb::IOStatus checked = engine->VerifyBackup(id, /*verify_with_checksum=*/true);
    if (!checked.ok()) {
        const std::string which = "backup " + std::to_string(id) + " in";
        return backup_error(which, dir, checked);
    }
    fs::create_directories(store_dir, error);
    if (error) {
        return fail(Errc::kIo, "create " + store_dir.string() + ": " + error.message());
    }
    const std::string to = (store_dir / "db").string();
    const rocksdb::IOStatus status = engine->RestoreDBFromBackup(id, to, to);
    if (!status.ok()) {
        return backup_error("restore to", store_dir, status);
    }
    return detail::sync_dir(store_dir);
}

}  // namespace margrave::store
