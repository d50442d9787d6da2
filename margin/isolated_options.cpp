// SPDX-License-Identifier: Apache-2.0
#include "margin/isolated_options.hpp"

#include <algorithm>

namespace margrave::margin {
namespace {

// max(initial_most - otm / S, initial_least) * S.
Money initial_per_option(
    const IsolatedRules& rules, const OptionLeg& leg, const Money& spot, const Policy& policy
) {
    const Money out = leg.is_call ? leg.strike - spot : spot - leg.strike;
    const Money otm = out.sign() > 0 ? over(out, spot, policy.value) : Money{};
    return times(max(rules.initial_most - otm, rules.initial_least), spot, policy.requirement);
}

// A requirement is a magnitude that rounds as such; what is taken from the account is its negative.
Money taken(const Money& per_option, const Money& size, const Policy& policy) {
    return -times(per_option, -size, policy.requirement);
}

Money maintenance_of_put(
    const IsolatedRules& rules, const OptionLeg& leg, const Money& spot, const Policy& policy
) {
    const Money per_option = times(rules.maintenance_put, spot, policy.requirement);
    const Money of_mark = -times(rules.maintenance_put_mark, -leg.mark, policy.requirement);
    return leg.mark + min(taken(per_option, leg.size, policy), of_mark);
}

}  // namespace

Money isolated_margin(
    const IsolatedRules& rules,
    const OptionLeg& leg,
    const Money& spot,
    Level level,
    const Policy& policy
) {
    if (!leg.size.is_negative()) {
        return Money{};
    }
    const bool initial = level != Level::kMaintenance;
    const Money initially =
        leg.mark + taken(initial_per_option(rules, leg, spot, policy), leg.size, policy);
    if (leg.is_call) {
        const Money per_option = times(rules.maintenance_call, spot, policy.requirement);
        return initial ? initially : leg.mark + taken(per_option, leg.size, policy);
    }
    const Money maintenance = maintenance_of_put(rules, leg, spot, policy);
    const Money scaled = -times(-maintenance, rules.put_offset, policy.requirement);
    return initial ? min(initially, scaled) : maintenance;
}

Money payoff(std::span<const OptionLeg> legs, const Money& price, const Policy& policy) {
    Money sum;
    for (const OptionLeg& leg : legs) {
        const Money in = leg.is_call ? price - leg.strike : leg.strike - price;
        sum += in.sign() > 0 ? times(in, leg.size, policy.value) : Money{};
    }
    return sum;
}

Money largest_loss(
    const IsolatedRules& rules,
    std::span<const OptionLeg> legs,
    const Money& forward,
    Level level,
    const Policy& policy
) {
    Money least = min(Money{}, payoff(legs, Money{}, policy));
    Money net_calls;
    for (const OptionLeg& leg : legs) {
        least = min(least, payoff(legs, leg.strike, policy));
        net_calls += leg.is_call ? leg.size : Money{};
    }
    if (!net_calls.is_negative()) {
        return least;
    }
    const Money& unpaired =
        level == Level::kMaintenance ? rules.unpaired_maintenance : rules.unpaired_initial;
    return least + taken(times(unpaired, forward, policy.requirement), net_calls, policy);
}

Money expiry_margin(
    const IsolatedRules& rules,
    std::span<const OptionLeg> legs,
    const Money& spot,
    const Money& forward,
    Level level,
    const Policy& policy
) {
    Money isolated;
    for (const OptionLeg& leg : legs) {
        isolated += isolated_margin(rules, leg, spot, level, policy);
    }
    return max(isolated, largest_loss(rules, legs, forward, level, policy));
}

Money confidence_add_on(
    const Money& confidence,
    const Money& threshold,
    const Money& factor,
    const Money& exposure,
    const Policy& policy
) {
    if (confidence >= threshold) {
        return Money{};
    }
    const Money missing = times(Money::whole(1) - confidence, factor, policy.requirement);
    return times(missing, exposure, policy.requirement);
}

}  // namespace margrave::margin
