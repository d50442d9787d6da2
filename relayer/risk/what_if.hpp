// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "margin/what_if.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace margrave::relayer {

/// "CHAIN:ASSET=AMOUNT": chain by its short name or CAIP-2 id, asset by its name in the parameters
/// (or CHAIN:ASSET as one CAIP-19 id), amount in whole tokens. kUsage says what is wrong and shows
/// one that is right.
Result<margin::Move> parse_move(
    margin::MoveKind kind, std::string_view text, const margin::Parameters& parameters
);

/// "ASSET=USD" or "ASSET=+PCT%", "ASSET=-PCT%"; asset by name or CAIP-19 id.
Result<margin::PriceMove> parse_price_move(
    std::string_view text, const margin::Parameters& parameters
);

/// What was typed, by option: "--deposit" and so on in the order of the kinds, each in the order
/// given. Moves are made in this order: deposits, repayments, withdrawals, borrows.
struct WhatIfText {
    std::vector<std::string> deposits;
    std::vector<std::string> repayments;
    std::vector<std::string> withdrawals;
    std::vector<std::string> borrows;
    std::vector<std::string> prices;
};

struct ParsedWhatIf {
    std::vector<margin::Move> moves;
    std::vector<margin::PriceMove> prices;
    /// Every option that cannot be read or is impossible for these holdings and prices.
    std::vector<config::Problem> problems;
};

ParsedWhatIf parse_what_if(
    const WhatIfText& text,
    const AccountHoldings& firm,
    const margin::PriceTable& prices,
    const margin::Parameters& parameters
);

nlohmann::json what_if_json(
    const margin::WhatIf& answer, const ParsedWhatIf& asked, const margin::Parameters& parameters
);
std::string what_if_text(
    const margin::WhatIf& answer, const ParsedWhatIf& asked, const margin::Parameters& parameters
);

}  // namespace margrave::relayer
