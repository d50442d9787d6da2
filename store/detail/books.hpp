// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/ledger_state.hpp"

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace margrave::store::detail {

/// One side of a posting.
struct AccountRef {
    AccountCode code{AccountCode::kVault};
    Hash32 owner;
};

/// What every transfer of one event has in common.
struct Cause {
    std::variant<MovementKind, MappedKind> kind{MovementKind::kDeposit};
    AccountId account;
    Hash32 txn_hash;
    std::uint32_t log_index{0};
    /// Which meaning of its log it is; the transfers of each have numbers of their own.
    std::uint16_t part{0};
};

/// The block whose events are booked.
struct BlockContext {
    ChainId chain;
    ChainTag tag;
    BlockRef block;
    std::uint32_t incarnation{0};
};

/// The changes of one chain update before they are written: reads through to the store, keeps every
/// change beside it, and becomes part of one batch at the end. An update has one block or many: the
/// transfers of each go to the batch when it ends, balances once for all. Lives for one call of
/// apply.
class Books {
  public:
    Books(const Database::Impl& db, const Ledger::State& state);

    /// Makes room for what so many events change.
    void expect(std::size_t events);
    void begin(const BlockContext& block);
    void begin(const Cause& cause);
    /// The transfers of the block become part of the batch.
    void end_block(rocksdb::WriteBatch& batch);

    [[nodiscard]] const BlockContext& block() const { return block_; }

    /// Current balance on the side on which the account grows.
    Result<Amount> net(LedgerId ledger, const AccountRef& account);
    /// One transfer; nothing when the amount is zero. kOverflow when a total leaves 256 bits.
    Result<void> post(
        LedgerId ledger, const AccountRef& debit, const AccountRef& credit, const Amount& amount
    );
    /// The opposite of `original`, with the seq it reverses.
    Result<void> reverse(const Transfer& original);

    /// Versioned rows other than balances.
    template <class Row>
    Result<std::optional<Row>> newest(const Bytes& subject) {
        MARGRAVE_TRY(const std::optional<Bytes> bytes, newest_bytes(subject));
        if (!bytes) {
            return std::optional<Row>{};
        }
        MARGRAVE_TRY(Row row, Database::Impl::decode<Row>(Cf::kVersion, subject, *bytes));
        return std::optional<Row>{std::move(row)};
    }

    template <class Row>
    void put(const Bytes& subject, const Row& row) {
        written_[subject] = encode(row);
    }

    /// The newest row of each subject under `prefix`, with what this update wrote.
    Result<std::map<Bytes, Bytes>> newest_under(const Bytes& prefix);

    /// Sum of the balances of all accounts of a code. Where it is zero each of them is.
    [[nodiscard]] Amount sum(LedgerId ledger, AccountCode code) const;

    /// The mirror of the vault's own book, to be changed in place. Valid until the next call.
    Result<Amount*> book(LedgerId ledger, const AccountId& account);

    Versions& versions() { return versions_; }

    /// Seq of the last transfer so far.
    [[nodiscard]] Seq last_seq() const { return seq_; }

    /// Transfers of all blocks.
    [[nodiscard]] std::uint64_t transfers() const { return seq_.value - first_seq_.value; }

    /// Accounts whose balances changed.
    [[nodiscard]] std::set<AccountId> touched() const;

    /// Totals and the index of the journal, with I1 and I5 asserted. Every block has ended.
    void write_totals(rocksdb::WriteBatch& batch) const;
    /// The version rows of the last block. Their subjects, ascending, where somebody asks for them.
    void write_versions(rocksdb::WriteBatch& batch, std::vector<Bytes>* subjects = nullptr) const;
    /// After a reversal: every balance that changed must be the one stored at `ancestor`, or zero
    /// when nothing stays.
    Result<void> check_against(std::optional<BlockNum> ancestor);
    /// Once the batch is written, or alone on its way: what changed becomes what is.
    void commit_to(Ledger::State& state) const;

  private:
    struct Changed {
        TotalsRow before;
        TotalsRow now;
    };

    /// Valid until the next one is loaded.
    Result<Changed*> load(const AccountKey& key);
    Result<Amount> stored_net(const AccountKey& key);
    Result<std::optional<Bytes>> newest_bytes(const Bytes& subject);
    Result<void> move(Transfer& transfer);
    void assert_balanced() const;
    /// False when the sum would leave its range.
    bool shift_sum(const SumKey& key, bool debit, const Amount& amount);
    const Database::Impl& db_;
    const Ledger::State& state_;
    Versions versions_;
    BlockContext block_;
    Cause cause_;
    std::uint16_t leg_{0};
    Seq first_seq_;
    Seq seq_;
    Table<AccountKey, Changed, AccountKeyHash> accounts_;
    Table<AccountKey, Amount, AccountKeyHash> books_;
    std::map<SumKey, Amount> sums_;
    Table<Bytes, Bytes, BytesHash> written_;
    /// Transfers of the block that was begun last.
    JournalRow block_journal_;
    /// By account, those of all blocks.
    Table<AccountId, EntriesRow, AccountIdHash> entries_;
};

}  // namespace margrave::store::detail
