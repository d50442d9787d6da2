// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"

#include "core/assert.hpp"
#include "core/detail/quote.hpp"
#include "core/detail/wide.hpp"

#include <limits>

namespace margrave {

Result<Amount> Amount::parse(std::string_view decimal) {
    if (!detail::is_canonical_integer(decimal)) {
        return fail(
            Errc::kInvalid,
            "amount " + detail::quoted(decimal) +
                " is not a decimal integer without sign, leading zero or separator"
        );
    }
    if (decimal.size() <= detail::kAmountDigitsMax) {
        const detail::Wide value = detail::wide_of_digits(decimal);
        if (detail::fits_bits(value, detail::kAmountBits)) {
            Amount out;
            out.rep_ = Rep(value);
            return out;
        }
    }
    return fail(Errc::kOverflow, "amount " + detail::quoted(decimal) + " is above 2^256 - 1");
}

Amount Amount::from_word(const Hash32& word) {
    Amount out;
    out.rep_ = detail::number_of<Rep>(detail::limbs_of_word(word));
    return out;
}

Amount Amount::max() {
    constexpr std::uint64_t kOnes = std::numeric_limits<std::uint64_t>::max();
    Amount out;
    out.rep_ = detail::number_of<Rep>({kOnes, kOnes, kOnes, kOnes});
    return out;
}

Hash32 Amount::to_word() const {
    return detail::word_of(detail::limbs_of(rep_));
}

std::string Amount::to_string() const {
    return detail::digits_of(detail::limbs_of(rep_));
}

Result<std::uint64_t> Amount::to_u64() const {
    const detail::Limbs limbs = detail::limbs_of(rep_);
    if ((limbs[1] | limbs[2] | limbs[3]) != 0) {
        return fail(Errc::kOverflow, "amount " + to_string() + " is above 2^64 - 1");
    }
    return limbs[0];
}

Result<Amount> add(const Amount& a, const Amount& b) {
    static const Amount kMax = Amount::max();
    // Two that leave their highest limb free cannot wrap.
    constexpr std::size_t kFree = std::tuple_size_v<detail::Limbs> - 1;
    const bool small = a.rep_.backend().size() <= kFree && b.rep_.backend().size() <= kFree;
    if (!small && b.rep_ > kMax.rep_ - a.rep_) {
        return fail(
            Errc::kOverflow,
            "amount " + a.to_string() + " + " + b.to_string() + " is above 2^256 - 1"
        );
    }
    Amount out;
    out.rep_ = a.rep_ + b.rep_;
    return out;
}

Result<Amount> sub(const Amount& a, const Amount& b) {
    if (b > a) {
        return fail(
            Errc::kOverflow, "amount " + a.to_string() + " - " + b.to_string() + " is below zero"
        );
    }
    Amount out;
    out.rep_ = a.rep_ - b.rep_;
    return out;
}

Amount halfway(const Amount& low, const Amount& high) {
    MARGRAVE_ASSERT(low <= high);
    Amount out;
    out.rep_ = low.rep_ + (high.rep_ - low.rep_) / 2;
    return out;
}

Amount sub_or_zero(const Amount& a, const Amount& b) {
    return b > a ? Amount{} : sub(a, b).value();
}

}  // namespace margrave
