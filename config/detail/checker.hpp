// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace margrave::config::detail {

/// A document held against the table, row by row.
struct Checked {
    /// What was given and is right, with the defaults of what was not given. A value that is wrong
    /// is left out, in a list it is null, so whoever reads on meets right values only and can look
    /// for more trouble.
    nlohmann::json document;
    /// Pointers of the defaults.
    std::vector<std::string> defaulted;
    std::vector<Problem> problems;
};

Checked check(const nlohmann::json& given, Use use);

}  // namespace margrave::config::detail
