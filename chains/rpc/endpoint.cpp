// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/endpoint.hpp"

#include "chains/rpc/detail/gate.hpp"
#include "infra/random.hpp"
#include "infra/timeout.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace margrave::chains::rpc {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

using Batch = RpcResult<std::vector<RpcResult<json>>>;
using RawBatch = RpcResult<std::vector<RpcResult<RawAnswer>>>;

constexpr std::uint32_t kLogBurst = 10;
constexpr std::chrono::minutes kLogWindow{10};

std::string in_ms(milliseconds time) {
    return std::to_string(time.count()) + " ms";
}

template <class T>
const RpcError* trouble_of(const RpcResult<T>& answer) {
    return answer ? nullptr : &answer.error();
}

/// What a batch says of the endpoint: the error that would stop it from being asked for longest.
template <class T>
const RpcError* trouble_of(const RpcResult<std::vector<RpcResult<T>>>& answers) {
    if (!answers) {
        return &answers.error();
    }
    const RpcError* worst = nullptr;
    const auto weight = [](const RpcError& error) {
        return error.kind == RpcClass::kRefused       ? 3
               : error.kind == RpcClass::kRateLimited ? 2
               : is_endpoint_trouble(error.kind)      ? 1
                                                      : 0;
    };
    for (const RpcResult<T>& answer : answers.value()) {
        if (!answer && (worst == nullptr || weight(answer.error()) > weight(*worst))) {
            worst = &answer.error();
        }
    }
    return worst;
}

}  // namespace

SteadyNow steady_now() {
    return [] {
        return std::chrono::steady_clock::now();
    };
}

bool is_endpoint_trouble(RpcClass kind) {
    switch (kind) {
        case RpcClass::kTransport:
        case RpcClass::kUnproved:
        case RpcClass::kOverloaded:
        case RpcClass::kRateLimited:
        case RpcClass::kRefused:
        case RpcClass::kNodeTrouble:
            return true;
        case RpcClass::kMethodNotFound:
        case RpcClass::kRangeTooLarge:
        case RpcClass::kBlockNotFound:
        case RpcClass::kPruned:
        case RpcClass::kReverted:
        case RpcClass::kAlreadyKnown:
        case RpcClass::kNonceTooLow:
        case RpcClass::kNonceTooHigh:
        case RpcClass::kUnderpriced:
        case RpcClass::kInsufficientFunds:
        case RpcClass::kPoolFull:
        case RpcClass::kTxnInvalid:
        case RpcClass::kOther:
            return false;
    }
    return false;
}

Endpoint::Endpoint(
    std::unique_ptr<RpcCaller> caller,
    EndpointSettings settings,
    EndpointLimits limits,
    SteadyNow now,
    infra::Logger log
)
    : caller_(std::move(caller)),
      settings_(std::move(settings)),
      limits_(limits),
      now_(std::move(now)),
      log_(log),
      log_limiter_(kLogBurst, kLogWindow),
      started_(now_()),
      health_(limits.health, started_),
      gate_(std::make_shared<Gate>(settings_.rate, now_)) {}

Endpoint::~Endpoint() = default;

std::optional<RpcError> Endpoint::refusal_now() const {
    const SteadyTime now = now_();
    const milliseconds left = health_.pause_left(now);
    if (left.count() <= 0) {
        return std::nullopt;
    }
    const EndpointState state = health_.state(now);
    const bool limited = state == EndpointState::kRateLimited;
    RpcError error(
        limited ? RpcClass::kRateLimited : RpcClass::kRefused,
        name() + " is " + std::string(to_string(state)) + " and not asked for another " +
            in_ms(left) + ": " + health_.reason(now)
    );
    error.retry_after = std::chrono::ceil<std::chrono::seconds>(left);
    return error;
}

RpcError Endpoint::not_now() const {
    std::optional<RpcError> refusal = refusal_now();
    if (refusal) {
        return std::move(*refusal);
    }
    const SteadyTime now = now_();
    return {
        RpcClass::kTransport,
        Errc::kUnable,
        name() + " is " + std::string(to_string(health_.state(now))) + " and tried again in " +
            in_ms(health_.trial_left(now)) + ": " + health_.reason(now)};
}

Task<RpcResult<void>> Endpoint::take_off(Flight* flight) {
    if (gate_->running >= gate_->turns && gate_->waiters.size() >= limits_.waiting) {
        co_return RpcError(
            RpcClass::kOverloaded,
            std::to_string(gate_->waiters.size()) + " calls wait for " + name() +
                " already; it is asked " + std::to_string(gate_->turns) + " at a time"
        );
    }
    co_await flight->queue();
    const auto wait =
        std::chrono::ceil<milliseconds>(gate_->bucket.wait(gate_->now(), flight->cost));
    if (wait.count() > 0 && wait >= flight->deadline.left()) {
        co_return RpcError(
            RpcClass::kOverloaded,
            "the rate of " + name() + ", " + std::to_string(settings_.rate.per_second) +
                " calls a second, has " + std::to_string(flight->cost) + " more wait " +
                in_ms(wait) + ", longer than there is time"
        );
    }
    flight->pay();
    if (wait.count() > 0) {
        co_await infra::sleep_for(wait);
    }
    // An answer that came while this one waited may have closed the endpoint.
    std::optional<RpcError> refusal = flight->urgent ? std::nullopt : refusal_now();
    if (refusal) {
        co_return std::move(*refusal);
    }
    requests_ += flight->cost;
    flight->start();
    co_return boost::outcome_v2::success();
}

RpcError Endpoint::late_error(const Flight& flight, milliseconds deadline) const {
    if (flight.asked()) {
        return {
            RpcClass::kTransport,
            Errc::kTimeout,
            infra::timeout_error("an answer of " + name(), deadline).detail};
    }
    return {
        RpcClass::kOverloaded,
        "no turn at " + name() + " within " + in_ms(deadline) + ": " +
            std::to_string(gate_->running) + " calls run and " +
            std::to_string(gate_->waiters.size()) + " wait"};
}

template <class T>
Task<void> Endpoint::fly(
    Flight* flight,
    std::string method,
    Task<RpcResult<T>> request,
    std::optional<RpcResult<T>>* into
) {
    RpcResult<void> turn = co_await take_off(flight);
    if (!turn) {
        into->emplace(turn.as_failure());
        co_return;
    }
    RpcResult<T> result = co_await std::move(request);
    // Noted before the turn goes to the next, who must see what this answer says.
    note(method, trouble_of(result));
    flight->land();
    into->emplace(std::move(result));
}

template <class T>
Task<RpcResult<T>> Endpoint::guarded(Errand errand, Task<RpcResult<T>> request) {
    std::optional<RpcError> refusal = errand.urgent ? std::nullopt : refusal_now();
    if (refusal) {
        co_return std::move(*refusal);
    }
    Flight flight(gate_, errand.cost, infra::Deadline::after(errand.deadline), errand.urgent);
    std::optional<RpcResult<T>> result;
    Task<void> body = fly<T>(&flight, std::move(errand.method), std::move(request), &result);
    co_await infra::run_for(std::move(body), errand.deadline);
    if (!result) {
        result.emplace(late_error(flight, errand.deadline));
        note("", &result->error());
    }
    co_return std::move(*result);
}

Task<RpcResult<json>> Endpoint::call(std::string method, json params) {
    Errand errand{method, 1, limits_.deadline, /*urgent=*/false};
    Task<RpcResult<json>> request = caller_->call(std::move(method), std::move(params));
    return guarded<json>(std::move(errand), std::move(request));
}

Task<RpcResult<json>> Endpoint::ask(RpcCall call, milliseconds deadline) {
    json params = json::parse(call.params);
    Errand errand{call.method, 1, deadline, /*urgent=*/false};
    Task<RpcResult<json>> request = caller_->call(std::move(call.method), std::move(params));
    return guarded<json>(std::move(errand), std::move(request));
}

Task<RpcResult<json>> Endpoint::send(RpcCall call, milliseconds deadline) {
    json params = json::parse(call.params);
    Errand errand{call.method, 1, deadline, /*urgent=*/true};
    Task<RpcResult<json>> request = caller_->call(std::move(call.method), std::move(params));
    return guarded<json>(std::move(errand), std::move(request));
}

Task<RpcResult<RawAnswer>> Endpoint::call_raw(RpcCall call) {
    return ask_raw(std::move(call), limits_.deadline);
}

Task<RpcResult<RawAnswer>> Endpoint::ask_raw(RpcCall call, milliseconds deadline) {
    Errand errand{call.method, 1, deadline, /*urgent=*/false};
    Task<RpcResult<RawAnswer>> request = caller_->call_raw(std::move(call));
    return guarded<RawAnswer>(std::move(errand), std::move(request));
}

Task<Batch> Endpoint::batch(std::vector<RpcCall> calls) {
    return ask_all(std::move(calls), limits_.deadline);
}

Task<Batch> Endpoint::ask_all(std::vector<RpcCall> calls, milliseconds deadline) {
    using Answers = std::vector<RpcResult<json>>;
    Errand errand{"", calls.size(), deadline, /*urgent=*/false};
    Task<Batch> request = caller_->batch(std::move(calls));
    return guarded<Answers>(std::move(errand), std::move(request));
}

Task<RawBatch> Endpoint::batch_raw(std::vector<RpcCall> calls) {
    return ask_all_raw(std::move(calls), limits_.deadline);
}

Task<RawBatch> Endpoint::ask_all_raw(std::vector<RpcCall> calls, milliseconds deadline) {
    using Answers = std::vector<RpcResult<RawAnswer>>;
    Errand errand{"", calls.size(), deadline, /*urgent=*/false};
    Task<RawBatch> request = caller_->batch_raw(std::move(calls));
    return guarded<Answers>(std::move(errand), std::move(request));
}

void Endpoint::note(std::string_view method, const RpcError* error) {
    const SteadyTime now = now_();
    const EndpointState before = health_.state(now);
    const bool sends = !method.empty() && !is_read(method);
    // What a node says of a transaction in words that nobody knows is a verdict, not trouble.
    const bool verdict =
        error != nullptr && sends && error->kind == RpcClass::kNodeTrouble && error->rpc_code != 0;
    if (error == nullptr || verdict || !is_endpoint_trouble(error->kind)) {
        health_.on_answer(now);
        log_change(before);
        return;
    }
    if (error->kind == RpcClass::kOverloaded) {
        return;
    }
    ++failures_;
    if (error->kind == RpcClass::kRateLimited) {
        health_.on_rate_limit(now, error->retry_after, infra::random_below(1001), error->detail);
    } else if (error->kind == RpcClass::kRefused) {
        health_.on_refusal(now, error->detail);
    } else {
        health_.on_failure(now, error->detail);
    }
    log_change(before);
}

void Endpoint::note_late(milliseconds waited) {
    if (gate_->flying == 0) {
        return;
    }
    const SteadyTime now = now_();
    const EndpointState before = health_.state(now);
    ++failures_;
    health_.on_failure(
        now, name() + " had not answered after " + in_ms(waited) + ", when enough others had"
    );
    log_change(before);
}

void Endpoint::log_change(EndpointState before) {
    const SteadyTime now = now_();
    const EndpointState after = health_.state(now);
    if (after == before) {
        return;
    }
    // A node can make its own state change as often as it likes.
    const auto skipped = log_limiter_.pass(now);
    if (!skipped) {
        return;
    }
    const std::string reason = health_.reason(now);
    if (after == EndpointState::kLying || after == EndpointState::kWrongChain ||
        after == EndpointState::kParked) {
        log_.warn(
            "rpc.endpoint_state",
            {{"endpoint", name()},
             {"from", to_string(before)},
             {"to", to_string(after)},
             {"reason", reason},
             {"skipped", *skipped}}
        );
        return;
    }
    log_.info(
        "rpc.endpoint_state",
        {{"endpoint", name()},
         {"from", to_string(before)},
         {"to", to_string(after)},
         {"reason", reason},
         {"skipped", *skipped}}
    );
}

bool Endpoint::is_usable() const {
    const EndpointState now = state();
    return now != EndpointState::kWrongChain && now != EndpointState::kLying;
}

void Endpoint::mark_dialed() {
    const EndpointState before = state();
    health_.on_dialed(now_());
    log_change(before);
}

void Endpoint::mark_wrong_chain(std::string reason) {
    const EndpointState before = state();
    health_.on_wrong_chain(now_(), std::move(reason));
    log_change(before);
}

void Endpoint::mark_lying(std::string reason) {
    const EndpointState before = state();
    health_.on_lie(now_(), std::move(reason));
    log_change(before);
}

void Endpoint::forgive() {
    const EndpointState before = state();
    health_.forgive(now_());
    log_change(before);
}

void Endpoint::mark_out_of_sync(std::string reason) {
    const EndpointState before = state();
    health_.on_out_of_sync(now_(), std::move(reason));
    log_change(before);
}

void Endpoint::mark_in_sync() {
    const EndpointState before = state();
    health_.on_in_sync(now_());
    log_change(before);
}

const Latency& Endpoint::latency() const {
    return gate_->latency;
}

std::size_t Endpoint::running() const {
    return gate_->running;
}

std::size_t Endpoint::waiting() const {
    return gate_->waiters.size();
}

Money Endpoint::usd_per_month() const {
    constexpr std::chrono::seconds kMonth = std::chrono::hours{24 * 30};
    // The first minute would promise a month of starting up.
    constexpr std::chrono::seconds kLeast{60};
    const auto up =
        std::max(std::chrono::duration_cast<std::chrono::seconds>(now_() - started_), kLeast);
    const auto whole = [](auto units) {
        return Money::whole(static_cast<std::int64_t>(units));
    };
    const Money& price = settings_.rate.usd_per_million;
    const auto spent = mul_div(price, whole(requests_), whole(1'000'000), Round::kUp);
    if (!spent) {
        return Money{};
    }
    const auto month = mul_div(spent.value(), whole(kMonth.count()), whole(up.count()), Round::kUp);
    return month ? month.value() : Money{};
}

SourceStatus Endpoint::status() const {
    SourceStatus out;
    out.endpoint = name();
    out.operator_name = operator_name();
    out.state = to_string(state());
    out.reason = reason();
    out.latest = latest_;
    out.latency = latency().mean();
    out.requests = requests_;
    out.failures = failures_;
    out.hedges = hedges_;
    out.usd_per_month = usd_per_month();
    return out;
}

}  // namespace margrave::chains::rpc
