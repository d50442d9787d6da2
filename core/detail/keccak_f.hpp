// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace margrave::detail {

/// Iota's constants (FIPS 202 section 3.2.5).
inline constexpr std::array<std::uint64_t, 24> kKeccakRounds{
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/// Keccak-f[1600] (FIPS 202 section 3) over 25 lanes in its order, lane (x, y) at x + 5y. `Lane` is
/// a word, or a vector of words: then it permutes as many states side by side. Always inlined, so
/// that it takes the instruction set of its caller.
template <class Lane>
struct KeccakF {
    template <unsigned kBy>
    [[gnu::always_inline]] static Lane rotate(const Lane& lane) {
        return (lane << kBy) | (lane >> (64 - kBy));
    }

    [[gnu::always_inline]] static void chi(
        Lane* out, const Lane& b0, const Lane& b1, const Lane& b2, const Lane& b3, const Lane& b4
    ) {
        out[0] = b0 ^ (~b1 & b2);
        out[1] = b1 ^ (~b2 & b3);
        out[2] = b2 ^ (~b3 & b4);
        out[3] = b3 ^ (~b4 & b0);
        out[4] = b4 ^ (~b0 & b1);
    }

    // Theta, then a row of the result at a time: rho and pi say which lanes come into it.
    [[gnu::always_inline]] static void round(const Lane* a, Lane* out, std::uint64_t constant) {
        const Lane c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20];
        const Lane c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
        const Lane c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22];
        const Lane c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
        const Lane c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
        const Lane d0 = c4 ^ rotate<1>(c1);
        const Lane d1 = c0 ^ rotate<1>(c2);
        const Lane d2 = c1 ^ rotate<1>(c3);
        const Lane d3 = c2 ^ rotate<1>(c4);
        const Lane d4 = c3 ^ rotate<1>(c0);
        chi(out,
            a[0] ^ d0,
            rotate<44>(a[6] ^ d1),
            rotate<43>(a[12] ^ d2),
            rotate<21>(a[18] ^ d3),
            rotate<14>(a[24] ^ d4));
        out[0] ^= constant;
        chi(out + 5,
            rotate<28>(a[3] ^ d3),
            rotate<20>(a[9] ^ d4),
            rotate<3>(a[10] ^ d0),
            rotate<45>(a[16] ^ d1),
            rotate<61>(a[22] ^ d2));
        chi(out + 10,
            rotate<1>(a[1] ^ d1),
            rotate<6>(a[7] ^ d2),
            rotate<25>(a[13] ^ d3),
            rotate<8>(a[19] ^ d4),
            rotate<18>(a[20] ^ d0));
        chi(out + 15,
            rotate<27>(a[4] ^ d4),
            rotate<36>(a[5] ^ d0),
            rotate<10>(a[11] ^ d1),
            rotate<15>(a[17] ^ d2),
            rotate<56>(a[23] ^ d3));
        chi(out + 20,
            rotate<62>(a[2] ^ d2),
            rotate<55>(a[8] ^ d3),
            rotate<39>(a[14] ^ d4),
            rotate<41>(a[15] ^ d0),
            rotate<2>(a[21] ^ d1));
    }

    [[gnu::always_inline]] static void permute(Lane* state) {
        Lane even[25];
        Lane odd[25];
        for (std::size_t i = 0; i < 25; ++i) {
            even[i] = state[i];
        }
        for (std::size_t i = 0; i < kKeccakRounds.size(); i += 2) {
            round(even, odd, kKeccakRounds[i]);
            round(odd, even, kKeccakRounds[i + 1]);
        }
        for (std::size_t i = 0; i < 25; ++i) {
            state[i] = even[i];
        }
    }
};

}  // namespace margrave::detail
