// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"

#include <cstdint>

namespace margrave::tests {

/// Says the time that the test says.
class FakeClock final : public Clock {
  public:
    explicit FakeClock(std::uint64_t now)
        : now_(now) {}

    [[nodiscard]] UnixSeconds now() const override {
        const UnixSeconds out = now_;
        now_.value += step_;
        return out;
    }

    void set(UnixSeconds now) { now_ = now; }

    void advance(std::uint64_t seconds) { now_.value += seconds; }

    /// From now on so many seconds pass with every question, as while somebody works.
    void set_step(std::uint64_t seconds) { step_ = seconds; }

  private:
    mutable UnixSeconds now_;
    std::uint64_t step_{0};
};

}  // namespace margrave::tests
