// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

/// Recursive Length Prefix (Ethereum Yellow Paper, appendix B). The decoder accepts the one
/// canonical form of every value and nothing else, so that decode and encode are inverse.
namespace margrave::chains::evm::rlp {

void put_bytes(Bytes& out, ByteView value);
/// Big-endian without leading zeros; zero is the empty string.
void put_uint(Bytes& out, std::uint64_t value);
void put_uint(Bytes& out, const Amount& value);
/// `payload` is the concatenation of the encoded members.
void put_list(Bytes& out, ByteView payload);

// For encoders of many or long values: sizes first, then every byte is written once.

/// What goes before `payload_size` bytes of encoded members.
void put_list_header(Bytes& out, std::size_t payload_size);
/// Bytes that put_bytes, put_uint and put_list add.
std::size_t bytes_size(ByteView value);
std::size_t uint_size(std::uint64_t value);
std::size_t list_size(std::size_t payload_size);

/// One decoded value. It points into the bytes that were decoded and must not outlive them.
struct Item {
    bool is_list{false};
    /// What the header announces: a string's bytes, or a list's encoded members.
    ByteView payload;
    /// Members of a list.
    std::vector<Item> items;
};

struct Limits {
    std::size_t depth{16};
    std::size_t items{200'000};
    std::size_t bytes{std::size_t{16} << 20};
};

/// The whole of `bytes` as one value. kInvalid for anything not canonical, kLimit beyond a limit.
Result<Item> decode(ByteView bytes, const Limits& limits);
Result<Item> decode(ByteView bytes);

Bytes encode(const Item& item);

/// Typed reads of a string item; `name` goes into the error. kInvalid for a list, a wrong length
/// or a leading zero, kOverflow for a number that does not fit.
Result<std::uint64_t> to_u64(const Item& item, std::string_view name);
Result<Amount> to_amount(const Item& item, std::string_view name);
Result<Hash32> to_hash32(const Item& item, std::string_view name);
Result<Address> to_address(const Item& item, std::string_view name);

}  // namespace margrave::chains::evm::rlp
