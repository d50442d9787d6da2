// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/result.hpp"

#include <cstdint>

// What is asked of a Uniswap v3 pool (IUniswapV3PoolState and IUniswapV3PoolDerivedState of
// @uniswap/v3-core) and what it returns.
namespace margrave::oracle::uniswap {

Bytes slot0_call();
/// observe([window, 0]).
Bytes observe_call(std::uint32_t window_s);

/// How many observations the pool keeps, from slot0().
Result<std::uint64_t> decode_cardinality(ByteView returned);

struct Window {
    /// Of the geometric mean price, rounded toward minus infinity.
    std::int32_t tick{0};
    /// Harmonic mean of the liquidity that was in range.
    Amount liquidity;
};

/// (int56[] tickCumulatives, uint160[] secondsPerLiquidityCumulativeX128s) of two moments that lie
/// window_s apart. Liquidity is window * 2^128 over the difference of the second, modulo 2^160 as
/// the pool counts it; it rounds down. kInvalid for any other form and for a window in which
/// nothing moved on.
Result<Window> decode_observe(ByteView returned, std::uint32_t window_s);

}  // namespace margrave::oracle::uniswap
