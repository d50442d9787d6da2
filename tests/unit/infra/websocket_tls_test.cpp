// SPDX-License-Identifier: Apache-2.0
#include "infra/websocket_client.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/self_signed.hpp"
#include "tests/support/ws_server.hpp"

#include <boost/asio/ssl.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace margrave::infra {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using namespace std::chrono_literals;
using tests::Loop;
using tests::SelfSigned;
using tests::WsServer;

/// Upgrades every connection over TLS, says "hi" and then reads until the client is gone.
class TlsServer {
  public:
    TlsServer(Executor executor, const SelfSigned& identity)
        : tls_(ssl::context::tls_server),
          acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
        tls_.use_certificate_chain(asio::buffer(identity.cert_pem));
        tls_.use_private_key(asio::buffer(identity.key_pem), ssl::context::pem);
    }

    Task<void> run() {
        while (true) {
            tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
            ssl::stream<tcp::socket> stream(std::move(socket), tls_);
            try {
                co_await serve(&stream);
            } catch (const boost::system::system_error& e) {
                if (e.code() == asio::error::operation_aborted) {
                    throw;
                }
            }
        }
    }

    [[nodiscard]] std::string url(const std::string& host) const {
        return "wss://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/";
    }

  private:
    static Task<void> serve(ssl::stream<tcp::socket>* stream) {
        co_await stream->async_handshake(ssl::stream_base::server, asio::use_awaitable);
        std::string head;
        auto view = asio::dynamic_buffer(head);
        co_await asio::async_read_until(*stream, view, "\r\n\r\n", asio::use_awaitable);
        const std::string mark = "Sec-WebSocket-Key: ";
        const std::size_t at = head.find(mark) + mark.size();
        const std::string key = head.substr(at, head.find("\r\n", at) - at);
        const std::string answer =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            WsServer::accept_key(key) + "\r\n\r\n" + WsServer::frame(WsServer::kText, "hi");
        const auto bytes = asio::buffer(answer);
        co_await asio::async_write(*stream, bytes, asio::use_awaitable);
        std::string rest;
        auto more = asio::dynamic_buffer(rest, 4096);
        co_await asio::async_read(*stream, more, asio::use_awaitable);
    }

    ssl::context tls_;
    tcp::acceptor acceptor_;
};

class WebSocketTls : public testing::Test {
  protected:
    WebSocketTls()
        : identity("localhost"),
          server(loop.executor(), identity),
          ca_file(testing::TempDir() + "margrave-ws-ca-" + std::to_string(::getpid()) + ".pem") {
        std::ofstream(ca_file) << identity.cert_pem;
        loop.start(server.run());
    }

    ~WebSocketTls() override {
        loop.stop();
        std::filesystem::remove(ca_file);
    }

    Result<std::string> first_message(const std::string& host, const std::string& ca) {
        WsLimits limits;
        limits.ca_file = ca;
        WsClient client(loop.executor(), "alpha", parse_ws_url(server.url(host)).value(), limits);
        auto opened = loop.run(client.open(20s));
        if (!opened) {
            return opened.as_failure();
        }
        return loop.run(opened.value()->receive(20s));
    }

    Loop loop;
    SelfSigned identity;
    TlsServer server;
    std::string ca_file;
};

TEST_F(WebSocketTls, SpeaksToAServerItTrusts) {
    const auto got = first_message("localhost", ca_file);
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got.value(), "hi");
}

TEST_F(WebSocketTls, RefusesAnUnknownAuthorityAndAnotherName) {
    for (const auto& [host, ca] : {std::pair("localhost", std::string()), {"127.0.0.1", ca_file}}) {
        const auto got = first_message(host, ca);
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, Errc::kIo);
        EXPECT_NE(got.error().detail.find("TLS handshake with alpha failed"), std::string::npos)
            << got.error().detail;
    }
}

TEST_F(WebSocketTls, MissingAuthoritiesAreNamed) {
    const auto got = first_message("localhost", ca_file + ".none");
    ASSERT_FALSE(got);
    EXPECT_NE(got.error().detail.find("no certificate authorities for alpha"), std::string::npos);
}

}  // namespace
}  // namespace margrave::infra
