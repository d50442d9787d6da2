// SPDX-License-Identifier: Apache-2.0
#include "infra/http_client.hpp"

#include "infra/detail/dial.hpp"
#include "infra/detail/http_connection.hpp"
#include "infra/detail/http_text.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>
#include <utility>

namespace margrave::infra {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using detail::HttpConnection;
using detail::HttpEndpoint;
using detail::HttpExchange;
using detail::HttpWire;

class HttpClient::Impl {
  public:
    Impl(Executor executor, std::string name, Url url, HttpLimits limits);

    static Task<Result<HttpResponse>> run(std::shared_ptr<Impl> self, HttpRequest request);

    [[nodiscard]] const HttpEndpoint& endpoint() const { return endpoint_; }

    [[nodiscard]] std::size_t connections() const { return active_ + idle_.size(); }

    [[nodiscard]] std::size_t waiting() const { return waiters_.size(); }

  private:
    struct Waiter;
    class Turn;
    using Connection = std::unique_ptr<HttpConnection>;

    static Task<Result<Turn>> take_turn(std::shared_ptr<Impl> self);
    static Task<Result<Connection>> connect(std::shared_ptr<Impl> self);

    Connection take_idle();
    void end_turn();

    Executor executor_;
    HttpEndpoint endpoint_;
    error_code tls_ec_;
    std::size_t active_{0};
    std::vector<Connection> idle_;
    std::list<Waiter*> waiters_;
    /// From the last lookup; empty before the first and after no address would connect.
    std::vector<tcp::endpoint> addresses_;
};

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

/// A request in the queue for a connection.
struct HttpClient::Impl::Waiter {
    Waiter(const Executor& executor, Impl& o)
        : owner(o),
          granted(executor, asio::steady_timer::time_point::max()) {
        owner.waiters_.push_back(this);
    }

    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Also on the way out of a cancelled or destroyed task: leave the queue, or pass the turn on.
    ~Waiter() {
        if (!has_turn) {
            owner.waiters_.remove(this);
        } else if (!used) {
            owner.end_turn();
        }
    }

    Impl& owner;
    asio::steady_timer granted;
    bool has_turn{false};
    bool used{false};
};

/// The right to use one connection; hands itself to the next in the queue.
class HttpClient::Impl::Turn {
  public:
    explicit Turn(std::shared_ptr<Impl> owner)
        : owner_(std::move(owner)) {}

    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&&) = delete;

    ~Turn() {
        if (owner_ != nullptr) {
            owner_->end_turn();
        }
    }

  private:
    std::shared_ptr<Impl> owner_;
};

HttpClient::Impl::Impl(Executor executor, std::string name, Url url, HttpLimits limits)
    : executor_(std::move(executor)) {
    endpoint_.name = std::move(name);
    endpoint_.url = std::move(url);
    endpoint_.limits = std::move(limits);
    if (!endpoint_.url.tls) {
        return;
    }
    endpoint_.tls.emplace(detail::make_tls(endpoint_.limits.ca_file, tls_ec_));
}

void HttpClient::Impl::end_turn() {
    if (waiters_.empty()) {
        --active_;
        return;
    }
    Waiter* next = waiters_.front();
    waiters_.pop_front();
    next->has_turn = true;
    next->granted.cancel();
}

Task<Result<HttpClient::Impl::Turn>> HttpClient::Impl::take_turn(std::shared_ptr<Impl> self) {
    if (self->active_ < self->endpoint_.limits.connections) {
        ++self->active_;
        co_return Turn(self);
    }
    if (self->waiters_.size() >= self->endpoint_.limits.waiting) {
        const std::string count = std::to_string(self->waiters_.size());
        co_return fail(
            Errc::kLimit, count + " requests wait for " + self->endpoint_.name + " already"
        );
    }
    Waiter waiter(self->executor_, *self);
    co_await waiter.granted.async_wait(kAwait);
    if (!waiter.has_turn) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    waiter.used = true;
    co_return Turn(self);
}

HttpClient::Impl::Connection HttpClient::Impl::take_idle() {
    while (!idle_.empty()) {
        Connection connection = std::move(idle_.back());
        idle_.pop_back();
        if (!connection->is_stale()) {
            return connection;
        }
    }
    return nullptr;
}

Task<Result<HttpClient::Impl::Connection>> HttpClient::Impl::connect(std::shared_ptr<Impl> self) {
    const std::string& name = self->endpoint_.name;
    if (self->tls_ec_) {
        co_return fail(
            Errc::kIo, "no certificate authorities for " + name + ": " + self->tls_ec_.message()
        );
    }
    Error last = fail(Errc::kIo, name + " has no address");
    std::vector<tcp::endpoint> tried;
    // First the addresses of the last lookup, then, when none answers, those of a new one.
    for (int lookups = self->addresses_.empty() ? 1 : 0; lookups < 2; ++lookups) {
        if (self->addresses_.empty()) {
            auto found = co_await detail::resolve(self->executor_, name, self->endpoint_.url);
            if (!found) {
                co_return found.as_failure();
            }
            self->addresses_ = std::move(found.value());
        }
        const std::vector<tcp::endpoint> addresses = self->addresses_;
        if (addresses == tried) {
            break;
        }
        for (const tcp::endpoint& address : addresses) {
            auto made = std::make_unique<HttpConnection>(self->executor_, &self->endpoint_);
            Task<Result<void>> opening = made->open(address);
            std::string what = "connecting to " + name;
            const auto limit = self->endpoint_.limits.connect_timeout;
            const Result<void> opened =
                co_await with_timeout(std::move(opening), limit, std::move(what));
            if (opened) {
                co_return std::move(made);
            }
            last = opened.error();
        }
        tried = addresses;
        self->addresses_.clear();
    }
    co_return last;
}

Task<Result<HttpResponse>> HttpClient::Impl::run(std::shared_ptr<Impl> self, HttpRequest request) {
    const Result<Turn> turn = co_await take_turn(self);
    if (!turn) {
        co_return turn.as_failure();
    }
    const bool resend = request.resend;
    const HttpWire wire = detail::make_wire(self->endpoint_, std::move(request));
    Connection connection = self->take_idle();
    bool kept = connection != nullptr;
    while (true) {
        if (connection == nullptr) {
            Result<Connection> made = co_await connect(self);
            if (!made) {
                co_return made.as_failure();
            }
            connection = std::move(made.value());
        }
        HttpExchange done = co_await connection->exchange(&wire);
        if (done.response) {
            if (done.keep) {
                self->idle_.push_back(std::move(connection));
            }
            co_return std::move(*done.response);
        }
        if (!kept || !done.unanswered || !resend) {
            co_return std::move(done.error);
        }
        // The server closed what it had kept open, most likely before it saw the request.
        kept = false;
        connection.reset();
    }
}

HttpClient::HttpClient(Executor executor, std::string name, Url url, HttpLimits limits)
    : impl_(std::make_shared<Impl>(
          std::move(executor), std::move(name), std::move(url), std::move(limits)
      )) {}

HttpClient::~HttpClient() = default;

Task<Result<HttpResponse>> HttpClient::send(
    HttpRequest request, std::chrono::milliseconds deadline
) {
    const std::shared_ptr<Impl> impl = impl_;
    const Result<void> sendable = detail::check_request(request);
    if (!sendable) {
        co_return sendable.as_failure();
    }
    std::string what = "HTTP " + request.method + " to " + impl->endpoint().name;
    Task<Result<HttpResponse>> work = Impl::run(impl, std::move(request));
    Result<HttpResponse> result = co_await with_timeout(std::move(work), deadline, std::move(what));
    co_return result;
}

Task<Result<HttpResponse>> HttpClient::post(
    std::string body, std::string content_type, std::chrono::milliseconds deadline
) {
    HttpRequest request;
    request.method = "POST";
    request.body = std::move(body);
    request.content_type = std::move(content_type);
    return send(std::move(request), deadline);
}

Task<Result<HttpResponse>> HttpClient::get(std::string path, std::chrono::milliseconds deadline) {
    HttpRequest request;
    request.path = std::move(path);
    return send(std::move(request), deadline);
}

const std::string& HttpClient::name() const {
    return impl_->endpoint().name;
}

const Url& HttpClient::url() const {
    return impl_->endpoint().url;
}

std::size_t HttpClient::connections() const {
    return impl_->connections();
}

std::size_t HttpClient::waiting() const {
    return impl_->waiting();
}

}  // namespace margrave::infra
