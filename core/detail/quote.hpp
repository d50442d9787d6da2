// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace margrave::detail {

/// Foreign text for an error sentence: in quotes, cut at 80 characters, and with every byte that is
/// not printable ASCII shown as '?', so that a peer cannot write into a terminal or fill a log.
inline std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 80;
    std::string out = "\"";
    for (const char c : text.substr(0, kShown)) {
        out += (c >= ' ' && c <= '~') ? c : '?';
    }
    out += '"';
    if (text.size() > kShown) {
        out += " (first 80 of " + std::to_string(text.size()) + " characters)";
    }
    return out;
}

}  // namespace margrave::detail
