// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/statements.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

// How the commands about risk write numbers: for people with two decimals, for programs exactly.
namespace margrave::relayer {

/// "1234.50", rounded down.
std::string in_usd(const Money& value);
/// Whole tokens, exact: "1.5" of 1500000 raw units with 6 decimals.
std::string in_tokens(const Amount& amount, unsigned decimals);
/// A ratio as percent with two decimals, rounded down: "-30.00%".
std::string in_percent(const Money& ratio);
/// "0x1234...cdef": long names in tables.
std::string in_short(std::string_view name);

/// {"initial", "liquidationEnd", "maintenance"} as E18 integers.
nlohmann::json levels_json(
    const Money& initial, const Money& liquidation_end, const Money& maintenance
);
/// {"status", "flags", "guards", "equity", "health"} of one account.
nlohmann::json health_json(const AccountState& state);

/// Rows of text as columns under a head; `left` columns from the left are left-aligned.
std::string columns(
    const std::vector<std::string>& head,
    const std::vector<std::vector<std::string>>& rows,
    std::size_t left
);

}  // namespace margrave::relayer
