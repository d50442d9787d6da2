// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/clock.hpp"

namespace margrave::infra {

/// The machine's wall clock. relayer/app makes the only one.
class SystemClock final : public Clock {
  public:
    [[nodiscard]] UnixSeconds now() const override;
};

}  // namespace margrave::infra
