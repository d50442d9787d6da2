// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/head_stream.hpp"

#include "chains/rpc/client.hpp"
#include "chains/rpc/codec.hpp"
#include "infra/random.hpp"
#include "infra/task_group.hpp"
#include "infra/timeout.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace margrave::chains::rpc {

using infra::MessageStream;
using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

namespace {

/// Messages that may come before the answer to the subscription.
constexpr int kEarlyMax = 8;
constexpr std::chrono::milliseconds kGoodbye{1000};

Result<HeadHint> read_head(const json& block) {
    if (!block.is_object()) {
        return fail(Errc::kUnproved, "the node has no latest block");
    }
    HeadHint head;
    MARGRAVE_TRY(const std::uint64_t number, u64_at(block, "number"));
    head.number = BlockNum{number};
    MARGRAVE_TRY(head.hash, hash_at(block, "hash"));
    return head;
}

/// The HTTP side and the WebSocket side of one endpoint, as HeadStream wants them.
struct Endpoint {
    std::unique_ptr<RpcClient> http;
    std::unique_ptr<infra::WsClient> ws;

    static Task<Result<HeadHint>> ask(std::shared_ptr<Endpoint> self) {
        json params = json::array({"latest", false});
        const auto block = co_await self->http->call("eth_getBlockByNumber", std::move(params));
        if (!block) {
            co_return block.as_failure();
        }
        co_return read_head(block.value());
    }
};

}  // namespace

std::string_view to_string(HeadStreamState state) {
    switch (state) {
        case HeadStreamState::kOpening:
            return "opening";
        case HeadStreamState::kLive:
            return "live";
        case HeadStreamState::kSilent:
            return "silent";
        case HeadStreamState::kWaiting:
            return "waiting";
    }
    return "unknown";
}

std::chrono::milliseconds reopen_pause(
    std::chrono::milliseconds least,
    std::chrono::milliseconds most,
    std::uint64_t failures,
    std::uint64_t jitter
) {
    std::chrono::milliseconds pause = least;
    for (std::uint64_t i = 1; i < failures && pause < most; ++i) {
        pause *= 2;
    }
    pause = std::min(pause, most);
    return pause + pause / 2 * static_cast<std::int64_t>(jitter) / 1000;
}

/// One subscription and the two tasks that live by it.
struct HeadStream::Session {
    std::unique_ptr<MessageStream> stream;
    std::string subscription;
    infra::TaskGroup* group{nullptr};
    std::optional<Error> ended_by;
};

HeadStream::HeadStream(Parts parts, HeadStreamLimits limits)
    : parts_(std::move(parts)),
      limits_(limits) {}

Result<std::unique_ptr<HeadStream>> HeadStream::make(
    Executor executor,
    const EndpointSettings& endpoint,
    std::function<void(const HeadHint&)> on_hint,
    infra::Logger log,
    HeadStreamLimits limits
) {
    const Result<infra::Url> url = infra::parse_ws_url(endpoint.ws);
    if (!url) {
        return fail(Errc::kConfig, "endpoint " + endpoint.name + ": " + url.error().detail);
    }
    RpcLimits http_limits;
    http_limits.timeout = limits.http_timeout;
    http_limits.connections = 1;
    http_limits.body_bytes = std::size_t{4} << 20;
    // Shared by the two functions below.
    const auto sides = std::make_shared<Endpoint>();
    MARGRAVE_TRY(sides->http, RpcClient::make(executor, endpoint, http_limits, log));
    sides->ws =
        std::make_unique<infra::WsClient>(executor, endpoint.name, url.value(), infra::WsLimits{});
    Parts parts;
    parts.name = endpoint.name;
    parts.open = [sides](std::chrono::milliseconds deadline) {
        return sides->ws->open(deadline);
    };
    parts.ask_head = [sides] {
        return Endpoint::ask(sides);
    };
    parts.on_hint = std::move(on_hint);
    parts.log = log;
    return std::make_unique<HeadStream>(std::move(parts), limits);
}

bool HeadStream::is_fresh() const {
    return status_.state == HeadStreamState::kLive && watch_ &&
           watch_->is_fresh(SteadyClock::now());
}

Task<Result<std::string>> HeadStream::subscribe(MessageStream* stream) {
    const infra::Deadline deadline = infra::Deadline::after(limits_.open_timeout);
    std::string request = subscribe_request();
    const auto sent = co_await stream->send(std::move(request), deadline.left());
    if (!sent) {
        co_return sent.as_failure();
    }
    for (int early = 0; early <= kEarlyMax; ++early) {
        const auto text = co_await stream->receive(deadline.left());
        if (!text) {
            co_return text.as_failure();
        }
        const auto message = read_stream_message(text.value());
        if (!message) {
            ++status_.refusals;
            co_return fail(Errc::kUnproved, parts_.name + " sent " + message.error().detail);
        }
        if (const auto* answer = std::get_if<SubscribeAnswer>(&message.value())) {
            if (answer->subscription.empty()) {
                co_return fail(
                    Errc::kRpc,
                    parts_.name + " refused eth_subscribe newHeads with error " +
                        std::to_string(answer->error_code)
                );
            }
            co_return answer->subscription;
        }
    }
    co_return fail(Errc::kUnproved, parts_.name + " does not answer eth_subscribe");
}

void HeadStream::end(Session& session, Error why) {
    if (!session.ended_by) {
        session.ended_by = std::move(why);
    }
    session.group->cancel();
}

Result<void> HeadStream::note(const HeadHint& head) {
    MARGRAVE_TRY(const HeadWatch::Heard heard, watch_->note(head, SteadyClock::now()));
    if (heard == HeadWatch::Heard::kDuplicate) {
        ++status_.duplicates;
        return ok();
    }
    ++status_.hints;
    status_.late += heard == HeadWatch::Heard::kLate ? 1 : 0;
    status_.last = head;
    status_.state = HeadStreamState::kLive;
    status_.reason.clear();
    parts_.on_hint(head);
    return ok();
}

Result<void> HeadStream::take(Session& session, std::string_view text) {
    const auto message = read_stream_message(text);
    if (!message) {
        return fail(Errc::kUnproved, message.error().detail);
    }
    const auto* notice = std::get_if<HeadNotice>(&message.value());
    if (notice == nullptr) {
        return fail(Errc::kUnproved, "a second answer to eth_subscribe");
    }
    if (notice->subscription != session.subscription) {
        ++status_.foreign;
        return watch_->note_message();
    }
    return note(notice->head);
}

Task<void> HeadStream::listen(Session* session) {
    while (true) {
        const auto text = co_await session->stream->receive(limits_.quiet_max);
        if (!text) {
            end(*session, text.error());
            co_return;
        }
        const auto taken = take(*session, text.value());
        if (!taken) {
            ++status_.refusals;
            end(*session, fail(taken.error().code, parts_.name + " sent " + taken.error().detail));
            co_return;
        }
    }
}

Task<void> HeadStream::watch(Session* session) {
    while (true) {
        co_await infra::sleep_for(watch_->next_check());
        std::optional<HeadHint> http;
        if (!watch_->heard_since_check()) {
            const auto head = co_await parts_.ask_head();
            if (head) {
                http = head.value();
            }
        }
        const HeadWatch::Verdict verdict = watch_->check(http, SteadyClock::now());
        if (verdict == HeadWatch::Verdict::kSilent) {
            ++status_.silences;
            const std::string at = std::to_string(http->number.value);
            status_.state = HeadStreamState::kSilent;
            end(*session, fail(Errc::kStale, parts_.name + " did not announce block " + at));
            co_return;
        }
        if (verdict == HeadWatch::Verdict::kSuspicious) {
            status_.state = HeadStreamState::kSilent;
            status_.reason = parts_.name + " moved on and did not announce it";
        } else {
            status_.state = HeadStreamState::kLive;
            status_.reason.clear();
        }
    }
}

Task<Error> HeadStream::session() {
    status_.state = HeadStreamState::kOpening;
    auto opened = co_await parts_.open(limits_.open_timeout);
    if (!opened) {
        co_return opened.error();
    }
    Session session;
    session.stream = std::move(opened).value();
    auto subscription = co_await subscribe(session.stream.get());
    if (!subscription) {
        co_return subscription.error();
    }
    session.subscription = std::move(subscription).value();
    ++status_.opened;
    status_.state = HeadStreamState::kLive;
    status_.reason.clear();
    watch_.emplace(limits_.watch, SteadyClock::now());
    parts_.log.info("heads.subscribed", {{"endpoint", parts_.name}});
    Executor executor = co_await boost::asio::this_coro::executor;
    infra::TaskGroup group(executor, 2);
    session.group = &group;
    auto listening = group.spawn("listen", listen(&session));
    auto watching = group.spawn("watch", watch(&session));
    co_await group.wait();
    MARGRAVE_ASSERT(session.ended_by.has_value());
    co_await session.stream->close(kGoodbye);
    co_return *session.ended_by;
}

Task<void> HeadStream::run() {
    infra::LogLimiter limiter(1, std::chrono::seconds(60));
    std::uint64_t failures = 0;
    while (true) {
        const auto begun = SteadyClock::now();
        const Error why = co_await session();
        failures = SteadyClock::now() - begun >= limits_.steady ? 1 : failures + 1;
        status_.state = HeadStreamState::kWaiting;
        status_.reason = why.detail;
        const auto pause =
            reopen_pause(limits_.backoff, limits_.backoff_max, failures, infra::random_below(1000));
        if (const auto skipped = limiter.pass()) {
            parts_.log.warn(
                "heads.lost",
                {{"endpoint", parts_.name},
                 {"reason", why},
                 {"pause_ms", pause.count()},
                 {"skipped", *skipped}}
            );
        }
        co_await infra::sleep_for(pause);
    }
}

}  // namespace margrave::chains::rpc
