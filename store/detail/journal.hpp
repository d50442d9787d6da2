// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/ledger_state.hpp"

#include <rocksdb/iterator.h>

#include <functional>
#include <memory>
#include <vector>

namespace margrave::store::detail {

/// Reads transfers out of the rows of their blocks, with one iterator. Sees what was written before
/// it was made; lives no longer than Impl and State.
class JournalReader {
  public:
    JournalReader(const Database::Impl& db, const Ledger::State& state);

    /// The row whose first transfer is `first`, without ids; kCorrupt when there is none.
    Result<std::vector<Transfer>> row(Seq first);
    /// One transfer, whole; kCorrupt when it is not there.
    Result<Transfer> at(Seq seq);
    /// Whole transfers from `from` on, until `visit` says false.
    using Visit = std::function<Result<bool>(Transfer transfer)>;
    Result<void> scan(Seq from, const Visit& visit);

  private:
    Result<void> load(Seq seq);
    Result<void> decode(ByteView key, ByteView value);
    [[nodiscard]] bool holds(Seq seq) const;

    const Database::Impl& db_;
    const Ledger::State& state_;
    std::unique_ptr<rocksdb::Iterator> it_;
    /// The row that was read last, and the seq of its first transfer.
    Seq first_;
    std::vector<Transfer> row_;
};

}  // namespace margrave::store::detail
