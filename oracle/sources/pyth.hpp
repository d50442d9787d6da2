// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

// A price of a Pyth contract and what it returns (IPyth.sol and PythStructs.sol of
// @pythnetwork/pyth-sdk-solidity).
namespace margrave::oracle::pyth {

/// getPriceUnsafe(bytes32), or getEmaPriceUnsafe(bytes32): the price whatever its age, because age
/// is judged by guard().
Bytes price_call(const Hash32& id, bool ema);

struct Price {
    /// Of the quote, rounded down.
    Money price;
    /// About one standard deviation, rounded up.
    Money confidence;
    UnixSeconds published_at;
};

/// Price(int64 price, uint64 conf, int32 expo, uint256 publishTime): price * 10^expo. Refuses a
/// price that is not positive, an exponent outside [-36, 12] and a time of zero.
Result<Price> decode_price(ByteView returned);

}  // namespace margrave::oracle::pyth
