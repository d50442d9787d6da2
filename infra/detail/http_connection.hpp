// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "infra/http_client.hpp"
#include "infra/task.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace margrave::infra::detail {

/// A request as it goes over the wire; sent again unchanged when a kept connection was stale.
struct HttpWire {
    std::string head;
    std::string body;
    /// The answer to HEAD has no body, whatever its headers say.
    bool is_head_method{false};
    /// Of the answer; 0: the client's limit.
    std::size_t body_max{0};
};

/// What one request on one connection came to.
struct HttpExchange {
    std::optional<HttpResponse> response;
    Error error{Errc::kIo, ""};
    /// No byte of an answer was seen before the connection ended.
    bool unanswered{false};
    /// The connection may carry another request.
    bool keep{false};
};

/// How to speak to the endpoint; owned by its client and outlives the connections.
struct HttpEndpoint {
    std::string name;
    Url url;
    HttpLimits limits;
    std::optional<boost::asio::ssl::context> tls;
};

/// One TCP or TLS connection, one request at a time.
class HttpConnection {
  public:
    HttpConnection(const Executor& executor, HttpEndpoint* endpoint);
    ~HttpConnection();
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;

    Task<Result<void>> open(boost::asio::ip::tcp::endpoint to);
    /// `wire` outlives the task.
    Task<HttpExchange> exchange(const HttpWire* wire);

    /// Whether it must not be used again: kept too long, closed by the peer, or holding bytes
    /// nobody asked for.
    [[nodiscard]] bool is_stale();

  private:
    struct Streams;
    HttpEndpoint* endpoint_;
    std::unique_ptr<Streams> streams_;
    std::chrono::steady_clock::time_point last_used_;
};

}  // namespace margrave::infra::detail
