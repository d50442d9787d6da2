// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/database_impl.hpp"

#include <span>
#include <string>

// What the rows of a database mean, by number, and how an older one becomes a newer one
// (docs/ledger.md section 11).
namespace margrave::store::detail {

/// What this program writes.
inline constexpr SchemaVersion kSchemaNow{2, 2};
/// What it can bring there.
inline constexpr SchemaVersion kSchemaOldest{2, 0};

std::string to_string(const SchemaVersion& version);

/// All that this program knows, ascending.
std::span<const Migration> known_migrations();

/// To 2.1: which states the attestations of the log name, so that pruning keeps them; and the legs
/// by their deadlines.
Result<std::optional<Bytes>> name_attested_states(
    const Database::Impl& db, ByteView cursor, rocksdb::WriteBatch& batch
);

/// To 2.2: nothing is made anew. What loans cost has rows that a program of 2.1 would pass over.
Result<std::optional<Bytes>> admit_interest(
    const Database::Impl& db, ByteView cursor, rocksdb::WriteBatch& batch
);

/// kNotFound while the database is not set up.
Result<SchemaVersion> read_schema(const Database::Impl& db);

/// Writes schema and network of a new database, and refuses one of another network, of a newer
/// schema, or of an older one that cannot be brought to that of `plan`. The schema it has.
Result<SchemaVersion> check_schema(Database::Impl& db, const OpenPlan& plan);

/// Brings it from `have` to the schema of `plan`, after a copy of it was made beside it.
Result<void> migrate(Database::Impl& db, SchemaVersion have, const OpenPlan& plan);

}  // namespace margrave::store::detail
