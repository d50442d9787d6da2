// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace margrave::infra::detail {

/// `text` as a JSON string with its quotes; broken UTF-8 becomes U+FFFD, more than bytes_max bytes
/// are cut and marked with "...".
std::string json_string(std::string_view text, std::size_t bytes_max);

}  // namespace margrave::infra::detail
