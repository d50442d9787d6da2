// SPDX-License-Identifier: Apache-2.0
#include "store/detail/database_impl.hpp"

#include "core/assert.hpp"
#include "core/disk_seam.hpp"
#include "core/keccak.hpp"
#include "store/detail/records.hpp"

namespace margrave::store {
namespace detail {

std::string_view to_string(Cf family) {
    switch (family) {
        case Cf::kMeta:
            return "default";
        case Cf::kChain:
            return "chain";
        case Cf::kLedger:
            return "ledger";
        case Cf::kVersion:
            return "version";
        case Cf::kJournal:
            return "journal";
        case Cf::kEvent:
            return "event";
        case Cf::kDecision:
            return "decision";
        case Cf::kAttest:
            return "attest";
    }
    return "unknown";
}

Error corrupt(Cf family, ByteView key, std::string_view why) {
    return fail(
        Errc::kCorrupt,
        "row " + to_hex(key) + " of column family " + std::string(to_string(family)) + ": " +
            std::string(why)
    );
}

void FailureListener::OnBackgroundError(
    rocksdb::BackgroundErrorReason reason, rocksdb::Status* status
) {
    fail(
        "background work " + std::to_string(static_cast<int>(reason)) +
        " failed: " + status->ToString()
    );
}

void FailureListener::fail(std::string why) {
    const std::lock_guard lock(mutex_);
    if (!failed_.exchange(true)) {
        why_ = std::move(why);
    }
}

std::string FailureListener::failure() const {
    if (!failed_.load()) {
        return {};
    }
    const std::lock_guard lock(mutex_);
    return why_;
}

}  // namespace detail

using detail::Cf;

Database::Impl::~Impl() {
    if (db) {
        if (tail && check()) {
            // What was written without a sync outlives a power cut from here on.
            close_tail();
        }
        for (rocksdb::ColumnFamilyHandle* handle : families) {
            if (handle != nullptr) {
                db->DestroyColumnFamilyHandle(handle);
            }
        }
        db->Close().PermitUncheckedError();
        db.reset();
    }
    if (!secondary.empty()) {
        std::error_code ignored;
        std::filesystem::remove_all(secondary, ignored);
    }
}

Result<void> Database::Impl::check() const {
    const std::string why = listener->failure();
    if (why.empty()) {
        return ok();
    }
    return fail(
        Errc::kStore,
        "the store in " + options.dir.string() + " failed before (" + why +
            "); what reached the disk is unknown until the process starts again"
    );
}

Result<void> Database::Impl::check_writable() const {
    if (options.read_only) {
        return fail(Errc::kStore, "the store in " + options.dir.string() + " is open for reading");
    }
    return check();
}

Error Database::Impl::failed(std::string_view what, const rocksdb::Status& status) const {
    const std::string why = std::string(what) + ": " + status.ToString();
    if (status.IsCorruption()) {
        return fail(Errc::kCorrupt, why + "; restore " + options.dir.string() + " or sync anew");
    }
    listener->fail(why);
    return fail(Errc::kStore, why);
}

Result<std::optional<Bytes>> Database::Impl::get(Cf f, ByteView key) const {
    MARGRAVE_TRY(check());
    rocksdb::PinnableSlice value;
    const rocksdb::Status status =
        db->Get(rocksdb::ReadOptions(), family(f), detail::as_slice(key), &value);
    if (status.IsNotFound()) {
        return std::optional<Bytes>{};
    }
    if (!status.ok()) {
        return failed("read row " + to_hex(key) + " of " + std::string(to_string(f)), status);
    }
    const ByteView view = detail::as_view(value);
    return std::optional<Bytes>{Bytes(view.begin(), view.end())};
}

Result<void> Database::Impl::scan(Cf f, ByteView prefix, ByteView start, const Visit& visit) const {
    MARGRAVE_TRY(check());
    rocksdb::ReadOptions options_now;
    options_now.total_order_seek = true;
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options_now, family(f)));
    const rocksdb::Slice bound = detail::as_slice(prefix);
    for (it->Seek(detail::as_slice(start)); it->Valid() && it->key().starts_with(bound);
         it->Next()) {
        MARGRAVE_TRY(
            const bool go_on, visit(detail::as_view(it->key()), detail::as_view(it->value()))
        );
        if (!go_on) {
            return ok();
        }
    }
    if (!it->status().ok()) {
        return failed("scan " + std::string(to_string(f)), it->status());
    }
    return ok();
}

Result<std::optional<std::pair<Bytes, Bytes>>> Database::Impl::last(Cf f, ByteView prefix) const {
    // No key under a prefix is longer than this run of the highest byte.
    constexpr std::size_t kBeyond = 128;
    Bytes end(prefix.begin(), prefix.end());
    end.insert(end.end(), kBeyond, 0xff);
    return last(f, prefix, end);
}

Result<std::optional<std::pair<Bytes, Bytes>>> Database::Impl::last(
    Cf f, ByteView prefix, ByteView end
) const {
    MARGRAVE_TRY(check());
    rocksdb::ReadOptions options_now;
    options_now.total_order_seek = true;
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options_now, family(f)));
    it->SeekForPrev(detail::as_slice(end));
    if (!it->status().ok()) {
        return failed("seek in " + std::string(to_string(f)), it->status());
    }
    using Found = std::optional<std::pair<Bytes, Bytes>>;
    if (!it->Valid() || !it->key().starts_with(detail::as_slice(prefix))) {
        return Found{};
    }
    const ByteView key = detail::as_view(it->key());
    const ByteView value = detail::as_view(it->value());
    return Found{{Bytes(key.begin(), key.end()), Bytes(value.begin(), value.end())}};
}

void Database::Impl::put(rocksdb::WriteBatch& batch, Cf f, ByteView key, ByteView value) const {
    const rocksdb::Status status =
        batch.Put(family(f), detail::as_slice(key), detail::as_slice(value));
    MARGRAVE_ASSERT(status.ok());
}

void Database::Impl::remove(rocksdb::WriteBatch& batch, Cf f, ByteView key) const {
    const rocksdb::Status status = batch.Delete(family(f), detail::as_slice(key));
    MARGRAVE_ASSERT(status.ok());
}

Result<void> Database::Impl::write(rocksdb::WriteBatch& batch, bool sync) const {
    MARGRAVE_TRY(check_writable());
    rocksdb::WriteOptions how;
    how.sync = sync;
    // Checked against a flipped bit between here and the memtable.
    how.protection_bytes_per_key = 8;
    disk_moment(sync ? "store.before_synced_batch" : "store.before_batch");
    // Else another thread's batch, not synced, could come between and count as synced.
    const std::lock_guard lock(tail_mutex);
    const rocksdb::Status status = db->Write(how, &batch);
    if (!status.ok()) {
        const std::string why = "write of a batch of " + std::to_string(batch.GetDataSize()) +
                                " bytes: " + status.ToString();
        listener->fail(why);
        return fail(Errc::kStore, why + "; whether it is on disk is unknown, stop and start again");
    }
    disk_moment(sync ? "store.synced_batch_written" : "store.batch_written");
    return follow_tail(sync);
}

Result<void> Database::Impl::follow_tail(bool synced) const {
    if (!tail) {
        return ok();
    }
    const Result<void> done = tail->advance(db->GetLatestSequenceNumber(), synced);
    if (!done) {
        listener->fail(done.error().detail);
    }
    return done;
}

void Database::Impl::close_tail() const {
    const std::lock_guard lock(tail_mutex);
    const rocksdb::Status status = db->SyncWAL();
    if (!status.ok()) {
        listener->fail("sync at the end: " + status.ToString());
        return;
    }
    const Result<void> done = follow_tail(/*synced=*/true);
    if (!done) {
        listener->fail(done.error().detail);
    }
}

Result<void> Database::Impl::write_decision(rocksdb::WriteBatch& batch) {
    MARGRAVE_TRY(check_writable());
    detail::DecisionCountRow next;
    next.count = decisions.count + 1;
    next.previous = decisions.hash;
    const std::string& data = batch.Data();
    next.hash = keccak256(decisions.hash, keccak256(data));
    put_row(batch, Cf::kMeta, as_bytes(detail::meta::kDecisions), next);
    MARGRAVE_TRY(write(batch, /*sync=*/true));
    decisions = next;
    disk_moment("store.decision_written");
    const Result<void> marked = mark->advance({next.count, next.hash});
    disk_moment("store.decision_marked");
    if (!marked) {
        listener->fail(marked.error().detail);
    }
    return marked;
}

Result<void> Database::Impl::load_counters() {
    using detail::NumberRow;
    MARGRAVE_TRY(const auto leaf_row, read<NumberRow>(Cf::kMeta, as_bytes(detail::meta::kLeaves)));
    MARGRAVE_TRY(
        const auto intent_row, read<NumberRow>(Cf::kMeta, as_bytes(detail::meta::kIntents))
    );
    MARGRAVE_TRY(
        const auto count_row,
        read<detail::DecisionCountRow>(Cf::kMeta, as_bytes(detail::meta::kDecisions))
    );
    leaves = leaf_row ? leaf_row->number : 0;
    intents = intent_row ? intent_row->number : 0;
    decisions = count_row.value_or(detail::DecisionCountRow{});
    return ok();
}

}  // namespace margrave::store
