// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/reconciliation.hpp"
#include "chains/adapter.hpp"
#include "store/ledger.hpp"

#include <optional>

namespace margrave::relayer {

/// What a vault holds at one block, by its hash, of every ledger of its chain, beside what the
/// ledger has as of that block; and the first error of nodes that could not say.
struct CustodyReading {
    attest::Reconciliation reading;
    std::optional<Error> trouble;
};

/// Asks as many operators as the chain's agreement. A row that cannot be had is unable, with what
/// was said; an error is one after which the process must stop, or kNotFound where the state of the
/// block was not kept. Adapter and ledger outlive the task.
Task<Result<CustodyReading>> read_custody(
    chains::ChainAdapter& adapter, const store::Ledger& ledger, BlockRef block
);

}  // namespace margrave::relayer
