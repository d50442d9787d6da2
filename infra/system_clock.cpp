// SPDX-License-Identifier: Apache-2.0
#include "infra/system_clock.hpp"

#include <chrono>

namespace margrave::infra {

UnixSeconds SystemClock::now() const {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970).count();
    return UnixSeconds{seconds > 0 ? static_cast<std::uint64_t>(seconds) : 0};
}

}  // namespace margrave::infra
