// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/detail/reader.hpp"
#include "margin/parameters.hpp"
#include "oracle/kinds.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace margrave::config::detail {

/// The kind whose word the source carries; null when that was refused.
const oracle::SourceKind* kind_of(const Reader& source);

/// Who makes the prices of these sources.
std::set<std::string> makers_of(const std::vector<oracle::SourceSettings>& sources);

oracle::SourceSettings build_source(const Reader& in, const std::filesystem::path& base_dir);

/// The price of an asset or of a reference; a reference has no forms.
oracle::AssetOracleSettings build_price(
    const std::string& name,
    const Reader& price,
    const std::vector<margin::AssetOnChain>& forms,
    const std::filesystem::path& base_dir
);

}  // namespace margrave::config::detail
