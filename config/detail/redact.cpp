// SPDX-License-Identifier: Apache-2.0
#include "config/detail/values.hpp"
#include "infra/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <string>

namespace margrave::config::detail {
namespace {

using nlohmann::json;

constexpr std::size_t kShownMax = 80;
// A secp256k1 key has 64 digits; nothing from 60 on is repeated, so a key with a lost digit is not.
constexpr std::size_t kKeyDigits = 60;

bool is_hex_digit(char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

// Any long run of hex digits anywhere in the text.
bool may_hold_key(std::string_view text) {
    std::size_t run = 0;
    for (const char c : text) {
        run = is_hex_digit(c) ? run + 1 : 0;
        if (run >= kKeyDigits) {
            return true;
        }
    }
    return false;
}

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text.substr(0, kShownMax)) {
        out += (c >= ' ' && c <= '~') ? c : '?';
    }
    out += text.size() > kShownMax ? "...\"" : "\"";
    return out;
}

std::string shown_text(const Setting& setting, const std::string& text) {
    if (is_url(setting)) {
        const std::string url = redacted_url(text);
        return url.empty() ? "a string (not shown)" : "\"" + url + "\"";
    }
    if (may_hold_key(text)) {
        return "a string of " + std::to_string(text.size()) + " characters (not shown)";
    }
    // A URL in the place of something else may carry its key along.
    return text.find("://") == std::string::npos ? in_quotes(text) : "a URL (not shown)";
}

}  // namespace

std::string redacted_url(std::string_view url) {
    const bool ws = url.starts_with("ws");
    const Result<infra::Url> parsed = ws ? infra::parse_ws_url(url) : infra::parse_url(url);
    if (!parsed) {
        return {};
    }
    const infra::Url& parts = parsed.value();
    return (parts.tls ? "https://" : "http://") + parts.host_header() +
           (parts.target == "/" ? "" : "/...");
}

std::string shown(const Setting& setting, const json& value) {
    switch (value.type()) {
        case json::value_t::null:
            return "null";
        case json::value_t::object:
            return "an object";
        case json::value_t::array:
            return "a list";
        case json::value_t::boolean:
            return value.get<bool>() ? "true" : "false";
        case json::value_t::string:
            return setting.hidden ? "a string (not shown)"
                                  : shown_text(setting, value.get_ref<const std::string&>());
        case json::value_t::number_integer:
        case json::value_t::number_unsigned:
        case json::value_t::number_float:
            return setting.hidden ? "a number (not shown)" : "the number " + value.dump();
        case json::value_t::binary:
        case json::value_t::discarded:
            break;
    }
    return "something else";
}

}  // namespace margrave::config::detail
