// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/what_if.hpp"

#include <algorithm>

namespace margrave::relayer {
namespace {

using margin::MoveKind;

constexpr std::string_view kMoveExample =
    "; expected CHAIN:ASSET=AMOUNT in whole tokens, e.g. \"ethereum:eth=1.5\"";
constexpr std::string_view kPriceExample =
    "; expected ASSET=USD or ASSET=+-PERCENT%, e.g. \"eth=1800\" or \"eth=-30%\"";

Error bad_option(std::string_view text, std::string_view what, std::string_view example) {
    return fail(
        Errc::kUsage,
        "\"" + std::string(text.substr(0, 128)) + "\" " + std::string(what) + std::string(example)
    );
}

std::string names_of(const margin::Parameters& parameters) {
    std::string out;
    for (const margin::AssetParameters& asset : parameters.assets) {
        out += (out.empty() ? "" : ", ") + asset.name;
    }
    return out;
}

Result<AssetId> form_on_chain(
    std::string_view text,
    const ChainId& chain,
    std::string_view name,
    const margin::Parameters& parameters
) {
    std::vector<AssetId> found;
    for (const margin::AssetParameters& asset : parameters.assets) {
        for (const margin::AssetOnChain& form : asset.on) {
            if (asset.name == name && form.asset.chain() == chain) {
                found.push_back(form.asset);
            }
        }
    }
    if (found.size() == 1) {
        return found.front();
    }
    if (found.empty()) {
        return bad_option(
            text,
            "names no asset of the parameters on " + chain.text() + "; known names are " +
                names_of(parameters),
            kMoveExample
        );
    }
    return bad_option(
        text,
        "could be " + found[0].text() + " or " + found[1].text() + "; write one of these before =",
        ""
    );
}

Result<AssetId> parse_place(
    std::string_view text, std::string_view place, const margin::Parameters& parameters
) {
    if (place.find('/') != std::string_view::npos) {
        const auto asset = AssetId::parse(place);
        if (!asset || parameters.find(asset.value()) == nullptr) {
            return bad_option(text, "names no asset of the parameters", kMoveExample);
        }
        return asset.value();
    }
    const std::size_t colon = place.rfind(':');
    if (colon == std::string_view::npos) {
        return bad_option(text, "does not say on which chain", kMoveExample);
    }
    const auto chain = config::parse_chain_name(place.substr(0, colon));
    if (!chain) {
        return bad_option(text, "names no chain: " + chain.error().detail, kMoveExample);
    }
    return form_on_chain(text, chain.value(), place.substr(colon + 1), parameters);
}

// Whole tokens to raw units, only if they come out even.
Result<Amount> parse_tokens(std::string_view text, std::string_view tokens, unsigned decimals) {
    const auto value = Money::parse(tokens);
    if (!value || value.value().sign() <= 0) {
        return bad_option(text, "has no amount above zero", kMoveExample);
    }
    const auto down = units_for(value.value(), decimals, Money::whole(1), Round::kDown);
    const auto up = units_for(value.value(), decimals, Money::whole(1), Round::kUp);
    if (!down || !up || down.value() != up.value()) {
        return bad_option(
            text,
            "has an amount that is no whole number of raw units; this asset has " +
                std::to_string(decimals) + " decimals",
            kMoveExample
        );
    }
    return down.value();
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
        auto moved = margin::apply(holdings, move.value());
        if (!moved) {
            out.problems.push_back({option, moved.error().detail});
            continue;
        }
        holdings = std::move(moved).value();
        out.moves.push_back(std::move(move).value());
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
    MARGRAVE_TRY(out.asset, parse_place(text, text.substr(0, equals), parameters));
    const margin::AssetParameters* asset = parameters.find(out.asset);
    if (kind == MoveKind::kBorrow && !asset->borrowable) {
        return bad_option(text, "asks for an asset that cannot be borrowed", "");
    }
    MARGRAVE_TRY(out.amount, parse_tokens(text, text.substr(equals + 1), asset->decimals));
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
    read_moves(out, holdings, MoveKind::kDeposit, text.deposits, parameters);
    read_moves(out, holdings, MoveKind::kRepay, text.repayments, parameters);
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
