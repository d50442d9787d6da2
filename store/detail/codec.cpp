// SPDX-License-Identifier: Apache-2.0
#include "store/detail/codec.hpp"

#include "core/assert.hpp"

#include <limits>

namespace margrave::store::detail {

void put_flag(Bytes& out, bool v) {
    put_u8(out, v ? 1 : 0);
}

void put_text(Bytes& out, std::string_view v) {
    put_blob(out, as_bytes(v));
}

void put_blob(Bytes& out, ByteView v) {
    MARGRAVE_ASSERT(v.size() <= kMaxField);
    put_u32(out, static_cast<std::uint32_t>(v.size()));
    put_bytes(out, v);
}

void put_amount(Bytes& out, const Amount& v) {
    put_bytes(out, v.to_word().view());
}

void put_block(Bytes& out, const BlockRef& v) {
    put_u64(out, v.number.value);
    put_bytes(out, v.hash.view());
    put_bytes(out, v.parent.view());
    put_u64(out, v.time.value);
}

void put_accumulator(Bytes& out, const Accumulator& v) {
    put_u64(out, v.count);
    put_bytes(out, v.hash.view());
}

Result<bool> read_flag(ByteReader& in) {
    MARGRAVE_TRY(const std::uint8_t v, read_choice(in, 1, "flag"));
    return v == 1;
}

Result<std::string> read_text(ByteReader& in) {
    MARGRAVE_TRY(const Bytes bytes, read_blob(in));
    return std::string(as_text(bytes));
}

Result<Bytes> read_blob(ByteReader& in) {
    MARGRAVE_TRY(const std::uint32_t size, in.u32());
    if (size > kMaxField) {
        return fail(Errc::kCorrupt, "field of " + std::to_string(size) + " bytes");
    }
    MARGRAVE_TRY(const ByteView view, in.bytes(size));
    return Bytes(view.begin(), view.end());
}

Result<Amount> read_amount(ByteReader& in) {
    MARGRAVE_TRY(const Hash32 word, in.hash32());
    return Amount::from_word(word);
}

Result<AccountId> read_account(ByteReader& in) {
    MARGRAVE_TRY(const Hash32 word, in.hash32());
    return AccountId{word.data};
}

Result<Money> read_money(ByteReader& in) {
    MARGRAVE_TRY(const Hash32 word, in.hash32());
    Result<Money> money = Money::from_word(word);
    if (!money) {
        return fail(Errc::kCorrupt, money.error().detail);
    }
    return money;
}

Result<BlockRef> read_block(ByteReader& in) {
    BlockRef out;
    MARGRAVE_TRY(out.number.value, in.u64());
    MARGRAVE_TRY(out.hash, in.hash32());
    MARGRAVE_TRY(out.parent, in.hash32());
    MARGRAVE_TRY(out.time.value, in.u64());
    return out;
}

Result<Accumulator> read_accumulator(ByteReader& in) {
    Accumulator out;
    MARGRAVE_TRY(out.count, in.u64());
    MARGRAVE_TRY(out.hash, in.hash32());
    return out;
}

Result<std::uint8_t> read_choice(ByteReader& in, std::uint8_t last, std::string_view what) {
    MARGRAVE_TRY(const std::uint8_t v, in.u8());
    if (v > last) {
        return fail(Errc::kCorrupt, std::string(what) + " " + std::to_string(v) + " is unknown");
    }
    return v;
}

}  // namespace margrave::store::detail
