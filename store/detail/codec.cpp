// SPDX-License-Identifier: Apache-2.0
#include "store/detail/codec.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <limits>

namespace margrave::store::detail {
namespace {

constexpr unsigned kVarintBits = 7;
constexpr std::uint64_t kVarintMore = 0x80;

}  // namespace

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

void put_short_amount(Bytes& out, const Amount& v) {
    const Hash32 word = v.to_word();
    std::size_t zeros = 0;
    while (zeros < Hash32::kSize && word.data[zeros] == 0) {
        ++zeros;
    }
    put_u8(out, static_cast<std::uint8_t>(Hash32::kSize - zeros));
    put_bytes(out, word.view().subspan(zeros));
}

void put_varint(Bytes& out, std::uint64_t v) {
    while (v >= kVarintMore) {
        out.push_back(static_cast<std::uint8_t>(v | kVarintMore));
        v >>= kVarintBits;
    }
    out.push_back(static_cast<std::uint8_t>(v));
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

Result<Amount> read_short_amount(ByteReader& in) {
    MARGRAVE_TRY(const std::uint8_t size, in.u8());
    if (size > Hash32::kSize) {
        return fail(Errc::kCorrupt, "amount of " + std::to_string(size) + " bytes");
    }
    MARGRAVE_TRY(const ByteView bytes, in.bytes(size));
    if (size > 0 && bytes[0] == 0) {
        return fail(Errc::kCorrupt, "amount with a leading zero");
    }
    Hash32 word;
    std::ranges::copy(bytes, word.data.begin() + (Hash32::kSize - size));
    return Amount::from_word(word);
}

Result<std::uint64_t> read_varint(ByteReader& in) {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += kVarintBits) {
        MARGRAVE_TRY(const std::uint64_t byte, in.u8());
        const std::uint64_t bits = byte & (kVarintMore - 1);
        const bool fits = bits << shift >> shift == bits;
        if (!fits || (byte == 0 && shift > 0)) {
            break;
        }
        v |= bits << shift;
        if (byte < kVarintMore) {
            return v;
        }
    }
    return fail(Errc::kCorrupt, "number in a form that nobody writes");
}

Result<std::size_t> read_count(ByteReader& in, std::size_t least_bytes_each) {
    MARGRAVE_TRY(const std::uint64_t count, read_varint(in));
    if (count > in.left() / least_bytes_each) {
        return fail(Errc::kCorrupt, "a list of " + std::to_string(count) + " does not fit its row");
    }
    return static_cast<std::size_t>(count);
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
