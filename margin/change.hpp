// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/events.hpp"

#include <cstdint>

namespace margrave::margin {

/// How parameters follow the ones before them (docs/margin.md section 5; reference: Gearbox v3's
/// ramps). They are signed and in the log from the first round that names them, and hold from a
/// time that they state: what lies between is the notice.
struct Change {
    /// Hash of the parameters before.
    Hash32 previous;
    /// Until then the ones before are in force.
    UnixSeconds from;
    /// From then on weights and fractions go in a straight line, for so many seconds. Zero: at
    /// once.
    std::uint64_t ramp_s{0};
    bool operator==(const Change&) const = default;
};

}  // namespace margrave::margin
