// SPDX-License-Identifier: Apache-2.0
#include "store/database.hpp"

#include "core/assert.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/log_scan.hpp"
#include "store/detail/posix.hpp"
#include "store/detail/schema.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <system_error>
#include <unistd.h>

namespace margrave::store {

using detail::Cf;

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHistoryMark = "history.mark";
constexpr std::size_t kMegabyte = std::size_t{1} << 20U;
constexpr std::size_t kBlockCache = 64 * kMegabyte;

rocksdb::DBOptions db_options(const std::shared_ptr<detail::FailureListener>& listener) {
    rocksdb::DBOptions o;
    o.create_if_missing = true;
    o.create_missing_column_families = true;
    o.paranoid_checks = true;
    // The default would open with the rows up to a flipped byte, and without those after it, also
    // when they were fsynced. This mode opens only if nothing but the torn end of the last log is
    // missing; that end is what decisions.mark watches.
    o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    o.track_and_verify_wals_in_manifest = true;
    o.max_total_wal_size = 64 * kMegabyte;
    o.max_background_jobs = 2;
    o.max_open_files = -1;
    // Threads that read files at the start; sixteen by default, and ours are few.
    o.max_file_opening_threads = 2;
    o.bytes_per_sync = kMegabyte;
    o.keep_log_file_num = 4;
    o.max_log_file_size = kMegabyte;
    o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    o.listeners.push_back(listener);
    return o;
}

rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.format_version = 5;
    rocksdb::ColumnFamilyOptions o;
    o.write_buffer_size = 16 * kMegabyte;
    o.compression = rocksdb::kLZ4Compression;
    o.bottommost_compression = rocksdb::kZSTD;
    o.level_compaction_dynamic_level_bytes = true;
    // A batch brings its keys in ascending order, so each is found from where the last one went.
    o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(1));
    o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    return o;
}

std::vector<rocksdb::ColumnFamilyDescriptor> descriptors() {
    const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kBlockCache);
    std::vector<rocksdb::ColumnFamilyDescriptor> out;
    for (std::size_t i = 0; i < detail::kFamilies; ++i) {
        out.emplace_back(std::string(detail::to_string(static_cast<Cf>(i))), family_options(cache));
    }
    return out;
}

// Whether files of a database are there although the one that names them all is not.
bool has_data_files(const fs::path& dir) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(dir, error)) {
        const std::string extension = entry.path().extension().string();
        if (extension == ".sst" || (extension == ".log" && entry.file_size(error) > 0)) {
            return true;
        }
    }
    return false;
}

Error open_error(const fs::path& db_dir, const rocksdb::Status& status) {
    const std::string text = status.ToString();
    if (text.find("lock hold by current process") != std::string::npos) {
        return fail(Errc::kLocked, db_dir.string() + " is already open in this process");
    }
    if (text.find("LOCK: ") != std::string::npos) {
        const pid_t holder = detail::lock_holder(db_dir / "LOCK");
        const std::string who =
            holder > 0 ? "process " + std::to_string(holder) : "another process";
        return fail(Errc::kLocked, db_dir.string() + " is in use by " + who + "; stop it first");
    }
    if (status.IsCorruption()) {
        return fail(
            Errc::kCorrupt,
            "the database " + db_dir.string() + " is damaged (" + text +
                "); move it away and sync again, or restore a backup"
        );
    }
    return fail(Errc::kStore, "open " + db_dir.string() + ": " + text);
}

Result<void> check_families(const fs::path& db_dir, const rocksdb::DBOptions& options) {
    std::vector<std::string> names;
    const rocksdb::Status status =
        rocksdb::DB::ListColumnFamilies(options, db_dir.string(), &names);
    if (!status.ok()) {
        return open_error(db_dir, status);
    }
    for (const std::string& name : names) {
        bool known = false;
        for (std::size_t i = 0; i < detail::kFamilies; ++i) {
            known = known || name == detail::to_string(static_cast<Cf>(i));
        }
        if (!known) {
            return fail(
                Errc::kSchema,
                db_dir.string() + " has column family " + name +
                    ", which this version does not know; use the version that wrote it"
            );
        }
    }
    return ok();
}

Result<fs::path> make_secondary_dir() {
    std::error_code error;
    const fs::path base = fs::temp_directory_path(error);
    if (error) {
        return fail(Errc::kStore, "no directory for temporary files: " + error.message());
    }
    std::string pattern = (base / "margrave-secondary-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        return detail::io_error(Errc::kStore, "create", pattern);
    }
    return fs::path(pattern);
}

// A new database with all its column families at once: opening it with those that are missing makes
// them one by one, each with more files to write.
rocksdb::Status make_rocks(
    const fs::path& db_dir,
    const rocksdb::DBOptions& options,
    std::vector<rocksdb::ColumnFamilyHandle*>& handles,
    rocksdb::DB** db
) {
    std::vector<rocksdb::ColumnFamilyDescriptor> rest = descriptors();
    const std::vector<rocksdb::ColumnFamilyDescriptor> first{rest.front()};
    rest.erase(rest.begin());
    rocksdb::Status status = rocksdb::DB::Open(options, db_dir.string(), first, &handles, db);
    if (!status.ok()) {
        return status;
    }
    std::vector<rocksdb::ColumnFamilyHandle*> made;
    status = (*db)->CreateColumnFamilies(rest, &made);
    handles.insert(handles.end(), made.begin(), made.end());
    return status;
}

void add_note(Database::Impl& impl, const std::string& what) {
    impl.note += (impl.note.empty() ? "" : "; ") + what;
}

void note_logs(Database::Impl& impl, const detail::LogScan& logs) {
    add_note(
        impl,
        "read " + std::to_string(logs.records) + " records of " + std::to_string(logs.files) +
            " write-ahead logs"
    );
    if (logs.torn_bytes > 0) {
        add_note(
            impl,
            "dropped " + std::to_string(logs.torn_bytes) +
                " bytes of a record that a crash left unfinished"
        );
    }
}

Result<void> open_rocks(Database::Impl& impl) {
    const fs::path db_dir = impl.options.dir / "db";
    const bool unfinished = detail::MakingFiles::is_unfinished(db_dir);
    const bool exists = !unfinished && fs::exists(db_dir / "CURRENT");
    if (!exists && !unfinished && has_data_files(db_dir)) {
        return fail(
            Errc::kCorrupt,
            "the database " + db_dir.string() +
                " has lost its file CURRENT; move it away and sync again, or restore a backup"
        );
    }
    if (!exists && impl.options.read_only) {
        return fail(Errc::kNotFound, "there is no database in " + db_dir.string());
    }
    rocksdb::DBOptions options = db_options(impl.listener);
    if (impl.options.env != nullptr) {
        options.env = impl.options.env;
    }
    if (exists && !impl.options.read_only) {
        MARGRAVE_TRY(const detail::LogScan logs, detail::scan_logs(db_dir));
        note_logs(impl, logs);
    }
    if (exists) {
        MARGRAVE_TRY(check_families(db_dir, options));
    } else {
        MARGRAVE_TRY(impl.making, detail::MakingFiles::begin(db_dir));
        options.env = impl.making->env();
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    rocksdb::Status status;
    if (impl.options.read_only) {
        MARGRAVE_TRY(impl.secondary, make_secondary_dir());
        options.create_if_missing = false;
        options.create_missing_column_families = false;
        status = rocksdb::DB::OpenAsSecondary(
            options, db_dir.string(), impl.secondary.string(), descriptors(), &handles, &raw
        );
    } else {
        status = exists ? rocksdb::DB::Open(options, db_dir.string(), descriptors(), &handles, &raw)
                        : make_rocks(db_dir, options, handles, &raw);
    }
    impl.db.reset(raw);
    MARGRAVE_ASSERT(handles.size() <= detail::kFamilies);
    std::ranges::copy(handles, impl.families.begin());
    if (!status.ok()) {
        return open_error(db_dir, status);
    }
    MARGRAVE_ASSERT(handles.size() == detail::kFamilies);
    return ok();
}

Error behind_mark(const Database::Impl& impl, const fs::path& file, std::string_view what) {
    return fail(
        Errc::kCorrupt,
        "the database in " + impl.options.dir.string() + " holds " +
            std::to_string(impl.decisions.count) + " decisions, but " + file.string() + " " +
            std::string(what) +
            ": decisions that were acknowledged are missing. It was cut, or restored from an older "
            "copy; do not sign on from it"
    );
}

Result<void> make_mark(Database::Impl& impl) {
    const detail::Mark held{impl.decisions.count, impl.decisions.hash};
    MARGRAVE_TRY(
        impl.mark, detail::MarkFile::create(impl.options.dir / detail::kDecisionMark, held)
    );
    return ok();
}

// The database may be ahead of the mark by the one decision that a crash left between the two.
Result<void> check_mark(Database::Impl& impl) {
    const fs::path file = impl.options.dir / detail::kDecisionMark;
    const detail::DecisionCountRow& have = impl.decisions;
    Result<std::unique_ptr<detail::MarkFile>> opened = detail::MarkFile::open(file);
    if (!opened && opened.error().code == Errc::kNotFound) {
        if (have.count > 0) {
            return behind_mark(impl, file, "is missing");
        }
        MARGRAVE_TRY(impl.mark, detail::MarkFile::create(file, {}));
        add_note(impl, "made " + file.filename().string());
        return ok();
    }
    MARGRAVE_TRY(impl.mark, std::move(opened));
    MARGRAVE_TRY(impl.mark->renew());
    const detail::Mark mark = impl.mark->mark();
    if (mark == detail::Mark{have.count, have.hash}) {
        return ok();
    }
    if (have.count == mark.count + 1 && have.previous == mark.hash) {
        add_note(impl, "marked decision " + std::to_string(have.count) + ", which a crash left");
        return impl.mark->advance({have.count, have.hash});
    }
    return behind_mark(impl, file, "says " + std::to_string(mark.count));
}

// Decisions are one part of the history; blocks behind the last one are not synced and have only
// this mark. A power cut may take these, and the chains give them again; nothing else may.
Result<void> check_history(Database::Impl& impl) {
    const fs::path file = impl.options.dir / kHistoryMark;
    MARGRAVE_TRY(auto tail, detail::TailMark::open(file));
    const detail::TailMark::Position said = tail->position();
    const std::uint64_t have = impl.db->GetLatestSequenceNumber();
    const bool same_boot = said.boot == detail::this_boot() && !said.boot.is_zero();
    if (have < said.synced || (have < said.written && same_boot)) {
        return fail(
            Errc::kCorrupt,
            "the database in " + impl.options.dir.string() + " holds " + std::to_string(have) +
                " written rows, but " + file.string() + " says " + std::to_string(said.written) +
                ", and the machine was not without power since: its end was cut, or an older copy "
                "was put in its place. Move it away and sync again, or restore a backup"
        );
    }
    if (have < said.written) {
        add_note(
            impl,
            "a power cut took the last " + std::to_string(said.written - have) +
                " rows, none of a decision; they are read from the chains again"
        );
        MARGRAVE_TRY(tail->reset(have));
    }
    // What was recovered was flushed to tables, which are synced.
    MARGRAVE_TRY(tail->advance(have, /*synced=*/true));
    impl.tail = std::move(tail);
    return ok();
}

}  // namespace

Database::Database(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
    return Impl::open(options, detail::OpenPlan{});
}

Result<std::unique_ptr<Database>> Database::Impl::open(
    const DatabaseOptions& options, const detail::OpenPlan& plan
) {
    auto impl = std::make_unique<Impl>();
    impl->options = options;
    impl->listener = std::make_shared<detail::FailureListener>();
    if (!options.read_only) {
        std::error_code error;
        fs::create_directories(options.dir, error);
        if (error) {
            return fail(Errc::kStore, "create " + options.dir.string() + ": " + error.message());
        }
    }
    MARGRAVE_TRY(open_rocks(*impl));
    const bool is_new = impl->making != nullptr;
    if (!options.read_only && !is_new) {
        MARGRAVE_TRY(check_history(*impl));
    }
    MARGRAVE_TRY(const detail::SchemaVersion have, detail::check_schema(*impl, plan));
    if (is_new) {
        // Only a whole database has a history: one that is killed before is made again from
        // nothing.
        MARGRAVE_TRY(impl->making->finish());
        MARGRAVE_TRY(check_history(*impl));
    }
    MARGRAVE_TRY(impl->load_counters());
    if (!options.read_only) {
        MARGRAVE_TRY(plan.make_mark ? make_mark(*impl) : check_mark(*impl));
    }
    MARGRAVE_TRY(detail::migrate(*impl, have, plan));
    return std::unique_ptr<Database>(new Database(std::move(impl)));
}

const std::string& Database::note() const {
    return impl_->note;
}

std::uint64_t Database::leaf_count() const {
    return impl_->leaves;
}

Result<Bytes> Database::leaf(std::uint64_t index) const {
    MARGRAVE_TRY(
        auto row, impl_->read<detail::BlobRow>(Cf::kAttest, detail::attest_key::leaf(index))
    );
    if (row) {
        return std::move(row->bytes);
    }
    if (index < impl_->leaves) {
        return detail::corrupt(
            Cf::kAttest, detail::attest_key::leaf(index), "leaf is gone from the middle of the log"
        );
    }
    return fail(
        Errc::kNotFound, "leaf " + std::to_string(index) + " of " + std::to_string(impl_->leaves)
    );
}

std::optional<Bytes> Database::document(const std::string& name) const {
    auto row = impl_->read<detail::BlobRow>(Cf::kAttest, detail::attest_key::document(name));
    if (!row) {
        // Not the same as "there is none": nothing may be decided from here on.
        impl_->listener->fail(row.error().detail);
        return std::nullopt;
    }
    return row.value() ? std::optional<Bytes>(std::move(row.value()->bytes)) : std::nullopt;
}

Result<void> Database::sync() {
    MARGRAVE_TRY(impl_->check_writable());
    const rocksdb::Status status = impl_->db->SyncWAL();
    if (!status.ok()) {
        return impl_->failed("sync", status);
    }
    return ok();
}

Result<void> Database::check() const {
    return impl_->check();
}

Result<void> Database::refresh() {
    MARGRAVE_TRY(impl_->check());
    if (!impl_->options.read_only) {
        return ok();
    }
    const rocksdb::Status status = impl_->db->TryCatchUpWithPrimary();
    if (!status.ok()) {
        return impl_->failed("catch up with the writer", status);
    }
    ++impl_->generation;
    return impl_->load_counters();
}

}  // namespace margrave::store
