// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/parameters.hpp"

#include <string>
#include <string_view>

// Tokens and amounts as people type them. Every error is kUsage, quotes what was typed and ends
// with `example`, a sentence that shows what is right.
namespace margrave::relayer {

Error bad_option(std::string_view text, std::string_view what, std::string_view example);

/// "eth, usd".
std::string names_of(const margin::Parameters& parameters);

/// The one form of the asset of that name on that chain. `text` is the whole option.
Result<AssetId> form_on_chain(
    std::string_view text,
    const ChainId& chain,
    std::string_view name,
    const margin::Parameters& parameters,
    std::string_view example
);

/// "CHAIN:ASSET", chain by its short name or CAIP-2 id and asset by its name, or one CAIP-19 id.
Result<AssetId> parse_place(
    std::string_view text,
    std::string_view place,
    const margin::Parameters& parameters,
    std::string_view example
);

/// Whole tokens to raw units, only above zero and only if they come out even.
Result<Amount> parse_tokens(
    std::string_view text, std::string_view tokens, unsigned decimals, std::string_view example
);

}  // namespace margrave::relayer
