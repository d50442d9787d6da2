// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store/detail/keys.hpp"
#include "store/detail/records.hpp"
#include "store/detail/versions.hpp"
#include "store/ledger.hpp"

#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

// Links make what an account has outside our vault count under another one (docs/ledger.md
// section 3). What our vault holds stays the account's own: releases and seizures name it.
namespace margrave::store::detail {

/// Links that are followed one after the other. A longer way, or a loop, counts as no link.
inline constexpr std::size_t kLinkHops = 2;

/// For each chain that counts, the block up to which it does.
using ChainLimits = std::vector<std::pair<ChainTag, BlockNum>>;

std::optional<BlockNum> limit_of(const ChainLimits& limits, ChainTag chain);

/// The account under which `from` counts: itself when no link leads away, or when its links do not
/// end after kLinkHops. `next` gives the account that one is linked to.
using NextLink = std::function<Result<std::optional<AccountId>>(const AccountId&)>;
Result<AccountId> end_of_links(const AccountId& from, const NextLink& next);

/// Links as of one state, read from the store. Lives for one call.
class Links {
  public:
    Links(Versions& versions, const ChainLimits& limits)
        : versions_(versions),
          limits_(limits) {}

    /// Of several chains the one with the smallest tag decides.
    Result<std::optional<AccountId>> next(const AccountId& from);
    Result<AccountId> end(const AccountId& from);
    /// All accounts that count under `into`, without itself.
    Result<std::set<AccountId>> led_to(const AccountId& into);

  private:
    Result<std::set<AccountId>> led_in_one(const AccountId& into);

    Versions& versions_;
    const ChainLimits& limits_;
};

/// Adds every account that one of `accounts` was ever linked to: whose holdings may have moved when
/// theirs did.
Result<void> add_linked(Versions& versions, std::set<AccountId>& accounts);

/// What counts under another account when `from` is linked: everything outside our vault. `from`
/// keeps the rest.
AccountHoldings take_mapped(AccountHoldings& from);
/// Adds `part` to the holdings of another account, in their order.
Result<void> merge(AccountHoldings& into, AccountHoldings part);

}  // namespace margrave::store::detail
