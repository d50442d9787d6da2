// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/head_stream.hpp"
#include "infra/notifier.hpp"
#include "infra/timeout.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/ws_server.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace margrave::chains::rpc {
namespace {

using namespace std::chrono_literals;
using infra::MessageStream;
using tests::Loop;

std::string hash_text(std::uint64_t number) {
    const std::string digits = std::to_string(number);
    return "0x" + std::string(64 - digits.size(), '0') + digits;
}

std::string head_text(std::uint64_t number) {
    char hex[32];
    std::snprintf(hex, sizeof hex, "0x%llx", static_cast<unsigned long long>(number));
    return std::string(R"({"number":")") + hex + R"(","hash":")" + hash_text(number) + R"("})";
}

std::string notice(std::uint64_t number, const std::string& subscription = "0x1") {
    return R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":")" +
           subscription + R"(","result":)" + head_text(number) + "}}";
}

const std::string kSubscribed = R"({"jsonrpc":"2.0","id":1,"result":"0x1"})";

HeadHint hint(std::uint64_t number) {
    return HeadHint{BlockNum{number}, parse_hash32(hash_text(number)).value()};
}

/// What the stream under test is given to read. Outlives its streams.
struct Script {
    explicit Script(const Executor& executor)
        : more(executor) {}

    void say(std::string text) {
        texts.push_back(std::move(text));
        more.notify();
    }

    std::deque<std::string> texts;
    std::optional<Error> refuse_open;
    infra::Notifier more;
    int opened{0};
    int closed{0};
    std::string sent;
};

class FakeStream final : public MessageStream {
  public:
    explicit FakeStream(Script& script)
        : script_(script) {}

    Task<Result<void>> send(std::string text, std::chrono::milliseconds /*deadline*/) override {
        script_.sent = std::move(text);
        co_return ok();
    }

    Task<Result<std::string>> receive(std::chrono::milliseconds deadline) override {
        while (script_.texts.empty()) {
            co_await script_.more.wait_for(deadline);
        }
        std::string text = std::move(script_.texts.front());
        script_.texts.pop_front();
        if (text == "closed") {
            co_return fail(Errc::kIo, "alpha closed the WebSocket with code 1001");
        }
        co_return text;
    }

    Task<void> close(std::chrono::milliseconds /*deadline*/) override {
        ++script_.closed;
        co_return;
    }

  private:
    Script& script_;
};

/// Everything fifty times as fast as in the daemon.
HeadStreamLimits fast() {
    HeadStreamLimits limits;
    limits.watch.check_every = 60ms;
    limits.watch.confirm_after = 30ms;
    limits.watch.fresh_for = 400ms;
    limits.open_timeout = 200ms;
    limits.quiet_max = 10s;
    limits.backoff = 10ms;
    limits.backoff_max = 40ms;
    return limits;
}

class HeadStreamTest : public testing::Test {
  protected:
    HeadStreamTest()
        : script(loop.executor()) {}

    ~HeadStreamTest() override { loop.stop(); }

    void begin(const HeadStreamLimits& limits = fast()) {
        HeadStream::Parts parts;
        parts.name = "alpha";
        parts.open = [this](std::chrono::milliseconds /*limit*/) {
            return open();
        };
        parts.ask_head = [this] {
            return ask();
        };
        parts.on_hint = [this](const HeadHint& head) {
            hints.push_back(head);
        };
        stream.emplace(std::move(parts), limits);
        loop.start(stream->run());
    }

    Task<Result<std::unique_ptr<MessageStream>>> open() {
        ++script.opened;
        if (script.refuse_open) {
            co_return *script.refuse_open;
        }
        co_return std::make_unique<FakeStream>(script);
    }

    Task<Result<HeadHint>> ask() {
        ++asked;
        if (!http) {
            co_return fail(Errc::kTimeout, "no answer");
        }
        co_return *http;
    }

    /// Runs the loop until it holds.
    template <class Predicate>
    bool soon(Predicate holds) {
        const auto limit = std::chrono::steady_clock::now() + 10s;
        while (!holds() && std::chrono::steady_clock::now() < limit) {
            loop.run(infra::sleep_for(2ms));
        }
        return holds();
    }

    [[nodiscard]] const HeadStreamStatus& status() const { return stream->status(); }

    Loop loop;
    Script script;
    std::optional<HeadHint> http;
    int asked{0};
    std::vector<HeadHint> hints;
    std::optional<HeadStream> stream;
};

TEST_F(HeadStreamTest, SubscribesAndPassesEachNewHintOnce) {
    script.say(kSubscribed);
    for (const std::uint64_t number : {10U, 10U, 11U, 13U, 12U, 11U}) {
        script.say(notice(number));
    }
    begin();
    ASSERT_TRUE(soon([&] { return hints.size() == 4 && status().duplicates == 2; }));
    EXPECT_EQ(hints, (std::vector<HeadHint>{hint(10), hint(11), hint(13), hint(12)}));
    EXPECT_EQ(
        script.sent, R"({"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]})"
    );
    EXPECT_EQ(status().late, 1U);
    EXPECT_EQ(status().state, HeadStreamState::kLive);
    EXPECT_TRUE(stream->is_fresh());
}

TEST_F(HeadStreamTest, HintsOfAnotherSubscriptionAreCountedAndNotPassed) {
    script.say(notice(9, "0x1"));
    script.say(kSubscribed);
    script.say(notice(10, "0x2"));
    script.say(notice(11));
    begin();
    ASSERT_TRUE(soon([&] { return !hints.empty(); }));
    EXPECT_EQ(hints.front(), hint(11));
    EXPECT_EQ(status().foreign, 1U);
    EXPECT_EQ(status().opened, 1U);
}

TEST_F(HeadStreamTest, ASilentStreamIsFoundClosedCountedAndOpenedAgain) {
    script.say(kSubscribed);
    script.say(notice(10));
    http = hint(12);
    begin();
    ASSERT_TRUE(soon([&] { return status().silences == 1; }));
    EXPECT_GE(asked, 2);
    ASSERT_TRUE(soon([&] {
        return status().state == HeadStreamState::kWaiting || script.opened == 2;
    }));
    EXPECT_EQ(script.closed, 1);
    EXPECT_FALSE(stream->is_fresh());
    script.say(kSubscribed);
    script.say(notice(13));
    ASSERT_TRUE(soon([&] { return hints.size() == 2; }));
    EXPECT_EQ(status().state, HeadStreamState::kLive);
    EXPECT_EQ(status().reason, "");
}

TEST_F(HeadStreamTest, SilenceIsSaidInTheStateBeforeAnythingIsClosed) {
    HeadStreamLimits limits = fast();
    limits.watch.confirm_after = 10s;
    script.say(kSubscribed);
    script.say(notice(10));
    http = hint(12);
    begin(limits);
    ASSERT_TRUE(soon([&] { return status().state == HeadStreamState::kSilent; }));
    EXPECT_EQ(status().reason, "alpha moved on and did not announce it");
    EXPECT_FALSE(stream->is_fresh());
    EXPECT_EQ(script.closed, 0);
    // The hint was only late.
    script.say(notice(12));
    ASSERT_TRUE(soon([&] { return status().state == HeadStreamState::kLive; }));
    EXPECT_TRUE(stream->is_fresh());
}

TEST_F(HeadStreamTest, AQuietChainIsLeftAloneAndABusyOneIsNotAskedOverHttp) {
    script.say(kSubscribed);
    script.say(notice(10));
    http = hint(10);
    begin();
    ASSERT_TRUE(soon([&] { return asked >= 5; }));
    EXPECT_EQ(status().opened, 1U);
    EXPECT_TRUE(stream->is_fresh());
    EXPECT_EQ(status().silences, 0U);
}

TEST_F(HeadStreamTest, GarbageEndsTheStreamWithAReasonThatRepeatsNothing) {
    script.say(kSubscribed);
    script.say(R"({"jsonrpc":"2.0","secret-key":1})");
    begin();
    ASSERT_TRUE(soon([&] { return status().state == HeadStreamState::kWaiting; }));
    EXPECT_EQ(status().refusals, 1U);
    EXPECT_EQ(status().reason.rfind("alpha sent ", 0), 0U) << status().reason;
    EXPECT_EQ(status().reason.find("secret-key"), std::string::npos) << status().reason;
    script.say(kSubscribed);
    script.say(notice(20));
    ASSERT_TRUE(soon([&] { return hints.size() == 1; }));
}

TEST_F(HeadStreamTest, AFloodEndsTheStream) {
    HeadStreamLimits limits = fast();
    limits.watch.check_every = 10s;
    limits.watch.messages = 20;
    script.say(kSubscribed);
    for (std::uint64_t i = 0; i < 30; ++i) {
        script.say(notice(i, "0x9"));
    }
    begin(limits);
    ASSERT_TRUE(soon([&] { return status().refusals == 1; }));
    EXPECT_EQ(status().foreign, 21U);
}

TEST_F(HeadStreamTest, ARefusedSubscriptionNamesTheCode) {
    script.say(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"secret-key"}})");
    begin();
    ASSERT_TRUE(soon([&] { return status().state == HeadStreamState::kWaiting; }));
    EXPECT_EQ(status().reason, "alpha refused eth_subscribe newHeads with error -32601");
}

TEST_F(HeadStreamTest, ADeadEndpointIsTriedAgainWithGrowingPauses) {
    script.refuse_open = fail(Errc::kIo, "cannot connect to alpha: Connection refused");
    begin();
    ASSERT_TRUE(soon([&] { return script.opened >= 5; }));
    EXPECT_EQ(status().reason, "cannot connect to alpha: Connection refused");
    EXPECT_EQ(status().opened, 0U);
    script.refuse_open.reset();
    script.say(kSubscribed);
    script.say(notice(1));
    ASSERT_TRUE(soon([&] { return hints.size() == 1; }));
}

TEST_F(HeadStreamTest, AClosedStreamIsOpenedAgain) {
    script.say(kSubscribed);
    script.say(notice(1));
    script.say("closed");
    script.say(kSubscribed);
    script.say(notice(2));
    begin();
    ASSERT_TRUE(soon([&] { return hints.size() == 2; }));
    EXPECT_EQ(status().opened, 2U);
}

TEST(ReopenPause, DoublesToABoundWithJitter) {
    EXPECT_EQ(reopen_pause(1s, 60s, 1, 0), 1s);
    EXPECT_EQ(reopen_pause(1s, 60s, 4, 0), 8s);
    EXPECT_EQ(reopen_pause(1s, 60s, 4, 500), 10s);
    EXPECT_EQ(reopen_pause(1s, 60s, 1'000'000, 0), 60s);
    EXPECT_LT(reopen_pause(1s, 60s, 1'000'000, 999), 90s);
}

TEST(HeadStreamMake, ABadUrlIsNamedByTheEndpointOnly) {
    Loop loop;
    EndpointSettings endpoint;
    endpoint.name = "alpha";
    endpoint.http = "http://127.0.0.1:1/";
    endpoint.ws = "http://127.0.0.1:1/secret-key";
    const auto made = HeadStream::make(loop.executor(), endpoint, [](const HeadHint&) {}, {}, {});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::kConfig);
    EXPECT_EQ(made.error().detail.rfind("endpoint alpha: ", 0), 0U);
    EXPECT_EQ(made.error().detail.find("secret-key"), std::string::npos);
}

TEST(HeadStreamMake, SpeaksWebSocketAndAsksTheSameNodeOverHttp) {
    Loop loop;
    int asked = 0;
    tests::HttpServer http(loop.executor(), [&](const tests::HttpServer::Request& request) {
        ++asked;
        EXPECT_NE(request.body.find("eth_getBlockByNumber"), std::string::npos);
        // The first id of a client is its first call's.
        return tests::HttpServer::Reply(
            R"({"jsonrpc":"2.0","id":)" + request.body.substr(request.body.find("\"id\":") + 5, 1) +
            R"(,"result":)" + head_text(9) + "}"
        );
    });
    auto script = [](tests::WsServer::Session* session) -> Task<void> {
        const auto request = co_await session->read();
        EXPECT_TRUE(request && request->payload == subscribe_request());
        co_await session->text(kSubscribed);
        const std::string first = notice(5);
        co_await session->text(first);
        co_await session->drain();
    };
    tests::WsServer ws(loop.executor(), script);
    loop.start(http.run());
    loop.start(ws.run());
    EndpointSettings endpoint;
    endpoint.name = "alpha";
    endpoint.http = http.url();
    endpoint.ws = ws.url();
    std::vector<HeadHint> hints;
    const auto made = HeadStream::make(
        loop.executor(), endpoint, [&](const HeadHint& head) { hints.push_back(head); }, {}, fast()
    );
    ASSERT_TRUE(made) << made.error().detail;
    loop.start(made.value()->run());
    for (int i = 0; i < 5000 && made.value()->status().silences == 0; ++i) {
        loop.run(infra::sleep_for(2ms));
    }
    loop.stop();
    EXPECT_EQ(hints.front(), hint(5));
    EXPECT_GE(asked, 2);
    EXPECT_EQ(made.value()->status().silences, 1U);
}

}  // namespace
}  // namespace margrave::chains::rpc
