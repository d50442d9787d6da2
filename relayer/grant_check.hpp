// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/health.hpp"
#include "relayer/early.hpp"
#include "relayer/grants.hpp"

#include <vector>

/// Whether a request may be answered with yes, and what that answer stands on.
namespace margrave::relayer {

/// The releases under way of an account, and which of them its provisional state has already.
Result<std::vector<margin::Promise>> promises_of(
    const store::Ledger& ledger, const AccountId& account
);

/// What the answer stands on that is not final, if it is yes: empty when final value suffices.
/// kCheckFailed is a refusal, kUnattestable leaves the request open.
Result<std::vector<attest::EarlyUse>> check_request(
    const DecisionParts& parts, const store::Request& request
);

/// Gives back the early room of accounts whose stand became final, or that have initial health by
/// what is final alone.
Result<void> settle_early(const DecisionParts& parts);

}  // namespace margrave::relayer
