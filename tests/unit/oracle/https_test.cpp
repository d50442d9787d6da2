// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_server.hpp"
#include "tests/unit/oracle/source_probe.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace margrave::oracle {
namespace {

constexpr UnixSeconds kNow{1'764'345'630};

class HttpsTest : public ::testing::Test {
  protected:
    HttpsTest()
        : server(loop.executor(), [this](const tests::HttpServer::Request& request) {
              asked.push_back(request.target);
              return reply;
          }) {
        loop.start(server.run());
        reply.body = R"({"data": {"price": 3012.123456789012345678, "at": 1764345600}})";
    }

    ~HttpsTest() override { loop.stop(); }

    [[nodiscard]] Canonical::Object settings() const {
        return {
            {"price", "/data/price"},
            {"time", "/data/at"},
            {"url", "http://127.0.0.1:" + std::to_string(server.port()) + "/v1?key=secret"}};
    }

    Answer read(Canonical::Object given) {
        auto made = make_source(settings_of("https", std::move(given)), {});
        EXPECT_TRUE(made.has_value());
        return read_once(loop, *made.value(), kNow);
    }

    tests::Loop loop;
    tests::HttpServer::Reply reply;
    std::vector<std::string> asked;
    tests::HttpServer server;
};

TEST_F(HttpsTest, APriceIsTakenWithEveryDigit) {
    const Answer answer = read(settings());
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(answer.price->to_decimal(), "3012.123456789012345678");
    EXPECT_EQ(answer.published_at, UnixSeconds{1'764'345'600});
    EXPECT_EQ(answer.origin, "http://127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(asked, std::vector<std::string>{"/v1?key=secret"});
}

TEST_F(HttpsTest, AConfidenceAndOtherTimesAreRead) {
    reply.body = R"({"p": "3000", "t": "2025-11-28T16:00:00Z", "c": "1.5"})";
    Canonical::Object given = settings();
    given.insert_or_assign("price", "/p");
    given.insert_or_assign("time", "/t");
    given.insert_or_assign("time_form", "rfc3339");
    given.insert_or_assign("confidence", "/c");
    const Answer answer = read(given);
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(answer.confidence, Money::parse("1.5").value());
    EXPECT_EQ(answer.published_at, UnixSeconds{1'764'345'600});
}

TEST_F(HttpsTest, WhatIsNoAnswerSaysWhyAndNeverTheUrl) {
    struct Case {
        tests::HttpServer::Reply reply;
        std::string_view words;
    };

    const Case cases[]{
        {{500, ""}, "HTTP status 500"},
        {{302, ""}, "HTTP status 302"},
        {tests::HttpServer::Reply(""), "JSON at"},
        {tests::HttpServer::Reply(R"({"data": {"at": 1}})"), "has nothing at /data/price"},
        {tests::HttpServer::Reply(R"({"data": {"price": -1, "at": 1}})"),
         "/data/price is no number"},
        {tests::HttpServer::Reply(R"({"data": {"price": 0, "at": 1}})"), "the price is zero"},
        {tests::HttpServer::Reply(R"({"data": {"price": 1, "at": "x"}})"), "/data/at"},
        {tests::HttpServer::Reply(R"({"data": {"price": 1, "price": 2, "at": 1}})"),
         "repeated key"},
        {tests::HttpServer::Reply(std::string(70'000, ' ')), "price source under-test"},
    };
    for (const Case& c : cases) {
        reply = c.reply;
        const Answer answer = read(settings());
        EXPECT_FALSE(answer.price.has_value());
        EXPECT_NE(answer.error.find(c.words), std::string::npos) << answer.error;
        EXPECT_EQ(answer.error.find("secret"), std::string::npos) << answer.error;
    }
}

TEST_F(HttpsTest, IsAskedAgainOnlyWhenItsAnswerIsOld) {
    auto made = make_source(settings_of("https", settings()), {});
    ASSERT_TRUE(made.has_value());
    Source& source = *made.value();
    EXPECT_TRUE(read_once(loop, source, kNow).price.has_value());
    EXPECT_TRUE(read_once(loop, source, UnixSeconds{kNow.value + 9}).price.has_value());
    EXPECT_EQ(asked.size(), 1U);
    EXPECT_TRUE(read_once(loop, source, UnixSeconds{kNow.value + 10}).price.has_value());
    EXPECT_EQ(asked.size(), 2U);
}

TEST_F(HttpsTest, OnlyThisMachineMayAnswerUnencrypted) {
    Canonical::Object given = settings();
    EXPECT_TRUE(https_kind().check(given).empty());
    given.insert_or_assign("url", "http://prices.internal/");
    const auto problems = https_kind().check(given);
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0].pointer, "/url");
    given.insert_or_assign("url", "https://prices.internal/");
    given.insert_or_assign("price", "data");
    ASSERT_EQ(https_kind().check(given).size(), 1U);
    EXPECT_EQ(https_kind().check(given)[0].pointer, "/price");
}

}  // namespace
}  // namespace margrave::oracle
