// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"
#include "core/keccak.hpp"
#include "store/detail/mapped_records.hpp"
#include "store/detail/records.hpp"

#include <algorithm>
#include <limits>

// Rows that hold what a whole block has: its events, its transfers.
namespace margrave::store::detail {
namespace {

Result<AccountCode> read_code(ByteReader& in) {
    MARGRAVE_TRY(const std::uint16_t v, in.u16());
    for (const AccountCode code : kAllCodes) {
        if (static_cast<std::uint16_t>(code) == v) {
            return code;
        }
    }
    return fail(Errc::kCorrupt, "account code " + std::to_string(v) + " is none of ours");
}

Result<MovementKind> read_movement_kind(std::uint8_t number) {
    Result<MovementKind> kind = movement_kind(number);
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

Result<std::variant<MovementKind, MappedKind>> read_cause(ByteReader& in) {
    using Kind = std::variant<MovementKind, MappedKind>;
    MARGRAVE_TRY(const std::uint8_t v, in.u8());
    if (v >= kMappedCauses) {
        MARGRAVE_TRY(const MappedKind kind, read_mapped_kind(v - kMappedCauses));
        return Kind{kind};
    }
    MARGRAVE_TRY(const MovementKind kind, read_movement_kind(v));
    return Kind{kind};
}

// What an event may share with the one before it, or with itself; each bit leaves a field out.
constexpr std::uint8_t kIsPosition = 1;
constexpr std::uint8_t kSameTxn = 2;
constexpr std::uint8_t kSameEmitter = 4;
constexpr std::uint8_t kSameToken = 8;
constexpr std::uint8_t kPaidByAccount = 16;
constexpr std::uint8_t kIsMapped = 32;
constexpr std::uint8_t kEventFlags = 63;

const Movement* movement_of(const ChainEvent& event) {
    return std::get_if<Movement>(&event.body);
}

std::uint8_t flags_of(const ChainEvent& event, const ChainEvent& before, const Address& token) {
    std::uint8_t flags = 0;
    flags |= event.txn_hash == before.txn_hash ? kSameTxn : std::uint8_t{0};
    flags |= event.emitter == before.emitter ? kSameEmitter : std::uint8_t{0};
    if (const Movement* m = movement_of(event)) {
        flags |= m->token == token ? kSameToken : std::uint8_t{0};
        flags |= m->counterparty.data == m->account.data ? kPaidByAccount : std::uint8_t{0};
    } else {
        flags |= std::holds_alternative<Position>(event.body) ? kIsPosition : kIsMapped;
    }
    return flags;
}

void write_movement(Bytes& out, const Movement& m, std::uint8_t flags) {
    put_varint(out, m.sequence);
    put_u8(out, static_cast<std::uint8_t>(m.kind));
    put_bytes(out, m.account.view());
    if ((flags & kSameToken) == 0) {
        put_bytes(out, m.token.view());
    }
    put_short_amount(out, m.amount);
    if ((flags & kPaidByAccount) == 0) {
        put_bytes(out, m.counterparty.view());
    }
}

Result<Movement> read_movement(ByteReader& in, std::uint8_t flags, const Address& token) {
    Movement m;
    MARGRAVE_TRY(m.sequence, read_varint(in));
    MARGRAVE_TRY(const std::uint8_t kind, in.u8());
    MARGRAVE_TRY(m.kind, read_movement_kind(kind));
    MARGRAVE_TRY(m.account, read_account(in));
    m.token = token;
    if ((flags & kSameToken) == 0) {
        MARGRAVE_TRY(m.token, in.address());
    }
    MARGRAVE_TRY(m.amount, read_short_amount(in));
    m.counterparty.data = m.account.data;
    if ((flags & kPaidByAccount) == 0) {
        MARGRAVE_TRY(m.counterparty, in.hash32());
    }
    return m;
}

void write_position(Bytes& out, const Position& p) {
    put_varint(out, p.sequence);
    put_bytes(out, p.account.view());
    put_bytes(out, p.market.view());
    put_bytes(out, p.size.to_word().view());
    put_bytes(out, p.entry_price.to_word().view());
}

Result<Position> read_position(ByteReader& in) {
    Position p;
    MARGRAVE_TRY(p.sequence, read_varint(in));
    MARGRAVE_TRY(p.account, read_account(in));
    MARGRAVE_TRY(p.market, in.hash32());
    MARGRAVE_TRY(p.size, read_money(in));
    MARGRAVE_TRY(p.entry_price, read_money(in));
    return p;
}

// How a transfer names its owners and what it shares with the one before it.
constexpr std::uint8_t kDebitIsAccount = 1;
constexpr std::uint8_t kDebitIsNobody = 2;
constexpr std::uint8_t kCreditIsAccount = 4;
constexpr std::uint8_t kCreditIsNobody = 8;
constexpr std::uint8_t kSameAccount = 16;
constexpr std::uint8_t kTransferOfSameTxn = 32;
constexpr std::uint8_t kReverses = 64;
constexpr std::uint8_t kTransferFlags = 127;

std::uint8_t flags_of(const Transfer& t, const Transfer& before) {
    std::uint8_t flags = 0;
    if (t.debit_owner.data == t.account.data) {
        flags |= kDebitIsAccount;
    } else if (t.debit_owner.is_zero()) {
        flags |= kDebitIsNobody;
    }
    if (t.credit_owner.data == t.account.data) {
        flags |= kCreditIsAccount;
    } else if (t.credit_owner.is_zero()) {
        flags |= kCreditIsNobody;
    }
    flags |= t.account == before.account ? kSameAccount : std::uint8_t{0};
    flags |= t.txn_hash == before.txn_hash ? kTransferOfSameTxn : std::uint8_t{0};
    flags |= t.reverses != Seq{} ? kReverses : std::uint8_t{0};
    return flags;
}

void write_owner(Bytes& out, const Hash32& owner, std::uint8_t known) {
    if (known == 0) {
        put_bytes(out, owner.view());
    }
}

Result<Hash32> read_owner(ByteReader& in, const AccountId& account, bool is_account, bool nobody) {
    if (is_account && nobody) {
        return fail(Errc::kCorrupt, "owner in a form that nobody writes");
    }
    if (is_account) {
        return owner_of(account);
    }
    return nobody ? Result<Hash32>(Hash32{}) : in.hash32();
}

void write_transfer(Bytes& out, const Transfer& t, const Transfer& before) {
    const std::uint8_t flags = flags_of(t, before);
    put_u8(out, flags);
    put_varint(out, t.ledger.value);
    put_u16(out, static_cast<std::uint16_t>(t.debit));
    put_u16(out, static_cast<std::uint16_t>(t.credit));
    put_u8(out, cause_byte(t.cause));
    put_varint(out, t.log_index);
    put_varint(out, t.leg);
    put_short_amount(out, t.amount);
    if ((flags & kSameAccount) == 0) {
        put_bytes(out, t.account.view());
    }
    write_owner(out, t.debit_owner, flags & (kDebitIsAccount | kDebitIsNobody));
    write_owner(out, t.credit_owner, flags & (kCreditIsAccount | kCreditIsNobody));
    if ((flags & kTransferOfSameTxn) == 0) {
        put_bytes(out, t.txn_hash.view());
    }
    if ((flags & kReverses) != 0) {
        put_varint(out, t.reverses.value);
    }
}

template <class Int>
Result<Int> read_small(ByteReader& in, std::string_view what) {
    MARGRAVE_TRY(const std::uint64_t v, read_varint(in));
    if (v > std::numeric_limits<Int>::max()) {
        return fail(Errc::kCorrupt, std::string(what) + " " + std::to_string(v));
    }
    return static_cast<Int>(v);
}

Result<Transfer> read_transfer(ByteReader& in, const Transfer& before) {
    Transfer t;
    MARGRAVE_TRY(const std::uint8_t flags, read_choice(in, kTransferFlags, "transfer form"));
    MARGRAVE_TRY(t.ledger.value, read_small<std::uint32_t>(in, "ledger"));
    MARGRAVE_TRY(t.debit, read_code(in));
    MARGRAVE_TRY(t.credit, read_code(in));
    MARGRAVE_TRY(t.cause, read_cause(in));
    MARGRAVE_TRY(t.log_index, read_small<std::uint32_t>(in, "log index"));
    MARGRAVE_TRY(t.leg, read_small<std::uint16_t>(in, "leg"));
    MARGRAVE_TRY(t.amount, read_short_amount(in));
    t.account = before.account;
    if ((flags & kSameAccount) == 0) {
        MARGRAVE_TRY(t.account, read_account(in));
    }
    const bool debit_nobody = (flags & kDebitIsNobody) != 0;
    const bool credit_nobody = (flags & kCreditIsNobody) != 0;
    MARGRAVE_TRY(
        t.debit_owner, read_owner(in, t.account, (flags & kDebitIsAccount) != 0, debit_nobody)
    );
    MARGRAVE_TRY(
        t.credit_owner, read_owner(in, t.account, (flags & kCreditIsAccount) != 0, credit_nobody)
    );
    t.txn_hash = before.txn_hash;
    if ((flags & kTransferOfSameTxn) == 0) {
        MARGRAVE_TRY(t.txn_hash, in.hash32());
    }
    if ((flags & kReverses) != 0) {
        MARGRAVE_TRY(t.reverses.value, read_varint(in));
    }
    return t;
}

}  // namespace

Bytes encode_events(const std::vector<ChainEvent>& events) {
    static const ChainEvent kNone;
    constexpr std::size_t kTypicalEvent = 96;
    Bytes out;
    out.reserve(EventsRow::kTypicalSize + events.size() * kTypicalEvent);
    put_u8(out, kRecordVersion);
    put_varint(out, events.size());
    const ChainEvent* before = &kNone;
    Address token;
    for (const ChainEvent& event : events) {
        const std::uint8_t flags = flags_of(event, *before, token);
        put_u8(out, flags);
        put_varint(out, event.log_index);
        if ((flags & kSameTxn) == 0) {
            put_bytes(out, event.txn_hash.view());
        }
        if ((flags & kSameEmitter) == 0) {
            put_bytes(out, event.emitter.view());
        }
        if (const Movement* m = movement_of(event)) {
            write_movement(out, *m, flags);
            token = m->token;
        } else if (const auto* position = std::get_if<Position>(&event.body)) {
            write_position(out, *position);
        } else {
            write_mapped(out, std::get<MappedEvent>(event.body));
        }
        before = &event;
    }
    return out;
}

Result<EventsRow> EventsRow::read(ByteReader& in) {
    constexpr std::size_t kLeastEvent = 32;
    EventsRow row;
    MARGRAVE_TRY(const std::size_t count, read_count(in, kLeastEvent));
    row.events.reserve(count);
    ChainEvent before;
    Address token;
    for (std::size_t i = 0; i < count; ++i) {
        ChainEvent event;
        MARGRAVE_TRY(const std::uint8_t flags, read_choice(in, kEventFlags, "event form"));
        MARGRAVE_TRY(event.log_index, read_small<std::uint32_t>(in, "log index"));
        event.txn_hash = before.txn_hash;
        if ((flags & kSameTxn) == 0) {
            MARGRAVE_TRY(event.txn_hash, in.hash32());
        }
        event.emitter = before.emitter;
        if ((flags & kSameEmitter) == 0) {
            MARGRAVE_TRY(event.emitter, in.address());
        }
        before.txn_hash = event.txn_hash;
        before.emitter = event.emitter;
        if ((flags & kIsMapped) != 0) {
            MARGRAVE_TRY(event.body, read_mapped(in));
        } else if ((flags & kIsPosition) != 0) {
            MARGRAVE_TRY(event.body, read_position(in));
        } else {
            MARGRAVE_TRY(const Movement m, read_movement(in, flags, token));
            token = m.token;
            event.body = m;
        }
        row.events.push_back(std::move(event));
    }
    return row;
}

std::vector<AccountId> accounts_of(const std::vector<ChainEvent>& events) {
    std::vector<AccountId> out;
    out.reserve(events.size());
    for (const ChainEvent& event : events) {
        if (const Movement* m = movement_of(event)) {
            out.push_back(m->account);
        } else if (const auto* position = std::get_if<Position>(&event.body)) {
            out.push_back(position->account);
        } else {
            const auto& mapped = std::get<MappedEvent>(event.body);
            out.push_back(mapped.account);
            if (const auto* link = std::get_if<MappedLink>(&mapped.what)) {
                out.push_back(link->into);
            }
        }
    }
    std::erase_if(out, is_pool);
    std::ranges::sort(out);
    const auto repeated = std::ranges::unique(out);
    out.erase(repeated.begin(), repeated.end());
    return out;
}

void JournalRow::write(Bytes& out) const {
    static const Transfer kNone;
    MARGRAVE_ASSERT(!transfers.empty());
    const Transfer& first = transfers.front();
    put_u64(out, first.block.value);
    put_bytes(out, first.block_hash.view());
    put_u64(out, first.time.value);
    put_u32(out, first.incarnation);
    put_varint(out, transfers.size());
    const Transfer* before = &kNone;
    for (const Transfer& t : transfers) {
        MARGRAVE_ASSERT(t.block_hash == first.block_hash);
        write_transfer(out, t, *before);
        before = &t;
    }
}

Result<JournalRow> JournalRow::read(ByteReader& in) {
    constexpr std::size_t kLeastTransfer = 10;
    JournalRow row;
    Transfer common;
    MARGRAVE_TRY(common.block.value, in.u64());
    MARGRAVE_TRY(common.block_hash, in.hash32());
    MARGRAVE_TRY(common.time.value, in.u64());
    MARGRAVE_TRY(common.incarnation, in.u32());
    MARGRAVE_TRY(const std::size_t count, read_count(in, kLeastTransfer));
    if (count == 0) {
        return fail(Errc::kCorrupt, "a row of no transfers");
    }
    row.transfers.reserve(count);
    const Transfer none;
    for (std::size_t i = 0; i < count; ++i) {
        MARGRAVE_TRY(Transfer t, read_transfer(in, i == 0 ? none : row.transfers.back()));
        t.block = common.block;
        t.block_hash = common.block_hash;
        t.time = common.time;
        t.incarnation = common.incarnation;
        row.transfers.push_back(std::move(t));
    }
    return row;
}

Hash32 id_of(const Transfer& t) {
    constexpr std::string_view kTransferTag = "margrave/transfer";
    constexpr std::string_view kReversalTag = "margrave/reversal";
    constexpr std::size_t kSize = 160;
    Bytes bytes;
    bytes.reserve(kSize);
    put_bytes(bytes, as_bytes(kTransferTag));
    put_bytes(bytes, t.chain.key().view());
    put_bytes(bytes, t.block_hash.view());
    put_bytes(bytes, t.txn_hash.view());
    put_u32(bytes, t.log_index);
    put_u16(bytes, t.leg);
    put_u32(bytes, t.incarnation);
    const Hash32 id = keccak256(bytes);
    if (t.reverses == Seq{}) {
        return id;
    }
    bytes = to_bytes(kReversalTag);
    put_bytes(bytes, id.view());
    return keccak256(bytes);
}

void EntriesRow::write(Bytes& out) const {
    MARGRAVE_ASSERT(!seqs.empty());
    for (std::size_t i = 1; i < seqs.size(); ++i) {
        MARGRAVE_ASSERT(seqs[i] > seqs[i - 1]);
        put_varint(out, seqs[i].value - seqs[i - 1].value);
    }
}

Result<EntriesRow> EntriesRow::read(ByteReader& in) {
    EntriesRow row;
    while (in.left() > 0) {
        MARGRAVE_TRY(const std::uint64_t step, read_varint(in));
        row.seqs.emplace_back(step);
    }
    return row;
}

Result<std::vector<Seq>> EntriesRow::from(Seq first) const {
    std::vector<Seq> out{first};
    for (const Seq step : seqs) {
        const Seq next{out.back().value + step.value};
        if (next <= out.back()) {
            return fail(Errc::kCorrupt, "seqs that do not ascend");
        }
        out.push_back(next);
    }
    return out;
}

}  // namespace margrave::store::detail
