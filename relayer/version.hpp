// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace margrave::relayer {

/// Of the CMake project.
inline constexpr std::string_view kVersion = MARGRAVE_VERSION;

}  // namespace margrave::relayer
