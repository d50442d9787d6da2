// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

#include <string>
#include <string_view>

namespace margrave::infra {

/// An http, https, ws or wss URL in parts. Userinfo, path and query may hold a key, so no message
/// ever prints them: an endpoint is spoken of by its configured name.
struct Url {
    bool tls{false};
    /// Without brackets, also for an IPv6 address.
    std::string host;
    std::string port;
    /// "user:password", percent-decoded; empty when absent.
    std::string userinfo;
    /// Path and query; at least "/".
    std::string target;

    /// What the Host header says: the port only when it is not the scheme's own.
    [[nodiscard]] std::string host_header() const;
};

/// Strict: scheme http or https, a host, a port from 1 to 65535, no fragment, no blanks, no control
/// or non-ASCII characters. The error says what is wrong and never repeats the text.
Result<Url> parse_url(std::string_view text);
/// The same with scheme ws or wss.
Result<Url> parse_ws_url(std::string_view text);

}  // namespace margrave::infra
