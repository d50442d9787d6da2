// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "store/database.hpp"

namespace margrave::relayer {

/// Call data of a signed seizure with the account's proof under `registry_round`, which is the one
/// the chain's registry has. kNotFound: that round does not call the account seizable, or its proof
/// was not kept over a crash; a later round may.
Result<Bytes> complete_seizure(
    const store::Database& database,
    const chains::ChainAdapter& adapter,
    const store::Intent& intent,
    RoundNum registry_round
);

}  // namespace margrave::relayer
