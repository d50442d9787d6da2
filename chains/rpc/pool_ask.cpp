// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/hedge.hpp"
#include "chains/rpc/detail/race.hpp"
#include "chains/rpc/detail/verdicts.hpp"
#include "chains/rpc/pool.hpp"
#include "infra/notifier.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/this_coro.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace margrave::chains::rpc {

using detail::is_no_answer;
using detail::keep_telling;
using detail::nobody;
using detail::Race;
using infra::Deadline;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

/// Each call keeps the deadline by itself; this is for the step from there to here.
constexpr milliseconds kSlack{1000};

bool lacks_answer(const BatchAnswers& answers) {
    if (!answers) {
        return is_no_answer(answers.error().kind);
    }
    return std::ranges::any_of(answers.value(), [](const RpcResult<json>& answer) {
        return !answer && is_no_answer(answer.error().kind);
    });
}

/// Half an answer is better than the next endpoint's none.
bool replaces_answer(const BatchAnswers& before, const BatchAnswers&) {
    return !before;
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

// However many endpoints of an operator are asked, the lane brings one answer.
Task<void> EndpointPool::hedged_lane(Joint* joint, std::size_t at) {
    Joint::Lane& lane = joint->lanes[at];
    Executor executor = co_await boost::asio::this_coro::executor;
    std::vector<RpcCall> calls = joint->calls;
    Hedge hedge(executor, std::move(calls), joint->deadline);
    hedge.queue = lane.endpoints;
    hedge.lacks = lacks_answer;
    hedge.replaces = replaces_answer;
    OperatorAnswer answer = co_await run_hedge(&hedge);
    joint->good += lacks_answer(answer.answers) ? 0U : 1U;
    lane.answer.emplace(std::move(answer));
    lane.asked = nullptr;
}

Task<void> EndpointPool::joint_lane(Joint* joint, std::size_t at) {
    Joint::Lane& lane = joint->lanes[at];
    earn_hedges(joint->calls.size());
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
            const auto& endpoints = joint->lanes[i].endpoints;
            const bool hedges = endpoints.size() > 1 && limits_.hedge_percent > 0;
            tasks.push_back(hedges ? hedged_lane(joint, i) : joint_lane(joint, i));
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
