// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/result.hpp"

#include <cstdint>

// The price that a tick of Uniswap v3 means (Uniswap v3 Core white paper, 6.1: p(i) = 1.0001^i).
namespace margrave::oracle::uniswap {

/// Beyond it a pool has no price (white paper, 6.1; TickMath.MAX_TICK).
inline constexpr std::int32_t kTickMax = 887'272;

/// Whole units of token 1 that one whole token 0 is worth at `tick`, rounded down to 18 decimals:
/// 1.0001^tick * 10^(decimals0 - decimals1). Integers only; the power is right to at least 1e-30
/// of itself before the rounding. Decimals at most 18; kInvalid beyond that and beyond kTickMax.
Result<Money> price_of_tick(std::int32_t tick, unsigned decimals0, unsigned decimals1);

/// The tick of the geometric mean over `window_s` seconds: the difference of the cumulatives over
/// the seconds, rounded toward minus infinity (white paper, 5.2). window_s is not zero.
std::int64_t mean_tick(std::int64_t before, std::int64_t after, std::uint64_t window_s);

}  // namespace margrave::oracle::uniswap
