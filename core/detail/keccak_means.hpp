// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace margrave::detail {

/// One way to hash. All give the same hashes; keccak256 takes the best one of the processor.
struct KeccakMeans {
    std::string_view name;
    void (*permute)(std::uint64_t* state){nullptr};
    /// Hashes `width` messages of one size, one behind the other; null where it has no wide form.
    void (*group)(const std::uint8_t* messages, std::size_t size, Hash32* out){nullptr};
    std::size_t width{0};
};

/// Every way that this processor can go, the best one last; the first goes anywhere.
std::span<const KeccakMeans> keccak_means();

Hash32 keccak256_by(const KeccakMeans& means, ByteView data);
void keccak256_each_by(
    const KeccakMeans& means, ByteView messages, std::size_t size, std::span<Hash32> out
);

}  // namespace margrave::detail
