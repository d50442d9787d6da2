// SPDX-License-Identifier: Apache-2.0
#include "margin/detail/positions.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>

namespace margrave::margin::detail {
namespace {

Result<void> add_to(Money& sum, const Money& part) {
    MARGRAVE_TRY(auto total, margrave::add(sum, part));
    sum = std::move(total);
    return ok();
}

bool usable(
    const OpenPosition& position, const Market::Form& form, Sums& sums, const Evidence* evidence
) {
    if (form.trouble == 0) {
        return true;
    }
    sums.flags |= form.trouble;
    sums.unattestable = true;
    if (evidence != nullptr) {
        evidence->unvalued.push_back(
            {.what = "position " + to_hex(position.market), .why = describe_guards(form.trouble)}
        );
    }
    return false;
}

bool formulas_hold(const OpenPosition& position, const Market::Form& form) {
    return in_bounds(std::array{position.size, position.entry_price, form.price});
}

VenueBook& book_for(
    std::vector<VenueBook>& books,
    const OpenPosition& position,
    const Market::Form& form,
    const Market::Form* settlement
) {
    const VenueParameters* venue = position.instrument->venue;
    auto book = std::ranges::find(books, venue, &VenueBook::venue);
    if (book == books.end()) {
        books.push_back(
            {.venue = venue, .underlying = &form, .settlement = settlement, .positions = {}}
        );
        book = std::prev(books.end());
    }
    return *book;
}

}  // namespace

Result<std::vector<VenueBook>> books_of(
    const AccountHoldings& holdings,
    const Market& market,
    Covers covers,
    Sums& sums,
    const Evidence* evidence
) {
    std::vector<VenueBook> books;
    bool overflow = false;
    for (const VenuePosition& row : holdings.positions) {
        const Market::Instrument* instrument =
            row.size.is_zero() ? nullptr : market.find_market(row.market);
        if (instrument == nullptr || !covers(*instrument)) {
            continue;
        }
        const OpenPosition position{
            .market = row.market,
            .size = row.size,
            .entry_price = row.entry_price,
            .instrument = instrument};
        const Market::Form& form = market.forms()[instrument->form];
        const Market::Form* settlement =
            instrument->settlement ? &market.forms()[*instrument->settlement] : nullptr;
        if (!usable(position, form, sums, evidence) ||
            (settlement != nullptr && !usable(position, *settlement, sums, evidence))) {
            continue;
        }
        overflow = overflow || !formulas_hold(position, form);
        book_for(books, position, form, settlement).positions.push_back(position);
    }
    // Only after every position was seen: which guards are flagged must not depend on the order.
    if (overflow) {
        return fail(
            Errc::kOverflow, "a size or price of a position is 2^96 units of 1e-18 or more"
        );
    }
    std::ranges::sort(books, {}, [](const VenueBook& book) { return book.venue->underlying; });
    for (VenueBook& book : books) {
        std::ranges::sort(book.positions, [](const OpenPosition& a, const OpenPosition& b) {
            return std::tie(a.market, a.size, a.entry_price) <
                   std::tie(b.market, b.size, b.entry_price);
        });
    }
    return books;
}

VenueTerm term_of(const VenueBook& book, std::string_view module) {
    VenueTerm out;
    out.underlying = book.venue->underlying;
    out.module = module;
    out.price = book.underlying->price;
    out.priced_at = book.underlying->published_at;
    return out;
}

Result<void> add_term(VenueTerm term, const Left& left, Sums& sums, const Evidence* evidence) {
    const auto required = [&term](const Money& rest, const Money& least) {
        return max(term.value - rest, least);
    };
    term.required_maintenance = required(left.maintenance, Money{});
    term.required_liquidation_end = required(left.liquidation_end, term.required_maintenance);
    term.required_initial = required(left.initial, term.required_liquidation_end);
    MARGRAVE_TRY(add_to(sums.value, term.value));
    MARGRAVE_TRY(add_to(sums.required_initial, term.required_initial));
    MARGRAVE_TRY(add_to(sums.required_liquidation_end, term.required_liquidation_end));
    MARGRAVE_TRY(add_to(sums.required_maintenance, term.required_maintenance));
    if (evidence != nullptr) {
        evidence->venues.push_back(std::move(term));
    }
    return ok();
}

std::uint64_t seconds_left(const VenueBook& book, std::uint64_t expiry) {
    const std::uint64_t now = book.underlying->published_at.value;
    return expiry > now ? expiry - now : 0;
}

Money forward_of(const VenueBook& book, std::uint64_t seconds) {
    const Money discount = max(discount_factor(book.venue->rate, seconds), Money::from_e18(1));
    return over(book.underlying->price, discount, Rounding::kDown);
}

}  // namespace margrave::margin::detail
