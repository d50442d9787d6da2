// SPDX-License-Identifier: Apache-2.0
#include "store/detail/decision_records.hpp"

#include "core/keccak.hpp"

namespace margrave::store::detail {
namespace {

Result<ChainId> read_chain(ByteReader& in) {
    MARGRAVE_TRY(const std::string text, read_text(in));
    Result<ChainId> chain = ChainId::parse(text);
    if (!chain) {
        return fail(Errc::kCorrupt, chain.error().detail);
    }
    return chain;
}

// An empty text is no asset: the debt asset of a leg we did not instruct.
Result<AssetId> read_asset(ByteReader& in) {
    MARGRAVE_TRY(const std::string text, read_text(in));
    if (text.empty()) {
        return AssetId{};
    }
    Result<AssetId> asset = AssetId::parse(text);
    if (!asset) {
        return fail(Errc::kCorrupt, asset.error().detail);
    }
    return asset;
}

void write_attempt(Bytes& out, const Attempt& a) {
    put_bytes(out, a.txn_hash.view());
    put_blob(out, a.raw);
    put_amount(out, a.max_fee);
    put_amount(out, a.priority_fee);
    put_u64(out, a.sent_at.value);
}

Result<Attempt> read_attempt(ByteReader& in) {
    Attempt a;
    MARGRAVE_TRY(a.txn_hash, in.hash32());
    MARGRAVE_TRY(a.raw, read_blob(in));
    MARGRAVE_TRY(a.max_fee, read_amount(in));
    MARGRAVE_TRY(a.priority_fee, read_amount(in));
    MARGRAVE_TRY(a.sent_at.value, in.u64());
    return a;
}

Result<std::vector<Attempt>> read_attempts(ByteReader& in) {
    MARGRAVE_TRY(const std::uint32_t count, in.u32());
    if (count > in.left()) {
        return fail(Errc::kCorrupt, std::to_string(count) + " attempts do not fit their row");
    }
    std::vector<Attempt> out;
    out.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        MARGRAVE_TRY(Attempt attempt, read_attempt(in));
        out.push_back(std::move(attempt));
    }
    return out;
}

}  // namespace

void AnswerRow::write(Bytes& out) const {
    put_flag(out, granted);
    put_u64(out, deadline.value);
    put_text(out, reason);
    put_bytes(out, fingerprint.view());
}

Result<AnswerRow> AnswerRow::read(ByteReader& in) {
    AnswerRow row;
    MARGRAVE_TRY(row.granted, read_flag(in));
    MARGRAVE_TRY(row.deadline.value, in.u64());
    MARGRAVE_TRY(row.reason, read_text(in));
    MARGRAVE_TRY(row.fingerprint, in.hash32());
    return row;
}

void HoldRow::write(Bytes& out) const {
    put_bytes(out, hold.release_id.view());
    put_u8(out, static_cast<std::uint8_t>(hold.kind));
    put_text(out, hold.chain.text());
    put_u64(out, hold.request);
    put_bytes(out, hold.account.view());
    put_text(out, hold.asset.text());
    put_amount(out, hold.amount);
    put_u64(out, hold.deadline.value);
}

Result<HoldRow> HoldRow::read(ByteReader& in) {
    HoldRow row;
    MARGRAVE_TRY(row.hold.release_id, in.hash32());
    MARGRAVE_TRY(const std::uint8_t kind, read_choice(in, 3, "release kind"));
    row.hold.kind = static_cast<ReleaseKind>(kind);
    MARGRAVE_TRY(row.hold.chain, read_chain(in));
    MARGRAVE_TRY(row.hold.request, in.u64());
    MARGRAVE_TRY(row.hold.account, read_account(in));
    MARGRAVE_TRY(row.hold.asset, read_asset(in));
    MARGRAVE_TRY(row.hold.amount, read_amount(in));
    MARGRAVE_TRY(row.hold.deadline.value, in.u64());
    return row;
}

void HoldOwnerRow::write(Bytes& out) const {
    put_bytes(out, account.view());
    put_flag(out, active);
}

Result<HoldOwnerRow> HoldOwnerRow::read(ByteReader& in) {
    HoldOwnerRow row;
    MARGRAVE_TRY(row.account, read_account(in));
    MARGRAVE_TRY(row.active, read_flag(in));
    return row;
}

void InstructedLegRow::write(Bytes& out) const {
    put_bytes(out, leg.seizure_id.view());
    put_bytes(out, leg.account.view());
    put_u64(out, leg.lock);
    put_u64(out, leg.number);
    put_text(out, leg.asset.text());
    put_amount(out, leg.amount);
    put_text(out, leg.debt_asset.text());
    put_amount(out, leg.min_proceeds);
    put_bytes(out, leg.sale.view());
    put_u64(out, leg.deadline.value);
    put_flag(out, expired);
}

Result<InstructedLegRow> InstructedLegRow::read(ByteReader& in) {
    InstructedLegRow row;
    Leg& leg = row.leg;
    MARGRAVE_TRY(leg.seizure_id, in.hash32());
    MARGRAVE_TRY(leg.account, read_account(in));
    MARGRAVE_TRY(leg.lock, in.u64());
    MARGRAVE_TRY(leg.number, in.u64());
    MARGRAVE_TRY(leg.asset, read_asset(in));
    MARGRAVE_TRY(leg.amount, read_amount(in));
    MARGRAVE_TRY(leg.debt_asset, read_asset(in));
    MARGRAVE_TRY(leg.min_proceeds, read_amount(in));
    MARGRAVE_TRY(leg.sale, in.address());
    MARGRAVE_TRY(leg.deadline.value, in.u64());
    MARGRAVE_TRY(row.expired, read_flag(in));
    return row;
}

void LegPlaceRow::write(Bytes& out) const {
    put_bytes(out, account.view());
    put_u64(out, lock);
    put_u64(out, number);
}

Result<LegPlaceRow> LegPlaceRow::read(ByteReader& in) {
    LegPlaceRow row;
    MARGRAVE_TRY(row.account, read_account(in));
    MARGRAVE_TRY(row.lock, in.u64());
    MARGRAVE_TRY(row.number, in.u64());
    return row;
}

void OpenLegRow::write(Bytes& out) const {
    put_bytes(out, account.view());
    put_text(out, chain);
}

Result<OpenLegRow> OpenLegRow::read(ByteReader& in) {
    OpenLegRow row;
    MARGRAVE_TRY(row.account, read_account(in));
    MARGRAVE_TRY(row.chain, read_text(in));
    return row;
}

void IntentRow::write(Bytes& out) const {
    const Intent& i = intent;
    put_u64(out, number);
    put_bytes(out, origin.view());
    put_bytes(out, i.id.view());
    put_text(out, i.chain.text());
    put_text(out, i.kind);
    put_text(out, i.label);
    put_bytes(out, i.to.view());
    put_blob(out, i.data);
    put_flag(out, i.nonce.has_value());
    put_u64(out, i.nonce.value_or(0));
    put_u32(out, static_cast<std::uint32_t>(i.attempts.size()));
    for (const Attempt& attempt : i.attempts) {
        write_attempt(out, attempt);
    }
    put_u8(out, static_cast<std::uint8_t>(i.state));
    put_u64(out, i.block.value);
    put_bytes(out, i.block_hash.view());
    put_bytes(out, i.included_hash.view());
    put_u64(out, i.expires.value);
    put_u64(out, i.created.value);
    put_text(out, i.error);
}

Result<IntentRow> IntentRow::read(ByteReader& in) {
    IntentRow row;
    Intent& i = row.intent;
    MARGRAVE_TRY(row.number, in.u64());
    MARGRAVE_TRY(row.origin, in.hash32());
    MARGRAVE_TRY(i.id, in.hash32());
    MARGRAVE_TRY(i.chain, read_chain(in));
    MARGRAVE_TRY(i.kind, read_text(in));
    MARGRAVE_TRY(i.label, read_text(in));
    MARGRAVE_TRY(i.to, in.address());
    MARGRAVE_TRY(i.data, read_blob(in));
    MARGRAVE_TRY(const bool has_nonce, read_flag(in));
    MARGRAVE_TRY(const std::uint64_t nonce, in.u64());
    if (has_nonce) {
        i.nonce = nonce;
    }
    MARGRAVE_TRY(i.attempts, read_attempts(in));
    constexpr auto kLast = static_cast<std::uint8_t>(IntentState::kSuperseded);
    MARGRAVE_TRY(const std::uint8_t state, read_choice(in, kLast, "intent state"));
    i.state = static_cast<IntentState>(state);
    MARGRAVE_TRY(i.block.value, in.u64());
    MARGRAVE_TRY(i.block_hash, in.hash32());
    MARGRAVE_TRY(i.included_hash, in.hash32());
    MARGRAVE_TRY(i.expires.value, in.u64());
    MARGRAVE_TRY(i.created.value, in.u64());
    MARGRAVE_TRY(i.error, read_text(in));
    return row;
}

Hash32 origin_of(const Intent& intent) {
    Bytes bytes;
    put_text(bytes, intent.chain.text());
    put_text(bytes, intent.kind);
    put_bytes(bytes, intent.to.view());
    put_blob(bytes, intent.data);
    return keccak256(bytes);
}

void BlobRow::write(Bytes& out) const {
    put_bytes(out, bytes);
}

Result<BlobRow> BlobRow::read(ByteReader& in) {
    MARGRAVE_TRY(const ByteView rest, in.bytes(in.left()));
    return BlobRow{Bytes(rest.begin(), rest.end())};
}

void DecisionCountRow::write(Bytes& out) const {
    put_u64(out, count);
    put_bytes(out, hash.view());
    put_bytes(out, previous.view());
}

Result<DecisionCountRow> DecisionCountRow::read(ByteReader& in) {
    DecisionCountRow row;
    MARGRAVE_TRY(row.count, in.u64());
    MARGRAVE_TRY(row.hash, in.hash32());
    MARGRAVE_TRY(row.previous, in.hash32());
    return row;
}

}  // namespace margrave::store::detail
