// SPDX-License-Identifier: Apache-2.0
#include "store/detail/schema.hpp"

#include "core/assert.hpp"
#include "store/backup.hpp"
#include "store/detail/posix.hpp"

#include <algorithm>
#include <array>
#include <system_error>

namespace margrave::store::detail {
namespace {

namespace fs = std::filesystem;

struct SchemaRow {
    static constexpr std::size_t kTypicalSize = 8;
    SchemaVersion version;

    void write(Bytes& out) const {
        put_u16(out, version.major);
        put_u16(out, version.minor);
    }

    static Result<SchemaRow> read(ByteReader& in) {
        SchemaRow row;
        MARGRAVE_TRY(row.version.major, in.u16());
        MARGRAVE_TRY(row.version.minor, in.u16());
        return row;
    }
};

Result<void> check_empty(const Database::Impl& db) {
    for (std::size_t i = 0; i < kFamilies; ++i) {
        const auto visit = [i](ByteView key, ByteView) -> Result<bool> {
            return corrupt(static_cast<Cf>(i), key, "is there, but the schema row is gone");
        };
        MARGRAVE_TRY(db.scan(static_cast<Cf>(i), {}, visit));
    }
    return ok();
}

Result<void> write_new(Database::Impl& db, const SchemaVersion& version) {
    MARGRAVE_TRY(check_empty(db));
    if (db.options.read_only) {
        return fail(Errc::kNotFound, db.options.dir.string() + " is not set up yet");
    }
    rocksdb::WriteBatch batch;
    db.put_row(batch, Cf::kMeta, as_bytes(meta::kSchema), SchemaRow{version});
    db.put(batch, Cf::kMeta, as_bytes(meta::kNetwork), db.options.network.view());
    return db.write(batch, /*sync=*/true);
}

Result<void> check_network(const Database::Impl& db) {
    MARGRAVE_TRY(const auto network, db.get(Cf::kMeta, as_bytes(meta::kNetwork)));
    if (network && std::ranges::equal(*network, db.options.network.view())) {
        return ok();
    }
    return fail(
        Errc::kSchema,
        db.options.dir.string() + " belongs to network " +
            (network ? to_hex(*network) : std::string("unknown")) + ", not to " +
            to_hex(db.options.network)
    );
}

// Where a migration stands; there only while one is under way.
Bytes cursor_key(const SchemaVersion& to) {
    return to_bytes("mig/" + to_string(to));
}

// Each step is one batch with the cursor behind it, so a crash repeats at most one, which changes
// nothing the second time.
Result<void> run(Database::Impl& db, const Migration& migration) {
    const Bytes key = cursor_key(migration.to);
    MARGRAVE_TRY(auto stored, db.get(Cf::kMeta, key));
    Bytes cursor = stored ? std::move(*stored) : Bytes{};
    while (true) {
        rocksdb::WriteBatch batch;
        MARGRAVE_TRY(auto next, migration.step(db, cursor, batch));
        if (!next) {
            db.remove(batch, Cf::kMeta, key);
            db.put_row(batch, Cf::kMeta, as_bytes(meta::kSchema), SchemaRow{migration.to});
            return db.write(batch, /*sync=*/true);
        }
        // Bytes that do not grow would go on for ever.
        MARGRAVE_ASSERT(*next > cursor);
        db.put(batch, Cf::kMeta, key, *next);
        MARGRAVE_TRY(db.write(batch, /*sync=*/false));
        cursor = std::move(*next);
    }
}

// The store as it was, to go back to. One that a finished copy of this very migration made stays;
// half of one is made again.
Result<void> keep_copy(const Database::Impl& db, const SchemaVersion& from, bool begun) {
    const fs::path kept = db.options.dir / ("before-" + to_string(from));
    std::error_code error;
    if (begun && fs::exists(kept / "db" / "CURRENT", error)) {
        return ok();
    }
    const fs::path making = kept.string() + ".new";
    fs::remove_all(making, error);
    MARGRAVE_TRY(copy_store_at(db, making));
    fs::remove_all(kept, error);
    fs::rename(making, kept, error);
    if (error) {
        return fail(Errc::kStore, "rename " + making.string() + ": " + error.message());
    }
    return sync_dir(db.options.dir);
}

Result<void> check_older(const Database::Impl& db, SchemaVersion have, const OpenPlan& plan) {
    const std::string where = db.options.dir.string() + " has schema " + to_string(have);
    if (have < plan.oldest) {
        return fail(
            Errc::kSchema,
            where + "; this program reads schema " + to_string(plan.oldest) + " to " +
                to_string(plan.schema) + ". Sync again into a fresh data directory"
        );
    }
    if (db.options.read_only) {
        return fail(
            Errc::kSchema,
            where + ", this program writes " + to_string(plan.schema) +
                "; a start of the daemon brings it there, after a copy of it is kept"
        );
    }
    return ok();
}

}  // namespace

std::string to_string(const SchemaVersion& version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

OpenPlan::OpenPlan()
    : schema(kSchemaNow),
      oldest(kSchemaOldest),
      migrations(known_migrations()) {}

std::span<const Migration> known_migrations() {
    static constexpr std::array kAll{
        Migration{{2, 1}, name_attested_states}, Migration{{2, 2}, admit_interest}};
    return kAll;
}

Result<std::optional<Bytes>> admit_interest(const Database::Impl&, ByteView, rocksdb::WriteBatch&) {
    return std::optional<Bytes>{};
}

Result<SchemaVersion> read_schema(const Database::Impl& db) {
    MARGRAVE_TRY(const auto row, db.read<SchemaRow>(Cf::kMeta, as_bytes(meta::kSchema)));
    if (!row) {
        return fail(Errc::kNotFound, db.options.dir.string() + " is not set up yet");
    }
    return row->version;
}

Result<SchemaVersion> check_schema(Database::Impl& db, const OpenPlan& plan) {
    const Result<SchemaVersion> found = read_schema(db);
    if (!found && found.error().code == Errc::kNotFound) {
        MARGRAVE_TRY(write_new(db, plan.schema));
        return plan.schema;
    }
    MARGRAVE_TRY(const SchemaVersion have, found);
    MARGRAVE_TRY(check_network(db));
    if (have < plan.schema) {
        MARGRAVE_TRY(check_older(db, have, plan));
    }
    if (have > plan.schema) {
        return fail(
            Errc::kSchema,
            db.options.dir.string() + " has schema " + to_string(have) +
                ", which a newer program wrote; this one reads up to schema " +
                to_string(plan.schema) + ". Run the newer one, or go back to the copy in before-" +
                to_string(plan.schema) + " if there is one"
        );
    }
    return have;
}

Result<void> migrate(Database::Impl& db, SchemaVersion have, const OpenPlan& plan) {
    const auto first =
        std::ranges::find_if(plan.migrations, [&have](const Migration& m) { return m.to > have; });
    if (have == plan.schema) {
        return ok();
    }
    MARGRAVE_ASSERT(first != plan.migrations.end());
    MARGRAVE_ASSERT(plan.migrations.back().to == plan.schema);
    MARGRAVE_TRY(const auto cursor, db.get(Cf::kMeta, cursor_key(first->to)));
    MARGRAVE_TRY(keep_copy(db, have, cursor.has_value()));
    for (auto at = first; at != plan.migrations.end(); ++at) {
        MARGRAVE_TRY(run(db, *at));
    }
    return db.load_counters();
}

}  // namespace margrave::store::detail
