// SPDX-License-Identifier: Apache-2.0
// margrave_drain: how fast a source serves logs to a client that looks at none of them. One
// connection, ranges of blocks, some questions ahead. Prints one line of JSON.
#include "core/result.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace margrave;

struct Options {
    std::uint16_t port{0};
    std::uint64_t from{0};
    std::uint64_t to{0};
    std::uint64_t blocks{10};
    std::uint64_t ahead{2};
    std::string address;
    std::string topic;
};

class Wire {
  public:
    static Result<Wire> dial(std::uint16_t port) {
        Wire out;
        out.fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int on = 1;
        ::setsockopt(out.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(out.fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
            return fail(Errc::kIo, "nobody listens on port " + std::to_string(port));
        }
        return out;
    }

    Wire(Wire&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)),
          buffer_(std::move(other.buffer_)),
          in_(std::move(other.in_)) {}

    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;
    Wire& operator=(Wire&&) = delete;

    ~Wire() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    Result<void> ask(const std::string& body) {
        const std::string text =
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Content-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
        const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        return sent == static_cast<ssize_t>(text.size())
                   ? Result<void>(ok())
                   : Result<void>(fail(Errc::kIo, "the source took no more questions"));
    }

    /// Passes one answer; the size of its body.
    Result<std::size_t> pass() {
        std::size_t head_end = std::string::npos;
        while ((head_end = in_.find("\r\n\r\n")) == std::string::npos) {
            MARGRAVE_TRY(fill());
        }
        std::string head = in_.substr(0, head_end);
        std::ranges::transform(head, head.begin(), [](unsigned char c) {
            return static_cast<char>(std::tolower(c));
        });
        const std::size_t at = head.find("content-length: ");
        std::size_t size = 0;
        if (at == std::string::npos ||
            std::from_chars(head.data() + at + 16, head.data() + head.size(), size).ec !=
                std::errc{}) {
            return fail(Errc::kInvalid, "an answer without a length");
        }
        in_.erase(0, head_end + 4);
        std::size_t left = size;
        while (left > 0) {
            if (in_.empty()) {
                MARGRAVE_TRY(fill());
            }
            const std::size_t part = std::min(left, in_.size());
            refused_ = refused_ || (left == size && in_.find("\"error\"") < 60);
            in_.erase(0, part);
            left -= part;
        }
        return refused_ ? Result<std::size_t>(fail(Errc::kRpc, "the source refused a range"))
                        : Result<std::size_t>(size);
    }

  private:
    Wire()
        : buffer_(1 << 18) {}

    Result<void> fill() {
        const ssize_t got = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
        if (got <= 0) {
            return fail(Errc::kIo, "the source closed the connection");
        }
        in_.append(buffer_.data(), static_cast<std::size_t>(got));
        return ok();
    }

    int fd_{-1};
    bool refused_{false};
    std::vector<char> buffer_;
    std::string in_;
};

std::string question(const Options& options, std::uint64_t from, std::uint64_t to) {
    const auto hex = [](std::uint64_t number) {
        std::array<char, 24> out{};
        std::snprintf(out.data(), out.size(), "0x%llx", static_cast<unsigned long long>(number));
        return std::string(out.data());
    };
    return R"({"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"fromBlock":")" +
           hex(from) + R"(","toBlock":")" + hex(to) + R"(","address":")" + options.address +
           R"(","topics":[")" + options.topic + R"("]}]})";
}

Result<void> drain(const Options& options) {
    MARGRAVE_TRY(Wire wire, Wire::dial(options.port));
    const auto begun = std::chrono::steady_clock::now();
    std::uint64_t next = options.from;
    std::uint64_t waiting = 0;
    std::uint64_t bytes = 0;
    while (next <= options.to || waiting > 0) {
        if (next <= options.to && waiting < options.ahead) {
            MARGRAVE_TRY(
                wire.ask(question(options, next, std::min(next + options.blocks - 1, options.to)))
            );
            next += options.blocks;
            ++waiting;
            continue;
        }
        MARGRAVE_TRY(const std::size_t size, wire.pass());
        bytes += size;
        --waiting;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    std::printf(
        "{\"seconds\":%.6f,\"bytes\":%llu}\n", took.count(), static_cast<unsigned long long>(bytes)
    );
    return ok();
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Drains the logs of one contract and topic from a source on loopback.");
    app.add_option("--port", options.port)->required();
    app.add_option("--from", options.from)->required();
    app.add_option("--to", options.to)->required();
    app.add_option("--address", options.address)->required();
    app.add_option("--topic", options.topic)->required();
    app.add_option("--blocks", options.blocks, "Blocks of one question")
        ->check(CLI::PositiveNumber);
    app.add_option("--ahead", options.ahead, "Questions under way")->check(CLI::Range(1, 64));
    CLI11_PARSE(app, argc, argv);
    const auto done = drain(options);
    if (!done) {
        std::fprintf(stderr, "drain: %s\n", done.error().detail.c_str());
        return exit_code(done.error().code);
    }
    return 0;
}
