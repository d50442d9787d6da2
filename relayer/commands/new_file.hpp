// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <filesystem>
#include <string_view>

namespace margrave::relayer {

/// Makes a file that is not there yet, with exactly these permission bits, and syncs it. kUsage
/// when something has the name already, a broken link included; on any error nothing is left
/// behind.
Result<void> write_new_file(
    const std::filesystem::path& path, std::string_view bytes, unsigned mode
);

}  // namespace margrave::relayer
