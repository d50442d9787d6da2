// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/settings.hpp"
#include "core/events.hpp"
#include "infra/task.hpp"
#include "oracle/oracle.hpp"
#include "store/ledger.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

// Reading prices once, from a command, without a daemon.
namespace margrave::relayer {

struct PriceFinding {
    std::string asset;
    /// Empty for what is about the asset's price as a whole.
    std::string source;
    std::string what;
};

struct PriceReport {
    /// The blocks that were read at; a chain that no node answered for is not there.
    std::map<ChainId, BlockRef> heads;
    oracle::PriceSet prices;
    /// Sources that are not what the config says, feeds that are described as another pair, and
    /// prices that are not usable now. In the order of the config.
    std::vector<PriceFinding> findings;
};

/// What events told, out of the ledger, which must outlive it.
oracle::ToldAt told_by(const store::Ledger& ledger);

/// The chains that a source of the kind "event" is on.
std::set<ChainId> chains_of_events(const std::vector<oracle::AssetOracleSettings>& assets);

/// Asks one node of each chain for a block a little below its head, and every source at that block
/// as the daemon does; on the chains of event sources the block is the ledger's head, when there is
/// a `ledger`, which may be null. `only`: the id of one asset or reference; empty: all, and what
/// those are quoted in is read in either case. With `probe` each source is also held against its
/// settings.
Task<Result<PriceReport>> read_prices(
    Executor executor,
    const config::Settings& settings,
    const store::Ledger* ledger,
    std::string only,
    bool probe,
    UnixSeconds now
);

/// What a Chainlink feed says of itself, "ETH / USD", against what it is configured as: a sentence,
/// or empty. A description of another form says nothing. Letter case aside.
std::string describe_mismatch(
    std::string_view description, std::string_view base, std::string_view quote
);

}  // namespace margrave::relayer
