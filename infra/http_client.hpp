// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"
#include "infra/task.hpp"
#include "infra/url.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::infra {

struct HttpLimits {
    /// Connections kept to the endpoint at one time.
    std::size_t connections{2};
    /// Requests that may wait for a connection; one more fails with kLimit.
    std::size_t waiting{256};
    std::size_t body_bytes{std::size_t{64} << 20};
    std::uint32_t header_bytes{64U << 10};
    /// For each address of the host, inside the request's deadline.
    std::chrono::milliseconds connect_timeout{3000};
    /// A kept connection older than this since its last answer is not used again.
    std::chrono::milliseconds idle{20'000};
    /// PEM file of certificate authorities; empty: the system's.
    std::string ca_file;
    std::string user_agent{"margrave"};
};

struct HttpHeader {
    std::string name;
    std::string value;
};

struct HttpRequest {
    std::string method{"GET"};
    /// Appended to the URL's own path and query as it stands, e.g. "/v2/updates?id=1".
    std::string path;
    std::string body;
    /// Sent when not empty.
    std::string content_type;
    std::vector<HttpHeader> headers;
    /// Whether it may be sent again, once, when a kept connection turns out closed before any byte
    /// of an answer.
    bool resend{true};
    /// Largest body of the answer, where it is to be less than the client's own limit; 0: that.
    std::size_t body_max{0};
};

struct HttpResponse {
    unsigned status{0};
    std::string body;
    std::vector<HttpHeader> headers;
    /// From Retry-After in seconds or as a date, at most one day. Present with any status.
    std::optional<std::chrono::seconds> retry_after;
    std::chrono::milliseconds elapsed{0};

    /// First header of that name, letter case aside.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

/// Keep-alive HTTP/1.1 to one endpoint over a few connections. Any status is an answer, redirects
/// are not followed, compression is neither asked for nor accepted. Errors (kIo, kTimeout, kLimit)
/// speak of the endpoint by `name`. Owned by whoever talks to the endpoint; lives on the executor
/// and must outlive the tasks it returned, apart from tasks destroyed with their io_context.
class HttpClient {
  public:
    HttpClient(Executor executor, std::string name, Url url, HttpLimits limits);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// The deadline covers waiting for a connection, connecting, and the whole answer.
    Task<Result<HttpResponse>> send(HttpRequest request, std::chrono::milliseconds deadline);
    Task<Result<HttpResponse>> post(
        std::string body, std::string content_type, std::chrono::milliseconds deadline
    );
    Task<Result<HttpResponse>> get(std::string path, std::chrono::milliseconds deadline);

    [[nodiscard]] const std::string& name() const;
    [[nodiscard]] const Url& url() const;
    /// Connections in use or kept.
    [[nodiscard]] std::size_t connections() const;
    [[nodiscard]] std::size_t waiting() const;

  private:
    class Impl;
    // Shared with running requests, so that frames destroyed with the io_context find it alive.
    std::shared_ptr<Impl> impl_;
};

/// Value of a Retry-After header: delta seconds or an HTTP date, capped at one day; a date that has
/// passed is zero. Absent when it is neither.
std::optional<std::chrono::seconds> parse_retry_after(
    std::string_view value, std::chrono::system_clock::time_point now
);

}  // namespace margrave::infra
