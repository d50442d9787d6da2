// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/detail/table.hpp"
#include "core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace margrave::config::detail {

/// "500ms", "5s", "2m", "1h", "1d": one number without leading zeros, one unit. Milliseconds.
Result<std::uint64_t> parse_duration(std::string_view text);
/// Decimal gwei with at most 9 decimals. Wei.
Result<std::uint64_t> parse_gwei(std::string_view text);

/// What a value of the setting looks like: `a decimal string from "0" to "1"`.
std::string expected(const Setting& setting);
/// `expected`, and the example when there is one.
std::string expected_with_example(const Setting& setting);

/// Why a value that is no object and no list cannot stand for the setting; absent when it can.
std::optional<std::string> fault(const Setting& setting, const nlohmann::json& value);

/// A value as a message may repeat it: hidden settings, keys pasted by mistake and the secret parts
/// of URLs are left out, long texts are cut, control characters are replaced.
std::string shown(const Setting& setting, const nlohmann::json& value);
/// Scheme, host and port; "/..." stands for a path or query.
std::string redacted_url(std::string_view url);

}  // namespace margrave::config::detail
