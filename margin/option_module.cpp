// SPDX-License-Identifier: Apache-2.0
#include "margin/black76.hpp"
#include "margin/detail/positions.hpp"
#include "margin/isolated_options.hpp"
#include "margin/module.hpp"

#include <map>

namespace margrave::margin {
namespace {

bool is_ratio_option(const Market::Instrument& instrument) {
    return instrument.option != nullptr && instrument.venue->method == VenueMethod::kRatio;
}

// A long option at the least, a short one at the most that the model's arithmetic allows.
OptionLeg marked(
    const OptionMarket& option,
    const Money& size,
    const Money& forward,
    const Money& discount,
    std::uint64_t seconds
) {
    const OptionPair pair = prices(
        {.forward = forward,
         .strike = option.strike,
         .volatility = option.volatility,
         .seconds = seconds,
         .discount = discount}
    );
    const Money value = times(option.is_call ? pair.call : pair.put, size, Rounding::kDown);
    const Money error = times(price_error(forward, option.strike), abs(size), Rounding::kUp);
    return {
        .is_call = option.is_call, .strike = option.strike, .size = size, .mark = value - error};
}

/// Options alone: per expiry the better of the sum of isolated margins and the largest loss
/// (margin/isolated_options.hpp). Long options count nothing but in the largest loss.
class OptionModule final : public Module {
  public:
    [[nodiscard]] std::string_view name() const override { return "option"; }

    [[nodiscard]] bool covers(const VenuePosition& position, const Market& market) const override {
        const Market::Instrument* instrument = market.find_market(position.market);
        return instrument != nullptr && is_ratio_option(*instrument);
    }

    Result<void> add(
        const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
    ) const override {
        MARGRAVE_TRY(
            const auto books, detail::books_of(holdings, market, is_ratio_option, sums, evidence)
        );
        for (const detail::VenueBook& book : books) {
            VenueTerm term = detail::term_of(book, name());
            const detail::Left left = add_book(book, term);
            MARGRAVE_TRY(detail::add_term(std::move(term), left, sums, evidence));
        }
        return ok();
    }

  private:
    static detail::Left add_book(const detail::VenueBook& book, VenueTerm& term) {
        std::map<std::uint64_t, std::vector<OptionLeg>> expiries;
        for (const detail::OpenPosition& position : book.positions) {
            const OptionMarket& option = *position.instrument->option;
            const std::uint64_t seconds = detail::seconds_left(book, option.expiry);
            const OptionLeg leg = marked(
                option,
                position.size,
                detail::forward_of(book, seconds),
                discount_factor(book.venue->rate, seconds),
                seconds
            );
            expiries[option.expiry].push_back(leg);
            term.value += leg.mark;
            term.parts.push_back(
                {.name = option.name,
                 .market = position.market,
                 .size = position.size,
                 .entry_price = position.entry_price,
                 .value = leg.mark}
            );
        }
        detail::Left left;
        for (const auto& [expiry, legs] : expiries) {
            const Money forward = detail::forward_of(book, detail::seconds_left(book, expiry));
            const auto margin_at = [&](Level level) {
                return expiry_margin(
                    book.venue->options, legs, book.underlying->price, forward, level, kOurs
                );
            };
            left.initial += margin_at(Level::kInitial);
            left.liquidation_end += margin_at(Level::kLiquidationEnd);
            left.maintenance += margin_at(Level::kMaintenance);
        }
        return left;
    }
};

}  // namespace

std::unique_ptr<const Module> make_option_module() {
    return std::make_unique<const OptionModule>();
}

}  // namespace margrave::margin
