// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace margrave::infra {

/// Sends one line to the Unix socket at `path` and returns the line that comes back, at most
/// 64 MiB, without its newline. Blocks; for the command line, never inside the daemon. kNotFound
/// when nobody listens there, kTimeout, kLimit, kIo.
Result<std::string> unix_request(
    const std::filesystem::path& path, std::string_view line, std::chrono::milliseconds timeout
);

}  // namespace margrave::infra
