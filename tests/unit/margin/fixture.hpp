// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/holdings.hpp"
#include "margin/health.hpp"
#include "margin/liquidation.hpp"
#include "margin/parameters.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// One small world for all margin tests: three chains, five assets.
namespace margrave::margin::tests {

/// "12.5" as Money; a bad literal stops the test program.
Money usd(std::string_view decimal);
/// Raw units from a decimal of whole tokens: units("1.5", 6) is 1500000.
Amount units(std::string_view tokens, unsigned decimals);

/// eth: native on chains 1 and 10, a bridged token (backing 0.9) on 137. 18 decimals.
/// btc: a token on 1, 8 decimals. usdc: a token on 1, 10 and 137, 6 decimals, borrowable.
/// dai: a token on 1, 18 decimals, borrowable, counts 0.9. junk: a token on 1, counts nothing.
Parameters sample_parameters();
/// eth 2000, btc 50000, usdc 1, dai 1, junk 3.
PriceTable sample_prices();
/// Usable prices for every form, by asset name; an asset that is not named has no row.
PriceTable prices_of(
    const Parameters& parameters, const std::vector<std::pair<std::string, Money>>& prices
);

AssetId eth_on(std::uint64_t chain);
AssetId usdc_on(std::uint64_t chain);
AssetId btc();
AssetId dai();
AssetId junk();

AccountId account();
/// A holding whose book equals its collateral.
Holding holding(const AssetId& asset, const Amount& collateral, const Amount& debt = Amount{});
/// A holding of which `mapped` and `mapped_debt` lie at watched contracts, beside what `own` is.
Holding with_mapped(Holding own, const Amount& mapped, const Amount& mapped_debt = Amount{});
AccountHoldings holdings_of(std::vector<Holding> rows);

AccountState state_of(
    const AccountHoldings& holdings, const PriceTable& prices, bool was_liquidatable = false
);

/// splitmix64: the same numbers with every compiler and library.
class Rng {
  public:
    explicit Rng(std::uint64_t seed)
        : state_(seed) {}

    std::uint64_t next();
    /// In [low, high].
    std::uint64_t in(std::uint64_t low, std::uint64_t high);

    bool chance(unsigned percent) { return in(1, 100) <= percent; }

  private:
    std::uint64_t state_;
};

/// A parameter set that check() accepts, with its prices and one account in it.
struct Portfolio {
    Parameters parameters;
    PriceTable prices;
    AccountHoldings holdings;
};

Portfolio random_portfolio(std::uint64_t seed);

/// What the ledger will hold if every leg of `plan` sells at its floor.
AccountHoldings executed(AccountHoldings holdings, const LiquidationPlan& plan);

}  // namespace margrave::margin::tests
