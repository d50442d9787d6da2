// SPDX-License-Identifier: Apache-2.0
#include "store/detail/prune.hpp"

#include "store/detail/records.hpp"

#include <algorithm>

namespace margrave::store::detail {
namespace {

// Rows of one batch when a replay is brought to where the original is.
constexpr std::size_t kAlikeRows = 50'000;

// Finds whether a decision names a state between two blocks.
class NamedStates {
  public:
    explicit NamedStates(const Database::Impl& db)
        : db_(db) {
        rocksdb::ReadOptions how;
        how.total_order_seek = true;
        it_.reset(db.db->NewIterator(how, db.family(Cf::kChain)));
    }

    /// In [from, before).
    Result<bool> any(ChainTag chain, BlockNum from, BlockNum before) {
        const Bytes first = chain_key::named(chain, from);
        const Bytes end = chain_key::named(chain, before);
        it_->Seek(as_slice(first));
        if (!it_->status().ok()) {
            return db_.failed("read of the named states", it_->status());
        }
        return it_->Valid() && it_->key().compare(as_slice(end)) < 0;
    }

  private:
    const Database::Impl& db_;
    std::unique_ptr<rocksdb::Iterator> it_;
};

// Walks the versions of one subject after the other, newest first.
class VersionWalk {
  public:
    VersionWalk(const Database::Impl& db, const FloorOf& floor, std::vector<ChainTag> ledgers)
        : floor_of_(floor),
          ledgers_(std::move(ledgers)),
          named_(db) {}

    /// A key that was looked at before.
    Result<void> resume(ByteView key) { return enter(key); }

    /// Whether no kept state needs the row.
    Result<bool> is_needless(ByteView key) {
        const std::size_t size = key.size() < subject::kSuffix ? 0 : key.size() - subject::kSuffix;
        const ByteView subject = key.first(size);
        const bool is_next = std::ranges::equal(subject, subject_);
        const BlockNum newer = version_;
        MARGRAVE_TRY(enter(key));
        // The newest of all is the head's, and the newest that is not above the floor the floor's.
        if (!is_next || newer > floor_ || floor_ == BlockNum{}) {
            return false;
        }
        MARGRAVE_TRY(const bool named, named_.any(chain_, version_, newer));
        return !named;
    }

  private:
    Result<void> enter(ByteView key) {
        if (key.size() <= subject::kSuffix) {
            return corrupt(Cf::kVersion, key, "key is too short");
        }
        const ByteView subject = key.first(key.size() - subject::kSuffix);
        version_ = subject::version_of(key);
        if (std::ranges::equal(subject, subject_)) {
            return ok();
        }
        subject_.assign(subject.begin(), subject.end());
        const Result<subject::Place> place = subject::place_of(subject);
        if (!place) {
            return corrupt(Cf::kVersion, key, place.error().detail);
        }
        const LedgerId ledger = place.value().ledger;
        if (ledger.value > ledgers_.size()) {
            return corrupt(Cf::kVersion, key, "is of a ledger that is not defined");
        }
        chain_ = ledger.value == 0 ? place.value().chain : ledgers_[ledger.value - 1];
        floor_ = floor_of_(chain_);
        return ok();
    }

    const FloorOf& floor_of_;
    std::vector<ChainTag> ledgers_;
    NamedStates named_;
    Bytes subject_;
    BlockNum version_;
    ChainTag chain_;
    BlockNum floor_;
};

Result<void> copy_named(const Database::Impl& from, Database::Impl& to, const PruneRow& row) {
    for (const PruneRow::Floor& floor : row.floors) {
        rocksdb::WriteBatch batch;
        const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
            to.put(batch, Cf::kChain, key, value);
            return true;
        };
        MARGRAVE_TRY(from.scan(Cf::kChain, chain_key::named(floor.chain), visit));
        MARGRAVE_TRY(to.write(batch, /*sync=*/false));
    }
    return ok();
}

Result<void> prune_all(Database::Impl& db, const FloorOf& floor, ByteView until) {
    VersionRange range{{}, until, kAlikeRows};
    bool ended = false;
    while (!ended) {
        rocksdb::WriteBatch batch;
        PruneStep step;
        MARGRAVE_TRY(ended, prune_versions(db, floor, range, batch, step));
        MARGRAVE_TRY(db.write(batch, /*sync=*/false));
    }
    return ok();
}

}  // namespace

BlockNum PruneRow::target_of(ChainTag chain) const {
    const auto at = std::ranges::find(floors, chain, &Floor::chain);
    return at == floors.end() ? BlockNum{} : at->target;
}

void PruneRow::write(Bytes& out) const {
    put_varint(out, floors.size());
    for (const Floor& floor : floors) {
        put_u64(out, floor.chain.value);
        put_u64(out, floor.done.value);
        put_u64(out, floor.target.value);
    }
    put_u8(out, static_cast<std::uint8_t>(phase));
    put_blob(out, cursor);
}

Result<PruneRow> PruneRow::read(ByteReader& in) {
    constexpr std::size_t kFloorBytes = 24;
    PruneRow row;
    MARGRAVE_TRY(const std::size_t count, read_count(in, kFloorBytes));
    for (std::size_t i = 0; i < count; ++i) {
        Floor floor;
        MARGRAVE_TRY(floor.chain.value, in.u64());
        MARGRAVE_TRY(floor.done.value, in.u64());
        MARGRAVE_TRY(floor.target.value, in.u64());
        row.floors.push_back(floor);
    }
    MARGRAVE_TRY(const std::uint8_t phase, in.u8());
    if (phase > static_cast<std::uint8_t>(Phase::kVersions)) {
        return fail(Errc::kCorrupt, "phase " + std::to_string(phase) + " of pruning is unknown");
    }
    row.phase = static_cast<Phase>(phase);
    MARGRAVE_TRY(row.cursor, read_blob(in));
    return row;
}

Result<PruneRow> read_prune_row(const Database::Impl& db) {
    MARGRAVE_TRY(auto row, db.read<PruneRow>(Cf::kMeta, as_bytes(meta::kPrune)));
    return row ? std::move(*row) : PruneRow{};
}

Result<std::vector<ChainTag>> chains_of_ledgers(const Database::Impl& db) {
    std::vector<ChainTag> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(
            const auto row, Database::Impl::decode<DefinitionRow>(Cf::kLedger, key, value)
        );
        MARGRAVE_TRY(const AssetId asset, AssetId::parse(row.asset));
        out.push_back(tag_of(asset.chain()));
        return true;
    };
    MARGRAVE_TRY(db.scan(Cf::kLedger, Bytes{ledger_key::kDefinition}, visit));
    return out;
}

Result<bool> prune_versions(
    const Database::Impl& db,
    const FloorOf& floor,
    VersionRange& range,
    rocksdb::WriteBatch& batch,
    PruneStep& step
) {
    MARGRAVE_TRY(db.check());
    MARGRAVE_TRY(auto ledgers, chains_of_ledgers(db));
    VersionWalk walk(db, floor, std::move(ledgers));
    Bytes start = range.cursor;
    if (!start.empty()) {
        MARGRAVE_TRY(walk.resume(start));
        start.push_back(0);
    }
    bool ended = true;
    std::size_t left = range.rows;
    const auto visit = [&](ByteView key, ByteView) -> Result<bool> {
        if (!range.until.empty() && std::ranges::lexicographical_compare(range.until, key)) {
            return false;
        }
        if (left == 0) {
            ended = false;
            return false;
        }
        --left;
        ++step.seen;
        MARGRAVE_TRY(const bool needless, walk.is_needless(key));
        if (needless) {
            db.remove(batch, Cf::kVersion, key);
            ++step.removed;
        }
        range.cursor.assign(key.begin(), key.end());
        return true;
    };
    MARGRAVE_TRY(db.scan(Cf::kVersion, {}, start, visit));
    return ended;
}

Result<void> prune_alike(const Database::Impl& ours, Database::Impl& replayed) {
    MARGRAVE_TRY(const PruneRow row, read_prune_row(ours));
    MARGRAVE_TRY(copy_named(ours, replayed, row));
    const FloorOf done = [&row](ChainTag chain) {
        const auto at = std::ranges::find(row.floors, chain, &PruneRow::Floor::chain);
        return at == row.floors.end() ? BlockNum{} : at->done;
    };
    if (!row.floors.empty()) {
        MARGRAVE_TRY(prune_all(replayed, done, {}));
    }
    if (row.phase != PruneRow::Phase::kVersions || row.cursor.empty()) {
        return ok();
    }
    const FloorOf target = [&row](ChainTag chain) {
        return row.target_of(chain);
    };
    return prune_all(replayed, target, row.cursor);
}

Result<void> check_not_pruned(const Database::Impl& db, const ChainId& chain, BlockNum number) {
    MARGRAVE_TRY(const PruneRow row, read_prune_row(db));
    const ChainTag tag = tag_of(chain);
    const BlockNum floor = row.target_of(tag);
    if (number >= floor) {
        return ok();
    }
    MARGRAVE_TRY(const auto named, db.get(Cf::kChain, chain_key::named(tag, number)));
    if (named) {
        return ok();
    }
    return fail(
        Errc::kNotFound,
        "the state of block " + std::to_string(number.value) + " of " + chain.text() +
            " was pruned: kept are those that a signed statement names, and every one from block " +
            std::to_string(floor.value) + " on"
    );
}

}  // namespace margrave::store::detail
