// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/numeric.hpp"

#include <cstdint>

// The prices at which a failing account's positions change hands, who pays what is missing, and how
// fast. Reference: dYdX v4 (liquidations.go), Derive's Dutch auction, Drift v2 (liquidation.rs).
namespace margrave::margin {

/// A position, or an account, as liquidation sees it.
struct Standing {
    /// Signed value of the position at the oracle price.
    Money net_notional;
    Money maintenance;
};

struct AccountStanding {
    /// All positions and cash.
    Money net_collateral;
    Money maintenance;
};

/// dYdX v4: a requirement that is there, and more than what is left.
bool is_liquidatable(const AccountStanding& account);

/// The quote amount at which a change of one position leaves the account's collateral per
/// maintenance as it was, so that closing everything so leaves nothing:
/// -change of net notional - floor(collateral * |change of maintenance| / maintenance).
Money bankruptcy_quote(
    const AccountStanding& account, const Standing& before, const Standing& after
);

/// A quotient that was not divided.
struct Ratio {
    Money numerator;
    Money denominator;
};

struct FillableRules {
    /// Parts per million.
    Money bankruptcy_adjustment_ppm;
    Money spread_to_maintenance_ppm;
};

/// The worst price a liquidation order may fill at, in quote per unit of size:
/// (notional - a spread maintenance) / size, a = clamp(adjustment (1 - collateral / maintenance),
/// 0, 1), with the account's collateral and maintenance and the position's notional, maintenance
/// and size. Exact.
Ratio fillable_price(
    const AccountStanding& account,
    const Standing& position,
    const Money& size,
    const FillableRules& rules
);

/// What the insurance fund gains (or, negative, pays) when a fill brings `received`: all of what is
/// beyond the bankruptcy quote, but at most fee_ppm of the fill.
Money insurance_change(const Money& received, const Money& bankruptcy_quote, const Money& fee_ppm);

/// Derive: from `start` to `cutoff` in `fast_s`, then to zero in `slow_s`.
struct AuctionRules {
    Money start;
    Money cutoff;
    std::uint64_t fast_s{0};
    std::uint64_t slow_s{0};
};

/// What a bidder pays per unit of value after `elapsed_s`.
Money auction_price(const AuctionRules& rules, std::uint64_t elapsed_s, Rounding rounding);

struct AuctionAccount {
    Money mark;
    Money maintenance;
    /// Of (maintenance - mark), on top of maintenance.
    Money buffer;
    /// Cash that earlier bids paid in.
    Money reserved;
};

struct AuctionOffer {
    /// Maintenance with the buffer.
    Money target;
    /// Largest part of the portfolio that one bid may take: just what brings it to the target.
    Money largest_part;
    /// For the part that is wanted, at most the largest.
    Money bid;
};

AuctionOffer auction_offer(
    const AuctionAccount& account, const Money& price, const Money& wanted, const Policy& policy
);

/// Drift: fee grows by one unit (1e-6) a slot after a grace period, up to `most`.
Money ramped_fee(const Money& base, const Money& most, std::uint64_t slots, std::uint64_t grace);

struct PartialRules {
    /// All of these in 1e4.
    Money initial_part;
    std::uint64_t duration{0};
    /// A shortage below it is closed at once.
    Money close_all_below;
};

/// Drift: the part (1e4) of a shortage that one step may free: min(1, elapsed / duration + initial)
/// of the shortage and what was freed, less what was freed.
Money liquidatable_part(
    const Money& shortage, const Money& freed, std::uint64_t elapsed, const PartialRules& rules
);

/// Drift: the insurance fee (1e6) that a perpetual position can pay without becoming bankrupt:
/// 19/20 of (margin ratio - liquidator's fee - shortage / value), at most `most`. base has 9
/// decimals, prices and money 6, the ratio 4.
struct PerpetualShortage {
    Money shortage;
    Money base;
    Money ratio_1e4;
    Money fee;
    Money price;
    Money quote_price;
};

Money insurance_fee(const PerpetualShortage& position, const Money& most);

/// Drift: what a loss costs per unit of open interest, rounded up: ceil(|loss| one / open) * scale.
Money socialised_per_unit(
    const Money& loss, const Money& open, const Money& one, const Money& scale
);
/// What depositors' index falls by so that they bear `loss`: ceil(index loss / deposits), never all
/// of it.
Money socialised_index(const Money& index, const Money& loss, const Money& deposits);

}  // namespace margrave::margin
