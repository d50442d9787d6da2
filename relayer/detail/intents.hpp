// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "core/keccak.hpp"
#include "store/database.hpp"

#include <string>
#include <utility>

namespace margrave::relayer {

/// A queued intent without target and data.
inline store::Intent make_intent(
    const Hash32& digest,
    const chains::ChainAdapter& chain,
    std::string kind,
    std::string label,
    UnixSeconds expires,
    UnixSeconds now
) {
    store::Intent intent;
    intent.id = keccak256(digest, chain.settings().chain.key());
    intent.chain = chain.settings().chain;
    intent.kind = std::move(kind);
    intent.label = std::move(label);
    intent.expires = expires;
    intent.created = now;
    return intent;
}

}  // namespace margrave::relayer
