// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/price_world.hpp"

#include "core/keccak.hpp"
#include "oracle/sequencer.hpp"
#include "tests/integration/contract_calls.hpp"
#include "tests/support/vectors.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace margrave::tests {
namespace {

using nlohmann::json;
namespace abi = chains::evm::abi;

std::string text_of(const std::filesystem::path& file) {
    const auto text = read_file(file.string());
    if (!text) {
        throw std::runtime_error("there is no " + file.string() + "; run npm ci in contracts");
    }
    return *text;
}

std::uint64_t quantity(const json& value) {
    return std::stoull(value.get<std::string>(), nullptr, 16);
}

}  // namespace

PriceWorld::PriceWorld() {
    anvil_ = must(Anvil::start(), "anvil");
    settings_.chain = ChainId::evm(anvil_->chain_id());
    settings_.network = keccak256(std::string_view("prices"));
    settings_.rpc_timeout = std::chrono::seconds(20);
    chains::EndpointSettings endpoint;
    endpoint.name = "anvil";
    endpoint.http = anvil_->url();
    endpoint.operator_name = "anvil";
    settings_.endpoints.assign(1, endpoint);
    settings_.agreement = 1;
    adapter_ = must(chains::make_adapter(loop_.executor(), settings_), "adapter");
    for (const json& account : rpc("eth_accounts", json::array())) {
        people_.push_back(must(parse_address(account.get<std::string>()), "account"));
    }
}

PriceWorld::~PriceWorld() = default;

json PriceWorld::rpc(std::string_view method, const json& params) {
    return must(anvil_->rpc(method, params.dump()), method);
}

// anvil mines a block for each transaction, soon after it has answered.
json PriceWorld::transact(const Address& from, json transaction) {
    constexpr int kTries = 500;
    transaction["from"] = to_hex(from);
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
        throw std::runtime_error("failed: " + transaction.dump().substr(0, 400));
    }
    return receipt;
}

Address PriceWorld::create(Bytes code, std::string_view constructor, const Values& arguments) {
    if (!arguments.empty()) {
        const auto type = must(abi::parse_type(constructor), constructor);
        put_bytes(code, must(abi::encode(type, abi::Value(arguments)), constructor));
    }
    const json receipt = transact(person(), json{{"data", to_hex(ByteView(code))}});
    return must(parse_address(receipt.at("contractAddress").get<std::string>()), "create");
}

Address PriceWorld::create(
    const std::string& name, std::string_view constructor, const Values& arguments
) {
    const std::filesystem::path root(MARGRAVE_SOURCE_DIR);
    Bytes code = bytecode(root / "contracts" / "artifacts" / (name + ".json"));
    return create(std::move(code), constructor, arguments);
}

void PriceWorld::send(const Address& to, std::string_view call, const Values& values) {
    send_as(person(), to, call, values);
}

void PriceWorld::send_as(
    const Address& from, const Address& to, std::string_view call, const Values& values
) {
    const Bytes data = call_data(call, abi::Value(values));
    transact(from, json{{"to", to_hex(to)}, {"data", to_hex(ByteView(data))}});
}

Bytes PriceWorld::read(const Address& to, std::string_view call, const Values& values) {
    const Bytes data = call_data(call, abi::Value(values));
    const json transaction{{"to", to_hex(to)}, {"data", to_hex(ByteView(data))}};
    const json answer = rpc("eth_call", json::array({transaction, "latest"}));
    return must(parse_hex(answer.get<std::string>()), call);
}

void PriceWorld::pass(std::uint64_t seconds) {
    rpc("evm_increaseTime", json::array({seconds}));
    rpc("evm_mine", json::array());
}

BlockRef PriceWorld::head() {
    const json block = rpc("eth_getBlockByNumber", json::array({"latest", false}));
    BlockRef out;
    out.number = BlockNum(quantity(block.at("number")));
    out.hash = must(parse_hash32(block.at("hash").get<std::string>()), "hash");
    out.parent = must(parse_hash32(block.at("parentHash").get<std::string>()), "parent");
    out.time = UnixSeconds(quantity(block.at("timestamp")));
    return out;
}

oracle::Heads PriceWorld::heads() {
    return {{settings_.chain, head()}};
}

oracle::CallAt PriceWorld::call_at() {
    return [this](ChainId, Address to, Bytes data, Hash32 block) {
        return adapter_->call_at(to, std::move(data), block);
    };
}

std::unique_ptr<oracle::Source> PriceWorld::source(std::string kind, Canonical::Object settings) {
    oracle::SourceSettings out;
    out.name = "under-test";
    out.kind = std::move(kind);
    settings.emplace("chain", settings_.chain.text());
    out.settings = std::move(settings);
    return must(oracle::make_source(out, call_at()), out.kind);
}

oracle::Answer PriceWorld::ask(oracle::Source& source) {
    const oracle::Heads at = heads();
    return loop_.run(source.read(at, at.begin()->second.time));
}

Result<void> PriceWorld::probe(oracle::Source& source) {
    const oracle::Heads at = heads();
    return loop_.run(source.probe(at));
}

oracle::PriceSet PriceWorld::prices(std::vector<oracle::AssetOracleSettings> assets) {
    oracle::Oracle oracle(std::move(assets), call_at());
    oracle::Heads at = heads();
    const UnixSeconds now = at.begin()->second.time;
    return loop_.run(oracle.read(std::move(at), now));
}

std::string PriceWorld::hold(const Address& uptime_feed, std::uint64_t grace_s) {
    const BlockRef at = head();
    oracle::SequencerFeed feed{.chain = chain(), .feed = uptime_feed, .grace_s = grace_s};
    const auto holds = loop_.run(
        oracle::read_sequencers({std::move(feed)}, call_at(), {{chain(), at.hash}}, at.time)
    );
    const auto found = holds.find(chain());
    return found == holds.end() ? std::string{} : found->second;
}

std::filesystem::path PriceWorld::package(std::string_view path) {
    return std::filesystem::path(MARGRAVE_SOURCE_DIR) / "contracts" / "node_modules" / path;
}

Bytes PriceWorld::bytecode(const std::filesystem::path& artifact) {
    const json document = json::parse(text_of(artifact));
    // Chainlink's artifacts have it elsewhere.
    const json::json_pointer place(
        document.contains("compilerOutput") ? "/compilerOutput/evm/bytecode/object" : "/bytecode"
    );
    const json& code = document.at(place);
    return must(parse_hex(code.get<std::string>()), artifact.string());
}

Bytes PriceWorld::bare_bytecode(const std::filesystem::path& file) {
    std::string text = text_of(file);
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return must(parse_hex("0x" + text), file.string());
}

}  // namespace margrave::tests
