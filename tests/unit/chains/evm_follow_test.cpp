// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "core/keccak.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/mini_ledger.hpp"
#include "tests/unit/chains/evm_fake_node.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;

using tests::MiniLedger;

class EvmFollow : public testing::Test {
  protected:
    explicit EvmFollow(ChainSettings settings = fake_settings()) { make(std::move(settings)); }

    void make(ChainSettings settings, bool with_second = false) {
        EvmAdapter::Callers callers;
        auto first = std::make_unique<FakeNode>(settings, "first");
        node_ = first.get();
        callers.push_back(std::move(first));
        if (with_second) {
            auto second = std::make_unique<FakeNode>(settings, "second");
            second_ = second.get();
            callers.push_back(std::move(second));
        }
        adapter_ = EvmAdapter::make(std::move(settings), std::move(callers)).value();
    }

    Result<Updates> step() { return loop_.run(adapter_->next(ledger_.view())); }

    /// Steps until there is nothing new.
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

    void expect_error(Errc code, std::string_view part) {
        const auto updates = step();
        ASSERT_FALSE(updates.has_value());
        EXPECT_EQ(updates.error().code, code) << updates.error().detail;
        EXPECT_NE(updates.error().detail.find(part), std::string::npos) << updates.error().detail;
    }

    /// Lets every eth_getLogs answer pass through `change`.
    void tamper_logs(std::function<void(json& logs)> change) {
        node_->tamper = [change = std::move(change)](const std::string& method, json& answer) {
            if (method == "eth_getLogs" && !answer.empty()) {
                change(answer);
            }
        };
    }

    tests::Loop loop_;
    FakeNode* node_{nullptr};
    FakeNode* second_{nullptr};
    std::unique_ptr<EvmAdapter> adapter_;
    MiniLedger ledger_;
};

Position post(std::int64_t size) {
    Position out;
    out.account.data = keccak256(std::string_view("account")).data;
    out.market = keccak256(std::string_view("market"));
    out.size = Money::whole(size);
    out.entry_price = Money::whole(3000);
    return out;
}

TEST_F(EvmFollow, EveryBlockIsAppliedWithItsEventsAndAccumulators) {
    node_->mine({deposit(1), deposit(2)});
    node_->mine();
    node_->mine({deposit(3)}, {post(-2)});
    const auto updates = step();
    ASSERT_TRUE(updates.has_value()) << updates.error().detail;
    ledger_.apply(updates.value());
    ASSERT_EQ(ledger_.blocks().size(), 4U);
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 2, 3}));
    const BlockData& last = ledger_.blocks().at(3);
    EXPECT_EQ(last.block, node_->head());
    EXPECT_EQ(last.vault.count, 3U);
    EXPECT_EQ(last.positions.count, 1U);
    ASSERT_EQ(last.events.size(), 2U);
    EXPECT_EQ(std::get<Position>(last.events[1].body).size, Money::whole(-2));
    EXPECT_EQ(last.events[1].emitter, *fake_settings().position_book);
    EXPECT_EQ(last.events[1].log_index, 1U);
    EXPECT_EQ(ledger_.blocks().at(2).vault.count, 2U);
    EXPECT_EQ(updates.value().lag.latest, BlockNum(3));
    follow();
    EXPECT_TRUE(step().value().updates.empty());
}

TEST_F(EvmFollow, BlocksWithoutEventsNeedNoLogs) {
    node_->mine_empty(120);
    follow();
    EXPECT_EQ(ledger_.blocks().size(), 121U);
    EXPECT_EQ(node_->asked["eth_getLogs"], 0U);
    node_->mine({deposit(9)});
    follow();
    EXPECT_EQ(node_->asked["eth_getLogs"], 1U);
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{9});
}

TEST_F(EvmFollow, OneStepTakesAtMostTheLogRange) {
    node_->mine_empty(120);
    const auto updates = step();
    ASSERT_TRUE(updates.has_value());
    ledger_.apply(updates.value());
    EXPECT_EQ(ledger_.blocks().size(), 50U);
    EXPECT_EQ(updates.value().lag.latest, BlockNum(120));
}

TEST_F(EvmFollow, ARangeThatIsTooLargeIsHalvedUntilItPasses) {
    for (std::uint64_t i = 1; i <= 60; ++i) {
        node_->mine({deposit(i)});
    }
    node_->range_max = 7;
    follow();
    EXPECT_EQ(ledger_.amounts().size(), 60U);
    EXPECT_EQ(ledger_.view().head, node_->head());
    EXPECT_LT(node_->asked["eth_getLogs"], 40U);
}

// Nobody can be asked for the rest of an answer that was too long.
TEST_F(EvmFollow, AnAnswerThatIsTooLongIsAskedForInPartsByAgreementToo) {
    for (const std::uint64_t operators : {1U, 2U}) {
        ChainSettings settings = fake_settings();
        settings.proof = ProofMode::kAgreement;
        settings.agreement = operators;
        make(settings, operators > 1);
        ledger_ = MiniLedger();
        for (std::uint64_t i = 1; i <= 20; ++i) {
            node_->mine({deposit(i)});
            if (second_ != nullptr) {
                second_->mine({deposit(i)});
            }
        }
        node_->logs_max = 3;
        follow();
        EXPECT_EQ(ledger_.amounts().size(), 20U);
        EXPECT_EQ(ledger_.view().head, node_->head());
    }
}

TEST_F(EvmFollow, AReorgRevertsToTheAncestorAndThenAppliesTheNewBranch) {
    node_->mine({deposit(1)});
    node_->mine({deposit(2)});
    node_->mine({deposit(3)});
    follow();
    node_->rewind(1);
    node_->mine({deposit(30)});
    node_->mine();
    node_->mine({deposit(40)});
    const auto updates = step();
    ASSERT_TRUE(updates.has_value()) << updates.error().detail;
    ASSERT_EQ(updates.value().updates.size(), 1U);
    EXPECT_EQ(std::get<BlocksReverted>(updates.value().updates[0]).ancestor, node_->at(1));
    follow();
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 30, 40}));
}

TEST_F(EvmFollow, AReorgToAShorterChainIsSeenBeforeItIsLonger) {
    node_->mine({deposit(1)});
    node_->mine_empty(5);
    follow();
    node_->rewind(3);
    EXPECT_TRUE(step().value().updates.empty()) << "only behind";
    node_->mine({deposit(5)});
    follow();
    EXPECT_EQ(ledger_.view().head, node_->head());
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 5}));
}

TEST_F(EvmFollow, AReorgDeeperThanOneBatchOfHeadersFindsItsAncestor) {
    node_->mine_empty(200);
    follow();
    node_->rewind(20);
    node_->mine_empty(190);
    const auto updates = step();
    ASSERT_TRUE(updates.has_value()) << updates.error().detail;
    EXPECT_EQ(std::get<BlocksReverted>(updates.value().updates[0]).ancestor, node_->at(20));
    follow();
    EXPECT_EQ(ledger_.view().head, node_->head());
}

TEST_F(EvmFollow, GoingThereAndBackAppliesTheFirstBranchAgain) {
    node_->mine_empty(3);
    node_->mine({deposit(7)});
    follow();
    const ChainView first = ledger_.view();
    node_->rewind(3);
    node_->mine({deposit(8)});
    node_->mine();
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{8});
    node_->rewind(3);
    node_->mine({deposit(7)});
    node_->mine_empty(2);
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{7});
    EXPECT_EQ(ledger_.view().vault, first.vault);
}

TEST_F(EvmFollow, AReorgBelowTheFinalBlockStopsWithBothHashes) {
    node_->mine_empty(10);
    node_->final_number = 8;
    follow();
    const std::string old_hash = to_hex(node_->at(8).hash);
    node_->rewind(7);
    node_->mine_empty(5);
    node_->final_number = 2;
    expect_error(Errc::kBelowFinality, old_hash);
    expect_error(Errc::kBelowFinality, to_hex(node_->at(8).hash));
}

TEST_F(EvmFollow, FinalityComesAfterTheBlocksOfItsStep) {
    node_->mine_empty(10);
    node_->final_number = 6;
    const auto updates = step().value().updates;
    ASSERT_EQ(updates.size(), 12U);
    EXPECT_EQ(std::get<Finalized>(updates.back()).block, node_->at(6));
    ledger_.apply(Updates{updates, {}});
    EXPECT_TRUE(step().value().updates.empty());
    node_->final_number = 9;
    const auto later = step().value().updates;
    ASSERT_EQ(later.size(), 1U);
    EXPECT_EQ(std::get<Finalized>(later.front()).block, node_->at(9));
    ledger_.apply(Updates{later, {}});
    node_->final_number = 3;
    EXPECT_TRUE(step().value().updates.empty()) << "finality that goes back changes nothing";
}

TEST_F(EvmFollow, WithoutAFinalBlockNothingIsFinal) {
    node_->mine_empty(3);
    node_->final_number.reset();
    follow();
    EXPECT_FALSE(ledger_.final_block().has_value());
    EXPECT_EQ(ledger_.blocks().size(), 4U);
}

TEST_F(EvmFollow, FinalityByDepthNeedsNoTag) {
    ChainSettings settings = fake_settings();
    settings.finality.mode = FinalityMode::kDepth;
    settings.finality.depth = 4;
    make(settings);
    node_->final_number.reset();
    node_->mine_empty(10);
    follow();
    EXPECT_EQ(ledger_.final_block(), node_->at(6));
}

TEST_F(EvmFollow, TheStartBlockMustComeBeforeTheFirstEvent) {
    ChainSettings settings = fake_settings();
    settings.start_block = BlockNum(3);
    make(settings);
    node_->mine_empty(2);
    node_->mine({deposit(1)});
    node_->mine();
    follow();
    EXPECT_EQ(ledger_.blocks().begin()->first, 3U);
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});

    settings.start_block = BlockNum(4);
    make(settings);
    ledger_ = MiniLedger{};
    node_->mine_empty(2);
    node_->mine({deposit(1)});
    node_->mine();
    expect_error(Errc::kUnproved, "has 1 events before start_block 4, the ledger has 0");
}

TEST_F(EvmFollow, LogsThatAreNotTheWholeTruthAreNotApplied) {
    node_->mine_empty(3);
    node_->mine({deposit(1), deposit(2)});
    node_->mine({deposit(3)});
    const std::map<std::string, std::function<void(json&)>> lies{
        {"the last is missing",
         [](json& logs) {
             logs.erase(logs.size() - 1);
         }},
        {"the first is missing",
         [](json& logs) {
             logs.erase(0);
         }},
        {"all are missing",
         [](json& logs) {
             logs = json::array();
         }},
        {"one is doubled",
         [](json& logs) {
             logs.push_back(logs.back());
         }},
        {"two are swapped",
         [](json& logs) {
             std::swap(logs[0], logs[1]);
         }},
        {"one was removed",
         [](json& logs) {
             logs[0]["removed"] = true;
         }},
        {"other block",
         [](json& logs) {
             logs[0]["blockHash"] = to_hex(Hash32{});
         }},
        {"other number",
         [](json& logs) {
             logs[0]["blockNumber"] = "0x64";
         }},
        {"other emitter",
         [](json& logs) {
             logs[0]["address"] = to_hex(Address{});
         }},
        {"other kind",
         [](json& logs) {
             logs[0]["topics"][2] = to_hex(Amount(9).to_word());
         }},
        {"other account",
         [](json& logs) {
             logs[0]["topics"][3] = to_hex(Hash32{});
         }},
        {"other amount",
         [](json& logs) {
             auto data = logs[0]["data"].get<std::string>();
             data[2 + 127] = '9';
             logs[0]["data"] = data;
         }},
    };
    for (const auto& [name, lie] : lies) {
        tamper_logs(lie);
        const auto updates = step();
        ASSERT_FALSE(updates.has_value()) << name;
        EXPECT_EQ(updates.error().code, Errc::kUnproved) << name << updates.error().detail;
    }
    node_->tamper = nullptr;
    follow();
    EXPECT_EQ(ledger_.amounts(), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(EvmFollow, AMissingLogIsToldWithBothCounts) {
    node_->mine({deposit(1), deposit(2)});
    tamper_logs([](json& logs) { logs.erase(1); });
    expect_error(Errc::kUnproved, "says 2 events");
    expect_error(Errc::kUnproved, "the node's logs give 1");
}

TEST_F(EvmFollow, LogsOfAnotherShapeAreErrors) {
    node_->mine({deposit(1)});
    const std::map<std::string, std::function<void(json&)>> shapes{
        {"no list",
         [](json& logs) {
             logs = json::object();
         }},
        {"null",
         [](json& logs) {
             logs = json();
         }},
        {"no index",
         [](json& logs) {
             logs[0].erase("logIndex");
         }},
        {"wide index",
         [](json& logs) {
             logs[0]["logIndex"] = "0x100000000";
         }},
        {"no topics",
         [](json& logs) {
             logs[0]["topics"] = "0x";
         }},
        {"short topic",
         [](json& logs) {
             logs[0]["topics"][1] = "0x01";
         }},
        {"five topics",
         [](json& logs) {
             for (int i = 0; i < 2; ++i) {
                 logs[0]["topics"].push_back(to_hex(Hash32{}));
             }
         }},
        {"a number",
         [](json& logs) {
             logs[0] = 5;
         }},
    };
    for (const auto& [name, shape] : shapes) {
        tamper_logs(shape);
        EXPECT_FALSE(step().has_value()) << name;
    }
}

TEST_F(EvmFollow, AnAccumulatorThatTheLogsDoNotGiveStopsTheStep) {
    node_->mine({deposit(1)});
    node_->mine_empty(2);
    const std::string vault = to_hex(fake_settings().vault);
    const std::string count = to_hex(encode_view(View::kEventCount));
    node_->views[{vault, count}] = to_hex(Amount(2).to_word());
    expect_error(Errc::kUnproved, "says 2 events");
    node_->views[{vault, count}] = "0x";
    EXPECT_FALSE(step().has_value()) << "one half of an accumulator";
}

TEST_F(EvmFollow, HeadersThatDoNotHashOrChainAreNotApplied) {
    node_->mine_empty(6);
    node_->tamper = [](const std::string& method, json& answer) {
        if (method == "eth_getBlockByNumber" && answer["number"] == "0x4") {
            answer["parentHash"] = to_hex(Hash32{});
        }
    };
    expect_error(Errc::kUnproved, "of block 4 hashes to");
    // A real header of another fork: it hashes to itself and has another parent.
    FakeNode other(fake_settings(), "other");
    other.rewind(0);
    other.mine_empty(6);
    const auto fourth = loop_.run(other.call("eth_getBlockByNumber", json::array({"0x4", false})));
    node_->tamper = [&](const std::string& method, json& answer) {
        if (method == "eth_getBlockByNumber" && answer["number"] == "0x4") {
            answer = fourth.value();
        }
    };
    expect_error(Errc::kUnproved, "names the parent");
    const auto fifth = loop_.run(node_->call("eth_getBlockByNumber", json::array({"0x5", false})));
    node_->tamper = [&](const std::string& method, json& answer) {
        if (method == "eth_getBlockByNumber" && answer["number"] == "0x4") {
            answer = fifth.value();
        }
    };
    expect_error(Errc::kUnproved, "asked for block 4");
}

TEST_F(EvmFollow, ANodeThatLostItsHistorySaysSo) {
    node_->mine({deposit(1)});
    node_->fixed.insert_or_assign(
        "eth_call", rpc::RpcError(rpc::RpcClass::kPruned, "missing trie node")
    );
    expect_error(Errc::kRpc, "archive");
}

TEST_F(EvmFollow, AnotherChainIdIsRefusedAtTheFirstCallAndAfterTrouble) {
    node_->chain_id = 5;
    expect_error(Errc::kWrongChain, "serves chain id 5, not eip155:1");
    node_->chain_id = 1;
    EXPECT_FALSE(step().has_value()) << "a wrong chain is looked at again with the next probe";
    ASSERT_TRUE(loop_.run(adapter_->check_node()).has_value());
    ASSERT_TRUE(step().has_value());
    node_->dead = true;
    EXPECT_FALSE(step().has_value());
    node_->dead = false;
    node_->chain_id = 6;
    expect_error(Errc::kWrongChain, "serves chain id 6");
}

TEST_F(EvmFollow, OfOneOperatorsEndpointsTheNextIsReadWhenOneFails) {
    ChainSettings settings = fake_settings();
    for (const char* name : {"first", "second"}) {
        EndpointSettings endpoint;
        endpoint.name = name;
        endpoint.operator_name = "one";
        settings.endpoints.push_back(endpoint);
    }
    make(settings, true);
    node_->mine_empty(3);
    second_->mine_empty(3);
    follow();
    EXPECT_EQ(second_->asked["eth_getBlockByNumber"], 0U);
    node_->dead = true;
    second_->mine({deposit(4)});
    follow();
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{4});
    second_->dead = true;
    EXPECT_FALSE(step().has_value());
    node_->dead = false;
    node_->mine({deposit(4)});
    follow();
}

}  // namespace
}  // namespace margrave::chains::evm
