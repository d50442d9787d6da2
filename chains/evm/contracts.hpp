// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/events.hpp"
#include "core/statements.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// The contracts of protocol.md section 7 as bytes: call data, answers, events, reverts.
namespace margrave::chains::evm {

/// topic0 of the vault's Movement and of the PositionBook's Position event.
const Hash32& movement_topic();
const Hash32& position_topic();

/// Exact: four topics, data of exactly the event's words, every padding zero, a known kind.
/// kInvalid with what is wrong; kOverflow for a size or price beyond Money.
Result<Movement> decode_movement(std::span<const Hash32> topics, ByteView data);
Result<Position> decode_position(std::span<const Hash32> topics, ByteView data);

/// Call data of what the quorum orders.
Bytes encode_submit(const SubmitAttestation& instruction);
Bytes encode_release(const ExecuteRelease& instruction);
Bytes encode_seize(const ExecuteSeizure& instruction);
Bytes encode_close(const Hash32& seizure);

/// Call data of the views that are read; those without arguments are their selector.
enum class View : std::uint8_t {
    kLatest,
    kLatestDigest,
    kNetwork,
    kChain,
    kRegistry,
    kVault,
    kEventCount,
    kAccumulator,
    kDecimals,
    kLatestRoundData,
};
/// "latest()", "decimals()", ...
std::string_view to_string(View view);
Bytes encode_view(View view);
Bytes encode_balance_of(const Address& holder);

/// HealthRegistry.latest(); all zero before the first attestation.
struct LatestRound {
    RoundNum round;
    Hash32 root;
    UnixSeconds issued_at;
    UnixSeconds valid_until;
};

/// AggregatorV3Interface.latestRoundData(), as the feed gives it: `answer` is a raw int256 word.
struct FeedRound {
    Hash32 round_id;
    Hash32 answer;
    UnixSeconds started_at;
    UnixSeconds updated_at;
    Hash32 answered_in_round;
};

/// Answers of views. Exactly the words there must be, in range; kInvalid else. `what` names the
/// call in the error, e.g. "vault.eventCount()".
Result<Hash32> answer_word(ByteView answer, std::string_view what);
Result<Amount> answer_amount(ByteView answer, std::string_view what);
Result<std::uint64_t> answer_u64(ByteView answer, std::string_view what);
Result<Address> answer_address(ByteView answer, std::string_view what);
Result<LatestRound> answer_latest(ByteView answer);
Result<FeedRound> answer_feed(ByteView answer);

/// Why a call reverted, for people: Error(string)'s text, the meaning of a Panic, or one of our
/// contracts' errors with its arguments by name. Printable ASCII of bounded length whatever the
/// contract returned.
std::string revert_reason(ByteView data);
/// The errors that revert_reason knows, as Solidity declares them.
std::span<const std::string_view> known_errors();

}  // namespace margrave::chains::evm
