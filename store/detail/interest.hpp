// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/ledger_state.hpp"

#include <optional>

namespace margrave::store::detail {

/// What loans in a ledger grow by, at the time of block `at`, or of the head if that is below it;
/// nothing where no rate was told up to there. kNotFound when one was and the block was left out of
/// a run: then its time is not known.
Result<std::optional<InterestIndex>> interest_at(
    Versions& versions, const Ledger::State& state, LedgerId ledger, BlockNum at
);

/// Where the index stood when an owner's loan last changed.
struct LoanMark {
    LedgerId ledger;
    Hash32 owner;
    Amount index;
};

/// A loan with what it has gathered since its mark. kCorrupt when the index is below that: an index
/// never falls.
Result<Amount> grown_loan(const Amount& loan, const LoanMark& mark, const Amount& index);

}  // namespace margrave::store::detail
