// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/codec.hpp"
#include "store/detail/keys.hpp"
#include "store/ledger.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Values of the rows that chains cause. Each writes its fields and reads them back bounds-checked.
namespace margrave::store::detail {

/// Where one chain stands.
struct HeadRow {
    static constexpr std::size_t kTypicalSize = 320;
    std::string chain;
    std::optional<BlockRef> head;
    std::optional<BlockRef> final;
    Accumulator vault;
    Accumulator positions;
    std::uint64_t reorgs{0};
    /// Last block of the newest run of final blocks: above it the state of every block is kept.
    BlockNum runs_to;

    void write(Bytes& out) const;
    static Result<HeadRow> read(ByteReader& in);
};

/// A block that counts, and all that a reorg needs to take it back.
struct BlockRow {
    static constexpr std::size_t kTypicalSize = 512;
    BlockRef block;
    /// Journal entries [first, last]; first is last + 1 when there are none.
    Seq first;
    Seq last;
    std::uint32_t events{0};
    std::uint32_t incarnation{0};
    Accumulator vault;
    Accumulator positions;
    /// Last block of the run of final blocks it is part of, or 0.
    BlockNum run_to;
    /// Subjects that have a version of this block. Empty in a run, which no reorg takes back.
    std::vector<Bytes> subjects;

    /// Whether the state after it can be read: that of a block inside a run is not kept.
    [[nodiscard]] bool is_kept() const { return run_to == BlockNum{} || run_to == block.number; }

    void write(Bytes& out) const;
    static Result<BlockRow> read(ByteReader& in);
};

/// A block hash that was applied at least once. A reorg A -> B -> A brings the same hash back: the
/// incarnation keeps the ids of its transfers apart.
struct SeenRow {
    static constexpr std::size_t kTypicalSize = 8;
    std::uint32_t incarnation{0};
    bool live{false};

    void write(Bytes& out) const;
    static Result<SeenRow> read(ByteReader& in);
};

struct DefinitionRow {
    static constexpr std::size_t kTypicalSize = 96;
    std::string asset;
    std::uint8_t decimals{0};

    void write(Bytes& out) const;
    static Result<DefinitionRow> read(ByteReader& in);
};

/// Running totals of one account. Monotone for ever, also through reorgs.
struct TotalsRow {
    static constexpr std::size_t kTypicalSize = 80;
    Amount debits;
    Amount credits;
    Seq last;

    /// Balance on the side on which the code grows; nullopt if it lies on the other side.
    [[nodiscard]] std::optional<Amount> net(AccountCode code) const;
    void write(Bytes& out) const;
    static Result<TotalsRow> read(ByteReader& in);
};

struct AmountRow {
    static constexpr std::size_t kTypicalSize = 40;
    Amount amount;

    void write(Bytes& out) const;
    static Result<AmountRow> read(ByteReader& in);
};

struct NumberRow {
    static constexpr std::size_t kTypicalSize = 16;
    std::uint64_t number{0};

    void write(Bytes& out) const;
    static Result<NumberRow> read(ByteReader& in);
};

struct PositionRow {
    static constexpr std::size_t kTypicalSize = 72;
    Money size;
    Money entry_price;

    void write(Bytes& out) const;
    static Result<PositionRow> read(ByteReader& in);
};

/// What the chain says of a request.
struct RequestRow {
    static constexpr std::size_t kTypicalSize = 256;
    Address vault;
    ReleaseKind kind{ReleaseKind::kWithdrawal};
    AccountId account;
    Address token;
    Amount amount;
    Address recipient;
    BlockNum block;
    UnixSeconds time;
    Hash32 release_id;
    bool executed{false};

    /// Names what was asked for: a decision about a request belongs to these bytes, since after a
    /// reorg another request may have the same number.
    [[nodiscard]] Hash32 fingerprint() const;
    void write(Bytes& out) const;
    static Result<RequestRow> read(ByteReader& in);
};

/// What the chain says of a seizure.
struct LegRow {
    static constexpr std::size_t kTypicalSize = 256;
    Address token;
    Amount amount;
    /// kSeized, kSold or kReturned.
    LegState state{LegState::kSeized};
    BlockNum block;
    /// What the vault's book of the account lost.
    Amount book_taken;
    Address proceeds_token;
    Amount proceeds;
    /// Found again from the seizure id; 0 where no small numbers give it.
    std::uint64_t lock{0};
    std::uint64_t number{0};

    void write(Bytes& out) const;
    static Result<LegRow> read(ByteReader& in);
};

/// What an account has and owes at one watch: its part of the mapped and owed balances, which are
/// sums over watches.
struct SourceRow {
    static constexpr std::size_t kTypicalSize = 72;
    Amount mapped;
    Amount owed;

    void write(Bytes& out) const;
    static Result<SourceRow> read(ByteReader& in);
};

/// Whether a link counts.
struct LinkRow {
    static constexpr std::size_t kTypicalSize = 8;
    bool active{false};

    void write(Bytes& out) const;
    static Result<LinkRow> read(ByteReader& in);
};

/// The newest price of a watch.
struct ToldPriceRow {
    static constexpr std::size_t kTypicalSize = 128;
    ToldPrice told;

    void write(Bytes& out) const;
    static Result<ToldPriceRow> read(ByteReader& in);
};

/// The index that loans in a token grow by.
struct InterestRow {
    static constexpr std::size_t kTypicalSize = 208;
    ToldRate told;

    void write(Bytes& out) const;
    static Result<InterestRow> read(ByteReader& in);
};

/// Where the index stood when an account's loan last changed; above one.
struct MarkRow {
    static constexpr std::size_t kTypicalSize = 40;
    Amount index;

    void write(Bytes& out) const;
    static Result<MarkRow> read(ByteReader& in);
};

/// Which events tell rates on a chain, as the config said when the newest block was applied.
struct RateRulesRow {
    static constexpr std::size_t kTypicalSize = 256;
    std::vector<RateRule> rules;

    void write(Bytes& out) const;
    static Result<RateRulesRow> read(ByteReader& in);
};

/// The raw proved events of one block, in log order: the input of a replay. What an event shares
/// with the one before it is not written again.
struct EventsRow {
    static constexpr std::size_t kTypicalSize = 512;
    std::vector<ChainEvent> events;

    static Result<EventsRow> read(ByteReader& in);
};

/// The row of these events.
Bytes encode_events(const std::vector<ChainEvent>& events);

/// The accounts that events name, ascending and once; without the pool.
std::vector<AccountId> accounts_of(const std::vector<ChainEvent>& events);

/// The transfers of one block, or their reversals, with one seq after the other from the one in the
/// key. Block, hash, time and incarnation are written once; a transfer's id is not written, since
/// it is a hash of what is (`id_of`), nor its chain, which its ledger says.
struct JournalRow {
    static constexpr std::size_t kTypicalSize = 1024;
    std::vector<Transfer> transfers;

    /// `transfers` is not empty, and all are of one block.
    void write(Bytes& out) const;
    /// Leaves id, seq and chain to the caller.
    static Result<JournalRow> read(ByteReader& in);
};

/// The block is named by hash, so a transaction that a reorg puts into another block is a new
/// observation; and by incarnation, so it is one also when the same block comes back. A reversal's
/// id is made of the id of what it reverses.
Hash32 id_of(const Transfer& transfer);

/// Seqs after the one in the key, ascending: the transfers of one account in one batch.
struct EntriesRow {
    static constexpr std::size_t kTypicalSize = 16;
    std::vector<Seq> seqs;

    /// `seqs` begins with the one in the key.
    void write(Bytes& out) const;
    /// As differences; `from(first)` makes them seqs.
    static Result<EntriesRow> read(ByteReader& in);
    [[nodiscard]] Result<std::vector<Seq>> from(Seq first) const;
};

}  // namespace margrave::store::detail
