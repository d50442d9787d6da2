// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/ids.hpp"

#include <string_view>

// Numbers and times as other people write them in JSON, taken exactly.
namespace margrave::oracle::detail {

/// "3012.5", "3.0125e3", "0.0000000000000000001": the JSON grammar of a number without a sign, of
/// at most 100 characters, rounded down to 18 decimals. kInvalid for anything else, also for a
/// negative number; kOverflow beyond 2^191 units.
Result<Money> parse_number(std::string_view text);

enum class TimeForm : std::uint8_t { kSeconds, kMilliseconds, kRfc3339 };

/// Seconds or milliseconds since 1970, with or without a fraction, or "2026-11-28T16:00:00Z" (RFC
/// 3339, in UTC, with or without a fraction). Rounded down.
Result<UnixSeconds> parse_time(std::string_view text, TimeForm form);

}  // namespace margrave::oracle::detail
