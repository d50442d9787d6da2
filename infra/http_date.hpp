// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace margrave::infra {

/// Value of a Date header, in the one form that RFC 9110 lets a server send. Absent when it is in
/// another.
std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view value);

}  // namespace margrave::infra
