// SPDX-License-Identifier: Apache-2.0
#include "margin/standard.hpp"

#include "margin/black76.hpp"
#include "margin/perpetual.hpp"

namespace margrave::margin {
namespace {

struct Parts {
    Money mark;
    Money initial;
    Money maintenance;
};

std::vector<OptionLeg> marked(const StandardExpiry& expiry, const Policy& policy) {
    std::vector<OptionLeg> out;
    out.reserve(expiry.legs.size());
    for (const StandardLeg& leg : expiry.legs) {
        const OptionPair pair = prices(
            {.forward = expiry.forward,
             .strike = leg.strike,
             .volatility = leg.volatility,
             .seconds = expiry.seconds}
        );
        Money mark = times(leg.is_call ? pair.call : pair.put, leg.size, policy.value);
        if (policy.charge_model_error) {
            const Money error = price_error(expiry.forward, leg.strike);
            mark -= times(error, abs(leg.size), Rounding::kUp);
        }
        out.push_back({.is_call = leg.is_call, .strike = leg.strike, .size = leg.size, .mark = mark}
        );
    }
    return out;
}

Money short_count(const StandardExpiry& expiry) {
    Money sum;
    for (const StandardLeg& leg : expiry.legs) {
        sum += max(Money{}, -leg.size);
    }
    return sum;
}

Parts perpetual_part(const StandardMarket& m, const Policy& policy) {
    const Money size = abs(m.perpetual_size);
    if (size.is_zero()) {
        return {};
    }
    const Money value = times(size, m.perpetual_price, policy.value);
    const Money exposure = times(m.spot, size, policy.value);
    const Money add_on = confidence_add_on(
        min(m.perpetual_confidence, m.spot_confidence),
        m.rules.perpetual_threshold,
        m.rules.confidence_factor,
        exposure,
        policy
    );
    const Money& pnl = m.perpetual_value;
    return {
        .mark = pnl,
        .initial = pnl - requirement(value, m.rules.perpetual_initial, policy) - add_on,
        .maintenance = pnl - requirement(value, m.rules.perpetual_maintenance, policy)};
}

Parts expiry_part(const StandardMarket& m, const StandardExpiry& expiry, const Policy& policy) {
    const std::vector<OptionLeg> legs = marked(expiry, policy);
    const auto margin_at = [&](Level level) {
        return expiry_margin(m.rules.options, legs, m.spot, expiry.forward, level, policy);
    };
    Parts out{
        .mark = {},
        .initial = margin_at(Level::kInitial),
        .maintenance = margin_at(Level::kMaintenance)};
    for (const OptionLeg& leg : legs) {
        out.mark += leg.mark;
    }
    out.initial -= confidence_add_on(
        min(expiry.confidence, m.spot_confidence),
        m.rules.option_threshold,
        m.rules.confidence_factor,
        times(m.spot, short_count(expiry), policy.requirement),
        policy
    );
    return out;
}

Parts base_part(const StandardMarket& m, const Money& stable_price, const Policy& policy) {
    const Money value = times(m.base, m.spot, policy.value);
    const Money counted = times(value, m.rules.base_factor, policy.value);
    const Money add_on = confidence_add_on(
        m.spot_confidence, m.rules.base_threshold, m.rules.confidence_factor, value, policy
    );
    return {
        .mark = over(value, stable_price, policy.value),
        .initial = times(counted, m.rules.base_initial_scale, policy.value) - add_on,
        .maintenance = counted};
}

// (threshold - price) * factor * spot for every perpetual and every short option.
Money peg_add_on(const StandardMarket& m, const Peg& peg, const Policy& policy) {
    if (peg.stable_price >= peg.threshold) {
        return Money{};
    }
    Money count = abs(m.perpetual_size);
    for (const StandardExpiry& expiry : m.expiries) {
        count += short_count(expiry);
    }
    const Money rate = times(peg.threshold - peg.stable_price, peg.factor, policy.requirement);
    return times(times(count, rate, policy.requirement), m.spot, policy.requirement);
}

void add_part(StandardResult& sum, const Parts& part) {
    sum.mark += part.mark;
    sum.initial += part.initial;
    sum.maintenance += part.maintenance;
}

}  // namespace

StandardResult standard_margin(const StandardMarket& market, const Peg& peg, const Policy& policy) {
    StandardResult out;
    add_part(out, perpetual_part(market, policy));
    add_part(out, base_part(market, peg.stable_price, policy));
    for (const StandardExpiry& expiry : market.expiries) {
        add_part(out, expiry_part(market, expiry, policy));
    }
    out.initial -= peg_add_on(market, peg, policy);
    return out;
}

StandardResult standard_margin(
    const Money& cash, std::span<const StandardMarket> markets, const Peg& peg, const Policy& policy
) {
    StandardResult out{.mark = cash, .initial = cash, .maintenance = cash};
    for (const StandardMarket& market : markets) {
        const StandardResult part = standard_margin(market, peg, policy);
        out.mark += part.mark;
        out.initial += part.initial;
        out.maintenance += part.maintenance;
    }
    return out;
}

}  // namespace margrave::margin
