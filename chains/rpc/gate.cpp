// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/detail/gate.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace margrave::chains::rpc {

Endpoint::Gate::Gate(const RateSettings& rate, SteadyNow clock)
    : turns(std::max<std::size_t>(rate.concurrency, 1)),
      bucket(rate.per_second),
      now(std::move(clock)) {}

void Endpoint::Gate::release() {
    if (waiters.empty()) {
        --running;
        return;
    }
    Waiter* next = waiters.front();
    waiters.pop_front();
    next->has_turn = true;
    next->granted.cancel();
}

/// A place in the queue. Leaving it takes over a turn that was granted meanwhile, also when the
/// call was cancelled at the same time.
struct Endpoint::Flight::Place {
    Place(Flight* who, Gate::Waiter* how)
        : flight(who),
          waiter(how) {
        flight->gate_->waiters.push_back(waiter);
    }

    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    ~Place() {
        flight->gate_->waiters.remove(waiter);
        flight->phase_ = waiter->has_turn ? Phase::kTurn : Phase::kNone;
    }

    Flight* flight;
    Gate::Waiter* waiter;
};

Endpoint::Flight::Flight(
    std::shared_ptr<Gate> gate, std::uint64_t calls, infra::Deadline until, bool in_spite
)
    : cost(calls),
      deadline(until),
      urgent(in_spite),
      gate_(std::move(gate)) {}

Endpoint::Flight::~Flight() {
    if (phase_ == Phase::kFlying) {
        gate_->latency.note_at_least(elapsed());
    }
    end();
}

Task<void> Endpoint::Flight::queue() {
    if (gate_->running < gate_->turns) {
        ++gate_->running;
        phase_ = Phase::kTurn;
        co_return;
    }
    Executor executor = co_await boost::asio::this_coro::executor;
    Gate::Waiter waiter(executor);
    const Place place(this, &waiter);
    boost::system::error_code ignored;
    auto token = boost::asio::redirect_error(boost::asio::use_awaitable, ignored);
    co_await waiter.granted.async_wait(token);
    auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) {
        throw boost::system::system_error(boost::asio::error::operation_aborted);
    }
}

void Endpoint::Flight::pay() {
    gate_->bucket.take(gate_->now(), cost);
    paid_ = true;
}

void Endpoint::Flight::start() {
    phase_ = Phase::kFlying;
    paid_ = false;
    asked_ = true;
    ++gate_->flying;
    sent_at_ = gate_->now();
}

void Endpoint::Flight::land() {
    gate_->latency.note(elapsed());
    end();
}

std::chrono::milliseconds Endpoint::Flight::elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(gate_->now() - sent_at_);
}

void Endpoint::Flight::end() {
    if (paid_) {
        gate_->bucket.give_back(cost);
        paid_ = false;
    }
    if (phase_ == Phase::kFlying) {
        --gate_->flying;
    }
    if (phase_ != Phase::kNone) {
        phase_ = Phase::kNone;
        gate_->release();
    }
}

}  // namespace margrave::chains::rpc
