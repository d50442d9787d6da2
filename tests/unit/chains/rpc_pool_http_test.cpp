// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/pool.hpp"
#include "tests/unit/chains/rpc_fixture.hpp"

#include <array>
#include <ctime>

namespace margrave::chains::rpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Reply answer_well(const HttpServer::Request& request) {
    const json asked = json::parse(request.body);
    if (!asked.is_array()) {
        return Reply(envelope(asked["id"], "0x7").dump());
    }
    json out = json::array();
    for (const json& one : asked) {
        out.push_back(envelope(one["id"], "0x7"));
    }
    return Reply(out.dump());
}

std::string http_date(std::chrono::system_clock::time_point when) {
    const std::time_t time = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    gmtime_r(&time, &parts);
    std::array<char, 64> text{};
    const std::size_t size =
        std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
}

/// Three operators "a", "b", "c" with a real client and a real server each; servers answer well
/// until a test says otherwise.
class PoolHttpTest : public testing::Test {
  protected:
    PoolHttpTest() {
        std::vector<std::unique_ptr<RpcCaller>> callers;
        std::vector<EndpointSettings> settings;
        for (const char* name : {"a", "b", "c"}) {
            servers.push_back(std::make_unique<HttpServer>(loop.executor(), answer_well));
            loop.start(servers.back()->run());
            EndpointSettings own;
            own.name = name;
            own.operator_name = name;
            own.http = servers.back()->url();
            RpcLimits limits;
            limits.attempts = 1;
            callers.push_back(RpcClient::make(loop.executor(), own, limits, infra::Logger{}).value()
            );
            settings.push_back(std::move(own));
        }
        pool.emplace(std::move(callers), std::move(settings));
    }

    ~PoolHttpTest() override { loop.stop(); }

    void make_b(const Reply& reply) {
        servers[1]->set_handler([=](const auto&) { return reply; });
    }

    std::vector<OperatorAnswer> ask(milliseconds deadline = seconds{20}) {
        std::vector<RpcCall> calls(3, RpcCall("eth_blockNumber", json::array()));
        return loop.run(pool->ask_operators(std::move(calls), deadline, 2, milliseconds{300}));
    }

    Endpoint& b() { return *pool->endpoints()[1]; }

    /// The others answered in full and b's error is of this class.
    void expect_only_b_fails(RpcClass kind) {
        const auto answers = ask();
        ASSERT_EQ(answers.size(), 3U);
        for (const std::size_t i : {0U, 2U}) {
            ASSERT_TRUE(answers[i].answers) << answers[i].answers.error().detail;
            EXPECT_EQ(answers[i].answers.value().size(), 3U);
            EXPECT_EQ(answers[i].answers.value()[2].value(), "0x7");
        }
        ASSERT_FALSE(answers[1].answers);
        EXPECT_EQ(to_string(answers[1].answers.error().kind), to_string(kind))
            << answers[1].answers.error().detail;
    }

    [[nodiscard]] milliseconds took() const {
        return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    }

    Loop loop;
    std::vector<std::unique_ptr<HttpServer>> servers;
    std::optional<EndpointPool> pool;
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

TEST_F(PoolHttpTest, AllAnswer) {
    for (const OperatorAnswer& one : ask()) {
        ASSERT_TRUE(one.answers);
        EXPECT_EQ(one.answers.value()[0].value(), "0x7");
    }
    EXPECT_EQ(b().requests(), 3U);
    EXPECT_EQ(servers[1]->requests().size(), 1U);
}

TEST_F(PoolHttpTest, AServerThatHangsCostsTheGraceOnce) {
    Reply silent;
    silent.delay = std::chrono::hours{1};
    make_b(silent);
    expect_only_b_fails(RpcClass::kTransport);
    EXPECT_LT(took(), seconds{5});
    EXPECT_EQ(b().running(), 0U);
    EXPECT_EQ(b().failure_count(), 1U);
}

TEST_F(PoolHttpTest, AServerThatDripsMeetsTheDeadlineOfTheWhole) {
    Reply slow("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]");
    slow.drip = milliseconds{20};
    make_b(slow);
    expect_only_b_fails(RpcClass::kTransport);
    EXPECT_LT(took(), seconds{5});
}

TEST_F(PoolHttpTest, ResetsAndCutBodiesAreTransport) {
    Reply reset;
    reset.cut = 0;
    make_b(reset);
    expect_only_b_fails(RpcClass::kTransport);
    Reply cut("[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x7\"}]");
    cut.cut = 70;
    make_b(cut);
    expect_only_b_fails(RpcClass::kTransport);
    EXPECT_EQ(b().failure_count(), 2U);
}

TEST_F(PoolHttpTest, GarbageIsUnprovedAndFiveTimesIsUnreachable) {
    for (const char* text : {"<html>", "", "[{]", "null", "\x00\xff"}) {
        make_b(Reply(text));
        expect_only_b_fails(RpcClass::kUnproved);
    }
    EXPECT_EQ(b().state(), EndpointState::kUnreachable);
    servers[1]->set_handler(answer_well);
    const std::size_t asked = servers[1]->requests().size();
    // Not asked before its time, which comes within a second.
    EXPECT_FALSE(ask()[1].answers);
    EXPECT_EQ(servers[1]->requests().size(), asked);
    loop.run(infra::sleep_for(milliseconds{1100}));
    EXPECT_TRUE(ask()[1].answers);
    EXPECT_EQ(b().state(), EndpointState::kUndialed);
}

struct RetryCase {
    unsigned status;
    std::optional<std::string> retry_after;
    seconds least;
    seconds most;
};

TEST_F(PoolHttpTest, RetryAfterInEveryFormIsHonouredAndCapped) {
    const auto in_ten = http_date(std::chrono::system_clock::now() + seconds{10});
    const std::vector<RetryCase> cases = {
        {429, "2", seconds{1}, seconds{3}},
        {429, in_ten, seconds{7}, seconds{12}},
        {429, "31536000", seconds{59}, seconds{68}},
        {429, std::nullopt, seconds{19}, seconds{23}},
        {429, "soon", seconds{19}, seconds{23}},
        {503, "3", seconds{2}, seconds{4}},
    };
    for (const RetryCase& one : cases) {
        std::vector<std::unique_ptr<RpcCaller>> callers;
        EndpointSettings own;
        own.name = "b";
        own.http = servers[1]->url();
        callers.push_back(RpcClient::make(loop.executor(), own, {}, infra::Logger{}).value());
        EndpointPool alone(std::move(callers), {own});
        Reply reply(one.status, "slow down");
        if (one.retry_after) {
            reply.headers.emplace_back("Retry-After", *one.retry_after);
        }
        make_b(reply);
        const std::size_t before = servers[1]->requests().size();
        const RpcCall call("eth_blockNumber", json::array());
        EXPECT_FALSE(loop.run(alone.hedged(call, seconds{5})));
        EXPECT_EQ(alone.status()[0].state, "rate-limited");
        const RpcResult<json> again = loop.run(alone.hedged(call, seconds{5}));
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().kind, RpcClass::kRateLimited);
        ASSERT_TRUE(again.error().retry_after);
        EXPECT_GE(*again.error().retry_after, one.least) << one.retry_after.value_or("none");
        EXPECT_LE(*again.error().retry_after, one.most) << one.retry_after.value_or("none");
        EXPECT_EQ(servers[1]->requests().size(), before + 1);
    }
}

TEST_F(PoolHttpTest, PaymentAndKeyErrorsPark) {
    const std::string quota =
        error_envelope(nullptr, -32000, "Monthly capacity limit exceeded").dump();
    const std::string internal = error_envelope(nullptr, -32603, "Internal error").dump();
    const std::vector<Reply> replies = {
        Reply(402, "pay"),
        Reply(401, "who"),
        Reply(403, internal),
        Reply(200, quota),
        Reply(429, quota)};
    for (const Reply& reply : replies) {
        std::vector<std::unique_ptr<RpcCaller>> callers;
        EndpointSettings own;
        own.name = "b";
        own.http = servers[1]->url();
        callers.push_back(RpcClient::make(loop.executor(), own, {}, infra::Logger{}).value());
        EndpointPool alone(std::move(callers), {own});
        make_b(reply);
        const std::size_t before = servers[1]->requests().size();
        const RpcCall call("eth_blockNumber", json::array());
        for (int i = 0; i < 5; ++i) {
            EXPECT_EQ(loop.run(alone.hedged(call, seconds{5})).error().kind, RpcClass::kRefused);
        }
        EXPECT_EQ(alone.status()[0].state, "parked") << reply.status << reply.body;
        EXPECT_EQ(servers[1]->requests().size(), before + 1);
    }
}

TEST_F(PoolHttpTest, AnInternalErrorBesideTooManyRequestsIsARateLimit) {
    make_b(Reply(429, error_envelope(nullptr, -32603, "Internal error").dump()));
    expect_only_b_fails(RpcClass::kRateLimited);
    EXPECT_EQ(b().state(), EndpointState::kRateLimited);
}

TEST_F(PoolHttpTest, AllDownIsUnableAndAllUpIsWellAgain) {
    Reply reset;
    reset.cut = 0;
    for (const auto& server : servers) {
        server->set_handler([=](const auto&) { return reset; });
    }
    for (int i = 0; i < 8; ++i) {
        for (const OperatorAnswer& one : ask()) {
            EXPECT_FALSE(one.answers);
        }
    }
    for (const auto& server : servers) {
        server->set_handler(answer_well);
    }
    // Nobody is ready, so everybody is needed: no waiting for the backoff.
    for (const OperatorAnswer& one : ask()) {
        EXPECT_TRUE(one.answers);
    }
}

}  // namespace
}  // namespace margrave::chains::rpc
