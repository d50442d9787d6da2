// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "core/canonical_json.hpp"
#include "store/guard.hpp"

#include <string_view>

namespace margrave::relayer {

/// The member "guard" of `status`, and what `guard status` prints; docs/operating.md lists the
/// fields. `silence` says how the silence after the start stands.
Result<Canonical> guard_status(
    const store::SigningGuard& guard,
    const config::GuardSettings& settings,
    std::string_view silence
);

}  // namespace margrave::relayer
