// SPDX-License-Identifier: Apache-2.0
#include "store/detail/records.hpp"

#include "core/assert.hpp"
#include "core/words.hpp"

namespace margrave::store::detail {
namespace {

void put_optional_block(Bytes& out, const std::optional<BlockRef>& v) {
    put_flag(out, v.has_value());
    if (v) {
        put_block(out, *v);
    }
}

Result<std::optional<BlockRef>> read_optional_block(ByteReader& in) {
    MARGRAVE_TRY(const bool present, read_flag(in));
    if (!present) {
        return std::optional<BlockRef>{};
    }
    MARGRAVE_TRY(const BlockRef block, read_block(in));
    return std::optional<BlockRef>{block};
}

Result<ReleaseKind> read_release_kind(ByteReader& in) {
    MARGRAVE_TRY(const std::uint8_t v, read_choice(in, 3, "release kind"));
    if (v == 0) {
        return fail(Errc::kCorrupt, "release kind 0 is unknown");
    }
    return static_cast<ReleaseKind>(v);
}

}  // namespace

void HeadRow::write(Bytes& out) const {
    put_text(out, chain);
    put_optional_block(out, head);
    put_optional_block(out, final);
    put_accumulator(out, vault);
    put_accumulator(out, positions);
    put_u64(out, reorgs);
    put_u64(out, runs_to.value);
}

Result<HeadRow> HeadRow::read(ByteReader& in) {
    HeadRow row;
    MARGRAVE_TRY(row.chain, read_text(in));
    MARGRAVE_TRY(row.head, read_optional_block(in));
    MARGRAVE_TRY(row.final, read_optional_block(in));
    MARGRAVE_TRY(row.vault, read_accumulator(in));
    MARGRAVE_TRY(row.positions, read_accumulator(in));
    MARGRAVE_TRY(row.reorgs, in.u64());
    MARGRAVE_TRY(row.runs_to.value, in.u64());
    return row;
}

void BlockRow::write(Bytes& out) const {
    put_block(out, block);
    put_u64(out, first.value);
    put_u64(out, last.value);
    put_u32(out, events);
    put_u32(out, incarnation);
    put_accumulator(out, vault);
    put_accumulator(out, positions);
    put_u64(out, run_to.value);
    put_varint(out, subjects.size());
    for (const Bytes& subject : subjects) {
        put_blob(out, subject);
    }
}

Result<BlockRow> BlockRow::read(ByteReader& in) {
    BlockRow row;
    MARGRAVE_TRY(row.block, read_block(in));
    MARGRAVE_TRY(row.first.value, in.u64());
    MARGRAVE_TRY(row.last.value, in.u64());
    MARGRAVE_TRY(row.events, in.u32());
    MARGRAVE_TRY(row.incarnation, in.u32());
    MARGRAVE_TRY(row.vault, read_accumulator(in));
    MARGRAVE_TRY(row.positions, read_accumulator(in));
    MARGRAVE_TRY(row.run_to.value, in.u64());
    MARGRAVE_TRY(const std::size_t subjects, read_count(in, sizeof(std::uint32_t)));
    row.subjects.reserve(subjects);
    for (std::size_t i = 0; i < subjects; ++i) {
        MARGRAVE_TRY(Bytes subject, read_blob(in));
        row.subjects.push_back(std::move(subject));
    }
    return row;
}

void SeenRow::write(Bytes& out) const {
    put_u32(out, incarnation);
    put_flag(out, live);
}

Result<SeenRow> SeenRow::read(ByteReader& in) {
    SeenRow row;
    MARGRAVE_TRY(row.incarnation, in.u32());
    MARGRAVE_TRY(row.live, read_flag(in));
    return row;
}

void DefinitionRow::write(Bytes& out) const {
    put_text(out, asset);
    put_u8(out, decimals);
}

Result<DefinitionRow> DefinitionRow::read(ByteReader& in) {
    DefinitionRow row;
    MARGRAVE_TRY(row.asset, read_text(in));
    MARGRAVE_TRY(row.decimals, in.u8());
    return row;
}

std::optional<Amount> TotalsRow::net(AccountCode code) const {
    const bool by_debit = grows_by_debit(code);
    const Result<Amount> difference = by_debit ? sub(debits, credits) : sub(credits, debits);
    return difference ? std::optional<Amount>{difference.value()} : std::nullopt;
}

void TotalsRow::write(Bytes& out) const {
    put_amount(out, debits);
    put_amount(out, credits);
    put_u64(out, last.value);
}

Result<TotalsRow> TotalsRow::read(ByteReader& in) {
    TotalsRow row;
    MARGRAVE_TRY(row.debits, read_amount(in));
    MARGRAVE_TRY(row.credits, read_amount(in));
    MARGRAVE_TRY(row.last.value, in.u64());
    return row;
}

void AmountRow::write(Bytes& out) const {
    put_amount(out, amount);
}

Result<AmountRow> AmountRow::read(ByteReader& in) {
    MARGRAVE_TRY(const Amount amount, read_amount(in));
    return AmountRow{amount};
}

void NumberRow::write(Bytes& out) const {
    put_u64(out, number);
}

Result<NumberRow> NumberRow::read(ByteReader& in) {
    MARGRAVE_TRY(const std::uint64_t number, in.u64());
    return NumberRow{number};
}

void PositionRow::write(Bytes& out) const {
    put_bytes(out, size.to_word().view());
    put_bytes(out, entry_price.to_word().view());
}

Result<PositionRow> PositionRow::read(ByteReader& in) {
    PositionRow row;
    MARGRAVE_TRY(row.size, read_money(in));
    MARGRAVE_TRY(row.entry_price, read_money(in));
    return row;
}

Hash32 RequestRow::fingerprint() const {
    WordWriter words;
    words.uint(static_cast<std::uint64_t>(kind))
        .address(vault)
        .word(account)
        .address(token)
        .uint(amount)
        .address(recipient);
    return words.hash();
}

void RequestRow::write(Bytes& out) const {
    put_bytes(out, vault.view());
    put_u8(out, static_cast<std::uint8_t>(kind));
    put_bytes(out, account.view());
    put_bytes(out, token.view());
    put_amount(out, amount);
    put_bytes(out, recipient.view());
    put_u64(out, block.value);
    put_u64(out, time.value);
    put_bytes(out, release_id.view());
    put_flag(out, executed);
}

Result<RequestRow> RequestRow::read(ByteReader& in) {
    RequestRow row;
    MARGRAVE_TRY(row.vault, in.address());
    MARGRAVE_TRY(row.kind, read_release_kind(in));
    MARGRAVE_TRY(row.account, read_account(in));
    MARGRAVE_TRY(row.token, in.address());
    MARGRAVE_TRY(row.amount, read_amount(in));
    MARGRAVE_TRY(row.recipient, in.address());
    MARGRAVE_TRY(row.block.value, in.u64());
    MARGRAVE_TRY(row.time.value, in.u64());
    MARGRAVE_TRY(row.release_id, in.hash32());
    MARGRAVE_TRY(row.executed, read_flag(in));
    return row;
}

void LegRow::write(Bytes& out) const {
    put_bytes(out, token.view());
    put_amount(out, amount);
    put_u8(out, static_cast<std::uint8_t>(state));
    put_u64(out, block.value);
    put_amount(out, book_taken);
    put_bytes(out, proceeds_token.view());
    put_amount(out, proceeds);
    put_u64(out, lock);
    put_u64(out, number);
}

Result<LegRow> LegRow::read(ByteReader& in) {
    LegRow row;
    MARGRAVE_TRY(row.token, in.address());
    MARGRAVE_TRY(row.amount, read_amount(in));
    constexpr auto kLast = static_cast<std::uint8_t>(LegState::kReturned);
    MARGRAVE_TRY(const std::uint8_t state, read_choice(in, kLast, "leg state"));
    row.state = static_cast<LegState>(state);
    MARGRAVE_TRY(row.block.value, in.u64());
    MARGRAVE_TRY(row.book_taken, read_amount(in));
    MARGRAVE_TRY(row.proceeds_token, in.address());
    MARGRAVE_TRY(row.proceeds, read_amount(in));
    MARGRAVE_TRY(row.lock, in.u64());
    MARGRAVE_TRY(row.number, in.u64());
    return row;
}

void SourceRow::write(Bytes& out) const {
    put_amount(out, mapped);
    put_amount(out, owed);
}

Result<SourceRow> SourceRow::read(ByteReader& in) {
    SourceRow row;
    MARGRAVE_TRY(row.mapped, read_amount(in));
    MARGRAVE_TRY(row.owed, read_amount(in));
    return row;
}

void LinkRow::write(Bytes& out) const {
    put_flag(out, active);
}

Result<LinkRow> LinkRow::read(ByteReader& in) {
    MARGRAVE_TRY(const bool active, read_flag(in));
    return LinkRow{active};
}

void ToldPriceRow::write(Bytes& out) const {
    put_amount(out, told.price.answer);
    put_u64(out, told.price.published_at.value);
    put_u64(out, told.block.value);
    put_bytes(out, told.block_hash.view());
    put_bytes(out, told.txn_hash.view());
    put_u32(out, told.log_index);
}

Result<ToldPriceRow> ToldPriceRow::read(ByteReader& in) {
    ToldPriceRow row;
    MARGRAVE_TRY(row.told.price.answer, read_amount(in));
    MARGRAVE_TRY(row.told.price.published_at.value, in.u64());
    MARGRAVE_TRY(row.told.block.value, in.u64());
    MARGRAVE_TRY(row.told.block_hash, in.hash32());
    MARGRAVE_TRY(row.told.txn_hash, in.hash32());
    MARGRAVE_TRY(row.told.log_index, in.u32());
    return row;
}

namespace {

Result<Amount> read_index(ByteReader& in) {
    MARGRAVE_TRY(Amount index, read_amount(in));
    if (index < index_one() || index > max_index()) {
        return fail(Errc::kCorrupt, "an interest index of " + index.to_string());
    }
    return index;
}

}  // namespace

void InterestRow::write(Bytes& out) const {
    put_amount(out, told.index.value);
    put_amount(out, told.index.rate);
    put_u64(out, told.index.since.value);
    put_bytes(out, told.source.view());
    put_bytes(out, told.emitter.view());
    put_u64(out, told.block.value);
    put_bytes(out, told.txn_hash.view());
    put_u32(out, told.log_index);
}

Result<InterestRow> InterestRow::read(ByteReader& in) {
    InterestRow row;
    MARGRAVE_TRY(row.told.index.value, read_index(in));
    MARGRAVE_TRY(row.told.index.rate, read_amount(in));
    MARGRAVE_TRY(row.told.index.since.value, in.u64());
    MARGRAVE_TRY(row.told.source, in.hash32());
    MARGRAVE_TRY(row.told.emitter, in.address());
    MARGRAVE_TRY(row.told.block.value, in.u64());
    MARGRAVE_TRY(row.told.txn_hash, in.hash32());
    MARGRAVE_TRY(row.told.log_index, in.u32());
    if (row.told.index.rate > max_rate()) {
        return fail(Errc::kCorrupt, "a rate of " + row.told.index.rate.to_string());
    }
    return row;
}

void MarkRow::write(Bytes& out) const {
    put_amount(out, index);
}

Result<MarkRow> MarkRow::read(ByteReader& in) {
    MARGRAVE_TRY(const Amount index, read_index(in));
    return MarkRow{index};
}

void RateRulesRow::write(Bytes& out) const {
    put_u32(out, static_cast<std::uint32_t>(rules.size()));
    for (const RateRule& rule : rules) {
        put_text(out, rule.text);
        put_u64(out, rule.from.value);
        put_flag(out, rule.to.has_value());
        put_u64(out, rule.to.value_or(BlockNum{}).value);
    }
}

Result<RateRulesRow> RateRulesRow::read(ByteReader& in) {
    RateRulesRow row;
    MARGRAVE_TRY(const std::uint32_t count, in.u32());
    for (std::uint32_t i = 0; i < count; ++i) {
        RateRule rule;
        MARGRAVE_TRY(rule.text, read_text(in));
        MARGRAVE_TRY(rule.from.value, in.u64());
        MARGRAVE_TRY(const bool ends, read_flag(in));
        MARGRAVE_TRY(const std::uint64_t to, in.u64());
        if (ends) {
            rule.to = BlockNum{to};
        }
        row.rules.push_back(std::move(rule));
    }
    return row;
}

}  // namespace margrave::store::detail
