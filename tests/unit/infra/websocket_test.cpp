// SPDX-License-Identifier: Apache-2.0
#include "infra/timeout.hpp"
#include "infra/websocket_client.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/ws_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace margrave::infra {
namespace {

using namespace std::chrono_literals;
using tests::Loop;
using tests::WsServer;
using Session = WsServer::Session;
using Opened = Result<std::unique_ptr<MessageStream>>;

constexpr std::chrono::seconds kPatient{20};

class WebSocketTest : public testing::Test {
  protected:
    WebSocketTest()
        : server(loop.executor(), echo) {
        loop.start(server.run());
    }

    ~WebSocketTest() override { loop.stop(); }

    static Task<void> echo(Session* session) {
        while (true) {
            auto frame = co_await session->read();
            if (!frame) {
                co_return;
            }
            if (frame->opcode == WsServer::kClose) {
                std::string bytes = WsServer::frame(WsServer::kClose, frame->payload);
                co_await session->write(std::move(bytes));
                co_return;
            }
            co_await session->text(frame->payload);
        }
    }

    /// A server that says these bytes and then only listens.
    void say(std::string bytes) {
        auto script = [bytes](Session* session) -> Task<void> {
            std::string copy = bytes;
            co_await session->write(std::move(copy));
            co_await session->drain();
        };
        server.set_script(script);
    }

    Opened open(WsLimits limits = {}, const std::string& path = "/") {
        WsClient client(loop.executor(), "alpha", parse_ws_url(server.url(path)).value(), limits);
        return loop.run(client.open(kPatient));
    }

    std::unique_ptr<MessageStream> must_open(const WsLimits& limits = {}) {
        Opened opened = open(limits);
        MARGRAVE_ASSERT(opened.has_value());
        return std::move(opened).value();
    }

    /// What the client says of bytes that are no good message.
    Error refusal_of(std::string bytes, const WsLimits& limits = {}) {
        say(std::move(bytes));
        const auto stream = must_open(limits);
        const auto got = loop.run(stream->receive(kPatient));
        EXPECT_FALSE(got) << got.value();
        const auto again = loop.run(stream->receive(kPatient));
        EXPECT_FALSE(again);
        EXPECT_EQ(again.error().code, Errc::kIo);
        return got ? Error{Errc::kInvalid, "it was taken"} : got.error();
    }

    Loop loop;
    WsServer server;
};

TEST_F(WebSocketTest, SendsMaskedTextAndReceivesWholeMessages) {
    auto script = [](Session* session) -> Task<void> {
        auto frame = co_await session->read();
        EXPECT_TRUE(frame && frame->masked && frame->fin);
        EXPECT_EQ(frame->opcode, unsigned{WsServer::kText});
        EXPECT_EQ(frame->payload, "hello");
        std::string halves = WsServer::frame(WsServer::kText, "one ", false) +
                             WsServer::frame(WsServer::kPing, "in between") +
                             WsServer::frame(WsServer::kContinuation, "message");
        co_await session->write(std::move(halves));
        auto pong = co_await session->read();
        EXPECT_TRUE(pong && pong->opcode == WsServer::kPong);
        EXPECT_EQ(pong->payload, "in between");
        co_await session->text("next");
        co_await session->drain();
    };
    server.set_script(script);
    const auto stream = must_open();
    ASSERT_TRUE(loop.run(stream->send("hello", kPatient)));
    const auto got = loop.run(stream->receive(kPatient));
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got.value(), "one message");
    EXPECT_EQ(loop.run(stream->receive(kPatient)).value(), "next");
}

TEST_F(WebSocketTest, UpgradeCarriesTargetAuthorizationAndAgent) {
    std::string target;
    std::map<std::string, std::string> headers;
    auto script = [&](Session* session) -> Task<void> {
        target = session->target;
        headers = session->headers;
        co_await session->text("x");
        co_await session->drain();
    };
    server.set_script(script);
    const std::string port = std::to_string(server.port());
    WsLimits limits;
    limits.user_agent = "margrave-test";
    Url url = parse_ws_url(server.url("/v3/key?a=1")).value();
    url.userinfo = "me:pw";
    WsClient client(loop.executor(), "alpha", url, limits);
    auto opened = loop.run(client.open(kPatient));
    ASSERT_TRUE(opened) << opened.error().detail;
    ASSERT_TRUE(loop.run(opened.value()->receive(kPatient)));
    EXPECT_EQ(target, "/v3/key?a=1");
    EXPECT_EQ(headers["authorization"], "Basic bWU6cHc=");
    EXPECT_EQ(headers["user-agent"], "margrave-test");
    EXPECT_EQ(headers["host"], "127.0.0.1:" + port);
    EXPECT_EQ(headers["sec-websocket-version"], "13");
    EXPECT_EQ(headers.count("sec-websocket-extensions"), 0U);
}

TEST_F(WebSocketTest, AMessageOfTheBoundIsTakenAndOneMoreByteIsNot) {
    WsLimits limits;
    limits.message_bytes = 70'000;
    say(WsServer::frame(WsServer::kText, std::string(70'000, 'a')));
    const auto stream = must_open(limits);
    EXPECT_EQ(loop.run(stream->receive(kPatient)).value().size(), 70'000U);

    const Error one =
        refusal_of(WsServer::frame(WsServer::kText, std::string(70'001, 'a')), limits);
    EXPECT_EQ(one.code, Errc::kLimit);
    EXPECT_EQ(one.detail, "alpha sent a message of more than 70000 bytes");
    const Error two = refusal_of(
        WsServer::frame(WsServer::kText, std::string(40'000, 'a'), false) +
            WsServer::frame(WsServer::kContinuation, std::string(40'000, 'a')),
        limits
    );
    EXPECT_EQ(two.code, Errc::kLimit);
}

TEST_F(WebSocketTest, AHeaderThatClaimsTooMuchIsRefusedBeforeItsBytesCome) {
    // 2^62 bytes follow, it says.
    const std::string claim = std::string("\x81\x7f\x40", 3) + std::string(7, '\0');
    EXPECT_EQ(refusal_of(claim).code, Errc::kLimit);
}

TEST_F(WebSocketTest, BinaryBadTextAndBrokenFramesEndTheConnection) {
    EXPECT_EQ(
        refusal_of(WsServer::frame(WsServer::kBinary, "abc")).detail, "alpha sent a binary message"
    );
    const Error text = refusal_of(WsServer::frame(WsServer::kText, "a\xc3("));
    EXPECT_NE(text.detail.find("not UTF-8"), std::string::npos) << text.detail;
    // A character cut by the end of the message, not by the end of a frame.
    EXPECT_EQ(refusal_of(WsServer::frame(WsServer::kText, "\xe2\x82")).code, Errc::kIo);
    // Masked by the server, a reserved opcode, a reserved bit, a continuation of nothing.
    for (const std::string& bytes :
         {std::string("\x81\x81\x01\x02\x03\x04z"),
          WsServer::frame(3, "x"),
          std::string("\xc1\x01z"),
          WsServer::frame(WsServer::kContinuation, "x"),
          WsServer::frame(WsServer::kPing, "x", false),
          WsServer::frame(WsServer::kPing, std::string(126, 'x'))}) {
        const Error error = refusal_of(bytes);
        EXPECT_EQ(error.code, Errc::kIo);
        EXPECT_NE(error.detail.find("alpha broke the WebSocket protocol"), std::string::npos)
            << error.detail;
    }
}

TEST_F(WebSocketTest, ACloseNamesItsCodeAndNeverItsWords) {
    const Error error = refusal_of(WsServer::close_frame(1008, "key secret-key is over quota"));
    EXPECT_EQ(error.detail, "alpha closed the WebSocket with code 1008");
}

TEST_F(WebSocketTest, AConnectionCutInTheMiddleOfAFrameIsAnError) {
    auto script = [](Session* session) -> Task<void> {
        std::string half = WsServer::frame(WsServer::kText, "a long message");
        half.resize(8);
        co_await session->write(std::move(half));
        session->drop();
    };
    server.set_script(script);
    const auto stream = must_open();
    const auto got = loop.run(stream->receive(kPatient));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().detail, "alpha closed the WebSocket without saying so");
}

TEST_F(WebSocketTest, HalfAFrameIsWaitedForAtMostToTheDeadline) {
    std::string half = WsServer::frame(WsServer::kText, "a long message");
    half.resize(8);
    say(half);
    const auto stream = must_open();
    const auto got = loop.run(stream->receive(50ms));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::kTimeout);
    EXPECT_EQ(got.error().detail, "waiting for a message of alpha took longer than 50 ms");
    // What failed once is not used again.
    EXPECT_EQ(loop.run(stream->receive(kPatient)).error().code, Errc::kIo);
    EXPECT_EQ(loop.run(stream->send("x", kPatient)).error().code, Errc::kIo);
}

TEST_F(WebSocketTest, ASilentPeerIsPingedAndThenGivenUp) {
    int pings = 0;
    auto script = [&](Session* session) -> Task<void> {
        while (true) {
            const auto frame = co_await session->read();
            if (!frame) {
                co_return;
            }
            pings += frame->opcode == WsServer::kPing ? 1 : 0;
        }
    };
    server.set_script(script);
    WsLimits limits;
    limits.idle = 200ms;
    const auto stream = must_open(limits);
    const auto begun = std::chrono::steady_clock::now();
    const auto got = loop.run(stream->receive(kPatient));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::kTimeout);
    EXPECT_EQ(got.error().detail, "alpha was silent for 200 ms, to a ping too");
    EXPECT_EQ(pings, 1);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(WebSocketTest, APeerThatAnswersPingsMayBeSilent) {
    auto script = [](Session* session) -> Task<void> {
        for (int pings = 0; pings < 3;) {
            const auto frame = co_await session->read();
            if (!frame) {
                co_return;
            }
            if (frame->opcode == WsServer::kPing) {
                ++pings;
                std::string pong = WsServer::frame(WsServer::kPong, frame->payload);
                co_await session->write(std::move(pong));
            }
        }
        co_await session->text("here I am");
        co_await session->drain();
    };
    server.set_script(script);
    WsLimits limits;
    limits.idle = 200ms;
    const auto stream = must_open(limits);
    const auto got = loop.run(stream->receive(kPatient));
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got.value(), "here I am");
}

TEST_F(WebSocketTest, APeerThatDoesNotReadCannotHoldASender) {
    auto script = [](Session* /*session*/) -> Task<void> {
        co_await sleep_for(kPatient);
    };
    server.set_script(script);
    const auto stream = must_open();
    Result<void> sent = ok();
    for (int i = 0; i < 64 && sent; ++i) {
        sent = loop.run(stream->send(std::string(std::size_t{1} << 20, 'a'), 100ms));
    }
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().detail, "sending to alpha took longer than 100 ms");
}

TEST_F(WebSocketTest, ARefusedUpgradeNamesTheStatusOnly) {
    server.set_refusal("HTTP/1.1 401 secret-key\r\nContent-Length: 10\r\n\r\nsecret-key");
    const Opened opened = open({}, "/secret-key");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().detail, "alpha answered the WebSocket upgrade with HTTP 401");
}

TEST_F(WebSocketTest, WhatIsNoUpgradeIsRefused) {
    server.set_refusal(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
    );
    EXPECT_FALSE(open());
    server.set_refusal("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    EXPECT_FALSE(open());
    server.set_refusal("HTTP/1.1 101 Switching Protocols\r\nX: " + std::string(100'000, 'a'));
    EXPECT_FALSE(open());
    server.set_refusal("");
    const Opened ended = open({}, "/secret-key");
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Errc::kIo);
    EXPECT_EQ(ended.error().detail.find("secret-key"), std::string::npos);
}

TEST_F(WebSocketTest, AnUpgradeThatIsNeverAnsweredTakesTheDeadline) {
    server.set_mute(true);
    WsClient client(loop.executor(), "alpha", parse_ws_url(server.url()).value(), {});
    const Opened opened = loop.run(client.open(60ms));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().detail, "opening a WebSocket to alpha took longer than 60 ms");
}

TEST_F(WebSocketTest, NobodyListensIsAnError) {
    const Url url = parse_ws_url("ws://127.0.0.1:1/secret-key").value();
    WsClient client(loop.executor(), "alpha", url, {});
    const Opened opened = loop.run(client.open(kPatient));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().detail, "cannot connect to alpha: Connection refused");
}

TEST_F(WebSocketTest, CloseSaysGoodbyeAndWaitsOnlySoLong) {
    unsigned code = 0;
    auto script = [&](Session* session) -> Task<void> {
        const auto frame = co_await session->read();
        if (frame && frame->opcode == WsServer::kClose && frame->payload.size() >= 2) {
            code = static_cast<unsigned char>(frame->payload[0]) * 256U +
                   static_cast<unsigned char>(frame->payload[1]);
        }
        // And never answers.
        co_await session->drain();
    };
    server.set_script(script);
    const auto stream = must_open();
    const auto begun = std::chrono::steady_clock::now();
    loop.run(stream->close(50ms));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
    EXPECT_EQ(code, 1000U);
    EXPECT_EQ(loop.run(stream->send("x", kPatient)).error().code, Errc::kIo);
    loop.run(stream->close(50ms));
}

TEST_F(WebSocketTest, ACancelledReceiveEndsTheConnection) {
    const auto stream = must_open();
    Task<Result<std::string>> waiting = stream->receive(kPatient);
    const auto got = loop.run(with_timeout(std::move(waiting), 30ms, "the test"));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().detail, "the test took longer than 30 ms");
    EXPECT_EQ(
        loop.run(stream->receive(kPatient)).error().detail, "the WebSocket to alpha is closed"
    );
}

TEST_F(WebSocketTest, ATaskThatIsDestroyedWithItsLoopHarmsNothing) {
    std::unique_ptr<MessageStream> stream;
    std::optional<WsClient> client;
    {
        Loop other;
        client.emplace(other.executor(), "alpha", parse_ws_url(server.url()).value(), WsLimits{});
        // The server runs on the first loop, so this never gets past the upgrade.
        auto opening = [](WsClient* c) -> Task<void> {
            const Opened opened = co_await c->open(kPatient);
            static_cast<void>(opened);
        };
        other.start(opening(&*client));
        other.run(sleep_for(20ms));
    }
    stream = must_open();
    ASSERT_TRUE(loop.run(stream->send("hello", kPatient)));
    EXPECT_EQ(loop.run(stream->receive(kPatient)).value(), "hello");
}

TEST_F(WebSocketTest, AStreamOutlivesItsClientAndReceivesWhileItSends) {
    const auto stream = must_open();
    Task<Result<std::string>> receiving = stream->receive(kPatient);
    std::optional<Result<std::string>> got;
    loop.start(detail::store_result<std::string>(std::move(receiving), &got));
    ASSERT_TRUE(loop.run(stream->send("both ways", kPatient)));
    while (!got) {
        loop.run(sleep_for(1ms));
    }
    EXPECT_EQ(got->value(), "both ways");
}

}  // namespace
}  // namespace margrave::infra
