// SPDX-License-Identifier: Apache-2.0
#include "infra/detail/http_text.hpp"

#include "infra/detail/http_connection.hpp"
#include "infra/http_client.hpp"
#include "infra/http_date.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace margrave::infra {

namespace {

constexpr std::chrono::seconds kRetryAfterMax{86'400};

bool is_token_char(char c) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_token_char);
}

bool is_header_value(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c != 0x7f; });
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_but_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
    for (const HttpHeader& header : headers) {
        if (equal_but_case(header.name, name)) {
            return header.value;
        }
    }
    return std::nullopt;
}

std::optional<std::chrono::system_clock::time_point> parse_http_date(std::string_view value) {
    // strptime reads names by locale, and the program never leaves the C locale.
    std::tm date{};
    const std::string text(value);
    const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (rest == nullptr || *rest != '\0') {
        return std::nullopt;
    }
    return std::chrono::system_clock::from_time_t(::timegm(&date));
}

std::optional<std::chrono::seconds> parse_retry_after(
    std::string_view value, std::chrono::system_clock::time_point now
) {
    std::uint64_t seconds = 0;
    const char* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, seconds);
    if (parsed.ptr == end && parsed.ec != std::errc::invalid_argument) {
        const bool fits = parsed.ec == std::errc{} &&
                          seconds < static_cast<std::uint64_t>(kRetryAfterMax.count());
        return fits ? std::chrono::seconds(static_cast<std::int64_t>(seconds)) : kRetryAfterMax;
    }
    const auto at = parse_http_date(value);
    if (!at) {
        return std::nullopt;
    }
    const auto wait = std::chrono::ceil<std::chrono::seconds>(*at - now);
    return std::clamp(wait, std::chrono::seconds{0}, kRetryAfterMax);
}

namespace detail {

HttpWire make_wire(const HttpEndpoint& endpoint, HttpRequest request) {
    const Url& url = endpoint.url;
    HttpWire wire;
    wire.is_head_method = request.method == "HEAD";
    wire.body_max = request.body_max;
    std::string& head = wire.head;
    const auto add = [&head](std::string_view name, std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
    };
    head = request.method + " " + join_target(url.target, request.path) + " HTTP/1.1\r\n";
    add("Host", url.host_header());
    if (!endpoint.limits.user_agent.empty()) {
        add("User-Agent", endpoint.limits.user_agent);
    }
    add("Accept-Encoding", "identity");
    if (!url.userinfo.empty()) {
        add("Authorization", "Basic " + base64(url.userinfo));
    }
    if (!request.content_type.empty()) {
        add("Content-Type", request.content_type);
    }
    for (const HttpHeader& header : request.headers) {
        add(header.name, header.value);
    }
    if (!request.body.empty() || request.method != "GET") {
        add("Content-Length", std::to_string(request.body.size()));
    }
    head += "\r\n";
    wire.body = std::move(request.body);
    return wire;
}

Result<void> check_request(const HttpRequest& request) {
    if (!is_token(request.method)) {
        return fail(Errc::kInvalid, "HTTP method is not a word");
    }
    if (!std::ranges::all_of(request.path, [](char c) { return c > ' ' && c < 0x7f; })) {
        return fail(Errc::kInvalid, "HTTP path has a blank, control or non-ASCII character");
    }
    if (!is_header_value(request.content_type)) {
        return fail(Errc::kInvalid, "HTTP content type has a control character");
    }
    for (const HttpHeader& header : request.headers) {
        if (!is_token(header.name) || !is_header_value(header.value)) {
            return fail(Errc::kInvalid, "HTTP header has a character that no header may have");
        }
    }
    return ok();
}

std::string join_target(std::string_view base, std::string_view path) {
    std::string target(base);
    if (!path.empty() && target.ends_with('/') && path.starts_with('/')) {
        target.pop_back();
    }
    target += path;
    return target;
}

std::string base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int length = ::EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(out.data()),
        reinterpret_cast<const unsigned char*>(bytes.data()),
        static_cast<int>(bytes.size())
    );
    out.resize(static_cast<std::size_t>(length));
    return out;
}

}  // namespace detail
}  // namespace margrave::infra
