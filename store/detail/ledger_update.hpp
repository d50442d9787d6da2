// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/books.hpp"
#include "store/detail/postings.hpp"

#include <optional>

namespace margrave::store::detail {

/// One chain update on its way into one batch. Lives for one call of Ledger::apply; what is in
/// memory changes only after the batch is written.
class Update {
  public:
    Update(Database::Impl& db, Ledger::State& state, const ChainId& chain);

    Result<ApplySummary> apply(const BlockApplied& update);
    Result<ApplySummary> revert(const BlocksReverted& update);
    Result<ApplySummary> finalize(const Finalized& update);

  private:
    [[nodiscard]] Result<std::optional<BlockRow>> block_at(BlockNum number) const;
    Result<void> write(rocksdb::WriteBatch& batch);
    void write_block(
        rocksdb::WriteBatch& batch,
        const BlockData& data,
        const Books& books,
        const Postings& postings,
        std::uint32_t incarnation
    ) const;

    /// The block that stays when everything above `ancestor` goes; nullopt when nothing stays.
    Result<std::optional<BlockRow>> find_ancestor(const BlockRef& ancestor) const;
    /// Blocks above a number, newest first.
    Result<std::vector<BlockRow>> blocks_above(std::optional<BlockNum> number) const;
    Result<void> revert_block(rocksdb::WriteBatch& batch, Books& books, const BlockRow& block);
    Result<void> end_executed_holds(rocksdb::WriteBatch& batch, BlockNum final);
    Result<void> close_legs(rocksdb::WriteBatch& batch, BlockNum final);
    Result<void> close_requests(rocksdb::WriteBatch& batch, BlockNum final);

    Database::Impl& db_;
    Ledger::State& state_;
    ChainId chain_;
    ChainTag tag_;
    HeadRow head_;
};

}  // namespace margrave::store::detail
