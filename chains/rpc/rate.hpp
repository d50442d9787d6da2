// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/health.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace margrave::chains::rpc {

/// So many calls a second, with one second's worth at once. A turn is reserved when asked for, so
/// turns come in the order of asking. The generic cell rate algorithm (ITU-T I.371): one moment is
/// all its state.
class TokenBucket {
  public:
    /// Zero: no limit.
    explicit TokenBucket(std::uint64_t per_second)
        : per_second_(per_second) {}

    /// How long `cost` calls would have to wait.
    [[nodiscard]] std::chrono::nanoseconds wait(SteadyTime now, std::uint64_t cost) const;
    /// Takes the turn that `wait` told of. More than a second's worth is let through when the
    /// bucket is full and paid for by whoever comes next.
    void take(SteadyTime now, std::uint64_t cost);
    /// Of calls that were never sent.
    void give_back(std::uint64_t cost);

  private:
    [[nodiscard]] std::chrono::nanoseconds worth(std::uint64_t cost) const;

    std::uint64_t per_second_;
    /// When the bucket will be full again.
    SteadyTime full_at_;
};

/// How long answers take: a smoothed mean (weight 1/8, as RFC 6298 does) and the 95th percentile
/// of the last 64. Zero before the first.
class Latency {
  public:
    void note(std::chrono::milliseconds sample);
    /// An answer that somebody stopped waiting for would have taken longer than this. It makes the
    /// mean worse, never better, and is no sample of the percentile.
    void note_at_least(std::chrono::milliseconds waited);

    [[nodiscard]] std::chrono::milliseconds mean() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(mean_);
    }

    [[nodiscard]] std::chrono::milliseconds p95() const;

    [[nodiscard]] std::uint64_t count() const { return count_; }

  private:
    std::array<std::chrono::milliseconds, 64> last_{};
    std::uint64_t count_{0};
    std::chrono::microseconds mean_{0};
};

}  // namespace margrave::chains::rpc
