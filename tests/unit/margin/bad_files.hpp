// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/parameters.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Whole parameter files with one thing wrong, each with the one error that must say so.
namespace margrave::margin::tests {

/// Everything that parameters can have is in it. Assets: 0 btc, 1 dai, 2 eth, 3 junk, 4 usdc;
/// venues: 0 btc by grid, 1 eth by ratio.
Parameters full_parameters();

/// The document with the member at the pointer set, or taken out where there is no value.
Canonical edited(const Canonical& document, std::string_view pointer, const Canonical* value);

struct BadFile {
    std::string_view pointer;
    /// Absent: the member is taken out.
    std::optional<Canonical> value;
    /// One error has exactly this pointer, and these words in its sentence.
    std::string_view where;
    std::string_view words;
};

std::vector<BadFile> bad_files();
/// The bytes of one, made of a good file's document.
std::string bad_text(const Canonical& good, const BadFile& bad);

}  // namespace margrave::margin::tests
