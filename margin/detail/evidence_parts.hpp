// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/explain.hpp"

#include <string>
#include <vector>

namespace margrave::margin::detail {

/// Adds a finding unless the parts of the terms are the holdings with their units: of those that
/// are named as unvalued what is owed, and none that the parameters do not know.
void compare_parts(
    const Explanation& read, const Parameters& parameters, std::vector<std::string>& findings
);

/// The same of `at_most`, which the evidence must have: of those named as unvalued what is owned;
/// and what is in both has one price.
void compare_parts_at_most(
    const Explanation& read, const Parameters& parameters, std::vector<std::string>& findings
);

}  // namespace margrave::margin::detail
