// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/backup.hpp"
#include "store/database.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace margrave::store {

// What people ask of a store. All but `compact` read, also beside a running daemon, from a database
// that was opened for reading.

struct FamilyStats {
    std::string name;
    /// RocksDB's own estimate: rows that were removed count until they are compacted away.
    std::uint64_t rows{0};
    std::uint64_t file_bytes{0};
    std::uint64_t files{0};
    std::uint64_t memory_bytes{0};
};

struct StoreStats {
    /// "2.0"
    std::string schema;
    std::vector<FamilyStats> families;
    std::uint64_t decisions{0};
    std::uint64_t leaves{0};
    std::uint64_t intents{0};
    /// Journal entries.
    std::uint64_t entries{0};
    /// Of the directory with everything in it, and what is free beside it.
    std::uint64_t disk_bytes{0};
    std::uint64_t free_bytes{0};
};

Result<StoreStats> read_stats(const Database& db);

/// The decisions that decisions.mark in `dir` says were acknowledged, without holding it; read it
/// before the database is opened and hand it to check_decisions. kNotFound, kCorrupt.
struct AcknowledgedDecisions {
    std::uint64_t count{0};
    Hash32 hash;
};

Result<AcknowledgedDecisions> read_mark(const std::filesystem::path& dir);
/// kCorrupt when decisions that were acknowledged are missing, or are others.
Result<void> check_decisions(const Database& db, const AcknowledgedDecisions& acknowledged);

/// Reads every leaf of the log and finds it again by its digest.
Result<void> check_leaves(const Database& db, const OnProgress& progress);

/// Reads every row of every column family, which checks the checksum of every block that holds
/// one. The number of rows. kCorrupt names the family.
Result<std::uint64_t> read_all_rows(const Database& db, const OnProgress& progress);

/// Names of the column families, as `dump_rows` takes them.
std::vector<std::string> family_names();

struct DumpFilter {
    std::string family;
    /// Keys that start with `prefix`, from `from` on when it is not empty.
    Bytes prefix;
    Bytes from;
};

/// Rows in the order of their keys; the visitor says whether to go on. kUsage for a family that
/// does not exist.
using RowVisitor = std::function<bool(ByteView key, ByteView value)>;
Result<void> dump_rows(const Database& db, const DumpFilter& filter, const RowVisitor& visit);

/// Rewrites the files of every family so that what was removed takes no space. Of the writer.
Result<void> compact(const Database& db, const std::function<void(const std::string&)>& family);

}  // namespace margrave::store
