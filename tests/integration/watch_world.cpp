// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/watch_world.hpp"

#include "chains/rpc/codec.hpp"
#include "core/keccak.hpp"
#include "tests/integration/contract_calls.hpp"
#include "tests/support/vectors.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <stdlib.h>
#include <unistd.h>

namespace margrave::tests {
namespace {

using nlohmann::json;
namespace abi = chains::evm::abi;
namespace evm = chains::evm;

// The three bits of an item in a block's bloom (the yellow paper, section 4.3.1).
bool in_bloom(const Bytes& bloom, ByteView item) {
    const Hash32 hash = keccak256(item);
    for (std::size_t i = 0; i < 6; i += 2) {
        const unsigned bit = (unsigned{hash.data[i]} << 8U | hash.data[i + 1]) & 2047U;
        if ((unsigned{bloom[255 - bit / 8]} >> (bit % 8) & 1U) == 0) {
            return false;
        }
    }
    return true;
}

}  // namespace

WatchWorld::WatchWorld() {
    AnvilOptions options;
    options.arguments = {"--slots-in-an-epoch", "1", "--disable-code-size-limit"};
    anvil_ = must(Anvil::start(options), "anvil");
    chain_ = ChainId::evm(anvil_->chain_id());
    for (const json& account : rpc("eth_accounts", json::array())) {
        people_.push_back(must(parse_address(account.get<std::string>()), "account"));
    }
    std::string pattern =
        (std::filesystem::temp_directory_path() / "margrave-watch-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::runtime_error("no temporary directory at " + pattern);
    }
    dir_ = pattern;
    const Hash32 network = keccak256(std::string_view("watch"));
    db_ = must(store::Database::open({dir_, network}), "database");
    ledger_ = std::make_unique<store::Ledger>(*db_);
}

WatchWorld::~WatchWorld() {
    ledger_.reset();
    db_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
}

json WatchWorld::rpc(std::string_view method, const json& params) {
    return must(anvil_->rpc(method, params.dump()), method);
}

// anvil mines a block for each transaction, soon after it has answered.
json WatchWorld::send(json transaction) {
    constexpr int kTries = 500;
    transaction["gas"] = "0x1c00000";
    const json hash = rpc("eth_sendTransaction", json::array({transaction}));
    json receipt;
    for (int i = 0; i < kTries && receipt.is_null(); ++i) {
        receipt = rpc("eth_getTransactionReceipt", json::array({hash}));
        if (receipt.is_null()) {
            ::usleep(10'000);
        }
    }
    if (receipt.is_null() || receipt["status"] != "0x1") {
        throw std::runtime_error(
            (receipt.is_null() ? "no block has " : "failed: ") + transaction.dump().substr(0, 400)
        );
    }
    return receipt;
}

Bytes WatchWorld::bytecode(const std::filesystem::path& artifact, const Links& libraries) {
    const auto text = read_file(artifact.string());
    if (!text) {
        throw std::runtime_error("no artifact at " + artifact.string());
    }
    const json document = json::parse(*text);
    // Chainlink's artifacts have it elsewhere.
    const json::json_pointer where(
        document.contains("compilerOutput") ? "/compilerOutput/evm/bytecode/object" : "/bytecode"
    );
    std::string code = document.at(where).get<std::string>();
    const json references = document.value("linkReferences", json::object());
    for (const auto& [file, names] : references.items()) {
        for (const auto& [name, places] : names.items()) {
            const std::string address = to_hex(libraries.at(name)).substr(2);
            for (const json& place : places) {
                code.replace(2 + 2 * place.at("start").get<std::size_t>(), 40, address);
            }
        }
    }
    return must(parse_hex(code), artifact.string());
}

Address WatchWorld::create(Bytes code, std::string_view constructor, const Values& arguments) {
    if (!arguments.empty()) {
        const auto type = must(abi::parse_type(constructor), constructor);
        put_bytes(code, must(abi::encode(type, abi::Value(arguments)), constructor));
    }
    const json receipt =
        send(json{{"from", to_hex(people_.front())}, {"data", to_hex(ByteView(code))}});
    return must(parse_address(receipt.at("contractAddress").get<std::string>()), "create");
}

Address WatchWorld::create(
    const std::string& name, std::string_view constructor, const Values& arguments
) {
    const std::filesystem::path root(MARGRAVE_SOURCE_DIR);
    return create(
        bytecode(root / "contracts" / "artifacts" / (name + ".json")), constructor, arguments
    );
}

void WatchWorld::send(
    const Address& from, const Address& to, std::string_view call, const Values& values
) {
    const Bytes data = call_data(call, abi::Value(values));
    send(json{{"from", to_hex(from)}, {"to", to_hex(to)}, {"data", to_hex(ByteView(data))}});
}

void WatchWorld::pay(const Address& from, const Address& to, std::uint64_t wei) {
    send(json{{"from", to_hex(from)}, {"to", to_hex(to)}, {"value", chains::rpc::to_quantity(wei)}}
    );
}

Hash32 WatchWorld::read(const Address& to, std::string_view call, const Values& values) {
    return read_word(to, call, values, 0);
}

Hash32 WatchWorld::read_word(
    const Address& to, std::string_view call, const Values& values, std::size_t word
) {
    const Bytes data = call_data(call, abi::Value(values));
    const json transaction{{"to", to_hex(to)}, {"data", to_hex(ByteView(data))}};
    const json answer = rpc("eth_call", json::array({transaction, "latest"}));
    return must(parse_hash32("0x" + answer.get<std::string>().substr(2 + 64 * word, 64)), call);
}

Amount WatchWorld::balance_of(const Address& token, const Address& holder) {
    if (token.is_zero()) {
        const json answer = rpc("eth_getBalance", json::array({to_hex(holder), "latest"}));
        return must(chains::rpc::amount_of(answer, "eth_getBalance"), "balance");
    }
    return Amount::from_word(read(token, "balanceOf(address)", {abi::Value(holder)}));
}

void WatchWorld::mine(std::uint64_t blocks, std::uint64_t seconds_each) {
    rpc("anvil_mine",
        json::array({chains::rpc::to_quantity(blocks), chains::rpc::to_quantity(seconds_each)}));
}

AssetId WatchWorld::asset(const Address& token) const {
    return token.is_zero() ? AssetId::native(chain_) : AssetId::erc20(chain_, token);
}

void WatchWorld::define(const Address& token, unsigned decimals) {
    must(ledger_->define(asset(token), decimals), "define");
}

void WatchWorld::watch(std::vector<chains::WatchSettings> settings) {
    mapping_ = must(evm::Mapping::make(settings), "mapping");
}

void WatchWorld::follow() {
    const json head = rpc("eth_blockNumber", json::array());
    const std::uint64_t last = must(chains::rpc::u64_of(head, "eth_blockNumber"), "head");
    const auto known = ledger_->chain_state(chain_).head;
    for (std::uint64_t n = known ? known->number.value + 1 : 0; n <= last; ++n) {
        apply(n, false);
    }
}

void WatchWorld::follow_all_readings() {
    follow();
    mine(1, 1);
    apply(ledger_->chain_state(chain_).head->number.value + 1, true);
}

void WatchWorld::apply(std::uint64_t number, bool all_readings) {
    const json header =
        rpc("eth_getBlockByNumber", json::array({chains::rpc::to_quantity(number), true}));
    const BlockRef block = must(evm::read_header(header), "header")->block;
    evm::MappedBlock found = mapped(block, header);
    if (all_readings) {
        for (const auto& [source, account] :
             must(ledger_->mapped_accounts(chain_, std::nullopt, 100), "accounts")) {
            found.touched.insert({source, account});
        }
    }
    BlockData data;
    data.block = block;
    data.events = std::move(found.events);
    mapped_events_ += data.events.size();
    for (ChainEvent& event : readings(block, found.touched)) {
        data.events.push_back(std::move(event));
    }
    must(ledger_->apply(chain_, BlockApplied{std::move(data)}), "apply");
}

evm::MappedBlock WatchWorld::mapped(const BlockRef& block, const json& header) {
    const Bytes bloom = must(parse_hex(header.at("logsBloom").get<std::string>()), "bloom");
    const bool may = mapping_.may_touch([&](ByteView item) { return in_bloom(bloom, item); });
    // All logs of the block, those that mean nothing here too.
    const json answer = rpc("eth_getLogs", json::array({json{{"blockHash", to_hex(block.hash)}}}));
    const auto logs = must(evm::read_logs(answer), "logs");
    evm::MappedBlock out = must(evm::map_logs(mapping_, block, logs), "map_logs");
    if (!may) {
        ++blocks_skipped_;
        if (!out.events.empty() || !out.touched.empty()) {
            throw std::runtime_error("a bloom was said to hold nothing, but its block does");
        }
    }
    if (!mapping_.needs_txns()) {
        return out;
    }
    std::vector<evm::NodeTxn> txns;
    for (const json& txn : header.at("transactions")) {
        evm::NodeTxn row;
        row.hash = must(parse_hash32(txn.at("hash").get<std::string>()), "txn");
        row.from = must(parse_address(txn.at("from").get<std::string>()), "from");
        if (!txn.at("to").is_null()) {
            row.to = must(parse_address(txn.at("to").get<std::string>()), "to");
        }
        row.value = must(chains::rpc::amount_of(txn.at("value"), "value"), "value");
        const json receipt = rpc("eth_getTransactionReceipt", json::array({txn.at("hash")}));
        row.succeeded = receipt.at("status") == "0x1";
        txns.push_back(row);
    }
    for (ChainEvent& event : evm::map_txns(mapping_, txns).events) {
        out.events.push_back(std::move(event));
    }
    return out;
}

std::vector<ChainEvent> WatchWorld::readings(
    const BlockRef& block, const std::set<evm::Touch>& touched
) {
    const auto calls = evm::due_readings(mapping_, touched);
    std::vector<Bytes> answers;
    for (const evm::ReadingCall& call : calls) {
        const json transaction{{"to", to_hex(call.to)}, {"data", to_hex(ByteView(call.data))}};
        const json at{{"blockHash", to_hex(block.hash)}};
        const json answer = rpc("eth_call", json::array({transaction, at}));
        answers.push_back(must(parse_hex(answer.get<std::string>()), call.name));
    }
    return must(evm::read_balances(calls, answers), "readings");
}

void WatchWorld::reorg(std::uint64_t depth) {
    const auto head = ledger_->chain_state(chain_).head;
    const auto ancestor = ledger_->block_at(chain_, BlockNum(head->number.value - depth));
    must(anvil_->reorg(depth), "reorg");
    must(ledger_->apply(chain_, BlocksReverted{*ancestor}), "revert");
}

Holding WatchWorld::holding(const Address& account, const Address& token) {
    const auto all = must(ledger_->holdings_at_head(account_of(account)), "holdings");
    for (const Holding& row : all.holdings) {
        if (row.asset == asset(token)) {
            return row;
        }
    }
    return {};
}

Amount WatchWorld::custody(std::string_view watch, const Address& token) {
    for (const store::LedgerDefinition& row : ledger_->ledgers()) {
        if (row.asset == asset(token)) {
            const BlockNum head = ledger_->chain_state(chain_).head->number;
            return must(ledger_->custody_at(row.id, keccak256(watch), head), "custody");
        }
    }
    return {};
}

}  // namespace margrave::tests
