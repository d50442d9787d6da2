// SPDX-License-Identifier: Apache-2.0
#include "oracle/sources/tick.hpp"

#include "oracle/detail/contract.hpp"

#include <string>
#include <utility>

namespace margrave::oracle::uniswap {
namespace {

// Powers are fixed point with so many fractional bits; a product of two fits 512 bits because
// neither is above one.
constexpr unsigned kFractionBits = 240;
constexpr unsigned kDecimalsMax = 18;
constexpr int kMoneyDecimals = 18;

// 1.0001^-exponent. Every squaring doubles the relative error, so after the twenty that 887272
// needs it is below 2^-218, and the smallest factor, 2^-76, loses as many bits once more.
Money::Rep inverse_power(std::uint32_t exponent) {
    const Money::Rep one = Money::Rep(1) << kFractionBits;
    Money::Rep factor = one * 10'000 / 10'001;
    Money::Rep out = one;
    for (; exponent != 0; exponent >>= 1U) {
        if ((exponent & 1U) != 0) {
            out = (out * factor) >> kFractionBits;
        }
        if (exponent > 1) {
            factor = (factor * factor) >> kFractionBits;
        }
    }
    return out;
}

}  // namespace

Result<Money> price_of_tick(std::int32_t tick, unsigned decimals0, unsigned decimals1) {
    if (tick > kTickMax || tick < -kTickMax) {
        return fail(Errc::kInvalid, "tick " + std::to_string(tick) + " is beyond 887272");
    }
    if (decimals0 > kDecimalsMax || decimals1 > kDecimalsMax) {
        return fail(Errc::kInvalid, "a token of the pool has more than 18 decimals");
    }
    const bool above_one = tick > 0;
    const Money::Rep inverse = inverse_power(static_cast<std::uint32_t>(above_one ? tick : -tick));
    // From 0 to 36.
    const auto shift = static_cast<unsigned>(
        kMoneyDecimals + static_cast<int>(decimals0) - static_cast<int>(decimals1)
    );
    const Money::Rep unit = detail::power_of_ten(shift);
    // A power above one is one over its inverse; 2^240 * 10^36 has 360 bits.
    if (above_one) {
        return Money::from_rep((unit << kFractionBits) / inverse);
    }
    return Money::from_rep((unit * inverse) >> kFractionBits);
}

std::int64_t mean_tick(std::int64_t before, std::int64_t after, std::uint64_t window_s) {
    const std::int64_t difference = after - before;
    const auto window = static_cast<std::int64_t>(window_s);
    const std::int64_t quotient = difference / window;
    const bool inexact = quotient * window != difference;
    return inexact && difference < 0 ? quotient - 1 : quotient;
}

}  // namespace margrave::oracle::uniswap
