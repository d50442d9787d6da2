// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/config/good_config.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace margrave::config {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

Address address(std::uint8_t last) {
    Address out;
    out.data[19] = last;
    return out;
}

class DeploymentFile : public testing::Test {
  protected:
    DeploymentFile() {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        dir_ = fs::temp_directory_path() / (std::string("margrave-deployment-") + test->name());
        fs::remove_all(dir_);
        fs::create_directories(dir_);
    }

    ~DeploymentFile() override { fs::remove_all(dir_); }

    [[nodiscard]] fs::path file() const { return dir_ / "deployment.json"; }

    void write(std::string_view text) const { std::ofstream(file()) << text; }

    [[nodiscard]] Loaded load_here(const json& document) const {
        return load_text(document.dump(), dir_);
    }

    [[nodiscard]] static Deployment two_chains() {
        Deployment out;
        out.network = load_json(good_config()).settings.genesis.network();
        out.chains[ChainId::evm(1)] = {
            address(1), address(2), address(3), address(4), BlockNum(77)};
        out.chains[ChainId::evm(10)] = {
            address(5), address(6), address(7), std::nullopt, BlockNum(88)};
        return out;
    }

  private:
    fs::path dir_;
};

TEST_F(DeploymentFile, ComesBackAsItWasWritten) {
    const Deployment written = two_chains();
    ASSERT_TRUE(write_deployment(file(), written));
    const Deployment read = read_deployment(file()).value();
    EXPECT_EQ(read.network, written.network);
    ASSERT_EQ(read.chains.size(), 2U);
    const DeployedChain& hub = read.chains.at(ChainId::evm(1));
    EXPECT_EQ(hub.registry, address(1));
    EXPECT_EQ(hub.vault, address(2));
    EXPECT_EQ(hub.sale, address(3));
    EXPECT_EQ(hub.position_book, address(4));
    EXPECT_EQ(hub.start_block, BlockNum(77));
    EXPECT_FALSE(read.chains.at(ChainId::evm(10)).position_book.has_value());
}

TEST_F(DeploymentFile, FillsTheChains) {
    ASSERT_TRUE(write_deployment(file(), two_chains()));
    const Loaded loaded = load_here(good_config());
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_TRUE(loaded.settings.deployed);
    const chains::ChainSettings& hub = loaded.settings.chains.at(0);
    EXPECT_EQ(hub.registry, address(1));
    EXPECT_EQ(hub.vault, address(2));
    EXPECT_EQ(hub.sale, address(3));
    EXPECT_EQ(hub.position_book, address(4));
    EXPECT_EQ(hub.start_block, BlockNum(77));
    EXPECT_EQ(loaded.settings.chains.at(1).start_block, BlockNum(88));
    EXPECT_FALSE(loaded.settings.chains.at(1).position_book.has_value());
    EXPECT_EQ(json::parse(loaded.effective)["chains"][0]["start_block"], "77");
}

TEST_F(DeploymentFile, LosesAgainstTheConfig) {
    ASSERT_TRUE(write_deployment(file(), two_chains()));
    json document = good_config();
    document["chains"][0]["start_block"] = "5";
    document["chains"][0]["contracts"] = {{"vault", to_hex(address(99))}};
    const Loaded loaded = load_here(document);
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_EQ(loaded.settings.chains.at(0).vault, address(99));
    EXPECT_EQ(loaded.settings.chains.at(0).registry, address(1));
    EXPECT_EQ(loaded.settings.chains.at(0).start_block, BlockNum(5));
}

TEST_F(DeploymentFile, IsNotNeededWhenTheConfigNamesAllContracts) {
    json document = good_config();
    for (json& chain : document["chains"]) {
        chain["contracts"] = {
            {"registry", to_hex(address(1))},
            {"vault", to_hex(address(2))},
            {"sale", to_hex(address(3))}};
    }
    EXPECT_TRUE(load_here(document).settings.deployed);
    document["chains"][1]["contracts"].erase("sale");
    EXPECT_FALSE(load_here(document).settings.deployed);
}

TEST_F(DeploymentFile, OfAnotherNetworkIsAProblem) {
    Deployment other = two_chains();
    other.network.data[0] ^= 1;
    ASSERT_TRUE(write_deployment(file(), other));
    const Loaded loaded = load_here(good_config());
    ASSERT_EQ(loaded.problems.size(), 1U) << lines(loaded.problems);
    EXPECT_TRUE(has_problem(loaded.problems, "/deployment", to_hex(other.network)));
    EXPECT_TRUE(has_problem(loaded.problems, "/deployment", "put /network back"));
}

TEST_F(DeploymentFile, WithoutOneChainIsANoteAndNotDeployed) {
    Deployment part = two_chains();
    part.chains.erase(ChainId::evm(10));
    ASSERT_TRUE(write_deployment(file(), part));
    const Loaded loaded = load_here(good_config());
    ASSERT_TRUE(loaded.problems.empty()) << lines(loaded.problems);
    EXPECT_FALSE(loaded.settings.deployed);
    EXPECT_TRUE(has_problem(loaded.notes, "/chains/1", "margrave deploy"));
}

TEST_F(DeploymentFile, DamageIsAProblemThatNamesThePlace) {
    const std::string zero = to_hex(Hash32{});
    const std::string a = to_hex(address(1));
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"{", "JSON at"},
        {"[]", "is no object"},
        {"{}", "/version: is missing"},
        {R"({"version":"2"})", "/version: is not \"1\""},
        {R"({"version":"1","chains":{}})", "/network"},
        {R"({"version":"1","network":")" + zero + R"("})", "/chains: is missing"},
        {R"({"version":"1","network":")" + zero + R"(","chains":{"x":{}}})", "/chains"},
        {R"({"version":"1","network":")" + zero + R"(","chains":{"eip155:1":{}}})",
         "/chains/eip155:1/registry: is missing"},
        {R"({"version":"1","network":")" + zero + R"(","chains":{"eip155:1":{"registry":")" + a +
             R"(","vault":"0x0000000000000000000000000000000000000000"}}})",
         "/chains/eip155:1/vault: is the zero address"},
        {R"({"version":"1","network":")" + zero + R"(","chains":{"eip155:1":{"registry":")" + a +
             R"(","vault":")" + a + R"(","sale":")" + a + R"(","start_block":"x"}}})",
         "/chains/eip155:1/start_block"},
    };
    for (const auto& [text, words] : rows) {
        write(text);
        const Result<Deployment> read = read_deployment(file());
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().code, Errc::kConfig);
        EXPECT_NE(read.error().detail.find(words), std::string::npos) << read.error().detail;
        EXPECT_TRUE(has_problem(load_here(good_config()).problems, "/deployment", words)) << text;
    }
}

TEST_F(DeploymentFile, ThatIsNotThereIsToldApart) {
    const Result<Deployment> read = read_deployment(file());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace margrave::config
