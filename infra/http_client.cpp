// SPDX-License-Identifier: Apache-2.0
#include "infra/http_client.hpp"

#include "infra/detail/http_text.hpp"
#include "infra/log.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <list>
#include <sys/socket.h>
#include <utility>

namespace margrave::infra {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;
using Wire = http::request<http::string_body>;

namespace {

/// Every operation reports its error_code as a value; a cancellation is thrown on by `check_alive`.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

void check_alive(const error_code& ec) {
    if (ec == asio::error::operation_aborted) {
        throw boost::system::system_error(ec);
    }
}

struct Connection {
    explicit Connection(const Executor& executor)
        : socket(executor) {}

    /// Whether the peer has closed a connection that lies idle, or sent what nobody asked for. Over
    /// TLS unread bytes are normal: session tickets arrive when they like.
    [[nodiscard]] bool is_stale() {
        char byte = 0;
        const ssize_t got =
            ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT | MSG_NOSIGNAL);
        if (got < 0) {
            return errno != EAGAIN && errno != EWOULDBLOCK;
        }
        return got == 0 || !tls;
    }

    tcp::socket socket;
    std::optional<ssl::stream<tcp::socket&>> tls;
    beast::flat_buffer buffer;
    SteadyClock::time_point last_used;
};

/// What one request on one connection came to.
struct Exchange {
    std::optional<HttpResponse> response;
    Error error{Errc::kIo, ""};
    /// No byte of an answer was seen before the connection ended.
    bool unanswered{false};
    /// The connection may carry another request.
    bool keep{false};
};

/// A name lookup that outlives a caller who gives up: asio cannot cancel getaddrinfo.
struct Lookup {
    explicit Lookup(const Executor& executor)
        : resolver(executor),
          changed(executor, SteadyClock::time_point::max()) {}

    tcp::resolver resolver;
    asio::steady_timer changed;
    error_code ec;
    std::vector<tcp::endpoint> endpoints;
    bool finished{false};
};

bool is_closed(const error_code& ec) {
    return ec == http::error::end_of_stream || ec == asio::error::eof ||
           ec == asio::error::connection_reset || ec == asio::error::connection_aborted ||
           ec == asio::error::broken_pipe || ec == ssl::error::stream_truncated;
}

Error exchange_error(const std::string& name, const error_code& ec, const HttpLimits& limits) {
    if (ec == http::error::body_limit) {
        return fail(
            Errc::kLimit,
            name + " sent an answer of more than " + std::to_string(limits.body_bytes) + " bytes"
        );
    }
    if (ec == http::error::header_limit) {
        return fail(
            Errc::kLimit,
            name + " sent headers of more than " + std::to_string(limits.header_bytes) + " bytes"
        );
    }
    if (ec == http::error::partial_message) {
        return fail(Errc::kIo, name + " closed the connection in the middle of an answer");
    }
    if (is_closed(ec)) {
        return fail(Errc::kIo, name + " closed the connection before answering");
    }
    if (ec.category() == http::make_error_code(http::error::bad_version).category()) {
        return fail(Errc::kIo, name + " sent what is not an HTTP answer: " + ec.message());
    }
    return fail(Errc::kIo, "talking to " + name + " failed: " + ec.message());
}

HttpResponse to_response(http::response<http::string_body> message) {
    HttpResponse response;
    response.status = message.result_int();
    for (const auto& field : message.base()) {
        HttpHeader header;
        header.name = std::string(field.name_string());
        header.value = std::string(field.value());
        response.headers.push_back(std::move(header));
    }
    response.body = std::move(message.body());
    if (const auto value = response.header("retry-after")) {
        response.retry_after = parse_retry_after(*value, std::chrono::system_clock::now());
    }
    return response;
}

template <class Stream>
Task<Exchange> exchange(
    Stream& stream,
    Connection& connection,
    const Wire& wire,
    const std::string& name,
    const HttpLimits& limits
) {
    Exchange result;
    const auto start = SteadyClock::now();
    const auto [write_ec, written] = co_await http::async_write(stream, wire, kAwait);
    check_alive(write_ec);
    if (write_ec) {
        result.error = exchange_error(name, write_ec, limits);
        result.unanswered = is_closed(write_ec);
        co_return result;
    }
    http::response_parser<http::string_body> parser;
    parser.body_limit(limits.body_bytes);
    parser.header_limit(limits.header_bytes);
    parser.skip(wire.method() == http::verb::head);
    const auto [read_ec, got] =
        co_await http::async_read(stream, connection.buffer, parser, kAwait);
    check_alive(read_ec);
    if (read_ec) {
        result.error = exchange_error(name, read_ec, limits);
        result.unanswered = !parser.got_some() && is_closed(read_ec);
        co_return result;
    }
    result.keep = parser.keep_alive() && connection.buffer.size() == 0;
    connection.last_used = SteadyClock::now();
    HttpResponse response = to_response(parser.release());
    response.elapsed = std::chrono::ceil<std::chrono::milliseconds>(connection.last_used - start);
    const auto encoding = response.header("content-encoding");
    if (encoding && !beast::iequals(*encoding, "identity")) {
        result.keep = false;
        result.error = fail(
            Errc::kIo,
            name + " compressed its answer (" + printable(*encoding, 32) + ") though not asked to"
        );
        co_return result;
    }
    result.response = std::move(response);
    co_return result;
}

}  // namespace

class HttpClient::Impl {
  public:
    Impl(Executor executor, std::string name, Url url, HttpLimits limits);

    static Task<Result<HttpResponse>> run(std::shared_ptr<Impl> self, HttpRequest request);

    const Executor executor_;
    const std::string name_;
    const Url url_;
    const HttpLimits limits_;
    std::size_t active_{0};
    std::vector<std::unique_ptr<Connection>> idle_;

    struct Waiter {
        explicit Waiter(const Executor& executor)
            : granted(executor, SteadyClock::time_point::max()) {}

        asio::steady_timer granted;
        bool has_turn{false};
    };

    std::list<Waiter*> waiters_;

  private:
    /// The right to use one connection; hands itself to the next in the queue.
    class Turn {
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

    static Task<Result<Turn>> take_turn(std::shared_ptr<Impl> self);
    static Task<Result<std::unique_ptr<Connection>>> connect(std::shared_ptr<Impl> self);
    static Task<Result<std::vector<tcp::endpoint>>> resolve(std::shared_ptr<Impl> self);
    static Task<Result<void>> open(
        std::shared_ptr<Impl> self, Connection* connection, tcp::endpoint to
    );
    static Task<Exchange> use(Impl* self, Connection* connection, const Wire* wire);

    std::unique_ptr<Connection> take_idle();
    void end_turn();
    [[nodiscard]] Wire make_wire(HttpRequest request) const;

    std::optional<ssl::context> tls_;
    error_code tls_ec_;
    /// From the last lookup; empty before the first and after no address would connect.
    std::vector<tcp::endpoint> endpoints_;
};

HttpClient::Impl::Impl(Executor executor, std::string name, Url url, HttpLimits limits)
    : executor_(std::move(executor)),
      name_(std::move(name)),
      url_(std::move(url)),
      limits_(std::move(limits)) {
    if (!url_.tls) {
        return;
    }
    tls_.emplace(ssl::context::tls_client);
    ::SSL_CTX_set_min_proto_version(tls_->native_handle(), TLS1_2_VERSION);
    tls_->set_verify_mode(ssl::verify_peer);
    if (limits_.ca_file.empty()) {
        tls_->set_default_verify_paths(tls_ec_);
    } else {
        tls_->load_verify_file(limits_.ca_file, tls_ec_);
    }
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
    if (self->active_ < self->limits_.connections) {
        ++self->active_;
        co_return Turn(self);
    }
    if (self->waiters_.size() >= self->limits_.waiting) {
        co_return fail(
            Errc::kLimit,
            std::to_string(self->waiters_.size()) + " requests wait for " + self->name_ + " already"
        );
    }
    Waiter waiter(self->executor_);
    self->waiters_.push_back(&waiter);

    // Also on the way out of a cancelled or destroyed task: leave the queue, or pass the turn on.
    struct Leave {
        Impl& owner;
        Waiter& waiter;
        bool used{false};

        ~Leave() {
            if (!waiter.has_turn) {
                owner.waiters_.remove(&waiter);
            } else if (!used) {
                owner.end_turn();
            }
        }
    };

    Leave leave{*self, waiter};
    co_await waiter.granted.async_wait(kAwait);
    if (!waiter.has_turn) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    leave.used = true;
    co_return Turn(self);
}

std::unique_ptr<Connection> HttpClient::Impl::take_idle() {
    const auto now = SteadyClock::now();
    while (!idle_.empty()) {
        std::unique_ptr<Connection> connection = std::move(idle_.back());
        idle_.pop_back();
        if (now - connection->last_used < limits_.idle && !connection->is_stale()) {
            return connection;
        }
    }
    return nullptr;
}

Task<Result<std::vector<tcp::endpoint>>> HttpClient::Impl::resolve(std::shared_ptr<Impl> self) {
    using Endpoints = std::vector<tcp::endpoint>;
    error_code not_numeric;
    const auto address = asio::ip::make_address(self->url_.host, not_numeric);
    if (!not_numeric) {
        const auto port = static_cast<std::uint16_t>(std::stoul(self->url_.port));
        co_return Endpoints{tcp::endpoint(address, port)};
    }
    const auto lookup = std::make_shared<Lookup>(self->executor_);
    lookup->resolver.async_resolve(
        self->url_.host,
        self->url_.port,
        [lookup](const error_code& ec, const tcp::resolver::results_type& results) {
            lookup->finished = true;
            lookup->ec = ec;
            for (const auto& entry : results) {
                lookup->endpoints.push_back(entry.endpoint());
            }
            lookup->changed.cancel();
        }
    );
    co_await lookup->changed.async_wait(kAwait);
    if (!lookup->finished) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (lookup->ec || lookup->endpoints.empty()) {
        co_return fail(
            Errc::kIo, "the host of " + self->name_ + " has no address: " + lookup->ec.message()
        );
    }
    co_return std::move(lookup->endpoints);
}

Task<Result<void>> HttpClient::Impl::open(
    std::shared_ptr<Impl> self, Connection* connection, tcp::endpoint to
) {
    const auto [connect_ec] = co_await connection->socket.async_connect(to, kAwait);
    check_alive(connect_ec);
    if (connect_ec) {
        co_return fail(Errc::kIo, "cannot connect to " + self->name_ + ": " + connect_ec.message());
    }
    error_code ignored;
    connection->socket.set_option(tcp::no_delay(true), ignored);
    connection->socket.set_option(asio::socket_base::keep_alive(true), ignored);
    if (!self->tls_) {
        co_return ok();
    }
    const std::string& host = self->url_.host;
    connection->tls.emplace(connection->socket, *self->tls_);
    connection->tls->set_verify_callback(ssl::host_name_verification(host));
    error_code not_numeric;
    asio::ip::make_address(host, not_numeric);
    // RFC 6066: a literal address is never a server name.
    if (not_numeric && ::SSL_ctrl(
                           connection->tls->native_handle(),
                           SSL_CTRL_SET_TLSEXT_HOSTNAME,
                           TLSEXT_NAMETYPE_host_name,
                           const_cast<char*>(host.c_str())
                       ) != 1) {
        co_return fail(Errc::kIo, "the host of " + self->name_ + " cannot be a TLS server name");
    }
    const auto [tls_ec] =
        co_await connection->tls->async_handshake(ssl::stream_base::client, kAwait);
    check_alive(tls_ec);
    if (tls_ec) {
        co_return fail(
            Errc::kIo, "TLS handshake with " + self->name_ + " failed: " + tls_ec.message()
        );
    }
    co_return ok();
}

Task<Result<std::unique_ptr<Connection>>> HttpClient::Impl::connect(std::shared_ptr<Impl> self) {
    if (self->tls_ec_) {
        co_return fail(
            Errc::kIo,
            "no certificate authorities for " + self->name_ + ": " + self->tls_ec_.message()
        );
    }
    Error last = fail(Errc::kIo, self->name_ + " has no address");
    std::vector<tcp::endpoint> tried;
    // First the addresses of the last lookup, then, when none answers, those of a new one.
    for (int lookups = self->endpoints_.empty() ? 1 : 0; lookups < 2; ++lookups) {
        if (self->endpoints_.empty()) {
            auto found = co_await resolve(self);
            if (!found) {
                co_return found.as_failure();
            }
            self->endpoints_ = std::move(found.value());
        }
        const std::vector<tcp::endpoint> endpoints = self->endpoints_;
        if (endpoints == tried) {
            break;
        }
        for (const tcp::endpoint& endpoint : endpoints) {
            auto connection = std::make_unique<Connection>(self->executor_);
            Task<Result<void>> opening = open(self, connection.get(), endpoint);
            std::string what = "connecting to " + self->name_;
            const Result<void> opened = co_await with_timeout(
                std::move(opening), self->limits_.connect_timeout, std::move(what)
            );
            if (opened) {
                co_return std::move(connection);
            }
            last = opened.error();
        }
        tried = endpoints;
        self->endpoints_.clear();
    }
    co_return last;
}

Task<Exchange> HttpClient::Impl::use(Impl* self, Connection* connection, const Wire* wire) {
    if (connection->tls) {
        return exchange(*connection->tls, *connection, *wire, self->name_, self->limits_);
    }
    return exchange(connection->socket, *connection, *wire, self->name_, self->limits_);
}

Wire HttpClient::Impl::make_wire(HttpRequest request) const {
    const std::string target =
        request.path.empty() ? url_.target : detail::join_target(url_.target, request.path);
    Wire wire(http::verb::get, target, 11);
    wire.method_string(request.method);
    wire.set(http::field::host, url_.host_header());
    if (!limits_.user_agent.empty()) {
        wire.set(http::field::user_agent, limits_.user_agent);
    }
    wire.set(http::field::accept_encoding, "identity");
    if (!url_.userinfo.empty()) {
        wire.set(http::field::authorization, "Basic " + detail::base64(url_.userinfo));
    }
    if (!request.content_type.empty()) {
        wire.set(http::field::content_type, request.content_type);
    }
    for (const HttpHeader& header : request.headers) {
        wire.set(header.name, header.value);
    }
    wire.body() = std::move(request.body);
    wire.prepare_payload();
    return wire;
}

Task<Result<HttpResponse>> HttpClient::Impl::run(std::shared_ptr<Impl> self, HttpRequest request) {
    Result<Turn> turn = co_await take_turn(self);
    if (!turn) {
        co_return turn.as_failure();
    }
    const bool resend = request.resend;
    const Wire wire = self->make_wire(std::move(request));
    std::unique_ptr<Connection> connection = self->take_idle();
    const bool kept = connection != nullptr;
    for (int sends = 0;; ++sends) {
        if (connection == nullptr) {
            Result<std::unique_ptr<Connection>> made = co_await connect(self);
            if (!made) {
                co_return made.as_failure();
            }
            connection = std::move(made.value());
        }
        Exchange done = co_await use(self.get(), connection.get(), &wire);
        if (done.response) {
            if (done.keep) {
                self->idle_.push_back(std::move(connection));
            }
            co_return std::move(*done.response);
        }
        const bool stale = kept && sends == 0 && done.unanswered;
        if (!stale || !resend) {
            co_return std::move(done.error);
        }
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
    std::string what = "HTTP " + request.method + " to " + impl->name_;
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
    return impl_->name_;
}

const Url& HttpClient::url() const {
    return impl_->url_;
}

std::size_t HttpClient::connections() const {
    return impl_->active_ + impl_->idle_.size();
}

std::size_t HttpClient::waiting() const {
    return impl_->waiters_.size();
}

}  // namespace margrave::infra
