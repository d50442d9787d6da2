// SPDX-License-Identifier: Apache-2.0
#include "infra/unix_server.hpp"

#include "infra/detail/log_text.hpp"
#include "infra/task_group.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace margrave::infra {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

class UnixServer::Impl {
  public:
    Impl(
        Executor executor,
        std::filesystem::path path,
        Handler handler,
        UnixLimits limits,
        Logger log
    )
        : path_(std::move(path)),
          executor_(std::move(executor)),
          handler_(std::move(handler)),
          limits_(limits),
          log_(log),
          acceptor_(executor_) {}

    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void> bind();
    Task<void> accept_loop(TaskGroup* group);
    Task<void> session(Protocol::socket socket);

    const std::filesystem::path path_;
    Executor executor_;
    std::size_t sessions_{0};

    UnixLimits limits() const { return limits_; }

  private:
    Task<Result<std::string>> read_line(Protocol::socket* socket, std::string* buffer);
    Task<bool> write_line(Protocol::socket* socket, std::string line);
    Task<void> serve(Protocol::socket* socket);
    [[nodiscard]] std::string fitting(std::string answer) const;

    Handler handler_;
    UnixLimits limits_;
    Logger log_;
    LogLimiter limiter_{10, std::chrono::minutes(1)};
    Protocol::acceptor acceptor_;

    struct stat made_ {};
};

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
/// Pieces in which a long answer is written, so that the idle limit sees progress.
constexpr std::size_t kWriteChunk = 256U << 10;

void check_alive(const error_code& ec) {
    if (ec == asio::error::operation_aborted) {
        throw boost::system::system_error(ec);
    }
}

std::string error_line(Errc code, std::string_view detail) {
    return R"({"error":{"code":)" + detail::json_string(to_string(code), 64) + R"(,"detail":)" +
           detail::json_string(detail, 1024) + "}}";
}

Error bind_error(const std::string& path, const error_code& ec) {
    return fail(Errc::kIo, "cannot listen on " + path + ": " + ec.message());
}

/// Removes a socket file that nobody answers on. kLocked when somebody does.
Result<void> clear_stale(const std::filesystem::path& path) {
    struct stat facts {};

    if (::lstat(path.c_str(), &facts) != 0) {
        return ok();
    }
    if (!S_ISSOCK(facts.st_mode)) {
        return fail(Errc::kIo, path.string() + " is in the way: it is not a socket");
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
    const int number = connected == 0 ? 0 : errno;
    ::close(fd);
    if (number == 0 || number == EAGAIN) {
        return fail(Errc::kLocked, "another process answers on " + path.string());
    }
    if (number != ECONNREFUSED && number != ENOENT) {
        return bind_error(path.string(), error_code(number, boost::system::generic_category()));
    }
    ::unlink(path.c_str());
    return ok();
}

Task<void> write_chunk(Protocol::socket* socket, asio::const_buffer bytes) {
    const auto [ec, count] = co_await asio::async_write(*socket, bytes, kAwait);
    if (ec) {
        throw boost::system::system_error(ec);
    }
}

struct Count {
    explicit Count(std::size_t& n)
        : number(n) {
        ++number;
    }

    Count(const Count&) = delete;
    Count& operator=(const Count&) = delete;

    ~Count() { --number; }

    std::size_t& number;
};

}  // namespace

UnixServer::Impl::~Impl() {
    struct stat now {};

    const bool ours = made_.st_ino != 0 && ::lstat(path_.c_str(), &now) == 0 &&
                      now.st_ino == made_.st_ino && now.st_dev == made_.st_dev;
    if (ours) {
        ::unlink(path_.c_str());
    }
}

Result<void> UnixServer::Impl::bind() {
    if (path_.native().size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(
            Errc::kInvalid,
            "socket path " + path_.string() + " is longer than " +
                std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes"
        );
    }
    MARGRAVE_TRY(clear_stale(path_));
    error_code ec;
    acceptor_.open(Protocol(), ec);
    if (ec) {
        return bind_error(path_.string(), ec);
    }
    // Linux gives the file the socket's own mode, so it is private from its first moment.
    ::fchmod(acceptor_.native_handle(), 0600);
    acceptor_.bind(Protocol::endpoint(path_.string()), ec);
    if (ec) {
        return bind_error(path_.string(), ec);
    }
    if (::lstat(path_.c_str(), &made_) != 0 || ::chmod(path_.c_str(), 0600) != 0) {
        return bind_error(path_.string(), error_code(errno, boost::system::generic_category()));
    }
    acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) {
        return bind_error(path_.string(), ec);
    }
    return ok();
}

Task<void> UnixServer::Impl::accept_loop(TaskGroup* group) {
    while (true) {
        Protocol::socket socket(executor_);
        const auto [ec] = co_await acceptor_.async_accept(socket, kAwait);
        check_alive(ec);
        if (ec) {
            // Out of descriptors, for example: it passes, and a tight loop would not help it to.
            if (const auto skipped = limiter_.pass()) {
                log_.warn("unix.accept_failed", {{"error", ec.message()}, {"skipped", *skipped}});
            }
            co_await sleep_for(std::chrono::milliseconds(100));
            continue;
        }
        if (sessions_ >= limits_.sessions) {
            const std::string line =
                error_line(Errc::kLimit, std::to_string(sessions_) + " sessions are open already") +
                "\n";
            error_code ignored;
            socket.non_blocking(true, ignored);
            socket.write_some(asio::buffer(line), ignored);
            continue;
        }
        const Result<void> started = group->spawn("unix session", session(std::move(socket)));
        if (!started) {
            co_return;
        }
    }
}

Task<void> UnixServer::Impl::session(Protocol::socket socket) {
    const Count count(sessions_);
    try {
        co_await serve(&socket);
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted) {
            throw;
        }
        log_.error("unix.session_failed", {{"error", e.what()}});
    } catch (const std::exception& e) {
        // One request must not take the server down; the client sees its connection close.
        log_.error("unix.session_failed", {{"error", e.what()}});
    }
}

Task<void> UnixServer::Impl::serve(Protocol::socket* socket) {
    std::string buffer;
    while (true) {
        std::string what = "waiting for a request";
        Task<Result<std::string>> reading = read_line(socket, &buffer);
        Result<std::string> request =
            co_await with_timeout(std::move(reading), limits_.idle, std::move(what));
        std::string answer;
        const bool too_long = !request && request.error().code == Errc::kLimit;
        if (too_long) {
            answer = error_line(Errc::kLimit, request.error().detail);
        } else if (!request) {
            co_return;
        } else {
            answer = co_await handler_(std::move(request.value()));
            answer = fitting(std::move(answer));
        }
        const bool written = co_await write_line(socket, std::move(answer));
        if (!written || too_long) {
            co_return;
        }
    }
}

std::string UnixServer::Impl::fitting(std::string answer) const {
    if (answer.size() > limits_.response_bytes) {
        return error_line(
            Errc::kLimit,
            "the answer has " + std::to_string(answer.size()) + " bytes, more than " +
                std::to_string(limits_.response_bytes)
        );
    }
    if (answer.find('\n') != std::string::npos) {
        return error_line(Errc::kInvalid, "the answer has more than one line");
    }
    return answer;
}

Task<Result<std::string>> UnixServer::Impl::read_line(
    Protocol::socket* socket, std::string* buffer
) {
    auto view = asio::dynamic_buffer(*buffer, limits_.request_bytes + 1);
    const auto [ec, length] = co_await asio::async_read_until(*socket, view, '\n', kAwait);
    check_alive(ec);
    if (ec == asio::error::not_found) {
        co_return fail(
            Errc::kLimit,
            "the request is longer than " + std::to_string(limits_.request_bytes) + " bytes"
        );
    }
    if (ec) {
        co_return fail(Errc::kIo, ec.message());
    }
    std::string line = buffer->substr(0, length - 1);
    buffer->erase(0, length);
    co_return line;
}

Task<bool> UnixServer::Impl::write_line(Protocol::socket* socket, std::string line) {
    line += '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
        const auto chunk = asio::buffer(rest.data(), std::min(rest.size(), kWriteChunk));
        Task<void> writing = write_chunk(socket, chunk);
        bool finished = false;
        try {
            finished = co_await run_for(std::move(writing), limits_.idle);
        } catch (const boost::system::system_error& e) {
            check_alive(e.code());
        }
        if (!finished) {
            co_return false;
        }
        rest.remove_prefix(chunk.size());
    }
    co_return true;
}

Result<std::unique_ptr<UnixServer>> UnixServer::listen(
    Executor executor, std::filesystem::path path, Handler handler, UnixLimits limits, Logger log
) {
    auto impl = std::make_unique<Impl>(
        std::move(executor), std::move(path), std::move(handler), limits, log
    );
    MARGRAVE_TRY(impl->bind());
    return std::unique_ptr<UnixServer>(new UnixServer(std::move(impl)));
}

UnixServer::UnixServer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

UnixServer::~UnixServer() = default;

Task<void> UnixServer::run() {
    TaskGroup group(impl_->executor_, impl_->limits().sessions + 1);
    const Result<void> started = group.spawn("unix accept", impl_->accept_loop(&group));
    MARGRAVE_ASSERT(started.has_value());
    co_await group.wait();
}

const std::filesystem::path& UnixServer::path() const {
    return impl_->path_;
}

std::size_t UnixServer::sessions() const {
    return impl_->sessions_;
}

}  // namespace margrave::infra
