// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/client.hpp"
#include "chains/rpc/health.hpp"
#include "chains/rpc/rate.hpp"
#include "chains/settings.hpp"
#include "chains/sources.hpp"
#include "core/ids.hpp"
#include "infra/log.hpp"
#include "infra/task.hpp"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace margrave::chains::rpc {

using SteadyNow = std::function<SteadyTime()>;

/// The machine's steady clock.
SteadyNow steady_now();

struct EndpointLimits {
    HealthLimits health;
    /// Calls that may wait for a turn; one more is kOverloaded.
    std::size_t waiting{256};
    /// Of `call` and `batch`, which name none.
    std::chrono::milliseconds deadline{5000};
};

/// Whether the answer says that the endpoint, not the question or the transaction, is in trouble.
/// A transaction's verdict never is one, however a node words it: taking "nonce too low" for
/// trouble would shut every endpoint at once.
bool is_endpoint_trouble(RpcClass kind);

/// One node and what is known of it: its state (docs/chain-data.md section 4), how fast it is, what
/// it costs and whether it may be asked now. Wraps a caller, which it owns. Every answer is noted.
///
/// A rate-limited or parked endpoint answers from here, without asking the node, until its time has
/// come (a parked one is asked once a minute all the same). In every other state the caller decides
/// whether to ask: the pool does, by state. Owned by a pool; lives on the executor.
class Endpoint final : public RpcCaller {
  public:
    Endpoint(
        std::unique_ptr<RpcCaller> caller,
        EndpointSettings settings,
        EndpointLimits limits,
        SteadyNow now,
        infra::Logger log
    );
    ~Endpoint() override;
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    [[nodiscard]] const std::string& name() const override { return settings_.name; }

    [[nodiscard]] const std::string& operator_name() const { return settings_.operator_name; }

    [[nodiscard]] const EndpointSettings& settings() const { return settings_; }

    Task<RpcResult<nlohmann::json>> call(std::string method, nlohmann::json params) override;
    Task<RpcResult<std::vector<RpcResult<nlohmann::json>>>> batch(std::vector<RpcCall> calls
    ) override;

    Task<RpcResult<RawAnswer>> call_raw(RpcCall call) override;
    Task<RpcResult<std::vector<RpcResult<RawAnswer>>>> batch_raw(std::vector<RpcCall> calls
    ) override;

    /// The same within `deadline`, which covers waiting for a turn. kOverloaded: it never came to
    /// asking, because of our own limits. kTransport with Errc::kTimeout: the node did not answer.
    Task<RpcResult<nlohmann::json>> ask(RpcCall call, std::chrono::milliseconds deadline);
    Task<RpcResult<std::vector<RpcResult<nlohmann::json>>>> ask_all(
        std::vector<RpcCall> calls, std::chrono::milliseconds deadline
    );
    /// The same with the results as text: for answers too large to become a tree of values.
    Task<RpcResult<RawAnswer>> ask_raw(RpcCall call, std::chrono::milliseconds deadline);
    Task<RpcResult<std::vector<RpcResult<RawAnswer>>>> ask_all_raw(
        std::vector<RpcCall> calls, std::chrono::milliseconds deadline
    );
    /// `ask` for a transaction: sent also while rate-limited or parked.
    Task<RpcResult<nlohmann::json>> send(RpcCall call, std::chrono::milliseconds deadline);

    [[nodiscard]] EndpointState state() const { return health_.state(now_()); }

    /// Why it is not alive, one sentence; empty when it is.
    [[nodiscard]] std::string reason() const { return health_.reason(now_()); }

    /// When it entered its state.
    [[nodiscard]] SteadyTime since() const { return health_.since(now_()); }

    /// Whether asking it makes sense now: alive, undialed or out-of-sync, or unreachable and its
    /// time to be tried has come.
    [[nodiscard]] bool is_ready() const { return health_.is_ready(now_()); }

    /// What stands for its answer while it is not asked because it is not ready.
    [[nodiscard]] RpcError not_now() const;
    /// Whether its answers may be used at all: neither wrong-chain nor lying.
    [[nodiscard]] bool is_usable() const;

    /// Whether its chain id should be asked: never right so far, not right for `interval`, or
    /// unreachable and to be tried.
    [[nodiscard]] bool dial_due(std::chrono::milliseconds interval) const {
        return health_.dial_due(now_(), interval);
    }

    /// Its chain id and genesis were right.
    void mark_dialed();
    void mark_wrong_chain(std::string reason);
    void mark_lying(std::string reason);
    /// No longer lying.
    void forgive();
    void mark_out_of_sync(std::string reason);
    void mark_in_sync();
    /// Somebody is about to give up on it because others have answered. A failure if the node has
    /// been asked; none if the call still waits for its turn.
    void note_late(std::chrono::milliseconds waited);

    void note_head(BlockNum latest) { latest_ = latest; }

    [[nodiscard]] std::optional<BlockNum> latest() const { return latest_; }

    /// Goes up with trouble, down with answers.
    [[nodiscard]] unsigned failure_count() const { return health_.failure_count(); }

    [[nodiscard]] const Latency& latency() const;

    /// Calls sent since the start, each of a batch counted.
    [[nodiscard]] std::uint64_t requests() const { return requests_; }

    /// So many calls are about to be asked here because another endpoint is slow.
    void note_hedge(std::uint64_t calls) { hedges_ += calls; }

    /// Calls that have a turn, and calls that wait for one.
    [[nodiscard]] std::size_t running() const;
    [[nodiscard]] std::size_t waiting() const;

    [[nodiscard]] Money usd_per_month() const;
    [[nodiscard]] SourceStatus status() const;

  private:
    class Flight;
    struct Gate;

    /// A request that has not begun, and what it counts as.
    struct Errand {
        std::string method;
        std::uint64_t cost{1};
        std::chrono::milliseconds deadline;
        /// Sent also while rate-limited or parked.
        bool urgent{false};
    };

    template <class T>
    Task<RpcResult<T>> guarded(Errand errand, Task<RpcResult<T>> request);
    // The flight and the slot are in the frame of the caller, who awaits.
    template <class T>
    Task<void> fly(
        Flight* flight,
        std::string method,
        Task<RpcResult<T>> request,
        std::optional<RpcResult<T>>* into
    );
    Task<RpcResult<void>> take_off(Flight* flight);
    [[nodiscard]] std::optional<RpcError> refusal_now() const;
    [[nodiscard]] RpcError late_error(const Flight& flight, std::chrono::milliseconds deadline)
        const;
    void note(std::string_view method, const RpcError* error);
    void log_change(EndpointState before);

    std::unique_ptr<RpcCaller> caller_;
    EndpointSettings settings_;
    EndpointLimits limits_;
    SteadyNow now_;
    infra::Logger log_;
    infra::LogLimiter log_limiter_;
    SteadyTime started_;
    Health health_;
    std::optional<BlockNum> latest_;
    std::uint64_t requests_{0};
    std::uint64_t failures_{0};
    std::uint64_t hedges_{0};
    /// Shared with calls under way, so that frames destroyed with the io_context find it alive.
    std::shared_ptr<Gate> gate_;
};

}  // namespace margrave::chains::rpc
