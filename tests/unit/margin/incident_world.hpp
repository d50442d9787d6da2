// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "margin/health.hpp"
#include "margin/in_force.hpp"
#include "margin/numeric.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What replays of incidents share: an operator's config, in which everything has its default but
// what a test writes, and one round over all accounts.
namespace margrave::margin::tests {

/// One asset as `margrave init` writes ether, a token on eip155:1 with prices of two makers, and
/// what `more` says over it (a JSON merge patch).
nlohmann::json asset_of(const std::string& id, unsigned decimals, std::string_view more = "{}");
/// With the weights of config/examples/two-chain.json.
nlohmann::json dollar(std::string_view more = "{}");
/// The markets of one underlying: a perpetual of that name, and what `more` says of it.
nlohmann::json market_of(
    const std::string& underlying, std::string_view fractions, std::string_view more = "{}"
);

/// What `run` would be given by the config of `margrave init` for ethereum and base, with these
/// assets and what else `more` says. A problem in it fails the test.
config::Settings settings_of(
    const std::vector<nlohmann::json>& assets, const nlohmann::json& more = nlohmann::json::object()
);

/// One form of an asset of the parameters.
AssetId form_of(const Parameters& parameters, std::string_view asset, std::size_t place = 0);
AssetParameters& asset_in(Parameters& parameters, std::string_view name);
/// The perpetual of market_of.
VenuePosition long_of(
    const Parameters& parameters,
    std::string_view underlying,
    const Money& size,
    const Money& entry_price
);

AccountHoldings owner(std::uint64_t number, std::vector<Holding> rows);

/// A round at which these accounts are all there are.
RoundFacts round_of(const std::vector<AccountHoldings>& accounts);

/// The most that the account can have of a token: by withdrawing what is free, and then by owing.
/// The account is left with it gone.
Amount take_all(
    AccountHoldings& account,
    const AssetId& asset,
    const PriceTable& prices,
    const Parameters& parameters
);

/// Whole tokens, at most `most`, that the account may borrow when the round's facts are these, by
/// what in_force makes of the parameters with the loan in them.
std::uint64_t largest_loan(
    const AccountHoldings& account,
    const AssetId& asset,
    const PriceTable& prices,
    const Parameters& parameters,
    const RoundFacts& facts,
    std::uint64_t most
);

/// Status and amounts without a latch.
AccountState judged(
    const AccountHoldings& account, const PriceTable& prices, const Parameters& parameters
);
/// What accounts owe beyond all they have.
Money shortfall(
    const std::vector<AccountHoldings>& accounts,
    const PriceTable& prices,
    const Parameters& parameters
);

/// USD of so many raw units of a token with those decimals at a price.
Money worth(const Amount& amount, unsigned decimals, const Money& price);

}  // namespace margrave::margin::tests
