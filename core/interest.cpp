// SPDX-License-Identifier: Apache-2.0
#include "core/interest.hpp"

#include "core/assert.hpp"
#include "core/detail/wide.hpp"

namespace margrave {
namespace {

using detail::Wide;

constexpr unsigned kIndexDecimals = 27;

Amount amount_of(const Wide& value) {
    return Amount::from_word(detail::word_of(detail::limbs_of(value)));
}

const Wide& wide_one() {
    return detail::pow10(kIndexDecimals);
}

}  // namespace

const Amount& index_one() {
    static const Amount kOne = amount_of(wide_one());
    return kOne;
}

const Amount& max_rate() {
    static const Amount kMax = amount_of(wide_one() * 100);
    return kMax;
}

const Amount& max_index() {
    constexpr unsigned kDecimals = 18;
    static const Amount kMax = amount_of(wide_one() * detail::pow10(kDecimals));
    return kMax;
}

Amount yearly_rate(const Amount& told, unsigned decimals, bool per_second) {
    MARGRAVE_ASSERT(decimals <= detail::kAssetDecimalsMax);
    // At most 256 + 90 + 25 bits.
    const Wide product = Wide(told.rep()) * wide_one() * (per_second ? kSecondsOfYear : 1U);
    const Wide rate = detail::divide(product, detail::pow10(decimals), Round::kUp);
    const Wide most(max_rate().rep());
    return amount_of(rate < most ? rate : most);
}

Amount index_at(const InterestIndex& index, UnixSeconds time) {
    if (time <= index.since || index.rate.is_zero()) {
        return index.value;
    }
    // The value has at most 150 bits, the rate 97 and the seconds 64.
    const Wide value(min(index.value, max_index()).rep());
    const Wide rate(min(index.rate, max_rate()).rep());
    const Wide product = value * rate * (time.value - index.since.value);
    const Wide grown = value + detail::divide(product, wide_one() * kSecondsOfYear, Round::kUp);
    const Wide most(max_index().rep());
    return amount_of(grown < most ? grown : most);
}

Result<Amount> with_interest(const Amount& principal, const Amount& from, const Amount& to) {
    MARGRAVE_ASSERT(from >= index_one());
    MARGRAVE_ASSERT(from <= to);
    MARGRAVE_ASSERT(to <= max_index());
    const Wide owed =
        detail::divide(Wide(principal.rep()) * Wide(to.rep()), Wide(from.rep()), Round::kUp);
    if (!detail::fits_bits(owed, detail::kAmountBits)) {
        return fail(
            Errc::kOverflow,
            "a debt of " + principal.to_string() + " and its interest are above 2^256 - 1"
        );
    }
    return amount_of(owed);
}

}  // namespace margrave
