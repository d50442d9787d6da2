// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/rpc/codec.hpp"
#include "tests/support/loop.hpp"
#include "tests/unit/chains/evm_fake_node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

/// A ledger that takes runs and remembers what it was given.
class Book final : public HistorySink {
  public:
    ChainView view() override {
        ChainView out;
        if (!blocks.empty()) {
            out.head = blocks.back().block;
            out.final = out.head;
            out.vault = blocks.back().vault;
            out.positions = blocks.back().positions;
        }
        out.takes_history = true;
        out.block_at = [this](BlockNum number) -> std::optional<BlockRef> {
            for (const BlockData& data : blocks) {
                if (data.block.number == number) {
                    return data.block;
                }
            }
            return std::nullopt;
        };
        return out;
    }

    Task<Result<void>> take(std::vector<BlockData> run) override { co_return keep(std::move(run)); }

    Result<void> keep(std::vector<BlockData> run) {
        EXPECT_FALSE(run.empty());
        ++runs;
        if (refuses) {
            return fail(Errc::kStore, "the disk is full");
        }
        for (BlockData& data : run) {
            if (!blocks.empty()) {
                EXPECT_EQ(data.block.parent, blocks.back().block.hash);
            }
            blocks.push_back(std::move(data));
        }
        if (after_run) {
            after_run();
        }
        return ok();
    }

    [[nodiscard]] std::uint64_t events() const {
        std::uint64_t out = 0;
        for (const BlockData& data : blocks) {
            out += data.events.size();
        }
        return out;
    }

    std::vector<BlockData> blocks;
    std::size_t runs{0};
    bool refuses{false};
    std::function<void()> after_run;
};

class EvmHistory : public testing::Test {
  protected:
    void make(ChainSettings settings, std::size_t nodes = 1) {
        EvmAdapter::Callers callers;
        for (std::size_t i = 0; i < nodes; ++i) {
            auto node = std::make_unique<FakeNode>(settings, "node-" + std::to_string(i));
            node->final_number = 0;
            nodes_.push_back(node.get());
            callers.push_back(std::move(node));
        }
        adapter_ = EvmAdapter::make(std::move(settings), std::move(callers)).value();
    }

    /// The same blocks at every node; all final.
    void mine(std::uint64_t blocks, std::uint64_t deposits) {
        for (FakeNode* node : nodes_) {
            for (std::uint64_t i = 0; i < blocks; ++i) {
                node->mine(std::vector<Movement>(deposits, deposit(i + 1)));
            }
            node->final_number = node->head().number.value;
        }
    }

    Result<void> read(milliseconds time = milliseconds(20'000)) {
        return loop_.run(adapter_->read_history(book_, nodes_[0]->head().number, time));
    }

    void expect_whole(std::uint64_t events) {
        ASSERT_FALSE(book_.blocks.empty());
        EXPECT_EQ(book_.blocks.back().block, nodes_[0]->head());
        EXPECT_EQ(book_.blocks.size(), nodes_[0]->head().number.value + 1);
        EXPECT_EQ(book_.events(), events);
    }

    tests::Loop loop_;
    std::vector<FakeNode*> nodes_;
    std::unique_ptr<EvmAdapter> adapter_;
    Book book_;
};

ChainSettings in_mode(ProofMode proof, std::uint64_t agreement = 1) {
    ChainSettings out = fake_settings();
    out.proof = proof;
    out.agreement = agreement;
    out.log_range = 2000;
    return out;
}

TEST_F(EvmHistory, NextPointsToALongStretchOnlyForWhoTakesIt) {
    make(in_mode(ProofMode::kAccumulator));
    mine(100, 1);
    auto view = book_.view();
    const auto pointed = loop_.run(adapter_->next(view));
    ASSERT_TRUE(pointed.has_value()) << pointed.error().detail;
    EXPECT_EQ(pointed.value().history, BlockNum(100));
    EXPECT_TRUE(pointed.value().updates.empty());
    view.takes_history = false;
    const auto given = loop_.run(adapter_->next(view));
    ASSERT_TRUE(given.has_value());
    EXPECT_EQ(given.value().history, std::nullopt);
    EXPECT_FALSE(given.value().updates.empty());
    // Blocks above the final one are the head's matter.
    nodes_[0]->final_number = 10;
    view.takes_history = true;
    const auto unfinal = loop_.run(adapter_->next(view));
    ASSERT_TRUE(unfinal.has_value());
    EXPECT_EQ(unfinal.value().history, std::nullopt);
}

TEST_F(EvmHistory, EveryModeReadsEveryBlockInOrder) {
    for (const ProofMode proof :
         {ProofMode::kAccumulator, ProofMode::kReceipts, ProofMode::kAgreement}) {
        nodes_.clear();
        book_ = Book{};
        make(in_mode(proof, 2), 3);
        mine(150, 3);
        const auto done = read();
        ASSERT_TRUE(done.has_value()) << done.error().detail;
        expect_whole(450);
    }
}

TEST_F(EvmHistory, ReadsTheSameAsNext) {
    make(in_mode(ProofMode::kAccumulator));
    mine(120, 2);
    ASSERT_TRUE(read().has_value());
    const auto step = loop_.run(adapter_->next(ChainView{}));
    ASSERT_TRUE(step.has_value());
    std::size_t at = 0;
    for (const ChainUpdate& update : step.value().updates) {
        if (const auto* applied = std::get_if<BlockApplied>(&update)) {
            ASSERT_LT(at, book_.blocks.size());
            EXPECT_EQ(applied->data.block, book_.blocks[at].block);
            EXPECT_EQ(applied->data.events, book_.blocks[at].events);
            EXPECT_EQ(applied->data.vault, book_.blocks[at].vault);
            ++at;
        }
    }
    EXPECT_EQ(at, book_.blocks.size());
}

TEST_F(EvmHistory, RangeErrorsHalveAndNothingIsLost) {
    make(in_mode(ProofMode::kAccumulator));
    nodes_[0]->range_max = 7;
    mine(300, 1);
    const auto done = read();
    ASSERT_TRUE(done.has_value()) << done.error().detail;
    expect_whole(300);
    // A limit that was found is remembered.
    const std::size_t asked = nodes_[0]->asked["eth_getLogs"];
    mine(300, 1);
    ASSERT_TRUE(read().has_value());
    expect_whole(600);
    EXPECT_LT(nodes_[0]->asked["eth_getLogs"] - asked, 100U);
}

TEST_F(EvmHistory, ABlockThatIsRefusedByItselfEndsTheReadingWithItsError) {
    make(in_mode(ProofMode::kAccumulator));
    nodes_[0]->range_max = 0;
    mine(100, 1);
    const auto done = read();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kRpc);
    EXPECT_NE(done.error().detail.find("block range is too wide"), std::string::npos);
}

TEST_F(EvmHistory, AHiddenLogIsUnprovedAndNothingAfterItIsTaken) {
    make(in_mode(ProofMode::kAccumulator));
    mine(200, 1);
    const std::string hidden = rpc::to_quantity(BlockNum(120));
    nodes_[0]->tamper = [hidden](const std::string& method, json& answer) {
        if (method == "eth_getLogs") {
            for (std::size_t i = 0; i < answer.size(); ++i) {
                if (answer[i]["blockNumber"] == hidden) {
                    answer.erase(i);
                    break;
                }
            }
        }
    };
    const auto done = read();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kUnproved) << done.error().detail;
    for (const BlockData& data : book_.blocks) {
        EXPECT_LT(data.block.number, BlockNum(120));
    }
    EXPECT_FALSE(adapter_->take_evidence().empty());
    // What is proved stays, and the next reading goes on behind it.
    nodes_[0]->tamper = nullptr;
    ASSERT_TRUE(read().has_value());
    expect_whole(200);
}

TEST_F(EvmHistory, OneProofCoversManyRanges) {
    ChainSettings settings = in_mode(ProofMode::kAccumulator);
    settings.log_range = 20;
    make(std::move(settings));
    mine(2'000, 1);
    ASSERT_TRUE(read().has_value());
    expect_whole(2'000);
    EXPECT_GE(nodes_[0]->asked["eth_getLogs"], 100U);
    EXPECT_LT(nodes_[0]->asked["eth_call"], 20U);
}

TEST_F(EvmHistory, WhoLiedAmongSeveralIsFoundAndNobodyElseIsNamed) {
    ChainSettings settings = in_mode(ProofMode::kAccumulator);
    settings.log_range = 20;
    make(std::move(settings), 2);
    mine(400, 2);
    nodes_[1]->tamper = [](const std::string& method, json& answer) {
        if (method == "eth_getLogs" && !answer.empty()) {
            std::string data = answer[answer.size() - 1]["data"];
            data.back() = data.back() == '1' ? '2' : '1';
            answer[answer.size() - 1]["data"] = data;
        }
    };
    Result<void> done = read();
    for (int again = 0; again < 5 && !done; ++again) {
        done = read();
    }
    ASSERT_TRUE(done.has_value()) << done.error().detail;
    expect_whole(800);
    const auto evidence = adapter_->take_evidence();
    EXPECT_FALSE(evidence.empty());
    for (const Evidence& one : evidence) {
        EXPECT_EQ(one.endpoint, "node-1") << one.detail;
    }
}

TEST_F(EvmHistory, OneOperatorThatHidesALogIsOutvoted) {
    make(in_mode(ProofMode::kAgreement, 2), 3);
    mine(120, 2);
    nodes_[0]->tamper = [](const std::string& method, json& answer) {
        if (method == "eth_getLogs" && !answer.empty()) {
            answer.erase(answer.size() - 1);
        }
    };
    const auto done = read();
    ASSERT_TRUE(done.has_value()) << done.error().detail;
    expect_whole(240);
    const auto evidence = adapter_->take_evidence();
    ASSERT_FALSE(evidence.empty());
    EXPECT_EQ(evidence.front().endpoint, "node-0");
}

TEST_F(EvmHistory, TwoOperatorsThatDifferAreNotBelieved) {
    make(in_mode(ProofMode::kAgreement, 2), 2);
    mine(120, 2);
    nodes_[0]->tamper = [](const std::string& method, json& answer) {
        if (method == "eth_getLogs" && !answer.empty()) {
            answer[0]["data"] = answer[0]["data"].get<std::string>() + "00";
        }
    };
    const auto done = read();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kUnable);
    EXPECT_TRUE(book_.blocks.empty());
    EXPECT_FALSE(adapter_->agreement().lost.empty());
}

TEST_F(EvmHistory, ADeadOperatorIsMissedWhereItIsNeeded) {
    make(in_mode(ProofMode::kAccumulator, 2), 2);
    mine(120, 1);
    nodes_[1]->dead = true;
    const auto done = read();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kUnable) << done.error().detail;
    EXPECT_TRUE(book_.blocks.empty());
}

TEST_F(EvmHistory, ANodeOnAnotherForkIsLeftOut) {
    make(in_mode(ProofMode::kAccumulator, 2), 3);
    mine(40, 1);
    nodes_[0]->rewind(20);
    for (int i = 0; i < 20; ++i) {
        nodes_[0]->mine({deposit(9)});
    }
    const BlockRef end = nodes_[1]->head();
    const auto done = loop_.run(adapter_->read_history(book_, end.number, milliseconds(20'000)));
    ASSERT_TRUE(done.has_value()) << done.error().detail;
    EXPECT_EQ(book_.blocks.back().block, end);
}

TEST_F(EvmHistory, GoesOnBehindWhatIsKnown) {
    make(in_mode(ProofMode::kAccumulator));
    mine(50, 1);
    ASSERT_TRUE(read().has_value());
    mine(50, 1);
    ASSERT_TRUE(read().has_value());
    expect_whole(100);
    // Nothing is left to read.
    const std::size_t runs = book_.runs;
    ASSERT_TRUE(read().has_value());
    EXPECT_EQ(book_.runs, runs);
}

TEST_F(EvmHistory, EndsInGoodOrderWhenItsTimeIsOver) {
    make(in_mode(ProofMode::kAccumulator));
    mine(200, 1);
    ASSERT_TRUE(read(milliseconds(0)).has_value());
    EXPECT_TRUE(book_.blocks.empty());
    ASSERT_TRUE(read().has_value());
    expect_whole(200);
}

TEST_F(EvmHistory, AnErrorOfTheSinkEndsIt) {
    make(in_mode(ProofMode::kAccumulator));
    mine(100, 1);
    book_.refuses = true;
    const auto done = read();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kStore);
    EXPECT_EQ(book_.runs, 1U);
}

TEST_F(EvmHistory, ABlockWithTenThousandDepositsIsOneRun) {
    make(in_mode(ProofMode::kAccumulator));
    mine(40, 0);
    nodes_[0]->mine(std::vector<Movement>(10'000, deposit(1)));
    nodes_[0]->mine_empty(40);
    ASSERT_TRUE(read().has_value());
    expect_whole(10'000);
}

// The source always has more than the ledger takes: what is under way between them stays bounded.
TEST_F(EvmHistory, TheSourceIsHeldBackByTheLedger) {
    make(in_mode(ProofMode::kAccumulator));
    mine(200, 1'000);
    std::size_t brought = 0;
    nodes_[0]->tamper = [&brought](const std::string& method, json& answer) {
        brought += method == "eth_getLogs" ? answer.size() : 0;
    };
    std::size_t ahead_max = 0;
    book_.after_run = [&] {
        ahead_max = std::max<std::size_t>(ahead_max, brought - book_.events());
    };
    // Sanitizers take their time.
    ASSERT_TRUE(read(milliseconds(600'000)).has_value());
    expect_whole(200'000);
    EXPECT_GE(book_.runs, 4U);
    // A run, what waits in order, and three answers under way.
    EXPECT_LE(ahead_max, 65'536U + 16'384U + 3 * 6'000U);
}

TEST_F(EvmHistory, BeginsAtTheStartBlockOnlyWhereNothingWasBefore) {
    ChainSettings settings = in_mode(ProofMode::kAccumulator);
    settings.start_block = BlockNum(50);
    make(settings);
    mine(100, 1);
    const auto done = read();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kUnproved);
    EXPECT_NE(done.error().detail.find("start_block"), std::string::npos) << done.error().detail;
}

}  // namespace
}  // namespace margrave::chains::evm
