// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

namespace margrave::infra {

/// Fills `out` from the operating system's generator; good for keys.
void random_bytes(std::span<std::uint8_t> out);

/// Evenly spread over [0, bound). `bound` is not zero.
std::uint64_t random_below(std::uint64_t bound);

}  // namespace margrave::infra
