// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/infra/http_fixture.hpp"

namespace margrave::infra {
namespace {

using namespace std::chrono_literals;

class HttpClientTest : public HttpFixture {};

TEST_F(HttpClientTest, SendsBodyHeadersAndTarget) {
    HttpClient client = make({}, "/v3/key?a=1");
    const Answer answer = post(client, "hello");
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer.value().status, 200U);
    EXPECT_EQ(answer.value().body, "hello");
    const Request& request = server.requests().at(0);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/v3/key?a=1");
    EXPECT_EQ(request.headers.at("content-type"), "application/json");
    EXPECT_EQ(request.headers.at("host"), "127.0.0.1:" + std::to_string(server.port()));
    EXPECT_EQ(request.headers.count("authorization"), 0U);
}

TEST_F(HttpClientTest, GetJoinsThePathAndHasNoBody) {
    HttpClient client = make({}, "/base/");
    ASSERT_TRUE(loop.run(client.get("/v2/price?ids=1", kPatient)));
    EXPECT_EQ(server.requests().at(0).method, "GET");
    EXPECT_EQ(server.requests().at(0).target, "/base/v2/price?ids=1");
    EXPECT_EQ(server.requests().at(0).headers.count("content-length"), 0U);
}

TEST_F(HttpClientTest, UserinfoBecomesBasicAuthorization) {
    Url url = parse_url("http://me:pw@127.0.0.1:" + std::to_string(server.port())).value();
    HttpClient client(loop.executor(), "alpha", url, HttpLimits{});
    ASSERT_TRUE(post(client));
    EXPECT_EQ(server.requests().at(0).headers.at("authorization"), "Basic bWU6cHc=");
}

TEST_F(HttpClientTest, OneConnectionServesManyRequests) {
    HttpClient client = make();
    for (int i = 0; i < 5; ++i) {
        ASSERT_TRUE(post(client));
    }
    EXPECT_EQ(server.connections(), 1U);
    EXPECT_EQ(client.connections(), 1U);
}

TEST_F(HttpClientTest, TwoConnectionsServeTenRequestsAtOnce) {
    HttpClient client = make();
    server.set_handler([](const Request& r) {
        Reply reply(r.body);
        reply.delay = 2ms;
        return reply;
    });
    std::vector<Task<Answer>> tasks;
    for (int i = 0; i < 10; ++i) {
        tasks.push_back(client.post(std::to_string(i), "", kPatient));
    }
    const std::vector<Answer> answers = loop.run(gather(std::move(tasks)));
    for (std::size_t i = 0; i < 10; ++i) {
        ASSERT_TRUE(answers[i]) << answers[i].error().detail;
        EXPECT_EQ(answers[i].value().body, std::to_string(i));
    }
    EXPECT_EQ(server.connections(), 2U);
    EXPECT_EQ(client.waiting(), 0U);
}

TEST_F(HttpClientTest, AFullQueueRefuses) {
    HttpLimits limits;
    limits.connections = 1;
    limits.waiting = 2;
    HttpClient client = make(limits);
    std::vector<Task<Answer>> tasks;
    for (int i = 0; i < 4; ++i) {
        tasks.push_back(client.post("x", "", kPatient));
    }
    const std::vector<Answer> answers = loop.run(gather(std::move(tasks)));
    EXPECT_TRUE(answers[0] && answers[1] && answers[2]);
    ASSERT_FALSE(answers[3]);
    EXPECT_EQ(answers[3].error().code, Errc::kLimit);
    EXPECT_EQ(answers[3].error().detail, "2 requests wait for alpha already");
}

TEST_F(HttpClientTest, WaitingForATurnIsInsideTheDeadline) {
    HttpLimits limits;
    limits.connections = 1;
    HttpClient client = make(limits);
    server.set_handler([](const Request&) {
        Reply reply("slow");
        reply.delay = 100ms;
        return reply;
    });
    std::vector<Task<Answer>> tasks;
    tasks.push_back(client.post("x", "", kPatient));
    tasks.push_back(client.post("y", "", 10ms));
    const std::vector<Answer> answers = loop.run(gather(std::move(tasks)));
    EXPECT_TRUE(answers[0]);
    ASSERT_FALSE(answers[1]);
    EXPECT_EQ(answers[1].error().code, Errc::kTimeout);
    EXPECT_EQ(client.waiting(), 0U);
    EXPECT_TRUE(post(client));
}

TEST_F(HttpClientTest, ATimeoutFreesItsConnection) {
    HttpLimits limits;
    limits.connections = 1;
    HttpClient client = make(limits);
    server.set_handler([](const Request& r) {
        Reply reply(r.body);
        reply.delay = r.body == "slow" ? std::chrono::milliseconds(60'000) : 0ms;
        return reply;
    });
    const Answer late = loop.run(client.post("slow", "", 20ms));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().detail, "HTTP POST to alpha took longer than 20 ms");
    EXPECT_EQ(client.connections(), 0U);
    const Answer next = post(client, "fast");
    ASSERT_TRUE(next);
    EXPECT_EQ(next.value().body, "fast");
}

TEST_F(HttpClientTest, TheDeadlineIsForTheWholeAnswer) {
    Reply reply(std::string(1000, 'x'));
    reply.drip = 5ms;
    server.set_handler([reply](const Request&) { return reply; });
    HttpClient client = make();
    const Answer answer = loop.run(client.post("x", "", 100ms));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kTimeout);
}

TEST_F(HttpClientTest, AClosedKeptConnectionIsReplaced) {
    HttpClient client = make();
    server.set_handler([](const Request& r) {
        Reply reply(r.body);
        reply.close = true;
        return reply;
    });
    for (int i = 0; i < 3; ++i) {
        const Answer answer = post(client, std::to_string(i));
        ASSERT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ(answer.value().body, std::to_string(i));
    }
    EXPECT_EQ(server.connections(), 3U);
}

/// The server takes the second request of a connection and closes without a word.
Reply hang_up_on_second(const Request& request, std::size_t* seen) {
    Reply reply(request.body);
    if (++*seen == 2) {
        reply.cut = 0;
    }
    return reply;
}

TEST_F(HttpClientTest, AConnectionThatClosesUnderARequestIsTriedOnceAfresh) {
    std::size_t seen = 0;
    server.set_handler([&](const Request& r) { return hang_up_on_second(r, &seen); });
    HttpClient client = make();
    ASSERT_TRUE(post(client, "1"));
    const Answer second = post(client, "2");
    ASSERT_TRUE(second) << second.error().detail;
    EXPECT_EQ(second.value().body, "2");
    EXPECT_EQ(server.connections(), 2U);
    EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(HttpClientTest, ARequestThatMustNotRepeatIsNotSentAgain) {
    std::size_t seen = 0;
    server.set_handler([&](const Request& r) { return hang_up_on_second(r, &seen); });
    HttpClient client = make();
    ASSERT_TRUE(post(client, "1"));
    HttpRequest request;
    request.method = "POST";
    request.body = "2";
    request.resend = false;
    const Answer second = loop.run(client.send(request, kPatient));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().detail, "alpha closed the connection before answering");
    EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(HttpClientTest, AFreshConnectionThatClosesIsAnErrorAtOnce) {
    Reply reply("never seen");
    reply.cut = 0;
    const Answer answer = answer_to(reply);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kIo);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpClientTest, ConnectionCloseIsHonoured) {
    Reply reply("x");
    reply.headers.emplace_back("Connection", "close");
    server.set_handler([reply](const Request&) { return reply; });
    HttpClient client = make();
    ASSERT_TRUE(post(client));
    EXPECT_EQ(client.connections(), 0U);
}

TEST_F(HttpClientTest, AnOldConnectionIsNotUsedAgain) {
    HttpLimits limits;
    limits.idle = 0ms;
    HttpClient client = make(limits);
    ASSERT_TRUE(post(client));
    ASSERT_TRUE(post(client));
    EXPECT_EQ(server.connections(), 2U);
}

TEST_F(HttpClientTest, AHeaderCannotSmuggleAnother) {
    HttpClient client = make();
    HttpRequest request;
    request.headers.push_back({"X-A", "1\r\nX-B: 2"});
    EXPECT_EQ(loop.run(client.send(request, kPatient)).error().code, Errc::kInvalid);
    HttpRequest path;
    path.path = "/ HTTP/1.1\r\nX: y";
    EXPECT_EQ(loop.run(client.send(path, kPatient)).error().code, Errc::kInvalid);
    EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpClientTest, ARefusedConnectionNamesTheEndpointAndNotTheUrl) {
    const std::string url = "http://user:hunter22@127.0.0.1:1/secretpath";
    HttpClient client(loop.executor(), "alpha", parse_url(url).value(), HttpLimits{});
    const Answer answer = post(client);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().detail, "cannot connect to alpha: Connection refused");
}

TEST_F(HttpClientTest, ResolvesNamesAndSaysWhenThereIsNone) {
    const std::string port = std::to_string(server.port());
    HttpClient named(
        loop.executor(), "alpha", parse_url("http://localhost:" + port).value(), HttpLimits{}
    );
    EXPECT_TRUE(post(named));
    HttpClient unnamed(
        loop.executor(), "beta", parse_url("http://no-such-host.invalid").value(), HttpLimits{}
    );
    const Answer none = post(unnamed);
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().detail.find("the host of beta has no address"), std::string::npos);
}

TEST_F(HttpClientTest, RequestsUnderWayDieWithTheirLoop) {
    auto io = std::make_unique<boost::asio::io_context>();
    auto client = std::make_unique<HttpClient>(
        io->get_executor(), "alpha", parse_url(server.url()).value(), HttpLimits{}
    );
    auto group = std::make_unique<TaskGroup>(io->get_executor());
    for (int i = 0; i < 4; ++i) {
        auto ignore = [](Task<Answer> task) -> Task<void> {
            const Answer unread = co_await std::move(task);
            static_cast<void>(unread);
        };
        EXPECT_TRUE(group->spawn("x", ignore(client->post("x", "", kPatient))));
    }
    io->run_one();
    client.reset();
    group.reset();
    io.reset();
}

}  // namespace
}  // namespace margrave::infra
