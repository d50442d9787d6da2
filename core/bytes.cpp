// SPDX-License-Identifier: Apache-2.0
#include "core/bytes.hpp"

#include "core/detail/quote.hpp"
#include "core/keccak.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace margrave {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::uint8_t nibble_of(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<std::uint8_t>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<std::uint8_t>(c - 'A' + 10);
    }
    return kNoDigit;
}

// Logs are hex, and millions of them are read: a table, since the digits are as good as random.
constexpr std::array<std::uint8_t, 256> kNibbles = [] {
    std::array<std::uint8_t, 256> out{};
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = nibble_of(static_cast<char>(i));
    }
    return out;
}();

std::uint8_t nibble(char c) {
    return kNibbles[static_cast<std::uint8_t>(c)];
}

// Decodes into `out`, whose size says how many bytes there must be. The text may be a secret key,
// so the error tells lengths and places but never the text.
Result<void> decode_hex(std::string_view text, std::span<std::uint8_t> out) {
    if (!text.starts_with("0x")) {
        return fail(Errc::kInvalid, "hex must start with 0x");
    }
    const std::string_view digits = text.substr(2);
    if (digits.size() != out.size() * 2) {
        return fail(
            Errc::kInvalid,
            std::to_string(out.size()) + " bytes of hex need " + std::to_string(out.size() * 2) +
                " digits after 0x; there are " + std::to_string(digits.size())
        );
    }
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::uint8_t high = nibble(digits[2 * i]);
        const std::uint8_t low = nibble(digits[2 * i + 1]);
        if (high == kNoDigit || low == kNoDigit) {
            const std::size_t place = 2 * i + (high == kNoDigit ? 1 : 2);
            return fail(
                Errc::kInvalid,
                "character " + std::to_string(place) + " after 0x is not a hex digit"
            );
        }
        out[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return ok();
}

template <std::size_t N>
void put_big_endian(Bytes& out, std::uint64_t v) {
    std::array<std::uint8_t, N> digits;
    for (std::size_t i = 0; i < N; ++i) {
        digits[i] = static_cast<std::uint8_t>(v >> (8 * (N - 1 - i)));
    }
    put_bytes(out, digits);
}

std::uint64_t big_endian(ByteView bytes) {
    std::uint64_t v = 0;
    for (const std::uint8_t b : bytes) {
        v = v << 8 | b;
    }
    return v;
}

template <class Fixed>
Fixed fixed_from(ByteView bytes) {
    Fixed out;
    std::copy_n(bytes.begin(), Fixed::kSize, out.data.begin());
    return out;
}

}  // namespace

std::size_t mix_bytes(ByteView bytes, std::uint64_t seed) {
    __extension__ using Wide = unsigned __int128;
    // Odd, with as many ones as zeros and no pattern: the first digits of pi behind the point.
    constexpr std::uint64_t kFirst = 0x243F6A8885A308D3;
    constexpr std::uint64_t kSecond = 0x13198A2E03707345;
    const auto fold = [](std::uint64_t a, std::uint64_t b) {
        const Wide product = Wide{a} * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
    };
    std::uint64_t out = seed ^ bytes.size();
    while (!bytes.empty()) {
        std::array<std::uint64_t, 2> words{};
        const std::size_t size = std::min(bytes.size(), sizeof(words));
        std::memcpy(words.data(), bytes.data(), size);
        out = fold(words[0] ^ kFirst ^ out, words[1] ^ kSecond);
        bytes = bytes.subspan(size);
    }
    return fold(out ^ kFirst, kSecond);
}

std::string to_hex(ByteView bytes) {
    std::string out;
    out.reserve(2 + bytes.size() * 2);
    out += "0x";
    for (const std::uint8_t b : bytes) {
        out += kHexDigits[b >> 4];
        out += kHexDigits[b & 15];
    }
    return out;
}

// EIP-55: a letter is upper case where the same nibble of keccak(lower-case digits) is 8 or more.
std::string to_checksum(const Address& a) {
    std::string out = to_hex(a);
    const Hash32 hash = keccak256(std::string_view(out).substr(2));
    for (std::size_t i = 0; i < 2 * Address::kSize; ++i) {
        const unsigned pair = hash.data[i / 2];
        const unsigned hash_nibble = i % 2 == 0 ? pair >> 4U : pair & 15U;
        char& c = out[i + 2];
        if (c >= 'a' && hash_nibble >= 8) {
            c = static_cast<char>(c - 'a' + 'A');
        }
    }
    return out;
}

Result<Bytes> parse_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return fail(
            Errc::kInvalid, "hex has an odd number of characters: " + std::to_string(text.size())
        );
    }
    Bytes out(text.size() < 2 ? 0 : text.size() / 2 - 1);
    MARGRAVE_TRY(decode_hex(text, out));
    return out;
}

Result<Hash32> parse_hash32(std::string_view text) {
    Hash32 out;
    MARGRAVE_TRY(decode_hex(text, out.data));
    return out;
}

Result<Address> parse_address(std::string_view text) {
    Address out;
    if (const auto decoded = decode_hex(text, out.data); !decoded) {
        return fail(
            Errc::kInvalid, "address " + detail::quoted(text) + ": " + decoded.error().detail
        );
    }
    const std::string_view digits = text.substr(2);
    const bool lower = std::ranges::any_of(digits, [](char c) { return c >= 'a' && c <= 'f'; });
    const bool upper = std::ranges::any_of(digits, [](char c) { return c >= 'A' && c <= 'F'; });
    if (lower && upper && text != to_checksum(out)) {
        return fail(
            Errc::kInvalid,
            "address " + detail::quoted(text) +
                " has a wrong EIP-55 checksum; these 20 bytes are " + to_checksum(out)
        );
    }
    return out;
}

Bytes to_bytes(std::string_view text) {
    const ByteView view = as_bytes(text);
    return {view.begin(), view.end()};
}

Hash32 left_pad(const Address& a) {
    Hash32 out;
    std::ranges::copy(a.data, out.data.begin() + (Hash32::kSize - Address::kSize));
    return out;
}

Address low_address(const Hash32& word) {
    return fixed_from<Address>(word.view().last(Address::kSize));
}

void put_u8(Bytes& out, std::uint8_t v) {
    out.push_back(v);
}

void put_u16(Bytes& out, std::uint16_t v) {
    put_big_endian<2>(out, v);
}

void put_u32(Bytes& out, std::uint32_t v) {
    put_big_endian<4>(out, v);
}

void put_u64(Bytes& out, std::uint64_t v) {
    put_big_endian<8>(out, v);
}

void put_bytes(Bytes& out, ByteView v) {
    out.insert(out.end(), v.begin(), v.end());
}

Result<std::uint8_t> ByteReader::u8() {
    MARGRAVE_TRY(const ByteView read, bytes(1));
    return read[0];
}

Result<std::uint16_t> ByteReader::u16() {
    MARGRAVE_TRY(const ByteView read, bytes(2));
    return static_cast<std::uint16_t>(big_endian(read));
}

Result<std::uint32_t> ByteReader::u32() {
    MARGRAVE_TRY(const ByteView read, bytes(4));
    return static_cast<std::uint32_t>(big_endian(read));
}

Result<std::uint64_t> ByteReader::u64() {
    MARGRAVE_TRY(const ByteView read, bytes(8));
    return big_endian(read);
}

Result<ByteView> ByteReader::bytes(std::size_t count) {
    if (count > rest_.size()) {
        return fail(
            Errc::kCorrupt,
            "record ends early: " + std::to_string(count) + " bytes wanted, " +
                std::to_string(rest_.size()) + " left"
        );
    }
    const ByteView read = rest_.first(count);
    rest_ = rest_.subspan(count);
    return read;
}

Result<Hash32> ByteReader::hash32() {
    MARGRAVE_TRY(const ByteView read, bytes(Hash32::kSize));
    return fixed_from<Hash32>(read);
}

Result<Address> ByteReader::address() {
    MARGRAVE_TRY(const ByteView read, bytes(Address::kSize));
    return fixed_from<Address>(read);
}

Result<void> ByteReader::finish() const {
    if (!rest_.empty()) {
        return fail(
            Errc::kCorrupt, "record has " + std::to_string(rest_.size()) + " bytes too many"
        );
    }
    return ok();
}

}  // namespace margrave
