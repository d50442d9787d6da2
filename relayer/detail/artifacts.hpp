// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

namespace margrave::relayer {

/// Creation code as "0x" hex, generated at build time from contracts/artifacts/.
struct Artifact {
    std::string_view contract;
    std::string_view creation_code;
};

extern const std::array<Artifact, 4> kArtifacts;

}  // namespace margrave::relayer
