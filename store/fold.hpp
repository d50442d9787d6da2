// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ids.hpp"
#include "core/result.hpp"

#include <cstddef>
#include <cstdint>

namespace margrave::store {

class Database;

/// How far the rolling fold of the journal is.
struct FoldProgress {
    /// Times that all of it was compared.
    std::uint64_t cycles{0};
    /// In this cycle: the last journal entry that was folded, and accounts that were compared.
    Seq folded;
    std::uint64_t accounts{0};
    bool operator==(const FoldProgress&) const = default;
};

/// One bounded step of holding balances against the journal (I2, I10, I13), which goes on where the
/// last one ended, in whatever process, and begins again at the end: at most `entries` journal
/// entries (asserted not to be 0), and at least one account with those of its next batch. kCorrupt
/// names the first row that differs; the next step, also after a restart, comes back to it. On the
/// thread that writes the ledger, between two of its updates.
Result<FoldProgress> fold_step(Database& db, std::size_t entries);

/// How far it is; nothing was folded when it never ran.
Result<FoldProgress> fold_progress(const Database& db);

}  // namespace margrave::store
