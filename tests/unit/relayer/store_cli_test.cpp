// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "store/database.hpp"
#include "store/ledger.hpp"
#include "tests/support/process.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace margrave {
namespace {

using nlohmann::json;
using test::ProcessResult;
namespace fs = std::filesystem;

// `margrave store` as an operator meets it, on the local example.
class StoreCli : public testing::Test {
  protected:
    StoreCli() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        dir_ = fs::temp_directory_path() / (std::string("margrave-store-cli-") + test->name() +
                                            "-" + std::to_string(::getpid()));
        fs::remove_all(dir_);
        fs::create_directories(dir_);
        fs::copy(
            fs::path(MARGRAVE_SOURCE_DIR) / "config/examples/local.json", dir_ / "margrave.json"
        );
        const json checked = run_json({"config", "check"}, 0);
        network_ = parse_hash32(checked["network"].get<std::string>()).value();
    }

    ~StoreCli() override { fs::remove_all(dir_); }

    ProcessResult run(std::vector<std::string> arguments) const {
        test::ProcessOptions options;
        options.arguments = std::move(arguments);
        options.directory = dir_;
        return test::run_process(MARGRAVE_BINARY, options);
    }

    json run_json(std::vector<std::string> arguments, int exit_code) const {
        arguments.insert(arguments.begin(), {"--output", "json"});
        const ProcessResult done = run(std::move(arguments));
        EXPECT_EQ(done.exit_code, exit_code) << done.out << done.err;
        return json::parse(done.out);
    }

    [[nodiscard]] fs::path store_dir() const { return dir_ / "data" / "store"; }

    void make_store() const {
        auto database = store::Database::open({store_dir(), network_});
        ASSERT_TRUE(database) << database.error().detail;
        store::Ledger ledger(*database.value());
        const auto asset = AssetId::native(ChainId::evm(1));
        ASSERT_TRUE(ledger.define(asset, 18));
        store::Decision decision;
        decision.documents.emplace_back("notes/current", to_bytes("x"));
        ASSERT_TRUE(database.value()->commit(decision));
    }

    fs::path dir_;
    Hash32 network_;
};

TEST_F(StoreCli, WithoutAStoreEveryCommandSaysSoAndMakesNone) {
    for (const char* command : {"check", "verify", "stats", "compact"}) {
        const json out = run_json({"store", command}, 1);
        EXPECT_EQ(out["error"]["code"], "not_found") << command << out.dump();
    }
    EXPECT_EQ(run_json({"store", "backup", "backups"}, 1)["error"]["code"], "not_found");
    EXPECT_EQ(run_json({"store", "restore", "backups"}, 1)["error"]["code"], "not_found");
    EXPECT_FALSE(fs::exists(store_dir()));
}

TEST_F(StoreCli, ChecksReadBesideAWriter) {
    make_store();
    const auto writer = store::Database::open({store_dir(), network_});
    ASSERT_TRUE(writer);
    EXPECT_EQ(run_json({"store", "check"}, 0)["ok"], true);
    const json verified = run_json({"store", "verify"}, 0);
    EXPECT_EQ(verified["ok"], true);
    EXPECT_GT(verified["rows"].get<int>(), 3);
    EXPECT_EQ(run_json({"store", "stats"}, 0)["decisions"], 1);
    EXPECT_EQ(run_json({"store", "compact"}, 5)["error"]["code"], "locked");
}

TEST_F(StoreCli, RatesOfLoansAreThoseThatEventsTold) {
    make_store();
    EXPECT_EQ(run_json({"ledger", "rates"}, 0)["ledgers"], json::array());
    EXPECT_NE(
        run({"ledger", "rates"}).out.find("no event told what loans cost"), std::string::npos
    );
    const ChainId chain = ChainId::evm(1);
    {
        const auto database = store::Database::open({store_dir(), network_});
        store::Ledger ledger(*database.value());
        BlockData told;
        told.block.number = BlockNum{7};
        told.block.hash.data[0] = 7;
        told.block.time = UnixSeconds{1'000};
        MappedEvent event;
        event.what = MappedRate{Address{}, yearly_rate(Amount{5}, 2, false)};
        event.source = keccak256(std::string_view("rates"));
        Address teller;
        teller.data.back() = 9;
        told.events.push_back({event, Hash32{}, 3, teller});
        ASSERT_TRUE(ledger.apply(chain, BlockApplied{told}));
        BlockData later;
        later.block.number = BlockNum{8};
        later.block.hash.data[0] = 8;
        later.block.parent = told.block.hash;
        later.block.time = UnixSeconds{1'000 + kSecondsOfYear / 2};
        ASSERT_TRUE(ledger.apply(chain, BlockApplied{later}));
    }
    const json row = run_json({"ledger", "rates"}, 0)["ledgers"].at(0);
    EXPECT_EQ(row["asset"], AssetId::native(chain).text());
    EXPECT_EQ(row["rate"], "0.05");
    EXPECT_EQ(row["index"], "1.025");
    EXPECT_EQ(row["block"], "8");
    EXPECT_EQ(row["loans"], "0");
    EXPECT_EQ(row["interest"], "0");
    EXPECT_EQ(row["unbooked"], "0");
    // The config has no watch of that name any more.
    const std::string hash = to_hex(keccak256(std::string_view("rates")));
    const json told = {
        {"watch", hash},
        {"contract", "0x0000000000000000000000000000000000000009"},
        {"block", "7"},
        {"time", "1000"},
        {"age", "15768000"},
        {"transaction", to_hex(Hash32{})},
        {"log", "3"}};
    EXPECT_EQ(row["told"], told);
    const std::string words = run({"ledger", "rates"}).out;
    EXPECT_NE(words.find("rate 0.05 a year, index 1.025 at block 8"), std::string::npos) << words;
    EXPECT_NE(words.find("in block 7, 182 d 12 h before"), std::string::npos) << words;
}

TEST_F(StoreCli, AMarkThatIsAheadIsAFinding) {
    make_store();
    fs::copy(store_dir(), dir_ / "older", fs::copy_options::recursive);
    {
        const auto database = store::Database::open({store_dir(), network_});
        store::Decision decision;
        decision.documents.emplace_back("notes/current", to_bytes("y"));
        ASSERT_TRUE(database.value()->commit(decision));
    }
    fs::copy_file(
        store_dir() / "decisions.mark",
        dir_ / "older" / "decisions.mark",
        fs::copy_options::overwrite_existing
    );
    fs::remove_all(store_dir());
    fs::rename(dir_ / "older", store_dir());
    const json out = run_json({"store", "check"}, 4);
    EXPECT_EQ(out["ok"], false);
    EXPECT_NE(out["findings"][0].get<std::string>().find("were acknowledged"), std::string::npos);
}

TEST_F(StoreCli, ABackupComesBackWhereNothingIsAndNowhereElse) {
    make_store();
    const json made = run_json({"store", "backup", "backups", "--verify"}, 0);
    EXPECT_EQ(made["id"], 1);
    EXPECT_EQ(made["about"]["decisions"], 1);
    EXPECT_FALSE(fs::exists(store_dir() / "copy"));
    EXPECT_EQ(run_json({"store", "backup", "backups", "--keep", "1"}, 0)["id"], 2);
    EXPECT_EQ(run_json({"store", "backups", "backups"}, 0).size(), 1U);
    EXPECT_EQ(run_json({"store", "restore", "backups"}, 2)["error"]["code"], "usage");
    fs::remove_all(store_dir());
    const json restored = run_json({"store", "restore", "backups"}, 0);
    EXPECT_EQ(restored["backup"], 2);
    EXPECT_EQ(restored["added"]["leaves"], 0);
    EXPECT_FALSE(fs::exists(dir_ / "data" / "store.restoring"));
    EXPECT_FALSE(fs::exists(dir_ / "data" / "guard"));
    const json checked = run_json({"store", "check"}, 0);
    EXPECT_EQ(checked["decisions"], 1);
    EXPECT_TRUE(checked["restored"].is_string());
}

TEST_F(StoreCli, ADumpIsJsonLines) {
    make_store();
    const ProcessResult done = run({"store", "dump", "attest", "--prefix", "44", "--limit", "1"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    const json row = json::parse(done.out);
    EXPECT_EQ(row["key"].get<std::string>().substr(0, 4), "0x44");
    EXPECT_EQ(run_json({"store", "dump", "nothing"}, 2)["error"]["code"], "usage");
    EXPECT_EQ(run({"store", "dump", "attest", "--prefix", "4"}).exit_code, 1);
}

}  // namespace
}  // namespace margrave
