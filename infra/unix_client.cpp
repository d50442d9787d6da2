// SPDX-License-Identifier: Apache-2.0
#include "infra/unix_client.hpp"

#include "infra/timeout.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace margrave::infra {

namespace {

constexpr std::size_t kAnswerMax = std::size_t{64} << 20;

Error system_error(const std::string& doing, int number) {
    const std::error_code ec(number, std::generic_category());
    return fail(Errc::kIo, doing + " failed: " + ec.message());
}

/// A connected, non-blocking socket that closes itself.
class Client {
  public:
    Client(std::string path, const Deadline& deadline)
        : path_(std::move(path)),
          deadline_(deadline) {}

    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    ~Client() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    Result<void> connect();
    Result<void> write(std::string_view bytes);
    Result<std::string> read_line();

  private:
    Result<void> wait(short events);

    int fd_{-1};
    std::string path_;
    const Deadline& deadline_;
};

Result<void> Client::wait(short events) {
    while (true) {
        pollfd entry{fd_, events, 0};
        const int ready = ::poll(&entry, 1, static_cast<int>(deadline_.left().count()));
        if (ready > 0) {
            return ok();
        }
        if (ready == 0) {
            return timeout_error("the daemon's answer on " + path_, deadline_.limit());
        }
        if (errno != EINTR) {
            return system_error("waiting for " + path_, errno);
        }
    }
}

Result<void> Client::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
        return fail(Errc::kInvalid, "socket path " + path_ + " is too long");
    }
    std::memcpy(address.sun_path, path_.data(), path_.size());
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) {
        return system_error("making a socket", errno);
    }
    while (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED) {
            return fail(Errc::kNotFound, "no daemon listens on " + path_);
        }
        // A full accept queue is EAGAIN and cannot be polled for.
        if (errno != EAGAIN && errno != EINTR) {
            return system_error("connecting to " + path_, errno);
        }
        if (deadline_.passed()) {
            return timeout_error("connecting to " + path_, deadline_.limit());
        }
        ::poll(nullptr, 0, 10);
    }
    return ok();
}

Result<void> Client::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (put >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(put));
            continue;
        }
        // The server may have answered and closed without reading all: its answer says why.
        if (errno == EPIPE || errno == ECONNRESET) {
            return ok();
        }
        if (errno != EAGAIN && errno != EINTR) {
            return system_error("writing to " + path_, errno);
        }
        MARGRAVE_TRY(wait(POLLOUT));
    }
    return ok();
}

Result<std::string> Client::read_line() {
    std::string line;
    std::array<char, 65'536> chunk{};
    while (true) {
        const ssize_t got = ::recv(fd_, chunk.data(), chunk.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            MARGRAVE_TRY(wait(POLLIN));
            continue;
        }
        if (got < 0) {
            return system_error("reading from " + path_, errno);
        }
        if (got == 0) {
            return fail(Errc::kIo, "the daemon on " + path_ + " closed without a whole answer");
        }
        const std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
        const std::size_t end = bytes.find('\n');
        line.append(bytes.substr(0, end));
        if (line.size() > kAnswerMax) {
            return fail(Errc::kLimit, "the daemon's answer on " + path_ + " is too long");
        }
        if (end != std::string_view::npos) {
            return line;
        }
    }
}

}  // namespace

Result<std::string> unix_request(
    const std::filesystem::path& path, std::string_view line, std::chrono::milliseconds timeout
) {
    if (line.find('\n') != std::string_view::npos) {
        return fail(Errc::kInvalid, "a request to the daemon is one line");
    }
    const Deadline deadline = Deadline::after(timeout);
    Client client(path.string(), deadline);
    MARGRAVE_TRY(client.connect());
    MARGRAVE_TRY(client.write(std::string(line) + "\n"));
    return client.read_line();
}

}  // namespace margrave::infra
