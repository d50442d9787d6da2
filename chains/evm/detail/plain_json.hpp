// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/client.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <simdjson.h>
#include <string_view>
#include <utility>

/// What the fast readers share. simdjson's value types are small handles into the last text that
/// was parsed on this thread.
namespace margrave::chains::evm::detail {

namespace dom = simdjson::dom;

/// A parser whose memory is kept, and the value of the text; absent when it is not plain JSON. The
/// value lives until the next call on this thread.
std::optional<dom::element> parse_plain(std::string_view text);

/// Keys that were seen in one object: each may be there once.
class Keys {
  public:
    bool add(std::string_view key) {
        const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(count_);
        if (count_ == keys_.size() || std::find(keys_.begin(), end, key) != end) {
            return false;
        }
        keys_[count_++] = key;
        return true;
    }

  private:
    static constexpr std::size_t kKeysMax = 64;
    std::array<std::string_view, kKeysMax> keys_;
    std::size_t count_{0};
};

/// Whether a value that nobody reads has nothing that parse_strict refuses: a fraction, a key that
/// is there twice. Its depth is bounded by the parser.
bool is_plain(const dom::element& value);

/// Reads a text into `out`; false when it is no text or not of this form.
template <class T, class Parse>
bool read_text(const dom::element& value, T& out, Parse parse) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
        return false;
    }
    auto parsed = parse(text);
    if (!parsed) {
        return false;
    }
    out = std::move(parsed).value();
    return true;
}

/// The strict reader's tree of a result.
Result<nlohmann::json> parse_slowly(std::string_view text);

}  // namespace margrave::chains::evm::detail
