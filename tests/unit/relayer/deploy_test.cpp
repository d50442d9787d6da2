// SPDX-License-Identifier: Apache-2.0
#include "relayer/deploy.hpp"

#include "relayer/detail/run_task.hpp"
#include "tests/unit/relayer/fixture.hpp"

namespace margrave::relayer::tests {
namespace {

class DeployTest : public WorldTest {
  protected:
    DeployTest() {
        auto key = attest::SecretKey::parse(std::string(64, '3'));
        sender = attest::make_local_signer(std::move(key.value()));
        world.settings.chains[0].poll_interval = std::chrono::milliseconds(1);
    }

    /// Runs deploy on a chain that mines whenever a transaction is asked for, except after `stop`
    /// broadcasts: then the next question about it fails, as a process that dies there.
    Result<config::DeployedChain> deploy() {
        boost::asio::io_context io(1);
        DeployParts parts{
            world.settings,
            io.get_executor(),
            *sender,
            "vkey",
            [this](const DeployStep& step) { steps.push_back(step.contract); },
            [this](
                Executor, chains::ChainSettings chain
            ) -> Result<std::unique_ptr<chains::ChainAdapter>> {
                auto adapter = std::make_unique<FakeAdapter>(std::move(chain), world.nodes[0]);
                adapter->mine_after_broadcast();
                return std::unique_ptr<chains::ChainAdapter>(std::move(adapter));
            }};
        return run_to_end(io, deploy_chain(std::move(parts), world.settings.chains[0]));
    }

    void fail(const std::string& method, std::size_t after) {
        world.nodes[0]->fail_after[method] = after;
    }

    [[nodiscard]] std::filesystem::path journal() const {
        return world.dir.path() / "deployment.json.eip155-1.partial";
    }

    std::unique_ptr<attest::Signer> sender;
    std::vector<std::string> steps;
};

TEST_F(DeployTest, ContractsAreCreatedInOrderOnTheHub) {
    const auto done = deploy();
    ASSERT_OK(done);
    const std::vector<std::string> order{"HealthRegistry", "Vault", "SeizureSale", "PositionBook"};
    EXPECT_EQ(steps, order);
    EXPECT_EQ(world.nodes[0]->creations.size(), 4U);
    EXPECT_TRUE(done.value().position_book.has_value());
    EXPECT_EQ(done.value().start_block, BlockNum{101});
}

// Wherever it is interrupted: the second run ends with the same contracts, each created once.
TEST_F(DeployTest, InterruptedDeployGoesOnWithoutASecondCreation) {
    for (const std::string method : {"broadcast", "status", "nonce", "fees", "simulate"}) {
        for (std::size_t after = 0; after < 6; ++after) {
            world.nodes[0] =
                FakeAdapter::make_node(world.settings.chains[0], UnixSeconds{1'000'000});
            std::filesystem::remove(journal());
            fail(method, after);
            const auto first = deploy();
            world.nodes[0]->fail_after.clear();
            const auto second = deploy();
            ASSERT_TRUE(second.has_value())
                << method << " " << after << ": " << second.error().detail;
            EXPECT_EQ(world.nodes[0]->creations.size(), 4U) << method << " " << after;
            if (first) {
                EXPECT_EQ(first.value().vault, second.value().vault);
            }
        }
    }
}

TEST_F(DeployTest, RunAfterASuccessCreatesNothing) {
    const auto first = deploy();
    ASSERT_OK(first);
    const auto second = deploy();
    ASSERT_OK(second);
    EXPECT_EQ(world.nodes[0]->creations.size(), 4U);
    EXPECT_EQ(first.value().registry, second.value().registry);
}

TEST_F(DeployTest, JournalOfOtherSettingsIsRefused) {
    ASSERT_OK(deploy());
    world.settings.deploy.veto_window_s += 1;
    const auto again = deploy();
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, Errc::kCheckFailed);
    EXPECT_NE(again.error().detail.find("of other settings"), std::string::npos);
    EXPECT_EQ(world.nodes[0]->creations.size(), 4U);
}

TEST_F(DeployTest, NonceThatSomebodyElseUsedIsNamed) {
    fail("broadcast", 0);
    EXPECT_FALSE(deploy().has_value());
    world.nodes[0]->fail_after.clear();
    world.chain(0).spend_nonce();
    const auto again = deploy();
    ASSERT_FALSE(again.has_value());
    EXPECT_EQ(again.error().code, Errc::kCheckFailed);
    EXPECT_NE(again.error().detail.find("used by another transaction"), std::string::npos);
}

TEST_F(DeployTest, SenderThatCannotPayIsNamedAndNothingIsSigned) {
    world.nodes[0]->balance = Amount{1};
    const auto done = deploy();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kCheckFailed);
    EXPECT_NE(done.error().detail.find(to_checksum(sender->address())), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(journal()));
}

TEST_F(DeployTest, JournalIsForgottenOnDemand) {
    ASSERT_OK(deploy());
    EXPECT_TRUE(std::filesystem::exists(journal()));
    forget_deploy_journal(world.settings, world.id(0));
    EXPECT_FALSE(std::filesystem::exists(journal()));
}

TEST_F(DeployTest, DamagedJournalIsNoJournal) {
    ASSERT_OK(deploy());
    std::filesystem::resize_file(journal(), 20);
    EXPECT_FALSE(deploy().has_value());
    EXPECT_EQ(world.nodes[0]->creations.size(), 4U);
}

}  // namespace
}  // namespace margrave::relayer::tests
