// SPDX-License-Identifier: Apache-2.0
#include "store/incidents.hpp"

#include "store/detail/database_impl.hpp"
#include "store/detail/incident_records.hpp"
#include "store/detail/planner.hpp"

#include <algorithm>
#include <cstdint>

namespace margrave::store {

using detail::Cf;

namespace {

/// Rows of one kind and chain, numbered 1, 2, ... without a gap; the key ends in the number.
struct Series {
    Cf family;
    Bytes prefix;

    [[nodiscard]] Bytes key(std::uint64_t number) const {
        Bytes out = prefix;
        put_u64(out, number);
        return out;
    }
};

Series stop_series(const ChainId& chain) {
    return {Cf::kDecision, detail::decision_key::stops(detail::tag_of(chain))};
}

Series evidence_series(const ChainId& chain) {
    return {Cf::kChain, detail::chain_key::evidence(detail::tag_of(chain))};
}

Series reorg_series(const ChainId& chain) {
    return {Cf::kChain, detail::chain_key::reorgs(detail::tag_of(chain))};
}

Result<std::uint64_t> number_in(const Series& series, ByteView key) {
    ByteReader rest(key.subspan(series.prefix.size()));
    const Result<std::uint64_t> number = rest.u64();
    if (!number || !rest.finish()) {
        return detail::corrupt(series.family, key, "does not end in a number");
    }
    return number;
}

Result<std::uint64_t> newest(const Database::Impl& db, const Series& series) {
    MARGRAVE_TRY(const auto last, db.last(series.family, series.prefix));
    return last ? number_in(series, last->first) : Result<std::uint64_t>(std::uint64_t{0});
}

Result<Incidents::Count> count(const Database::Impl& db, const Series& series) {
    Incidents::Count out;
    MARGRAVE_TRY(out.total, newest(db, series));
    const auto first = [&](ByteView key, ByteView) -> Result<bool> {
        MARGRAVE_TRY(const std::uint64_t number, number_in(series, key));
        out.dropped = number - 1;
        return false;
    };
    MARGRAVE_TRY(db.scan(series.family, series.prefix, first));
    return out;
}

/// The newest `limit` rows, newest first.
template <class Row>
Result<std::vector<Row>> rows(const Database::Impl& db, const Series& series, std::size_t limit) {
    MARGRAVE_TRY(const std::uint64_t last, newest(db, series));
    const std::uint64_t from = last > limit ? last - limit + 1 : 1;
    std::vector<Row> out;
    const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
        MARGRAVE_TRY(auto row, Database::Impl::decode<Row>(series.family, key, value));
        out.push_back(std::move(row));
        return true;
    };
    MARGRAVE_TRY(db.scan(series.family, series.prefix, series.key(from), visit));
    std::ranges::reverse(out);
    return out;
}

/// Puts `row` behind the newest and takes out what is beyond those that are kept.
template <class Row>
void append(
    const Database::Impl& db,
    rocksdb::WriteBatch& batch,
    const Series& series,
    std::uint64_t number,
    const Row& row
) {
    db.put_row(batch, series.family, series.key(number), row);
    if (number > Incidents::kKept) {
        db.remove(batch, series.family, series.key(number - Incidents::kKept));
    }
}

}  // namespace

Result<std::vector<ChainStop>> Incidents::stops(const ChainId& chain) const {
    const Series series = stop_series(chain);
    std::vector<ChainStop> out;
    MARGRAVE_TRY(const auto stored, rows<detail::StopRow>(db_.impl(), series, SIZE_MAX));
    for (const detail::StopRow& row : stored) {
        out.push_back(row.stop);
    }
    return out;
}

Result<std::optional<ChainStop>> Incidents::open_stop(const ChainId& chain) const {
    MARGRAVE_TRY(const auto last, rows<detail::StopRow>(db_.impl(), stop_series(chain), 1));
    if (last.empty() || last.front().stop.resumed) {
        return std::optional<ChainStop>{};
    }
    return std::optional<ChainStop>{last.front().stop};
}

Result<void> Incidents::add_evidence(const ChainId& chain, std::vector<SourceEvidence> rows) {
    if (rows.empty()) {
        return ok();
    }
    const Database::Impl& db = db_.impl();
    MARGRAVE_TRY(db.check_writable());
    const Series series = evidence_series(chain);
    MARGRAVE_TRY(std::uint64_t number, newest(db, series));
    rocksdb::WriteBatch batch;
    for (SourceEvidence& row : rows) {
        row.number = ++number;
        row.claim.resize(std::min(row.claim.size(), kClaimBytes));
        append(db, batch, series, number, detail::EvidenceRow{std::move(row)});
    }
    return db.write(batch, /*sync=*/true);
}

Result<void> Incidents::add_reorg(const ChainId& chain, ReorgRecord row) {
    const Database::Impl& db = db_.impl();
    MARGRAVE_TRY(db.check_writable());
    const Series series = reorg_series(chain);
    MARGRAVE_TRY(const std::uint64_t number, newest(db, series));
    row.number = number + 1;
    rocksdb::WriteBatch batch;
    append(db, batch, series, row.number, detail::ReorgRow{row});
    return db.write(batch, /*sync=*/true);
}

Result<std::vector<SourceEvidence>> Incidents::evidence(const ChainId& chain, std::size_t limit)
    const {
    std::vector<SourceEvidence> out;
    MARGRAVE_TRY(auto stored, rows<detail::EvidenceRow>(db_.impl(), evidence_series(chain), limit));
    for (detail::EvidenceRow& row : stored) {
        out.push_back(std::move(row.evidence));
    }
    return out;
}

Result<SourceEvidence> Incidents::evidence_row(const ChainId& chain, std::uint64_t number) const {
    const Series series = evidence_series(chain);
    MARGRAVE_TRY(auto row, db_.impl().read<detail::EvidenceRow>(series.family, series.key(number)));
    if (row) {
        return std::move(row->evidence);
    }
    MARGRAVE_TRY(const Count have, count(db_.impl(), series));
    return fail(
        Errc::kNotFound,
        "there is no evidence " + std::to_string(number) + " of " + chain.text() + "; kept are " +
            std::to_string(have.total - have.dropped) + " of " + std::to_string(have.total)
    );
}

Result<std::vector<ReorgRecord>> Incidents::reorgs(const ChainId& chain, std::size_t limit) const {
    std::vector<ReorgRecord> out;
    MARGRAVE_TRY(const auto stored, rows<detail::ReorgRow>(db_.impl(), reorg_series(chain), limit));
    for (const detail::ReorgRow& row : stored) {
        out.push_back(row.reorg);
    }
    return out;
}

Result<Incidents::Count> Incidents::evidence_count(const ChainId& chain) const {
    return count(db_.impl(), evidence_series(chain));
}

Result<Incidents::Count> Incidents::reorg_count(const ChainId& chain) const {
    return count(db_.impl(), reorg_series(chain));
}

namespace detail {

Result<void> Planner::add_stop(const ChainStop& stop) {
    MARGRAVE_TRY(once(stop.chain.key(), "a stop of chain"));
    const Series series = stop_series(stop.chain);
    MARGRAVE_TRY(const auto last, rows<StopRow>(impl_, series, 1));
    if (!last.empty() && !last.front().stop.resumed) {
        return fail(Errc::kConflict, stop.chain.text() + " is stopped already");
    }
    StopRow row{stop};
    row.stop.number = last.empty() ? 1 : last.front().stop.number + 1;
    row.stop.resumed.reset();
    impl_.put_row(batch_, series.family, series.key(row.stop.number), row);
    return ok();
}

Result<void> Planner::resume(const ChainId& chain, const ChainResume& word) {
    MARGRAVE_TRY(once(chain.key(), "a stop of chain"));
    const Series series = stop_series(chain);
    MARGRAVE_TRY(const auto last, rows<StopRow>(impl_, series, 1));
    if (last.empty() || last.front().stop.resumed) {
        return fail(Errc::kNotFound, chain.text() + " is not stopped");
    }
    StopRow row = last.front();
    row.stop.resumed = word;
    impl_.put_row(batch_, series.family, series.key(row.stop.number), row);
    return ok();
}

}  // namespace detail

}  // namespace margrave::store
