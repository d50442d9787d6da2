// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/abi.hpp"

#include "core/assert.hpp"

#include <algorithm>

namespace margrave::chains::evm::abi {

bool is_word(const Type& type) {
    return !type.dynamic && type.kind != Kind::kTuple && type.kind != Kind::kFixedArray;
}

namespace {

constexpr std::size_t kWord = 32;

Error refused(const Type& type, std::string why) {
    return fail(Errc::kInvalid, "ABI: " + canonical(type) + " " + std::move(why));
}

bool all_bytes(ByteView bytes, std::uint8_t value) {
    return std::ranges::all_of(bytes, [value](std::uint8_t b) { return b == value; });
}

// Whether a word is a value of a static elementary type.
bool in_range(const Type& type, const Hash32& word) {
    const ByteView bytes = word.view();
    switch (type.kind) {
        case Kind::kUint:
        case Kind::kAddress:
            return all_bytes(bytes.first(kWord - type.size / 8), 0);
        case Kind::kInt: {
            const std::size_t high = kWord - type.size / 8;
            const bool negative = high < kWord && (bytes[high] & 0x80) != 0;
            return all_bytes(bytes.first(high), negative ? 0xff : 0x00);
        }
        case Kind::kBool:
            return all_bytes(bytes.first(kWord - 1), 0) && bytes[kWord - 1] <= 1;
        case Kind::kFixedBytes:
            return all_bytes(bytes.subspan(type.size), 0);
        case Kind::kBytes:
        case Kind::kString:
        case Kind::kArray:
        case Kind::kFixedArray:
        case Kind::kTuple:
            break;
    }
    return false;
}

const Type& part_at(const Type& type, std::size_t i) {
    return type.kind == Kind::kTuple ? type.parts[i] : type.parts[0];
}

std::size_t head_bytes(const Type& type, std::size_t count) {
    if (type.kind != Kind::kTuple) {
        return count * type.parts[0].head_words * kWord;
    }
    std::size_t words = 0;
    for (const Type& part : type.parts) {
        words += part.head_words;
    }
    return words * kWord;
}

void put_word(Bytes& out, std::size_t number) {
    const Hash32 word = Amount(number).to_word();
    put_bytes(out, word.view());
}

// Writes values without the offset that a dynamic one has in its head.
class Encoder {
  public:
    Result<Bytes> body(const Type& type, const Value& value);

  private:
    Result<Bytes> word(const Type& type, const Value& value);
    Result<Bytes> blob(const Type& type, const Value& value);
    Result<Bytes> sequence(const Type& type, const std::vector<Value>& items);
};

Result<Bytes> Encoder::word(const Type& type, const Value& value) {
    const auto* word = std::get_if<Hash32>(&value.data);
    if (word == nullptr) {
        return refused(type, "takes one word");
    }
    if (!in_range(type, *word)) {
        return refused(type, "does not hold " + to_hex(*word));
    }
    return Bytes(word->data.begin(), word->data.end());
}

Result<Bytes> Encoder::blob(const Type& type, const Value& value) {
    const auto* bytes = std::get_if<Bytes>(&value.data);
    if (bytes == nullptr) {
        return refused(type, "takes bytes");
    }
    Bytes out;
    put_word(out, bytes->size());
    put_bytes(out, *bytes);
    out.resize((out.size() + kWord - 1) / kWord * kWord, 0);
    return out;
}

Result<Bytes> Encoder::sequence(const Type& type, const std::vector<Value>& items) {
    Bytes heads;
    Bytes tails;
    const std::size_t head_size = head_bytes(type, items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
        const Type& part = part_at(type, i);
        MARGRAVE_TRY(const Bytes encoded, body(part, items[i]));
        if (part.dynamic) {
            put_word(heads, head_size + tails.size());
        }
        put_bytes(part.dynamic ? tails : heads, encoded);
    }
    put_bytes(heads, tails);
    return heads;
}

Result<Bytes> Encoder::body(const Type& type, const Value& value) {
    if (is_word(type)) {
        return word(type, value);
    }
    if (type.kind == Kind::kBytes || type.kind == Kind::kString) {
        return blob(type, value);
    }
    const auto* items = std::get_if<std::vector<Value>>(&value.data);
    if (items == nullptr) {
        return refused(type, "takes a list");
    }
    if (type.kind == Kind::kArray) {
        Bytes out;
        put_word(out, items->size());
        MARGRAVE_TRY(const Bytes rest, sequence(type, *items));
        put_bytes(out, rest);
        return out;
    }
    const std::size_t expected = type.kind == Kind::kTuple ? type.parts.size() : type.length;
    if (items->size() != expected) {
        return refused(
            type,
            "takes " + std::to_string(expected) + " values, not " + std::to_string(items->size())
        );
    }
    return sequence(type, *items);
}

class Decoder {
  public:
    explicit Decoder(const DecodeOptions& options)
        : values_left_(options.values_max),
          bytes_left_(options.bytes_max) {}

    // A value that starts at the front of `at`, without the offset of a dynamic one.
    Result<Value> body(const Type& type, ByteView at);

  private:
    static Result<Hash32> word(const Type& type, ByteView at, std::size_t place);
    static Result<std::size_t> size(const Type& type, ByteView at, std::size_t place);
    Result<Value> blob(const Type& type, ByteView at);
    Result<Value> sequence(const Type& type, ByteView at, std::size_t count);

    std::size_t values_left_;
    std::size_t bytes_left_;
};

Result<Hash32> Decoder::word(const Type& type, ByteView at, std::size_t place) {
    if (at.size() < kWord || place > at.size() - kWord) {
        return refused(type, "is cut off");
    }
    Hash32 out;
    std::copy_n(at.begin() + static_cast<std::ptrdiff_t>(place), kWord, out.data.begin());
    return out;
}

// An offset or a length; neither can be larger than what is left of the input.
Result<std::size_t> Decoder::size(const Type& type, ByteView at, std::size_t place) {
    MARGRAVE_TRY(const Hash32 raw, word(type, at, place));
    const auto number = Amount::from_word(raw).to_u64();
    if (!number || number.value() > at.size()) {
        return refused(type, "has an offset or a length beyond the end of the data");
    }
    return static_cast<std::size_t>(number.value());
}

Result<Value> Decoder::blob(const Type& type, ByteView at) {
    MARGRAVE_TRY(const std::size_t length, size(type, at, 0));
    if (length > at.size() - kWord) {
        return refused(type, "is cut off");
    }
    if (length > bytes_left_) {
        return fail(Errc::kLimit, "ABI: decoded bytes exceed the limit");
    }
    bytes_left_ -= length;
    const ByteView bytes = at.subspan(kWord, length);
    return Value(Bytes(bytes.begin(), bytes.end()));
}

Result<Value> Decoder::sequence(const Type& type, ByteView at, std::size_t count) {
    std::vector<Value> items;
    std::size_t place = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const Type& part = part_at(type, i);
        std::size_t start = place;
        if (part.dynamic) {
            MARGRAVE_TRY(start, size(part, at, place));
        }
        if (start > at.size()) {
            return refused(part, "is cut off");
        }
        MARGRAVE_TRY(auto item, body(part, at.subspan(start)));
        items.push_back(std::move(item));
        place += part.head_words * kWord;
    }
    return Value(std::move(items));
}

Result<Value> Decoder::body(const Type& type, ByteView at) {
    if (values_left_ == 0) {
        return fail(Errc::kLimit, "ABI: decoded values exceed the limit");
    }
    --values_left_;
    if (is_word(type)) {
        MARGRAVE_TRY(const Hash32 value, word(type, at, 0));
        if (!in_range(type, value)) {
            return refused(type, "does not hold " + to_hex(value));
        }
        return Value(value);
    }
    switch (type.kind) {
        case Kind::kBytes:
        case Kind::kString:
            return blob(type, at);
        case Kind::kArray: {
            MARGRAVE_TRY(const std::size_t count, size(type, at, 0));
            return sequence(type, at.subspan(kWord), count);
        }
        case Kind::kFixedArray:
            return sequence(type, at, type.length);
        case Kind::kTuple:
            return sequence(type, at, type.parts.size());
        case Kind::kUint:
        case Kind::kInt:
        case Kind::kAddress:
        case Kind::kBool:
        case Kind::kFixedBytes:
            break;
    }
    MARGRAVE_ASSERT(false);
}

Hash32 negated(Hash32 word) {
    unsigned carry = 1;
    for (std::size_t i = kWord; i > 0; --i) {
        const unsigned sum = static_cast<std::uint8_t>(~word.data[i - 1]) + carry;
        word.data[i - 1] = static_cast<std::uint8_t>(sum);
        carry = sum >> 8;
    }
    return word;
}

// A remote contract wrote it, so nothing that could steer a terminal stays.
std::string printable(const Bytes& text) {
    std::string out = "\"";
    for (const std::uint8_t b : text) {
        out += b >= 0x20 && b < 0x7f && b != '"' ? static_cast<char>(b) : '?';
    }
    return out + "\"";
}

std::string word_text(const Type& type, const Hash32& word) {
    switch (type.kind) {
        case Kind::kInt:
            if ((word.data[0] & 0x80) != 0) {
                return "-" + Amount::from_word(negated(word)).to_string();
            }
            return Amount::from_word(word).to_string();
        case Kind::kAddress:
            return to_hex(low_address(word));
        case Kind::kBool:
            return word.is_zero() ? "false" : "true";
        case Kind::kFixedBytes:
            return to_hex(word.view().first(type.size));
        case Kind::kUint:
        case Kind::kBytes:
        case Kind::kString:
        case Kind::kArray:
        case Kind::kFixedArray:
        case Kind::kTuple:
            break;
    }
    return Amount::from_word(word).to_string();
}

void put_text(std::string& out, const Type& type, const Value& value, std::size_t length_max) {
    if (out.size() > length_max) {
        return;
    }
    if (is_word(type)) {
        out += word_text(type, value.word());
        return;
    }
    if (type.kind == Kind::kBytes || type.kind == Kind::kString) {
        out += type.kind == Kind::kBytes ? to_hex(value.bytes()) : printable(value.bytes());
        return;
    }
    const bool is_tuple = type.kind == Kind::kTuple;
    out += is_tuple ? "(" : "[";
    const auto& items = value.items();
    for (std::size_t i = 0; i < items.size(); ++i) {
        out += i > 0 ? ", " : "";
        put_text(out, part_at(type, i), items[i], length_max);
    }
    out += is_tuple ? ")" : "]";
}

}  // namespace

const Hash32& Value::word() const {
    const auto* out = std::get_if<Hash32>(&data);
    MARGRAVE_ASSERT(out != nullptr);
    return *out;
}

const Bytes& Value::bytes() const {
    const auto* out = std::get_if<Bytes>(&data);
    MARGRAVE_ASSERT(out != nullptr);
    return *out;
}

const std::vector<Value>& Value::items() const {
    const auto* out = std::get_if<std::vector<Value>>(&data);
    MARGRAVE_ASSERT(out != nullptr);
    return *out;
}

Result<Bytes> encode(const Type& type, const Value& value) {
    return Encoder{}.body(type, value);
}

Result<Value> decode(const Type& type, ByteView data, const DecodeOptions& options) {
    MARGRAVE_TRY(auto value, Decoder(options).body(type, data));
    if (!options.strict) {
        return value;
    }
    MARGRAVE_TRY(const Bytes again, encode(type, value));
    if (!std::ranges::equal(again, data)) {
        return refused(type, "is not encoded in the canonical way");
    }
    return value;
}

Result<Value> decode(const Type& type, ByteView data) {
    return decode(type, data, DecodeOptions{});
}

std::string to_text(const Type& type, const Value& value, std::size_t length_max) {
    std::string out;
    put_text(out, type, value, length_max);
    if (out.size() > length_max) {
        out.resize(length_max);
        out += "...";
    }
    return out;
}

}  // namespace margrave::chains::evm::abi
