// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/view_call.hpp"

#include "core/words.hpp"
#include "oracle/detail/contract.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace margrave::oracle::views {
namespace {

constexpr unsigned kWordBits = 256;
constexpr std::size_t kArgumentsMax = 8;

Error bad_view(std::string_view text, std::string_view why) {
    return fail(Errc::kInvalid, "\"" + std::string(text) + "\" " + std::string(why));
}

bool is_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !name.empty() && std::ranges::all_of(name, fits);
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    return text;
}

// Of "8" to "256" in steps of 8, as Solidity allows; zero for another text.
unsigned width_of(std::string_view digits) {
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), bits);
    const bool whole = error == std::errc{} && end == digits.end() && !digits.starts_with('0');
    return whole && bits <= kWordBits && bits % 8 == 0 ? bits : 0;
}

Result<Hash32> unsigned_word(std::string_view value, unsigned bits) {
    MARGRAVE_TRY(const Amount amount, Amount::parse(value));
    const Hash32 word = amount.to_word();
    const auto unused = word.view().first((kWordBits - bits) / 8);
    if (!std::ranges::all_of(unused, [](std::uint8_t byte) { return byte == 0; })) {
        return fail(Errc::kInvalid, "does not fit " + std::to_string(bits) + " bits");
    }
    return word;
}

// Two's complement: what lies above the type's own bits repeats its sign.
Result<Hash32> signed_word(std::string_view value, unsigned bits) {
    MARGRAVE_TRY(const Money number, Money::parse_e18(value));
    const Hash32 word = number.to_word();
    const auto sign = static_cast<std::uint8_t>(number.is_negative() ? 0xff : 0);
    const std::size_t unused = (kWordBits - bits) / 8;
    const auto above = word.view().first(unused);
    const bool fits = std::ranges::all_of(above, [sign](auto byte) { return byte == sign; });
    if (!fits || (word.view()[unused] & 0x80U) != (sign & 0x80U)) {
        return fail(Errc::kInvalid, "does not fit " + std::to_string(bits) + " bits");
    }
    return word;
}

Result<Hash32> word_of(std::string_view type, std::string_view value) {
    if (type == "address") {
        MARGRAVE_TRY(const Address address, parse_address(value));
        return left_pad(address);
    }
    if (type == "bytes32") {
        return parse_hash32(value);
    }
    if (type == "bool") {
        if (value != "true" && value != "false") {
            return fail(Errc::kInvalid, "is neither true nor false");
        }
        return Amount{value == "true" ? 1U : 0U}.to_word();
    }
    const bool is_unsigned = type.starts_with("uint");
    const bool is_signed = type.starts_with("int");
    const unsigned bits = is_unsigned || is_signed ? width_of(type.substr(is_signed ? 3 : 4)) : 0;
    if (bits == 0) {
        return fail(Errc::kInvalid, "is of type \"" + std::string(type) + "\", which is none here");
    }
    return is_unsigned ? unsigned_word(value, bits) : signed_word(value, bits);
}

}  // namespace

Result<ViewCall> parse_view(std::string_view text) {
    const std::size_t open = text.find('(');
    if (open == std::string_view::npos || !text.ends_with(')') || !is_name(text.substr(0, open))) {
        return bad_view(text, "is no view, e.g. \"getRate()\" or \"price_oracle(uint256 0)\"");
    }
    std::string types;
    WordWriter words;
    std::string_view rest = trimmed(text.substr(open + 1, text.size() - open - 2));
    for (std::size_t count = 1; !rest.empty(); ++count) {
        const std::size_t comma = rest.find(',');
        const std::string_view item = trimmed(rest.substr(0, comma));
        const std::size_t space = item.find(' ');
        if (space == std::string_view::npos || count > kArgumentsMax) {
            return bad_view(text, "has an argument without its type or value, or more than 8");
        }
        const std::string_view type = item.substr(0, space);
        const auto word = word_of(type, trimmed(item.substr(space)));
        if (!word) {
            return bad_view(item, word.error().detail);
        }
        words.word(word.value());
        types += (types.empty() ? "" : ",") + std::string(type);
        if (comma != std::string_view::npos && trimmed(rest.substr(comma + 1)).empty()) {
            return bad_view(text, "ends with a comma");
        }
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
    ViewCall out;
    out.text = text;
    out.signature = std::string(text.substr(0, open)) + "(" + types + ")";
    out.data = detail::encode_call(out.signature, words);
    return out;
}

}  // namespace margrave::oracle::views
