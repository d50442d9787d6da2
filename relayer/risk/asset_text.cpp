// SPDX-License-Identifier: Apache-2.0
#include "relayer/risk/asset_text.hpp"

#include "config/settings.hpp"

#include <vector>

namespace margrave::relayer {

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
    const margin::Parameters& parameters,
    std::string_view example
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
            example
        );
    }
    return bad_option(
        text,
        "could be " + found[0].text() + " or " + found[1].text() + "; name it by one of these",
        ""
    );
}

Result<AssetId> parse_place(
    std::string_view text,
    std::string_view place,
    const margin::Parameters& parameters,
    std::string_view example
) {
    if (place.find('/') != std::string_view::npos) {
        const auto asset = AssetId::parse(place);
        if (!asset || parameters.find(asset.value()) == nullptr) {
            return bad_option(text, "names no asset of the parameters", example);
        }
        return asset.value();
    }
    const std::size_t colon = place.rfind(':');
    if (colon == std::string_view::npos) {
        return bad_option(text, "does not say on which chain", example);
    }
    const auto chain = config::parse_chain_name(place.substr(0, colon));
    if (!chain) {
        return bad_option(text, "names no chain: " + chain.error().detail, example);
    }
    return form_on_chain(text, chain.value(), place.substr(colon + 1), parameters, example);
}

Result<Amount> parse_tokens(
    std::string_view text, std::string_view tokens, unsigned decimals, std::string_view example
) {
    const auto value = Money::parse(tokens);
    if (!value || value.value().sign() <= 0) {
        return bad_option(text, "has no amount above zero", example);
    }
    const auto down = units_for(value.value(), decimals, Money::whole(1), Round::kDown);
    const auto up = units_for(value.value(), decimals, Money::whole(1), Round::kUp);
    if (!down || !up || down.value() != up.value()) {
        return bad_option(
            text,
            "has an amount that is no whole number of raw units; this asset has " +
                std::to_string(decimals) + " decimals",
            example
        );
    }
    return down.value();
}

}  // namespace margrave::relayer
