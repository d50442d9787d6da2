// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/race.hpp"
#include "chains/rpc/pool.hpp"
#include "infra/notifier.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::chains::rpc {

using detail::Race;
using infra::Deadline;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

/// Each call keeps the deadline by itself; this is for the step from there to here.
constexpr milliseconds kSlack{1000};
/// Of an endpoint that has not answered yet: no percentile is known.
constexpr milliseconds kHedgeUnknown{250};
/// A hedged read that was silent for so long has failed, though another node answered it.
constexpr milliseconds kHedgeLate{1000};

/// Whether the same question may get its answer elsewhere: trouble, a method or history that this
/// node does not offer, words that nobody knows. "Not there yet" is an answer.
bool is_no_answer(RpcClass kind) {
    return is_endpoint_trouble(kind) || kind == RpcClass::kMethodNotFound ||
           kind == RpcClass::kPruned || kind == RpcClass::kOther;
}

bool lacks_answer(const BatchAnswers& answers) {
    if (!answers) {
        return is_no_answer(answers.error().kind);
    }
    return std::ranges::any_of(answers.value(), [](const RpcResult<json>& answer) {
        return !answer && is_no_answer(answer.error().kind);
    });
}

/// Whether the next node would say the same of a read of the newest state.
bool is_final(RpcClass kind) {
    return !is_no_answer(kind) && kind != RpcClass::kBlockNotFound;
}

/// Which of several errors to tell: what is about the transaction or the question first, and of
/// those what needs somebody to act; then what a node says of itself; then silence.
unsigned telling(RpcClass kind) {
    constexpr auto kOrder = std::to_array<RpcClass>(
        {RpcClass::kOverloaded,
         RpcClass::kTransport,
         RpcClass::kUnproved,
         RpcClass::kNodeTrouble,
         RpcClass::kRateLimited,
         RpcClass::kRefused,
         RpcClass::kMethodNotFound,
         RpcClass::kOther,
         RpcClass::kBlockNotFound,
         RpcClass::kPruned,
         RpcClass::kRangeTooLarge,
         RpcClass::kPoolFull,
         RpcClass::kNonceTooHigh,
         RpcClass::kUnderpriced,
         RpcClass::kTxnInvalid,
         RpcClass::kReverted,
         RpcClass::kInsufficientFunds,
         RpcClass::kNonceTooLow,
         RpcClass::kAlreadyKnown}
    );
    return static_cast<unsigned>(std::ranges::find(kOrder, kind) - kOrder.begin());
}

void keep_telling(std::optional<RpcError>& best, RpcError error) {
    if (!best || telling(error.kind) > telling(best->kind)) {
        best = std::move(error);
    }
}

RpcError nobody(std::size_t endpoints) {
    return {
        RpcClass::kTransport,
        Errc::kUnable,
        "nobody may be asked: all " + std::to_string(endpoints) +
            " endpoints serve another chain or were refuted"};
}

}  // namespace

OperatorAnswer::OperatorAnswer(Endpoint* from, BatchAnswers what)
    : endpoint(from),
      operator_name(from->operator_name()),
      answers(std::move(what)) {}

OperatorAnswer::OperatorAnswer(OperatorAnswer&&) noexcept = default;
OperatorAnswer& OperatorAnswer::operator=(OperatorAnswer&&) noexcept = default;
OperatorAnswer::~OperatorAnswer() = default;

/// One batch asked of several operators. Lane i asks the endpoints of lists[i], one after another.
struct EndpointPool::Joint {
    struct Lane {
        std::vector<Endpoint*> endpoints;
        /// Being asked now; null: the lane has ended.
        Endpoint* asked{nullptr};
        std::optional<OperatorAnswer> answer;
    };

    Joint(std::vector<RpcCall> what, milliseconds limit)
        : calls(std::move(what)),
          deadline(Deadline::after(limit)) {}

    [[nodiscard]] milliseconds waited() const { return deadline.limit() - deadline.left(); }

    std::vector<RpcCall> calls;
    Deadline deadline;
    std::vector<Lane> lanes;
    std::size_t good{0};
    std::optional<Deadline> grace;
};

Task<void> EndpointPool::joint_lane(Joint* joint, std::size_t at) {
    Joint::Lane& lane = joint->lanes[at];
    for (Endpoint* endpoint : lane.endpoints) {
        if (lane.answer && joint->deadline.passed()) {
            break;
        }
        lane.asked = endpoint;
        std::vector<RpcCall> calls = joint->calls;
        BatchAnswers answers = co_await endpoint->ask_all(std::move(calls), joint->deadline.left());
        const bool lacks = lacks_answer(answers);
        // Half an answer is better than the next endpoint's none.
        if (!lacks || !lane.answer || !lane.answer->answers) {
            lane.answer.emplace(endpoint, std::move(answers));
        }
        if (!lacks) {
            ++joint->good;
            break;
        }
    }
    lane.asked = nullptr;
}

Task<std::vector<OperatorAnswer>> EndpointPool::run_joint(
    Joint* joint, std::size_t enough, milliseconds grace
) {
    std::vector<Task<void>> tasks;
    for (std::size_t i = 0; i < joint->lanes.size(); ++i) {
        if (!joint->lanes[i].answer) {
            joint->lanes[i].asked = joint->lanes[i].endpoints.front();
            tasks.push_back(joint_lane(joint, i));
        }
    }
    const Race::Judge judge = [joint, enough, grace] {
        if (joint->good < std::max<std::size_t>(enough, 1)) {
            return joint->deadline.left() + kSlack;
        }
        if (!joint->grace) {
            joint->grace = Deadline::after(grace);
        }
        const milliseconds left = std::min(joint->grace->left(), joint->deadline.left() + kSlack);
        if (left.count() == 0) {
            for (const Joint::Lane& lane : joint->lanes) {
                if (lane.asked != nullptr) {
                    lane.asked->note_late(joint->waited());
                }
            }
        }
        return left;
    };
    Executor executor = co_await boost::asio::this_coro::executor;
    Race race(executor);
    co_await race.run(std::move(tasks), judge);
    std::vector<OperatorAnswer> out;
    for (Joint::Lane& lane : joint->lanes) {
        if (!lane.answer) {
            RpcError late(
                RpcClass::kTransport,
                Errc::kTimeout,
                lane.asked->name() + " had not answered after " +
                    std::to_string(joint->waited().count()) + " ms, when " +
                    std::to_string(joint->good) + " others had"
            );
            lane.answer.emplace(lane.asked, std::move(late));
        }
        out.push_back(std::move(*lane.answer));
    }
    co_return out;
}

Task<std::vector<OperatorAnswer>> EndpointPool::ask_operators(
    std::vector<RpcCall> calls, milliseconds deadline, std::size_t enough, milliseconds grace
) {
    Joint joint(std::move(calls), deadline);
    std::size_t sure = 0;
    for (std::vector<Endpoint*>& list : by_operator()) {
        const Endpoint* first = list.front();
        sure += first->is_ready() && first->failure_count() == 0 ? 1U : 0U;
        Joint::Lane lane;
        lane.endpoints = std::move(list);
        joint.lanes.push_back(std::move(lane));
    }
    // Whoever is not ready would only be waited for; unless it is needed.
    for (Joint::Lane& lane : joint.lanes) {
        Endpoint* first = lane.endpoints.front();
        if (sure >= enough && !first->is_ready()) {
            lane.answer.emplace(first, first->not_now());
        }
    }
    auto answers = co_await run_joint(&joint, enough, grace);
    co_return answers;
}

Task<std::vector<OperatorAnswer>> EndpointPool::ask_these(
    std::vector<Endpoint*> asked,
    std::vector<RpcCall> calls,
    milliseconds deadline,
    std::size_t enough,
    milliseconds grace
) {
    Joint joint(std::move(calls), deadline);
    for (Endpoint* endpoint : asked) {
        Joint::Lane lane;
        lane.endpoints.push_back(endpoint);
        joint.lanes.push_back(std::move(lane));
    }
    auto answers = co_await run_joint(&joint, enough, grace);
    co_return answers;
}

/// One read asked in two lanes that take endpoints from one queue.
struct EndpointPool::Hedge {
    Hedge(const Executor& executor, RpcCall what, milliseconds limit)
        : call(std::move(what)),
          deadline(Deadline::after(limit)),
          first_done(executor) {}

    struct Lane {
        Endpoint* asked{nullptr};
        std::optional<Deadline> since;
    };

    RpcCall call;
    Deadline deadline;
    infra::Notifier first_done;
    milliseconds delay{0};
    std::vector<Endpoint*> queue;
    std::size_t next{0};
    std::array<Lane, 2> lanes;
    std::optional<RpcResult<json>> won;
    std::optional<RpcError> failed;
};

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
        if (lane > 0 && !endpoint->is_ready()) {
            break;
        }
        ++hedge->next;
        hedge->lanes.at(lane).asked = endpoint;
        hedge->lanes.at(lane).since = Deadline::after(kHedgeLate);
        RpcCall call = hedge->call;
        RpcResult<json> answer = co_await endpoint->ask(std::move(call), hedge->deadline.left());
        hedge->lanes.at(lane).asked = nullptr;
        if (answer || is_final(answer.error().kind)) {
            hedge->won.emplace(std::move(answer));
        } else {
            keep_telling(hedge->failed, std::move(answer.error()));
        }
    }
    hedge->first_done.notify();
}

Task<void> EndpointPool::late_lane(Hedge* hedge) {
    co_await hedge->first_done.wait_for(hedge->delay);
    co_await hedge_lane(hedge, 1);
}

Task<RpcResult<json>> EndpointPool::hedged(RpcCall call, milliseconds deadline) {
    Executor executor = co_await boost::asio::this_coro::executor;
    Hedge hedge(executor, std::move(call), deadline);
    hedge.queue = hedge_order();
    if (hedge.queue.empty()) {
        co_return nobody(members_.size());
    }
    const Latency& latency = hedge.queue.front()->latency();
    hedge.delay = std::clamp(
        latency.count() > 0 ? latency.p95() : kHedgeUnknown, limits_.hedge_min, limits_.hedge_max
    );
    std::vector<Task<void>> tasks;
    tasks.push_back(hedge_lane(&hedge, 0));
    if (hedge.queue.size() > 1) {
        tasks.push_back(late_lane(&hedge));
    }
    const Race::Judge judge = [&hedge] {
        if (!hedge.won) {
            return hedge.deadline.left() + kSlack;
        }
        for (const Hedge::Lane& lane : hedge.lanes) {
            if (lane.asked != nullptr && lane.since->passed()) {
                lane.asked->note_late(kHedgeLate);
            }
        }
        return milliseconds{0};
    };
    Race race(executor);
    co_await race.run(std::move(tasks), judge);
    if (hedge.won) {
        co_return std::move(*hedge.won);
    }
    if (!hedge.failed) {
        Error late = infra::timeout_error(hedge.call.method, deadline);
        co_return RpcError(RpcClass::kTransport, Errc::kTimeout, std::move(late.detail));
    }
    co_return std::move(*hedge.failed);
}

/// Shared by the sends of one transaction, which go on after the first has been accepted.
struct EndpointPool::Broadcast {
    Broadcast(const Executor& executor, RpcCall what)
        : call(std::move(what)),
          changed(executor) {}

    RpcCall call;
    infra::Notifier changed;
    std::size_t running{0};
    std::optional<json> taken;
    std::optional<RpcError> failed;
};

Task<void> EndpointPool::send_one(
    std::shared_ptr<Endpoint> endpoint, std::shared_ptr<Broadcast> broadcast, milliseconds deadline
) {
    RpcCall call = broadcast->call;
    RpcResult<json> answer = co_await endpoint->send(std::move(call), deadline);
    --broadcast->running;
    if (answer) {
        broadcast->taken = std::move(answer.value());
    } else if (answer.error().kind == RpcClass::kAlreadyKnown) {
        if (!broadcast->taken) {
            broadcast->taken.emplace();
        }
    } else {
        keep_telling(broadcast->failed, std::move(answer.error()));
    }
    broadcast->changed.notify();
}

Task<RpcResult<json>> EndpointPool::broadcast(RpcCall call, milliseconds deadline) {
    Executor executor = co_await boost::asio::this_coro::executor;
    if (!sends_ || sends_->running() == 0) {
        sends_.emplace(executor, limits_.sends);
    }
    const auto shared = std::make_shared<Broadcast>(executor, std::move(call));
    std::size_t usable = 0;
    for (const Member& member : members_) {
        if (!member.endpoint->is_usable()) {
            continue;
        }
        ++usable;
        ++shared->running;
        const Result<void> started = sends_->spawn(
            "send to " + member.endpoint->name(), send_one(member.endpoint, shared, deadline)
        );
        if (!started) {
            --shared->running;
            keep_telling(shared->failed, RpcError(RpcClass::kOverloaded, started.error().detail));
        }
    }
    if (usable == 0) {
        co_return nobody(members_.size());
    }
    const Deadline end = Deadline::after(deadline + kSlack);
    while (!shared->taken && shared->running > 0 && !end.passed()) {
        co_await shared->changed.wait_for(end.left());
    }
    if (shared->taken) {
        co_return std::move(*shared->taken);
    }
    if (!shared->failed) {
        Error late = infra::timeout_error("sending a transaction", deadline);
        co_return RpcError(RpcClass::kTransport, Errc::kTimeout, std::move(late.detail));
    }
    co_return std::move(*shared->failed);
}

std::size_t EndpointPool::sends_running() const {
    return sends_ ? sends_->running() : 0;
}

}  // namespace margrave::chains::rpc
