// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/events.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <string>
#include <string_view>

// Field encodings that the records share, and the frame of every record: one version byte, then
// the fields, nothing after them.
namespace margrave::store::detail {

inline constexpr std::uint8_t kRecordVersion = 1;
/// A text or blob inside a record; a longer length in stored bytes is damage.
inline constexpr std::size_t kMaxField = std::size_t{64} << 20U;

void put_flag(Bytes& out, bool v);
void put_text(Bytes& out, std::string_view v);
void put_blob(Bytes& out, ByteView v);
void put_amount(Bytes& out, const Amount& v);
/// Big-endian without leading zeros, after one byte that counts them.
void put_short_amount(Bytes& out, const Amount& v);
/// Seven bits a byte, lowest first.
void put_varint(Bytes& out, std::uint64_t v);
void put_block(Bytes& out, const BlockRef& v);
void put_accumulator(Bytes& out, const Accumulator& v);

Result<bool> read_flag(ByteReader& in);
Result<std::string> read_text(ByteReader& in);
Result<Bytes> read_blob(ByteReader& in);
Result<Amount> read_amount(ByteReader& in);
/// kCorrupt for any form but the one that put_short_amount writes.
Result<Amount> read_short_amount(ByteReader& in);
/// kCorrupt for any form but the one that put_varint writes.
Result<std::uint64_t> read_varint(ByteReader& in);
/// A count of things of at least so many bytes each: it must fit what is left, or a flipped bit
/// would ask for gigabytes.
Result<std::size_t> read_count(ByteReader& in, std::size_t least_bytes_each);
Result<AccountId> read_account(ByteReader& in);
Result<Money> read_money(ByteReader& in);
Result<BlockRef> read_block(ByteReader& in);
Result<Accumulator> read_accumulator(ByteReader& in);
/// An enum stored as its number; kCorrupt above `last`.
Result<std::uint8_t> read_choice(ByteReader& in, std::uint8_t last, std::string_view what);

template <class Row>
Bytes encode(const Row& row) {
    Bytes out;
    out.reserve(Row::kTypicalSize);
    put_u8(out, kRecordVersion);
    row.write(out);
    return out;
}

template <class Row>
Result<Row> decode(ByteView bytes) {
    ByteReader in(bytes);
    MARGRAVE_TRY(const std::uint8_t version, in.u8());
    if (version != kRecordVersion) {
        return fail(
            Errc::kCorrupt, "record version " + std::to_string(version) + " where 1 is expected"
        );
    }
    MARGRAVE_TRY(Row row, Row::read(in));
    MARGRAVE_TRY(in.finish());
    return row;
}

}  // namespace margrave::store::detail
