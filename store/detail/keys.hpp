// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.hpp"
#include "core/ids.hpp"
#include "store/ledger.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

// Keys of every row, in one place. Integers are big-endian and the comparator is RocksDB's own, so
// the stock `ldb` reads the files. docs/ledger.md lists the same keys for people.
namespace margrave::store::detail {

struct ChainTagTag;
/// First 8 bytes of ChainId::key(): how a key names a chain without a registry of numbers.
using ChainTag = Strong<ChainTagTag>;
ChainTag tag_of(const ChainId& chain);

/// One account of one ledger: what a transfer debits and credits.
struct AccountKey {
    LedgerId ledger;
    AccountCode code{AccountCode::kVault};
    Hash32 owner;
    auto operator<=>(const AccountKey&) const = default;
};

/// Depositors choose their account ids, so tables of them hash with a secret of the process: nobody
/// can choose many that fall into one place.
std::uint64_t secret_of_tables();

struct AccountKeyHash {
    /// For tables: its bits need no more mixing.
    using is_avalanching = void;

    std::size_t operator()(const AccountKey& k) const noexcept {
        const std::uint64_t place = std::uint64_t{k.ledger.value} << 16U ^ std::uint64_t(k.code);
        return mix_bytes(k.owner.view(), place ^ secret_of_tables());
    }
};

struct AccountIdHash {
    using is_avalanching = void;

    std::size_t operator()(const AccountId& account) const noexcept {
        return mix_bytes(account.view(), secret_of_tables());
    }
};

inline Hash32 owner_of(const AccountId& account) {
    return Hash32{account.data};
}

inline AccountId account_of_owner(const Hash32& owner) {
    return AccountId{owner.data};
}

/// True when debits make the balance of the code grow.
bool grows_by_debit(AccountCode code);
inline constexpr AccountCode kAllCodes[] = {
    AccountCode::kVault,
    AccountCode::kCustody,
    AccountCode::kLoan,
    AccountCode::kOwed,
    AccountCode::kReceivable,
    AccountCode::kSale,
    AccountCode::kCollateral,
    AccountCode::kMapped,
    AccountCode::kWithdraw,
    AccountCode::kAuction,
    AccountCode::kPool,
    AccountCode::kInterest,
    AccountCode::kUnattributed,
};

/// Column family `meta`.
namespace meta {
inline constexpr std::string_view kSchema = "schema";
inline constexpr std::string_view kNetwork = "network";
inline constexpr std::string_view kSeq = "seq/journal";
inline constexpr std::string_view kLeaves = "seq/leaf";
inline constexpr std::string_view kIntents = "seq/intent";
inline constexpr std::string_view kDecisions = "seq/decision";
inline constexpr std::string_view kPrune = "prune";
}  // namespace meta

/// Rows of one chain: `chain` and `event`.
namespace chain_key {
inline constexpr std::uint8_t kHead = 'H';
inline constexpr std::uint8_t kBlock = 'B';
Bytes head(ChainTag chain);
Bytes blocks(ChainTag chain);
Bytes block(ChainTag chain, BlockNum number);
/// `reorg` keeps apart the times one block was orphaned.
Bytes orphan(ChainTag chain, BlockNum number, const Hash32& hash, std::uint64_t reorg);
Bytes seen(ChainTag chain, const Hash32& hash);
/// Prefixes; a key goes on with the row's number.
Bytes evidence(ChainTag chain);
Bytes reorgs(ChainTag chain);
/// Blocks whose state a decision names: it stays readable.
Bytes named(ChainTag chain);
Bytes named(ChainTag chain, BlockNum number);
/// Which events tell rates of loans.
Bytes rate_rules(ChainTag chain);
Bytes events(ChainTag chain);
/// All events of one block, in one row.
Bytes events(ChainTag chain, BlockNum number);
}  // namespace chain_key

/// Rows of `ledger`.
namespace ledger_key {
inline constexpr std::uint8_t kDefinition = 'D';
inline constexpr std::uint8_t kTotals = 'T';
Bytes definition(LedgerId ledger);
Bytes totals(const AccountKey& account);
Bytes totals_of(LedgerId ledger);
Bytes totals_of(LedgerId ledger, AccountCode code);
Result<AccountKey> parse_totals(ByteView key);
}  // namespace ledger_key

/// Subjects of `version`. A key is a subject and the inverted block number, so that the first key
/// at or after subject | ~N is the newest version that is not newer than N.
namespace subject {
inline constexpr std::size_t kSuffix = 8;
inline constexpr std::uint8_t kAccount = 'V';
inline constexpr std::uint8_t kBalance = 'A';
inline constexpr std::uint8_t kBook = 'K';
inline constexpr std::uint8_t kLeg = 'L';
inline constexpr std::uint8_t kPosition = 'P';
inline constexpr std::uint8_t kSource = 'M';
inline constexpr std::uint8_t kArrival = 'I';
inline constexpr std::uint8_t kLink = 'N';
inline constexpr std::uint8_t kMark = 'X';
inline constexpr std::uint8_t kInterest = 'Y';

/// Sum of all accounts of one code of one ledger.
Bytes sum(LedgerId ledger, AccountCode code);
/// Whether an account has a versioned row of its own; the others have one owner, so the sum is it.
bool has_balance(AccountCode code);
Bytes balance(const AccountKey& account);
Bytes book(LedgerId ledger, const AccountId& account);
Bytes leg(ChainTag chain, const AccountId& account, const Hash32& seizure);
Bytes legs(ChainTag chain, const AccountId& account);
Bytes position(ChainTag chain, const AccountId& account, const Hash32& market);
/// What an account has and owes at one watch.
Bytes source(LedgerId ledger, const AccountId& account, const Hash32& source);
/// That an account was ever moved by a watch, in the order of watches.
Bytes holder(ChainTag chain, const Hash32& source, const AccountId& account);
Bytes holders(ChainTag chain);
/// That `from` counts under `into`, or did. Kept twice: under the one it starts from and, with the
/// tag of an arrival, under the one it leads to.
Bytes link(ChainTag chain, const AccountId& from, const AccountId& into);
Bytes links(const AccountId& from);
Bytes links(ChainTag chain, const AccountId& from);
Bytes arrival(ChainTag chain, const AccountId& into, const AccountId& from);
Bytes arrivals(const AccountId& into);
Bytes arrivals(ChainTag chain, const AccountId& into);
/// Prefix of everything about one account: balances, books, legs, positions, watches.
Bytes account(const AccountId& account);
Bytes request(ChainTag chain, std::uint64_t number);
Bytes requests(ChainTag chain);
/// Release id -> number of its request.
Bytes release(ChainTag chain, const Hash32& release);
/// The newest price that events of one contract told a watch.
Bytes price(ChainTag chain, const Hash32& source, const Address& emitter);
/// The index that loans in a token grow by, and what all of these begin with. A token may be one
/// that no ledger is defined for.
Bytes interest(ChainTag chain, const Address& token);
Bytes interests();
Result<std::pair<ChainTag, Address>> parse_interest(ByteView subject);
/// Where that index stood when an account's loan last changed; none where it was one.
Bytes mark(LedgerId ledger, const AccountId& account);
/// Count of events in a token that no ledger is defined for.
Bytes unknown(ChainTag chain, const Address& token);

/// What a subject's key says of its chain: a ledger's, or the chain itself.
struct Place {
    LedgerId ledger;
    ChainTag chain;
};

/// The one of both that the subject names is not zero.
Result<Place> place_of(ByteView subject);

Bytes versioned(ByteView subject, BlockNum number);
/// The block number in a key of `version`; the key must be longer than its suffix.
BlockNum version_of(ByteView key);
}  // namespace subject

/// Rows of `journal`.
namespace journal_key {
inline constexpr std::uint8_t kTransfer = 'J';
/// The transfers of one block, in one row, from this seq on.
Bytes transfers(Seq first);
/// The seqs of one account in one batch, from this one on.
Bytes entries(const AccountId& account, Seq first);
Bytes entries(const AccountId& account);
/// The seq in a key of `transfers` or `entries`: its last 8 bytes.
Result<Seq> seq_of(ByteView key);
}  // namespace journal_key

/// Rows of `decision`: what we answered and instructed. Never touched by a reorg.
namespace decision_key {
inline constexpr std::uint8_t kHold = 'H';
inline constexpr std::uint8_t kOpenLeg = 'O';
inline constexpr std::uint8_t kLeg = 'L';
Bytes answer(ChainTag chain, std::uint64_t number);
Bytes hold(const AccountId& account, const Hash32& release);
Bytes holds(const AccountId& account);
Bytes ended_hold(const AccountId& account, const Hash32& release);
Bytes hold_owner(const Hash32& release);
Bytes leg(
    const AccountId& account, std::uint64_t lock, std::uint64_t number, const Hash32& seizure
);
Bytes legs(const AccountId& account);
Bytes leg_place(const Hash32& seizure);
Bytes open_leg(const Hash32& seizure);
/// Instructed legs in the order of their deadlines, to find those of a stretch of time.
inline constexpr std::uint8_t kLegByDeadline = 'W';
Bytes legs_due(UnixSeconds deadline);
Bytes leg_due(UnixSeconds deadline, const Hash32& seizure);
/// Requests that may still be open; a superset, cleaned when an answer or finality settles one.
Bytes open_request(ChainTag chain, std::uint64_t number);
Bytes open_requests(ChainTag chain);
/// Prefix of the chain's stops; a key goes on with the stop's number.
Bytes stops(ChainTag chain);
}  // namespace decision_key

/// Rows of `attest`: log leaves, outbox, documents.
namespace attest_key {
inline constexpr std::uint8_t kByAge = 'N';
inline constexpr std::uint8_t kOpen = 'O';
Bytes leaf(std::uint64_t index);
/// Digest of a leaf's bytes -> its index.
Bytes leaf_digest(const Hash32& digest);
Bytes intent(const Hash32& id);
Bytes by_age(std::uint64_t number);
Bytes open(std::uint64_t number);
Bytes document(std::string_view name);
}  // namespace attest_key

}  // namespace margrave::store::detail
