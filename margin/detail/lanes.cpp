// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/lanes.hpp"

#include "core/assert.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#define MARGRAVE_LANES [[gnu::target("avx512f,avx512dq,avx512vl,avx512ifma")]]
#endif

namespace margrave::margin::detail {
namespace {

using Rep = Money::Rep;

constexpr unsigned kLimb = 52;
constexpr std::uint64_t kLimbMask = (std::uint64_t{1} << kLimb) - 1;

template <std::size_t N>
std::array<std::uint64_t, N> limbs_of(Rep x) {
    std::array<std::uint64_t, N> out{};
    for (std::uint64_t& limb : out) {
        limb = static_cast<std::uint64_t>(x & Rep(kLimbMask));
        x >>= kLimb;
    }
    MARGRAVE_ASSERT(x.is_zero());
    return out;
}

}  // namespace

LaneFactor lane_floor(const Reciprocal& down) {
    Rep m = 0;
    for (std::size_t i = down.limbs.size(); i-- > 0;) {
        m = (m << 64) | Rep(down.limbs[i]);
    }
    LaneFactor out;
    out.m = limbs_of<4>(m);
    // k = 128 + down.shift.
    out.shift = down.shift + 24;
    MARGRAVE_ASSERT(out.shift <= kLimb);
    return out;
}

LaneFactor lane_ceil(const Reciprocal& down, const Money& q) {
    LaneFactor out = lane_floor(down);
    const Rep power = Rep(1) << (128 + down.shift);
    out.e = limbs_of<3>(power - power / q.rep());
    return out;
}

#if defined(__x86_64__)

namespace {

// Operators on __m512i act on eight signed 64-bit lanes; compared lanes are 0 or -1.

/// Eight numbers low + high 2^52.
struct Wide {
    __m512i low;
    __m512i high;
};

MARGRAVE_LANES inline __m512i all(std::uint64_t x) {
    return _mm512_set1_epi64(static_cast<long long>(x));
}

// Sets bits of `over` where the quotient is 2^96 or more.
MARGRAVE_LANES inline Wide quotient(const Wide& a, const LaneFactor& f, __m512i& over) {
    const __m512i mask = all(kLimbMask);
    const __m512i m0 = all(f.m[0]);
    const __m512i m1 = all(f.m[1]);
    const __m512i m2 = all(f.m[2]);
    const __m512i m3 = all(f.m[3]);
    const __m512i zero = all(0);
    const __m512i c0 = _mm512_madd52lo_epu64(all(f.e[0]), a.low, m0);
    __m512i c1 = _mm512_madd52hi_epu64(all(f.e[1]), a.low, m0);
    c1 = _mm512_madd52lo_epu64(c1, a.low, m1);
    c1 = _mm512_madd52lo_epu64(c1, a.high, m0);
    __m512i c2 = _mm512_madd52hi_epu64(all(f.e[2]), a.low, m1);
    c2 = _mm512_madd52hi_epu64(c2, a.high, m0);
    __m512i d2 = _mm512_madd52lo_epu64(zero, a.low, m2);
    d2 = _mm512_madd52lo_epu64(d2, a.high, m1);
    __m512i c3 = _mm512_madd52hi_epu64(zero, a.low, m2);
    c3 = _mm512_madd52hi_epu64(c3, a.high, m1);
    __m512i d3 = _mm512_madd52lo_epu64(zero, a.low, m3);
    d3 = _mm512_madd52lo_epu64(d3, a.high, m2);
    __m512i c4 = _mm512_madd52hi_epu64(zero, a.low, m3);
    c4 = _mm512_madd52hi_epu64(c4, a.high, m2);
    c4 = _mm512_madd52lo_epu64(c4, a.high, m3);
    const __m512i c5 = _mm512_madd52hi_epu64(zero, a.high, m3);
    c1 = c1 + (c0 >> kLimb);
    c2 = c2 + d2 + (c1 >> kLimb);
    c3 = c3 + d3 + (c2 >> kLimb);
    c4 = c4 + (c3 >> kLimb);
    c2 = c2 & mask;
    c3 = c3 & mask;
    const __m512i down = all(f.shift);
    const __m512i up = all(kLimb - f.shift);
    // The quotient is below 2^96 exactly when c4 is below 2^(shift - 8) and nothing is above it.
    over = over | c5 | (c4 >> all(f.shift - 8));
    return {.low = ((c2 >> down) | (c3 << up)) & mask, .high = (c3 >> down) | (c4 << up)};
}

/// Sums of net times weight in units of 2^52 and 2^104, each product cut below 2^52.
MARGRAVE_LANES inline void add_weighted(const Wide& net, const LaneWeights& weights, Wide& sums) {
    const __m512i zero = all(0);
    // Minus one where owed: (x ^ owed) - owed negates there.
    const __m512i owed = (net.high + (net.low >> kLimb)) >> 63;
    const __m512i l = (net.low ^ owed) - owed;
    const __m512i high = ((net.high ^ owed) - owed) + (l >> kLimb);
    const __m512i low = l & all(kLimbMask);
    const __m512i w0 = (all(weights.collateral[0]) & ~owed) | (all(weights.debt[0]) & owed);
    const __m512i w1 = (all(weights.collateral[1]) & ~owed) | (all(weights.debt[1]) & owed);
    __m512i p1 = _mm512_madd52hi_epu64(zero, low, w0);
    p1 = _mm512_madd52lo_epu64(p1, low, w1);
    p1 = _mm512_madd52lo_epu64(p1, high, w0);
    __m512i p2 = _mm512_madd52hi_epu64(_mm512_mullo_epi64(high, w1), low, w1);
    p2 = _mm512_madd52hi_epu64(p2, high, w0);
    sums.low = sums.low + ((p1 ^ owed) - owed);
    sums.high = sums.high + ((p2 ^ owed) - owed);
}

/// The amounts of one column.
MARGRAVE_LANES inline Wide amounts(const std::uint64_t* low, const std::uint32_t* high) {
    const __m512i word = _mm512_loadu_si512(low);
    const __m512i upper = _mm512_maskz_cvtepu32_epi64(
        0xff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(high))
    );
    return {
        .low = word & all(kLimbMask),
        .high = ((word >> kLimb) & all((1U << (64 - kLimb)) - 1)) | (upper << (64 - kLimb))};
}

}  // namespace

bool has_lanes() {
    static const bool kHas = [] {
        __builtin_cpu_init();
        return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
               __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512ifma") != 0;
    }();
    return kHas;
}

// Exact health is the sum of `groups` products, each rounded down to units of 10^18, and at most
// band_of lower than the sum of what is summed here: not below zero when the exact sum T of these
// is band_of * 10^18 or more. T is more than (S - groups) 2^52, S being what add_weighted summed,
// and 10^18 / 2^52 is below 223, so S >= 224 * band_of suffices.
MARGRAVE_LANES void judge_lanes(
    std::span<const LaneSlot> slots,
    const LaneForm* forms,
    const LaneWeights* weights,
    const std::uint64_t* low,
    const std::uint32_t* high,
    LaneResult& out
) {
    const __m512i zero = all(0);
    const __m512i mask = all(kLimbMask);
    Wide net{.low = zero, .high = zero};
    Wide equity{.low = zero, .high = zero};
    Wide weighted{.low = zero, .high = zero};
    __m512i over = zero;
    std::uint64_t groups = 0;
    for (const LaneSlot& slot : slots) {
        const LaneForm& form = forms[slot.form];
        Wide value = quotient(amounts(low, high), slot.owed ? form.up : form.down, over);
        low += kLanes;
        high += kLanes;
        if (slot.owed) {
            net.low = net.low - value.low;
            net.high = net.high - value.high;
        } else {
            value = form.fully_backed ? value : quotient(value, form.backing, over);
            net.low = net.low + value.low;
            net.high = net.high + value.high;
        }
        if (slot.closes) {
            equity.low = equity.low + net.low;
            equity.high = equity.high + net.high;
            add_weighted(net, weights[form.group], weighted);
            net = {.low = zero, .high = zero};
            ++groups;
        }
    }
    const __m512i h = equity.high + (equity.low >> kLimb);
    _mm512_store_si512(out.low.data(), (equity.low & mask) | (h << kLimb));
    _mm512_store_si512(out.high.data(), h >> (64 - kLimb));
    const __m512i top = weighted.high + (weighted.low >> kLimb);
    const __m512i rest = weighted.low & mask;
    const __mmask8 above = _mm512_cmpgt_epi64_mask(top, zero);
    const __mmask8 level = _mm512_cmpeq_epi64_mask(top, zero);
    const __mmask8 enough = _mm512_cmpge_epi64_mask(rest, all(224 * band_of(groups, slots.size())));
    const __mmask8 fits = _mm512_cmpeq_epi64_mask(over, zero);
    out.healthy = static_cast<std::uint8_t>(fits & (above | (level & enough)));
}

#else

bool has_lanes() {
    return false;
}

void judge_lanes(
    std::span<const LaneSlot>,
    const LaneForm*,
    const LaneWeights*,
    const std::uint64_t*,
    const std::uint32_t*,
    LaneResult& out
) {
    out = {};
}

#endif

}  // namespace margrave::margin::detail
