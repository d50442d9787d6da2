// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/parameters.hpp"

#include <vector>

namespace margrave::margin::detail {

/// Every broken rule of the venues, with pointers below /venues.
std::vector<ParameterError> check_venues(const Parameters& parameters);

}  // namespace margrave::margin::detail
