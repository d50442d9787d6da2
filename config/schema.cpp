// SPDX-License-Identifier: Apache-2.0
#include "config/detail/table.hpp"
#include "config/settings.hpp"

#include <algorithm>

namespace margrave::config {
namespace {

using detail::Setting;
using enum detail::Kind;
using enum detail::Need;
using enum detail::Change;

constexpr std::string_view kSingleSource = "yes: one lying node can make this daemon sign a lie";

constexpr std::string_view kSomeAddress = R"("0x52908400098527886E0F7030069857D2E4169EE7")";

// clang-format off
//  pointer, kind, need, default, from, to, sentence, example, change, one_of, hidden
constexpr Setting kTable[] = {
    {"/$schema", kText, kOptional, "", "", "500",
     "Where an editor finds the JSON Schema; margrave does not read it.", R"("./margrave.schema.json")"},
    {"/version", kInteger, kRequired, "", "1", "1",
     "Version of this form.", "1"},

    {"/node", kObject, kRequired, "", "", "",
     "This operator's daemon.", R"({"name": "op-1", "data_dir": "data"})"},
    {"/node/name", kName, kRequired, "", "", "64",
     "Name of this operator; part of the origin of its log.", R"("op-1")"},
    {"/node/data_dir", kPath, kRequired, "", "", "",
     "Directory of ledger, signing guard and log; relative to this file.", R"("/var/lib/margrave")"},

    {"/accept_single_source", kExact, kOptional, "", kSingleSource, "",
     "Lets a chain be read from fewer than two operators. Only these exact words do it.",
     R"("yes: one lying node can make this daemon sign a lie")"},

    {"/network", kObject, kToSign, "", "", "",
     "The network's genesis; its hash is the network id that every contract carries.",
     R"({"name": "example", "hub": "eip155:1", "signers": ["0x..."], "threshold": 1, "guardian": "0x..."})",
     kDeploy},
    {"/network/name", kText, kRequired, "", "", "64",
     "Name of the network.", R"("example")", kDeploy},
    {"/network/hub", kChain, kRequired, "", "", "",
     "The chain of the position book, as a CAIP-2 id.", R"("eip155:1")", kDeploy},
    {"/network/signers", kList, kRequired, "", "1", "64",
     "Addresses of the operators whose signatures count; `margrave keys list` prints yours.",
     R"(["0x52908400098527886E0F7030069857D2E4169EE7"])", kDeploy},
    {"/network/signers/*", kAddress, kRequired, "", "", "",
     "One operator's address.", kSomeAddress, kDeploy},
    {"/network/threshold", kInteger, kRequired, "", "1", "64",
     "How many of the signers must sign.", "1", kDeploy},
    {"/network/guardian", kAddress, kRequired, "", "", "",
     "May pause the vaults and veto a new signer set.", kSomeAddress, kDeploy},
    {"/network/exit_silence", kSeconds, kOptional, R"("1d")", "1s", "365d",
     "After so long without an attestation owners may leave by themselves.", R"("1d")", kDeploy},

    {"/deploy", kObject, kOptional, "", "", "",
     "Read by `margrave deploy` only.", R"({"veto_window": "1d"})", kDeploy},
    {"/deploy/veto_window", kSeconds, kOptional, R"("1d")", "0s", "30d",
     "How long the guardian may veto a new signer set.", R"("1d")", kDeploy},
    {"/deploy/sale_start_bps", kInteger, kOptional, "12000", "10000", "65535",
     "First ask of an auction over its floor in basis points; 10000 is the floor.", "12000", kDeploy},
    {"/deploy/sale_duration", kSeconds, kOptional, R"("30m")", "1s", "7d",
     "How long the ask falls to the floor.", R"("30m")", kDeploy},
    {"/deploy/venue", kAddress, kOptional, "", "", "",
     "May post positions on the hub; the guardian when absent.", kSomeAddress, kDeploy},
    {"/deploy/treasury", kAddress, kOptional, "", "", "",
     "May ask for the lending pool's money back; the guardian when absent.", kSomeAddress, kDeploy},
    {"/deployment", kPath, kOptional, R"("deployment.json")", "", "",
     "Where `deploy` writes and `run` reads the contract addresses; relative to this file.",
     R"("deployment.json")"},

    {"/chains", kList, kRequired, "", "1", "64",
     "The chains that are watched.",
     R"([{"id": "eip155:1", "endpoints": [{"name": "a", "http": "https://node-a.internal"}]}])"},
    {"/chains/*", kObject, kRequired, "", "", "",
     "One chain.", R"({"id": "eip155:1", "endpoints": [{"name": "a", "http": "https://node-a.internal"}]})"},
    {"/chains/*/id", kChain, kRequired, "", "", "",
     "CAIP-2 id.", R"("eip155:1")", kTogether},
    {"/chains/*/endpoints", kList, kRequired, "", "1", "16",
     "Nodes that answer for the chain; at least two that different people run.",
     R"([{"name": "a", "http": "https://node-a.internal"}, {"name": "b", "http": "https://node-b.internal"}])"},
    {"/chains/*/endpoints/*", kObject, kRequired, "", "", "",
     "One node.", R"({"name": "a", "http": "https://node-a.internal"})"},
    {"/chains/*/endpoints/*/name", kName, kRequired, "", "", "64",
     "What logs and metrics call the node.", R"("a")"},
    {"/chains/*/endpoints/*/http", kUrl, kRequired, "", "", "",
     "JSON-RPC URL, http or https. It may hold a key: logs print the name only.",
     R"("https://node-a.internal/rpc")"},
    {"/chains/*/endpoints/*/operator", kName, kOptional, "", "", "64",
     "Who runs the node. Endpoints of one operator are one source; when absent, those of one host are.",
     R"("provider-a")"},
    {"/chains/*/endpoints/*/ws", kWsUrl, kOptional, "", "", "",
     "WebSocket URL of the same node, ws or wss: its heads are heard of at once, and checked over http.",
     R"("wss://node-a.internal/ws")"},
    {"/chains/*/endpoints/*/rate", kObject, kOptional, "", "", "",
     "What the node may be asked.", R"({"per_second": 50})"},
    {"/chains/*/endpoints/*/rate/per_second", kInteger, kOptional, "0", "0", "1000000",
     "Requests a second, each call of a batch counted; 0 is no limit.", "50"},
    {"/chains/*/endpoints/*/rate/concurrency", kInteger, kOptional, "4", "1", "64",
     "Requests under way at one time.", "4"},
    {"/chains/*/endpoints/*/rate/usd_per_million", kDecimal, kOptional, R"("0")", "0", "1000000",
     "What a million requests cost, for the estimate of a month.", R"("1.5")"},
    {"/chains/*/agreement", kInteger, kOptional, "", "1", "16",
     "How many operators must say the same before a block is believed; 2 when absent.", "2"},
    {"/chains/*/proof", kChoice, kOptional, R"("accumulator")", "receipts|accumulator|agreement", "",
     "What makes events believed: receipts under re-hashed headers, the contract's own accumulator under the state "
     "root, or the same logs from as many operators as agree.", R"("accumulator")"},
    {"/chains/*/genesis", kHash, kOptional, "", "", "",
     "Hash of block 0, checked at every connect when given.",
     R"("0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3")"},
    {"/chains/*/start_block", kCount, kOptional, "", "", "",
     "First block that is read; when absent that of the deployment file, else \"0\".", R"("19000000")"},
    {"/chains/*/contracts", kObject, kOptional, "", "", "",
     "Contract addresses that win over the deployment file.",
     R"({"vault": "0x52908400098527886E0F7030069857D2E4169EE7"})"},
    {"/chains/*/contracts/registry", kAddress, kOptional, "", "", "",
     "HealthRegistry.", kSomeAddress},
    {"/chains/*/contracts/vault", kAddress, kOptional, "", "", "",
     "Vault.", kSomeAddress},
    {"/chains/*/contracts/sale", kAddress, kOptional, "", "", "",
     "SeizureSale.", kSomeAddress},
    {"/chains/*/contracts/position_book", kAddress, kOptional, "", "", "",
     "PositionBook; on the hub only.", kSomeAddress},
    {"/chains/*/finality", kObject, kOptional, "", "", "",
     "Which blocks count as final.", R"({"mode": "finalized"})"},
    {"/chains/*/finality/mode", kChoice, kOptional, R"("finalized")", "finalized|safe|depth|instant", "",
     "The chain's own tag, a number of blocks below the head, or every block at once.", R"("finalized")"},
    {"/chains/*/finality/depth", kInteger, kOptional, "", "1", "100000",
     "Blocks below the head; with mode \"depth\" only, and needed there.", "64"},
    {"/chains/*/sequencer", kObject, kOptional, "", "", "",
     "Uptime feed of an L2's sequencer; while it is down, and for a while after, nothing is liquidated.",
     R"({"feed": "0x52908400098527886E0F7030069857D2E4169EE7", "grace": "1h"})", kTogether},
    {"/chains/*/sequencer/feed", kAddress, kRequired, "", "", "",
     "Chainlink's L2 sequencer uptime feed on this chain.", kSomeAddress, kTogether},
    {"/chains/*/sequencer/grace", kSeconds, kOptional, R"("1h")", "0s", "7d",
     "How long after the sequencer came back nothing is liquidated.", R"("1h")", kTogether},
    {"/chains/*/max_head_age", kSeconds, kOptional, "", "1s", "7d",
     "Oldest final block a round may stand on here; for chains that make blocks rarely. When absent "
     "/attestation/max_head_age and what finality takes: 20m for \"finalized\", 5m for \"safe\".",
     R"("30m")", kTogether},
    {"/chains/*/watch", kList, kOptional, "", "1", "64",
     "Contracts that are not ours whose events count (docs/watching-a-contract.md).",
     R"([{"name": "lending", "preset": "erc4626", "contract": "0x...", "token": "0x..."}])", kTogether},
    {"/chains/*/watch/*", kObject, kRequired, "", "", "",
     "One contract, or one address that holds tokens for others.",
     R"({"name": "lending", "preset": "erc4626", "contract": "0x...", "token": "0x..."})", kTogether},
    {"/chains/*/watch/*/name", kName, kRequired, "", "", "64",
     "Its keccak names the watch in the ledger; never give the name to another contract.", R"("lending")", kTogether},
    {"/chains/*/watch/*/preset", kChoice, kOptional, "", "erc20-custody|native-custody|erc4626|aave-v3-pool", "",
     "Events and calls that are known; without one they are listed.", R"("erc4626")", kTogether},
    {"/chains/*/watch/*/contract", kAddress, kOptional, "", "", "",
     "Who emits the events: token, vault or pool; none with native-custody.", kSomeAddress, kTogether},
    {"/chains/*/watch/*/custody", kAddress, kOptional, "", "", "",
     "The address that holds the tokens, for the custody presets and for \"custody\" in a filter.", kSomeAddress,
     kTogether},
    {"/chains/*/watch/*/token", kAddress, kOptional, "", "", "",
     "The token that amounts are in; the contract itself when absent.", kSomeAddress, kTogether},
    {"/chains/*/watch/*/balance_token", kAddress, kOptional, "", "", "",
     "aToken of the reserve; with aave-v3-pool only.", kSomeAddress, kTogether},
    {"/chains/*/watch/*/debt_token", kAddress, kOptional, "", "", "",
     "Variable debt token of the reserve; with aave-v3-pool only.", kSomeAddress, kTogether},
    {"/chains/*/watch/*/stable_debt_token", kAddress, kOptional, "", "", "",
     "Stable debt token of the reserve; with aave-v3-pool only.", kSomeAddress, kTogether},
    {"/chains/*/watch/*/events", kList, kOptional, "", "1", "32",
     "What each event means, where no preset says it.",
     R"abi([{"event": "event Deposit(address indexed owner, uint256 amount)", "meaning": "deposit", "account": "owner", "amount": "amount"}])abi",
     kTogether},
    {"/chains/*/watch/*/events/*", kObject, kRequired, "", "", "",
     "One meaning of one event; an event with two meanings stands twice.",
     R"abi({"event": "event Deposit(address indexed owner, uint256 amount)", "meaning": "deposit", "account": "owner", "amount": "amount"})abi",
     kTogether},
    {"/chains/*/watch/*/events/*/event", kText, kRequired, "", "", "1000",
     "The event as Solidity declares it, with the names of its arguments.",
     R"abi("event Deposit(address indexed owner, uint256 amount)")abi", kTogether},
    {"/chains/*/watch/*/events/*/meaning", kChoice, kRequired, "",
     "deposit|withdraw|borrow|repay|position|link|unlink|touch", "",
     "What it does to the account; touch: its balances are to be read.", R"("deposit")", kTogether},
    {"/chains/*/watch/*/events/*/contract", kAddress, kOptional, "", "", "",
     "Who emits it, if not the watch's contract.", kSomeAddress, kTogether},
    {"/chains/*/watch/*/events/*/account", kText, kRequired, "", "", "64",
     "Argument that names the account, an address or a bytes32.", R"("owner")", kTogether},
    {"/chains/*/watch/*/events/*/token", kText, kOptional, "", "", "64",
     "Argument that names the token, or an address, or \"native\"; the watch's token when absent.", R"("token")",
     kTogether},
    {"/chains/*/watch/*/events/*/amount", kText, kOptional, "", "", "64",
     "Argument with the raw units of a deposit, withdraw, borrow or repay.", R"("amount")", kTogether},
    {"/chains/*/watch/*/events/*/market", kText, kOptional, "", "", "64",
     "Argument with the market of a position, a bytes32.", R"("market")", kTogether},
    {"/chains/*/watch/*/events/*/size", kText, kOptional, "", "", "64",
     "Argument with the size of a position, times 1e18.", R"("size")", kTogether},
    {"/chains/*/watch/*/events/*/entry_price", kText, kOptional, "", "", "64",
     "Argument with the entry price of a position in USD, times 1e18.", R"("entryPrice")", kTogether},
    {"/chains/*/watch/*/events/*/into", kText, kOptional, "", "", "64",
     "Argument with the account that a link leads to.", R"("into")", kTogether},
    {"/chains/*/watch/*/events/*/where", kList, kOptional, "", "1", "8",
     "Values that arguments must have for the event to count.", R"([{"argument": "to", "equals": "custody"}])",
     kTogether},
    {"/chains/*/watch/*/events/*/where/*", kObject, kRequired, "", "", "",
     "One argument.", R"({"argument": "to", "equals": "custody"})", kTogether},
    {"/chains/*/watch/*/events/*/where/*/argument", kText, kRequired, "", "", "64",
     "Its name.", R"("to")", kTogether},
    {"/chains/*/watch/*/events/*/where/*/equals", kText, kRequired, "", "", "80",
     "An address, a hash, a number, true, false, or the watch's \"custody\" or \"token\".", R"("custody")", kTogether},
    {"/chains/*/watch/*/calls", kList, kOptional, "", "1", "8",
     "Balances that events cannot tell, read at the block's hash when an account was touched and when it is final.",
     R"abi([{"call": "function balanceOf(address account) view returns (uint256)", "gives": "balance"}])abi", kTogether},
    {"/chains/*/watch/*/calls/*", kObject, kRequired, "", "", "",
     "One call; answers that give the same are added.",
     R"abi({"call": "function balanceOf(address account) view returns (uint256)", "gives": "balance"})abi", kTogether},
    {"/chains/*/watch/*/calls/*/call", kText, kRequired, "", "", "500",
     "A view that takes the account and answers one number, as Solidity declares it.",
     R"abi("function balanceOf(address account) view returns (uint256)")abi", kTogether},
    {"/chains/*/watch/*/calls/*/gives", kChoice, kRequired, "", "balance|debt", "",
     "What the account owns there, or what it owes.", R"("balance")", kTogether},
    {"/chains/*/watch/*/calls/*/contract", kAddress, kOptional, "", "", "",
     "Who is asked, if not the watch's contract.", kSomeAddress, kTogether},
    {"/chains/*/poll_interval", kDuration, kOptional, R"("2s")", "50ms", "10m",
     "How often the head is asked for.", R"("2s")"},
    {"/chains/*/rpc_timeout", kDuration, kOptional, R"("5s")", "100ms", "2m",
     "How long one call may take.", R"("5s")"},
    {"/chains/*/log_range", kInteger, kOptional, "2000", "1", "1000000",
     "Most blocks one eth_getLogs asks for.", "2000"},
    {"/chains/*/hedge_percent", kInteger, kOptional, "10", "0", "100",
     "Calls of a hundred that may be asked a second time elsewhere because a node is slow; 0: none.", "10"},
    {"/chains/*/fees", kObject, kOptional, "", "", "",
     "What this operator pays for transactions.", R"({"max_fee_gwei": "200"})"},
    {"/chains/*/fees/max_fee_gwei", kGwei, kOptional, R"("200")", "0.000000001", "1000000",
     "Never pay more per gas.", R"("200")"},
    {"/chains/*/fees/replace_after_blocks", kInteger, kOptional, "2", "1", "1000",
     "Replace a transaction with a dearer one after so many blocks.", "2"},

    {"/assets", kList, kRequired, "", "1", "256",
     "What counts as collateral or debt.", R"([{"id": "eth", "decimals": 18, "...": "..."}])", kTogether},
    {"/assets/*", kObject, kRequired, "", "", "",
     "One asset over all chains it exists on.", R"({"id": "eth", "decimals": 18, "...": "..."})", kTogether},
    {"/assets/*/id", kName, kRequired, "", "", "32",
     "Short name.", R"("eth")", kTogether},
    {"/assets/*/decimals", kInteger, kRequired, "", "0", "36",
     "Decimals of every form; start-up compares them with the token contracts.", "18", kTogether},
    {"/assets/*/collateral", kObject, kToSign, "", "", "",
     "Part of the value of what is owned that counts, at three levels; initial is the smallest.",
     R"({"initial": "0.8", "liquidation_end": "0.83", "maintenance": "0.85"})", kTogether},
    {"/assets/*/collateral/initial", kDecimal, kRequired, "", "0", "1",
     "Counts when value leaves an account.", R"("0.8")", kTogether},
    {"/assets/*/collateral/liquidation_end", kDecimal, kRequired, "", "0", "1",
     "Counts for where a liquidation stops.", R"("0.83")", kTogether},
    {"/assets/*/collateral/maintenance", kDecimal, kRequired, "", "0", "1",
     "Counts for where a liquidation starts.", R"("0.85")", kTogether},
    {"/assets/*/debt", kObject, kToSign, "", "", "",
     "How heavily what is owed counts, at three levels; initial is the largest.",
     R"({"initial": "1.15", "liquidation_end": "1.12", "maintenance": "1.1"})", kTogether},
    {"/assets/*/debt/initial", kDecimal, kRequired, "", "1", "10",
     "Counts when value leaves an account.", R"("1.15")", kTogether},
    {"/assets/*/debt/liquidation_end", kDecimal, kRequired, "", "1", "10",
     "Counts for where a liquidation stops.", R"("1.12")", kTogether},
    {"/assets/*/debt/maintenance", kDecimal, kRequired, "", "1", "10",
     "Counts for where a liquidation starts.", R"("1.1")", kTogether},
    {"/assets/*/borrowable", kFlag, kOptional, "false", "", "",
     "May it be borrowed.", "true", kTogether},
    {"/assets/*/max_bonus", kDecimal, kOptional, R"("1.05")", "0", "2",
     "The most a buyer of seized collateral may gain, 1 + bonus; 0 when it may not be seized.",
     R"("1.05")", kTogether},
    {"/assets/*/on", kList, kRequired, "", "1", "64",
     "Its forms on the chains.", R"([{"asset": "eip155:1/slip44:60"}])", kTogether},
    {"/assets/*/on/*", kObject, kRequired, "", "", "",
     "One form.", R"({"asset": "eip155:1/slip44:60", "backing": "1"})", kTogether},
    {"/assets/*/on/*/asset", kAsset, kRequired, "", "", "",
     "CAIP-19 id.", R"("eip155:1/slip44:60")", kTogether},
    {"/assets/*/on/*/backing", kDecimal, kOptional, R"("1")", "0", "1",
     "What one unit of this form is worth of the asset; below 1 for a bridged form.", R"("0.98")", kTogether},
    {"/assets/*/price", kObject, kToSign, "", "", "",
     "Where its USD price comes from, and the guards.",
     R"({"sources": [{"name": "usd", "fixed": "1"}], "max_age": "70m", "min": "0.9", "max": "1.1"})", kTogether},
    {"/assets/*/price/sources", kList, kRequired, "", "1", "16",
     "Independent sources; the price is their median.", R"([{"name": "usd", "fixed": "1"}])", kTogether},
    {"/assets/*/price/sources/*", kObject, kRequired, "", "", "",
     "One source.", R"({"name": "usd", "fixed": "1"})", kTogether},
    {"/assets/*/price/sources/*/name", kName, kRequired, "", "", "64",
     "What the log calls the source.", R"("chainlink")", kTogether},
    {"/assets/*/price/sources/*/feed", kObject, kOptional, "", "", "",
     "A Chainlink-shaped aggregator.",
     R"({"chain": "eip155:1", "address": "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419"})", kTogether, "source"},
    {"/assets/*/price/sources/*/feed/chain", kChain, kRequired, "", "", "",
     "The configured chain it is on.", R"("eip155:1")", kTogether},
    {"/assets/*/price/sources/*/feed/address", kAddress, kRequired, "", "", "",
     "Its address.", R"("0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419")", kTogether},
    {"/assets/*/price/sources/*/fixed", kDecimal, kOptional, "", "0.000000000000000001", "1000000000000",
     "A price that never moves; for development.", R"("1")", kTogether, "source"},
    {"/assets/*/price/max_age", kSeconds, kRequired, "", "1s", "7d",
     "Older answers are refused; a little more than the feed's heartbeat.", R"("70m")", kTogether},
    {"/assets/*/price/min", kDecimal, kRequired, "", "0.000000000000000001", "1000000000000",
     "Lowest USD price of a whole unit that is believed.", R"("100")", kTogether},
    {"/assets/*/price/max", kDecimal, kRequired, "", "0.000000000000000001", "1000000000000",
     "Highest USD price of a whole unit that is believed.", R"("100000")", kTogether},
    {"/assets/*/price/min_sources", kInteger, kOptional, "1", "1", "16",
     "Fewest sources that must give a usable answer.", "2", kTogether},
    {"/assets/*/price/max_spread", kDecimal, kOptional, R"("0.01")", "0", "1",
     "Largest distance of two usable answers, as a part of the price.", R"("0.01")", kTogether},

    {"/liquidation", kObject, kOptional, "", "", "",
     "How an unhealthy account is healed.", R"({"close_factor": "0.5"})", kTogether},
    {"/liquidation/target_buffer", kDecimal, kOptional, R"("0.02")", "0", "1",
     "Health aimed at above the end of liquidation, as a part of the debt.", R"("0.02")", kTogether},
    {"/liquidation/close_factor", kDecimal, kOptional, R"("0.5")", "0", "1",
     "Largest part of the debt that one liquidation repays.", R"("0.5")", kTogether},
    {"/liquidation/close_all_below", kDecimal, kOptional, R"("2000")", "0", "1000000000000",
     "USD of debt under which everything is closed at once.", R"("2000")", kTogether},
    {"/liquidation/dust", kDecimal, kOptional, R"("10")", "0", "1000000000000",
     "USD; a smaller leg is not planned.", R"("10")", kTogether},
    {"/liquidation/deadline", kSeconds, kOptional, R"("10m")", "1s", "7d",
     "How long an instruction may be executed.", R"("10m")", kTogether},

    {"/attestation", kObject, kOptional, "", "", "",
     "Rounds.", R"({"interval": "60s"})"},
    {"/attestation/interval", kDuration, kOptional, R"("60s")", "100ms", "1d",
     "Time from one round to the next.", R"("60s")"},
    {"/attestation/validity", kSeconds, kOptional, R"("10m")", "1s", "7d",
     "How long an attestation is good for; more than twice the interval.", R"("10m")", kTogether},
    {"/attestation/max_head_age", kSeconds, kOptional, R"("10m")", "1s", "6d",
     "How much older than its finality makes it a chain's final block may be at a round; past it the chain is dead, "
     "and accounts with anything there are UNATTESTABLE.", R"("10m")", kTogether},
    {"/attestation/release_deadline", kSeconds, kOptional, R"("10m")", "1s", "7d",
     "How long a granted release may be executed.", R"("10m")", kTogether},

    {"/signer", kObject, kToSign, "", "", "",
     "This operator's key.", R"({"keystore": "keystore.json", "password": {"credential": "keystore-password"}})"},
    {"/signer/keystore", kPath, kRequired, "", "", "",
     "Web3 keystore file, version 3; relative to this file.", R"("keystore.json")"},
    {"/signer/password", kObject, kRequired, "", "", "",
     "Where the password is read from; never the password itself.",
     R"({"credential": "keystore-password"})", kRestart, "", true},
    {"/signer/password/file", kPath, kOptional, "", "", "",
     "A file; relative to this file.", R"("/etc/margrave/password")", kRestart, "password", true},
    {"/signer/password/credential", kWord, kOptional, "", "", "255",
     "A systemd credential (LoadCredential=).", R"("keystore-password")", kRestart, "password", true},
    {"/signer/password/env", kVariable, kOptional, "", "", "255",
     "An environment variable; other processes of the user can see it.",
     R"("MARGRAVE_PASSWORD")", kRestart, "password", true},

    {"/api", kObject, kOptional, "", "", "",
     "How the running daemon is asked.", R"({"admin_socket": "/run/margrave/admin.sock"})"},
    {"/api/admin_socket", kPath, kOptional, "", "", "",
     "Unix socket of the admin interface; admin.sock in the data directory when absent.",
     R"("/run/margrave/admin.sock")"},

    {"/log", kObject, kOptional, "", "", "",
     "What is logged, to stderr.", R"({"level": "info"})"},
    {"/log/level", kChoice, kOptional, R"("info")", "debug|info|warn|error|off", "",
     "Least level that is logged.", R"("info")"},
    {"/log/format", kChoice, kOptional, R"("auto")", "auto|human|json", "",
     "auto is human on a terminal and JSON lines else.", R"("json")"},
};

// clang-format on

std::string_view parent_of(std::string_view pointer) {
    return pointer.substr(0, pointer.rfind('/'));
}

}  // namespace

std::string_view single_source_words() {
    return kSingleSource;
}

namespace detail {

std::span<const Setting> table() {
    return kTable;
}

const Setting* find(std::string_view pattern) {
    const auto* found = std::ranges::find(kTable, pattern, &Setting::pointer);
    return found == std::end(kTable) ? nullptr : found;
}

std::vector<const Setting*> children(std::string_view pattern) {
    std::vector<const Setting*> out;
    for (const Setting& setting : kTable) {
        if (parent_of(setting.pointer) == pattern) {
            out.push_back(&setting);
        }
    }
    return out;
}

std::string_view name_of(const Setting& setting) {
    return setting.pointer.substr(setting.pointer.rfind('/') + 1);
}

std::vector<std::string_view> choices(const Setting& setting) {
    std::vector<std::string_view> out;
    std::string_view rest = setting.from;
    while (true) {
        const std::size_t bar = rest.find('|');
        out.push_back(rest.substr(0, bar));
        if (bar == std::string_view::npos) {
            return out;
        }
        rest.remove_prefix(bar + 1);
    }
}

std::string_view to_string(Change change) {
    switch (change) {
        case Change::kRestart:
            return "restart";
        case Change::kTogether:
            return "together";
        case Change::kDeploy:
            return "deploy";
    }
    return "restart";
}

}  // namespace detail
}  // namespace margrave::config
