// SPDX-License-Identifier: Apache-2.0
#include "infra/http_client.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/self_signed.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <unistd.h>

namespace margrave::infra {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using namespace std::chrono_literals;
using tests::Loop;
using tests::SelfSigned;

int note_server_name(SSL* connection, int* /*alert*/, void* into) {
    const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    *static_cast<std::string*>(into) = name == nullptr ? "" : name;
    return SSL_TLSEXT_ERR_OK;
}

/// Answers "hi" to every request, on as many connections as come.
class TlsServer {
  public:
    TlsServer(Executor executor, const SelfSigned& identity)
        : tls_(ssl::context::tls_server),
          acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
        tls_.use_certificate_chain(asio::buffer(identity.cert_pem));
        tls_.use_private_key(asio::buffer(identity.key_pem), ssl::context::pem);
        // What the macro SSL_CTX_set_tlsext_servername_callback does, without its old-style cast.
        SSL_CTX_callback_ctrl(
            tls_.native_handle(),
            SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
            reinterpret_cast<void (*)()>(&note_server_name)
        );
        SSL_CTX_set_tlsext_servername_arg(tls_.native_handle(), &server_name);
    }

    Task<void> run() {
        while (true) {
            tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
            ++connections;
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
        return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + "/";
    }

    std::string server_name;
    int connections{0};

  private:
    static Task<void> serve(ssl::stream<tcp::socket>* stream) {
        co_await stream->async_handshake(ssl::stream_base::server, asio::use_awaitable);
        std::string buffer;
        while (true) {
            auto view = asio::dynamic_buffer(buffer);
            const std::size_t size =
                co_await asio::async_read_until(*stream, view, "\r\n\r\n", asio::use_awaitable);
            buffer.erase(0, size);
            const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
            const auto bytes = asio::buffer(answer);
            co_await asio::async_write(*stream, bytes, asio::use_awaitable);
        }
    }

    ssl::context tls_;
    tcp::acceptor acceptor_;
};

class HttpTls : public testing::Test {
  protected:
    HttpTls()
        : identity("localhost"),
          server(loop.executor(), identity) {
        ca_file = testing::TempDir() + "margrave-ca-" + std::to_string(::getpid()) + ".pem";
        std::FILE* file = std::fopen(ca_file.c_str(), "w");
        std::fputs(identity.cert_pem.c_str(), file);
        std::fclose(file);
        loop.start(server.run());
    }

    ~HttpTls() override {
        loop.stop();
        std::filesystem::remove(ca_file);
    }

    HttpClient make(const std::string& host, const std::string& ca) {
        HttpLimits limits;
        limits.ca_file = ca;
        return {loop.executor(), "alpha", parse_url(server.url(host)).value(), limits};
    }

    Loop loop;
    SelfSigned identity;
    TlsServer server;
    std::string ca_file;
};

TEST_F(HttpTls, SpeaksToAServerItTrustsAndKeepsTheConnection) {
    HttpClient client = make("localhost", ca_file);
    for (int i = 0; i < 3; ++i) {
        const auto answer = loop.run(client.get("", 20s));
        ASSERT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ(answer.value().body, "hi");
    }
    EXPECT_EQ(server.connections, 1);
    EXPECT_EQ(server.server_name, "localhost");
}

TEST_F(HttpTls, RefusesAnUnknownAuthority) {
    HttpClient client = make("localhost", "");
    const auto answer = loop.run(client.get("", 20s));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kIo);
    EXPECT_NE(answer.error().detail.find("TLS handshake with alpha failed"), std::string::npos);
    EXPECT_NE(answer.error().detail.find("certificate verify failed"), std::string::npos);
}

TEST_F(HttpTls, RefusesACertificateForAnotherName) {
    HttpClient client = make("127.0.0.1", ca_file);
    const auto answer = loop.run(client.get("", 20s));
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().detail.find("certificate verify failed"), std::string::npos);
    EXPECT_EQ(server.server_name, "");
}

TEST_F(HttpTls, AMissingAuthorityFileIsSaid) {
    HttpClient client = make("localhost", "/nonexistent/ca.pem");
    const auto answer = loop.run(client.get("", 20s));
    ASSERT_FALSE(answer);
    EXPECT_NE(
        answer.error().detail.find("no certificate authorities for alpha"), std::string::npos
    );
    EXPECT_EQ(server.connections, 0);
}

}  // namespace
}  // namespace margrave::infra
