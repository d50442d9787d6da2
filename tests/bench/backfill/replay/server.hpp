// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "tests/bench/backfill/replay/answers.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace margrave::replay {

/// An open file of the kernel, closed with this object.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1)
        : fd_(fd) {}

    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();

    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

/// HTTP/1.1 on loopback: POST, keep-alive, pipelining. One thread and one epoll, because the client
/// that is measured needs the other core. Recorded text goes from where it lies to the socket.
class Server {
  public:
    /// How a provider far away serves. Each answer waits for `latency` after its question came;
    /// `bytes_per_second` is what all connections get together, 0 any.
    struct Pace {
        std::chrono::milliseconds latency{0};
        std::uint64_t bytes_per_second{0};
    };

    /// Port 0: the kernel chooses.
    static Result<std::unique_ptr<Server>> listen(
        std::uint16_t port, const Pace& pace, Answers& answers
    );

    [[nodiscard]] std::uint16_t port() const { return port_; }

    [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }

    /// Serves until SIGTERM or SIGINT.
    Result<void> run();

  private:
    using Clock = std::chrono::steady_clock;

    /// An answer on its way. Piece 0 is the head, the others are the text's.
    struct Pending {
        std::string head;
        Text text;
        Clock::time_point due;
        std::size_t piece{0};
        std::size_t offset{0};
        bool advance(std::size_t sent);
    };

    struct Connection {
        Descriptor socket;
        std::string in;
        std::deque<Pending> out;
        std::size_t out_bytes{0};
        std::uint32_t events{0};
        bool closing{false};
    };

    Server(Answers& answers, const Pace& pace)
        : answers_(answers),
          pace_(pace) {}

    void accept_all();
    /// False when the connection is over.
    bool serve(Connection& connection, std::uint32_t events);
    bool read_some(Connection& connection);
    /// How many questions it answered.
    std::size_t parse(Connection& connection);
    bool write_some(Connection& connection);
    void queue(Connection& connection, std::string_view status, Text body);
    void watch(Connection& connection);
    /// When an answer of `size` bytes that is asked for now has come through.
    Clock::time_point due(std::size_t size);
    [[nodiscard]] std::optional<std::chrono::nanoseconds> wait() const;

    Answers& answers_;
    Pace pace_;
    Clock::time_point link_free_;
    Descriptor epoll_;
    Descriptor listener_;
    Descriptor signals_;
    std::uint16_t port_{0};
    std::uint64_t bytes_sent_{0};
    std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

}  // namespace margrave::replay
