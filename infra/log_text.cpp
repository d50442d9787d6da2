// SPDX-License-Identifier: Apache-2.0
#include "infra/detail/log_text.hpp"

#include "infra/log.hpp"

#include <cstdint>

namespace margrave::infra {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// Length of the UTF-8 character at the front of `text`; zero when there is none (Unicode 15,
/// table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) {
        return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
    };
    const auto tail = [&](std::size_t i) {
        return (at(i) & 0xc0U) == 0x80U;
    };
    const std::uint8_t a = at(0);
    const std::uint8_t b = at(1);
    if (a < 0x80) {
        return 1;
    }
    if (a >= 0xc2 && a <= 0xdf) {
        return tail(1) ? 2 : 0;
    }
    if (a >= 0xe0 && a <= 0xef) {
        const bool overlong = a == 0xe0 && b < 0xa0;
        const bool surrogate = a == 0xed && b > 0x9f;
        return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (a >= 0xf0 && a <= 0xf4) {
        const bool overlong = a == 0xf0 && b < 0x90;
        const bool beyond = a == 0xf4 && b > 0x8f;
        return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

/// C1 controls and the characters that reorder or hide text on a terminal.
bool is_deceptive(std::string_view character) {
    if (character.size() == 2) {
        return character[0] == '\xc2' && static_cast<std::uint8_t>(character[1]) < 0xa0;
    }
    if (character.size() != 3 || character[0] != '\xe2') {
        return character == "\xef\xbb\xbf";
    }
    const auto last = static_cast<std::uint8_t>(character[2]);
    return (character[1] == '\x80' && (last <= 0x8f ? last >= 0x8b : last >= 0xa8 && last <= 0xae)
           ) ||
           (character[1] == '\x81' && last >= 0xa0 && last <= 0xaf);
}

void append_escaped(std::string& out, char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte != 0x7f) {
        out += c;
        return;
    }
    out += "\\u00";
    out += kHex[byte >> 4U];
    out += kHex[byte & 0x0fU];
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
    std::string out;
    out.reserve(text.size() < bytes_max ? text.size() : bytes_max);
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const std::string_view character = text.substr(0, length == 0 ? 1 : length);
        const std::size_t before = out.size();
        if (length == 0 || is_deceptive(character)) {
            out += kReplacement;
        } else if (length == 1) {
            append_escaped(out, character[0]);
        } else {
            out += character;
        }
        if (out.size() > bytes_max) {
            out.resize(before);
            return out + "...";
        }
        text.remove_prefix(character.size());
    }
    return out;
}

namespace detail {

std::string json_string(std::string_view text, std::size_t bytes_max) {
    return "\"" + printable(text, bytes_max) + "\"";
}

}  // namespace detail
}  // namespace margrave::infra
