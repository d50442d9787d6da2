// SPDX-License-Identifier: Apache-2.0
#include "margin/sensitivities.hpp"

#include "margin/black76.hpp"
#include "margin/detail/positions.hpp"

namespace margrave::margin {
namespace {

bool is_any(const Market::Instrument& /*instrument*/) {
    return true;
}

// Of one option on one unit.
Sensitivity of_option(const detail::VenueBook& book, const OptionMarket& option) {
    const std::uint64_t seconds = detail::seconds_left(book, option.expiry);
    const Money forward = detail::forward_of(book, seconds);
    const Greeks by_forward = greeks(
        {.forward = forward,
         .strike = option.strike,
         .volatility = option.volatility,
         .seconds = seconds,
         .discount = discount_factor(book.venue->rate, seconds)}
    );
    // A dollar of price moves the forward by forward / price.
    const Money growth = over(forward, book.underlying->price, Rounding::kDown);
    const Money& delta = option.is_call ? by_forward.call_delta : by_forward.put_delta;
    Sensitivity out;
    out.delta = times(delta, growth, Rounding::kDown);
    const Money gamma = times(by_forward.gamma, growth, Rounding::kDown);
    out.gamma = times(gamma, growth, Rounding::kDown);
    out.vega = by_forward.vega;
    out.theta = by_forward.theta;
    return out;
}

}  // namespace

Result<std::vector<Sensitivity>> sensitivities(
    const AccountHoldings& holdings, const Market& market
) {
    Sums unused;
    MARGRAVE_TRY(
        const auto books, detail::books_of(holdings, market, is_any, unused, /*evidence=*/nullptr)
    );
    std::vector<Sensitivity> out;
    for (const detail::VenueBook& book : books) {
        Sensitivity sum;
        sum.underlying = book.venue->underlying;
        for (const detail::OpenPosition& position : book.positions) {
            if (position.instrument->perpetual != nullptr) {
                sum.delta += position.size;
                continue;
            }
            const Sensitivity one = of_option(book, *position.instrument->option);
            sum.delta += times(one.delta, position.size, Rounding::kDown);
            sum.gamma += times(one.gamma, position.size, Rounding::kDown);
            sum.vega += times(one.vega, position.size, Rounding::kDown);
            sum.theta += times(one.theta, position.size, Rounding::kDown);
        }
        out.push_back(std::move(sum));
    }
    return out;
}

}  // namespace margrave::margin
