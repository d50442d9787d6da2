// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/hedge.hpp"
#include "chains/rpc/detail/race.hpp"
#include "chains/rpc/detail/verdicts.hpp"
#include "core/assert.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace margrave::chains::rpc {

using detail::Race;
using infra::Deadline;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

/// Each call keeps the deadline by itself; this is for the step from there to here.
constexpr milliseconds kHedgeSlack{1000};
/// Of an endpoint that has not answered yet: no percentile is known.
constexpr milliseconds kHedgeUnknown{250};
/// A hedged read that was silent for so long has failed, though another node answered it.
constexpr milliseconds kHedgeLate{1000};
/// Calls that may be saved up for hedges: quiet hours must not pay for a storm of them.
constexpr std::uint64_t kHedgesSaved{64};
/// The budget is kept in hundredths of a call.
constexpr std::uint64_t kPerCall{100};

/// The next node may have the block that this one does not know yet.
bool may_be_elsewhere(RpcClass kind) {
    return detail::is_no_answer(kind) || kind == RpcClass::kBlockNotFound;
}

template <class Kinds>
bool any_error_is(const BatchAnswers& answers, Kinds kinds) {
    if (!answers) {
        return kinds(answers.error().kind);
    }
    return std::ranges::any_of(answers.value(), [&](const RpcResult<json>& answer) {
        return !answer && kinds(answer.error().kind);
    });
}

bool lacks_for_one(const BatchAnswers& answers) {
    return any_error_is(answers, may_be_elsewhere);
}

/// That a node has not got a method is for its caller to know, who has another way then.
bool lacks_for_step(const BatchAnswers& answers) {
    return any_error_is(answers, [](RpcClass kind) {
        return may_be_elsewhere(kind) && kind != RpcClass::kMethodNotFound;
    });
}

/// Of two failures the more telling one is kept.
bool tells_more(const BatchAnswers& before, const BatchAnswers& last) {
    const auto first_error = [](const BatchAnswers& answers) {
        if (!answers) {
            return answers.error();
        }
        const auto bad = std::ranges::find_if(answers.value(), [](const RpcResult<json>& answer) {
            return !answer;
        });
        return bad->error();
    };
    std::optional<RpcError> best = first_error(before);
    const RpcError other = first_error(last);
    detail::keep_telling(best, other);
    return best->kind == other.kind && first_error(before).kind != other.kind;
}

}  // namespace

void EndpointPool::earn_hedges(std::size_t calls) {
    hedge_budget_ = std::min<std::uint64_t>(
        hedge_budget_ + calls * limits_.hedge_percent, kHedgesSaved * kPerCall
    );
}

bool EndpointPool::spend_hedge(std::size_t calls) {
    if (hedge_budget_ < calls * kPerCall) {
        return false;
    }
    hedge_budget_ -= calls * kPerCall;
    return true;
}

std::vector<Endpoint*> EndpointPool::hedge_order() const {
    std::vector<Endpoint*> order = best_first();
    if (order.size() > 2) {
        const Endpoint* best = order.front();
        const auto other = std::find_if(order.begin() + 1, order.end(), [=](const Endpoint* e) {
            return e->is_ready() && e->operator_name() != best->operator_name();
        });
        if (other != order.end()) {
            std::rotate(order.begin() + 1, other, other + 1);
        }
    }
    return order;
}

Task<void> EndpointPool::hedge_lane(Hedge* hedge, std::size_t lane) {
    while (!hedge->won && hedge->next < hedge->queue.size() && !hedge->deadline.passed()) {
        Endpoint* endpoint = hedge->queue[hedge->next];
        // The second lane is for speed; the last resort is the first lane's.
        if (lane > 0 && (!endpoint->is_ready() || !spend_hedge(hedge->calls.size()))) {
            break;
        }
        ++hedge->next;
        hedge->lanes.at(lane).asked = endpoint;
        hedge->lanes.at(lane).since = Deadline::after(kHedgeLate);
        if (lane > 0) {
            endpoint->note_hedge(hedge->calls.size());
        }
        std::vector<RpcCall> calls = hedge->calls;
        BatchAnswers answers = co_await endpoint->ask_all(std::move(calls), hedge->deadline.left());
        hedge->lanes.at(lane).asked = nullptr;
        if (hedge->won) {
            break;
        }
        if (!hedge->lacks(answers)) {
            hedge->won.emplace(endpoint, std::move(answers));
        } else if (!hedge->failed || hedge->replaces(hedge->failed->answers, answers)) {
            hedge->failed.emplace(endpoint, std::move(answers));
        }
    }
    hedge->first_done.notify();
}

Task<void> EndpointPool::late_lane(Hedge* hedge) {
    co_await hedge->first_done.wait_for(hedge->delay);
    co_await hedge_lane(hedge, 1);
}

Task<OperatorAnswer> EndpointPool::run_hedge(Hedge* hedge) {
    MARGRAVE_ASSERT(!hedge->queue.empty());
    Endpoint* first = hedge->queue.front();
    earn_hedges(hedge->calls.size());
    const Latency& latency = first->latency();
    hedge->delay = std::clamp(
        latency.count() > 0 ? latency.p95() : kHedgeUnknown, limits_.hedge_min, limits_.hedge_max
    );
    std::vector<Task<void>> tasks;
    tasks.push_back(hedge_lane(hedge, 0));
    if (hedge->queue.size() > 1 && limits_.hedge_percent > 0) {
        tasks.push_back(late_lane(hedge));
    }
    const Race::Judge judge = [hedge] {
        if (!hedge->won) {
            return hedge->deadline.left() + kHedgeSlack;
        }
        for (const Hedge::Lane& lane : hedge->lanes) {
            if (lane.asked != nullptr && lane.since->passed()) {
                lane.asked->note_late(kHedgeLate);
            }
        }
        return milliseconds{0};
    };
    Executor executor = co_await boost::asio::this_coro::executor;
    Race race(executor);
    co_await race.run(std::move(tasks), judge);
    if (hedge->won) {
        co_return std::move(*hedge->won);
    }
    if (hedge->failed) {
        co_return std::move(*hedge->failed);
    }
    Error late = infra::timeout_error(first->name(), hedge->deadline.limit());
    RpcError error(RpcClass::kTransport, Errc::kTimeout, std::move(late.detail));
    co_return OperatorAnswer(first, std::move(error));
}

Task<OperatorAnswer> EndpointPool::ask_first_of(
    std::vector<Endpoint*> order, std::vector<RpcCall> calls, milliseconds deadline
) {
    Executor executor = co_await boost::asio::this_coro::executor;
    const Deadline until = Deadline::after(deadline);
    Hedge hedge(executor, std::move(calls), until);
    hedge.queue = std::move(order);
    hedge.lacks = lacks_for_step;
    hedge.replaces = tells_more;
    auto answer = co_await run_hedge(&hedge);
    co_return answer;
}

Task<RpcResult<json>> EndpointPool::hedged(RpcCall call, milliseconds deadline) {
    Executor executor = co_await boost::asio::this_coro::executor;
    std::vector<RpcCall> calls;
    calls.push_back(std::move(call));
    const Deadline until = Deadline::after(deadline);
    Hedge hedge(executor, std::move(calls), until);
    hedge.queue = hedge_order();
    if (hedge.queue.empty()) {
        co_return detail::nobody(members_.size());
    }
    hedge.lacks = lacks_for_one;
    hedge.replaces = tells_more;
    OperatorAnswer answer = co_await run_hedge(&hedge);
    if (!answer.answers) {
        co_return std::move(answer.answers.error());
    }
    co_return std::move(answer.answers.value().front());
}

}  // namespace margrave::chains::rpc
