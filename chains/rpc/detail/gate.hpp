// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/endpoint.hpp"
#include "infra/timeout.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>

namespace margrave::chains::rpc {

/// Turns, tokens and times of the calls under way at one endpoint.
struct Endpoint::Gate {
    struct Waiter {
        explicit Waiter(const Executor& executor)
            : granted(executor, boost::asio::steady_timer::time_point::max()) {}

        boost::asio::steady_timer granted;
        bool has_turn{false};
    };

    Gate(const RateSettings& rate, SteadyNow clock);

    /// Hands the turn to the one who has waited longest, so nobody can overtake.
    void release();

    std::size_t turns;
    std::size_t running{0};
    /// Of those running, the ones whose request is at the node.
    std::size_t flying{0};
    std::list<Waiter*> waiters;
    TokenBucket bucket;
    Latency latency;
    SteadyNow now;
};

/// One call or batch on its way; gives back what it holds however it ends.
class Endpoint::Flight {
  public:
    Flight(std::shared_ptr<Gate> gate, std::uint64_t cost, infra::Deadline deadline, bool urgent);
    ~Flight();
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;

    /// Waits until it is its turn. The caller has checked that there is room to wait.
    Task<void> queue();
    /// Takes its tokens; they go back if it never starts.
    void pay();
    /// The request goes to the node.
    void start();
    /// The answer is there.
    void land();

    /// Whether the node was asked.
    [[nodiscard]] bool asked() const { return asked_; }

    const std::uint64_t cost;
    const infra::Deadline deadline;
    const bool urgent;

  private:
    enum class Phase : std::uint8_t { kNone, kTurn, kFlying };
    struct Place;

    [[nodiscard]] std::chrono::milliseconds elapsed() const;
    void end();

    std::shared_ptr<Gate> gate_;
    Phase phase_{Phase::kNone};
    bool paid_{false};
    bool asked_{false};
    SteadyTime sent_at_;
};

}  // namespace margrave::chains::rpc
