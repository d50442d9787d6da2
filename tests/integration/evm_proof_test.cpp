// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/contracts.hpp"
#include "chains/evm/proof/account_proof.hpp"
#include "chains/evm/proof/body.hpp"
#include "chains/evm/proof/receipts.hpp"
#include "chains/rpc/codec.hpp"
#include "tests/integration/evm_world.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace margrave::tests {
namespace {

using chains::evm::ProvedHeader;
using nlohmann::json;

// A chain with deposits in some of its blocks, each block proved from the node's own answers.
class ProofsOnAnvil : public testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        world_ = EvmWorld::make(AnvilOptions{});
        ASSERT_NE(world_, nullptr);
        for (const std::uint64_t wei : {1'000U, 2'000U, 3'000U}) {
            const auto sent = world_->deposit(wei);
            ASSERT_TRUE(sent.has_value()) << sent.error().detail;
            ASSERT_TRUE(world_->anvil->mine(2).has_value());
        }
        const auto followed = world_->follow(world_->ledger);
        ASSERT_TRUE(followed.has_value()) << followed.error().detail;
        latest_ = world_->ledger.view().head->number.value;
    }

    json ask(const char* method, const json& params) {
        const auto answer = world_->anvil->rpc(method, params.dump());
        EXPECT_TRUE(answer.has_value()) << method << answer.error().detail;
        return answer ? answer.value() : json();
    }

    json block(std::uint64_t number) {
        return ask("eth_getBlockByNumber", json::array({chains::rpc::to_quantity(number), true}));
    }

    // The node wants slots as whole words.
    json proof(const Address& of, const std::vector<Hash32>& slots, const json& at) {
        json keys = json::array();
        for (const Hash32& slot : slots) {
            keys.push_back(to_hex(slot));
        }
        return ask("eth_getProof", json::array({to_hex(of), keys, at}));
    }

    std::unique_ptr<EvmWorld> world_;
    std::uint64_t latest_{0};
};

TEST_F(ProofsOnAnvil, EveryBlockIsProvedFromItsHashDownToItsLogs) {
    std::optional<BlockRef> parent;
    std::vector<std::uint64_t> deposits;
    for (std::uint64_t number = 0; number <= latest_; ++number) {
        SCOPED_TRACE(number);
        const json answer = block(number);
        const auto header = chains::evm::prove_header(answer);
        ASSERT_TRUE(header.has_value()) << header.error().detail;
        EXPECT_TRUE(!parent || header.value().block().parent == parent->hash);
        parent = header.value().block();
        const auto txns = chains::evm::prove_txns(header.value(), answer);
        ASSERT_TRUE(txns.has_value()) << txns.error().detail;
        EXPECT_TRUE(chains::evm::prove_withdrawals(header.value(), answer).has_value());
        const json receipts = ask("eth_getBlockReceipts", json::array({answer["hash"]}));
        const auto logs = chains::evm::prove_receipts(header.value(), receipts, txns.value());
        ASSERT_TRUE(logs.has_value()) << logs.error().detail;
        const std::vector<Hash32> topics{chains::evm::movement_topic()};
        const std::vector<chains::evm::WatchedLogs> watched{{world_->settings.vault, topics}};
        const std::size_t before = deposits.size();
        for (const auto& log : logs.value().logs()) {
            if (log.address == world_->settings.vault && log.topics[0] == topics[0]) {
                const auto movement = chains::evm::decode_movement(log.topics, log.data);
                ASSERT_TRUE(movement.has_value());
                deposits.push_back(movement.value().amount.to_u64().value());
            }
        }
        // Eight blocks with few logs: the blooms have no false positive among them.
        EXPECT_EQ(chains::evm::proves_absence(header.value(), watched), deposits.size() == before);
    }
    EXPECT_EQ(deposits, (std::vector<std::uint64_t>{1'000, 2'000, 3'000}));
}

TEST_F(ProofsOnAnvil, TheVaultsCountAndAccumulatorAreProvedAtEveryPastBlock) {
    const std::vector<Hash32> slots{Amount(0).to_word(), Amount(1).to_word()};
    const Address vault = world_->settings.vault;
    std::uint64_t counted = 0;
    chains::evm::SlotValue accumulator;
    bool deployed = false;
    for (std::uint64_t number = 1; number <= latest_; ++number) {
        SCOPED_TRACE(number);
        const auto header = chains::evm::prove_header(block(number));
        ASSERT_TRUE(header.has_value()) << header.error().detail;
        json by_hash;
        by_hash["blockHash"] = to_hex(header.value().block().hash);
        const json answer = proof(vault, slots, by_hash);
        const auto account = chains::evm::prove_account(answer, header.value(), vault, slots);
        ASSERT_TRUE(account.has_value()) << account.error().detail;
        EXPECT_TRUE(account.value().state().has_value() || !deployed);
        deployed = account.value().state().has_value();
        counted = account.value().slots()[0].value.to_u64().value();
        accumulator = account.value().slots()[1];
        const auto other = chains::evm::prove_header(block(number - 1));
        ASSERT_TRUE(other.has_value());
        if (other.value().state_root() != header.value().state_root()) {
            const auto refused = chains::evm::prove_account(answer, other.value(), vault, slots);
            ASSERT_FALSE(refused.has_value());
            EXPECT_EQ(refused.error().code, Errc::kUnproved);
        }
    }
    EXPECT_TRUE(deployed);
    const Accumulator followed = world_->ledger.view().vault;
    EXPECT_EQ(counted, 3U);
    EXPECT_EQ(counted, followed.count);
    EXPECT_EQ(accumulator.value.to_word(), followed.hash);
}

// This node's genesis header has the root of the empty state, though accounts are in it.
TEST_F(ProofsOnAnvil, NothingIsProvedUnderAGenesisThatDoesNotCommitToItsState) {
    const auto header = chains::evm::prove_header(block(0));
    ASSERT_TRUE(header.has_value()) << header.error().detail;
    const Address rich = Anvil::rich().address();
    const json answer = proof(rich, {}, json("0x0"));
    const auto refused = chains::evm::prove_account(answer, header.value(), rich, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kUnproved);
}

}  // namespace
}  // namespace margrave::tests
