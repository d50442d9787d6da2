// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>

namespace margrave::infra {

struct HttpRequest;

namespace detail {

struct HttpEndpoint;
struct HttpWire;

/// The request line, headers and body of a request that check_request found sendable.
HttpWire make_wire(const HttpEndpoint& endpoint, HttpRequest request);

/// kInvalid when the method, path or a header holds a character that would break the request line
/// or start a new header.
Result<void> check_request(const HttpRequest& request);

/// One slash between the two, and none is lost that the path did not begin with.
std::string join_target(std::string_view base, std::string_view path);

std::string base64(std::string_view bytes);

}  // namespace detail
}  // namespace margrave::infra
