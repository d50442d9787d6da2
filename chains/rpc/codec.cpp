// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/codec.hpp"

#include "infra/log.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace margrave::chains::rpc {

namespace {

using nlohmann::json;

Error bad(std::string_view text, const std::string& why) {
    return fail(Errc::kInvalid, "\"" + infra::printable(text, 80) + "\" " + why);
}

/// The digits of a quantity, checked: no leading zero, lower case.
Result<std::string_view> quantity_digits(std::string_view text) {
    if (!text.starts_with("0x") || text.size() == 2) {
        return bad(text, "is not a hex quantity");
    }
    const std::string_view digits = text.substr(2);
    const auto is_digit = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    };
    if (!std::ranges::all_of(digits, is_digit)) {
        return bad(text, "is not a lower-case hex quantity");
    }
    if (digits.size() > 1 && digits[0] == '0') {
        return bad(text, "is a quantity with a leading zero");
    }
    return digits;
}

Result<std::string_view> text_of(const json& value, std::string_view what) {
    if (!value.is_string()) {
        return fail(
            Errc::kInvalid,
            std::string(what) + " is " + std::string(value.type_name()) + ", not a string"
        );
    }
    return std::string_view(value.get_ref<const std::string&>());
}

/// Reads `value` with `parse` and puts `what` in front of its error.
template <class Parse>
auto read(const json& value, std::string_view what, Parse parse)
    -> decltype(parse(std::string_view{})) {
    MARGRAVE_TRY(const std::string_view text, text_of(value, what));
    auto parsed = parse(text);
    if (!parsed) {
        return fail(parsed.error().code, std::string(what) + ": " + parsed.error().detail);
    }
    return parsed;
}

/// The member, or null when it is missing.
Result<const json*> member(const json& object, std::string_view key) {
    if (!object.is_object()) {
        return fail(
            Errc::kInvalid,
            "no " + std::string(key) + " in what is " + object.type_name() + ", not an object"
        );
    }
    const auto at = object.find(key);
    return at == object.end() || at->is_null() ? nullptr : &*at;
}

Result<const json*> needed(const json& object, std::string_view key) {
    MARGRAVE_TRY(const json* const value, member(object, key));
    if (value == nullptr) {
        return fail(Errc::kInvalid, std::string(key) + " is missing or null");
    }
    return value;
}

template <class T, class Of>
Result<T> at(const json& object, std::string_view key, Of of) {
    MARGRAVE_TRY(const json* const value, needed(object, key));
    return of(*value, key);
}

template <class T, class Of>
Result<std::optional<T>> opt_at(const json& object, std::string_view key, Of of) {
    MARGRAVE_TRY(const json* const value, member(object, key));
    if (value == nullptr) {
        return std::optional<T>{};
    }
    MARGRAVE_TRY(T read_value, of(*value, key));
    return std::optional<T>(std::move(read_value));
}

Result<Address> address_of(const json& value, std::string_view what) {
    return read(value, what, &parse_address);
}

}  // namespace

Result<std::uint64_t> parse_quantity_u64(std::string_view text) {
    MARGRAVE_TRY(const std::string_view digits, quantity_digits(text));
    if (digits.size() > 16) {
        return fail(Errc::kOverflow, "\"" + infra::printable(text, 80) + "\" exceeds 64 bits");
    }
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return value;
}

Result<Amount> parse_quantity(std::string_view text) {
    MARGRAVE_TRY(const std::string_view digits, quantity_digits(text));
    if (digits.size() > 64) {
        return fail(Errc::kOverflow, "\"" + infra::printable(text, 80) + "\" exceeds 256 bits");
    }
    std::string word = "0x";
    word.append(64 - digits.size(), '0').append(digits);
    MARGRAVE_TRY(const Hash32 bytes, parse_hash32(word));
    return Amount::from_word(bytes);
}

Result<Bytes> parse_data(std::string_view text, std::size_t bytes_max) {
    if (text.size() > 2 && (text.size() - 2) / 2 > bytes_max) {
        return fail(
            Errc::kLimit,
            "data of " + std::to_string((text.size() - 2) / 2) + " bytes, more than " +
                std::to_string(bytes_max)
        );
    }
    Result<Bytes> bytes = parse_hex(text);
    if (!bytes) {
        return bad(text, "is not hex data");
    }
    return bytes;
}

std::string to_quantity(std::uint64_t value) {
    std::string text = "0x";
    char digits[16];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), value, 16);
    text.append(std::begin(digits), end.ptr);
    return text;
}

std::string to_quantity(const Amount& value) {
    const std::string word = to_hex(value.to_word());
    const std::size_t first = word.find_first_not_of('0', 2);
    return first == std::string::npos ? "0x0" : "0x" + word.substr(first);
}

Result<std::string_view> text_at(const json& object, std::string_view key) {
    return at<std::string_view>(object, key, &text_of);
}

Result<std::uint64_t> u64_at(const json& object, std::string_view key) {
    return at<std::uint64_t>(object, key, &u64_of);
}

Result<Amount> amount_at(const json& object, std::string_view key) {
    return at<Amount>(object, key, &amount_of);
}

Result<Hash32> hash_at(const json& object, std::string_view key) {
    return at<Hash32>(object, key, &hash_of);
}

Result<Address> address_at(const json& object, std::string_view key) {
    return at<Address>(object, key, &address_of);
}

Result<Bytes> data_at(const json& object, std::string_view key) {
    return at<Bytes>(object, key, &data_of);
}

Result<bool> bool_at(const json& object, std::string_view key) {
    MARGRAVE_TRY(const json* const value, needed(object, key));
    if (!value->is_boolean()) {
        return fail(
            Errc::kInvalid, std::string(key) + " is " + value->type_name() + ", not true or false"
        );
    }
    return value->get<bool>();
}

Result<std::optional<std::uint64_t>> opt_u64_at(const json& object, std::string_view key) {
    return opt_at<std::uint64_t>(object, key, &u64_of);
}

Result<std::optional<Amount>> opt_amount_at(const json& object, std::string_view key) {
    return opt_at<Amount>(object, key, &amount_of);
}

Result<std::optional<Hash32>> opt_hash_at(const json& object, std::string_view key) {
    return opt_at<Hash32>(object, key, &hash_of);
}

Result<std::optional<Address>> opt_address_at(const json& object, std::string_view key) {
    return opt_at<Address>(object, key, &address_of);
}

Result<std::uint64_t> u64_of(const json& value, std::string_view what) {
    return read(value, what, &parse_quantity_u64);
}

Result<Amount> amount_of(const json& value, std::string_view what) {
    return read(value, what, &parse_quantity);
}

Result<Hash32> hash_of(const json& value, std::string_view what) {
    return read(value, what, &parse_hash32);
}

Result<Bytes> data_of(const json& value, std::string_view what) {
    return read(value, what, [](std::string_view text) { return parse_data(text); });
}

}  // namespace margrave::chains::rpc
