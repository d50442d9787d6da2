// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/rlp.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace margrave::chains::evm::rlp {
namespace {

constexpr std::uint8_t kString = 0x80;
constexpr std::uint8_t kLongString = 0xb7;
constexpr std::uint8_t kList = 0xc0;
constexpr std::uint8_t kLongList = 0xf7;
constexpr std::size_t kShortMax = 55;

Error refused(std::string why) {
    return fail(Errc::kInvalid, "RLP: " + std::move(why));
}

// Bytes of a number without leading zeros.
std::uint8_t width_of(std::uint64_t value) {
    std::uint8_t width = 0;
    for (; value != 0; value >>= 8) {
        ++width;
    }
    return width;
}

void put_header(Bytes& out, std::uint8_t base, std::size_t length) {
    if (length <= kShortMax) {
        out.push_back(static_cast<std::uint8_t>(base + length));
        return;
    }
    const std::uint8_t width = width_of(length);
    out.push_back(static_cast<std::uint8_t>(base + kShortMax + width));
    for (std::uint8_t i = width; i > 0; --i) {
        out.push_back(static_cast<std::uint8_t>(length >> (8 * (i - 1))));
    }
}

void put_number(Bytes& out, ByteView big_endian) {
    const auto first = std::ranges::find_if(big_endian, [](std::uint8_t b) { return b != 0; });
    put_bytes(out, {first, big_endian.end()});
}

struct Header {
    bool is_list{false};
    std::size_t start{0};
    std::size_t length{0};
};

Result<Header> long_header(ByteView in, std::size_t width, bool is_list) {
    if (width > sizeof(std::uint64_t) || in.size() < 1 + width) {
        return refused("the length of a value is cut off or too wide");
    }
    if (in[1] == 0) {
        return refused("a length starts with zero");
    }
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < width; ++i) {
        length = (length << 8) | in[1 + i];
    }
    if (length <= kShortMax) {
        return refused("a short value has a long header");
    }
    if (length > in.size() - 1 - width) {
        return refused("a value is longer than the input");
    }
    return Header{is_list, 1 + width, static_cast<std::size_t>(length)};
}

Result<Header> read_header(ByteView in) {
    if (in.empty()) {
        return refused("a value is missing");
    }
    const std::uint8_t first = in[0];
    if (first < kString) {
        return Header{false, 0, 1};
    }
    if (first > kLongList) {
        return long_header(in, static_cast<std::size_t>(first - kLongList), true);
    }
    if (first > kLongString && first < kList) {
        return long_header(in, static_cast<std::size_t>(first - kLongString), false);
    }
    const bool is_list = first >= kList;
    const auto length = static_cast<std::size_t>(first - (is_list ? kList : kString));
    if (length > in.size() - 1) {
        return refused("a value is longer than the input");
    }
    if (!is_list && length == 1 && in[1] < kString) {
        return refused("a byte below 0x80 has a header");
    }
    return Header{is_list, 1, length};
}

struct Budget {
    std::size_t items{0};
};

// Takes one value off the front of `rest`.
Result<Item> take(ByteView& rest, std::size_t depth, Budget& budget) {
    if (budget.items == 0) {
        return fail(Errc::kLimit, "RLP: more values than allowed");
    }
    --budget.items;
    MARGRAVE_TRY(const Header header, read_header(rest));
    Item item{header.is_list, rest.subspan(header.start, header.length), {}};
    rest = rest.subspan(header.start + header.length);
    if (!item.is_list) {
        return item;
    }
    if (depth == 0) {
        return fail(Errc::kLimit, "RLP: lists are nested deeper than allowed");
    }
    ByteView members = item.payload;
    while (!members.empty()) {
        MARGRAVE_TRY(auto member, take(members, depth - 1, budget));
        item.items.push_back(std::move(member));
    }
    return item;
}

Result<ByteView> string_of(const Item& item, std::string_view name) {
    if (item.is_list) {
        return refused(std::string(name) + " is a list");
    }
    return item.payload;
}

Result<ByteView> fixed(const Item& item, std::size_t size, std::string_view name) {
    MARGRAVE_TRY(const ByteView bytes, string_of(item, name));
    if (bytes.size() != size) {
        return refused(
            std::string(name) + " has " + std::to_string(bytes.size()) + " bytes, not " +
            std::to_string(size)
        );
    }
    return bytes;
}

Result<ByteView> number(const Item& item, std::size_t size_max, std::string_view name) {
    MARGRAVE_TRY(const ByteView bytes, string_of(item, name));
    if (!bytes.empty() && bytes[0] == 0) {
        return refused(std::string(name) + " starts with a zero byte");
    }
    if (bytes.size() > size_max) {
        return fail(
            Errc::kOverflow,
            "RLP: " + std::string(name) + " has " + std::to_string(bytes.size()) +
                " bytes, at most " + std::to_string(size_max)
        );
    }
    return bytes;
}

}  // namespace

void put_bytes(Bytes& out, ByteView value) {
    if (value.size() == 1 && value[0] < kString) {
        out.push_back(value[0]);
        return;
    }
    put_header(out, kString, value.size());
    out.insert(out.end(), value.begin(), value.end());
}

void put_uint(Bytes& out, std::uint64_t value) {
    std::array<std::uint8_t, sizeof(value)> word{};
    for (std::size_t i = 0; i < word.size(); ++i) {
        word[i] = static_cast<std::uint8_t>(value >> (8 * (word.size() - 1 - i)));
    }
    put_number(out, word);
}

void put_uint(Bytes& out, const Amount& value) {
    const Hash32 word = value.to_word();
    put_number(out, word.view());
}

void put_list(Bytes& out, ByteView payload) {
    put_header(out, kList, payload.size());
    out.insert(out.end(), payload.begin(), payload.end());
}

void put_list_header(Bytes& out, std::size_t payload_size) {
    put_header(out, kList, payload_size);
}

std::size_t bytes_size(ByteView value) {
    return value.size() == 1 && value[0] < kString ? 1 : list_size(value.size());
}

std::size_t uint_size(std::uint64_t value) {
    return value < kString ? 1 : 1 + width_of(value);
}

// Lists and strings have headers of the same sizes.
std::size_t list_size(std::size_t payload_size) {
    return payload_size + 1 + (payload_size > kShortMax ? width_of(payload_size) : 0);
}

Result<Item> decode(ByteView bytes, const Limits& limits) {
    if (bytes.size() > limits.bytes) {
        return fail(
            Errc::kLimit,
            "RLP: " + std::to_string(bytes.size()) + " bytes, at most " +
                std::to_string(limits.bytes)
        );
    }
    Budget budget{limits.items};
    MARGRAVE_TRY(auto item, take(bytes, limits.depth, budget));
    if (!bytes.empty()) {
        return refused(std::to_string(bytes.size()) + " bytes follow the value");
    }
    return item;
}

Result<Item> decode(ByteView bytes) {
    return decode(bytes, Limits{});
}

Bytes encode(const Item& item) {
    Bytes out;
    if (!item.is_list) {
        put_bytes(out, item.payload);
        return out;
    }
    Bytes members;
    for (const Item& member : item.items) {
        const Bytes encoded = encode(member);
        members.insert(members.end(), encoded.begin(), encoded.end());
    }
    put_list(out, members);
    return out;
}

Result<std::uint64_t> to_u64(const Item& item, std::string_view name) {
    MARGRAVE_TRY(const ByteView bytes, number(item, sizeof(std::uint64_t), name));
    std::uint64_t value = 0;
    for (const std::uint8_t b : bytes) {
        value = (value << 8) | b;
    }
    return value;
}

Result<Amount> to_amount(const Item& item, std::string_view name) {
    MARGRAVE_TRY(const ByteView bytes, number(item, Hash32::kSize, name));
    Hash32 word;
    std::copy_backward(bytes.begin(), bytes.end(), word.data.end());
    return Amount::from_word(word);
}

Result<Hash32> to_hash32(const Item& item, std::string_view name) {
    MARGRAVE_TRY(const ByteView bytes, fixed(item, Hash32::kSize, name));
    Hash32 out;
    std::ranges::copy(bytes, out.data.begin());
    return out;
}

Result<Address> to_address(const Item& item, std::string_view name) {
    MARGRAVE_TRY(const ByteView bytes, fixed(item, Address::kSize, name));
    Address out;
    std::ranges::copy(bytes, out.data.begin());
    return out;
}

}  // namespace margrave::chains::evm::rlp
