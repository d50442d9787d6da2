// SPDX-License-Identifier: Apache-2.0
#include "margin/repayment.hpp"

#include "margin/detail/units.hpp"

#include <algorithm>

namespace margrave::margin {
namespace {

using detail::product;
using detail::quotient;

Money units(std::int64_t n) {
    return Money::from_e18(n);
}

// 10^to / 10^from of `amount`, multiplied before the division and divided after.
struct Rescale {
    Money up;
    Money down;
};

Rescale rescale(unsigned from, unsigned to) {
    return to > from ? Rescale{.up = detail::power_of_ten(to - from), .down = units(1)}
                     : Rescale{.up = units(1), .down = detail::power_of_ten(from - to)};
}

Money converted(const Side& from, const Side& to, const Money& amount, Rounding rounding) {
    const Rescale scale = rescale(from.decimals, to.decimals);
    const Money worth = product(product(product(amount, scale.up), from.price), to.multiplier);
    const Money price = product(to.price, from.multiplier);
    return quotient(quotient(worth, price, rounding), scale.down, rounding);
}

const std::int64_t kMillion = 1'000'000;
const unsigned kQuoteDecimals = 6;

}  // namespace

Money base_to_cover(
    const Money& shortage,
    const PerpetualFees& fees,
    const Money& price,
    const Money& quote_price,
    const Money& all
) {
    const Money million = units(kMillion);
    const Money ratio = times(fees.ratio_1e4, 100);
    if (price.is_zero() || ratio <= fees.liquidator) {
        return all;
    }
    const Money in_quote = mul_div(price, quote_price, million, Rounding::kDown);
    const Money freed = mul_div(in_quote, ratio - fees.liquidator, million, Rounding::kDown);
    const Money paid = mul_div(price, fees.insurance, million, Rounding::kDown);
    if (freed <= paid) {
        return all;
    }
    return mul_div(shortage, units(1'000'000'000), freed - paid, Rounding::kDown);
}

Money liability_to_cover(
    const Money& shortage,
    const SpotWeights& weights,
    const Money& asset_multiplier,
    const Side& liability,
    const Money& insurance_1e6,
    const Money& all
) {
    // Weights with one digit more, as that engine does to lose less.
    const Money owed = times(weights.liability, 10);
    const Money given =
        mul_div(times(weights.asset, 10), asset_multiplier, liability.multiplier, Rounding::kDown);
    if (weights.asset >= weights.liability || given >= owed) {
        return all;
    }
    const Rescale scale = rescale(kQuoteDecimals, liability.decimals);
    const Money million = units(kMillion);
    const Money fee = mul_div(liability.price, insurance_1e6, million, Rounding::kDown);
    const Money healed = product(liability.price, owed - given) - product(fee, owed);
    if (healed.sign() <= 0) {
        return all;
    }
    const Money weight_one = units(kMillion * 10'000 * 10);
    const Money moved = mul_div(product(shortage, scale.up), weight_one, healed, Rounding::kDown);
    return max(units(1), quotient(moved, scale.down, Rounding::kDown));
}

Money liability_for(const Side& asset, const Side& liability) {
    return converted(asset, liability, asset.amount, Rounding::kUp);
}

Money asset_for(const Side& asset, const Side& liability) {
    const Money exact =
        max(units(1), converted(liability, asset, liability.amount, Rounding::kDown));
    const Rescale scale = rescale(kQuoteDecimals, asset.decimals);
    const Money million = units(kMillion);
    const Money apart = mul_div(abs(exact - asset.amount), asset.price, million, Rounding::kDown);
    const Money dollars = quotient(product(apart, scale.up), scale.down, Rounding::kDown);
    return dollars < million ? asset.amount : exact;
}

Money swap_amount(
    const Money& health,
    const SwapSide& asset,
    const SwapSide& liability,
    const Money& fee,
    const Money& most,
    const Policy& policy
) {
    const Money healing = liability.weight - times(asset.weight, fee, policy.requirement);
    const Money available = over(min(asset.token, asset.health_balance), fee, policy.value);
    const Money bound = min(min(most, available), min(-liability.token, -liability.health_balance));
    const Money needed = healing.sign() > 0 ? over(-health, healing, policy.requirement) : bound;
    return max(Money{}, min(needed, bound));
}

ShareSeizure seize_shares(
    const SharePosition& collateral,
    const SharePosition& debt,
    const ShareRules& rules,
    const Money& cover
) {
    static const Money kRay = detail::power_of_ten(27);
    const Money whole = units(10'000);
    ShareSeizure out;
    out.collateral = mul_div(collateral.shares, collateral.index, kRay, Rounding::kDown);
    out.debt = mul_div(debt.shares, debt.index, kRay, Rounding::kUp);
    const Money covered = min(cover, out.debt);
    const Money seized =
        min(out.collateral, mul_div(covered, rules.bonus_1e4, whole, Rounding::kDown));
    const Money paid_for = mul_div(seized, whole, rules.bonus_1e4, Rounding::kDown);
    out.fee = mul_div(seized - paid_for, rules.fee_1e4, whole, Rounding::kUp);
    out.liquidator = seized - out.fee;
    const auto shares_of = [&collateral](const Money& amount) {
        return mul_div(amount, kRay, collateral.index, Rounding::kUp);
    };
    out.shares_burned = min(collateral.shares, shares_of(out.liquidator) + shares_of(out.fee));
    out.shares_left = collateral.shares - out.shares_burned;
    return out;
}

Money quote_collateral(
    const Storefront& shop, const Money& paid_1e6, const Money& price_1e8, const Money& scale
) {
    const Money one = Money::whole(1);
    const Money discount = times(shop.factor, one - shop.liquidation_factor, Rounding::kDown);
    const Money price = times(price_1e8, one - discount, Rounding::kDown);
    const Money base_price = units(100'000'000);
    const Money worth = product(product(paid_1e6, base_price), scale);
    return quotient(quotient(worth, price, Rounding::kDown), units(kMillion), Rounding::kDown);
}

}  // namespace margrave::margin
