// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

#include <optional>
#include <string>

// The two calls of a Chainlink-shaped aggregator (AggregatorV3Interface) and what they return.
namespace margrave::oracle::feed {

Bytes latest_round_call();
Bytes decimals_call();

/// Of an aggregator's proxy: aggregator(); of the aggregator: minAnswer() and maxAnswer(), or the
/// minSubmissionValue() and maxSubmissionValue() of an older one.
Bytes aggregator_call();
Bytes min_answer_call();
Bytes max_answer_call();
Bytes min_submission_call();
Bytes max_submission_call();

/// The int192 or int256 of a bound, scaled as an answer is. A bound that is not positive, or that
/// no price can reach, is none.
std::optional<Money> decode_bound(ByteView returned, unsigned decimals);

struct RoundData {
    Money price;
    UnixSeconds published_at;
    std::string round;
};

/// latestRoundData() -> (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt,
/// uint80 answeredInRound). Refuses an answer that is not positive, a round that has no time yet
/// and one that carries the answer of an earlier round. Scaled to 18 decimals, rounded down.
Result<RoundData> decode_latest_round(ByteView returned, unsigned decimals);

/// decimals() -> uint8. Refuses more than 36.
Result<unsigned> decode_decimals(ByteView returned);

}  // namespace margrave::oracle::feed
