// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "relayer/scribe.hpp"
#include "store/database.hpp"

#include <string>
#include <vector>

namespace margrave::relayer {

/// Whether what a round took over from the one before follows from it: the latch, the times under
/// water, and each slow price by its guards, the signed price and the time. `evidence` and `draft`
/// are of one round. kCheckFailed says what does not follow; the sentences are what could not be
/// looked at because a document is not kept.
Result<std::vector<std::string>> check_step(
    const store::Database& database, const Canonical& evidence, const RoundDraft& draft
);

/// The part of it about slow prices, with this as the round's price document. A sentence, or empty.
Result<std::string> check_slow_prices(
    const store::Database& database, const RoundDraft& draft, const Canonical& document
);

}  // namespace margrave::relayer
