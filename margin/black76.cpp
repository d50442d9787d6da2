// SPDX-License-Identifier: Apache-2.0
#include "margin/black76.hpp"

namespace margrave::margin {
namespace {

Q64 log_ratio(const Money& forward, const Money& strike) {
    return ln(static_cast<Uint128>(units_of(forward))) - ln(static_cast<Uint128>(units_of(strike)));
}

Q64 first_quantile(const Money& forward, const Money& strike, Q64 deviation) {
    return over(log_ratio(forward, strike), deviation) + half(deviation);
}

OptionPair intrinsic(const Money& forward, const Money& strike) {
    const Money none;
    return {.call = max(forward - strike, none), .put = max(strike - forward, none)};
}

// The option out of the money is computed, the other follows by parity: call - put = F - K.
OptionPair priced(const Money& forward, const Money& strike, Q64 deviation) {
    const Q64 d1 = first_quantile(forward, strike, deviation);
    const Q64 d2 = d1 - deviation;
    const Int128 f = units_of(forward);
    const Int128 k = units_of(strike);
    const bool call_is_out = f <= k;
    const Int128 out = call_is_out ? scaled_down(f, normal(d1)) - scaled_down(k, normal(d2))
                                   : scaled_down(k, normal(-d2)) - scaled_down(f, normal(-d1));
    const Int128 least = out > 0 ? out : 0;
    const Money near = money_of(least);
    const Money far = money_of(least + (call_is_out ? k - f : f - k));
    return call_is_out ? OptionPair{.call = near, .put = far}
                       : OptionPair{.call = far, .put = near};
}

}  // namespace

Q64 years(std::uint64_t seconds) {
    return fraction(seconds, kYearSeconds);
}

OptionPair forward_prices(const Money& forward, const Money& strike, Q64 deviation) {
    if (deviation <= Q64{} || forward.is_zero() || strike.is_zero()) {
        return intrinsic(forward, strike);
    }
    static const Money kUnit = Money::from_e18(1);
    static const Money kMost = money_of(static_cast<Int128>(1) << 126);
    static const Money kStep = money_of(static_cast<Int128>(1) << 64);
    if (max(forward, strike) < kMost) {
        return priced(forward, strike, deviation);
    }
    // A price is homogeneous in forward and strike.
    const auto scaled = [](const Money& x) {
        return mul_div(x, kUnit, kStep, Rounding::kDown);
    };
    const OptionPair part = forward_prices(scaled(forward), scaled(strike), deviation);
    const OptionPair least = intrinsic(forward, strike);
    const auto whole = [](const Money& x) {
        return mul_div(x, kStep, kUnit, Rounding::kDown);
    };
    return {.call = max(least.call, whole(part.call)), .put = max(least.put, whole(part.put))};
}

Money price_error(const Money& forward, const Money& strike) {
    static const Money kPart = money_of(static_cast<Int128>(1) << 58);
    static const Money kUnit = Money::from_e18(1);
    return mul_div(max(forward, strike), kUnit, kPart, Rounding::kUp) + Money::from_e18(4);
}

OptionPair prices(const Black76& option) {
    const Q64 deviation = times(q64_of(option.volatility), sqrt(years(option.seconds)));
    const OptionPair undiscounted = forward_prices(option.forward, option.strike, deviation);
    return {
        .call = times(undiscounted.call, option.discount, Rounding::kDown),
        .put = times(undiscounted.put, option.discount, Rounding::kDown)};
}

Greeks greeks(const Black76& option) {
    const Q64 root = sqrt(years(option.seconds));
    const Q64 sigma = q64_of(option.volatility);
    const Q64 deviation = times(sigma, root);
    const auto discounted = [&option](const Money& x) {
        return times(x, option.discount, Rounding::kZero);
    };
    Greeks out;
    if (deviation <= Q64{} || option.forward.is_zero() || option.strike.is_zero()) {
        const bool in = option.forward > option.strike;
        out.call_delta = in ? option.discount : Money{};
        out.put_delta = out.call_delta - option.discount;
        return out;
    }
    const Q64 d1 = first_quantile(option.forward, option.strike, deviation);
    const Money density = money_of(normal_density(d1));
    out.call_delta = discounted(money_of(normal(d1)));
    out.put_delta = -discounted(money_of(normal(-d1)));
    const Money spread = times(option.forward, money_of(deviation), Rounding::kUp);
    out.gamma = spread.is_zero() ? Money{} : discounted(over(density, spread, Rounding::kZero));
    const Money slope = discounted(times(option.forward, density, Rounding::kZero));
    out.vega = times(slope, money_of(root), Rounding::kZero);
    out.theta = -times(slope, money_of(half(over(sigma, root))), Rounding::kZero);
    return out;
}

}  // namespace margrave::margin
