// SPDX-License-Identifier: Apache-2.0
#include "margin/perpetual.hpp"

#include "margin/detail/units.hpp"

namespace margrave::margin {
namespace {

Money weighted_base(
    const Money& base, const Money& price, const BaseWeights& weights, const Policy& policy
) {
    const Money& weight = base.is_negative() ? weights.liability : weights.asset;
    return mul_div(
        mul_div(base, price, policy.one, policy.value), weight, policy.one, policy.value
    );
}

// isqrt(10 size + 1): sqrt of a 9-decimal size in units of 1e5.
Money root_of_size(const Money& size_1e9) {
    return sqrt_units(times(size_1e9, 10) + Money::from_e18(1));
}

const Money kRootOne = Money::from_e18(100'000);

}  // namespace

Money notional(const Money& size, const Money& price, int exponent, Rounding rounding) {
    const Money unit = Money::from_e18(1);
    if (exponent >= 0) {
        const Money scale = detail::power_of_ten(static_cast<unsigned>(exponent));
        return mul_div(mul_div(size, price, unit, rounding), scale, unit, rounding);
    }
    return mul_div(size, price, detail::power_of_ten(static_cast<unsigned>(-exponent)), rounding);
}

Money scaled_fraction(
    const Money& fraction, const OpenInterest& interest, const Policy& policy, Rounding rounding
) {
    const bool unlimited = interest.upper.is_zero() && interest.lower.is_zero();
    if (unlimited || interest.open <= interest.lower) {
        return fraction;
    }
    if (interest.open >= interest.upper) {
        return policy.one;
    }
    const Money rise = mul_div(
        policy.one - fraction,
        interest.open - interest.lower,
        interest.upper - interest.lower,
        rounding
    );
    return min(policy.one, fraction + rise);
}

Money requirement(const Money& notional, const Money& fraction, const Policy& policy) {
    return mul_div(abs(notional), fraction, policy.one, policy.requirement);
}

PerpetualRequirement requirement(
    const Money& notional,
    const PerpetualFractions& fractions,
    const OpenInterest& interest,
    const Policy& policy
) {
    const Money scaled = scaled_fraction(fractions.initial, interest, policy, Rounding::kDown);
    const Money unscaled = requirement(notional, fractions.initial, policy);
    return {
        .initial = requirement(notional, scaled, policy),
        .maintenance = requirement(unscaled, fractions.maintenance_part, policy)};
}

Money unrealised(const Money& size, const Money& price, const Money& entry, const Policy& policy) {
    return mul_div(size, price - entry, policy.one, policy.value);
}

Money counted_profit(
    const Money& profit, const Money& weight, const Money& cap, const Policy& policy
) {
    if (profit.sign() <= 0) {
        return profit;
    }
    return min(cap, mul_div(profit, weight, policy.one, policy.value));
}

Money discounted_asset_weight(const Money& weight, const Money& size_1e9, const SizeCurve& curve) {
    if (curve.imf.is_zero()) {
        return weight;
    }
    const Money ten = Money::from_e18(10);
    const Money eleven = Money::from_e18(11);
    const Money premium = mul_div(root_of_size(size_1e9), curve.imf, kRootOne, Rounding::kDown);
    const Money numerator = mul_div(curve.imf_one, eleven, ten, Rounding::kDown);
    return min(
        weight, mul_div(numerator, curve.weight_one, curve.imf_one + premium, Rounding::kDown)
    );
}

Money raised_liability_weight(const Money& weight, const Money& size_1e9, const SizeCurve& curve) {
    if (curve.imf.is_zero()) {
        return weight;
    }
    const Money fifth = mul_div(weight, Money::from_e18(1), Money::from_e18(5), Rounding::kDown);
    const Money step = mul_div(kRootOne, curve.imf_one, curve.weight_one, Rounding::kDown);
    const Money premium = mul_div(root_of_size(size_1e9), curve.imf, step, Rounding::kDown);
    return max(weight, weight - fifth + premium);
}

Money worst_base_value(
    const Money& base,
    const RestingOrders& orders,
    const Money& price,
    const BaseWeights& weights,
    const Policy& policy
) {
    const auto paid = [&](const Money& filled) {
        return mul_div(filled, price, policy.one, policy.requirement);
    };
    const Money bought = weighted_base(base + orders.bids, price, weights, policy);
    const Money sold = weighted_base(base - orders.asks, price, weights, policy);
    return min(bought - paid(orders.bids), sold - paid(-orders.asks));
}

}  // namespace margrave::margin
