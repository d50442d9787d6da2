// SPDX-License-Identifier: Apache-2.0
#include "infra/http_date.hpp"
#include "tests/unit/infra/http_fixture.hpp"

namespace margrave::infra {
namespace {

using namespace std::chrono_literals;

class HttpAnswers : public HttpFixture {};

TEST_F(HttpAnswers, AnAnswerCutShortIsNeverHalfRead) {
    for (const std::size_t cut : {1U, 20U, 60U, 200U}) {
        Reply reply(std::string(1000, 'x'));
        reply.cut = cut;
        const Answer answer = answer_to(reply);
        ASSERT_FALSE(answer) << cut;
        EXPECT_EQ(answer.error().code, Errc::kIo);
        EXPECT_EQ(answer.error().detail, "alpha closed the connection in the middle of an answer");
    }
}

TEST_F(HttpAnswers, BodyAndHeadersAreBounded) {
    HttpLimits limits;
    limits.body_bytes = 1000;
    limits.header_bytes = 500;
    EXPECT_TRUE(answer_to(Reply(std::string(1000, 'x')), limits));
    const Answer body = answer_to(Reply(std::string(1001, 'x')), limits);
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().code, Errc::kLimit);
    EXPECT_EQ(body.error().detail, "alpha sent an answer of more than 1000 bytes");
    const Answer endless = answer_to(
        raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string("400\r\n") +
            std::string(1024, 'x') + "\r\n0\r\n\r\n"),
        limits
    );
    ASSERT_FALSE(endless);
    EXPECT_EQ(endless.error().code, Errc::kLimit);
    Reply headers("x");
    headers.headers.emplace_back("X-Long", std::string(600, 'y'));
    const Answer head = answer_to(headers, limits);
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Errc::kLimit);
}

TEST_F(HttpAnswers, ReadsChunksAndAnswersThatEndWithTheConnection) {
    const Answer chunked =
        answer_to(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
                      "0\r\n\r\n"));
    ASSERT_TRUE(chunked) << chunked.error().detail;
    EXPECT_EQ(chunked.value().body, "abcde");
    const Answer until_close = answer_to(raw("HTTP/1.0 200 OK\r\n\r\nall of it"));
    ASSERT_TRUE(until_close);
    EXPECT_EQ(until_close.value().body, "all of it");
}

TEST_F(HttpAnswers, GarbageIsAnErrorThatNamesTheEndpoint) {
    for (const char* bytes :
         {"\x16\x03\x01\x02",
          "<html>hello</html>\r\n\r\n",
          "SSH-2.0-OpenSSH\r\n\r\n",
          "HTTP/1.1 20 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
        const Answer answer = answer_to(raw(bytes));
        ASSERT_FALSE(answer) << bytes;
        EXPECT_EQ(answer.error().code, Errc::kIo) << bytes;
        EXPECT_NE(answer.error().detail.find("alpha"), std::string::npos);
    }
}

TEST_F(HttpAnswers, BytesAfterAnAnswerAreNotTheNextAnswer) {
    server.set_handler([](const Request& r) {
        Reply reply;
        reply.raw = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + r.body +
                    "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
        return reply;
    });
    HttpClient client = make();
    EXPECT_EQ(post(client, "1").value().body, "1");
    EXPECT_EQ(post(client, "2").value().body, "2");
    EXPECT_EQ(server.connections(), 2U);
}

TEST_F(HttpAnswers, AnyStatusIsAnAnswerAndRedirectsAreNotFollowed) {
    Reply redirect(307, "");
    redirect.headers.emplace_back("Location", "http://127.0.0.1:1/");
    const Answer moved = answer_to(redirect);
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved.value().status, 307U);
    EXPECT_EQ(answer_to(Reply(500, "oops")).value().body, "oops");
}

TEST_F(HttpAnswers, SurfacesRetryAfter) {
    Reply reply(429, "slow down");
    reply.headers.emplace_back("Retry-After", "7");
    const Answer answer = answer_to(reply);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer.value().status, 429U);
    EXPECT_EQ(answer.value().retry_after, 7s);
    EXPECT_EQ(answer_to(Reply(429, "x")).value().retry_after, std::nullopt);
}

TEST_F(HttpAnswers, CompressionNobodyAskedForIsRefused) {
    Reply reply("\x1f\x8b...");
    reply.headers.emplace_back("Content-Encoding", "gzip");
    const Answer answer = answer_to(reply);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().detail, "alpha compressed its answer (gzip) though not asked to");
}

TEST(RetryAfter, TakesSecondsAndDatesAndCapsBoth) {
    const auto now = std::chrono::system_clock::from_time_t(1'700'000'000);
    EXPECT_EQ(parse_retry_after("0", now), 0s);
    EXPECT_EQ(parse_retry_after("120", now), 120s);
    EXPECT_EQ(parse_retry_after("31536000", now), 86'400s);
    EXPECT_EQ(parse_retry_after("99999999999999999999999", now), 86'400s);
    EXPECT_EQ(parse_retry_after("Tue, 14 Nov 2023 22:13:30 GMT", now), 10s);
    EXPECT_EQ(parse_retry_after("Tue, 14 Nov 2023 22:13:00 GMT", now), 0s);
    EXPECT_EQ(parse_retry_after("Tue, 14 Nov 2090 22:13:00 GMT", now), 86'400s);
    for (const char* bad : {"", "-1", "1.5", "soon", "12x", "Tue, 14 Nov 2023 22:13:30"}) {
        EXPECT_EQ(parse_retry_after(bad, now), std::nullopt) << bad;
    }
}

TEST(HttpDate, IsTakenInTheFormThatServersSend) {
    const auto at = std::chrono::system_clock::from_time_t(1'700'000'010);
    EXPECT_EQ(parse_http_date("Tue, 14 Nov 2023 22:13:30 GMT"), at);
    for (const char* bad :
         {"",
          "10",
          "Tue, 14 Nov 2023 22:13:30",
          "Tue, 14 Nov 2023 22:13:30 GMT+1",
          "2023-11-14T22:13:30Z",
          "Tuesday, 14-Nov-23 22:13:30 GMT"}) {
        EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
    }
}

}  // namespace
}  // namespace margrave::infra
