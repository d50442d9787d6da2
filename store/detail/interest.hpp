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

}  // namespace margrave::store::detail
