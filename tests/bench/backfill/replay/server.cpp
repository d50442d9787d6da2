// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/backfill/replay/server.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <netinet/tcp.h>
#include <optional>
#include <span>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace margrave::replay {
namespace {

constexpr std::size_t kHeadMax = 16 * 1024;
constexpr std::size_t kBodyMax = 16 * 1024 * 1024;
/// Of answers that wait in one connection; above it no further question is read.
constexpr std::size_t kOutMax = 8 * 1024 * 1024;
constexpr std::size_t kConnectionsMax = 256;
constexpr std::size_t kPiecesAtOnce = 256;

Error trouble(const char* what) {
    return fail(Errc::kIo, std::string(what) + ": " + std::strerror(errno));
}

std::optional<std::size_t> content_length(std::string_view head) {
    constexpr std::string_view kName = "\r\ncontent-length:";
    const auto equal = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
    };
    const auto found = std::ranges::search(head, kName, equal);
    if (found.empty()) {
        return std::nullopt;
    }
    const char* at = &*found.begin() + kName.size();
    const char* end = head.data() + head.size();
    at = std::find_if(at, end, [](char c) { return c != ' '; });
    std::size_t out = 0;
    return std::from_chars(at, end, out).ec == std::errc{} ? std::optional(out) : std::nullopt;
}

Result<Descriptor> watch_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) {
        return trouble("sigprocmask");
    }
    Descriptor out(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    if (out.get() < 0) {
        return trouble("signalfd");
    }
    return out;
}

// By the nanosecond, since at a paced link an answer is due every fraction of a millisecond.
int wait_for(
    int epoll, std::span<epoll_event> events, const std::optional<std::chrono::nanoseconds>& time
) {
    timespec limit{};
    if (time) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
        limit.tv_sec = seconds.count();
        limit.tv_nsec = (*time - seconds).count();
    }
    return ::epoll_pwait2(
        epoll, events.data(), static_cast<int>(events.size()), time ? &limit : nullptr, nullptr
    );
}

bool add_to(int epoll, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Result<std::unique_ptr<Server>> Server::listen(
    std::uint16_t port, const Pace& pace, Answers& answers
) {
    std::unique_ptr<Server> out(new Server(answers, pace));
    MARGRAVE_TRY(out->signals_, watch_signals());
    out->epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    out->listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int listener = out->listener_.get();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(listener, plain, size) != 0 || ::listen(listener, 64) != 0 ||
        ::getsockname(listener, plain, &size) != 0) {
        return trouble("listening on 127.0.0.1");
    }
    out->port_ = ntohs(address.sin_port);
    if (!add_to(out->epoll_.get(), listener, EPOLLIN) ||
        !add_to(out->epoll_.get(), out->signals_.get(), EPOLLIN)) {
        return trouble("epoll_ctl");
    }
    return out;
}

Result<void> Server::run() {
    std::array<epoll_event, 64> events{};
    while (true) {
        const int count = wait_for(epoll_.get(), events, wait());
        if (count < 0 && errno != EINTR) {
            return trouble("epoll_wait");
        }
        std::unordered_map<int, std::uint32_t> ready;
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events.at(static_cast<std::size_t>(i));
            if (event.data.fd == signals_.get()) {
                return ok();
            }
            ready[event.data.fd] = event.events;
        }
        // An answer whose time has come needs no event.
        if (pace_.latency.count() > 0 || pace_.bytes_per_second > 0) {
            for (const auto& [fd, connection] : connections_) {
                ready.try_emplace(fd, 0);
            }
        }
        for (const auto& [fd, what] : ready) {
            if (fd == listener_.get()) {
                accept_all();
            } else if (!serve(*connections_.at(fd), what)) {
                connections_.erase(fd);
            }
        }
    }
}

void Server::accept_all() {
    while (true) {
        Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)
        );
        const int fd = socket.get();
        if (fd < 0) {
            return;
        }
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connections_.size() >= kConnectionsMax || !add_to(epoll_.get(), fd, EPOLLIN)) {
            continue;
        }
        auto connection = std::make_unique<Connection>();
        connection->socket = std::move(socket);
        connection->events = EPOLLIN;
        connections_.emplace(fd, std::move(connection));
    }
}

bool Server::serve(Connection& connection, std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !read_some(connection)) {
        return false;
    }
    // Questions that were read may wait for room among the answers, and writing makes room.
    std::size_t questions = 0;
    do {
        questions = parse(connection);
        if (!write_some(connection)) {
            return false;
        }
    } while (questions > 0 && connection.out.empty());
    watch(connection);
    return !(connection.closing && connection.out.empty());
}

bool Server::read_some(Connection& connection) {
    std::array<char, 64 * 1024> buffer{};
    const ssize_t got = ::recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
        connection.in.append(buffer.data(), static_cast<std::size_t>(got));
        return true;
    }
    return got < 0 && (errno == EAGAIN || errno == EINTR);
}

std::size_t Server::parse(Connection& connection) {
    std::size_t questions = 0;
    std::size_t at = 0;
    while (connection.out_bytes < kOutMax && !connection.closing) {
        const std::string_view rest = std::string_view(connection.in).substr(at);
        const std::size_t head_size = rest.find("\r\n\r\n");
        if (head_size == std::string_view::npos) {
            connection.closing = rest.size() > kHeadMax;
            break;
        }
        const std::string_view head = rest.substr(0, head_size + 2);
        const auto length = content_length(head);
        if (!head.starts_with("POST ") || !length || *length > kBodyMax) {
            queue(connection, "400 Bad Request", Text());
            connection.closing = true;
            break;
        }
        const std::size_t whole = head_size + 4 + *length;
        if (rest.size() < whole) {
            break;
        }
        queue(connection, "200 OK", answers_.answer(rest.substr(head_size + 4, *length)));
        at += whole;
        ++questions;
    }
    connection.in.erase(0, at);
    return questions;
}

void Server::queue(Connection& connection, std::string_view status, Text body) {
    Pending pending;
    pending.head =
        "HTTP/1.1 " + std::string(status) +
        "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
        "\r\n\r\n";
    connection.out_bytes += pending.head.size() + body.size();
    pending.due = due(pending.head.size() + body.size());
    pending.text = std::move(body);
    connection.out.push_back(std::move(pending));
}

bool Server::write_some(Connection& connection) {
    while (!connection.out.empty() && connection.out.front().due <= Clock::now()) {
        Pending& answer = connection.out.front();
        std::array<iovec, kPiecesAtOnce> parts{};
        std::size_t count = 0;
        std::size_t offset = answer.offset;
        const auto& pieces = answer.text.pieces();
        for (std::size_t i = answer.piece; i <= pieces.size() && count < parts.size(); ++i) {
            const std::string_view piece = i == 0 ? std::string_view(answer.head) : pieces[i - 1];
            parts.at(count++) = {const_cast<char*>(piece.data()) + offset, piece.size() - offset};
            offset = 0;
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t sent = ::sendmsg(connection.socket.get(), &message, MSG_NOSIGNAL);
        if (sent < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        bytes_sent_ += static_cast<std::uint64_t>(sent);
        connection.out_bytes -= static_cast<std::size_t>(sent);
        if (answer.advance(static_cast<std::size_t>(sent))) {
            connection.out.pop_front();
        }
    }
    return true;
}

// True when all of it is sent.
bool Server::Pending::advance(std::size_t sent) {
    const auto& pieces = text.pieces();
    while (piece <= pieces.size()) {
        const std::size_t left = (piece == 0 ? head.size() : pieces[piece - 1].size()) - offset;
        if (sent < left) {
            offset += sent;
            return false;
        }
        sent -= left;
        offset = 0;
        ++piece;
    }
    return true;
}

void Server::watch(Connection& connection) {
    const bool blocked = !connection.out.empty() && connection.out.front().due <= Clock::now();
    const bool full = connection.out_bytes >= kOutMax || connection.closing;
    const std::uint32_t wanted = (full ? 0U : std::uint32_t{EPOLLIN}) | (blocked ? EPOLLOUT : 0U);
    if (wanted == connection.events) {
        return;
    }
    epoll_event event{};
    event.events = connection.events = wanted;
    event.data.fd = connection.socket.get();
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, event.data.fd, &event);
}

Server::Clock::time_point Server::due(std::size_t size) {
    Clock::time_point out = Clock::now() + pace_.latency;
    if (pace_.bytes_per_second > 0) {
        const double seconds =
            static_cast<double>(size) / static_cast<double>(pace_.bytes_per_second);
        link_free_ =
            std::max(link_free_, out) +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
        out = link_free_;
    }
    return out;
}

// Until the next delayed answer is due, which it may have become since `watch` looked; nothing when
// none waits, or only for its socket.
std::optional<std::chrono::nanoseconds> Server::wait() const {
    std::optional<Clock::time_point> next;
    for (const auto& [fd, connection] : connections_) {
        if (!connection->out.empty() && (connection->events & EPOLLOUT) == 0) {
            next =
                std::min(next.value_or(connection->out.front().due), connection->out.front().due);
        }
    }
    if (!next) {
        return std::nullopt;
    }
    return std::max<std::chrono::nanoseconds>(*next - Clock::now(), std::chrono::nanoseconds(0));
}

}  // namespace margrave::replay
