// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace margrave {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// N raw bytes that order and hash as bytes. `Tag` keeps an address from passing as a hash.
template <std::size_t N, class Tag>
struct FixedBytes {
    static constexpr std::size_t kSize = N;
    std::array<std::uint8_t, N> data{};

    auto operator<=>(const FixedBytes&) const = default;

    [[nodiscard]] ByteView view() const { return {data.data(), N}; }

    [[nodiscard]] bool is_zero() const {
        for (const std::uint8_t b : data) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }
};

struct Hash32Tag;
struct AddressTag;
/// Any 32-byte digest or id: keccak hashes, block hashes, instruction ids, protocol keys.
using Hash32 = FixedBytes<32, Hash32Tag>;
/// A 20-byte EVM address.
using Address = FixedBytes<20, AddressTag>;

/// For hash tables only: the same bytes and seed give the same number in one build. Words are
/// folded into it by a wide multiplication (the step of wyhash).
std::size_t mix_bytes(ByteView bytes, std::uint64_t seed);

/// "0x" and lower-case hex.
std::string to_hex(ByteView bytes);

inline std::string to_hex(const Hash32& h) {
    return to_hex(h.view());
}

inline std::string to_hex(const Address& a) {
    return to_hex(a.view());
}

/// EIP-55 mixed case, for people.
std::string to_checksum(const Address& a);

/// Strict: needs "0x", an even number of digits, nothing else. Errors: kInvalid.
Result<Bytes> parse_hex(std::string_view text);
/// Exactly 32 bytes.
Result<Hash32> parse_hash32(std::string_view text);
/// Exactly 20 bytes. Mixed case must be a right EIP-55 checksum; all-lower and all-upper pass.
Result<Address> parse_address(std::string_view text);

Bytes to_bytes(std::string_view text);

inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Left-padded with zeros to a word, as abi.encode does.
Hash32 left_pad(const Address& a);
/// The last 20 bytes; nothing is checked about the first 12.
Address low_address(const Hash32& word);

/// Big-endian integers at the end of `out`; the form every key and record uses.
void put_u8(Bytes& out, std::uint8_t v);
void put_u16(Bytes& out, std::uint16_t v);
void put_u32(Bytes& out, std::uint32_t v);
void put_u64(Bytes& out, std::uint64_t v);
void put_bytes(Bytes& out, ByteView v);

/// Reads what the put_ functions wrote; every read is bounds-checked (kCorrupt).
class ByteReader {
  public:
    explicit ByteReader(ByteView bytes)
        : rest_(bytes) {}

    Result<std::uint8_t> u8();
    Result<std::uint16_t> u16();
    Result<std::uint32_t> u32();
    Result<std::uint64_t> u64();
    Result<ByteView> bytes(std::size_t count);
    Result<Hash32> hash32();
    Result<Address> address();

    [[nodiscard]] std::size_t left() const { return rest_.size(); }

    /// kCorrupt unless every byte was read.
    Result<void> finish() const;

  private:
    ByteView rest_;
};

}  // namespace margrave

template <std::size_t N, class Tag>
struct std::hash<margrave::FixedBytes<N, Tag>> {
    std::size_t operator()(const margrave::FixedBytes<N, Tag>& v) const noexcept {
        return margrave::mix_bytes(v.view(), 0);
    }
};
