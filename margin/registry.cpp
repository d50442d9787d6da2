// SPDX-License-Identifier: Apache-2.0
#include "margin/module.hpp"

#include <array>

namespace margrave::margin {

std::span<const std::unique_ptr<const Module>> modules() {
    static const std::array<std::unique_ptr<const Module>, 4> kModules{
        make_spot_module(),
        make_perpetual_module(),
        make_option_module(),
        make_scenario_module(),
    };
    return kModules;
}

}  // namespace margrave::margin
