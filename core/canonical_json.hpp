// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"

#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace margrave {

/// A JSON value that can be written in one way only: keys sorted by byte, no spaces, integers as
/// decimal strings, UTF-8, minimal escapes. What is hashed or signed as JSON is made with this and
/// kept as written. It has no number type on purpose: an integer is a string here.
class Canonical {
  public:
    using Array = std::vector<Canonical>;
    using Object = std::map<std::string, Canonical, std::less<>>;

    Canonical()
        : value_(std::string{}) {}

    Canonical(std::string text)
        : value_(std::move(text)) {}  // NOLINT(google-explicit-constructor)

    Canonical(const char* text)
        : value_(std::string(text)) {}  // NOLINT

    /// A bool and nothing that converts to one: a number or a pointer must not become `true`.
    template <std::same_as<bool> Flag>
    Canonical(Flag flag)
        : value_(flag) {}  // NOLINT

    Canonical(Array items)
        : value_(std::move(items)) {}  // NOLINT

    Canonical(Object members)
        : value_(std::move(members)) {}  // NOLINT

    static Canonical integer(std::uint64_t v) { return Canonical(std::to_string(v)); }

    [[nodiscard]] std::string dump() const;

    [[nodiscard]] const std::variant<std::string, bool, Array, Object>& value() const {
        return value_;
    }

    bool operator==(const Canonical& o) const { return value_ == o.value_; }

  private:
    std::variant<std::string, bool, Array, Object> value_;
};

/// The inverse of dump(). kInvalid for every text that dump() would write in another way: spaces,
/// numbers, null, unsorted or repeated keys, needless escapes, bytes that are not UTF-8.
Result<Canonical> parse_canonical(std::string_view text);

}  // namespace margrave
