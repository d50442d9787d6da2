// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/parameters.hpp"

#include <vector>

namespace margrave::margin::detail {

/// Every broken rule of caps, pool scales, initial prices, bridge tiers, lag and correlations.
std::vector<ParameterError> check_haircuts(const Parameters& parameters);

}  // namespace margrave::margin::detail
