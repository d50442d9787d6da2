// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "core/events.hpp"
#include "core/statements.hpp"
#include "infra/task.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace margrave::oracle {

/// A Chainlink-shaped aggregator (latestRoundData, decimals) on one of the configured chains.
struct FeedSourceSettings {
    std::string name;
    ChainId chain;
    Address feed;
};

/// A price that never moves; for development, and it says so wherever it is shown.
struct FixedSourceSettings {
    std::string name;
    Money price;
};

using SourceSettings = std::variant<FeedSourceSettings, FixedSourceSettings>;

/// One canonical asset's price and its guards. `assets` are its forms on all chains: each gets a
/// row of the price set with the same price.
struct AssetOracleSettings {
    std::string name;
    std::vector<AssetId> assets;
    std::vector<SourceSettings> sources;
    std::uint64_t max_age_s{60};
    /// Answers outside [min, max] USD per whole token are refused.
    Money price_min;
    Money price_max;
    /// Fewest usable sources.
    unsigned min_sources{1};
    /// Largest relative distance between two usable sources, E18; 0.01 is one percent.
    Money max_spread;
};

/// eth_call at a block hash; relayer fills it in from the chain's adapter.
using CallAt =
    std::function<Task<Result<Bytes>>(ChainId chain, Address to, Bytes data, Hash32 block)>;

/// What one source answered.
struct Answer {
    std::string source;
    /// Absent when there was no answer; then `error` says why.
    std::optional<Money> price;
    UnixSeconds published_at;
    /// Feed round, block hash it was read at; empty for fixed.
    std::string round;
    ChainId chain;
    Hash32 block;
    std::string error;
    /// Where it was read: "eip155:1:0x..." (CAIP-10), or "config" for a fixed price.
    std::string origin;
};

/// The price set of one instant: rows ascending by asset key, and what they came from. `document`
/// is canonical JSON of every answer and verdict; it is kept and named by attestations.
struct PriceSet {
    std::vector<PriceRow> rows;
    Canonical document;
};

/// Guards one asset's answers: age against `now`, sign, bounds, enough sources, spread; then the
/// median (lower of the two middle ones for an even count). Pure. Future timestamps beyond 60 s are
/// refused. Never returns zero as a price of a usable row; a row that is not usable shows the
/// median of what was answered, for people. `published_at` is the oldest of the answers that count.
PriceRow guard(
    const AssetOracleSettings& settings,
    const AssetId& asset,
    const std::vector<Answer>& answers,
    UnixSeconds now
);

/// The list whose keccak is PriceRow.sources.
Canonical canonical(const std::vector<Answer>& answers);

class Source;

/// Reads every source of every asset at the given block of its chain. Lives on the daemon's
/// executor; owned by relayer/app. A source that fails is an answer without price, never an error.
class Oracle {
  public:
    Oracle(std::vector<AssetOracleSettings> assets, CallAt call_at);
    ~Oracle();

    /// `heads`: the block of each chain at which feeds are read. All sources are read at once.
    Task<PriceSet> read(std::map<ChainId, Hash32> heads, UnixSeconds now);
    /// Once at start: decimals() of every feed; kConfig names the feed that is none.
    Task<Result<void>> probe(std::map<ChainId, Hash32> heads);

  private:
    std::vector<AssetOracleSettings> assets_;
    // Those of the first asset, then those of the second, and so on.
    std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace margrave::oracle
