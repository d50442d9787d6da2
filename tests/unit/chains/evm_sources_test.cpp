// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "core/keccak.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/mini_ledger.hpp"
#include "tests/unit/chains/evm_fake_node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using tests::MiniLedger;

/// One chain behind three operators, of whom two must agree.
class EvmSources : public testing::Test {
  protected:
    EvmSources() { make(settings_of(ProofMode::kAccumulator)); }

    static ChainSettings settings_of(ProofMode proof) {
        ChainSettings out = fake_settings();
        out.agreement = 2;
        out.proof = proof;
        // A silent operator must not cost a test seconds.
        out.rpc_timeout = std::chrono::milliseconds(200);
        return out;
    }

    void make(const ChainSettings& settings) {
        EvmAdapter::Callers callers;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            auto node =
                std::make_unique<FakeNode>(settings, std::string(1, static_cast<char>('a' + i)));
            nodes_[i] = node.get();
            callers.push_back(std::move(node));
        }
        adapter_ = EvmAdapter::make(settings, std::move(callers)).value();
        ledger_ = MiniLedger{};
    }

    void mine(const std::vector<Movement>& movements = {}) {
        for (FakeNode* node : nodes_) {
            node->mine(movements);
        }
    }

    void finalize(std::uint64_t number) {
        for (FakeNode* node : nodes_) {
            node->final_number = number;
        }
    }

    Result<Updates> step() { return loop_.run(adapter_->next(ledger_.view())); }

    void follow() {
        for (int i = 0; i < 100; ++i) {
            const auto updates = step();
            ASSERT_TRUE(updates.has_value()) << updates.error().detail;
            if (updates.value().updates.empty()) {
                return;
            }
            ledger_.apply(updates.value());
        }
        FAIL() << "no end";
    }

    /// Steps whether they succeed or not, and applies what they give.
    void try_to_follow(int steps) {
        for (int i = 0; i < steps; ++i) {
            const auto updates = step();
            if (updates) {
                ledger_.apply(updates.value());
            }
        }
    }

    [[nodiscard]] std::string state_of(std::size_t node) const {
        return adapter_->sources().at(node).state;
    }

    tests::Loop loop_;
    std::array<FakeNode*, 3> nodes_{};
    std::unique_ptr<EvmAdapter> adapter_;
    MiniLedger ledger_;
};

TEST_F(EvmSources, WhatTwoOfThreeSayIsFollowed) {
    mine({deposit(1)});
    mine({deposit(2)});
    nodes_[0]->mine({deposit(3)});
    follow();
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 2})) << "the third has one source";
    nodes_[1]->mine({deposit(3)});
    follow();
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(adapter_->agreement().needed, 2U);
    EXPECT_GE(adapter_->agreement().agreeing, 2U);
    EXPECT_TRUE(adapter_->agreement().lost.empty());
    EXPECT_TRUE(adapter_->take_evidence().empty());
}

TEST_F(EvmSources, AForgedChainOfOneIsNeverReadAndBecomesEvidence) {
    mine({deposit(1)});
    mine();
    finalize(2);
    follow();
    nodes_[2]->rewind(1);
    nodes_[2]->mine({deposit(1'000'000)});
    for (int i = 0; i < 6; ++i) {
        mine({deposit(10)});
    }
    finalize(4);
    const std::size_t asked = nodes_[2]->asked["eth_getLogs"];
    follow();
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 10, 10, 10, 10, 10, 10}));
    EXPECT_EQ(nodes_[2]->asked["eth_getLogs"], asked);
    const auto evidence = adapter_->take_evidence();
    ASSERT_FALSE(evidence.empty());
    EXPECT_EQ(evidence[0].endpoint, "c");
    EXPECT_EQ(evidence[0].kind, "final-block");
    try_to_follow(5);
    EXPECT_EQ(state_of(2), "lying");
    EXPECT_EQ(state_of(0), "alive");
    mine({deposit(11)});
    follow();
    EXPECT_EQ(ledger_.amounts().back(), 11U) << "two are enough without it";
    adapter_->forgive();
    EXPECT_NE(state_of(2), "lying");
}

TEST_F(EvmSources, ALiarIsNotBelievedWhenTheOthersAreDown) {
    mine({deposit(1)});
    mine();
    finalize(1);
    follow();
    nodes_[2]->rewind(1);
    nodes_[2]->mine({deposit(1'000'000)});
    nodes_[2]->mine();
    nodes_[2]->final_number = 3;
    nodes_[0]->dead = true;
    nodes_[1]->dead = true;
    for (int i = 0; i < 20; ++i) {
        const auto updates = step();
        ASSERT_FALSE(updates.has_value());
        EXPECT_EQ(updates.error().code, Errc::kUnable);
    }
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});
    EXPECT_EQ(ledger_.final_block(), nodes_[0]->at(1));
    const Agreement lost = adapter_->agreement();
    EXPECT_LT(lost.agreeing, lost.needed);
    EXPECT_NE(lost.lost.find("a"), std::string::npos);
    EXPECT_NE(lost.lost.find("connection refused"), std::string::npos) << lost.lost;

    nodes_[0]->dead = false;
    nodes_[1]->dead = false;
    nodes_[0]->mine({deposit(2)});
    nodes_[1]->mine({deposit(2)});
    follow();
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 2}));
    EXPECT_TRUE(adapter_->agreement().lost.empty());
}

TEST_F(EvmSources, ANodeOfAnotherChainIsLeftOutAndSaysSo) {
    nodes_[1]->chain_id = 5;
    mine({deposit(1)});
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});
    EXPECT_EQ(state_of(1), "wrong-chain");
    EXPECT_NE(adapter_->sources()[1].reason.find("serves chain id 5"), std::string::npos);
    nodes_[0]->dead = true;
    EXPECT_EQ(step().error().code, Errc::kUnable) << "one is left, two must agree";
}

TEST_F(EvmSources, AHeaderThatDoesNotHashToItsHashIsEvidence) {
    mine({deposit(1)});
    nodes_[1]->tamper = [](const std::string& method, json& answer) {
        if (method == "eth_getBlockByNumber" && !answer.is_null()) {
            answer["timestamp"] = "0x1";
        }
    };
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});
    const auto evidence = adapter_->take_evidence();
    ASSERT_FALSE(evidence.empty());
    EXPECT_EQ(evidence[0].endpoint, "b");
    EXPECT_EQ(evidence[0].kind, "header");
    EXPECT_NE(evidence[0].claim.find("\"timestamp\":\"0x1\""), std::string::npos);
}

TEST_F(EvmSources, ReadsAtABlockNeedTwoThatSayTheSame) {
    mine({deposit(1)});
    follow();
    const Address to = fake_settings().vault;
    const Hash32 block = nodes_[0]->head().hash;
    const auto count = [&] {
        Bytes data = encode_view(View::kEventCount);
        return loop_.run(adapter_->call_at(to, std::move(data), block));
    };
    EXPECT_EQ(answer_u64(count().value(), "count").value(), 1U);
    const std::pair key{to_hex(to), to_hex(encode_view(View::kEventCount))};
    nodes_[1]->views[key] = to_hex(Amount(7).to_word());
    EXPECT_EQ(answer_u64(count().value(), "count").value(), 1U);
    const auto evidence = adapter_->take_evidence();
    ASSERT_EQ(evidence.size(), 1U);
    EXPECT_EQ(evidence[0].endpoint, "b");
    EXPECT_EQ(evidence[0].kind, "call");
    nodes_[2]->dead = true;
    const auto split = count();
    ASSERT_FALSE(split.has_value());
    EXPECT_EQ(split.error().code, Errc::kUnable);
    EXPECT_NE(split.error().detail.find("a: "), std::string::npos);
    EXPECT_NE(split.error().detail.find("b: "), std::string::npos);
}

TEST_F(EvmSources, ATransactionGoesToEveryone) {
    mine();
    const Bytes raw{1, 2, 3};
    for (FakeNode* node : nodes_) {
        node->fixed.insert_or_assign("eth_sendRawTransaction", json(to_hex(keccak256(raw))));
    }
    nodes_[0]->fixed.insert_or_assign(
        "eth_sendRawTransaction", rpc::RpcError(rpc::RpcClass::kPoolFull, "txpool is full")
    );
    EXPECT_TRUE(loop_.run(adapter_->broadcast(raw)).has_value());
    for (FakeNode* node : nodes_) {
        EXPECT_EQ(node->asked["eth_sendRawTransaction"], 1U) << node->name();
    }
}

TEST_F(EvmSources, ReceiptsProveWhatThereIsAndBloomsWhatThereIsNot) {
    make(settings_of(ProofMode::kReceipts));
    mine({deposit(1), deposit(2)});
    for (int i = 0; i < 40; ++i) {
        mine();
    }
    mine({deposit(3)});
    follow();
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 2, 3}));
    std::size_t receipts = 0;
    std::size_t logs = 0;
    for (FakeNode* node : nodes_) {
        receipts += node->asked["eth_getBlockReceipts"];
        logs += node->asked["eth_getLogs"];
    }
    EXPECT_EQ(receipts, 2U) << "one for each block that has something";
    EXPECT_EQ(logs, 0U) << "nobody's word is taken";
}

TEST_F(EvmSources, ReceiptsThatDoNotGiveTheRootAreEvidenceAndReadElsewhere) {
    make(settings_of(ProofMode::kReceipts));
    mine({deposit(1)});
    const auto lie = [](const std::string& method, json& answer) {
        if (method == "eth_getBlockReceipts" && !answer.empty()) {
            auto data = answer[0]["logs"][0]["data"].get<std::string>();
            data[2 + 127] = '9';
            answer[0]["logs"][0]["data"] = data;
        }
    };
    nodes_[0]->tamper = lie;
    const auto first = step();
    ASSERT_FALSE(first.has_value());
    EXPECT_EQ(first.error().code, Errc::kUnproved);
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});
    const auto evidence = adapter_->take_evidence();
    ASSERT_FALSE(evidence.empty());
    EXPECT_EQ(evidence[0].endpoint, "a");
    EXPECT_EQ(evidence[0].kind, "receipts");
}

TEST_F(EvmSources, WithoutHeadersLogsNeedTwoThatSayTheSame) {
    make(settings_of(ProofMode::kAgreement));
    mine({deposit(1)});
    nodes_[0]->tamper = [](const std::string& method, json& answer) {
        if (method == "eth_getLogs" && !answer.empty()) {
            answer.erase(0);
        }
    };
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});
    nodes_[1]->dead = true;
    mine({deposit(2)});
    EXPECT_EQ(step().error().code, Errc::kUnable);
}

TEST_F(EvmSources, AForkAtTheTipWaitsForTheOthers) {
    mine();
    mine();
    follow();
    nodes_[0]->rewind(1);
    nodes_[0]->mine({deposit(5)});
    EXPECT_TRUE(step().value().updates.empty()) << "one cannot take a block away";
    nodes_[1]->rewind(1);
    nodes_[1]->mine({deposit(5)});
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{5});
    EXPECT_TRUE(adapter_->agreement().lost.empty());
}

TEST_F(EvmSources, OneThatRollsBackBelowFinalityStopsNobody) {
    for (int i = 0; i < 8; ++i) {
        mine({deposit(static_cast<std::uint64_t>(i) + 1)});
    }
    finalize(6);
    follow();
    nodes_[1]->rewind(3);
    nodes_[1]->mine_empty(8);
    nodes_[1]->final_number = 9;
    mine({deposit(100)});
    follow();
    EXPECT_EQ(ledger_.amounts().back(), 100U);
    nodes_[0]->rewind(3);
    nodes_[0]->mine_empty(9);
    nodes_[0]->final_number = 9;
    const auto both = step();
    ASSERT_FALSE(both.has_value());
    EXPECT_EQ(both.error().code, Errc::kBelowFinality);
}

// What the two honest ones have is all that ever counts, whatever the third says.
TEST_F(EvmSources, TwoHundredRandomConsistentLiesCreditNothing) {
    std::mt19937_64 random(20'260'418);
    for (int lie = 0; lie < 200; ++lie) {
        make(settings_of(lie % 2 == 0 ? ProofMode::kAccumulator : ProofMode::kReceipts));
        std::vector<std::uint64_t> honest;
        const std::size_t liar = random() % 3;
        const std::uint64_t blocks = 3 + random() % 12;
        for (std::uint64_t i = 0; i < blocks; ++i) {
            std::vector<Movement> movements;
            for (std::uint64_t j = random() % 3; j > 0; --j) {
                honest.push_back(1 + random() % 1'000);
                movements.push_back(deposit(honest.back()));
            }
            mine(movements);
            if (random() % 3 == 0) {
                finalize(i / 2);
                try_to_follow(2);
            }
        }
        FakeNode& node = *nodes_[liar];
        node.rewind(random() % blocks);
        const std::uint64_t forged = 1 + random() % 20;
        for (std::uint64_t i = 0; i < forged; ++i) {
            node.mine({deposit(1'000'000 + random() % 1'000)});
        }
        node.final_number = random() % 2 == 0 ? node.head().number.value : random() % blocks;
        try_to_follow(4);
        honest.push_back(7);
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (i != liar) {
                nodes_[i]->mine({deposit(7)});
                nodes_[i]->final_number = blocks;
            }
        }
        try_to_follow(12);
        ASSERT_EQ(ledger_.amounts(), honest) << "lie " << lie;
        ASSERT_EQ(ledger_.final_block()->number, BlockNum(blocks)) << "lie " << lie;
    }
}

}  // namespace
}  // namespace margrave::chains::evm
