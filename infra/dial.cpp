// SPDX-License-Identifier: Apache-2.0
#include "infra/detail/dial.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace margrave::infra::detail {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

/// Shared by the caller and the lookup, which may outlive it.
struct Lookup {
    explicit Lookup(const Executor& executor)
        : resolver(executor),
          changed(executor, asio::steady_timer::time_point::max()) {}

    tcp::resolver resolver;
    asio::steady_timer changed;
    error_code ec;
    std::vector<tcp::endpoint> addresses;
    bool finished{false};
};

}  // namespace

ssl::context make_tls(const std::string& ca_file, error_code& ec) {
    ssl::context tls(ssl::context::tls_client);
    ::SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
    tls.set_verify_mode(ssl::verify_peer);
    if (ca_file.empty()) {
        tls.set_default_verify_paths(ec);
    } else {
        tls.load_verify_file(ca_file, ec);
    }
    return tls;
}

Task<Result<std::vector<tcp::endpoint>>> resolve(Executor executor, std::string name, Url url) {
    error_code not_numeric;
    const auto address = asio::ip::make_address(url.host, not_numeric);
    if (!not_numeric) {
        const auto port = static_cast<std::uint16_t>(std::stoul(url.port));
        std::vector<tcp::endpoint> only;
        only.emplace_back(address, port);
        co_return only;
    }
    const auto lookup = std::make_shared<Lookup>(executor);
    lookup->resolver.async_resolve(
        url.host,
        url.port,
        [lookup](const error_code& ec, const tcp::resolver::results_type& results) {
            lookup->finished = true;
            lookup->ec = ec;
            for (const auto& entry : results) {
                lookup->addresses.push_back(entry.endpoint());
            }
            lookup->changed.cancel();
        }
    );
    co_await lookup->changed.async_wait(kAwait);
    if (!lookup->finished) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (lookup->ec || lookup->addresses.empty()) {
        co_return fail(
            Errc::kIo, "the host of " + name + " has no address: " + lookup->ec.message()
        );
    }
    co_return std::move(lookup->addresses);
}

void set_server_name(SSL* connection, const std::string& host) {
    error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    // RFC 6066: a literal address is never a server name.
    if (!not_numeric) {
        return;
    }
    void* server_name = const_cast<char*>(host.c_str());
    ::SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, server_name);
}

}  // namespace margrave::infra::detail
