// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/result.hpp"

namespace margrave::relayer {

/// Whether going on after this error could sign or spend on a state that is not known: the daemon
/// stops and says why. Every other error is the world's and is tried again.
constexpr bool must_stop(Errc code) {
    switch (code) {
        case Errc::kStore:
        case Errc::kCorrupt:
        case Errc::kSchema:
        case Errc::kConflict:
        case Errc::kUnsafe:
        case Errc::kBelowFinality:
            return true;
        default:
            return false;
    }
}

}  // namespace margrave::relayer
