// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/bytes.hpp"
#include "core/ids.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace margrave::chains {

/// What an endpoint may be asked.
struct RateSettings {
    /// Requests a second, a batch counting as its calls; zero: no limit.
    std::uint64_t per_second{0};
    /// Requests under way at one time.
    std::uint64_t concurrency{4};
    /// USD for a million requests, for the estimate of the monthly cost.
    Money usd_per_million;
};

/// One node that answers for a chain.
struct EndpointSettings {
    std::string name;
    /// Who runs it. Endpoints of one operator are one source in an agreement.
    std::string operator_name;
    /// http:// or https:// URL. Userinfo and path may hold a key: logs print `name` only.
    std::string http;
    /// ws:// or wss:// URL of the same node; empty when heads are only polled for.
    std::string ws;
    RateSettings rate;
};

enum class FinalityMode : std::uint8_t { kFinalizedTag, kSafeTag, kDepth };

/// What makes the events of a block believed (docs/threat-model.md says what each promises).
enum class ProofMode : std::uint8_t {
    /// Headers are hashed again, logs are those of receipts that give the header's receiptsRoot.
    kReceipts,
    /// Logs fold to the accumulator that the contract keeps, itself proved against the state root.
    kAccumulator,
    /// As many operators as the agreement asks for give the same logs; for chains whose headers
    /// cannot be hashed again.
    kAgreement,
};

/// Chainlink's sequencer uptime feed of an L2 (docs.chain.link/data-feeds/l2-sequencer-feeds).
struct SequencerSettings {
    /// On the same chain. Answer 0: up, 1: down.
    Address feed;
    /// How long after it came up again nothing is liquidated.
    std::uint64_t grace_s{3600};
};

struct FinalitySettings {
    FinalityMode mode{FinalityMode::kFinalizedTag};
    /// Blocks below the head, for kDepth; zero where a block is final when it is there.
    std::uint64_t depth{0};
};

/// A token the vault may hold; native coin has no contract to ask for decimals.
struct AssetSettings {
    AssetId asset;
    unsigned decimals{18};
};

struct FeeSettings {
    /// Never pay more per gas, wei.
    std::uint64_t max_fee_wei{200'000'000'000};
    /// Replace after so many blocks without inclusion.
    std::uint64_t replace_after_blocks{2};
};

/// What an event of a watched contract means (docs/watching-a-contract.md).
enum class Meaning : std::uint8_t {
    kDeposit,
    kWithdraw,
    kBorrow,
    kRepay,
    kPosition,
    kLink,
    kUnlink,
    /// Says only that balances of the account may have moved; the watch's calls tell to what.
    kTouch,
    /// What something is worth; of no account.
    kPrice,
    /// What debts to our pool in a token cost from here on; of no account.
    kRate,
};

/// Decimals of a rate that does not say them.
inline constexpr unsigned kRateDecimals = 27;

/// An argument of an event must have a value.
struct WatchFilterSettings {
    std::string argument;
    /// An address, a hash, a number, true or false, or "custody": the watch's own.
    std::string equals;
};

/// Names are those of the arguments in `event`.
struct WatchEventSettings {
    /// "event Deposit(address indexed sender, address indexed owner, uint256 assets)".
    std::string event;
    Meaning meaning{Meaning::kDeposit};
    /// Who emits it; the watch's contract when absent.
    std::optional<Address> contract;
    std::string account;
    /// An argument, an address, or "native"; empty: the watch's token.
    std::string token;
    std::string amount;
    /// Of a position.
    std::string market;
    std::string size;
    std::string entry_price;
    /// Of a link.
    std::string into;
    /// Of a price; without `time` it is as old as its block.
    std::string price;
    std::string time;
    /// Of a rate: the argument, its decimals (27 when absent), and whether it is for a second and
    /// not for a year (no when absent).
    std::string rate;
    std::optional<unsigned> rate_decimals;
    std::optional<bool> rate_per_second;
    /// Of a rate: the first block in which it counts, and the last if it ends.
    std::optional<BlockNum> from_block;
    std::optional<BlockNum> to_block;
    std::vector<WatchFilterSettings> where;
};

/// A balance that events cannot tell, read at the hash of a block.
struct WatchCallSettings {
    /// "function balanceOf(address account) view returns (uint256)": one argument, one number.
    std::string call;
    /// Who is asked; the watch's contract when absent.
    std::optional<Address> contract;
    /// The answer is what the account owes; else what it owns. Answers of one side are added.
    bool is_debt{false};
};

/// What a watch is without a list of events.
enum class WatchPreset : std::uint8_t {
    kNone,
    kErc20Custody,
    kNativeCustody,
    kErc4626,
    kAaveV3Pool
};

/// A contract that is not ours, or an address that holds tokens for others.
struct WatchSettings {
    /// Its keccak names the watch in the ledger.
    std::string name;
    WatchPreset preset{WatchPreset::kNone};
    std::optional<Address> contract;
    std::optional<Address> custody;
    /// What events and calls without a token of their own are in; the contract itself when absent.
    std::optional<Address> token;
    /// Aave's aToken, variable and stable debt token of `token`.
    std::optional<Address> balance_token;
    std::optional<Address> debt_token;
    std::optional<Address> stable_debt_token;
    std::vector<WatchEventSettings> events;
    std::vector<WatchCallSettings> calls;
};

struct ChainSettings {
    ChainId chain;
    std::vector<EndpointSettings> endpoints;
    /// How many operators must say the same before a block is believed.
    std::uint64_t agreement{2};
    ProofMode proof{ProofMode::kAccumulator};
    BlockNum start_block;
    Address vault;
    Address registry;
    Address sale;
    /// Only on the hub chain.
    std::optional<Address> position_book;
    /// keccak of the network's genesis document; the contracts must carry the same.
    Hash32 network;
    /// Hash of block 0; checked at every connect when given.
    std::optional<Hash32> genesis;
    FinalitySettings finality;
    std::optional<SequencerSettings> sequencer;
    std::vector<AssetSettings> assets;
    std::vector<WatchSettings> watch;
    FeeSettings fees;
    std::chrono::milliseconds poll_interval{2000};
    std::chrono::milliseconds rpc_timeout{5000};
    /// Most blocks one step asks for.
    std::uint64_t log_range{2000};
    /// Calls of a hundred that may be asked a second time elsewhere because a node is slow.
    std::uint64_t hedge_percent{10};
};

/// The names of those who run the chain's endpoints, each once.
inline std::set<std::string> operators_of(const ChainSettings& settings) {
    std::set<std::string> out;
    for (const EndpointSettings& endpoint : settings.endpoints) {
        out.insert(endpoint.operator_name);
    }
    return out;
}

}  // namespace margrave::chains
