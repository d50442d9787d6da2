// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "margin/market.hpp"
#include "margin/moves.hpp"

#include <array>

// Trades that an owner might make: tokens for tokens, and contracts of a market of the position
// book. Pure functions for what-if; nothing here is signed.
namespace margrave::margin {

/// Tokens sold for tokens of the same chain, in raw units. No vault of ours swaps: the owner takes
/// out what is sold, sells it elsewhere and brings in what was bought.
struct Swap {
    AssetId sold;
    Amount amount;
    AssetId bought;
    Amount received;
};

/// What an owner does for a swap: a withdrawal, which needs a grant, then a deposit.
std::array<Move, 2> moves_of(const Swap& swap);

/// What `amount` of `sold` brings at the prices of the market, rounded down: it is sold at what
/// health counts for it, floor(floor(amount price / 10^d) backing), and what is bought costs its
/// whole price. kUnattestable when one of the two prices must not be used, kNotFound when the
/// parameters do not name an asset.
Result<Amount> proceeds_of(
    const AssetId& sold, const Amount& amount, const AssetId& bought, const Market& market
);

/// The same at a stated rate: whole tokens bought for each whole token sold.
Result<Amount> proceeds_at(
    const Money& rate,
    const AssetId& sold,
    const Amount& amount,
    const AssetId& bought,
    const Parameters& parameters
);

/// Contracts of one market bought (positive size) or sold at a price in USD each.
struct PositionTrade {
    Hash32 market;
    Money size;
    Money price;
};

struct Traded {
    AccountHoldings holdings;
    /// USD that the venue pays the account for the trade at once; negative is what it takes. The
    /// profit or loss of contracts of a perpetual that the trade closes; the premium of an option.
    Money settled;
};

/// The position as a venue would post it. More of the same side: the entry price is the mean by
/// size. Less: the entry price stays, and what is closed is settled at the trade's price. Through
/// zero: all is closed, and the rest begins at the trade's price. Entry prices of what is long
/// round up and of what is short down, what is settled rounds down. kNotFound when no venue of the
/// parameters has the market; kInvalid for a size of zero or a price that cannot be; kOverflow for
/// 2^96 units of 1e-18 or more.
Result<Traded> apply(
    AccountHoldings holdings, const Parameters& parameters, const PositionTrade& trade
);

/// What a venue takes at once and the ledger does not know is owed outside of our vaults: USD at
/// one, in full, at every level, and no sale of ours can repay it. What a venue pays counts once it
/// is deposited, so it is no part of this.
class VenueDebt {
  public:
    /// A negative `settled` is added to what is owed; anything else changes nothing.
    Result<void> charge(AccountHoldings& holdings, const Money& settled);

    /// Whether anything is owed; then prices and parameters must know it before they value.
    [[nodiscard]] bool exists() const { return exists_; }

    static void add_to(PriceTable& prices, Parameters& parameters);

  private:
    bool exists_{false};
};

}  // namespace margrave::margin
