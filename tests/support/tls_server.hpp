// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/task.hpp"
#include "tests/support/self_signed.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace margrave::tests {

/// Answers GET over TLS on loopback, one connection after another, as many as come.
class TlsServer {
  public:
    /// From the target of a request ("/") to the body of the answer.
    using Handler = std::function<std::string(const std::string& target)>;

    TlsServer(Executor executor, const SelfSigned& identity, Handler handler)
        : handler_(std::move(handler)),
          tls_(boost::asio::ssl::context::tls_server),
          acceptor_(executor, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
        tls_.use_certificate_chain(boost::asio::buffer(identity.cert_pem));
        tls_.use_private_key(boost::asio::buffer(identity.key_pem), boost::asio::ssl::context::pem);
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
            Tcp::socket socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
            ++connections;
            Stream stream(std::move(socket), tls_);
            try {
                co_await serve(&stream);
            } catch (const boost::system::system_error& e) {
                if (e.code() == boost::asio::error::operation_aborted) {
                    throw;
                }
            }
        }
    }

    [[nodiscard]] std::string url(const std::string& host, const std::string& path = "/") const {
        return "https://" + host + ":" + std::to_string(acceptor_.local_endpoint().port()) + path;
    }

    std::string server_name;
    int connections{0};
    /// The value of the Date header; empty: the server sends none.
    std::string date;
    /// Close after each answer, so that the next client is served.
    bool close{false};

  private:
    using Tcp = boost::asio::ip::tcp;
    using Stream = boost::asio::ssl::stream<Tcp::socket>;

    static int note_server_name(SSL* connection, int* /*alert*/, void* into) {
        const char* name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
        *static_cast<std::string*>(into) = name == nullptr ? "" : name;
        return SSL_TLSEXT_ERR_OK;
    }

    Task<void> serve(Stream* stream) {
        co_await stream->async_handshake(
            boost::asio::ssl::stream_base::server, boost::asio::use_awaitable
        );
        std::string buffer;
        do {
            auto view = boost::asio::dynamic_buffer(buffer);
            const std::size_t size = co_await boost::asio::async_read_until(
                *stream, view, "\r\n\r\n", boost::asio::use_awaitable
            );
            const std::string answer = answer_to(buffer.substr(0, size));
            buffer.erase(0, size);
            const auto bytes = boost::asio::buffer(answer);
            co_await boost::asio::async_write(*stream, bytes, boost::asio::use_awaitable);
        } while (!close);
    }

    [[nodiscard]] std::string answer_to(const std::string& head) const {
        const std::size_t from = head.find(' ') + 1;
        const std::string body = handler_(head.substr(from, head.find(' ', from) - from));
        return "HTTP/1.1 200 OK\r\n" + (date.empty() ? "" : "Date: " + date + "\r\n") +
               (close ? "Connection: close\r\n" : "") +
               "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    Handler handler_;
    boost::asio::ssl::context tls_;
    Tcp::acceptor acceptor_;
};

}  // namespace margrave::tests
