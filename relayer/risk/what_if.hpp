// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "margin/trades.hpp"
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

/// "CHAIN:ASSET=AMOUNT:ASSET": what is sold as in a move, and the asset that is bought on the same
/// chain, at the prices of `market`. "@RATE" behind it states how many tokens each token sold
/// brings, "=AMOUNT" how many come in.
Result<margin::Swap> parse_swap(std::string_view text, const margin::Market& market);

/// A trade in a market of the position book, and the market's name.
struct NamedTrade {
    margin::PositionTrade trade;
    std::string name;
};

/// "MARKET=+SIZE@PRICE", "MARKET=-SIZE@PRICE"; market by its name in the parameters or its id in
/// hex. Without "@PRICE" a perpetual trades at the underlying's price of `market`; an option needs
/// it.
Result<NamedTrade> parse_position(std::string_view text, const margin::Market& market);

/// What was typed, by option: "--deposit" and so on in the order of the kinds, each in the order
/// given. Moves are made in this order: positions, deposits, repayments, swaps, withdrawals,
/// borrows; so each grant is judged with all that needs none.
struct WhatIfText {
    std::vector<std::string> positions;
    std::vector<std::string> deposits;
    std::vector<std::string> repayments;
    std::vector<std::string> swaps;
    std::vector<std::string> withdrawals;
    std::vector<std::string> borrows;
    std::vector<std::string> prices;
};

struct ParsedWhatIf {
    std::vector<NamedTrade> positions;
    std::vector<margin::Move> moves;

    struct SwapMoves {
        margin::Swap swap;
        /// Index of its withdrawal in `moves`; its deposit is the next.
        std::size_t withdrawal{0};
    };

    std::vector<SwapMoves> swaps;
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
