// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "infra/task.hpp"
#include "infra/url.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <openssl/ssl.h>

#include <string>
#include <vector>

/// The steps of opening a connection that HTTP and WebSocket share. Errors speak of the endpoint by
/// its configured name.
namespace margrave::infra::detail {

/// A client's context: TLS 1.2 or later, the peer's certificate checked against the authorities of
/// a PEM file or, when it is empty, the system's. `ec` says when these cannot be read.
boost::asio::ssl::context make_tls(const std::string& ca_file, boost::system::error_code& ec);

/// The addresses of the URL's host. A lookup that the caller gave up goes on by itself: asio cannot
/// cancel getaddrinfo.
Task<Result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
    Executor executor, std::string name, Url url
);

/// Sends `host` as the server name, unless it is a literal address.
void set_server_name(SSL* connection, const std::string& host);

/// Before the handshake: the certificate must be for `host`.
template <class TlsStream>
void expect_host(TlsStream& stream, const std::string& host) {
    stream.set_verify_callback(boost::asio::ssl::host_name_verification(host));
    set_server_name(stream.native_handle(), host);
}

}  // namespace margrave::infra::detail
