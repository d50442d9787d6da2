// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/holdings.hpp"
#include "core/result.hpp"
#include "margin/market.hpp"

#include <cstddef>
#include <vector>

namespace margrave::margin::detail {

/// What one holding is worth: collateral rounded down and discounted by the backing of its chain's
/// form, debt rounded up and in full.
struct HoldingValue {
    Money collateral;
    Money debt;
    /// How much less than collateral - debt it counts, before weights: at the initial level, and at
    /// the two others. Zero for a plain form.
    Money lost_initial;
    Money lost;
};

Result<HoldingValue> value_of(const Holding& holding, const Market::Form& form);

/// The value of `amount` units of collateral of `form`, as health counts it.
Result<Money> counted_value(const Amount& amount, const Market::Form& form);

/// One canonical asset of one account, over all chains. Gains and losses are summed apart, so that
/// neither the result nor an overflow depends on the order of the holdings.
struct Group {
    std::size_t index{0};
    const Market::Form* form{nullptr};
    Money collateral;
    Money debt;
    /// collateral - debt, once all holdings are in.
    Money net;
    /// Of net, as in HoldingValue.
    Money lost_initial;
    Money lost;
};

/// What of a group's net counts before weights, at the initial level and at the two others.
struct Counted {
    Money initial;
    Money others;
};

Result<Counted> counted_net(const Group& group);

/// One holding at the initial level: collateral at the low price, backed, capped, and the part of
/// it that counts; debt at the high price.
struct InitialValue {
    Money collateral;
    Money debt;
};

Result<InitialValue> initial_value_of(const Holding& holding, const Market::Form& form);

/// The weights of `asset` for a group with that net value.
const Weights& weights_for(const AssetParameters& asset, const Money& net);

/// Adds one valued holding to its group. Groups are few, so they are searched in line.
Result<void> add_to_group(
    std::vector<Group>& groups, const Market::Form& form, const HoldingValue& value
);

/// Nets every group and puts them into the order of the parameters.
Result<void> close_groups(std::vector<Group>& groups);

}  // namespace margrave::margin::detail
