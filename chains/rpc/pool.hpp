// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/endpoint.hpp"
#include "chains/settings.hpp"
#include "chains/sources.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"
#include "infra/task_group.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace margrave::chains::rpc {

using BatchAnswers = RpcResult<std::vector<RpcResult<nlohmann::json>>>;

/// What one operator said. The endpoint is the one that answered, or the last one tried.
struct OperatorAnswer {
    Endpoint* endpoint;
    std::string operator_name;
    BatchAnswers answers;

    OperatorAnswer(Endpoint* from, BatchAnswers what);
    OperatorAnswer(const OperatorAnswer&) = delete;
    OperatorAnswer& operator=(const OperatorAnswer&) = delete;
    OperatorAnswer(OperatorAnswer&&) noexcept;
    OperatorAnswer& operator=(OperatorAnswer&&) noexcept;
    ~OperatorAnswer();
};

/// A head that an endpoint told.
struct EndpointHead {
    Endpoint* endpoint{nullptr};
    BlockNum latest;
};

struct PoolLimits {
    EndpointLimits endpoint;
    /// A hedged read asks a second endpoint after the first one's 95th percentile, within these.
    std::chrono::milliseconds hedge_min{50};
    std::chrono::milliseconds hedge_max{2000};
    /// Calls of hedges for a hundred calls of reads that may be hedged; zero: none is. What is not
    /// used is saved, up to 64 calls.
    std::uint64_t hedge_percent{10};
    /// An endpoint is out of sync when it is behind by more than the chain makes in this time ...
    std::chrono::milliseconds lag{30'000};
    /// ... but by more than so many blocks ...
    std::uint64_t lag_blocks_min{3};
    /// ... and has been for this long: blocks that come in a burst reach one node before another.
    std::chrono::milliseconds lag_settle{10'000};
    /// Sends under way at one time, of all broadcasts together.
    std::size_t sends{256};
};

/// The endpoints of one chain, grouped by who runs them. It decides who is asked, never what is
/// believed. Owned by a chain's adapter; lives on the executor and outlives the tasks it returned.
/// What a broadcast still sends when it has returned keeps its endpoint alive by itself.
class EndpointPool {
  public:
    /// What an operator may take longer than the first `enough` others.
    static constexpr std::chrono::milliseconds kGrace{1000};

    /// One settings for each caller, in order. An empty operator name is the endpoint's own name.
    EndpointPool(
        std::vector<std::unique_ptr<RpcCaller>> callers,
        std::vector<EndpointSettings> settings,
        PoolLimits limits,
        SteadyNow now,
        infra::Logger log
    );
    /// With default limits, the machine's clock and no log.
    EndpointPool(
        std::vector<std::unique_ptr<RpcCaller>> callers, std::vector<EndpointSettings> settings
    );
    ~EndpointPool();
    EndpointPool(const EndpointPool&) = delete;
    EndpointPool& operator=(const EndpointPool&) = delete;

    /// All endpoints in the order of the settings.
    [[nodiscard]] std::vector<Endpoint*> endpoints() const;
    /// The best endpoint of each operator, operators in the order of their first endpoint. Alive
    /// before undialed, out-of-sync, unreachable, rate-limited and parked; then fewer failures,
    /// then lower latency. An operator whose endpoints are all bad has its least bad one here; one
    /// whose endpoints are all wrong-chain or lying is absent.
    [[nodiscard]] std::vector<Endpoint*> one_per_operator() const;
    /// All usable endpoints, best first.
    [[nodiscard]] std::vector<Endpoint*> best_first() const;
    /// Endpoints whose chain id should be asked now; see Endpoint::dial_due.
    [[nodiscard]] std::vector<Endpoint*> due_for_dial(std::chrono::milliseconds interval) const;

    /// The same batch to one endpoint of each operator, together. Trouble with the endpoint, or an
    /// error that another may not have (method not found, pruned, unknown words), makes the
    /// operator's next one be asked, inside the deadline, and does not count as an answer. So does
    /// silence beyond the endpoint's own 95th percentile, within the budget for hedges. Ends
    /// when all have answered, or `grace` after `enough` operators have, or at the deadline. One
    /// answer for each operator of one_per_operator(), in its order; who was not waited for has
    /// kTransport with Errc::kTimeout. An endpoint that is not ready is asked only when fewer than
    /// `enough` others are; else its answer says when it will be.
    Task<std::vector<OperatorAnswer>> ask_operators(
        std::vector<RpcCall> calls,
        std::chrono::milliseconds deadline,
        std::size_t enough,
        std::chrono::milliseconds grace = kGrace
    );
    /// The same to exactly these endpoints, with no other tried; one answer each, in their order.
    Task<std::vector<OperatorAnswer>> ask_these(
        std::vector<Endpoint*> asked,
        std::vector<RpcCall> calls,
        std::chrono::milliseconds deadline,
        std::size_t enough,
        std::chrono::milliseconds grace = kGrace
    );

    /// A batch of reads, answered by one of `order`, which is not empty: by the first unless it is
    /// in trouble, has not got the block, or is silent beyond its own 95th percentile and the
    /// budget for hedges allows the next to be asked beside it. The answer says who gave it; it is
    /// one endpoint's word and has to be proved. Never for transactions.
    Task<OperatorAnswer> ask_first_of(
        std::vector<Endpoint*> order, std::vector<RpcCall> calls, std::chrono::milliseconds deadline
    );

    /// A read, answered by whoever is first. The second endpoint is another operator's if there is
    /// one. An error that the next node may not have (trouble, block not found, method not found,
    /// pruned, unknown words) makes the next be asked; the most telling one is returned if all
    /// fail.
    Task<RpcResult<nlohmann::json>> hedged(RpcCall call, std::chrono::milliseconds deadline);

    /// A transaction, to every usable endpoint. Ends well with the first that takes it; the others
    /// are still sent to, for as long as the deadline is. kAlreadyKnown counts as taken (result:
    /// null). When nobody took it, the most telling error: a verdict on the transaction before
    /// trouble with an endpoint.
    Task<RpcResult<nlohmann::json>> broadcast(RpcCall call, std::chrono::milliseconds deadline);
    /// Sends that have not ended.
    [[nodiscard]] std::size_t sends_running() const;

    /// Heads as told just now. Judges who is out of sync: by the `k`-th highest of the operators'
    /// heads and by the chain's own pace, so that a chain that stands still makes nobody stale.
    void note_heads(std::span<const EndpointHead> heads, std::size_t k);
    /// Smoothed time between two blocks; absent before the second.
    [[nodiscard]] std::optional<std::chrono::milliseconds> pace() const;

    [[nodiscard]] std::vector<SourceStatus> status() const;
    /// No endpoint is lying any more.
    void forgive();

  private:
    struct Joint;
    struct Hedge;
    struct Broadcast;

    // What these work on is in the frame of the caller, who awaits.
    Task<void> joint_lane(Joint* joint, std::size_t at);
    Task<void> hedged_lane(Joint* joint, std::size_t at);
    // pool_hedge.cpp
    Task<void> hedge_lane(Hedge* hedge, std::size_t lane);
    Task<void> late_lane(Hedge* hedge);
    Task<OperatorAnswer> run_hedge(Hedge* hedge);
    void earn_hedges(std::size_t calls);
    /// Whether the budget had so many; then they are gone.
    bool spend_hedge(std::size_t calls);
    static Task<void> send_one(
        std::shared_ptr<Endpoint> endpoint,
        std::shared_ptr<Broadcast> broadcast,
        std::chrono::milliseconds deadline
    );
    Task<std::vector<OperatorAnswer>> run_joint(
        Joint* joint, std::size_t enough, std::chrono::milliseconds grace
    );
    [[nodiscard]] std::vector<std::vector<Endpoint*>> by_operator() const;
    [[nodiscard]] std::vector<Endpoint*> hedge_order() const;
    void note_pace(BlockNum head);

    struct Member {
        /// Shared with the sends of broadcasts that go on after the broadcast has returned.
        std::shared_ptr<Endpoint> endpoint;
        /// Since when it is behind by more than is allowed.
        std::optional<SteadyTime> behind_since;
    };

    void judge(Member& member, BlockNum head);

    PoolLimits limits_;
    SteadyNow now_;
    std::vector<Member> members_;
    /// Made with the first broadcast, on its executor.
    std::optional<infra::TaskGroup> sends_;
    /// In hundredths of a call.
    std::uint64_t hedge_budget_{0};
    std::optional<BlockNum> head_;
    SteadyTime head_at_;
    std::optional<std::chrono::nanoseconds> pace_;
};

}  // namespace margrave::chains::rpc
