// SPDX-License-Identifier: Apache-2.0
#include "margin/pool.hpp"

#include "margin/black76.hpp"
#include "margin/detail/units.hpp"

#include <algorithm>

namespace margrave::margin {
namespace {

using detail::count;

const Money& ray() {
    static const Money kRay = times(Money::whole(1), 1'000'000'000);
    return kRay;
}

Money ray_mul(const Money& a, const Money& b) {
    return mul_div(a, b, ray(), Rounding::kHalfUp);
}

Money weighted(const Money& amount, const Money& price, const Money& weight, const Policy& policy) {
    return times(times(amount, price, policy.value), weight, policy.value);
}

}  // namespace

Money scaled_asset_weight(
    const Money& weight, const Money& pool_value, const Money& start, Rounding rounding
) {
    return start.is_zero() || pool_value < start ? weight
                                                 : mul_div(weight, start, pool_value, rounding);
}

Money scaled_liability_weight(
    const Money& weight, const Money& pool_value, const Money& start, Rounding rounding
) {
    return start.is_zero() || pool_value <= start ? weight
                                                  : mul_div(weight, pool_value, start, rounding);
}

Money weighted_value(const TokenStanding& token, const Policy& policy) {
    const Money& weight = token.balance.is_negative() ? token.liability_weight : token.asset_weight;
    return weighted(token.balance, token.price, weight, policy);
}

Money reserve_effect(
    const TokenStanding& token, const Money& market_reserved, const Policy& policy
) {
    const Money most = token.balance + token.reserved;
    const Money as_asset = clamp(most, Money{}, market_reserved);
    return weighted(as_asset, token.price, token.asset_weight, policy) +
           weighted(market_reserved - as_asset, token.price, token.liability_weight, policy);
}

Money linear_growth(const Money& rate, std::uint64_t seconds) {
    return ray() + mul_div(rate, count(seconds), count(kYearSeconds), Rounding::kDown);
}

Money compound_growth(const Money& rate, std::uint64_t seconds) {
    if (seconds == 0) {
        return ray();
    }
    const Money unit = count(1);
    const Money per_second = mul_div(rate, unit, count(kYearSeconds), Rounding::kDown);
    const Money squared = ray_mul(per_second, per_second);
    const Money cubed = ray_mul(squared, per_second);
    const Money n = count(seconds);
    const Money pairs = mul_div(n, count(seconds - 1), unit, Rounding::kDown);
    const Money triples =
        mul_div(pairs, count(seconds > 2 ? seconds - 2 : 0), unit, Rounding::kDown);
    return ray() + mul_div(per_second, n, unit, Rounding::kDown) +
           mul_div(squared, pairs, count(2), Rounding::kDown) +
           mul_div(cubed, triples, count(6), Rounding::kDown);
}

Money accrued(const Money& amount, const Money& growth, const Money& index) {
    const Money in_rays = times(amount, 1'000'000'000);
    const Money grown = ray_mul(in_rays, ray_mul(growth, index));
    return mul_div(grown, count(1), count(1'000'000'000), Rounding::kHalfUp);
}

}  // namespace margrave::margin
