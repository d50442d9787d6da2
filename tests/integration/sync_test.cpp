// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/rpc/codec.hpp"
#include "config/settings.hpp"
#include "core/keccak.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"
#include "tests/integration/event_bank.hpp"
#include "tests/support/anvil.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/process.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

// `margrave sync` against a real node: a config that has nothing but an event mapping, and a ledger
// that must say what the contract's own storage says.
namespace margrave::tests {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class SyncOnAnvil : public testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        AnvilOptions options;
        // Finality two blocks behind the head, as many epochs as mainnet; room for large blocks.
        options.arguments = {"--slots-in-an-epoch", "1", "--gas-limit", "300000000"};
        anvil_ = Anvil::start(options).value();
        bank_ = EventBank::create(*anvil_).value();
        char name[] = "/tmp/margrave-sync-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        dir_ = name;
    }

    void TearDown() override {
        if (!dir_.empty()) {
            fs::remove_all(dir_);
        }
    }

    [[nodiscard]] std::string chain() const {
        return "eip155:" + std::to_string(anvil_->chain_id());
    }

    [[nodiscard]] std::string asset() const { return chain() + "/erc20:" + to_hex(bank_.at); }

    /// Nothing but what reading needs: no network, no signer, no contracts, no prices.
    void write_config(const std::string& proof) {
        json endpoint = {{"name", "node"}, {"operator", "me"}, {"http", anvil_->url()}};
        json event = {
            {"event",
             "event Deposit(address indexed account, address indexed token, uint256 amount)"},
            {"meaning", "deposit"},
            {"account", "account"},
            {"token", "token"},
            {"amount", "amount"}};
        json watch = {{"name", "bank"}, {"contract", to_hex(bank_.at)}};
        watch["events"] = json::array();
        watch["events"].push_back(event);
        json settings = {{"id", chain()}, {"proof", proof}, {"poll_interval", "50ms"}};
        settings["endpoints"] = json::array();
        settings["endpoints"].push_back(endpoint);
        settings["watch"] = json::array();
        settings["watch"].push_back(watch);
        json form = {{"asset", asset()}};
        json counted = {{"id", "bank"}, {"decimals", 18}};
        counted["on"] = json::array();
        counted["on"].push_back(form);
        json document = {{"version", 1}, {"node", {{"name", "op"}, {"data_dir", "data"}}}};
        document["accept_single_source"] = config::single_source_words();
        document["chains"] = json::array();
        document["chains"].push_back(settings);
        document["assets"] = json::array();
        document["assets"].push_back(counted);
        std::ofstream(dir_ / "margrave.json") << document.dump(2);
    }

    test::ProcessResult run(
        std::vector<std::string> arguments, const std::string& kill_after = ""
    ) {
        test::ProcessOptions options;
        options.directory = dir_;
        options.timeout = std::chrono::seconds(120);
        if (kill_after.empty()) {
            options.arguments = std::move(arguments);
            return test::run_process(MARGRAVE_BINARY, options);
        }
        options.arguments = {"-s", "KILL", kill_after, MARGRAVE_BINARY};
        options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
        return test::run_process("/usr/bin/timeout", options);
    }

    json sync() {
        const auto result = run({"sync", "--exit-when-caught-up", "--output", "json"});
        EXPECT_EQ(result.exit_code, 0) << result.err;
        EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1) << result.out;
        return result.exit_code == 0 ? json::parse(result.out) : json::object();
    }

    /// The ledger's accounts against the contract's storage.
    void expect_ledger_is_the_chain() {
        const Hash32 network = config::Genesis{}.network();
        const auto database =
            store::Database::open({dir_ / "data" / "store", network, true}).value();
        const store::Ledger ledger(*database);
        for (std::uint64_t i = 0; i < EventBank::kAccounts; i += 7) {
            const Address account = EventBank::account(i);
            const auto held = ledger.holdings_at_head(left_pad_account(account)).value();
            Amount mapped;
            for (const Holding& holding : held.holdings) {
                mapped = holding.mapped;
            }
            EXPECT_EQ(mapped, bank_.balance(*anvil_, account).value()) << i;
        }
        const auto verified = ledger.verify();
        EXPECT_TRUE(verified.has_value()) << verified.error().detail;
    }

    static AccountId left_pad_account(const Address& address) {
        AccountId out;
        out.data = left_pad(address).data;
        return out;
    }

    void expect_totals(const json& report) {
        const auto totals = bank_.totals(*anvil_).value();
        EXPECT_EQ(report.at("totals").at(asset()), totals.sum.to_string());
        EXPECT_TRUE(report.at("unknown_assets").empty());
    }

    std::unique_ptr<Anvil> anvil_;
    EventBank bank_;
    fs::path dir_;
};

TEST_F(SyncOnAnvil, FillsALedgerFromAnEventMappingAlone) {
    for (int i = 0; i < 30; ++i) {
        bank_.deposit(*anvil_, 1'000).value();
    }
    ASSERT_TRUE(anvil_->mine(40).has_value());
    write_config("agreement");
    const json report = sync();
    EXPECT_EQ(report.at("chain"), chain());
    EXPECT_EQ(report.at("events"), 30'000);
    EXPECT_EQ(report.at("from_block"), 0);
    EXPECT_EQ(report.at("to_block"), report.at("blocks").get<std::uint64_t>() - 1);
    EXPECT_GT(report.at("peak_rss_bytes").get<std::uint64_t>(), 1'000'000U);
    EXPECT_LT(report.at("peak_rss_bytes").get<std::uint64_t>(), 300'000'000U);
    EXPECT_GT(report.at("cpu_seconds").get<double>(), 0);
    expect_totals(report);
    expect_ledger_is_the_chain();
    // Once more there is nothing to read, and the totals are the same.
    const json again = sync();
    EXPECT_EQ(again.at("events"), 0);
    EXPECT_EQ(again.at("from_block"), json(nullptr));
    EXPECT_EQ(again.at("totals"), report.at("totals"));
}

TEST_F(SyncOnAnvil, ReceiptsProveTheSame) {
    for (int i = 0; i < 12; ++i) {
        bank_.deposit(*anvil_, 500).value();
        ASSERT_TRUE(anvil_->mine(5).has_value());
    }
    write_config("receipts");
    const json report = sync();
    EXPECT_EQ(report.at("events"), 6'000);
    expect_totals(report);
    expect_ledger_is_the_chain();
}

TEST_F(SyncOnAnvil, ABlockWithTenThousandDeposits) {
    ASSERT_TRUE(anvil_->mine(40).has_value());
    bank_.deposit(*anvil_, 10'000).value();
    ASSERT_TRUE(anvil_->mine(40).has_value());
    write_config("agreement");
    const json report = sync();
    EXPECT_EQ(report.at("events"), 10'000);
    EXPECT_LT(report.at("peak_rss_bytes").get<std::uint64_t>(), 300'000'000U);
    expect_totals(report);
    expect_ledger_is_the_chain();
}

TEST_F(SyncOnAnvil, GoesOnAfterEveryKill) {
    for (int i = 0; i < 40; ++i) {
        bank_.deposit(*anvil_, 1'000).value();
        ASSERT_TRUE(anvil_->mine(2).has_value());
    }
    ASSERT_TRUE(anvil_->mine(10).has_value());
    write_config("agreement");
    int killed = 0;
    for (int i = 0; i < 12; ++i) {
        const std::string after =
            "0." + std::string(i < 6 ? "0" : "") + std::to_string(3 + i) + "5";
        const auto result = run({"sync", "--exit-when-caught-up", "--output", "json"}, after);
        killed += result.exit_code != 0 ? 1 : 0;
    }
    EXPECT_GT(killed, 0);
    const json report = sync();
    expect_totals(report);
    expect_ledger_is_the_chain();
    EXPECT_EQ(report.at("to_block"), bank_.head(*anvil_).value());
}

TEST_F(SyncOnAnvil, WhatRunNeedsAndSyncDoesNotIsNamedByRun) {
    write_config("agreement");
    const auto result = run({"run"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find("/signer: is missing"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("/network: is missing"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("/assets/0/price: is missing"), std::string::npos) << result.err;
    const auto help = run({"sync", "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_NE(help.out.find("--exit-when-caught-up"), std::string::npos);
}

TEST_F(SyncOnAnvil, AChainWithNothingToFollowIsSaidSo) {
    write_config("accumulator");
    json document = json::parse(std::ifstream(dir_ / "margrave.json"));
    document["chains"][0].erase("watch");
    std::ofstream(dir_ / "margrave.json") << document.dump();
    const auto result = run({"sync", "--exit-when-caught-up"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.err.find("nothing to follow"), std::string::npos) << result.err;
}

/// A node that gives no more than some blocks at once.
class Limited final : public chains::rpc::RpcCaller {
  public:
    Limited(std::unique_ptr<chains::rpc::RpcClient> client, std::uint64_t blocks_max)
        : client_(std::move(client)),
          blocks_max_(blocks_max) {}

    [[nodiscard]] const std::string& name() const override { return client_->name(); }

    Task<chains::rpc::RpcResult<json>> call(std::string method, json params) override {
        return client_->call(std::move(method), std::move(params));
    }

    Task<chains::rpc::RpcResult<std::vector<chains::rpc::RpcResult<json>>>> batch(
        std::vector<chains::rpc::RpcCall> calls
    ) override {
        return client_->batch(std::move(calls));
    }

    Task<chains::rpc::RpcResult<chains::rpc::RawAnswer>> call_raw(chains::rpc::RpcCall call
    ) override {
        const json params = json::parse(call.params);
        if (call.method == "eth_getLogs") {
            const auto from = chains::rpc::u64_at(params[0], "fromBlock").value();
            const auto to = chains::rpc::u64_at(params[0], "toBlock").value();
            if (to - from + 1 > blocks_max_) {
                ++refused;
                co_return chains::rpc::RpcError(
                    chains::rpc::RpcClass::kRangeTooLarge,
                    "you can make eth_getLogs requests with up to a " +
                        std::to_string(blocks_max_) + " block range"
                );
            }
        }
        auto answer = co_await client_->call_raw(std::move(call));
        co_return answer;
    }

    std::size_t refused{0};

  private:
    std::unique_ptr<chains::rpc::RpcClient> client_;
    std::uint64_t blocks_max_;
};

class Counter final : public chains::HistorySink {
  public:
    chains::ChainView view() override {
        chains::ChainView out;
        out.head = head;
        out.final = head;
        return out;
    }

    Task<Result<void>> take(std::vector<BlockData> run) override {
        for (const BlockData& data : run) {
            events += data.events.size();
        }
        head = run.back().block;
        co_return ok();
    }

    std::optional<BlockRef> head;
    std::size_t events{0};
};

TEST_F(SyncOnAnvil, AProvidersRangeLimitIsLearnedFromItsWords) {
    for (int i = 0; i < 10; ++i) {
        bank_.deposit(*anvil_, 100).value();
        ASSERT_TRUE(anvil_->mine(30).has_value());
    }
    Loop loop;
    chains::ChainSettings settings;
    settings.chain = ChainId::evm(anvil_->chain_id());
    settings.proof = chains::ProofMode::kAgreement;
    settings.agreement = 1;
    chains::EndpointSettings endpoint;
    endpoint.name = "node";
    endpoint.operator_name = "me";
    endpoint.http = anvil_->url();
    settings.endpoints.push_back(endpoint);
    settings.watch.push_back(bank_.watch());
    auto client =
        chains::rpc::RpcClient::make(loop.executor(), endpoint, {}, infra::Logger{}).value();
    auto limited = std::make_unique<Limited>(std::move(client), 50);
    Limited* node = limited.get();
    chains::evm::EvmAdapter::Callers callers;
    callers.push_back(std::move(limited));
    const auto adapter = chains::evm::EvmAdapter::make(settings, std::move(callers)).value();
    Counter counter;
    const BlockNum to(bank_.head(*anvil_).value());
    const auto read =
        loop.run(adapter->read_history(counter, to, std::chrono::milliseconds(60'000)));
    ASSERT_TRUE(read.has_value()) << read.error().detail;
    EXPECT_EQ(counter.events, 1'000U);
    EXPECT_EQ(counter.head->number, to);
    EXPECT_GE(node->refused, 1U);
    EXPECT_LE(node->refused, 4U);
}

}  // namespace
}  // namespace margrave::tests
