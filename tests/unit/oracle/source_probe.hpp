// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "oracle/source.hpp"
#include "tests/support/loop.hpp"

#include <string>
#include <utility>

namespace margrave::oracle {

inline SourceSettings settings_of(std::string kind, Canonical::Object settings) {
    SourceSettings out;
    out.name = "under-test";
    out.kind = std::move(kind);
    out.settings = std::move(settings);
    return out;
}

/// Reads one source that needs no chain.
inline Answer read_once(tests::Loop& loop, Source& source, UnixSeconds now) {
    const Heads none;
    return loop.run(source.read(none, now));
}

}  // namespace margrave::oracle
