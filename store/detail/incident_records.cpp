// SPDX-License-Identifier: Apache-2.0
#include "store/detail/incident_records.hpp"

namespace margrave::store::detail {
namespace {

Result<UnixSeconds> read_time(ByteReader& in) {
    MARGRAVE_TRY(const std::uint64_t seconds, in.u64());
    return UnixSeconds{seconds};
}

}  // namespace

void StopRow::write(Bytes& out) const {
    put_text(out, stop.chain.text());
    put_u64(out, stop.number);
    put_u64(out, stop.at.value);
    put_text(out, stop.reason);
    put_flag(out, stop.final.has_value());
    put_block(out, stop.final.value_or(BlockRef{}));
    put_u64(out, stop.after.value);
    put_flag(out, stop.resumed.has_value());
    const ChainResume resumed = stop.resumed.value_or(ChainResume{});
    put_u64(out, resumed.at.value);
    put_text(out, resumed.reason);
    put_u64(out, resumed.after.value);
}

Result<StopRow> StopRow::read(ByteReader& in) {
    StopRow row;
    MARGRAVE_TRY(const std::string chain, read_text(in));
    auto id = ChainId::parse(chain);
    if (!id) {
        return fail(Errc::kCorrupt, id.error().detail);
    }
    row.stop.chain = std::move(id).value();
    MARGRAVE_TRY(row.stop.number, in.u64());
    MARGRAVE_TRY(row.stop.at, read_time(in));
    MARGRAVE_TRY(row.stop.reason, read_text(in));
    MARGRAVE_TRY(const bool has_final, read_flag(in));
    MARGRAVE_TRY(const BlockRef final, read_block(in));
    if (has_final) {
        row.stop.final = final;
    }
    MARGRAVE_TRY(row.stop.after.value, in.u64());
    MARGRAVE_TRY(const bool is_resumed, read_flag(in));
    ChainResume resumed;
    MARGRAVE_TRY(resumed.at, read_time(in));
    MARGRAVE_TRY(resumed.reason, read_text(in));
    MARGRAVE_TRY(resumed.after.value, in.u64());
    if (is_resumed) {
        row.stop.resumed = std::move(resumed);
    }
    return row;
}

void EvidenceRow::write(Bytes& out) const {
    put_u64(out, evidence.number);
    put_u64(out, evidence.at.value);
    put_text(out, evidence.endpoint);
    put_text(out, evidence.operator_name);
    put_text(out, evidence.kind);
    put_text(out, evidence.detail);
    put_text(out, evidence.claim);
}

Result<EvidenceRow> EvidenceRow::read(ByteReader& in) {
    EvidenceRow row;
    MARGRAVE_TRY(row.evidence.number, in.u64());
    MARGRAVE_TRY(row.evidence.at, read_time(in));
    MARGRAVE_TRY(row.evidence.endpoint, read_text(in));
    MARGRAVE_TRY(row.evidence.operator_name, read_text(in));
    MARGRAVE_TRY(row.evidence.kind, read_text(in));
    MARGRAVE_TRY(row.evidence.detail, read_text(in));
    MARGRAVE_TRY(row.evidence.claim, read_text(in));
    return row;
}

void ReorgRow::write(Bytes& out) const {
    put_u64(out, reorg.number);
    put_u64(out, reorg.at.value);
    put_u64(out, reorg.depth);
    put_block(out, reorg.ancestor);
    put_block(out, reorg.old_head);
    put_block(out, reorg.new_head);
}

Result<ReorgRow> ReorgRow::read(ByteReader& in) {
    ReorgRow row;
    MARGRAVE_TRY(row.reorg.number, in.u64());
    MARGRAVE_TRY(row.reorg.at, read_time(in));
    MARGRAVE_TRY(row.reorg.depth, in.u64());
    MARGRAVE_TRY(row.reorg.ancestor, read_block(in));
    MARGRAVE_TRY(row.reorg.old_head, read_block(in));
    MARGRAVE_TRY(row.reorg.new_head, read_block(in));
    return row;
}

}  // namespace margrave::store::detail
