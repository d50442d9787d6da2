// SPDX-License-Identifier: Apache-2.0
#include "relayer/head_hints.hpp"

#include "infra/timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/ws_server.hpp"

#include <gtest/gtest.h>

namespace margrave::relayer {
namespace {

using namespace std::chrono_literals;
using margrave::tests::Loop;
using margrave::tests::WsServer;
using SteadyClock = std::chrono::steady_clock;

std::string notice(char number) {
    return std::string(
               R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":{"number":"0x)"
           ) +
           number + R"(","hash":"0x)" + std::string(64, number) + "\"}}}";
}

class HeadHintsTest : public testing::Test {
  protected:
    HeadHintsTest()
        : server(loop.executor(), [this](WsServer::Session* session) { return serve(session); }),
          more(loop.executor()) {
        chains::EndpointSettings endpoint;
        endpoint.name = "alpha";
        endpoint.http = "http://127.0.0.1:1/";
        endpoint.ws = server.url();
        settings.endpoints.push_back(endpoint);
        endpoint.name = "beta";
        endpoint.ws.clear();
        settings.endpoints.push_back(endpoint);
        loop.start(server.run());
    }

    ~HeadHintsTest() override { loop.stop(); }

    Task<void> serve(WsServer::Session* session) {
        co_await session->read();
        const bool open = co_await session->text(R"({"jsonrpc":"2.0","id":1,"result":"0x1"})");
        while (open && next <= '9') {
            co_await more.wait_for(20s);
            std::string text = notice(next++);
            co_await session->text(std::move(text));
        }
    }

    void begin() {
        hints = HeadHints::make(loop.executor(), settings, {}).value();
        loop.start(hints->run());
        while (!hints->streams().empty() && !hints->streams()[0]->is_fresh()) {
            loop.run(infra::sleep_for(1ms));
        }
    }

    std::chrono::milliseconds waited(std::chrono::milliseconds pause, bool failed) {
        const auto begun = SteadyClock::now();
        loop.run(hints->wait(pause, failed));
        return std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begun);
    }

    Loop loop;
    WsServer server;
    infra::Notifier more;
    char next{'1'};
    chains::ChainSettings settings;
    std::unique_ptr<HeadHints> hints;
};

TEST(FollowPause, IsTenSecondsOrThePollIntervalWhileHintsAreFresh) {
    EXPECT_EQ(follow_pause(2s, false), 2s);
    EXPECT_EQ(follow_pause(2s, true), 10s);
    EXPECT_EQ(follow_pause(60s, true), 60s);
}

TEST_F(HeadHintsTest, OneStreamForEachEndpointWithAWebSocketUrl) {
    begin();
    ASSERT_EQ(hints->streams().size(), 1U);
    EXPECT_EQ(hints->streams()[0]->name(), "alpha");
}

TEST_F(HeadHintsTest, AHintEndsTheWait) {
    begin();
    more.notify();
    EXPECT_LT(waited(9s, false), 5s);
    EXPECT_EQ(hints->streams()[0]->status().hints, 1U);
}

TEST_F(HeadHintsTest, AFloodOfHintsLeavesAPauseBetweenTwoLooks) {
    begin();
    const auto begun = SteadyClock::now();
    for (int i = 0; i < 3; ++i) {
        more.notify();
        loop.run(hints->wait(9s, false));
    }
    EXPECT_GE(SteadyClock::now() - begun, 3 * 250ms);
}

TEST_F(HeadHintsTest, AHintDoesNotShortenTheBackoffAfterAnError) {
    begin();
    more.notify();
    EXPECT_GE(waited(400ms, true), 400ms);
    EXPECT_EQ(hints->streams()[0]->status().hints, 1U);
}

TEST_F(HeadHintsTest, WithoutStreamsItIsASleepAndTheTaskEnds) {
    settings.endpoints[0].ws.clear();
    hints = HeadHints::make(loop.executor(), settings, {}).value();
    loop.run(hints->run());
    const auto pause = waited(50ms, false);
    EXPECT_GE(pause, 50ms);
    EXPECT_LT(pause, 5s);
}

TEST_F(HeadHintsTest, AStreamThatIsDownLeavesThePollInterval) {
    settings.endpoints[0].ws = "ws://127.0.0.1:1/";
    hints = HeadHints::make(loop.executor(), settings, {}).value();
    loop.start(hints->run());
    EXPECT_LT(waited(300ms, false), 5s);
}

}  // namespace
}  // namespace margrave::relayer
