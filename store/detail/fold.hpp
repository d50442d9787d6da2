// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/journal.hpp"
#include "store/detail/ledger_state.hpp"
#include "store/detail/versions.hpp"
#include "store/fold.hpp"

#include <cstddef>
#include <cstdint>
#include <map>

namespace margrave::store::detail {

/// How far the rolling fold is: row `fold` of `meta`. A cycle first folds the journal into what few
/// accounts are (those of no depositor, and the sums by code), then goes over all other accounts,
/// each of which finds its own entries by the journal's index. So what is held between two steps
/// does not grow with the accounts.
struct FoldRow {
    static constexpr std::size_t kTypicalSize = 512;
    std::uint64_t cycles{0};
    /// The last entry that was folded; the fold of these entries follows.
    Seq folded;
    std::map<AccountKey, TotalsRow> shared;
    std::map<SumKey, Amount> sums;
    /// The journal is done, and these accounts.
    bool in_accounts{false};
    std::uint64_t accounts{0};
    /// Key of the last account that is done or, with `part`, that is folded up to `reached`.
    Bytes last;
    std::optional<TotalsRow> part;
    Seq reached;

    [[nodiscard]] FoldProgress progress() const { return {cycles, folded, accounts}; }

    void write(Bytes& out) const;
    static Result<FoldRow> read(ByteReader& in);
};

/// One step. Lives for one call of fold_step.
class FoldStep {
  public:
    FoldStep(const Database::Impl& db, const Ledger::State& state, FoldRow& row, std::size_t left);

    /// After an error the row is of no use.
    Result<void> run();

  private:
    Result<void> fold_journal();
    Result<void> fold(const Transfer& t);
    Result<void> fold_side(const Transfer& t, bool debit);
    Result<void> check_reversal(const Transfer& t);
    Result<void> check_shared();
    Result<void> fold_accounts();
    /// Whether the account came to its end inside this step.
    Result<bool> fold_account(ByteView key, const TotalsRow& stored);
    Result<AccountId> account_of(ByteView key, const AccountKey& account, const TotalsRow& stored);
    Result<void> check_account(ByteView key, const AccountKey& account, const TotalsRow& stored);

    const Database::Impl& db_;
    const Ledger::State& state_;
    FoldRow& row_;
    std::size_t left_;
    JournalReader journal_;
    /// A second iterator: what is reversed lies elsewhere.
    JournalReader originals_;
    Versions versions_;
};

}  // namespace margrave::store::detail
