// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/positions.hpp"
#include "margin/module.hpp"
#include "margin/perpetual.hpp"

namespace margrave::margin {
namespace {

bool is_ratio_perpetual(const Market::Instrument& instrument) {
    return instrument.perpetual != nullptr && instrument.venue->method == VenueMethod::kRatio;
}

/// Perpetuals by ratio: value = floor(size (price - entry)), and at level L
///   required = ceil(ceil(|size| price) fraction_L),
/// initially also what of a profit does not count: profit - min(cap, floor(profit weight)).
class PerpetualModule final : public Module {
  public:
    [[nodiscard]] std::string_view name() const override { return "perpetual"; }

    [[nodiscard]] bool covers(const VenuePosition& position, const Market& market) const override {
        const Market::Instrument* instrument = market.find_market(position.market);
        return instrument != nullptr && is_ratio_perpetual(*instrument);
    }

    Result<void> add(
        const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
    ) const override {
        MARGRAVE_TRY(
            const auto books, detail::books_of(holdings, market, is_ratio_perpetual, sums, evidence)
        );
        for (const detail::VenueBook& book : books) {
            VenueTerm term = detail::term_of(book, name());
            detail::Left left;
            for (const detail::OpenPosition& position : book.positions) {
                add_position(book, position, evidence != nullptr, term, left);
            }
            MARGRAVE_TRY(detail::add_term(std::move(term), left, sums, evidence));
        }
        return ok();
    }

  private:
    static void add_position(
        const detail::VenueBook& book,
        const detail::OpenPosition& position,
        bool with_parts,
        VenueTerm& term,
        detail::Left& left
    ) {
        const Money& price = book.underlying->price;
        const PerpetualMarket& market = *position.instrument->perpetual;
        const Money profit = unrealised(position.size, price, position.entry_price, kOurs);
        const Money counted =
            counted_profit(profit, book.venue->profit_weight, book.venue->profit_cap, kOurs);
        const Money notional = times(abs(position.size), price, Rounding::kUp);
        left.initial += counted - requirement(notional, market.fractions.initial, kOurs);
        left.liquidation_end +=
            profit - requirement(notional, market.fractions.liquidation_end, kOurs);
        left.maintenance += profit - requirement(notional, market.fractions.maintenance, kOurs);
        term.value += profit;
        if (!with_parts) {
            return;
        }
        term.parts.push_back(
            {.name = market.name,
             .market = position.market,
             .size = position.size,
             .entry_price = position.entry_price,
             .value = profit}
        );
    }
};

}  // namespace

std::unique_ptr<const Module> make_perpetual_module() {
    return std::make_unique<const PerpetualModule>();
}

}  // namespace margrave::margin
