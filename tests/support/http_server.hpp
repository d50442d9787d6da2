// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/task_group.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace margrave::tests {

/// An HTTP/1.1 server on loopback whose answers a test scripts, the broken ones too. It uses
/// neither Beast nor our client, so one mistake cannot hide in both.
class HttpServer {
  public:
    struct Request {
        std::string method;
        std::string target;
        /// Names in lower case.
        std::map<std::string, std::string> headers;
        std::string body;
        /// Counts connections from 0.
        std::size_t connection{0};
    };

    struct Reply {
        unsigned status{200};
        std::string body;
        std::vector<std::pair<std::string, std::string>> headers;
        /// Sent in place of everything above, as it stands.
        std::optional<std::string> raw;
        std::chrono::milliseconds delay{0};
        /// Send only so many bytes of the whole, then close.
        std::optional<std::size_t> cut;
        /// One byte at a time with this pause.
        std::optional<std::chrono::milliseconds> drip;
        /// Close after the answer without having said so.
        bool close{false};

        Reply() = default;

        explicit Reply(std::string text)
            : body(std::move(text)) {}

        Reply(unsigned code, std::string text)
            : status(code),
              body(std::move(text)) {}
    };

    using Handler = std::function<Reply(const Request&)>;

    HttpServer(Executor executor, Handler handler)
        : handler_(std::move(handler)),
          acceptor_(executor, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
          group_(executor, 256) {}

    /// Serves until cancelled; hand it to Loop::start.
    Task<void> run() {
        const Result<void> started = group_.spawn("accept", accept_loop());
        MARGRAVE_ASSERT(started.has_value());
        co_await group_.wait();
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

    [[nodiscard]] std::string url(const std::string& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port()) + path;
    }

    [[nodiscard]] std::size_t connections() const { return connections_; }

    [[nodiscard]] const std::vector<Request>& requests() const { return requests_; }

    void set_handler(Handler handler) { handler_ = std::move(handler); }

  private:
    using Tcp = boost::asio::ip::tcp;
    static constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

    Task<void> accept_loop() {
        while (true) {
            Tcp::socket socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
            const std::size_t number = connections_++;
            const Result<void> started =
                group_.spawn("connection", session(std::move(socket), number));
            MARGRAVE_ASSERT(started.has_value());
        }
    }

    Task<void> session(Tcp::socket socket, std::size_t number) {
        std::string buffer;
        while (true) {
            auto head_view = boost::asio::dynamic_buffer(buffer);
            const auto [head_ec, head_size] =
                co_await boost::asio::async_read_until(socket, head_view, "\r\n\r\n", kAwait);
            if (head_ec) {
                co_return;
            }
            Request request = parse_head(buffer.substr(0, head_size));
            request.connection = number;
            buffer.erase(0, head_size);
            const std::size_t size = body_size(request);
            if (buffer.size() < size) {
                auto body_view = boost::asio::dynamic_buffer(buffer);
                const auto exactly = boost::asio::transfer_exactly(size - buffer.size());
                const auto [body_ec, got] =
                    co_await boost::asio::async_read(socket, body_view, exactly, kAwait);
                if (body_ec) {
                    co_return;
                }
            }
            request.body = buffer.substr(0, size);
            buffer.erase(0, size);
            requests_.push_back(request);
            const Reply reply = handler_(request);
            const bool open = co_await answer(&socket, &reply);
            if (!open) {
                co_return;
            }
        }
    }

    static Task<bool> answer(Tcp::socket* socket, const Reply* reply) {
        if (reply->delay.count() > 0) {
            co_await infra::sleep_for(reply->delay);
        }
        std::string bytes = reply->raw.value_or(render(*reply));
        bytes.resize(std::min(reply->cut.value_or(bytes.size()), bytes.size()));
        const std::size_t step = reply->drip ? 1 : std::max<std::size_t>(bytes.size(), 1);
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            const auto part = boost::asio::buffer(bytes.data() + at, step);
            const auto [ec, put] = co_await boost::asio::async_write(*socket, part, kAwait);
            if (ec) {
                co_return false;
            }
            if (reply->drip) {
                co_await infra::sleep_for(*reply->drip);
            }
        }
        co_return !reply->close && !reply->cut;
    }

    static std::string render(const Reply& reply) {
        std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " Text\r\n";
        for (const auto& [name, value] : reply.headers) {
            text += name + ": " + value + "\r\n";
        }
        return text + "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" +
               reply.body;
    }

    static std::size_t body_size(const Request& request) {
        const auto length = request.headers.find("content-length");
        return length == request.headers.end() ? 0 : std::stoul(length->second);
    }

    static Request parse_head(const std::string& head) {
        Request request;
        std::size_t at = head.find("\r\n");
        const std::string first = head.substr(0, at);
        const std::size_t blank = first.find(' ');
        request.method = first.substr(0, blank);
        request.target = first.substr(blank + 1, first.rfind(' ') - blank - 1);
        for (at += 2; at + 2 < head.size();) {
            const std::size_t end = head.find("\r\n", at);
            const std::size_t colon = head.find(':', at);
            std::string name = head.substr(at, colon - at);
            std::ranges::transform(name, name.begin(), [](unsigned char c) {
                return static_cast<char>(std::tolower(c));
            });
            request.headers[name] = head.substr(colon + 2, end - colon - 2);
            at = end + 2;
        }
        return request;
    }

    Handler handler_;
    Tcp::acceptor acceptor_;
    infra::TaskGroup group_;
    std::size_t connections_{0};
    std::vector<Request> requests_;
};

}  // namespace margrave::tests
