// SPDX-License-Identifier: Apache-2.0
#include "chains/evm/adapter.hpp"
#include "chains/evm/contracts.hpp"
#include "infra/timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/mini_ledger.hpp"
#include "tests/unit/chains/evm_fake_node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace margrave::chains::evm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kForever = std::chrono::hours{1};

/// What becomes of the batches that ask for one method, over all nodes of a test.
struct Weather {
    std::string method;
    /// The first that is asked, and no later one, is not answered.
    bool hangs{false};
    /// The second is lied to.
    bool lies{false};
    /// Who was asked, in order.
    std::vector<std::string> asked;
};

/// A node behind a line that a test spoils.
class Behind final : public rpc::RpcCaller {
  public:
    Behind(std::unique_ptr<FakeNode> node, std::shared_ptr<Weather> weather)
        : node_(std::move(node)),
          weather_(std::move(weather)) {}

    [[nodiscard]] const std::string& name() const override { return node_->name(); }

    Task<rpc::RpcResult<json>> call(std::string method, json params) override {
        auto answer = co_await node_->call(std::move(method), std::move(params));
        co_return answer;
    }

    Task<rpc::RpcResult<std::vector<rpc::RpcResult<json>>>> batch(std::vector<rpc::RpcCall> calls
    ) override {
        const bool meant = std::ranges::any_of(calls, [&](const rpc::RpcCall& call) {
            return call.method == weather_->method;
        });
        if (meant) {
            weather_->asked.push_back(name());
        }
        const std::size_t turn = meant ? weather_->asked.size() : 0;
        if (turn == 1 && weather_->hangs) {
            co_await infra::sleep_for(kForever);
        }
        auto answers = co_await node_->batch(std::move(calls));
        if (turn == 2 && weather_->lies) {
            json& first = answers.value().front().value();
            auto data = first[0]["logs"][0]["data"].get<std::string>();
            data[2 + 127] = '9';
            first[0]["logs"][0]["data"] = data;
        }
        co_return answers;
    }

  private:
    std::unique_ptr<FakeNode> node_;
    /// Shared by the test and all lines.
    std::shared_ptr<Weather> weather_;
};

/// "a1", "a2", "b1": two endpoints of operator a, one of b; two operators must agree.
class EvmHedge : public testing::Test {
  protected:
    void make(const std::vector<std::string>& names, std::uint64_t percent, milliseconds timeout) {
        ChainSettings settings = fake_settings();
        settings.agreement = 2;
        settings.proof = ProofMode::kReceipts;
        settings.rpc_timeout = timeout;
        settings.hedge_percent = percent;
        settings.endpoints.clear();
        EvmAdapter::Callers callers;
        for (const std::string& name : names) {
            EndpointSettings endpoint;
            endpoint.name = name;
            endpoint.operator_name = name.substr(0, 1);
            settings.endpoints.push_back(endpoint);
        }
        for (const std::string& name : names) {
            auto node = std::make_unique<FakeNode>(settings, name);
            nodes_.push_back(node.get());
            callers.push_back(std::make_unique<Behind>(std::move(node), weather_));
        }
        adapter_ = EvmAdapter::make(settings, std::move(callers)).value();
        for (FakeNode* node : nodes_) {
            node->mine({deposit(1)});
        }
    }

    Result<Updates> step() { return loop_.run(adapter_->next(ledger_.view())); }

    [[nodiscard]] std::uint64_t hedges() const {
        std::uint64_t out = 0;
        for (const SourceStatus& source : adapter_->sources()) {
            out += source.hedges;
        }
        return out;
    }

    tests::Loop loop_;
    std::shared_ptr<Weather> weather_ = std::make_shared<Weather>();
    std::vector<FakeNode*> nodes_;
    std::unique_ptr<EvmAdapter> adapter_;
    tests::MiniLedger ledger_;
};

TEST_F(EvmHedge, AStepIsReadElsewhereWhenItsEndpointIsSilent) {
    make({"a1", "b1"}, 100, seconds{20});
    weather_->method = "eth_getBlockReceipts";
    weather_->hangs = true;
    const auto before = std::chrono::steady_clock::now();
    const auto updates = step();
    ASSERT_TRUE(updates.has_value()) << updates.error().detail;
    EXPECT_LT(std::chrono::steady_clock::now() - before, seconds{10});
    ledger_.apply(updates.value());
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});
    ASSERT_EQ(weather_->asked.size(), 2U);
    EXPECT_NE(weather_->asked[0], weather_->asked[1]);
    EXPECT_GE(hedges(), 1U);
    EXPECT_TRUE(adapter_->take_evidence().empty());
}

TEST_F(EvmHedge, WithoutABudgetTheStepFailsAndNobodyElseIsAsked) {
    make({"a1", "b1"}, 0, milliseconds{500});
    weather_->method = "eth_getBlockReceipts";
    weather_->hangs = true;
    EXPECT_FALSE(step().has_value());
    EXPECT_EQ(weather_->asked.size(), 1U);
    EXPECT_EQ(hedges(), 0U);
}

TEST_F(EvmHedge, AQuickLieIsProvedLikeEveryAnswerAndIsTheLiars) {
    make({"a1", "b1"}, 100, seconds{20});
    weather_->method = "eth_getBlockReceipts";
    weather_->hangs = true;
    weather_->lies = true;
    const auto updates = step();
    ASSERT_FALSE(updates.has_value());
    EXPECT_EQ(updates.error().code, Errc::kUnproved);
    ASSERT_EQ(weather_->asked.size(), 2U);
    const auto evidence = adapter_->take_evidence();
    ASSERT_EQ(evidence.size(), 1U);
    EXPECT_EQ(evidence[0].endpoint, weather_->asked[1]);
    EXPECT_EQ(evidence[0].kind, "receipts");
    const auto again = step();
    ASSERT_TRUE(again.has_value()) << again.error().detail;
    EXPECT_EQ(weather_->asked.at(2), weather_->asked[0]) << "not from the liar";
    ledger_.apply(again.value());
    EXPECT_EQ(ledger_.amounts(), std::vector<std::uint64_t>{1});
}

TEST_F(EvmHedge, AnOperatorsSecondEndpointSpeaksForTheSilentFirst) {
    make({"a1", "a2", "b1"}, 100, seconds{20});
    ASSERT_TRUE(step().has_value());
    const std::uint64_t hedged = hedges();
    weather_->method = "eth_call";
    weather_->hangs = true;
    const auto before = std::chrono::steady_clock::now();
    const Address to = fake_settings().vault;
    Bytes data = encode_view(View::kEventCount);
    const auto count = loop_.run(adapter_->call_at(to, std::move(data), nodes_[0]->head().hash));
    ASSERT_TRUE(count.has_value()) << count.error().detail;
    EXPECT_LT(std::chrono::steady_clock::now() - before, seconds{10});
    ASSERT_EQ(weather_->asked.size(), 3U);
    EXPECT_EQ(weather_->asked[1], "b1");
    EXPECT_EQ(weather_->asked[0][0], 'a');
    EXPECT_EQ(weather_->asked[2][0], 'a');
    EXPECT_NE(weather_->asked[0], weather_->asked[2]);
    EXPECT_EQ(hedges(), hedged + 1);
}

TEST_F(EvmHedge, TwoEndpointsOfOneOperatorAreNeverTwoSources) {
    make({"a1", "a2", "b1"}, 100, seconds{20});
    ASSERT_TRUE(step().has_value());
    nodes_[2]->dead = true;
    weather_->method = "eth_call";
    weather_->hangs = true;
    const Address to = fake_settings().vault;
    Bytes data = encode_view(View::kEventCount);
    const auto count = loop_.run(adapter_->call_at(to, std::move(data), nodes_[0]->head().hash));
    ASSERT_FALSE(count.has_value());
    EXPECT_EQ(count.error().code, Errc::kUnable);
    EXPECT_EQ(weather_->asked.size(), 3U) << "all were asked";
}

TEST_F(EvmHedge, ATransactionIsSentOnceToEachAndNeverHedged) {
    make({"a1", "a2", "b1"}, 100, seconds{5});
    const Bytes raw{1, 2, 3};
    for (FakeNode* node : nodes_) {
        node->fixed.insert_or_assign("eth_sendRawTransaction", json(to_hex(Hash32{})));
    }
    static_cast<void>(loop_.run(adapter_->broadcast(raw)));
    for (FakeNode* node : nodes_) {
        EXPECT_EQ(node->asked["eth_sendRawTransaction"], 1U) << node->name();
    }
    EXPECT_EQ(hedges(), 0U);
}

}  // namespace
}  // namespace margrave::chains::evm
