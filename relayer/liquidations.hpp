// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "relayer/grants.hpp"

namespace margrave::relayer {

/// For every account the last round called seizable and that has no lock open: plans the least
/// seizure that heals it, the riskiest account first and within what the markets still take, and
/// signs its legs under a new lock. A lock stays open until each of its
/// legs is expired, or its sale's outcome is final, so no hole is filled twice. An account whose
/// unfinal deposits would heal it is left alone until they are final or gone.
/// Also asks for unsold lots back once their auction is over.
Result<void> plan_liquidations(const DecisionParts& parts, UnixSeconds now);

}  // namespace margrave::relayer
