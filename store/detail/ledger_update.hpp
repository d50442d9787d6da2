// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/books.hpp"
#include "store/detail/postings.hpp"

#include <optional>
#include <span>
#include <string>

namespace margrave::store::detail {

/// How errors name a block.
std::string name_of(const ChainId& chain, const BlockRef& block);
/// kUnproved when a block has one event twice.
Result<void> check_places(const ChainId& chain, const BlockData& data);
/// Folds a block's events into the accumulators of `head`; kUnproved unless they come out as the
/// block's own.
Result<void> fold_block(HeadRow& head, const ChainId& chain, const BlockData& data);
/// kConflict when the block is known with other content: one hash has one content for ever.
Result<void> check_same(
    const Database::Impl& db, const ChainId& chain, const BlockRow& row, const BlockData& data
);

/// Puts into the batch what the final block settles for ever. Reads only what is written.
Result<void> settle(
    const Database::Impl& db, const ChainId& chain, rocksdb::WriteBatch& batch, BlockNum final
);

/// One chain update on its way into one batch. Lives for one call of Ledger::apply; what is in
/// memory changes only after the batch is written.
class Update {
  public:
    Update(Database::Impl& db, Ledger::State& state, const ChainId& chain);

    Result<ApplySummary> apply(const BlockApplied& update);
    Result<ApplySummary> revert(const BlocksReverted& update);
    Result<ApplySummary> finalize(const Finalized& update);
    /// `ahead`: returns once the run is booked, see Ledger::fill_ahead.
    Result<ApplySummary> fill(const BlocksFinal& update, bool ahead);

  private:
    [[nodiscard]] Result<std::optional<BlockRow>> block_at(BlockNum number) const;
    Result<void> write(rocksdb::WriteBatch& batch, bool sync);

    /// Blocks of `update` that are not applied yet: known ones at its start are checked and left.
    Result<std::span<const BlockData>> unknown_part(const BlocksFinal& update) const;
    /// How often the block was applied before; kCorrupt when it counts already.
    Result<std::uint32_t> incarnation_of(const BlockRef& block) const;
    /// Books the events of one block that folds into the head, and puts its events and transfers
    /// into the batch. Moves the head.
    Result<BlockRow> book_block(
        rocksdb::WriteBatch& batch, Books& books, Postings& postings, const BlockData& data
    );
    /// The same for all blocks of a run; balances are written at its end.
    Result<void> book_run(
        rocksdb::WriteBatch& batch,
        Books& books,
        Postings& postings,
        std::span<const BlockData> blocks
    );
    void put_block(rocksdb::WriteBatch& batch, const BlockRow& row) const;
    void put_open(rocksdb::WriteBatch& batch, const Postings& postings) const;
    [[nodiscard]] Result<ApplySummary> summary_of(const Books& books, const Postings& postings)
        const;

    /// The block that stays when everything above `ancestor` goes; nullopt when nothing stays.
    Result<std::optional<BlockRow>> find_ancestor(const BlockRef& ancestor) const;
    /// Blocks above a number, newest first.
    Result<std::vector<BlockRow>> blocks_above(std::optional<BlockNum> number) const;
    /// Accounts that the events of a stored block name.
    [[nodiscard]] Result<std::vector<AccountId>> accounts_in(const BlockRow& block) const;
    Result<void> revert_block(rocksdb::WriteBatch& batch, Books& books, const BlockRow& block);
    /// Whether the run can be booked by what the caches say of the one that is on its way.
    [[nodiscard]] bool can_book_ahead(const BlocksFinal& update) const;
    /// The batch, and what the final block then settles, become durable.
    Result<void> write_run(rocksdb::WriteBatch batch, BlockNum last, bool ahead);

    Database::Impl& db_;
    Ledger::State& state_;
    ChainId chain_;
    ChainTag tag_;
    HeadRow head_;
};

}  // namespace margrave::store::detail
