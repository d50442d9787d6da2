// SPDX-License-Identifier: Apache-2.0
#include "store/detail/records.hpp"

#include "core/assert.hpp"
#include "core/keccak.hpp"
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

Result<AccountCode> read_code(ByteReader& in) {
    MARGRAVE_TRY(const std::uint16_t v, in.u16());
    for (const AccountCode code : kAllCodes) {
        if (static_cast<std::uint16_t>(code) == v) {
            return code;
        }
    }
    return fail(Errc::kCorrupt, "account code " + std::to_string(v) + " is none of ours");
}

Result<MovementKind> read_movement_kind(ByteReader& in) {
    MARGRAVE_TRY(const std::uint8_t v, in.u8());
    Result<MovementKind> kind = movement_kind(v);
    if (!kind) {
        return fail(Errc::kCorrupt, kind.error().detail);
    }
    return kind;
}

// Both kinds of cause share one byte; the mapped ones lie above all that protocol.md will number.
constexpr std::uint8_t kMappedCauses = 0x80;

std::uint8_t cause_byte(const std::variant<MovementKind, MappedKind>& cause) {
    if (const auto* kind = std::get_if<MappedKind>(&cause)) {
        return kMappedCauses | static_cast<std::uint8_t>(*kind);
    }
    return static_cast<std::uint8_t>(std::get<MovementKind>(cause));
}

Result<MappedKind> read_mapped_kind(std::uint8_t number) {
    Result<MappedKind> kind = mapped_kind(number);
    if (!kind) {
        return fail(Errc::kCorrupt, kind.error().detail);
    }
    return kind;
}

Result<std::variant<MovementKind, MappedKind>> read_cause(ByteReader& in) {
    using Kind = std::variant<MovementKind, MappedKind>;
    MARGRAVE_TRY(const std::uint8_t v, in.u8());
    if (v >= kMappedCauses) {
        MARGRAVE_TRY(const MappedKind kind, read_mapped_kind(v - kMappedCauses));
        return Kind{kind};
    }
    const Result<MovementKind> kind = movement_kind(v);
    if (!kind) {
        return fail(Errc::kCorrupt, kind.error().detail);
    }
    return Kind{kind.value()};
}

Result<ReleaseKind> read_release_kind(ByteReader& in) {
    MARGRAVE_TRY(const std::uint8_t v, read_choice(in, 3, "release kind"));
    if (v == 0) {
        return fail(Errc::kCorrupt, "release kind 0 is unknown");
    }
    return static_cast<ReleaseKind>(v);
}

void write_movement(Bytes& out, const Movement& m) {
    put_u64(out, m.sequence);
    put_u8(out, static_cast<std::uint8_t>(m.kind));
    put_bytes(out, m.account.view());
    put_bytes(out, m.token.view());
    put_amount(out, m.amount);
    put_bytes(out, m.counterparty.view());
}

Result<Movement> read_movement(ByteReader& in) {
    Movement m;
    MARGRAVE_TRY(m.sequence, in.u64());
    MARGRAVE_TRY(m.kind, read_movement_kind(in));
    MARGRAVE_TRY(m.account, read_account(in));
    MARGRAVE_TRY(m.token, in.address());
    MARGRAVE_TRY(m.amount, read_amount(in));
    MARGRAVE_TRY(m.counterparty, in.hash32());
    return m;
}

void write_position(Bytes& out, const Position& p) {
    put_u64(out, p.sequence);
    put_bytes(out, p.account.view());
    put_bytes(out, p.market.view());
    put_bytes(out, p.size.to_word().view());
    put_bytes(out, p.entry_price.to_word().view());
}

Result<Position> read_position(ByteReader& in) {
    Position p;
    MARGRAVE_TRY(p.sequence, in.u64());
    MARGRAVE_TRY(p.account, read_account(in));
    MARGRAVE_TRY(p.market, in.hash32());
    MARGRAVE_TRY(p.size, read_money(in));
    MARGRAVE_TRY(p.entry_price, read_money(in));
    return p;
}

void write_mapped(Bytes& out, const MappedEvent& m) {
    put_bytes(out, m.source.view());
    put_u16(out, m.part);
    put_bytes(out, m.account.view());
    put_u8(out, static_cast<std::uint8_t>(m.what.index()));
    if (const auto* amount = std::get_if<MappedAmount>(&m.what)) {
        put_u8(out, static_cast<std::uint8_t>(amount->kind));
        put_bytes(out, amount->token.view());
        put_amount(out, amount->amount);
        put_flag(out, amount->is_read);
    } else if (const auto* position = std::get_if<MappedPosition>(&m.what)) {
        put_bytes(out, position->market.view());
        put_bytes(out, position->size.to_word().view());
        put_bytes(out, position->entry_price.to_word().view());
    } else {
        const auto& link = std::get<MappedLink>(m.what);
        put_bytes(out, link.into.view());
        put_flag(out, link.active);
    }
}

Result<MappedAmount> read_mapped_amount(ByteReader& in) {
    MappedAmount out;
    MARGRAVE_TRY(const std::uint8_t kind, in.u8());
    MARGRAVE_TRY(out.kind, read_mapped_kind(kind));
    MARGRAVE_TRY(out.token, in.address());
    MARGRAVE_TRY(out.amount, read_amount(in));
    MARGRAVE_TRY(out.is_read, read_flag(in));
    return out;
}

Result<MappedPosition> read_mapped_position(ByteReader& in) {
    MappedPosition out;
    MARGRAVE_TRY(out.market, in.hash32());
    MARGRAVE_TRY(out.size, read_money(in));
    MARGRAVE_TRY(out.entry_price, read_money(in));
    return out;
}

Result<MappedLink> read_mapped_link(ByteReader& in) {
    MappedLink out;
    MARGRAVE_TRY(out.into, read_account(in));
    MARGRAVE_TRY(out.active, read_flag(in));
    return out;
}

Result<MappedEvent> read_mapped(ByteReader& in) {
    MappedEvent m;
    MARGRAVE_TRY(m.source, in.hash32());
    MARGRAVE_TRY(m.part, in.u16());
    MARGRAVE_TRY(m.account, read_account(in));
    MARGRAVE_TRY(const std::uint8_t what, read_choice(in, 2, "mapped event"));
    if (what == 0) {
        MARGRAVE_TRY(m.what, read_mapped_amount(in));
    } else if (what == 1) {
        MARGRAVE_TRY(m.what, read_mapped_position(in));
    } else {
        MARGRAVE_TRY(m.what, read_mapped_link(in));
    }
    return m;
}

// A count in stored bytes must fit what is left, or a flipped bit would ask for gigabytes.
Result<std::uint32_t> read_count(ByteReader& in, std::size_t least_bytes_each) {
    MARGRAVE_TRY(const std::uint32_t count, in.u32());
    if (count > in.left() / least_bytes_each) {
        return fail(Errc::kCorrupt, "a list of " + std::to_string(count) + " does not fit its row");
    }
    return count;
}

}  // namespace

void HeadRow::write(Bytes& out) const {
    put_text(out, chain);
    put_optional_block(out, head);
    put_optional_block(out, final);
    put_accumulator(out, vault);
    put_accumulator(out, positions);
    put_u64(out, reorgs);
}

Result<HeadRow> HeadRow::read(ByteReader& in) {
    HeadRow row;
    MARGRAVE_TRY(row.chain, read_text(in));
    MARGRAVE_TRY(row.head, read_optional_block(in));
    MARGRAVE_TRY(row.final, read_optional_block(in));
    MARGRAVE_TRY(row.vault, read_accumulator(in));
    MARGRAVE_TRY(row.positions, read_accumulator(in));
    MARGRAVE_TRY(row.reorgs, in.u64());
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
    put_u32(out, static_cast<std::uint32_t>(accounts.size()));
    for (const AccountId& account : accounts) {
        put_bytes(out, account.view());
    }
    put_u32(out, static_cast<std::uint32_t>(subjects.size()));
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
    MARGRAVE_TRY(const std::uint32_t accounts, read_count(in, AccountId::kSize));
    row.accounts.reserve(accounts);
    for (std::uint32_t i = 0; i < accounts; ++i) {
        MARGRAVE_TRY(const AccountId account, read_account(in));
        row.accounts.push_back(account);
    }
    MARGRAVE_TRY(const std::uint32_t subjects, read_count(in, sizeof(std::uint32_t)));
    row.subjects.reserve(subjects);
    for (std::uint32_t i = 0; i < subjects; ++i) {
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

void EventRow::write(Bytes& out) const {
    put_u8(out, static_cast<std::uint8_t>(event.body.index()));
    if (const auto* movement = std::get_if<Movement>(&event.body)) {
        write_movement(out, *movement);
    } else if (const auto* position = std::get_if<Position>(&event.body)) {
        write_position(out, *position);
    } else {
        write_mapped(out, std::get<MappedEvent>(event.body));
    }
    put_bytes(out, event.txn_hash.view());
    put_u32(out, event.log_index);
    put_bytes(out, event.emitter.view());
}

Result<EventRow> EventRow::read(ByteReader& in) {
    EventRow row;
    MARGRAVE_TRY(const std::uint8_t body, read_choice(in, 2, "event body"));
    if (body == 0) {
        MARGRAVE_TRY(row.event.body, read_movement(in));
    } else if (body == 1) {
        MARGRAVE_TRY(row.event.body, read_position(in));
    } else {
        MARGRAVE_TRY(row.event.body, read_mapped(in));
    }
    MARGRAVE_TRY(row.event.txn_hash, in.hash32());
    MARGRAVE_TRY(row.event.log_index, in.u32());
    MARGRAVE_TRY(row.event.emitter, in.address());
    return row;
}

void TransferRow::write(Bytes& out) const {
    const Transfer& t = transfer;
    put_bytes(out, t.id.view());
    put_u32(out, t.ledger.value);
    put_u16(out, static_cast<std::uint16_t>(t.debit));
    put_bytes(out, t.debit_owner.view());
    put_u16(out, static_cast<std::uint16_t>(t.credit));
    put_bytes(out, t.credit_owner.view());
    put_amount(out, t.amount);
    put_u8(out, cause_byte(t.cause));
    put_bytes(out, t.account.view());
    put_u64(out, t.block.value);
    put_bytes(out, t.block_hash.view());
    put_bytes(out, t.txn_hash.view());
    put_u32(out, t.log_index);
    put_u64(out, t.time.value);
    put_u64(out, t.reverses.value);
}

Result<TransferRow> TransferRow::read(ByteReader& in) {
    TransferRow row;
    Transfer& t = row.transfer;
    MARGRAVE_TRY(t.id, in.hash32());
    MARGRAVE_TRY(t.ledger.value, in.u32());
    MARGRAVE_TRY(t.debit, read_code(in));
    MARGRAVE_TRY(t.debit_owner, in.hash32());
    MARGRAVE_TRY(t.credit, read_code(in));
    MARGRAVE_TRY(t.credit_owner, in.hash32());
    MARGRAVE_TRY(t.amount, read_amount(in));
    MARGRAVE_TRY(t.cause, read_cause(in));
    MARGRAVE_TRY(t.account, read_account(in));
    MARGRAVE_TRY(t.block.value, in.u64());
    MARGRAVE_TRY(t.block_hash, in.hash32());
    MARGRAVE_TRY(t.txn_hash, in.hash32());
    MARGRAVE_TRY(t.log_index, in.u32());
    MARGRAVE_TRY(t.time.value, in.u64());
    MARGRAVE_TRY(t.reverses.value, in.u64());
    return row;
}

}  // namespace margrave::store::detail
