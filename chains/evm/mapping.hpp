// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/evm/requests.hpp"
#include "chains/evm/watch.hpp"
#include "core/events.hpp"

#include <compare>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

/// Turns logs, transactions and answers that are already proved into mapped events. Pure: who asks
/// a node, and what makes its answer believed, is the adapter's matter (docs/chain-data.md).
namespace margrave::chains::evm {

/// An account whose balances at a watch are to be read.
struct Touch {
    Hash32 source;
    AccountId account;
    auto operator<=>(const Touch&) const = default;
};

/// What the logs or transactions of one block mean.
struct MappedBlock {
    std::vector<ChainEvent> events;
    std::set<Touch> touched;
};

/// A transaction of a block, as its signed bytes and its receipt prove it: `from` is the signer,
/// `succeeded` the status.
struct NodeTxn {
    Hash32 hash;
    Address from;
    std::optional<Address> to;
    Amount value;
    bool succeeded{false};
};

/// A call that is due at the hash of a block; of several with one place the answers are added.
struct ReadingCall {
    Hash32 source;
    AccountId account;
    Address token;
    bool is_debt{false};
    Address to;
    Bytes data;
    /// "balanceOf(address)", for errors.
    std::string name;
};

/// All watches of one chain. Immutable.
class Mapping {
  public:
    /// kConfig with the first fault; config/ has shown all of them before.
    static Result<Mapping> make(std::span<const WatchSettings> settings);

    Mapping() = default;
    Mapping(Mapping&&) = default;
    Mapping& operator=(Mapping&&) = default;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() = default;

    /// Ascending by source, so that the order in the config decides nothing.
    [[nodiscard]] const std::vector<Watch>& watches() const { return watches_; }

    [[nodiscard]] bool empty() const { return watches_.empty(); }

    /// Who emits what is watched, and topics 0: the filter of a query for logs. It may give logs
    /// that mean nothing; map_logs leaves those out.
    [[nodiscard]] const std::vector<Address>& addresses() const { return addresses_; }

    [[nodiscard]] const std::vector<Hash32>& topics() const { return topics_; }

    /// Native coin is watched: the transactions of every block are needed, whatever its bloom says.
    [[nodiscard]] bool needs_txns() const { return !native_.empty(); }

    /// False when a block's bloom proves that no log of it is mapped. `in_bloom` says whether the
    /// bloom may hold an address (20 bytes) or a topic (32 bytes).
    using InBloom = std::function<bool(ByteView item)>;
    [[nodiscard]] bool may_touch(const InBloom& in_bloom) const;

    /// The rules for a log, in order; null when it means nothing here.
    struct Match {
        const Watch* watch;
        const Rule* rule;
    };

    [[nodiscard]] const std::vector<Match>* find(const Address& contract, const Hash32& topic)
        const;
    /// The watches of native coin at an address; null when there is none.
    [[nodiscard]] const std::vector<const Watch*>* find_native(const Address& custody) const;
    [[nodiscard]] const Watch* find(const Hash32& source) const;

  private:
    using Key = std::pair<Address, Hash32>;

    // The indexes below point into it, and a move of a vector keeps its elements where they are.
    std::vector<Watch> watches_;
    std::map<Key, std::vector<Match>> rules_;
    std::map<Address, std::vector<const Watch*>> native_;
    std::vector<Address> addresses_;
    std::vector<Hash32> topics_;
};

/// The mapped events of one block, in log order. `logs` are all proved logs of the block that the
/// filter lets through, others may be among them. kUnproved for a log of a watched contract with a
/// watched topic that is not encoded as its event says: what it means is not known, so nothing of
/// the block may be believed.
Result<MappedBlock> map_logs(
    const Mapping& mapping, const BlockRef& block, std::span<const NodeLog> logs
);

/// The same for transactions that send native coin to or from a custody address. What contracts
/// send inside a transaction leaves no trace in a block and is not seen.
MappedBlock map_txns(const Mapping& mapping, std::span<const NodeTxn> txns);

/// The calls that are due for `touched`, ascending by (source, account). Accounts of watches
/// without calls, and sources that are none of ours, have none.
std::vector<ReadingCall> due_readings(const Mapping& mapping, const std::set<Touch>& touched);

/// One event for each balance that `calls` read; they come last in their block. `answers` are the
/// answers to `calls` in their order. kUnproved when an answer is no number of 32 bytes.
Result<std::vector<ChainEvent>> read_balances(
    std::span<const ReadingCall> calls, std::span<const Bytes> answers
);

}  // namespace margrave::chains::evm
