// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oracle/oracle.hpp"

#include <string>
#include <vector>

namespace margrave::oracle::detail {

/// What guard() decided and why. The same for every form of the asset: row.asset is left empty.
struct Judgement {
    PriceRow row;
    /// Empty for a usable price.
    std::string why;
    /// One per answer: why it does not count, or empty.
    std::vector<std::string> refusals;
    /// Of the answers that count.
    std::size_t makers{0};
    PriceUse use;
    AssetMemory memory;
};

/// `before`: what the asset remembers; of a first set nothing.
Judgement judge(
    const AssetOracleSettings& settings,
    const std::vector<Answer>& answers,
    UnixSeconds now,
    const AssetMemory& before
);

/// The member "memory" of an asset's document.
Canonical canonical(const AssetMemory& memory);

/// The price set's document: settings, answers and verdicts of every asset. The three lists are
/// parallel.
Canonical document(
    const std::vector<AssetOracleSettings>& assets,
    const std::vector<std::vector<Answer>>& answers,
    const std::vector<Judgement>& judgements,
    UnixSeconds now
);

}  // namespace margrave::oracle::detail
