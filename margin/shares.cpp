// SPDX-License-Identifier: Apache-2.0
#include "margin/shares.hpp"

#include "margin/black76.hpp"
#include "margin/detail/positions.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace margrave::margin {
namespace {

constexpr std::uint64_t kDaysAYear = 365;
constexpr std::uint64_t kPointsOfVolatility = 100;

Money part_of(const Money& amount, std::uint64_t count) {
    return over(amount, Money::whole(static_cast<std::int64_t>(count)), Rounding::kZero);
}

Share share_between(const AccountState& with, const AccountState& without) {
    Share out;
    out.equity = with.equity - without.equity;
    out.initial = with.initial - without.initial;
    out.liquidation_end = with.liquidation_end - without.liquidation_end;
    out.maintenance = with.maintenance - without.maintenance;
    out.required_initial = out.equity - out.initial;
    out.required_liquidation_end = out.equity - out.liquidation_end;
    out.required_maintenance = out.equity - out.maintenance;
    return out;
}

PositionGreeks scaled(const PositionGreeks& one, const Money& size) {
    const auto by_size = [&size](const Money& x) {
        return times(x, size, Rounding::kZero);
    };
    return {
        .delta = by_size(one.delta),
        .gamma = by_size(one.gamma),
        .vega = by_size(one.vega),
        .theta = by_size(one.theta)};
}

void add_to(PositionGreeks& sum, const PositionGreeks& part) {
    sum.delta += part.delta;
    sum.gamma += part.gamma;
    sum.vega += part.vega;
    sum.theta += part.theta;
}

// Of one option.
PositionGreeks option_greeks(const Market::Instrument& instrument, const Market::Form& form) {
    const detail::VenueBook book{.venue = instrument.venue, .underlying = &form, .positions = {}};
    const OptionMarket& market = *instrument.option;
    const std::uint64_t seconds = detail::seconds_left(book, market.expiry);
    const Black76 option{
        .forward = detail::forward_of(book, seconds),
        .strike = market.strike,
        .volatility = market.volatility,
        .seconds = seconds,
        .discount = discount_factor(book.venue->rate, seconds)};
    const Greeks greek = greeks(option);
    const auto product = [](const Money& a, const Money& b) {
        return times(a, b, Rounding::kZero);
    };
    const Money carry = over(option.forward, form.price, Rounding::kZero);
    const Money& delta = market.is_call ? greek.call_delta : greek.put_delta;
    PositionGreeks out;
    out.delta = product(delta, carry);
    out.gamma = product(product(greek.gamma, carry), carry);
    out.vega = part_of(greek.vega, kPointsOfVolatility);
    if (seconds != 0) {
        // value = forward * delta - D K N(d2) of a call, and + D K N(-d2) of a put.
        const OptionPair value = prices(option);
        const Money strike_part =
            product(option.forward, delta) - (market.is_call ? value.call : value.put);
        const Money rate = max(book.venue->rate, Money{});
        out.theta = part_of(greek.theta - product(rate, strike_part), kDaysAYear);
    }
    return out;
}

const VenueTerm* term_like(const Evaluation& in, const VenueTerm& like) {
    const auto found = std::ranges::find_if(in.venues, [&like](const VenueTerm& term) {
        return term.underlying == like.underlying && term.module == like.module;
    });
    return found == in.venues.end() ? nullptr : &*found;
}

const VenueParameters* venue_of(const VenueTerm& term, const Market& market) {
    const auto& venues = market.parameters().venues;
    const auto venue = std::ranges::find(venues, term.underlying, &VenueParameters::underlying);
    return venue == venues.end() ? nullptr : &*venue;
}

void set_tail(VenueShare& out, const VenueTerm& term, const Market& market) {
    const VenueParameters* venue = venue_of(term, market);
    if (venue != nullptr && !term.pnl.empty() && !venue->grid.tail_level.is_zero()) {
        out.tail_level = venue->grid.tail_level;
        out.tail = historical_risk(term.pnl, out.tail_level);
    }
}

std::optional<WorstScenario> worst_scenario(const VenueTerm& term, const Market& market) {
    if (term.pnl.empty()) {
        return std::nullopt;
    }
    const VenueParameters* venue = venue_of(term, market);
    const Worst worst = worst_of(term.pnl);
    WorstScenario out{.scenario = worst.scenario, .shock = std::nullopt, .pnl = worst.pnl};
    if (term.basis <= worst.pnl) {
        out.scenario = term.pnl.size();
        out.pnl = term.basis;
    } else if (venue != nullptr && worst.scenario < venue->grid.shocks.size()) {
        out.shock = venue->grid.shocks[worst.scenario];
    }
    return out;
}

Money pnl_at(const VenueTerm* term, std::size_t scenario) {
    if (term == nullptr) {
        return Money{};
    }
    return scenario < term->pnl.size() ? term->pnl[scenario] : term->basis;
}

Result<Evaluation> valued_without(const AccountHoldings& rest, const Market& market) {
    Evaluation out = evaluate(rest, market, false, false);
    if (out.state.status == Status::kUnattestable) {
        return fail(Errc::kInvalid, "what is left of the account cannot be valued");
    }
    return out;
}

// What counts for something. With the rest it would be asked, of each part that is left out, what
// the account is at most.
AccountHoldings counted_of(AccountHoldings holdings, const Market& market) {
    std::erase_if(holdings.holdings, [&market](const Holding& row) {
        const Market::Form* form = market.find(row.asset);
        return form == nullptr ? row.debt.is_zero() : form->trouble != 0;
    });
    return holdings;
}

Result<VenueShare> venue_share(
    const Evaluation& whole, const VenueTerm& term, const Market& market
) {
    VenueShare out;
    out.underlying = term.underlying;
    out.module = term.module;
    out.worst = worst_scenario(term, market);
    set_tail(out, term, market);
    for (const VenueTerm::Part& part : term.parts) {
        const VenuePosition position{
            .market = part.market, .size = part.size, .entry_price = part.entry_price};
        AccountHoldings rest = whole.holdings;
        const auto own = std::ranges::find(rest.positions, position);
        if (own != rest.positions.end()) {
            rest.positions.erase(own);
        }
        MARGRAVE_TRY(const auto without, valued_without(rest, market));
        PositionShare row;
        row.name = part.name;
        row.position = position;
        row.value = part.value;
        MARGRAVE_TRY(row.greeks, greeks_of(position, market));
        row.share = share_between(whole.state, without.state);
        if (out.worst) {
            const std::size_t at = out.worst->scenario;
            row.worst_pnl = pnl_at(&term, at) - pnl_at(term_like(without, term), at);
        }
        add_to(out.greeks, row.greeks);
        out.positions.push_back(std::move(row));
    }
    return out;
}

}  // namespace

Result<PositionGreeks> greeks_of(const VenuePosition& position, const Market& market) {
    const Market::Instrument* instrument = market.find_market(position.market);
    if (instrument == nullptr) {
        return fail(Errc::kInvalid, "no venue names market " + to_hex(position.market));
    }
    const Market::Form& form = market.forms()[instrument->form];
    if (form.trouble != 0 || !in_bounds(std::array{position.size, form.price})) {
        return fail(
            Errc::kInvalid, "position " + to_hex(position.market) + " cannot be valued at the price"
        );
    }
    if (instrument->option == nullptr) {
        PositionGreeks out;
        out.delta = position.size;
        return out;
    }
    return scaled(option_greeks(*instrument, form), position.size);
}

Result<Shares> shares_of(const AccountHoldings& holdings, const Market& market) {
    const Evaluation whole = evaluate(counted_of(holdings, market), market, false, false);
    // One that only the latch decides has numbers, too.
    const AccountState free = evaluate_state(holdings, market, false, false);
    const AccountState latched = evaluate_state(holdings, market, true, false);
    if (free.status == Status::kUnattestable && latched.status == Status::kUnattestable) {
        return fail(
            Errc::kInvalid,
            "account " + to_hex(holdings.account) +
                " cannot be valued: " + describe_guards(free.flags)
        );
    }
    Shares out;
    for (const AssetParameters& asset : market.parameters().assets) {
        AccountHoldings rest = whole.holdings;
        const auto own = [&](const Holding& holding) {
            const Market::Form* form = market.find(holding.asset);
            return form != nullptr && form->asset == &asset;
        };
        if (std::erase_if(rest.holdings, own) == 0) {
            continue;
        }
        MARGRAVE_TRY(const auto without, valued_without(rest, market));
        out.assets.push_back(
            {.asset = asset.name, .share = share_between(whole.state, without.state)}
        );
    }
    for (const VenueTerm& term : whole.venues) {
        MARGRAVE_TRY(auto venue, venue_share(whole, term, market));
        out.venues.push_back(std::move(venue));
    }
    return out;
}

}  // namespace margrave::margin
