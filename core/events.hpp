// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace margrave {

/// One block of one chain, by hash. The number is a label; identity is the hash.
struct BlockRef {
    BlockNum number;
    Hash32 hash;
    Hash32 parent;
    UnixSeconds time;
    auto operator<=>(const BlockRef&) const = default;
};

/// The kinds of protocol.md section 7.1, with its numbers.
enum class MovementKind : std::uint8_t {
    kDeposit = 1,
    kWithdrawalRequest = 2,
    kBorrowRequest = 3,
    kRelease = 4,
    kSeizure = 5,
    kProceeds = 6,
    kRepayment = 7,
    kPoolFunding = 8,
    kExit = 9,
};
std::string_view to_string(MovementKind kind);
/// kInvalid for a number that is no kind.
Result<MovementKind> movement_kind(std::uint64_t number);

/// A vault's Movement event. Amounts are raw token units.
struct Movement {
    std::uint64_t sequence{0};
    MovementKind kind{MovementKind::kDeposit};
    AccountId account;
    /// Token contract; zero address is the chain's native coin.
    Address token;
    Amount amount;
    /// Payer, recipient or instruction id, by kind (protocol.md section 7.1).
    Hash32 counterparty;
    bool operator==(const Movement&) const = default;
};

/// A PositionBook's Position event. size and entry price are signed E18.
struct Position {
    std::uint64_t sequence{0};
    AccountId account;
    Hash32 market;
    Money size;
    Money entry_price;
    bool operator==(const Position&) const = default;
};

/// What a mapped event says of tokens at a contract that is not ours. The first four are changes;
/// the readings are absolute, out of a call at the block's hash.
enum class MappedKind : std::uint8_t {
    kDeposit = 1,
    kWithdraw = 2,
    kBorrow = 3,
    kRepay = 4,
    kBalance = 5,
    kDebt = 6,
};
std::string_view to_string(MappedKind kind);
/// kInvalid for a number that is no kind.
Result<MappedKind> mapped_kind(std::uint64_t number);

/// Tokens of an account at a watched contract, in raw units.
struct MappedAmount {
    MappedKind kind{MappedKind::kDeposit};
    /// Zero address is the chain's native coin.
    Address token;
    /// What was moved, or for a reading what there is.
    Amount amount;
    /// A reading of the same side follows in the same block: what the ledger lacks for this change
    /// is interest that it has not heard of, no debt and no gift.
    bool is_read{false};
    bool operator==(const MappedAmount&) const = default;
};

/// A position at a watched venue. size and entry price are signed E18.
struct MappedPosition {
    Hash32 market;
    Money size;
    Money entry_price;
    bool operator==(const MappedPosition&) const = default;
};

/// What the account has at watched contracts counts under `into` from here on, or no longer.
struct MappedLink {
    AccountId into;
    bool active{true};
    bool operator==(const MappedLink&) const = default;
};

/// A price that an event told. It is of no account: the event's is zero.
struct MappedPrice {
    /// In the event's own units; zero where it told nothing above zero, which is no price.
    Amount answer;
    /// By the event's own word, or the time of its block.
    UnixSeconds published_at;
    bool operator==(const MappedPrice&) const = default;
};

/// What debts in one token to our pool cost from here on, as an event told it. Of no account.
struct MappedRate {
    /// Zero address is the chain's native coin.
    Address token;
    /// For a year of 365 days, 27 decimals.
    Amount rate;
    bool operator==(const MappedRate&) const = default;
};

/// The newest price of a watch as of a block, and where it was told.
struct ToldPrice {
    MappedPrice price;
    BlockNum block;
    Hash32 block_hash;
    Hash32 txn_hash;
    std::uint32_t log_index{0};
    bool operator==(const ToldPrice&) const = default;
};

/// What an event of a contract that is not ours means (docs/watching-a-contract.md). It has no
/// sequence: that none is missing comes from the chain's proof mode.
struct MappedEvent {
    /// keccak of the watch's name.
    Hash32 source;
    /// Which meaning of its log this is: one log may have several.
    std::uint16_t part{0};
    AccountId account;
    std::variant<MappedAmount, MappedPosition, MappedLink, MappedPrice, MappedRate> what;
    bool operator==(const MappedEvent&) const = default;
};

/// One proved event and where it stands. A reading stands in no transaction: its txn_hash is zero
/// and its log_index counts the readings of the block.
struct ChainEvent {
    std::variant<Movement, Position, MappedEvent> body;
    Hash32 txn_hash;
    std::uint32_t log_index{0};
    /// Address of the contract that emitted it.
    Address emitter;
    bool operator==(const ChainEvent&) const = default;
};

/// The log_index of an event that is the transaction itself: native coin sent without a log.
inline constexpr std::uint32_t kNoLog = 0xFFFF'FFFF;

/// Event count and running hash of a sequenced contract (protocol.md section 4): equal values
/// at a block hash prove that every event up to there is known, in order.
struct Accumulator {
    std::uint64_t count{0};
    Hash32 hash;
    bool operator==(const Accumulator&) const = default;
};

/// What is hashed for one more movement (protocol.md 7.1): seven words.
using FoldMessage = std::array<std::uint8_t, 7 * Hash32::kSize>;
FoldMessage fold_message(const Hash32& before, const Movement& event);

/// The accumulator after one more event.
Accumulator fold(const Accumulator& before, const Movement& event);
Accumulator fold(const Accumulator& before, const Position& event);

/// One canonical block with all its proved events, in log order and readings last. `vault` and
/// `positions` are the accumulators after it, equal to the contracts' own at this block hash.
struct BlockData {
    BlockRef block;
    std::vector<ChainEvent> events;
    Accumulator vault;
    Accumulator positions;
};

/// What a chain adapter tells the ledger, in order.
struct BlockApplied {
    BlockData data;
};

/// Every block above `ancestor` is no longer canonical.
struct BlocksReverted {
    BlockRef ancestor;
};

/// The chain's finality reached `block`, which was applied before.
struct Finalized {
    BlockRef block;
};

/// Blocks that are final on their chain already, ascending: how a ledger is filled. They are one
/// step of the ledger, so only the state after the last of them can be read. Above a final block,
/// or at the start, blocks may be left out that have no events: the accumulators prove that they
/// have none. `parent` is zero where the header was not read; the last block is read whole.
struct BlocksFinal {
    std::vector<BlockData> blocks;
};

using ChainUpdate = std::variant<BlockApplied, BlocksReverted, Finalized, BlocksFinal>;

/// The final head of one chain a set of account values stands on (protocol.md `Head`).
struct Head {
    ChainId chain;
    BlockNum number;
    Hash32 hash;
    std::uint64_t events{0};
    Hash32 accumulator;
    bool operator==(const Head&) const = default;
};

}  // namespace margrave
