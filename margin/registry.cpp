// SPDX-License-Identifier: Apache-2.0
#include "margin/module.hpp"

#include <array>

namespace margrave::margin {

std::span<const std::unique_ptr<const Module>> modules() {
    static const std::array<std::unique_ptr<const Module>, 1> kModules{
        make_spot_module(),
    };
    return kModules;
}

}  // namespace margrave::margin
