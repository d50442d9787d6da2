// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/detail/build_markets.hpp"
#include "config/settings.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <filesystem>
#include <vector>

namespace margrave::config::detail {

/// Settings from a checked document. Members whose value was missing or wrong keep their default.
struct Built {
    Settings settings;
    /// For each of parameters.assets, which ascend by name, its place in the document.
    std::vector<std::size_t> asset_places;
    /// The same for the forms of each of them.
    std::vector<std::vector<std::size_t>> form_places;
    /// For each of parameters.venues.
    std::vector<MarketPlaces> market_places;
};

Built build(const nlohmann::json& document, const std::filesystem::path& base_dir);

/// `path` as the config means it: relative to the directory of the config file.
std::filesystem::path resolve(
    const std::filesystem::path& base_dir, const std::filesystem::path& path
);

}  // namespace margrave::config::detail
