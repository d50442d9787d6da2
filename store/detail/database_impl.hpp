// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/database.hpp"
#include "store/detail/codec.hpp"
#include "store/detail/decision_records.hpp"
#include "store/detail/keys.hpp"
#include "store/detail/making_files.hpp"
#include "store/detail/mark_file.hpp"
#include "store/detail/tail_mark.hpp"

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace margrave::store::detail {

/// Column families, in the order in which they are opened. RocksDB's own default family is `meta`.
enum class Cf : std::size_t {
    kMeta,
    kChain,
    kLedger,
    kVersion,
    kJournal,
    kEvent,
    kDecision,
    kAttest,
};
inline constexpr std::size_t kFamilies = 8;
std::string_view to_string(Cf family);

inline rocksdb::Slice as_slice(ByteView v) {
    // An empty view may point nowhere, and a slice never does.
    return v.empty() ? rocksdb::Slice()
                     : rocksdb::Slice(reinterpret_cast<const char*>(v.data()), v.size());
}

inline ByteView as_view(const rocksdb::Slice& v) {
    return {reinterpret_cast<const std::uint8_t*>(v.data()), v.size()};
}

/// kCorrupt that names the row.
Error corrupt(Cf family, ByteView key, std::string_view why);

/// What RocksDB's threads tell us: after a failed flush or compaction nothing may go on.
class FailureListener : public rocksdb::EventListener {
  public:
    void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
    void fail(std::string why);
    /// Empty while nothing failed.
    [[nodiscard]] std::string failure() const;

  private:
    std::atomic<bool> failed_{false};
    mutable std::mutex mutex_;
    std::string why_;
};

/// The file beside the database that says how many decisions were acknowledged.
inline constexpr std::string_view kDecisionMark = "decisions.mark";

struct SchemaVersion {
    std::uint16_t major{0};
    std::uint16_t minor{0};
    auto operator<=>(const SchemaVersion&) const = default;
};

/// One step from the schema before it to `to` (store/detail/schema.hpp).
struct Migration {
    SchemaVersion to;
    /// Puts a bounded part of the work into the batch, from `cursor` on (empty at the start), and
    /// returns where to go on: greater bytes than before. nullopt: that was the rest. A step that
    /// is made twice changes nothing.
    using Step = Result<std::optional<Bytes>> (*)(
        const Database::Impl& db, ByteView cursor, rocksdb::WriteBatch& batch
    );
    Step step{nullptr};
};

/// How a database is opened, beyond what its user says.
struct OpenPlan {
    OpenPlan();

    /// For a copy, which has no mark: it gets one of what it holds.
    bool make_mark{false};
    /// What this program writes, the oldest that can be brought there, and how.
    SchemaVersion schema;
    SchemaVersion oldest;
    std::span<const Migration> migrations;
};

/// A checkpoint of the database as `dir`/db; `dir` must not exist.
Result<void> copy_store_at(const Database::Impl& db, const std::filesystem::path& dir);

}  // namespace margrave::store::detail

namespace margrave::store {

/// The open RocksDB and its failure state. Reads and `write` from any thread; what counts
/// (decisions, leaves, intents) and `generation` belong to one.
struct Database::Impl {
    /// A row is either whole or a kCorrupt; the visitor says whether to go on.
    using Visit = std::function<Result<bool>(ByteView key, ByteView value)>;

    DatabaseOptions options;
    /// Where the database was made by this process; `db` uses it to its end.
    std::unique_ptr<detail::MakingFiles> making;
    std::unique_ptr<rocksdb::DB> db;
    std::array<rocksdb::ColumnFamilyHandle*, detail::kFamilies> families{};
    std::shared_ptr<detail::FailureListener> listener;
    /// Counts refreshes, so that Ledger knows when its caches are old.
    std::uint64_t generation{0};
    std::uint64_t leaves{0};
    std::uint64_t intents{0};
    detail::DecisionCountRow decisions;
    std::unique_ptr<detail::MarkFile> mark;
    /// How far everything came, decisions or not; absent when opened for reading.
    std::unique_ptr<detail::TailMark> tail;
    mutable std::mutex tail_mutex;
    /// What opening found and did, for people.
    std::string note;
    /// Where a secondary keeps its own info log; removed with it.
    std::filesystem::path secondary;

    /// What Database::open does.
    static Result<std::unique_ptr<Database>> open(
        const DatabaseOptions& options, const detail::OpenPlan& plan
    );

    Impl() = default;
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    [[nodiscard]] rocksdb::ColumnFamilyHandle* family(detail::Cf f) const {
        return families[static_cast<std::size_t>(f)];
    }

    /// kStore once anything failed: the state in memory and the state on disk may differ.
    [[nodiscard]] Result<void> check() const;
    /// check(), and kStore when opened for reading.
    [[nodiscard]] Result<void> check_writable() const;
    Error failed(std::string_view what, const rocksdb::Status& status) const;

    [[nodiscard]] Result<std::optional<Bytes>> get(detail::Cf f, ByteView key) const;
    /// Rows whose key starts with `prefix`, from `start` (itself under the prefix) on.
    Result<void> scan(detail::Cf f, ByteView prefix, ByteView start, const Visit& visit) const;

    Result<void> scan(detail::Cf f, ByteView prefix, const Visit& visit) const {
        return scan(f, prefix, prefix, visit);
    }

    /// The last row under a prefix.
    [[nodiscard]] Result<std::optional<std::pair<Bytes, Bytes>>> last(detail::Cf f, ByteView prefix)
        const;
    /// The same, and not after `end`.
    [[nodiscard]] Result<std::optional<std::pair<Bytes, Bytes>>> last(
        detail::Cf f, ByteView prefix, ByteView end
    ) const;

    template <class Row>
    [[nodiscard]] Result<std::optional<Row>> read(detail::Cf f, ByteView key) const {
        MARGRAVE_TRY(const std::optional<Bytes> bytes, get(f, key));
        if (!bytes) {
            return std::optional<Row>{};
        }
        MARGRAVE_TRY(Row row, decode<Row>(f, key, *bytes));
        return std::optional<Row>{std::move(row)};
    }

    template <class Row>
    static Result<Row> decode(detail::Cf f, ByteView key, ByteView value) {
        Result<Row> row = detail::decode<Row>(value);
        if (!row) {
            return detail::corrupt(f, key, row.error().detail);
        }
        return row;
    }

    void put(rocksdb::WriteBatch& batch, detail::Cf f, ByteView key, ByteView value) const;
    void remove(rocksdb::WriteBatch& batch, detail::Cf f, ByteView key) const;

    template <class Row>
    void put_row(rocksdb::WriteBatch& batch, detail::Cf f, ByteView key, const Row& row) const {
        put(batch, f, key, detail::encode(row));
    }

    Result<void> write(rocksdb::WriteBatch& batch, bool sync) const;
    /// Synced, counted, and followed by the mark: a decision that was acknowledged and is gone
    /// after a restart is found.
    Result<void> write_decision(rocksdb::WriteBatch& batch);
    /// After a write, under tail_mutex: `history.mark` follows. A failure stops everything, as that
    /// of a write.
    Result<void> follow_tail(bool synced) const;
    /// Makes the last writes durable and says so in `history.mark`.
    void close_tail() const;
    /// Reads the counters; at open and at each refresh.
    Result<void> load_counters();
};

}  // namespace margrave::store
