// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "core/result.hpp"

#include <string_view>

namespace margrave::attest::detail {

/// JSON with duplicate keys, null, fractions and more than 64 levels refused. Integers become
/// decimal strings. For foreign files such as keystores and typed data. kInvalid.
Result<Canonical> read_json(std::string_view text);

/// The member `name` of an object, or kInvalid with `where` in the sentence.
Result<const Canonical*> find(
    const Canonical& object, std::string_view name, std::string_view where
);
Result<std::string_view> find_text(
    const Canonical& object, std::string_view name, std::string_view where
);
Result<const Canonical::Array*> find_array(
    const Canonical& object, std::string_view name, std::string_view where
);
/// A decimal text without sign or leading zero.
Result<std::uint64_t> find_u64(
    const Canonical& object, std::string_view name, std::string_view where
);
Result<std::uint64_t> parse_u64(std::string_view text, std::string_view where);

}  // namespace margrave::attest::detail
