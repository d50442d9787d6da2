// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/reciprocal.hpp"

namespace margrave::margin::detail {
namespace {

using Rep = Money::Rep;

constexpr unsigned kBase = 128;
constexpr unsigned kLimbBits = 64;

std::optional<Reciprocal> made(const Money& p, const Money& q, unsigned bits, bool up) {
    const unsigned needed = bits + static_cast<unsigned>(msb(q.rep())) + 1;
    const unsigned k = needed < kBase ? kBase : needed;
    if (k - kBase >= kLimbBits) {
        return std::nullopt;
    }
    const Rep numerator = Rep(p.rep()) << k;
    Rep m = numerator / q.rep();
    if (up && m * q.rep() != numerator) {
        ++m;
    }
    if (!m.is_zero() && msb(m) >= 3 * kLimbBits) {
        return std::nullopt;
    }
    Reciprocal out;
    out.shift = k - kBase;
    for (std::uint64_t& limb : out.limbs) {
        limb = static_cast<std::uint64_t>(m & Rep(~std::uint64_t{0}));
        m >>= kLimbBits;
    }
    return out;
}

}  // namespace

std::optional<Reciprocal> reciprocal_down(const Money& p, const Money& q, unsigned bits) {
    return made(p, q, bits, true);
}

std::optional<Reciprocal> reciprocal_up(const Money& p, const Money& q, unsigned bits) {
    return made(p, q, bits, false);
}

Uint128 largest_below(const Money& p, const Money& q) {
    // ceil(a p / q) <= 2^96 - 1 exactly when a p <= (2^96 - 1) q.
    const Rep most = (Rep(1) << kValueBits) - 1;
    const Rep factor = most * q.rep() / p.rep();
    const Rep least = factor < most ? factor : most;
    return static_cast<Uint128>(static_cast<std::uint64_t>(least >> kLimbBits)) << kLimbBits |
           static_cast<std::uint64_t>(least & Rep(~std::uint64_t{0}));
}

}  // namespace margrave::margin::detail
