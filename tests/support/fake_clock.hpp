// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"

namespace margrave::tests {

/// Says the time that the test says.
class FakeClock final : public Clock {
  public:
    explicit FakeClock(std::uint64_t now)
        : now_(now) {}

    [[nodiscard]] UnixSeconds now() const override { return now_; }

    void set(UnixSeconds now) { now_ = now; }

    void advance(std::uint64_t seconds) { now_.value += seconds; }

  private:
    UnixSeconds now_;
};

}  // namespace margrave::tests
