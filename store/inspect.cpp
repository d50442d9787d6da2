// SPDX-License-Identifier: Apache-2.0
#include "store/inspect.hpp"

#include "core/keccak.hpp"
#include "store/detail/database_impl.hpp"
#include "store/detail/records.hpp"
#include "store/detail/schema.hpp"

#include <algorithm>
#include <system_error>

namespace margrave::store {

using detail::Cf;

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kProgressRows = 100'000;

// The one that RocksDB calls "default" is ours to name.
std::string name_of_family(std::size_t index) {
    return std::string(detail::to_string(static_cast<Cf>(index)));
}

std::uint64_t property(const Database::Impl& db, Cf family, const std::string& name) {
    std::uint64_t value = 0;
    return db.db->GetIntProperty(db.family(family), name, &value) ? value : 0;
}

// A file that goes away meanwhile counts nothing.
std::uint64_t bytes_below(const fs::path& dir) {
    std::uint64_t total = 0;
    std::error_code error;
    for (auto it = fs::recursive_directory_iterator(dir, error);
         !error && it != fs::recursive_directory_iterator();
         it.increment(error)) {
        std::error_code gone;
        const std::uint64_t size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
        total += gone ? 0 : size;
    }
    return total;
}

}  // namespace

Result<StoreStats> read_stats(const Database& database) {
    const Database::Impl& db = database.impl();
    MARGRAVE_TRY(db.check());
    StoreStats out;
    MARGRAVE_TRY(const detail::SchemaVersion schema, detail::read_schema(db));
    out.schema = to_string(schema);
    for (std::size_t i = 0; i < detail::kFamilies; ++i) {
        const auto family = static_cast<Cf>(i);
        FamilyStats row;
        row.name = name_of_family(i);
        row.rows = property(db, family, rocksdb::DB::Properties::kEstimateNumKeys);
        row.memory_bytes = property(db, family, rocksdb::DB::Properties::kSizeAllMemTables);
        rocksdb::ColumnFamilyMetaData files;
        db.db->GetColumnFamilyMetaData(db.family(family), &files);
        row.file_bytes = files.size;
        row.files = files.file_count;
        out.families.push_back(std::move(row));
    }
    MARGRAVE_TRY(
        const auto seq, db.read<detail::NumberRow>(Cf::kMeta, as_bytes(detail::meta::kSeq))
    );
    out.entries = seq ? seq->number : 0;
    out.decisions = db.decisions.count;
    out.leaves = db.leaves;
    out.intents = db.intents;
    out.disk_bytes = bytes_below(db.options.dir);
    std::error_code error;
    const fs::space_info space = fs::space(db.options.dir, error);
    out.free_bytes = error ? 0 : space.available;
    return out;
}

Result<AcknowledgedDecisions> read_mark(const fs::path& dir) {
    MARGRAVE_TRY(const detail::Mark mark, detail::MarkFile::look(dir / detail::kDecisionMark));
    return AcknowledgedDecisions{mark.count, mark.hash};
}

Result<void> check_decisions(const Database& db, const AcknowledgedDecisions& acknowledged) {
    const detail::DecisionCountRow& have = db.impl().decisions;
    // What was read of a running daemon's mark may be older than what was read of its database.
    const bool fewer = have.count < acknowledged.count;
    const bool others = have.count == acknowledged.count && have.hash != acknowledged.hash;
    if (!fewer && !others) {
        return ok();
    }
    return fail(
        Errc::kCorrupt,
        "the database holds " + std::to_string(have.count) + " decisions, but " +
            std::to_string(acknowledged.count) + (others ? " others" : "") +
            " were acknowledged: it was cut, or is an older copy"
    );
}

Result<void> check_leaves(const Database& database, const OnProgress& progress) {
    const Database::Impl& db = database.impl();
    for (std::uint64_t i = 0; i < db.leaves; ++i) {
        MARGRAVE_TRY(const Bytes leaf, database.leaf(i));
        const Bytes key = detail::attest_key::leaf_digest(keccak256(leaf));
        MARGRAVE_TRY(const auto index, db.read<detail::NumberRow>(Cf::kAttest, key));
        if (!index) {
            return detail::corrupt(
                Cf::kAttest,
                detail::attest_key::leaf(i),
                "leaf " + std::to_string(i) + " is not found by the digest of its bytes"
            );
        }
        if ((i + 1) % kProgressRows == 0) {
            progress(i + 1);
        }
    }
    return ok();
}

Result<std::uint64_t> read_all_rows(const Database& database, const OnProgress& progress) {
    const Database::Impl& db = database.impl();
    MARGRAVE_TRY(db.check());
    std::uint64_t rows = 0;
    rocksdb::ReadOptions how;
    how.total_order_seek = true;
    how.verify_checksums = true;
    how.fill_cache = false;
    for (std::size_t i = 0; i < detail::kFamilies; ++i) {
        const std::unique_ptr<rocksdb::Iterator> it(
            db.db->NewIterator(how, db.family(static_cast<Cf>(i)))
        );
        for (it->SeekToFirst(); it->Valid(); it->Next()) {
            if (++rows % kProgressRows == 0) {
                progress(rows);
            }
        }
        if (!it->status().ok()) {
            return db.failed("read column family " + name_of_family(i), it->status());
        }
    }
    return rows;
}

std::vector<std::string> family_names() {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < detail::kFamilies; ++i) {
        out.push_back(name_of_family(i));
    }
    return out;
}

Result<void> dump_rows(
    const Database& database, const DumpFilter& filter, const RowVisitor& visit
) {
    const std::vector<std::string> names = family_names();
    const auto at = std::ranges::find(names, filter.family);
    if (at == names.end()) {
        std::string known;
        for (const std::string& name : names) {
            known += (known.empty() ? "" : ", ") + name;
        }
        return fail(
            Errc::kUsage, "there is no column family \"" + filter.family + "\"; known are " + known
        );
    }
    const auto each = [&visit](ByteView key, ByteView value) -> Result<bool> {
        return visit(key, value);
    };
    const Bytes& start = filter.from.empty() ? filter.prefix : filter.from;
    return database.impl().scan(static_cast<Cf>(at - names.begin()), filter.prefix, start, each);
}

Result<void> compact(
    const Database& database, const std::function<void(const std::string&)>& family
) {
    const Database::Impl& db = database.impl();
    MARGRAVE_TRY(db.check_writable());
    for (std::size_t i = 0; i < detail::kFamilies; ++i) {
        family(name_of_family(i));
        rocksdb::CompactRangeOptions how;
        how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
        const rocksdb::Status status =
            db.db->CompactRange(how, db.family(static_cast<Cf>(i)), nullptr, nullptr);
        if (!status.ok()) {
            return db.failed("compact column family " + name_of_family(i), status);
        }
    }
    return ok();
}

}  // namespace margrave::store
