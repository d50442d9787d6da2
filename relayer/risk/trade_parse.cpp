// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/asset_text.hpp"
#include "relayer/risk/what_if.hpp"

#include <algorithm>

namespace margrave::relayer {
namespace {

constexpr std::string_view kSwapExample =
    "; expected CHAIN:ASSET=AMOUNT:ASSET, and behind it @RATE or =AMOUNT to state what is "
    "received, "
    "e.g. \"ethereum:eth=1.5:usdc\" or \"ethereum:eth=1.5:usdc@2990\"";
constexpr std::string_view kTradeExample =
    "; expected MARKET=+SIZE@PRICE or MARKET=-SIZE@PRICE, e.g. \"eth-perp=+10@3000\"";

// What stands behind "SOLD=".
struct SwapText {
    std::string_view amount;
    std::string_view bought;
    /// Behind "@" and "="; no more than one of them is there.
    std::optional<std::string_view> rate;
    std::optional<std::string_view> received;
};

std::optional<std::string_view> cut_behind(std::string_view& text, char mark) {
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view out = text.substr(at + 1);
    text = text.substr(0, at);
    return out;
}

SwapText split_swap(std::string_view rest) {
    SwapText out;
    const std::size_t colon = rest.find(':');
    out.amount = rest.substr(0, colon);
    if (colon != std::string_view::npos) {
        out.bought = rest.substr(colon + 1);
    }
    out.rate = cut_behind(out.bought, '@');
    if (!out.rate) {
        out.received = cut_behind(out.bought, '=');
    }
    return out;
}

Result<AssetId> parse_bought(
    std::string_view text,
    std::string_view bought,
    const AssetId& sold,
    const margin::Parameters& parameters
) {
    if (bought.empty()) {
        return bad_option(text, "does not say what is bought", kSwapExample);
    }
    const bool is_place = bought.find(':') != std::string_view::npos;
    MARGRAVE_TRY(
        auto out,
        is_place ? parse_place(text, bought, parameters, kSwapExample)
                 : form_on_chain(text, sold.chain(), bought, parameters, kSwapExample)
    );
    if (out.chain() != sold.chain()) {
        return bad_option(
            text,
            "buys on " + out.chain().text() + " what is sold on " + sold.chain().text() +
                "; a trade is on one chain, else name it by --withdraw and --deposit",
            ""
        );
    }
    if (out == sold) {
        return bad_option(text, "buys what it sells", kSwapExample);
    }
    return out;
}

Result<Amount> parse_received(
    std::string_view text,
    const SwapText& words,
    const margin::Swap& swap,
    const margin::Market& market
) {
    const margin::Parameters& parameters = market.parameters();
    if (words.received) {
        const unsigned decimals = parameters.find(swap.bought)->decimals;
        return parse_tokens(text, *words.received, decimals, kSwapExample);
    }
    Result<Amount> out = Amount{};
    if (words.rate) {
        const auto rate = Money::parse(*words.rate);
        if (!rate || rate.value().sign() <= 0) {
            return bad_option(text, "has no rate above zero behind @", kSwapExample);
        }
        out = margin::proceeds_at(rate.value(), swap.sold, swap.amount, swap.bought, parameters);
    } else {
        out = margin::proceeds_of(swap.sold, swap.amount, swap.bought, market);
    }
    if (!out) {
        const bool is_guarded = out.error().code == Errc::kUnattestable;
        return bad_option(
            text,
            "cannot be priced: " + out.error().detail +
                (is_guarded ? "; state what is received behind @ or =" : ""),
            ""
        );
    }
    if (out.value().is_zero()) {
        return bad_option(
            text, "brings less than one raw unit of " + swap.bought.text() + "; sell more", ""
        );
    }
    return out.value();
}

struct NamedMarket {
    Hash32 id;
    std::string name;
    bool is_option{false};
};

std::vector<NamedMarket> markets_of(const margin::Parameters& parameters) {
    std::vector<NamedMarket> out;
    for (const margin::VenueParameters& venue : parameters.venues) {
        for (const margin::PerpetualMarket& market : venue.perpetuals) {
            out.push_back({market.market, market.name, false});
        }
        for (const margin::OptionMarket& market : venue.option_markets) {
            out.push_back({market.market, market.name, true});
        }
    }
    return out;
}

Result<NamedMarket> parse_market(
    std::string_view text, std::string_view name, const margin::Parameters& parameters
) {
    std::vector<NamedMarket> found;
    std::string known;
    for (const NamedMarket& market : markets_of(parameters)) {
        if (market.name == name || to_hex(market.id) == name) {
            found.push_back(market);
        }
        known += (known.empty() ? "" : ", ") + market.name;
    }
    if (found.size() == 1) {
        return found.front();
    }
    if (found.empty()) {
        return bad_option(
            text,
            known.empty() ? "names a market, but the parameters have none; give them /markets"
                          : "names no market of the parameters; known names are " + known,
            known.empty() ? "" : kTradeExample
        );
    }
    return bad_option(
        text,
        "could be the market " + to_hex(found[0].id) + " or " + to_hex(found[1].id) +
            "; name it by one of these",
        ""
    );
}

// The underlying's price of the round: what a perpetual is marked at.
Result<Money> mark_of(
    std::string_view text, const NamedMarket& named, const margin::Market& market
) {
    if (named.is_option) {
        return bad_option(text, "is an option and needs its premium behind @", kTradeExample);
    }
    const margin::Market::Form& form = market.forms()[market.find_market(named.id)->form];
    if (form.trouble != 0) {
        return bad_option(
            text,
            "cannot be priced: " + form.on->asset.text() + " has no usable price: " +
                margin::describe_guards(form.trouble) + "; state one behind @",
            ""
        );
    }
    return form.price;
}

}  // namespace

Result<margin::Swap> parse_swap(std::string_view text, const margin::Market& market) {
    const margin::Parameters& parameters = market.parameters();
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0) {
        return bad_option(text, "has no amount", kSwapExample);
    }
    const SwapText words = split_swap(text.substr(equals + 1));
    margin::Swap out;
    MARGRAVE_TRY(out.sold, parse_place(text, text.substr(0, equals), parameters, kSwapExample));
    const unsigned decimals = parameters.find(out.sold)->decimals;
    MARGRAVE_TRY(out.amount, parse_tokens(text, words.amount, decimals, kSwapExample));
    MARGRAVE_TRY(out.bought, parse_bought(text, words.bought, out.sold, parameters));
    MARGRAVE_TRY(out.received, parse_received(text, words, out, market));
    return out;
}

Result<NamedTrade> parse_position(std::string_view text, const margin::Market& market) {
    const std::size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0) {
        return bad_option(text, "has no size", kTradeExample);
    }
    MARGRAVE_TRY(const auto named, parse_market(text, text.substr(0, equals), market.parameters()));
    std::string_view number = text.substr(equals + 1);
    const auto price_text = cut_behind(number, '@');
    const bool has_sign = number.starts_with('+') || number.starts_with('-');
    auto size = Money::parse(number);
    if (!has_sign || !size || size.value().is_zero()) {
        return bad_option(text, "has no size with a sign", kTradeExample);
    }
    NamedTrade out;
    out.name = named.name;
    out.trade.market = named.id;
    out.trade.size = std::move(size).value();
    if (!price_text) {
        MARGRAVE_TRY(out.trade.price, mark_of(text, named, market));
        return out;
    }
    auto price = Money::parse(*price_text);
    const bool can_be =
        price && (named.is_option ? !price.value().is_negative() : price.value().sign() > 0);
    if (!can_be) {
        return bad_option(text, "has no price in USD above zero behind @", kTradeExample);
    }
    out.trade.price = std::move(price).value();
    return out;
}

}  // namespace margrave::relayer
