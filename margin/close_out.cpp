// SPDX-License-Identifier: Apache-2.0
#include "margin/close_out.hpp"

#include "margin/detail/units.hpp"

#include <algorithm>

namespace margrave::margin {
namespace {

using detail::count;
using detail::product;

Money unit() {
    return Money::from_e18(1);
}

Money million() {
    return Money::from_e18(1'000'000);
}

Money ten_thousand() {
    return Money::from_e18(10'000);
}

Money floored(const Money& a, const Money& b, const Money& c) {
    return mul_div(a, b, c, Rounding::kDown);
}

Money less_or_zero(const Money& a, const Money& b) {
    return max(Money{}, a - b);
}

}  // namespace

bool is_liquidatable(const AccountStanding& account) {
    return account.maintenance.sign() > 0 && account.maintenance > account.net_collateral;
}

Money bankruptcy_quote(
    const AccountStanding& account, const Standing& before, const Standing& after
) {
    const Money freed = abs(after.maintenance - before.maintenance);
    return before.net_notional - after.net_notional -
           floored(account.net_collateral, freed, account.maintenance);
}

Ratio fillable_price(
    const AccountStanding& account,
    const Standing& position,
    const Money& size,
    const FillableRules& rules
) {
    // Everything over one denominator: maintenance * 1e6 of the adjustment, 1e6 of the spread.
    const Money whole = product(account.maintenance, million());
    const Money adjustment = clamp(
        product(rules.bankruptcy_adjustment_ppm, account.maintenance - account.net_collateral),
        Money{},
        whole
    );
    const Money spread = product(rules.spread_to_maintenance_ppm, position.maintenance);
    const Money denominator = product(whole, million());
    return {
        .numerator = product(position.net_notional, denominator) - product(adjustment, spread),
        .denominator = product(size, denominator)};
}

Money insurance_change(const Money& received, const Money& bankruptcy_quote, const Money& fee_ppm) {
    const Money beyond = received - bankruptcy_quote;
    return min(beyond, floored(abs(received), fee_ppm, million()));
}

Money auction_price(const AuctionRules& rules, std::uint64_t elapsed_s, Rounding rounding) {
    if (elapsed_s < rules.fast_s) {
        const Rounding other = rounding == Rounding::kDown ? Rounding::kUp : Rounding::kDown;
        return rules.start - mul_div(
                                 rules.start - rules.cutoff,
                                 count(elapsed_s),
                                 count(rules.fast_s),
                                 rounding == Rounding::kZero ? Rounding::kZero : other
                             );
    }
    const std::uint64_t slow = elapsed_s - rules.fast_s;
    if (slow >= rules.slow_s) {
        return Money{};
    }
    return mul_div(rules.cutoff, count(rules.slow_s - slow), count(rules.slow_s), rounding);
}

AuctionOffer auction_offer(
    const AuctionAccount& account, const Money& price, const Money& wanted, const Policy& policy
) {
    const Money one = Money::whole(1);
    AuctionOffer out;
    out.target = account.maintenance +
                 times(account.maintenance - account.mark, account.buffer, policy.value);
    const Money proceeds = times(account.mark, price, policy.value);
    const Money held = times(account.reserved, one - price, policy.value);
    const Money gap = out.target - proceeds - held;
    out.largest_part = gap.is_zero() ? one : min(one, over(out.target, gap, policy.requirement));
    out.bid = times(proceeds, min(wanted, out.largest_part), policy.value);
    return out;
}

Money ramped_fee(const Money& base, const Money& most, std::uint64_t slots, std::uint64_t grace) {
    return slots < grace ? base : min(most, base + count(slots));
}

Money liquidatable_part(
    const Money& shortage, const Money& freed, std::uint64_t elapsed, const PartialRules& rules
) {
    if (shortage < rules.close_all_below || rules.duration == 0) {
        return ten_thousand();
    }
    const Money ramp = floored(count(elapsed), ten_thousand(), count(rules.duration));
    const Money part = min(ten_thousand(), ramp + rules.initial_part);
    const Money freeable = less_or_zero(floored(shortage + freed, part, ten_thousand()), freed);
    return floored(freeable, ten_thousand(), shortage);
}

Money insurance_fee(const PerpetualShortage& position, const Money& most) {
    const Money ratio = times(position.ratio_1e4, 100);
    const Money price = floored(position.price, position.quote_price, million());
    if (price.is_zero() || position.base.is_zero() || ratio <= position.fee) {
        return Money{};
    }
    const Money per_base = floored(position.shortage, count(1'000'000'000), position.base);
    const Money missing = floored(per_base, million(), price);
    const Money room = less_or_zero(less_or_zero(ratio, position.fee), missing);
    return min(most, floored(room, count(19), count(20)));
}

Money socialised_per_unit(
    const Money& loss, const Money& open, const Money& one, const Money& scale
) {
    return product(mul_div(abs(loss), one, open, Rounding::kUp), scale);
}

Money socialised_index(const Money& index, const Money& loss, const Money& deposits) {
    if (deposits.is_zero()) {
        return Money{};
    }
    return min(mul_div(index, loss, deposits, Rounding::kUp), less_or_zero(index, unit()));
}

}  // namespace margrave::margin
