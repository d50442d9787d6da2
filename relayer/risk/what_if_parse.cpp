// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/asset_text.hpp"
#include "relayer/risk/what_if.hpp"

#include <algorithm>

namespace margrave::relayer {
namespace {

using margin::MoveKind;

constexpr std::string_view kMoveExample =
    "; expected CHAIN:ASSET=AMOUNT in whole tokens, e.g. \"ethereum:eth=1.5\"";
constexpr std::string_view kPriceExample =
    "; expected ASSET=USD or ASSET=+-PERCENT%, e.g. \"eth=1800\" or \"eth=-30%\"";

// The holdings after the move, or a problem of that option.
bool make_move(
    ParsedWhatIf& out,
    AccountHoldings& holdings,
    const margin::Move& move,
    const std::string& option
) {
    auto moved = margin::apply(holdings, move);
    if (!moved) {
        out.problems.push_back({option, moved.error().detail});
        return false;
    }
    holdings = std::move(moved).value();
    return true;
}

void read_moves(
    ParsedWhatIf& out,
    AccountHoldings& holdings,
    MoveKind kind,
    const std::vector<std::string>& texts,
    const margin::Parameters& parameters
) {
    const std::string option = "--" + std::string(to_string(kind));
    for (const std::string& text : texts) {
        auto move = parse_move(kind, text, parameters);
        if (!move) {
            out.problems.push_back({option, move.error().detail});
            continue;
        }
        if (make_move(out, holdings, move.value(), option)) {
            out.moves.push_back(std::move(move).value());
        }
    }
}

void read_swaps(
    ParsedWhatIf& out,
    AccountHoldings& holdings,
    const std::vector<std::string>& texts,
    const margin::Market& market
) {
    const std::string option = "--trade";
    for (const std::string& text : texts) {
        auto swap = parse_swap(text, market);
        if (!swap) {
            out.problems.push_back({option, swap.error().detail});
            continue;
        }
        const auto moves = margin::moves_of(swap.value());
        if (make_move(out, holdings, moves[0], option) &&
            make_move(out, holdings, moves[1], option)) {
            out.swaps.push_back({std::move(swap).value(), out.moves.size()});
            out.moves.insert(out.moves.end(), moves.begin(), moves.end());
        }
    }
}

void read_positions(
    ParsedWhatIf& out,
    AccountHoldings& holdings,
    const std::vector<std::string>& texts,
    const margin::Market& market
) {
    const std::string option = "--position";
    for (const std::string& text : texts) {
        auto named = parse_position(text, market);
        if (!named) {
            out.problems.push_back({option, named.error().detail});
            continue;
        }
        auto traded = margin::apply(holdings, market.parameters(), named.value().trade);
        if (!traded) {
            out.problems.push_back({option, traded.error().detail});
            continue;
        }
        holdings = std::move(traded).value().holdings;
        out.positions.push_back(std::move(named).value());
    }
}

}  // namespace

Result<margin::Move> parse_move(
    MoveKind kind, std::string_view text, const margin::Parameters& parameters
) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0) {
        return bad_option(text, "has no amount", kMoveExample);
    }
    margin::Move out;
    out.kind = kind;
    MARGRAVE_TRY(out.asset, parse_place(text, text.substr(0, equals), parameters, kMoveExample));
    const margin::AssetParameters* asset = parameters.find(out.asset);
    if (kind == MoveKind::kBorrow && !asset->borrowable) {
        return bad_option(text, "asks for an asset that cannot be borrowed", "");
    }
    MARGRAVE_TRY(
        out.amount, parse_tokens(text, text.substr(equals + 1), asset->decimals, kMoveExample)
    );
    return out;
}

Result<margin::PriceMove> parse_price_move(
    std::string_view text, const margin::Parameters& parameters
) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0) {
        return bad_option(text, "has no price", kPriceExample);
    }
    margin::PriceMove out;
    out.asset = std::string(text.substr(0, equals));
    const bool is_known = std::ranges::any_of(parameters.assets, [&out](const auto& asset) {
        return asset.name == out.asset || std::ranges::any_of(asset.on, [&out](const auto& form) {
                   return form.asset.text() == out.asset;
               });
    });
    if (!is_known) {
        return bad_option(
            text,
            "names no asset of the parameters; known names are " + names_of(parameters),
            kPriceExample
        );
    }
    std::string_view number = text.substr(equals + 1);
    out.is_factor = number.ends_with('%');
    if (out.is_factor) {
        number.remove_suffix(1);
    }
    const bool has_sign = number.starts_with('-') || number.starts_with('+');
    auto value = Money::parse(number);
    if (!value || has_sign != out.is_factor) {
        return bad_option(
            text,
            out.is_factor ? "has no percentage with a sign" : "has no price in USD",
            kPriceExample
        );
    }
    out.value = std::move(value).value();
    if (out.is_factor) {
        MARGRAVE_TRY(
            const auto part, mul_div(out.value, Money::whole(1), Money::whole(100), Round::kDown)
        );
        MARGRAVE_TRY(out.value, add(Money::whole(1), part));
    }
    if (out.value.sign() <= 0) {
        return bad_option(text, "leaves no price above zero", kPriceExample);
    }
    return out;
}

ParsedWhatIf parse_what_if(
    const WhatIfText& text,
    const AccountHoldings& firm,
    const margin::PriceTable& prices,
    const margin::Parameters& parameters
) {
    ParsedWhatIf out;
    AccountHoldings holdings = firm;
    const margin::Market market(prices, parameters);
    read_positions(out, holdings, text.positions, market);
    read_moves(out, holdings, MoveKind::kDeposit, text.deposits, parameters);
    read_moves(out, holdings, MoveKind::kRepay, text.repayments, parameters);
    read_swaps(out, holdings, text.swaps, market);
    read_moves(out, holdings, MoveKind::kWithdraw, text.withdrawals, parameters);
    read_moves(out, holdings, MoveKind::kBorrow, text.borrows, parameters);
    for (const std::string& price : text.prices) {
        auto move = parse_price_move(price, parameters);
        if (!move) {
            out.problems.push_back({"--price", move.error().detail});
            continue;
        }
        if (const auto moved = margin::apply(prices, parameters, move.value()); !moved) {
            out.problems.push_back({"--price", moved.error().detail});
            continue;
        }
        out.prices.push_back(std::move(move).value());
    }
    return out;
}

}  // namespace margrave::relayer
