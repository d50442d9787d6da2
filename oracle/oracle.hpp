// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/canonical_json.hpp"
#include "core/events.hpp"
#include "core/statements.hpp"
#include "infra/task.hpp"
#include "oracle/slow.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace margrave::oracle {

/// The quote of a price in US dollars. Every other unit is the id of something that has a price.
inline constexpr std::string_view kDollar = "USD";

/// One source of a price, as the configuration names it. `settings` is what stands behind the
/// kind's word there: durations are whole seconds and integers are decimal, both as text. The keys
/// and what they mean are the kind's own (oracle/kinds.hpp).
struct SourceSettings {
    std::string name;
    /// "feed", "pyth", ...: one of source_kinds().
    std::string kind;
    Canonical settings;
    /// What one whole unit is priced in: kDollar, or the id of another asset or reference, whose
    /// own price then turns the answer into dollars.
    std::string quote{kDollar};
    /// Who makes the price; sources of one operator count once. Empty: who is asked, so that two
    /// names for one contract are one source.
    std::string made_by;
    /// Where it differs from the asset's. 0: the asset's.
    std::uint64_t max_age_s{0};
    /// Answers outside, in the source's own quote, are refused; for what is not quoted in dollars.
    std::optional<Money> min;
    std::optional<Money> max;
};

/// The two kinds that tests and examples build by hand.
SourceSettings feed_source(std::string name, const ChainId& chain, const Address& feed);
SourceSettings fixed_source(std::string name, const Money& price);

/// One canonical asset's price and its guards. `assets` are its forms on all chains: each gets a
/// row of the price set with the same price. A reference, which only others are quoted in, has
/// none.
struct AssetOracleSettings {
    std::string name;
    std::vector<AssetId> assets;
    std::vector<SourceSettings> sources;
    std::uint64_t max_age_s{60};
    /// Answers outside [min, max] USD per whole token are refused.
    Money price_min;
    Money price_max;
    /// Fewest usable sources, counted by who makes them.
    unsigned min_sources{1};
    /// Largest relative distance between two usable sources, E18; 0.01 is one percent.
    Money max_spread;
    /// Largest confidence of an answer that has one, as a part of its price. 0.02 is two percent.
    Money max_confidence{Money::from_e18(20'000'000'000'000'000)};
    /// An answer that stayed the same for longer is refused, however fresh it says it is. 0: never.
    std::uint64_t max_unchanged_s{0};
    std::optional<SlowSettings> slow;
};

/// eth_call at a block hash; relayer fills it in from the chain's adapter.
using CallAt =
    std::function<Task<Result<Bytes>>(ChainId chain, Address to, Bytes data, Hash32 block)>;

/// The newest price that events of `emitter` told a watch (keccak of its name) up to and with
/// `block`: out of the ledger, which holds what was proved. Absent: none was told. relayer fills it
/// in.
using ToldAt = std::function<Result<std::optional<ToldPrice>>(
    const ChainId& chain, const Hash32& watch, const Address& emitter, const BlockRef& block
)>;

/// How sources reach chains.
struct Reach {
    Reach() = default;

    // Implicit: all sources but those of events need calls alone.
    Reach(CallAt calls, ToldAt told = {})
        : call_at(std::move(calls)),
          told_at(std::move(told)) {}

    CallAt call_at;
    /// Empty where there is no ledger.
    ToldAt told_at;
};

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
    /// How far the price may be off, by the source's own word and in its quote; many have none.
    std::optional<Money> confidence;
    /// The lowest and highest the source can ever say. An answer at one of them is no price: the
    /// market may be beyond (Venus and Blizz, May 2022).
    std::optional<Money> floor;
    std::optional<Money> ceiling;
    /// What it is priced in, when not in dollars. `price` is in dollars once `rate`, the answer as
    /// it was given, is there.
    std::string quote;
    std::optional<Money> rate;
    /// When the rate was made; `published_at` is then the older of that and the quote's price.
    std::optional<UnixSeconds> rate_published_at;
};

/// What one whole unit is worth in dollars when it is worth `answer` in something that is worth
/// `quote`: the product rounds down and is as old as the older of the two. A quote that is not
/// usable leaves an answer without price that says so. Pure.
Answer in_dollars(const Answer& answer, const std::string& quote_name, const PriceRow& quote);

/// What an asset's price may be used for; the signed rows only say whether it is usable at all.
enum class Use : std::uint8_t {
    kUsable,
    /// Of the price and the slow price the one that is worse for the account.
    kWorseOfBoth,
    /// Wait: nothing is begun that stands on it.
    kHold,
    /// Nothing is decided by it.
    kReject,
};
std::string_view to_string(Use use);

struct PriceUse {
    /// Where value leaves: withdrawals and loans.
    Use initial{Use::kUsable};
    Use liquidation{Use::kUsable};
    std::optional<Money> slow;
    /// Empty when both are usable.
    std::string why;
    bool operator==(const PriceUse&) const = default;
};

/// Since when a source has answered the same.
struct Unchanged {
    Money value;
    UnixSeconds since;
    bool operator==(const Unchanged&) const = default;
};

/// What the guards of an asset know of the prices before.
struct AssetMemory {
    std::optional<SlowState> slow;
    /// By name of the source; kept only where max_unchanged_s is set.
    std::map<std::string, Unchanged> unchanged;
    bool operator==(const AssetMemory&) const = default;
};

/// By name of the asset; assets that remember nothing are not there.
using Memory = std::map<std::string, AssetMemory>;

/// What a price document says must be remembered. kCorrupt when it has another form.
Result<Memory> memory_of(const Canonical& document);

/// What one asset's entry in a price document says that its slow price follows from.
struct SlowStep {
    std::string name;
    std::vector<AssetId> assets;
    /// Absent where the guards have no slow price.
    std::optional<SlowSettings> settings;
    Money price;
    bool is_usable{false};
    std::optional<SlowState> after;
};

struct SlowSteps {
    /// When the prices were judged.
    UnixSeconds now;
    std::vector<SlowStep> steps;
};

/// kCorrupt when the document has another form.
Result<SlowSteps> slow_steps_of(const Canonical& document);

/// The slow price after one set: it moves on by a price that is usable, begins with one, and stands
/// still without. `before` is what the asset remembered.
std::optional<SlowState> slow_after(
    const SlowStep& step, const std::optional<SlowState>& before, UnixSeconds now
);

/// What the price of a row may be used for, beside what the row says. `makers` of usable answers. A
/// price that only one source says is far from the slow one begins no liquidation (Aave CAPO, March
/// 2026): it may be the source that moved. Pure.
PriceUse use_of(
    const AssetOracleSettings& settings,
    const PriceRow& row,
    const std::optional<SlowState>& slow,
    std::size_t makers
);

/// The price set of one instant: rows ascending by asset key, and what they came from. `document`
/// is canonical JSON of every answer and verdict; it is kept and named by attestations.
struct PriceSet {
    std::vector<PriceRow> rows;
    Canonical document;
    std::map<AssetId, PriceUse> uses;
    /// What comes after this set is judged with, once it was signed: Oracle::remember.
    Memory memory;
};

/// Guards one asset's answers: age against `now`, sign, bounds, confidence, enough sources, spread;
/// then the median (lower of the two middle ones for an even count). Pure. Future timestamps beyond
/// 60 s are refused. Never returns zero as a price of a usable row; a row that is not usable shows
/// the median of what was answered, for people. `published_at` is the oldest of the answers that
/// count. `answers` are in the order of the settings' sources.
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
    Oracle(std::vector<AssetOracleSettings> assets, const Reach& reach);
    ~Oracle();

    /// `heads`: the block of each chain at which it is read. All sources are read at once; what is
    /// quoted in something else than dollars is judged after that.
    Task<PriceSet> read(std::map<ChainId, BlockRef> heads, UnixSeconds now);

    /// The memory of the newest set that was signed; sets that were not leave nothing behind, so
    /// that an auditor can follow the memory from one signed document to the next.
    void remember(Memory memory) { memory_ = std::move(memory); }

    /// Once at start: is every source what it is said to be. kConfig names the one that is not.
    Task<Result<void>> probe(std::map<ChainId, BlockRef> heads);

  private:
    std::vector<AssetOracleSettings> assets_;
    // Places of assets_, so that what others are quoted in comes before them.
    std::vector<std::size_t> order_;
    Memory memory_;
    // Those of the first asset, then those of the second, and so on.
    std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace margrave::oracle
