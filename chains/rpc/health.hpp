// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace margrave::chains::rpc {

using SteadyTime = std::chrono::steady_clock::time_point;

/// docs/chain-data.md section 4.
enum class EndpointState : std::uint8_t {
    kUndialed,
    kAlive,
    kOutOfSync,
    kUnreachable,
    kRateLimited,
    kParked,
    kWrongChain,
    kLying,
};

/// "out-of-sync": the name in docs/chain-data.md.
std::string_view to_string(EndpointState state);

struct HealthLimits {
    /// So many failures make it unreachable.
    unsigned failures_max{5};
    /// Before an unreachable one is tried; doubles with each trial that fails.
    std::chrono::milliseconds backoff{1000};
    std::chrono::milliseconds backoff_max{30'000};
    /// After a rate error without Retry-After.
    std::chrono::milliseconds rate_pause{20'000};
    std::chrono::milliseconds rate_pause_max{60'000};
    std::chrono::milliseconds park{std::chrono::hours{1}};
    /// Between two trials of a parked one that somebody wants to ask all the same.
    std::chrono::milliseconds parked_trial{60'000};
    /// Without another refutation.
    std::chrono::milliseconds lying{std::chrono::hours{1}};
};

/// What an endpoint did so far and the state that follows from it. Several things can be the matter
/// at once; the state is the worst of them, and the next worse when that ends. Plain: time and
/// jitter come in as arguments.
class Health {
  public:
    Health(HealthLimits limits, SteadyTime now)
        : limits_(limits),
          well_since_(now) {}

    [[nodiscard]] EndpointState state(SteadyTime now) const;
    [[nodiscard]] std::string reason(SteadyTime now) const;
    [[nodiscard]] SteadyTime since(SteadyTime now) const;
    [[nodiscard]] bool is_ready(SteadyTime now) const;
    [[nodiscard]] bool dial_due(SteadyTime now, std::chrono::milliseconds interval) const;

    /// How long nothing should be sent: rate-limited or parked. Zero: it may be.
    [[nodiscard]] std::chrono::milliseconds pause_left(SteadyTime now) const;

    /// How long until an unreachable one is to be tried; zero: now, or it is not unreachable.
    [[nodiscard]] std::chrono::milliseconds trial_left(SteadyTime now) const;

    void on_answer(SteadyTime now);
    void on_failure(SteadyTime now, std::string reason);
    /// `jitter` in [0, 1000]: so many thousandths of an eighth of the pause are added.
    void on_rate_limit(
        SteadyTime now,
        std::optional<std::chrono::seconds> retry_after,
        std::uint64_t jitter,
        std::string reason
    );
    void on_refusal(SteadyTime now, std::string reason);
    void on_dialed(SteadyTime now);
    void on_wrong_chain(SteadyTime now, std::string reason);
    void on_lie(SteadyTime now, std::string reason);
    void forgive(SteadyTime now);
    void on_out_of_sync(SteadyTime now, std::string reason);
    void on_in_sync(SteadyTime now);

    [[nodiscard]] unsigned failure_count() const { return failures_; }

  private:
    /// Something that is the matter, since when and until when.
    struct Matter {
        SteadyTime since;
        /// Absent: until something happens.
        std::optional<SteadyTime> until;
        std::string reason;
    };

    using Slot = std::optional<Matter>;

    [[nodiscard]] const Matter* worst(SteadyTime now, EndpointState* state) const;
    static void enter(
        Slot& slot, SteadyTime now, std::optional<SteadyTime> until, std::string reason
    );

    HealthLimits limits_;
    unsigned failures_{0};
    std::chrono::milliseconds backoff_{0};
    SteadyTime next_trial_;
    SteadyTime next_parked_trial_;
    /// When the chain id was last told; absent when it must be asked again.
    std::optional<SteadyTime> dialed_;
    bool ever_dialed_{false};
    /// When the last bad state ended that ends with an event.
    SteadyTime well_since_;
    Slot lying_;
    Slot wrong_chain_;
    Slot parked_;
    Slot limited_;
    Slot unreachable_;
    Slot out_of_sync_;
};

}  // namespace margrave::chains::rpc
