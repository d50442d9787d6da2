// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/result.hpp"
#include "store/guard.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace margrave::relayer {

/// The interchange file of signing guards (docs/guard-interchange.md), after EIP-3076: what one
/// guard signed, so that another never signs against it.
struct GuardFile {
    Hash32 network;
    /// A digest of zero: the file does not tell it.
    std::vector<store::GuardEntry> entries;
};

/// The complete form, or the minimal one: only the newest epoch of each subject, without digest and
/// message.
std::string write_guard_file(const GuardFile& file, bool minimal);

/// kConfig with the JSON pointer of what is wrong: an unknown member, a missing one, a value of
/// another form, another network or version. What it says is not compared with anything here.
Result<GuardFile> read_guard_file(std::string_view text, const Hash32& network);

}  // namespace margrave::relayer
