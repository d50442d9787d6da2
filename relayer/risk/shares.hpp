// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/shares.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

// What `account explain` says beside the terms: what each part does to the numbers.
namespace margrave::relayer {

/// {"method", "assets", "venues"}; money and ratios as E18 integers.
nlohmann::json shares_json(const margin::Shares& shares);
/// Tables, with an empty line before each.
std::string shares_text(const margin::Shares& shares);

}  // namespace margrave::relayer
