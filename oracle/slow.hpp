// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/ids.hpp"

#include <cstdint>
#include <vector>

namespace margrave::oracle {

/// A price that cannot be moved fast (docs/margin.md section 4): it follows the price by so much an
/// hour, and stays near what the price was a delay ago. Who moves a thin market for an hour moves
/// it little, and who moves it for less than the delay cannot take it far.
struct SlowSettings {
    /// Largest move in an hour, as a part of the slow price; E18.
    Money max_per_hour;
    /// Hours that lie between the price and the average that binds the slow one.
    std::uint64_t delay_hours{24};
    /// Largest distance from that average, as a part of it; E18.
    Money max_from_delayed;
    /// Farther than this part from the slow price, the worse of both counts where value leaves.
    Money soft;
    /// More than so many times apart, nothing is decided by the price.
    Money hard;
};

/// All it remembers. Of one asset; what comes next is a function of this, the price and the time,
/// so an auditor who has the last document computes the next.
struct SlowState {
    Money price;
    /// When it last moved on.
    UnixSeconds at;
    /// Averages of the hours that are over, oldest first, at most delay_hours of them.
    std::vector<Money> hours;
    /// Of the hour that is not: the price times seconds, and the seconds.
    Money sum;
    std::uint64_t seconds{0};
    bool operator==(const SlowState&) const = default;
};

/// The first price is the first slow price.
SlowState begin_slow(const Money& price, UnixSeconds now);
/// Nothing happens in less than 10 s, and no more than 600 s count at a time. Integers; a bound
/// rounds toward the slow price. price is positive.
SlowState advance_slow(
    const SlowSettings& settings, const SlowState& state, const Money& price, UnixSeconds now
);

}  // namespace margrave::oracle
