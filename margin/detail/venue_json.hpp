// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "margin/detail/parameter_reader.hpp"
#include "margin/venue.hpp"

#include <optional>
#include <vector>

namespace margrave::margin::detail {

/// The signed form of the venues. Only what a venue's method uses has a member: "options" and
/// "profit" with the ratio method, "grid" with the grid.
Canonical canonical(const std::vector<VenueParameters>& venues);
std::vector<VenueParameters> read_venues(Reader& parameters, std::optional<Error>& trouble);

}  // namespace margrave::margin::detail
