// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/json_text.hpp"

#include "infra/strict_json.hpp"

#include <algorithm>

namespace margrave::oracle::detail {
namespace {

using nlohmann::json;

std::string unescaped(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] == '~' && i + 1 < token.size()) {
            out += token[++i] == '1' ? '/' : '~';
        } else {
            out += token[i];
        }
    }
    return out;
}

// Null when there is nothing.
const json* step(const json& at, const std::string& token) {
    if (at.is_object()) {
        const auto found = at.find(token);
        return found == at.end() ? nullptr : &*found;
    }
    constexpr std::size_t kIndexDigits = 6;
    const bool index =
        at.is_array() && !token.empty() && token.size() <= kIndexDigits &&
        (token.size() == 1 || token.front() != '0') &&
        std::all_of(token.begin(), token.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!index) {
        return nullptr;
    }
    std::size_t place = 0;
    for (const char c : token) {
        place = place * 10 + static_cast<std::size_t>(c - '0');
    }
    return place < at.size() ? &at[place] : nullptr;
}

}  // namespace

Result<json> parse_foreign(std::string_view text) {
    constexpr std::size_t kForeignMax = std::size_t{64} << 10;
    constexpr std::size_t kForeignDepth = 16;
    infra::StrictLimits limits;
    limits.bytes = kForeignMax;
    limits.depth = kForeignDepth;
    limits.number_text = true;
    return infra::parse_strict(text, limits);
}

bool is_json_pointer(std::string_view pointer) {
    if (pointer.empty()) {
        return true;
    }
    for (std::size_t i = 0; i < pointer.size(); ++i) {
        const char next = i + 1 < pointer.size() ? pointer[i + 1] : ' ';
        if (pointer[i] == '~' && next != '0' && next != '1') {
            return false;
        }
    }
    return pointer.front() == '/';
}

Result<std::string> text_at(const json& document, std::string_view pointer) {
    const json* at = &document;
    std::string_view rest = pointer;
    while (!rest.empty()) {
        rest.remove_prefix(1);
        const std::size_t end = std::min(rest.find('/'), rest.size());
        at = step(*at, unescaped(rest.substr(0, end)));
        rest.remove_prefix(end);
        if (at == nullptr) {
            return fail(Errc::kInvalid, "the answer has nothing at " + std::string(pointer));
        }
    }
    if (!at->is_string()) {
        return fail(
            Errc::kInvalid, "the answer has neither a number nor a text at " + std::string(pointer)
        );
    }
    return at->get<std::string>();
}

}  // namespace margrave::oracle::detail
