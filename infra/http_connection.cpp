// SPDX-License-Identifier: Apache-2.0
#include "infra/detail/http_connection.hpp"

#include "infra/detail/dial.hpp"
#include "infra/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <poll.h>
#include <utility>

namespace margrave::infra::detail {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;
using Parser = http::response_parser<http::string_body>;

struct HttpConnection::Streams {
    explicit Streams(const Executor& executor)
        : socket(executor) {
        // Beast reads as much at once as there is room for, and starts with 512 bytes.
        constexpr std::size_t kReadAtOnce = 64 * 1024;
        buffer.reserve(kReadAtOnce);
    }

    tcp::socket socket;
    std::optional<ssl::stream<tcp::socket&>> tls;
    beast::flat_buffer buffer;
};

namespace {

/// Every operation reports its error_code as a value; `check_alive` throws a cancellation on.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

void check_alive(const error_code& ec) {
    if (ec == asio::error::operation_aborted) {
        throw boost::system::system_error(ec);
    }
}

bool is_closed(const error_code& ec) {
    return ec == http::error::end_of_stream || ec == asio::error::eof ||
           ec == asio::error::connection_reset || ec == asio::error::connection_aborted ||
           ec == asio::error::broken_pipe || ec == ssl::error::stream_truncated;
}

std::size_t body_limit(const HttpEndpoint& endpoint, const HttpWire& wire) {
    const std::size_t limit = endpoint.limits.body_bytes;
    return wire.body_max == 0 ? limit : std::min(limit, wire.body_max);
}

Error to_error(const HttpEndpoint& endpoint, const HttpWire& wire, const error_code& ec) {
    const std::string& name = endpoint.name;
    if (ec == http::error::body_limit) {
        const std::string bytes = std::to_string(body_limit(endpoint, wire));
        return fail(Errc::kLimit, name + " sent an answer of more than " + bytes + " bytes");
    }
    if (ec == http::error::header_limit) {
        const std::string bytes = std::to_string(endpoint.limits.header_bytes);
        return fail(Errc::kLimit, name + " sent headers of more than " + bytes + " bytes");
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
Task<error_code> write_all(Stream& stream, const HttpWire& wire) {
    const std::array<asio::const_buffer, 2> parts{asio::buffer(wire.head), asio::buffer(wire.body)};
    const auto [ec, written] = co_await asio::async_write(stream, parts, kAwait);
    check_alive(ec);
    co_return ec;
}

template <class Stream>
Task<error_code> read_all(Stream& stream, beast::flat_buffer& buffer, Parser& parser) {
    const auto [ec, got] = co_await http::async_read(stream, buffer, parser, kAwait);
    check_alive(ec);
    co_return ec;
}

}  // namespace

HttpConnection::HttpConnection(const Executor& executor, HttpEndpoint* endpoint)
    : endpoint_(endpoint),
      streams_(std::make_unique<Streams>(executor)) {}

HttpConnection::~HttpConnection() = default;

Task<Result<void>> HttpConnection::open(tcp::endpoint to) {
    Streams& streams = *streams_;
    const std::string& name = endpoint_->name;
    const auto [connect_ec] = co_await streams.socket.async_connect(to, kAwait);
    check_alive(connect_ec);
    if (connect_ec) {
        co_return fail(Errc::kIo, "cannot connect to " + name + ": " + connect_ec.message());
    }
    error_code ignored;
    streams.socket.set_option(tcp::no_delay(true), ignored);
    streams.socket.set_option(asio::socket_base::keep_alive(true), ignored);
    if (!endpoint_->tls) {
        co_return ok();
    }
    const std::string& host = endpoint_->url.host;
    streams.tls.emplace(streams.socket, *endpoint_->tls);
    expect_host(*streams.tls, host);
    const auto [tls_ec] = co_await streams.tls->async_handshake(ssl::stream_base::client, kAwait);
    check_alive(tls_ec);
    if (tls_ec) {
        co_return fail(Errc::kIo, "TLS handshake with " + name + " failed: " + tls_ec.message());
    }
    co_return ok();
}

Task<HttpExchange> HttpConnection::exchange(const HttpWire* wire) {
    Streams& streams = *streams_;
    HttpExchange result;
    const auto start = SteadyClock::now();
    Task<error_code> writing =
        streams.tls ? write_all(*streams.tls, *wire) : write_all(streams.socket, *wire);
    const error_code write_ec = co_await std::move(writing);
    if (write_ec) {
        result.error = to_error(*endpoint_, *wire, write_ec);
        result.unanswered = is_closed(write_ec);
        co_return result;
    }
    Parser parser;
    parser.body_limit(body_limit(*endpoint_, *wire));
    parser.header_limit(endpoint_->limits.header_bytes);
    parser.skip(wire->is_head_method);
    Task<error_code> reading = streams.tls ? read_all(*streams.tls, streams.buffer, parser)
                                           : read_all(streams.socket, streams.buffer, parser);
    const error_code read_ec = co_await std::move(reading);
    if (read_ec) {
        result.error = to_error(*endpoint_, *wire, read_ec);
        result.unanswered = !parser.got_some() && is_closed(read_ec);
        co_return result;
    }
    last_used_ = SteadyClock::now();
    HttpResponse response = to_response(parser.release());
    response.elapsed = std::chrono::ceil<std::chrono::milliseconds>(last_used_ - start);
    const auto encoding = response.header("content-encoding");
    if (encoding && *encoding != "identity") {
        const std::string how = printable(*encoding, 32);
        result.error = fail(
            Errc::kIo, endpoint_->name + " compressed its answer (" + how + ") though not asked to"
        );
        co_return result;
    }
    result.keep = parser.keep_alive() && streams.buffer.size() == 0;
    result.response = std::move(response);
    co_return result;
}

bool HttpConnection::is_stale() {
    if (SteadyClock::now() - last_used_ >= endpoint_->limits.idle) {
        return true;
    }
    pollfd entry{streams_->socket.native_handle(), POLLIN | POLLRDHUP, 0};
    if (::poll(&entry, 1, 0) < 0) {
        return true;
    }
    const unsigned seen = static_cast<unsigned short>(entry.revents);
    const bool closed = (seen & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
    // Over TLS unread bytes are normal: session tickets arrive when they like.
    return closed || ((seen & POLLIN) != 0 && !streams_->tls);
}

}  // namespace margrave::infra::detail
