// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"

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

/// One proved event and where it stands.
struct ChainEvent {
    std::variant<Movement, Position> body;
    Hash32 txn_hash;
    std::uint32_t log_index{0};
    /// Address of the contract that emitted it.
    Address emitter;
    bool operator==(const ChainEvent&) const = default;
};

/// Event count and running hash of a sequenced contract (protocol.md section 4): equal values
/// at a block hash prove that every event up to there is known, in order.
struct Accumulator {
    std::uint64_t count{0};
    Hash32 hash;
    bool operator==(const Accumulator&) const = default;
};

/// The accumulator after one more event.
Accumulator fold(const Accumulator& before, const Movement& event);
Accumulator fold(const Accumulator& before, const Position& event);

/// One canonical block with all its proved events, in log order. `vault` and `positions` are the
/// accumulators after it, equal to the contracts' own at this block hash.
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

using ChainUpdate = std::variant<BlockApplied, BlocksReverted, Finalized>;

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
