// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/positions.hpp"
#include "margin/grid.hpp"
#include "margin/module.hpp"
#include "margin/perpetual.hpp"

#include <map>

namespace margrave::margin {
namespace {

bool is_grid(const Market::Instrument& instrument) {
    return instrument.venue->method == VenueMethod::kGrid;
}

GridPortfolio portfolio_of(const detail::VenueBook& book) {
    const Money& price = book.underlying->price;
    GridPortfolio out;
    out.spot = price;
    out.perpetual_price = price;
    out.spot_confidence = book.underlying->sure;
    out.perpetual_confidence = book.underlying->sure;
    if (book.settlement != nullptr) {
        out.stable_price = book.settlement->price;
    }
    std::map<std::uint64_t, GridExpiry> expiries;
    for (const detail::OpenPosition& position : book.positions) {
        if (position.instrument->perpetual != nullptr) {
            out.perpetual_size += position.size;
            out.perpetual_value += unrealised(position.size, price, position.entry_price, kOurs);
            continue;
        }
        const OptionMarket& option = *position.instrument->option;
        GridExpiry& expiry = expiries[option.expiry];
        expiry.seconds = detail::seconds_left(book, option.expiry);
        expiry.forward = detail::forward_of(book, expiry.seconds);
        expiry.rate = book.venue->rate;
        expiry.confidence = book.underlying->sure;
        expiry.legs.push_back(
            {.is_call = option.is_call,
             .strike = option.strike,
             .size = position.size,
             .volatility = option.volatility}
        );
    }
    for (auto& [expiry, terms] : expiries) {
        out.expiries.push_back(std::move(terms));
    }
    return out;
}

/// Perpetuals and options of one underlying in one scenario vector (margin/grid.hpp). Underlyings
/// never offset: each is a term of its own.
class ScenarioModule final : public Module {
  public:
    [[nodiscard]] std::string_view name() const override { return "scenario"; }

    [[nodiscard]] bool covers(const VenuePosition& position, const Market& market) const override {
        const Market::Instrument* instrument = market.find_market(position.market);
        return instrument != nullptr && is_grid(*instrument);
    }

    Result<void> add(
        const AccountHoldings& holdings, const Market& market, Sums& sums, const Evidence* evidence
    ) const override {
        MARGRAVE_TRY(const auto books, detail::books_of(holdings, market, is_grid, sums, evidence));
        for (const detail::VenueBook& book : books) {
            GridResult result = grid_margin(book.venue->grid, portfolio_of(book), kOurs);
            VenueTerm term = detail::term_of(book, name());
            term.value = result.mark;
            term.pnl = std::move(result.pnl);
            term.basis = result.basis;
            if (evidence != nullptr) {
                term.parts = parts_of(book);
            }
            const detail::Left left{
                .initial = result.initial,
                .liquidation_end = result.liquidation_end,
                .maintenance = result.maintenance};
            MARGRAVE_TRY(detail::add_term(std::move(term), left, sums, evidence));
        }
        return ok();
    }

  private:
    // What each position would be worth alone: the sum is the term's value but for rounding.
    static std::vector<VenueTerm::Part> parts_of(const detail::VenueBook& book) {
        std::vector<VenueTerm::Part> out;
        for (const detail::OpenPosition& position : book.positions) {
            const Market::Instrument& instrument = *position.instrument;
            detail::VenueBook alone = book;
            alone.positions = {position};
            out.push_back(
                {.name = instrument.perpetual != nullptr ? instrument.perpetual->name
                                                         : instrument.option->name,
                 .market = position.market,
                 .size = position.size,
                 .entry_price = position.entry_price,
                 .value = grid_mark(portfolio_of(alone), kOurs)}
            );
        }
        return out;
    }
};

}  // namespace

std::unique_ptr<const Module> make_scenario_module() {
    return std::make_unique<const ScenarioModule>();
}

}  // namespace margrave::margin
