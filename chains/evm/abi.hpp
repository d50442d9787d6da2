// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Solidity's contract ABI, version 2 (docs.soliditylang.org/en/latest/abi-spec.html).
namespace margrave::chains::evm::abi {

enum class Kind : std::uint8_t {
    kUint,
    kInt,
    kAddress,
    kBool,
    kFixedBytes,
    kBytes,
    kString,
    kArray,
    kFixedArray,
    kTuple,
};

/// One ABI type. Made by parse_type, which bounds its depth and its size.
struct Type {
    Kind kind{Kind::kUint};
    /// Bits of an integer, bytes of a bytesN.
    unsigned size{0};
    /// Elements of a fixed array.
    std::size_t length{0};
    /// The element of an array, the members of a tuple.
    std::vector<Type> parts;
    /// 32-byte words in the head: 1 for every dynamic type.
    std::size_t head_words{1};
    bool dynamic{false};
};

/// "uint256", "bytes32[2][]", "(address,uint256)[]"; `uint` and `int` mean 256 bits, and
/// `tuple(...)` means `(...)`. Member names after a type are allowed.
Result<Type> parse_type(std::string_view text);
/// The form that selectors are hashed from.
std::string canonical(const Type& type);
/// What fits one word, and is not hashed where it is indexed.
bool is_word(const Type& type);

struct Param {
    Type type;
    std::string name;
    bool indexed{false};
};

/// A function, event or error: `function transfer(address to, uint256 amount)`. The leading keyword
/// is optional, and what follows the closing bracket (modifiers, returns) is not looked at.
struct Signature {
    std::string name;
    std::vector<Param> params;

    /// "transfer(address,uint256)".
    [[nodiscard]] std::string canonical() const;
    [[nodiscard]] std::array<std::uint8_t, 4> selector() const;
    [[nodiscard]] Hash32 topic() const;
    /// The parameters as one tuple.
    [[nodiscard]] Type tuple() const;
};

Result<Signature> parse_signature(std::string_view text);

/// A value of some Type: one word for the static elementary types (an integer in two's
/// complement, bytesN left-aligned), bytes for `bytes` and `string`, a list for the rest.
struct Value {
    std::variant<Hash32, Bytes, std::vector<Value>> data;

    Value() = default;

    explicit Value(const Hash32& word)
        : data(word) {}

    explicit Value(Bytes bytes)
        : data(std::move(bytes)) {}

    explicit Value(std::vector<Value> items)
        : data(std::move(items)) {}

    explicit Value(std::uint64_t number)
        : data(Amount(number).to_word()) {}

    explicit Value(const Amount& number)
        : data(number.to_word()) {}

    explicit Value(const Address& address)
        : data(left_pad(address)) {}

    explicit Value(bool) = delete;

    /// Each asserts that the value is of that shape: a caller knows the type that it decoded.
    [[nodiscard]] const Hash32& word() const;
    [[nodiscard]] const Bytes& bytes() const;
    [[nodiscard]] const std::vector<Value>& items() const;

    bool operator==(const Value& o) const { return data == o.data; }
};

/// kInvalid when the value is not one of the type: wrong shape, out of range, wrong length.
Result<Bytes> encode(const Type& type, const Value& value);

struct DecodeOptions {
    /// Only the bytes that `encode` would give: zero padding, tails in order, nothing behind.
    /// Without it, Solidity's own rules: values in range, tails anywhere inside the input.
    bool strict{true};
    /// Values of all depths together, and bytes copied out: bounds what offsets that overlap or
    /// point back can blow up.
    std::size_t values_max{100'000};
    std::size_t bytes_max{std::size_t{4} << 20};
};

/// abi.decode of `data` as `type`; a tuple's members are the arguments of a call, an event or an
/// error. kInvalid with what is wrong, kLimit beyond a limit.
Result<Value> decode(const Type& type, ByteView data, const DecodeOptions& options);
Result<Value> decode(const Type& type, ByteView data);

/// For people: 12, -5, 0x…, "text", [a, b]. At most `length_max` characters and then "...".
std::string to_text(const Type& type, const Value& value, std::size_t length_max);

}  // namespace margrave::chains::evm::abi
