// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/settings.hpp"
#include "relayer/doctor.hpp"
#include "store/ledger.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

// Which events of watched contracts tell what loans cost, and how old the newest of them are
// (docs/watching-a-contract.md section 7).
namespace margrave::relayer {

/// The rates that the watches of a chain hear, as the ledger keeps them: by what they match, not by
/// how that is spelled. The settings were checked.
std::vector<store::RateRule> rate_rules(const chains::ChainSettings& chain);

/// Before any block is followed: kConfig, with the chain and what to do, where the ledger was
/// filled under other rates than these.
Result<void> follow_rates(store::Ledger& ledger, const std::vector<chains::ChainSettings>& chains);

/// What loans of one ledger cost at the head of its chain.
struct RateNow {
    store::LedgerDefinition ledger;
    InterestIndex index;
    store::ToldRate told;
    BlockRef head;
};

/// Of every ledger that a rate was told for.
Result<std::vector<RateNow>> rates_now(const store::Ledger& ledger);

/// The watch that told it; the hash of its name when the config has it no more.
std::string watch_name(const std::vector<chains::ChainSettings>& chains, const RateNow& rate);

/// "3 d 4 h", "5 min 7 s".
std::string in_time(std::uint64_t seconds);

/// A rate holds until the next is told: a telling older than this is worth a look.
inline constexpr std::uint64_t kRateOld_s = 7 * 86'400;

/// `rates` are those of the chain, `head` what the ledger has of it.
Finding judge_rates(
    const chains::ChainSettings& chain,
    std::span<const RateNow> rates,
    const std::optional<BlockRef>& head,
    UnixSeconds now
);

}  // namespace margrave::relayer
