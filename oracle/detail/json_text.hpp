// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace margrave::oracle::detail {

/// A document of other people, read strictly (infra/strict_json.hpp) and with its numbers as text.
Result<nlohmann::json> parse_foreign(std::string_view text);

/// Empty or "/" and tokens, with "~" only in "~0" and "~1" (RFC 6901).
bool is_json_pointer(std::string_view pointer);

/// The text or number at the pointer. kInvalid says what is not there.
Result<std::string> text_at(const nlohmann::json& document, std::string_view pointer);

}  // namespace margrave::oracle::detail
