// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/head_watch.hpp"

#include <gtest/gtest.h>

#include <string>

namespace margrave::chains::rpc {
namespace {

using namespace std::chrono_literals;
using Heard = HeadWatch::Heard;
using Verdict = HeadWatch::Verdict;

constexpr const char* kHash = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

std::string notice(const std::string& head, const std::string& subscription = "\"0x1\"") {
    return R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":)" +
           subscription + R"(,"result":)" + head + "}}";
}

std::string head_text(const std::string& number) {
    return R"({"number":")" + number + R"(","hash":")" + kHash + R"("})";
}

HeadHint hint(std::uint64_t number, std::uint8_t branch = 0) {
    HeadHint out;
    out.number = BlockNum{number};
    out.hash.data[0] = branch;
    out.hash.data[31] = static_cast<std::uint8_t>(number);
    return out;
}

class HeadWatchTest : public testing::Test {
  protected:
    Verdict check(std::optional<HeadHint> http) {
        now += watch.next_check();
        return watch.check(http, now);
    }

    Heard note(const HeadHint& head) { return watch.note(head, now).value(); }

    HeadWatch::Time now{1h};
    HeadWatch watch{HeadWatchLimits{}, now};
};

TEST(StreamMessage, ANoticeIsReadWithWhateverElseItCarries) {
    const std::string head = R"({"number":"0x10","hash":")" + std::string(kHash) +
                             R"(","removed":true,"timestamp":"0x1","new":1.5})";
    const auto message = read_stream_message(notice(head));
    ASSERT_TRUE(message) << message.error().detail;
    const auto& read = std::get<HeadNotice>(message.value());
    EXPECT_EQ(read.subscription, "0x1");
    EXPECT_EQ(read.head.number.value, 16U);
    EXPECT_EQ(to_hex(read.head.hash), kHash);
}

TEST(StreamMessage, AnAnswerIsTheSubscriptionOrACode) {
    const auto good = read_stream_message(R"({"jsonrpc":"2.0","id":1,"result":"0xabc"})");
    EXPECT_EQ(std::get<SubscribeAnswer>(good.value()).subscription, "0xabc");
    const auto bad = read_stream_message(
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no key secret"}})"
    );
    EXPECT_EQ(std::get<SubscribeAnswer>(bad.value()).subscription, "");
    EXPECT_EQ(std::get<SubscribeAnswer>(bad.value()).error_code, -32601);
}

TEST(StreamMessage, WhatIsNotToTheLetterIsRefused) {
    const std::string cases[] = {
        "",
        "hello",
        "[]",
        "null",
        R"({"id":1,"result":"0x1"})",
        R"({"jsonrpc":"1.0","id":1,"result":"0x1"})",
        R"({"jsonrpc":"2.0","id":2,"result":"0x1"})",
        R"({"jsonrpc":"2.0","id":"1","result":"0x1"})",
        R"({"jsonrpc":"2.0","id":1,"result":7})",
        R"({"jsonrpc":"2.0","id":1,"result":""})",
        R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","id":1,"result":"0x1","error":{"code":1}})",
        R"({"jsonrpc":"2.0","id":1,"error":{"message":"x"}})",
        R"({"jsonrpc":"2.0","id":1,"id":1,"result":"0x1"})",
        R"({"jsonrpc":"2.0","method":"eth_other","params":{}})",
        R"({"jsonrpc":"2.0","method":"eth_subscription"})",
        R"({"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1"}})",
        notice("null"),
        notice("[]"),
        notice(head_text("16")),
        notice(head_text("0x010")),
        notice(head_text("0x10000000000000000")),
        notice(R"({"number":"0x10"})"),
        notice(R"({"number":"0x10","hash":"0x12"})"),
        notice(head_text("0x10"), "1"),
        notice(head_text("0x10"), "\"" + std::string(129, 'a') + "\""),
        notice(head_text("0x10")) + "x",
    };
    for (const std::string& text : cases) {
        EXPECT_FALSE(read_stream_message(text)) << text;
    }
    EXPECT_TRUE(read_stream_message(notice(head_text("0x10"))));
}

TEST_F(HeadWatchTest, TellsNewFromRepeatedFromLate) {
    EXPECT_EQ(note(hint(10)), Heard::kNew);
    EXPECT_EQ(note(hint(10)), Heard::kDuplicate);
    EXPECT_EQ(note(hint(12)), Heard::kNew);
    EXPECT_EQ(note(hint(11)), Heard::kLate);
    EXPECT_EQ(note(hint(10)), Heard::kDuplicate);
    // The other branch of a reorg at a number known already.
    EXPECT_EQ(note(hint(12, 1)), Heard::kLate);
    EXPECT_EQ(watch.last(), hint(12, 1));
}

TEST_F(HeadWatchTest, RemembersABoundedNumberOfHints) {
    for (std::uint64_t i = 0; i < 65; ++i) {
        note(hint(i));
    }
    EXPECT_EQ(note(hint(1)), Heard::kDuplicate);
    EXPECT_EQ(note(hint(0)), Heard::kLate);
}

TEST_F(HeadWatchTest, SilenceWhileTheNodeMovesIsFoundWithinThirtySeconds) {
    const auto last = now;
    note(hint(10));
    EXPECT_TRUE(watch.heard_since_check());
    EXPECT_EQ(check(std::nullopt), Verdict::kWorks);
    EXPECT_FALSE(watch.heard_since_check());
    EXPECT_EQ(check(hint(11)), Verdict::kSuspicious);
    EXPECT_FALSE(watch.is_fresh(now));
    EXPECT_EQ(check(hint(11)), Verdict::kSilent);
    // Beside two answers of at most 5 s each.
    EXPECT_LE(now - last + 10s, 30s);
}

TEST_F(HeadWatchTest, AHintUnderWayEndsTheSuspicion) {
    note(hint(10));
    check(std::nullopt);
    EXPECT_EQ(check(hint(11)), Verdict::kSuspicious);
    EXPECT_EQ(note(hint(11)), Heard::kNew);
    EXPECT_TRUE(watch.is_fresh(now));
    EXPECT_EQ(check(std::nullopt), Verdict::kWorks);
    EXPECT_EQ(watch.next_check(), 8s);
}

TEST_F(HeadWatchTest, RepeatingOneHintIsSilence) {
    note(hint(10));
    check(std::nullopt);
    note(hint(10));
    EXPECT_FALSE(watch.heard_since_check());
    EXPECT_EQ(check(hint(11)), Verdict::kSuspicious);
    note(hint(10));
    EXPECT_EQ(check(hint(11)), Verdict::kSilent);
}

TEST_F(HeadWatchTest, AStreamThatNeverSaidAnythingIsFoundWhenTheNodeMoves) {
    EXPECT_EQ(check(hint(10)), Verdict::kWorks);
    EXPECT_EQ(check(hint(10)), Verdict::kWorks);
    EXPECT_EQ(check(hint(11)), Verdict::kSuspicious);
    EXPECT_EQ(check(hint(12)), Verdict::kSilent);
}

TEST_F(HeadWatchTest, AHintFarAboveTheChainHidesNothing) {
    note(hint(std::uint64_t{1} << 63U));
    check(std::nullopt);
    EXPECT_EQ(check(hint(10)), Verdict::kWorks);
    EXPECT_EQ(check(hint(11)), Verdict::kSuspicious);
    EXPECT_EQ(check(hint(11)), Verdict::kSilent);
}

TEST_F(HeadWatchTest, AQuietChainIsNoSilence) {
    note(hint(10));
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(check(hint(10)), Verdict::kWorks);
        EXPECT_TRUE(watch.is_fresh(now));
    }
}

TEST_F(HeadWatchTest, ANodeThatDoesNotAnswerProvesNothingEitherWay) {
    note(hint(10));
    check(std::nullopt);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(check(std::nullopt), Verdict::kWorks);
    }
    EXPECT_FALSE(watch.is_fresh(now));
    EXPECT_EQ(check(hint(11)), Verdict::kSuspicious);
    EXPECT_EQ(check(std::nullopt), Verdict::kSuspicious);
    EXPECT_EQ(check(hint(11)), Verdict::kSilent);
}

TEST_F(HeadWatchTest, AFloodIsRefusedAndAFastChainIsNot) {
    for (std::uint64_t i = 0; i < 400; ++i) {
        ASSERT_TRUE(watch.note(hint(i), now));
    }
    const auto more = watch.note(hint(401), now);
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().code, Errc::kLimit);
    check(std::nullopt);
    EXPECT_TRUE(watch.note(hint(402), now));
}

}  // namespace
}  // namespace margrave::chains::rpc
