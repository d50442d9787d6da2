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
};

Judgement judge(
    const AssetOracleSettings& settings, const std::vector<Answer>& answers, UnixSeconds now
);

/// The price set's document: settings, answers and verdicts of every asset. The three lists are
/// parallel.
Canonical document(
    const std::vector<AssetOracleSettings>& assets,
    const std::vector<std::vector<Answer>>& answers,
    const std::vector<Judgement>& judgements,
    UnixSeconds now
);

}  // namespace margrave::oracle::detail
