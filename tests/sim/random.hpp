// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace margrave::tests::sim {

/// The same numbers from the same seed with every compiler and library. SplitMix64, by Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
class Random {
  public:
    explicit Random(std::uint64_t seed)
        : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }

    /// 0 to limit - 1; the bias of a remainder does not matter here.
    std::uint64_t below(std::uint64_t limit) { return next() % limit; }

    std::uint64_t between(std::uint64_t from, std::uint64_t to) {
        return from + below(to - from + 1);
    }

    /// True so many times in a hundred.
    bool percent(std::uint64_t chance) { return below(100) < chance; }

  private:
    std::uint64_t state_;
};

}  // namespace margrave::tests::sim
