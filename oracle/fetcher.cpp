// SPDX-License-Identifier: Apache-2.0
#include "oracle/detail/fetcher.hpp"

#include "infra/files.hpp"
#include "infra/http_date.hpp"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <utility>

namespace margrave::oracle::detail {
namespace {

constexpr std::size_t kDocumentMax = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kFetchTimeout{5'000};
constexpr unsigned kStatusOk = 200;

bool is_this_machine(const infra::Url& url) {
    return url.host == "127.0.0.1" || url.host == "::1" || url.host == "localhost";
}

std::optional<UnixSeconds> date_of(const infra::HttpResponse& response) {
    const std::optional<std::string_view> value = response.header("Date");
    const auto date = value ? infra::parse_http_date(*value) : std::nullopt;
    if (!date) {
        return std::nullopt;
    }
    const auto since = date->time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since).count();
    return seconds > 0 ? std::optional(UnixSeconds{static_cast<std::uint64_t>(seconds)})
                       : std::nullopt;
}

}  // namespace

Result<Fetcher> Fetcher::over_http(
    std::string source, std::string_view url, std::uint64_t every_s, std::string ca_file
) {
    const Result<infra::Url> parsed = infra::parse_url(url);
    if (!parsed) {
        return fail(Errc::kConfig, "price source " + source + ": its URL " + parsed.error().detail);
    }
    Fetcher out;
    out.source_ = std::move(source);
    out.url_ = parsed.value();
    out.origin_ = (out.url_.tls ? "https://" : "http://") + out.url_.host_header();
    out.ca_file_ = std::move(ca_file);
    out.every_s_ = every_s;
    return out;
}

Fetcher Fetcher::from_file(std::string source, std::string path) {
    Fetcher out;
    out.source_ = std::move(source);
    out.origin_ = "file";
    out.path_ = std::move(path);
    return out;
}

Task<Result<std::string>> Fetcher::get(UnixSeconds now) {
    if (!path_.empty()) {
        co_return infra::read_file(path_, kDocumentMax);
    }
    const bool fresh =
        fetched_at_ && now >= *fetched_at_ && now.value - fetched_at_->value < every_s_;
    if (fresh) {
        co_return last_;
    }
    Result<std::string> answer = co_await ask();
    if (answer) {
        fetched_at_ = now;
        last_ = answer.value();
    }
    co_return answer;
}

Task<Result<std::string>> Fetcher::ask() {
    if (!client_) {
        const Executor executor = co_await boost::asio::this_coro::executor;
        infra::HttpLimits limits;
        limits.body_bytes = kDocumentMax;
        limits.connections = 1;
        limits.ca_file = ca_file_;
        client_ = std::make_unique<infra::HttpClient>(
            executor, "price source " + source_, url_, std::move(limits)
        );
    }
    Result<infra::HttpResponse> answer = co_await client_->get(std::string{}, kFetchTimeout);
    if (!answer) {
        co_return answer.as_failure();
    }
    if (answer.value().status != kStatusOk) {
        co_return fail(
            Errc::kRpc,
            "price source " + source_ + " answered with HTTP status " +
                std::to_string(answer.value().status)
        );
    }
    answered_at_ = date_of(answer.value());
    co_return std::move(answer.value().body);
}

std::vector<KeyProblem> check_url(const Canonical& settings) {
    const auto* object = std::get_if<Canonical::Object>(&settings.value());
    const auto found =
        object == nullptr ? Canonical::Object::const_iterator{} : object->find("url");
    if (object == nullptr || found == object->end()) {
        return {};
    }
    const auto* text = std::get_if<std::string>(&found->second.value());
    const auto url = text == nullptr ? infra::parse_url("") : infra::parse_url(*text);
    if (url && !url.value().tls && !is_this_machine(url.value())) {
        return {
            {"/url", "is not encrypted, so anybody on the way can change the price; use https"}};
    }
    return {};
}

}  // namespace margrave::oracle::detail
