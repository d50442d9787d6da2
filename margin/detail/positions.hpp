// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/market.hpp"
#include "margin/module.hpp"
#include "margin/numeric.hpp"

#include <string_view>
#include <vector>

// What the modules of venue positions share.
namespace margrave::margin::detail {

struct OpenPosition {
    Hash32 market;
    Money size;
    Money entry_price;
    const Market::Instrument* instrument{nullptr};
};

/// The positions of one underlying, ascending by market.
struct VenueBook {
    const VenueParameters* venue{nullptr};
    const Market::Form* underlying{nullptr};
    /// Null where the venue settles in dollars.
    const Market::Form* settlement{nullptr};
    std::vector<OpenPosition> positions;
};

using Covers = bool (*)(const Market::Instrument& instrument);

/// What an account has in the markets that `covers` names, in the order of the parameters. A venue
/// whose price must not be used is left out, flagged and makes the account unattestable. Fails when
/// a number is beyond the bounds of the formulas.
Result<std::vector<VenueBook>> books_of(
    const AccountHoldings& holdings,
    const Market& market,
    Covers covers,
    Sums& sums,
    const Evidence* evidence
);

/// A term with what is known before anything is valued.
VenueTerm term_of(const VenueBook& book, std::string_view module);

/// Adds a term to the sums and to the evidence. What is left at each level is `left_*`; a
/// requirement is value - left, not negative and never below that of an easier level.
struct Left {
    Money initial;
    Money liquidation_end;
    Money maintenance;
};

Result<void> add_term(VenueTerm term, const Left& left, Sums& sums, const Evidence* evidence);

/// Seconds from the price's publication to `expiry`; zero when it has passed.
std::uint64_t seconds_left(const VenueBook& book, std::uint64_t expiry);

/// price * e^(rate * tau), rounded down.
Money forward_of(const VenueBook& book, std::uint64_t seconds);

}  // namespace margrave::margin::detail
