// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/events.hpp"
#include "core/holdings.hpp"
#include "core/interest.hpp"
#include "core/statements.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace margrave::store {

class Database;

/// One (chain, asset) pair. A transfer never crosses ledgers; amounts are raw token units.
struct LedgerDefinition {
    LedgerId id;
    AssetId asset;
    unsigned decimals{18};
};

/// Accounts of one ledger (docs/ledger.md has the table of postings). D and C say which side grows.
enum class AccountCode : std::uint16_t {
    kVault = 100,       // D  tokens in the vault contract
    kCustody = 110,     // D  [source] tokens that a watched contract holds for accounts
    kLoan = 120,        // D  [account] owed to the pool
    kOwed = 125,        // D  [account] owed at watched contracts
    kReceivable = 130,  // D  [account] negative balance after a fact that could not be refused
    kSale = 140,        // D  tokens in the sale contract, out of a seizure
    kCollateral = 220,  // C  [account]
    kMapped = 225,      // C  [account] owned at watched contracts
    kWithdraw = 240,    // C  [account] released by the chain in this transfer group; zero after it
    kAuction = 250,     // C  [seizure id] the lot of one seizure
    kPool = 300,        // C  lenders' liquidity
    kInterest = 310,    // C  interest on loans, lenders' too
    kUnattributed = 900,  // C  tokens in vault or custody that no event explains
};
std::string_view to_string(AccountCode code);

/// One posting, immutable. debit and credit are (code, owner) of one ledger; owner is an account,
/// a seizure id, a watch or zero.
struct Transfer {
    Hash32 id;
    Seq seq;
    LedgerId ledger;
    AccountCode debit{AccountCode::kVault};
    Hash32 debit_owner;
    AccountCode credit{AccountCode::kCollateral};
    Hash32 credit_owner;
    Amount amount;
    /// The kind of event that caused it.
    std::variant<MovementKind, MappedKind> cause{MovementKind::kDeposit};
    /// Account the event names; zero for the pool.
    AccountId account;
    ChainId chain;
    BlockNum block;
    Hash32 block_hash;
    Hash32 txn_hash;
    std::uint32_t log_index{0};
    /// Which transfer of its event, and which time its block was applied, both from 0: with chain,
    /// block hash, transaction and log they make the id.
    std::uint16_t leg{0};
    std::uint32_t incarnation{0};
    UnixSeconds time;
    /// Seq of the transfer this one reverses, or 0.
    Seq reverses;
};

/// One state of all chains: for each chain the block up to which its events count. A chain that is
/// absent counts nothing.
using AsOf = std::map<ChainId, BlockNum>;

/// The newest telling of what loans in a token cost, and where it was told.
struct ToldRate {
    /// As the telling left it: from then on it grows.
    InterestIndex index;
    /// keccak of the watch's name.
    Hash32 source;
    Address emitter;
    BlockNum block;
    Hash32 txn_hash;
    std::uint32_t log_index{0};
    bool operator==(const ToldRate&) const = default;
};

/// Events that tell rates of loans on one chain, from a block on and perhaps up to one.
struct RateRule {
    /// Who emits what, and how it is read: equal for two rules that hear the same.
    std::string text;
    BlockNum from;
    std::optional<BlockNum> to;
    auto operator<=>(const RateRule&) const = default;
};

enum class RequestState : std::uint8_t { kOpen, kGranted, kRefused, kExecuted };
std::string_view to_string(RequestState state);

/// A withdrawal, borrow or pool request of a vault. What the chain said, and what we answered.
struct Request {
    ChainId chain;
    Address vault;
    /// Sequence number of its event; with chain and vault its name.
    std::uint64_t number{0};
    ReleaseKind kind{ReleaseKind::kWithdrawal};
    AccountId account;
    AssetId asset;
    Amount amount;
    Address recipient;
    BlockNum block;
    UnixSeconds time;
    RequestState state{RequestState::kOpen};
    Hash32 release_id;
    /// Deadline of the granted release.
    UnixSeconds deadline;
    /// Why it was refused.
    std::string reason;
};

/// Room that a granted and not yet executed release takes from an account.
struct Hold {
    Hash32 release_id;
    ReleaseKind kind{ReleaseKind::kWithdrawal};
    ChainId chain;
    std::uint64_t request{0};
    AccountId account;
    AssetId asset;
    Amount amount;
    UnixSeconds deadline;
};

/// One leg of a liquidation, from the instruction to the money that came back.
enum class LegState : std::uint8_t { kInstructed, kSeized, kSold, kReturned, kExpired };
std::string_view to_string(LegState state);

struct Leg {
    Hash32 seizure_id;
    AccountId account;
    std::uint64_t lock{0};
    std::uint64_t number{0};
    AssetId asset;
    Amount amount;
    AssetId debt_asset;
    Amount min_proceeds;
    Address sale;
    UnixSeconds deadline;
    LegState state{LegState::kInstructed};
    /// Block of the event that brought the state (seized, sold or returned).
    BlockNum block;
    Amount proceeds;

    [[nodiscard]] const ChainId& chain() const { return asset.chain(); }
};

struct ApplySummary {
    /// Accounts whose holdings changed at the head; of a run of final blocks touched_between tells.
    std::set<AccountId> touched;
    std::uint64_t events{0};
    std::uint64_t transfers{0};
    /// Tokens in this update that no ledger is defined for: their events are kept and worth
    /// nothing; an operator should hear of it.
    std::set<Address> unknown_assets;
};

/// The state of one chain as the ledger holds it.
struct ChainState {
    std::optional<BlockRef> head;
    std::optional<BlockRef> final;
    Accumulator vault;
    Accumulator positions;
    std::uint64_t reorgs{0};
};

/// Sum of one ledger, for reconciliation and for `cast`-style comparison from outside.
struct TrialBalance {
    LedgerDefinition ledger;
    /// Net balance by code, on the side on which the code grows.
    std::map<AccountCode, Amount> totals;
};

/// Double-entry book of all chains. One writer; synchronous. Every method that writes does it in
/// one atomic batch; after kStore the outcome of the write is unknown and the process must stop and
/// re-read. Each method alone may be called from any thread, one at a time goes on; what two calls
/// say need not be of one state, so whoever signs keeps to one thread. Owned by relayer/app; lives
/// as long as Database.
class Ledger {
  public:
    explicit Ledger(Database& db);
    ~Ledger();

    /// Which events tell rates on a chain from the next block on. kConflict, and a sentence that
    /// names the rule, when up to the head others were heard: what these told or did not tell is in
    /// the loans, and whoever syncs now would have other ones.
    Result<void> follow_rates(const ChainId& chain, std::vector<RateRule> rules);
    /// Defines a ledger once; the same definition again changes nothing, another decimals is
    /// kConflict. So is an asset that events came for before it was defined: they count nothing,
    /// and only a sync into a fresh directory makes them count.
    Result<LedgerDefinition> define(const AssetId& asset, unsigned decimals);
    [[nodiscard]] std::vector<LedgerDefinition> ledgers() const;

    /// One chain update, one batch with its cursor. A block that is already applied (same hash)
    /// changes nothing. A run of final blocks is one update: balances are written once, at its last
    /// block, which becomes the final block; it is synced. More than kRunEvents in more than one
    /// block is kLimit. Errors: kUnproved when the parent is not the head, an event is missing, the
    /// accumulators do not come out, or an event is one that no vault of ours emits; kBelowFinality
    /// when an ancestor lies below the final block; kConflict for a known hash with other events;
    /// kCorrupt when what is read back does not hold.
    Result<ApplySummary> apply(const ChainId& chain, const ChainUpdate& update);

    /// A run as `apply` books it, but it returns once the run is booked: it is written while the
    /// next one is booked. Durable when `flush`, or any other method but this one, came back
    /// without an error; an error of the write is one of every later call. For filling alone: a
    /// caller that tells anybody of a block before it is durable uses `apply`.
    Result<ApplySummary> fill_ahead(const ChainId& chain, const BlocksFinal& run);
    /// Waits for the run that fill_ahead left on its way.
    Result<void> flush();

    /// Events of one run of final blocks: what bounds the memory of a batch. Half of it is where a
    /// caller best cuts; more gains nothing.
    static constexpr std::size_t kRunEvents = std::size_t{1} << 17U;

    [[nodiscard]] ChainState chain_state(const ChainId& chain) const;
    [[nodiscard]] std::optional<BlockRef> block_at(const ChainId& chain, BlockNum number) const;
    /// Accumulators after the block applied at `number`.
    [[nodiscard]] Result<std::pair<Accumulator, Accumulator>> accumulators_at(
        const ChainId& chain, BlockNum number
    ) const;

    /// The vault's accumulator after the last applied block that is not above `number`.
    [[nodiscard]] Result<Accumulator> vault_as_of(const ChainId& chain, BlockNum number) const;

    /// ok when the state after block `number` can be read: below the last run of final blocks only
    /// the states at the ends of runs are kept. kNotFound names the kept states around it.
    [[nodiscard]] Result<void> check_kept(const ChainId& chain, BlockNum number) const;

    /// Holdings as of a state, zero rows left out; loans with the interest up to its block. `head`
    /// counts everything applied. Every reading as of a state is kNotFound where that state was not
    /// kept (check_kept).
    [[nodiscard]] Result<AccountHoldings> holdings(const AccountId& account, const AsOf& as_of)
        const;
    [[nodiscard]] Result<AccountHoldings> holdings_at_head(const AccountId& account) const;
    /// The same, but nothing gathers interest beyond `grown_to`: what it says depends on that state
    /// and on the events above it, not on how many blocks without events there are.
    [[nodiscard]] Result<AccountHoldings> holdings_at_head(
        const AccountId& account, const AsOf& grown_to
    ) const;
    /// The same as of the final block of each chain, where holds end.
    [[nodiscard]] Result<AccountHoldings> holdings_at_final(
        const AccountId& account, const AsOf& grown_to
    ) const;
    /// Every account that has a non-zero holding or position as of the state, ascending.
    [[nodiscard]] Result<std::vector<AccountHoldings>> all_holdings(const AsOf& as_of) const;
    /// Accounts that a watch of this chain ever moved, with the watch, ascending from behind
    /// `after`: whose readings are due from time to time, at most `limit` at once.
    using MappedPlace = std::pair<Hash32, AccountId>;
    [[nodiscard]] Result<std::vector<MappedPlace>> mapped_accounts(
        const ChainId& chain, const std::optional<MappedPlace>& after, std::size_t limit
    ) const;
    /// What the events and readings of one watch say its contract holds, to compare with what it
    /// does hold at the same block.
    [[nodiscard]] Result<Amount> custody_at(LedgerId ledger, const Hash32& source, BlockNum as_of)
        const;
    /// The newest price that events of `emitter` told the watch up to and with `at`, whose state
    /// must be kept; absent when there was none. kNotFound also when `at` is no applied block.
    [[nodiscard]] Result<std::optional<ToldPrice>> told_price(
        const ChainId& chain, const Hash32& source, const Address& emitter, const BlockRef& at
    ) const;
    /// What loans in a ledger grow by as of a block, whose state must be kept and which must have
    /// been applied, for its time; absent while no event told a rate.
    [[nodiscard]] Result<std::optional<InterestIndex>> interest(LedgerId ledger, BlockNum as_of)
        const;
    /// The telling that this rests on; absent as above.
    [[nodiscard]] Result<std::optional<ToldRate>> told_rate(LedgerId ledger, BlockNum as_of) const;
    /// What loans have gathered as of a block and no posting has booked yet.
    [[nodiscard]] Result<Amount> unbooked_interest(LedgerId ledger, BlockNum as_of) const;
    /// Accounts whose holdings as of a block move with its time, since they have a loan that bears
    /// interest; perhaps also some that blocks above it moved.
    [[nodiscard]] Result<std::set<AccountId>> accruing(const ChainId& chain, BlockNum as_of) const;
    /// Accounts with events in (from, to] of one chain: whose firm holdings moved when the final
    /// block did.
    [[nodiscard]] Result<std::set<AccountId>> touched_between(
        const ChainId& chain, BlockNum from, BlockNum to
    ) const;

    /// Requests of a chain up to a block, in order of number; only_open leaves answered ones out.
    [[nodiscard]] Result<std::vector<Request>> requests(
        const ChainId& chain, BlockNum up_to, bool only_open
    ) const;
    /// Holds that are not ended and whose release is not final.
    [[nodiscard]] Result<std::vector<Hold>> holds() const;
    [[nodiscard]] Result<std::vector<Hold>> holds_of(const AccountId& account) const;
    /// Whether the release of a hold has run in a block up to the head: holdings_at_head has it,
    /// holdings_at_final has it once the hold has ended.
    [[nodiscard]] Result<bool> is_executed(const Hold& hold) const;
    [[nodiscard]] Result<std::vector<Leg>> legs(const AccountId& account) const;
    /// Legs that are neither expired nor sold or returned by a final event; `state` and `block` say
    /// how far each is at the head.
    [[nodiscard]] Result<std::vector<Leg>> open_legs() const;
    /// Legs that we instructed with a deadline behind `after`, in the order of deadline and
    /// seizure.
    [[nodiscard]] Result<std::vector<Leg>> legs_due_after(UnixSeconds after) const;
    /// Locks opened so far for an account; the next liquidation uses this number + 1.
    [[nodiscard]] std::uint64_t lock_count(const AccountId& account) const;

    [[nodiscard]] Result<TrialBalance> trial_balance(LedgerId ledger, BlockNum as_of) const;
    [[nodiscard]] Result<std::vector<Transfer>> journal(Seq from, std::size_t limit) const;
    [[nodiscard]] Seq last_seq() const;
    /// Journal entries of one account, oldest first.
    [[nodiscard]] Result<std::vector<Transfer>> entries_of(const AccountId& account) const;

    /// Folds the whole journal again and compares with every stored total, then replays the stored
    /// events into a temporary directory and compares every stored version (I1, I2, I5, I10, I13).
    /// kCorrupt names the first row that differs.
    Result<void> verify() const;

    struct State;

  private:
    Result<void> check_readable(LedgerId ledger, BlockNum as_of) const;
    /// Reads what a refresh made old; the error of the reading, once there was one.
    Result<void> loaded() const;
    /// The same, and no run is on its way any more.
    Result<void> ready() const;
    Result<void> check_kept(const AsOf& as_of) const;

    Database& db_;
    std::unique_ptr<State> state_;
    /// Every public method holds it.
    mutable std::recursive_mutex mutex_;
};

}  // namespace margrave::store
