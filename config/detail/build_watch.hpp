// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/settings.hpp"
#include "config/detail/reader.hpp"
#include "core/canonical_json.hpp"

#include <vector>

namespace margrave::config::detail {

/// One item of /chains/*/watch. Members whose value was missing or wrong keep their default.
chains::WatchSettings build_watch(const Reader& in);

/// The watches of all chains for the parameters that operators sign: what they mean changes
/// numbers. Ascending by chain and name, whatever the order and the spelling in the config.
Canonical::Array watches_document(const std::vector<chains::ChainSettings>& chains);

}  // namespace margrave::config::detail
