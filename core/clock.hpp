// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ids.hpp"

namespace margrave {

/// Where the time comes from. Domain code takes UnixSeconds as arguments; only relayer and infra
/// hold a Clock, so a test can say what time it is.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual UnixSeconds now() const = 0;
};

}  // namespace margrave
