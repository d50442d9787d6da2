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
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace margrave::tests {

/// A WebSocket server on loopback that says what a test scripts, byte by byte where it must. It
/// uses neither Beast nor our client, so one mistake cannot hide in both.
class WsServer {
    using Tcp = boost::asio::ip::tcp;
    static constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

  public:
    enum Opcode : unsigned { kContinuation, kText, kBinary, kClose = 8, kPing, kPong };

    struct Frame {
        unsigned opcode{kText};
        bool fin{true};
        bool masked{false};
        std::string payload;
    };

    /// One upgraded connection. Owned by the server while its script runs.
    class Session {
      public:
        Session(Tcp::socket socket, std::size_t number)
            : socket_(std::move(socket)),
              number_(number) {}

        /// The next frame of the client; absent when the connection ended.
        Task<std::optional<Frame>> read() {
            std::string head = co_await take(2);
            if (head.size() < 2) {
                co_return std::nullopt;
            }
            Frame frame;
            frame.fin = (byte(head[0]) & 0x80U) != 0;
            frame.opcode = byte(head[0]) & 0x0fU;
            frame.masked = (byte(head[1]) & 0x80U) != 0;
            std::size_t size = byte(head[1]) & 0x7fU;
            const std::size_t more = size == 126 ? 2 : (size == 127 ? 8 : 0);
            if (more > 0) {
                const std::string length = co_await take(more);
                size = 0;
                for (const char c : length) {
                    size = size << 8U | byte(c);
                }
            }
            const std::size_t key_size = frame.masked ? 4 : 0;
            const std::string key = co_await take(key_size);
            frame.payload = co_await take(size);
            for (std::size_t i = 0; i < frame.payload.size() && frame.masked; ++i) {
                frame.payload[i] = static_cast<char>(byte(frame.payload[i]) ^ byte(key[i % 4]));
            }
            co_return frame;
        }

        /// Reads and forgets until the client is gone.
        Task<void> drain() {
            while (true) {
                const auto frame = co_await read();
                if (!frame) {
                    co_return;
                }
            }
        }

        /// Bytes as they stand. False when the client is gone.
        Task<bool> write(std::string bytes) {
            const auto all = boost::asio::buffer(bytes);
            const auto [ec, put] = co_await boost::asio::async_write(socket_, all, kAwait);
            co_return !ec;
        }

        Task<bool> text(std::string payload) {
            std::string bytes = frame(kText, payload);
            return write(std::move(bytes));
        }

        /// Ends the connection without a close frame.
        void drop() {
            boost::system::error_code ignored;
            socket_.close(ignored);
        }

        [[nodiscard]] std::size_t number() const { return number_; }

        [[nodiscard]] Tcp::socket& socket() { return socket_; }

        std::string target;
        /// Of the upgrade; names in lower case.
        std::map<std::string, std::string> headers;

      private:
        friend class WsServer;

        static unsigned byte(char c) { return static_cast<unsigned char>(c); }

        Task<std::string> take(std::size_t size) {
            if (buffer_.size() < size) {
                auto view = boost::asio::dynamic_buffer(buffer_);
                const auto exactly = boost::asio::transfer_exactly(size - buffer_.size());
                const auto [ec, got] =
                    co_await boost::asio::async_read(socket_, view, exactly, kAwait);
                if (ec) {
                    co_return std::string();
                }
            }
            std::string out = buffer_.substr(0, size);
            buffer_.erase(0, size);
            co_return out;
        }

        Tcp::socket socket_;
        std::size_t number_;
        std::string buffer_;
    };

    /// Runs once the upgrade was answered; when it ends the connection ends.
    using Script = std::function<Task<void>(Session*)>;

    WsServer(Executor executor, Script script)
        : script_(std::move(script)),
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
        return "ws://127.0.0.1:" + std::to_string(port()) + path;
    }

    [[nodiscard]] std::size_t connections() const { return connections_; }

    void set_script(Script script) { script_ = std::move(script); }

    /// In place of the answer to an upgrade, as it stands; the connection ends after it.
    void set_refusal(std::optional<std::string> bytes) { refusal_ = std::move(bytes); }

    /// Takes connections and never answers the upgrade.
    void set_mute(bool mute) { mute_ = mute; }

    /// One unmasked frame.
    static std::string frame(unsigned opcode, const std::string& payload, bool fin = true) {
        std::string out(1, static_cast<char>((fin ? 0x80U : 0U) | opcode));
        const std::size_t size = payload.size();
        const std::size_t length_bytes = size < 126 ? 0 : (size < 65536 ? 2 : 8);
        const std::size_t code = length_bytes == 0 ? size : (length_bytes == 2 ? 126 : 127);
        out += static_cast<char>(code);
        for (std::size_t i = length_bytes; i > 0; --i) {
            out += static_cast<char>(size >> ((i - 1) * 8) & 0xffU);
        }
        return out + payload;
    }

    static std::string close_frame(unsigned code, const std::string& reason = "") {
        std::string payload(1, static_cast<char>(code >> 8U));
        payload += static_cast<char>(code & 0xffU);
        return frame(kClose, payload + reason);
    }

    /// RFC 6455 section 4.2.2.
    static std::string accept_key(const std::string& key) {
        const std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        std::array<unsigned char, 20> digest{};
        unsigned length = 0;
        EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha1(), nullptr);
        std::array<unsigned char, 32> encoded{};
        const int size = EVP_EncodeBlock(encoded.data(), digest.data(), 20);
        return {reinterpret_cast<const char*>(encoded.data()), static_cast<std::size_t>(size)};
    }

  private:
    Task<void> accept_loop() {
        while (true) {
            Tcp::socket socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
            const std::size_t number = connections_++;
            const Result<void> started =
                group_.spawn("connection", serve(std::move(socket), number));
            MARGRAVE_ASSERT(started.has_value());
        }
    }

    Task<void> serve(Tcp::socket socket, std::size_t number) {
        Session session(std::move(socket), number);
        auto view = boost::asio::dynamic_buffer(session.buffer_);
        const auto [ec, size] =
            co_await boost::asio::async_read_until(session.socket_, view, "\r\n\r\n", kAwait);
        if (ec) {
            co_return;
        }
        read_head(session, session.buffer_.substr(0, size));
        session.buffer_.erase(0, size);
        if (mute_) {
            co_await session.drain();
            co_return;
        }
        std::string answer = refusal_.value_or(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            accept_key(session.headers["sec-websocket-key"]) + "\r\n\r\n"
        );
        const bool written = co_await session.write(std::move(answer));
        if (!written || refusal_) {
            co_return;
        }
        // A copy: the test may set another script while this one runs.
        const Script script = script_;
        co_await script(&session);
    }

    static void read_head(Session& session, const std::string& head) {
        std::size_t at = head.find("\r\n");
        const std::string first = head.substr(0, at);
        const std::size_t blank = first.find(' ');
        session.target = first.substr(blank + 1, first.rfind(' ') - blank - 1);
        for (at += 2; at + 2 < head.size();) {
            const std::size_t end = head.find("\r\n", at);
            const std::size_t colon = head.find(':', at);
            std::string name = head.substr(at, colon - at);
            std::ranges::transform(name, name.begin(), [](unsigned char c) {
                return static_cast<char>(std::tolower(c));
            });
            session.headers[name] = head.substr(colon + 2, end - colon - 2);
            at = end + 2;
        }
    }

    Script script_;
    Tcp::acceptor acceptor_;
    infra::TaskGroup group_;
    std::size_t connections_{0};
    std::optional<std::string> refusal_;
    bool mute_{false};
};

}  // namespace margrave::tests
