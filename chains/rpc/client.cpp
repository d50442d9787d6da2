// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/client.hpp"

#include "chains/rpc/detail/envelope.hpp"
#include "infra/http_client.hpp"
#include "infra/random.hpp"
#include "infra/timeout.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>

namespace margrave::chains::rpc {

using detail::BatchOf;
using detail::BatchResult;
using detail::RawBatchResult;
using infra::Deadline;
using infra::HttpResponse;
using nlohmann::json;

namespace {

constexpr std::size_t kWaitingMax = 256;

infra::HttpLimits http_limits(const RpcLimits& limits) {
    infra::HttpLimits http;
    http.connections = limits.connections;
    http.waiting = kWaitingMax;
    http.body_bytes = limits.body_bytes;
    return http;
}

/// With up to half as much again, so that clients of one node do not return in step.
std::chrono::milliseconds pause_before(unsigned attempt, std::chrono::milliseconds backoff) {
    const auto base = std::max<std::int64_t>(backoff.count() << (attempt - 2), 1);
    const auto jitter = infra::random_below(static_cast<std::uint64_t>(base / 2 + 1));
    return std::chrono::milliseconds(base + static_cast<std::int64_t>(jitter));
}

/// Trouble with the endpoint itself: the next call of the same batch would meet it too.
bool is_for_all(const RpcError& error) {
    return error.kind == RpcClass::kTransport || error.kind == RpcClass::kRateLimited ||
           error.kind == RpcClass::kRefused || error.kind == RpcClass::kOverloaded ||
           error.kind == RpcClass::kUnproved;
}

/// Of a batch: what its calls allow together; without a limit when one has none.
std::size_t answer_limit(std::span<const RpcCall> calls) {
    std::size_t out = 0;
    for (const RpcCall& call : calls) {
        if (call.answer_max == 0) {
            return 0;
        }
        out += call.answer_max;
    }
    return out;
}

}  // namespace

RpcCall::RpcCall(std::string name, const json& arguments)
    : method(std::move(name)),
      params(arguments.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace)) {}

class RpcClient::Impl {
  public:
    Impl(Executor executor, std::string name, const infra::Url& url, RpcLimits l, infra::Logger log)
        : speaker(name, url),
          limits(l),
          log_(log),
          http_(std::move(executor), std::move(name), url, http_limits(l)),
          batch_max_(std::max<std::size_t>(l.batch, 1)) {}

    /// Asks, and asks again where that may help. `call` outlives the task.
    template <class T>
    Task<RpcResult<T>> single(const RpcCall* call);
    template <class T>
    Task<BatchOf<T>> batch(std::vector<RpcCall> calls);

    const detail::Speaker speaker;
    const RpcLimits limits;
    RpcStats stats;

  private:
    template <class T>
    RpcResult<T> decode_one(HttpResponse& answer, const RpcCall& call, std::uint64_t id) const;
    template <class T>
    BatchOf<T> decode_all(
        HttpResponse& answer, std::span<const RpcCall> calls, std::uint64_t first_id
    ) const;
    Task<RpcResult<HttpResponse>> exchange(
        std::string body, bool resend, std::size_t answer_max, Deadline deadline
    );
    template <class T>
    Task<BatchOf<T>> chunk(std::span<const RpcCall> calls);
    template <class T>
    Task<BatchOf<T>> one_by_one(std::span<const RpcCall> calls);
    Task<bool> may_retry(const RpcError* error, bool read, unsigned attempt, Deadline deadline);
    bool note_refusal(const RpcError& error, std::size_t calls);
    void finish(RpcError& error) const;

    infra::Logger log_;
    infra::HttpClient http_;
    std::uint64_t next_id_{1};
    /// Shrinks when the node says that batches are too large, to 1 when it takes none.
    std::size_t batch_max_;
};

Task<RpcResult<HttpResponse>> RpcClient::Impl::exchange(
    std::string body, bool resend, std::size_t answer_max, Deadline deadline
) {
    if (http_.waiting() >= kWaitingMax) {
        co_return RpcError(
            RpcClass::kOverloaded,
            std::to_string(kWaitingMax) + " requests wait for " + speaker.name + " already"
        );
    }
    infra::HttpRequest request;
    request.method = "POST";
    request.body = std::move(body);
    request.content_type = "application/json";
    request.resend = resend;
    request.body_max = answer_max;
    ++stats.requests;
    Result<HttpResponse> answer = co_await http_.send(std::move(request), deadline.left());
    if (answer) {
        stats.last_latency = answer.value().elapsed;
        co_return std::move(answer.value());
    }
    const Error& error = answer.error();
    if (error.code == Errc::kLimit) {
        co_return RpcError(RpcClass::kRangeTooLarge, Errc::kLimit, error.detail);
    }
    if (error.code == Errc::kTimeout) {
        // What was left of the deadline says nothing to a reader; the whole of it does.
        Error late = infra::timeout_error("a call to " + speaker.name, deadline.limit());
        co_return RpcError(RpcClass::kTransport, Errc::kTimeout, std::move(late.detail));
    }
    co_return RpcError(RpcClass::kTransport, error.code, error.detail);
}

void RpcClient::Impl::finish(RpcError& error) const {
    if (error.retry_after) {
        error.retry_after = std::min(*error.retry_after, limits.retry_after_max);
    }
}

Task<bool> RpcClient::Impl::may_retry(
    const RpcError* error, bool read, unsigned attempt, Deadline deadline
) {
    if (error->kind != RpcClass::kTransport || !read || attempt >= limits.attempts) {
        co_return false;
    }
    const auto pause = pause_before(attempt + 1, limits.backoff);
    if (pause >= deadline.left()) {
        co_return false;
    }
    log_.debug(
        "rpc.retry", {{"endpoint", speaker.name}, {"attempt", attempt}, {"error", error->detail}}
    );
    co_await infra::sleep_for(pause);
    co_return true;
}

template <class T>
RpcResult<T> RpcClient::Impl::decode_one(
    HttpResponse& answer, const RpcCall& call, std::uint64_t id
) const {
    if constexpr (std::is_same_v<T, json>) {
        return detail::decode_call(speaker, answer, call, id);
    } else {
        return detail::decode_raw(speaker, answer, call, id);
    }
}

template <class T>
Task<RpcResult<T>> RpcClient::Impl::single(const RpcCall* call) {
    const Deadline deadline = Deadline::after(limits.timeout);
    const bool read = is_read(call->method);
    for (unsigned attempt = 1;; ++attempt) {
        const std::uint64_t id = next_id_++;
        std::string body = detail::encode_call(*call, id);
        RpcResult<HttpResponse> answer =
            co_await exchange(std::move(body), read, call->answer_max, deadline);
        RpcResult<T> result =
            answer ? decode_one<T>(answer.value(), *call, id) : RpcResult<T>(answer.as_failure());
        if (result) {
            co_return std::move(result);
        }
        finish(result.error());
        const bool again = co_await may_retry(&result.error(), read, attempt, deadline);
        if (!again) {
            ++stats.failures;
            co_return std::move(result);
        }
    }
}

template <class T>
BatchOf<T> RpcClient::Impl::decode_all(
    HttpResponse& answer, std::span<const RpcCall> calls, std::uint64_t first_id
) const {
    if constexpr (std::is_same_v<T, json>) {
        return detail::decode_batch(speaker, answer, calls, first_id);
    } else {
        return detail::decode_raw_batch(speaker, answer, calls, first_id);
    }
}

template <class T>
Task<BatchOf<T>> RpcClient::Impl::chunk(std::span<const RpcCall> calls) {
    const Deadline deadline = Deadline::after(limits.timeout);
    const bool read =
        std::ranges::all_of(calls, [](const RpcCall& call) { return is_read(call.method); });
    const std::size_t answer_max = answer_limit(calls);
    for (unsigned attempt = 1;; ++attempt) {
        const std::uint64_t first_id = next_id_;
        next_id_ += calls.size();
        std::string body = detail::encode_batch(calls, first_id);
        RpcResult<HttpResponse> answer =
            co_await exchange(std::move(body), read, answer_max, deadline);
        BatchOf<T> result = answer ? decode_all<T>(answer.value(), calls, first_id)
                                   : BatchOf<T>(answer.as_failure());
        if (result) {
            for (RpcResult<T>& item : result.value()) {
                if (!item) {
                    finish(item.error());
                }
            }
            co_return std::move(result);
        }
        finish(result.error());
        const bool again = co_await may_retry(&result.error(), read, attempt, deadline);
        if (!again) {
            ++stats.failures;
            co_return std::move(result);
        }
    }
}

template <class T>
Task<BatchOf<T>> RpcClient::Impl::one_by_one(std::span<const RpcCall> calls) {
    std::vector<RpcResult<T>> results;
    for (const RpcCall& one : calls) {
        RpcResult<T> result = co_await single<T>(&one);
        if (!result && is_for_all(result.error())) {
            co_return std::move(result.error());
        }
        results.push_back(std::move(result));
    }
    co_return std::move(results);
}

bool RpcClient::Impl::note_refusal(const RpcError& error, std::size_t calls) {
    const detail::BatchRefusal refusal = detail::batch_refusal(error);
    if (refusal == detail::BatchRefusal::kNone) {
        return false;
    }
    batch_max_ =
        refusal == detail::BatchRefusal::kTooMany ? std::max<std::size_t>(calls / 2, 1) : 1;
    log_.info(
        "rpc.batch_refused",
        {{"endpoint", speaker.name}, {"calls", calls}, {"calls_max", batch_max_}}
    );
    return true;
}

template <class T>
Task<BatchOf<T>> RpcClient::Impl::batch(std::vector<RpcCall> calls) {
    std::vector<RpcResult<T>> results;
    results.reserve(calls.size());
    while (results.size() < calls.size()) {
        const std::size_t left = calls.size() - results.size();
        const std::size_t count = std::min(batch_max_, left);
        const std::span<const RpcCall> part(calls.data() + results.size(), count);
        Task<BatchOf<T>> asking = count > 1 ? chunk<T>(part) : one_by_one<T>(part);
        BatchOf<T> answers = co_await std::move(asking);
        if (!answers) {
            if (count > 1 && note_refusal(answers.error(), count)) {
                continue;
            }
            co_return std::move(answers);
        }
        std::ranges::move(answers.value(), std::back_inserter(results));
    }
    co_return std::move(results);
}

Result<std::unique_ptr<RpcClient>> RpcClient::make(
    Executor executor, const EndpointSettings& endpoint, RpcLimits limits, infra::Logger log
) {
    const Result<infra::Url> url = infra::parse_url(endpoint.http);
    if (!url) {
        return fail(Errc::kConfig, "endpoint " + endpoint.name + ": " + url.error().detail);
    }
    auto impl =
        std::make_unique<Impl>(std::move(executor), endpoint.name, url.value(), limits, log);
    return std::unique_ptr<RpcClient>(new RpcClient(std::move(impl)));
}

RpcClient::RpcClient(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

RpcClient::~RpcClient() = default;

const std::string& RpcClient::name() const {
    return impl_->speaker.name;
}

Task<RpcResult<json>> RpcClient::call(std::string method, json params) {
    const RpcCall one(std::move(method), params);
    RpcResult<json> result = co_await impl_->single<json>(&one);
    co_return std::move(result);
}

Task<RpcResult<RawAnswer>> RpcClient::call_raw(RpcCall call) {
    RpcResult<RawAnswer> result = co_await impl_->single<RawAnswer>(&call);
    co_return std::move(result);
}

Task<RpcResult<RawAnswer>> RpcCaller::call_raw(RpcCall call) {
    json params = json::parse(call.params);
    RpcResult<json> result = co_await this->call(std::move(call.method), std::move(params));
    if (!result) {
        co_return result.as_failure();
    }
    co_return RawAnswer(result.value().dump());
}

Task<BatchResult> RpcClient::batch(std::vector<RpcCall> calls) {
    return impl_->batch<json>(std::move(calls));
}

Task<RawBatchResult> RpcClient::batch_raw(std::vector<RpcCall> calls) {
    return impl_->batch<RawAnswer>(std::move(calls));
}

Task<RawBatchResult> RpcCaller::batch_raw(std::vector<RpcCall> calls) {
    BatchResult answers = co_await this->batch(std::move(calls));
    if (!answers) {
        co_return answers.as_failure();
    }
    std::vector<RpcResult<RawAnswer>> out;
    out.reserve(answers.value().size());
    for (const RpcResult<json>& answer : answers.value()) {
        if (answer) {
            out.emplace_back(RawAnswer(answer.value().dump()));
        } else {
            out.emplace_back(answer.as_failure());
        }
    }
    co_return std::move(out);
}

RpcStats RpcClient::stats() const {
    return impl_->stats;
}

bool is_read(std::string_view method) {
    constexpr auto kReads = std::to_array<std::string_view>(
        {"eth_call",
         "eth_estimateGas",
         "eth_blockNumber",
         "eth_chainId",
         "eth_gasPrice",
         "eth_maxPriorityFeePerGas",
         "eth_feeHistory",
         "eth_syncing",
         "net_version",
         "web3_clientVersion"}
    );
    return method.starts_with("eth_get") || std::ranges::find(kReads, method) != kReads.end();
}

}  // namespace margrave::chains::rpc
