// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/detail/reciprocal.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

// Eight accounts of one shape (the same forms on the same sides) valued side by side, with the
// 52-bit multiplications of AVX-512. What it says is exact, or it does not say it.
namespace margrave::margin::detail {

inline constexpr std::size_t kLanes = 8;

/// A quotient by a constant as floor((a M + E) / 2^k), all in limbs of 52 bits; k = 104 + shift.
/// With a below 2^96 and M = ceil(p 2^k / q), where q <= 2^(k - 96):
///   E = 0:                          floor(a p / q)
///   E = 2^k - floor(2^k / q):       ceil(a p / q)   for a > 0, and 0 for a = 0
/// The first is reciprocal.hpp's. Of the second: with D = floor(2^k / q), a M / 2^k lies in
/// [a p / q, a p / q + a / 2^k), and a < 2^96 <= D, so that (a M - D) / 2^k is below a p / q and
/// not below (a p - 1) / q; its floor is that of (a p - 1) / q, which is ceil(a p / q) - 1.
struct LaneFactor {
    std::array<std::uint64_t, 4> m{};
    std::array<std::uint64_t, 3> e{};
    std::uint64_t shift{0};
};

/// Whether k is at most 156, as it is for units of at most 18 decimals.
inline bool fits_lanes(const Reciprocal& factor) {
    return factor.shift <= 28;
}

LaneFactor lane_floor(const Reciprocal& down);
/// `down` is reciprocal_down(p, q, kFactorBits).
LaneFactor lane_ceil(const Reciprocal& down, const Money& q);

/// One column of a packet: what it holds, whether it is the last of its canonical asset, and
/// whether the account has as well as owes of that asset.
struct LaneSlot {
    std::uint16_t form{0};
    bool owed{false};
    bool closes{false};
    bool mixed{false};
};

struct LaneForm {
    LaneFactor down;
    LaneFactor up;
    LaneFactor backing;
    bool usable{false};
    bool fully_backed{true};
    /// Whether all forms of its asset count in full, at the one price, at the initial level; else
    /// the asset's initial weights are so low, or so high where owed, that health comes out no
    /// higher than it is.
    bool plain{true};
    std::uint16_t group{0};
};

/// How far below its exact sum health may come out, in units of 1e-18 USD: one for each product
/// with a weight, and less than five for each column that does not count in full (screen.cpp).
inline std::uint64_t band_of(std::size_t groups, std::size_t slots) {
    return groups + 5 * slots;
}

/// A weight below 2^62.
inline std::array<std::uint64_t, 2> lane_limbs(std::uint64_t weight) {
    return {weight & ((std::uint64_t{1} << 52) - 1), weight >> 52};
}

/// Initial weights of one canonical asset, below 2^62, as limbs of 52 bits.
struct LaneWeights {
    std::array<std::uint64_t, 2> collateral{};
    std::array<std::uint64_t, 2> debt{};
};

/// Bit i is that of account i.
struct LaneResult {
    /// Equity, two's complement in two words.
    alignas(64) std::array<std::uint64_t, kLanes> low{};
    alignas(64) std::array<std::uint64_t, kLanes> high{};
    /// Initial health is certainly not negative; equity is exact and no value reached 2^96.
    std::uint8_t healthy{0};
};

/// At most this many columns, so that no sum leaves its word: values are below 2^96, nets of all
/// assets together below 2^102, so their upper limbs sum to less than 2^50 and the products of
/// those with the upper limbs of weights (10 bits) to less than 2^60.
inline constexpr std::size_t kSlotsMax = 64;

/// Whether this processor has the instructions.
bool has_lanes();

/// `low` and `high` are the low 64 and the next 32 bits of the amounts, eight a slot.
void judge_lanes(
    std::span<const LaneSlot> slots,
    const LaneForm* forms,
    const LaneWeights* weights,
    const std::uint64_t* low,
    const std::uint32_t* high,
    LaneResult& out
);

}  // namespace margrave::margin::detail
