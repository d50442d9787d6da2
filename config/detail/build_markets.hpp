// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/detail/reader.hpp"
#include "margin/venue.hpp"

#include <cstddef>
#include <vector>

namespace margrave::config::detail {

/// Where in the document each of the built venues, and each of their markets, stands: venues ascend
/// by underlying and markets by id, whatever the order in the config.
struct MarketPlaces {
    std::size_t venue{0};
    std::vector<std::size_t> perpetuals;
    std::vector<std::size_t> option_markets;
};

struct BuiltMarkets {
    std::vector<margin::VenueParameters> venues;
    std::vector<MarketPlaces> places;
};

/// /markets. Members whose value was missing or wrong keep their default, and so do the numbers of
/// a grid that the config has no setting for.
BuiltMarkets build_markets(const Reader& root);

}  // namespace margrave::config::detail
