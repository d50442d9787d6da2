// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "margin/parameters.hpp"

#include <string>
#include <vector>

namespace margrave::margin {

/// What `next` comes to at a time, `previous` being the parameters that its change names: those
/// before `from`, itself once the ramp is over, and itself with weights and fractions on the line
/// between the two while it lasts. What counts of collateral rounds down, what is required up, so
/// the levels keep their order. An asset or market that the ones before do not have does not ramp.
/// `next` without a change is itself.
Parameters at_time(const Parameters& previous, const Parameters& next, UnixSeconds now);

/// Pointers into `next` (or into `previous`, of what is not there any more) of everything that asks
/// more of somebody: a weight, fraction, cap or haircut against accounts, something that is gone.
/// What cannot be said to ask more or less, such as a grid, counts when it differs at all.
std::vector<std::string> tightened(const Parameters& previous, const Parameters& next);

/// What is wrong with `next` coming after `previous`, announced now: it names other parameters than
/// those, its time lies behind or more than 180 days ahead, a ramp runs through parameters that
/// check() refuses, or something is tightened with less notice than `previous` grants. Both have
/// passed check(); `previous_hash` is that of the signed form.
std::vector<ParameterError> check_change(
    const Parameters& previous, const Hash32& previous_hash, const Parameters& next, UnixSeconds now
);

}  // namespace margrave::margin
