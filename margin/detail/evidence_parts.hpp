// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/explain.hpp"

#include <string>
#include <vector>

namespace margrave::margin::detail {

/// Adds a finding unless the parts of the terms are the holdings with their units, all but those
/// that are named as unvalued.
void compare_parts(const Explanation& read, std::vector<std::string>& findings);

/// The same of `at_most`, which the evidence must have: its parts are all holdings that the
/// parameters know, and what the terms have a price for has the same one.
void compare_parts_at_most(
    const Explanation& read, const Parameters& parameters, std::vector<std::string>& findings
);

}  // namespace margrave::margin::detail
