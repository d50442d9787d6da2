// SPDX-License-Identifier: Apache-2.0
#include "store/detail/mapped_records.hpp"

#include "store/detail/codec.hpp"

#include <limits>
#include <string>

namespace margrave::store::detail {

Result<MappedKind> read_mapped_kind(std::uint8_t number) {
    Result<MappedKind> kind = mapped_kind(number);
    if (!kind) {
        return fail(Errc::kCorrupt, kind.error().detail);
    }
    return kind;
}

void write_mapped(Bytes& out, const MappedEvent& m) {
    put_bytes(out, m.source.view());
    put_varint(out, m.part);
    put_bytes(out, m.account.view());
    put_u8(out, static_cast<std::uint8_t>(m.what.index()));
    if (const auto* amount = std::get_if<MappedAmount>(&m.what)) {
        put_u8(out, static_cast<std::uint8_t>(amount->kind));
        put_bytes(out, amount->token.view());
        put_short_amount(out, amount->amount);
        put_flag(out, amount->is_read);
    } else if (const auto* position = std::get_if<MappedPosition>(&m.what)) {
        put_bytes(out, position->market.view());
        put_bytes(out, position->size.to_word().view());
        put_bytes(out, position->entry_price.to_word().view());
    } else if (const auto* link = std::get_if<MappedLink>(&m.what)) {
        put_bytes(out, link->into.view());
        put_flag(out, link->active);
    } else if (const auto* price = std::get_if<MappedPrice>(&m.what)) {
        put_short_amount(out, price->answer);
        put_u64(out, price->published_at.value);
    } else {
        const auto& rate = std::get<MappedRate>(m.what);
        put_bytes(out, rate.token.view());
        put_short_amount(out, rate.rate);
    }
}

namespace {

Result<MappedAmount> read_mapped_amount(ByteReader& in) {
    MappedAmount out;
    MARGRAVE_TRY(const std::uint8_t kind, in.u8());
    MARGRAVE_TRY(out.kind, read_mapped_kind(kind));
    MARGRAVE_TRY(out.token, in.address());
    MARGRAVE_TRY(out.amount, read_short_amount(in));
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

}  // namespace

Result<MappedEvent> read_mapped(ByteReader& in) {
    MappedEvent m;
    MARGRAVE_TRY(m.source, in.hash32());
    MARGRAVE_TRY(const std::uint64_t part, read_varint(in));
    if (part > std::numeric_limits<std::uint16_t>::max()) {
        return fail(Errc::kCorrupt, "part " + std::to_string(part));
    }
    m.part = static_cast<std::uint16_t>(part);
    MARGRAVE_TRY(m.account, read_account(in));
    MARGRAVE_TRY(const std::uint8_t what, read_choice(in, 4, "mapped event"));
    if (what == 0) {
        MARGRAVE_TRY(m.what, read_mapped_amount(in));
    } else if (what == 1) {
        MARGRAVE_TRY(m.what, read_mapped_position(in));
    } else if (what == 2) {
        MARGRAVE_TRY(m.what, read_mapped_link(in));
    } else if (what == 3) {
        MappedPrice& price = m.what.emplace<MappedPrice>();
        MARGRAVE_TRY(price.answer, read_short_amount(in));
        MARGRAVE_TRY(price.published_at.value, in.u64());
    } else {
        MappedRate& rate = m.what.emplace<MappedRate>();
        MARGRAVE_TRY(rate.token, in.address());
        MARGRAVE_TRY(rate.rate, read_short_amount(in));
    }
    return m;
}

}  // namespace margrave::store::detail
