// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/explain.hpp"

#include <cstdint>
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

/// Whether a holding of an asset that the parameters know is named as unvalued.
bool has_unpriced(const Explanation& read, const Parameters& parameters);

/// Whether something makes the account UNATTESTABLE whatever the missing prices are: a sum that
/// does not fit, by the flag; one of its positions that is named as unvalued, or a holding as on a
/// dead chain; a debt in an asset that the parameters do not know, or in one of which another form
/// has a price.
bool cannot_be_bounded(const Explanation& read, std::uint32_t flags, const Parameters& parameters);

}  // namespace margrave::margin::detail
