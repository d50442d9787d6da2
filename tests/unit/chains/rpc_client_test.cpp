// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/rpc_fixture.hpp"

namespace margrave::chains::rpc {
namespace {

using namespace std::chrono_literals;

class RpcClientTest : public RpcFixture {};

TEST_F(RpcClientTest, SendsAnEnvelopeAndReturnsTheResult) {
    answer([](const json& request) { return envelope(request["id"], "0x10"); });
    const json params = json::array({"0xabc", true});
    const RpcResult<json> got = loop.run(client->call("eth_getBlockByHash", params));
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got.value(), "0x10");
    const json sent = json::parse(server.requests().at(0).body);
    EXPECT_EQ(sent["jsonrpc"], "2.0");
    EXPECT_EQ(sent["method"], "eth_getBlockByHash");
    EXPECT_EQ(sent["params"], params);
    EXPECT_EQ(server.requests().at(0).headers.at("content-type"), "application/json");
    EXPECT_EQ(client->stats().requests, 1U);
    EXPECT_EQ(client->stats().failures, 0U);
}

TEST_F(RpcClientTest, ANullResultIsAValue) {
    answer([](const json& request) { return envelope(request["id"], nullptr); });
    EXPECT_TRUE(call().value().is_null());
}

TEST_F(RpcClientTest, ANodesErrorIsClassifiedAndNamed) {
    answer([](const json& r) {
        return error_envelope(r["id"], -32602, "exceed maximum block range 500");
    });
    const RpcResult<json> got = call("eth_getLogs");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kRangeTooLarge);
    EXPECT_EQ(got.error().rpc_code, -32602);
    EXPECT_EQ(got.error().code, Errc::kRpc);
    EXPECT_EQ(
        got.error().detail,
        "alpha answered eth_getLogs with error -32602: exceed maximum block range 500"
    );
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(RpcClientTest, ARawAnswerIsTheTextOfTheResult) {
    const json logs = json::array({json{{"logIndex", "0x1"}}, json{{"logIndex", "0x2"}}});
    answer([&](const json& request) { return envelope(request["id"], logs); });
    const RpcCall asking("eth_getLogs", json::array());
    const RpcResult<RawAnswer> got = loop.run(client->call_raw(asking));
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(json::parse(got.value().result()), logs);
    answer([](const json& request) { return envelope(request["id"], nullptr); });
    EXPECT_EQ(loop.run(client->call_raw(asking)).value().result(), "null");
}

TEST_F(RpcClientTest, ARawAnswerHasTheSameErrors) {
    const RpcCall asking("eth_getLogs", json::array());
    answer([](const json& r) {
        return error_envelope(r["id"], -32602, "exceed maximum block range 500");
    });
    EXPECT_EQ(loop.run(client->call_raw(asking)).error().kind, RpcClass::kRangeTooLarge);
    answer([](const json&) { return envelope(999, json::array()); });
    EXPECT_EQ(loop.run(client->call_raw(asking)).error().kind, RpcClass::kUnproved);
    answer([](const json& r) {
        return json{{"jsonrpc", "1.0"}, {"id", r["id"]}, {"result", json::array()}};
    });
    EXPECT_EQ(loop.run(client->call_raw(asking)).error().kind, RpcClass::kUnproved);
    answer([](const json& r) {
        json both = error_envelope(r["id"], -32000, "busy");
        both["result"] = json::array();
        return both;
    });
    EXPECT_FALSE(loop.run(client->call_raw(asking)));
}

TEST_F(RpcClientTest, RevertDataIsFoundWhereverANodePutsIt) {
    const std::vector<json> places = {
        "0x08c379a0ff",
        {{"data", "0x08c379a0ff"}},
        {{"result", "0x08c379a0ff"}},
        {{"data", {{"output", "0x08c379a0ff"}}}},
        "Reverted 0x08c379a0ff"};
    for (const json& data : places) {
        answer([data](const json& r) {
            json e = error_envelope(r["id"], 3, "execution reverted");
            e["error"]["data"] = data;
            return e;
        });
        const RpcResult<json> got = call("eth_call");
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, RpcClass::kReverted);
        EXPECT_EQ(to_hex(got.error().revert_data), "0x08c379a0ff") << data;
    }
}

TEST_F(RpcClientTest, EnvelopesAgainstTheProtocolAreUnproved) {
    const std::vector<std::function<json(const json&)>> liars = {
        [](const json&) { return envelope(999, "0x1"); },
        [](const json& r) { return envelope(std::to_string(r["id"].get<int>()), "0x1"); },
        [](const json&) { return envelope(nullptr, "0x1"); },
        [](const json&) {
            return json{{"jsonrpc", "2.0"}, {"result", "0x1"}};
        },
        [](const json& r) {
            return json{{"id", r["id"]}, {"result", "0x1"}};
        },
        [](const json& r) {
            return json{{"jsonrpc", "1.0"}, {"id", r["id"]}, {"result", "0x1"}};
        },
        [](const json& r) {
            return json{{"jsonrpc", "2.0"}, {"id", r["id"]}};
        },
        [](const json& r) {
            json both = error_envelope(r["id"], -32000, "x");
            both["result"] = "0x1";
            return both;
        },
        [](const json& r) {
            return json{{"jsonrpc", "2.0"}, {"id", r["id"]}, {"error", "text"}};
        },
        [](const json& r) { return json::array({envelope(r["id"], "0x1")}); },
        [](const json&) { return json("0x1"); },
    };
    for (std::size_t i = 0; i < liars.size(); ++i) {
        answer(liars[i]);
        const RpcResult<json> got = call();
        ASSERT_FALSE(got) << i;
        EXPECT_EQ(got.error().kind, RpcClass::kUnproved) << i << " " << got.error().detail;
        EXPECT_EQ(got.error().code, Errc::kUnproved) << i;
    }
}

TEST_F(RpcClientTest, NullBesideTheOtherMemberIsTolerated) {
    answer([](const json& r) {
        json e = envelope(r["id"], "0x1");
        e["error"] = nullptr;
        return e;
    });
    EXPECT_EQ(call().value(), "0x1");
}

TEST_F(RpcClientTest, BrokenJsonIsUnprovedAndOneLine) {
    for (const std::string& body :
         {std::string(""),
          std::string("<html>\n502</html>"),
          std::string("{\"jsonrpc\":\"2.0\""),
          std::string(200'000, '['),
          std::string("{\"id\":1,\"id\":1}"),
          std::string("\x1b[31m\n")}) {
        answer_raw(body);
        const RpcResult<json> got = call();
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().kind, RpcClass::kUnproved);
        EXPECT_EQ(got.error().detail.find_first_of("\n\x1b"), std::string::npos);
        EXPECT_LT(got.error().detail.size(), 600U);
    }
}

TEST_F(RpcClientTest, FractionsOnlyWhereTheMethodHasThem) {
    answer([](const json& r) { return envelope(r["id"], {{"gasUsedRatio", {0.5}}}); });
    EXPECT_TRUE(call("eth_feeHistory"));
    EXPECT_FALSE(call("eth_blockNumber"));
}

TEST_F(RpcClientTest, RateLimitsCarryRetryAfterWithACap) {
    server.set_handler([](const auto&) {
        Reply reply(429, "slow down");
        reply.headers.emplace_back("Retry-After", "7");
        return reply;
    });
    RpcResult<json> got = call();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kRateLimited);
    EXPECT_EQ(got.error().retry_after, 7s);
    EXPECT_EQ(server.requests().size(), 1U);
    server.set_handler([](const auto&) {
        Reply reply(429, error_envelope(nullptr, -32005, "limit exceeded").dump());
        reply.headers.emplace_back("Retry-After", "31536000");
        return reply;
    });
    got = call();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kRateLimited);
    EXPECT_EQ(got.error().rpc_code, -32005);
    EXPECT_EQ(got.error().retry_after, 60s);
}

TEST_F(RpcClientTest, TheStatusDecidesWhenTheBodySaysNothing) {
    const std::vector<std::pair<unsigned, RpcClass>> cases = {
        {401, RpcClass::kRefused},
        {402, RpcClass::kRefused},
        {403, RpcClass::kRefused},
        {404, RpcClass::kRefused},
        {307, RpcClass::kTransport},
        {400, RpcClass::kOther},
        {500, RpcClass::kTransport},
        {502, RpcClass::kTransport},
        {429, RpcClass::kRateLimited}};
    for (const auto& [status, kind] : cases) {
        answer_raw("<html>no</html>", status);
        const RpcResult<json> got = call("eth_sendRawTransaction");
        ASSERT_FALSE(got);
        EXPECT_EQ(to_string(got.error().kind), to_string(kind)) << status;
    }
    server.set_handler([](const HttpServer::Request& request) {
        const json id = json::parse(request.body)["id"];
        return Reply(400, error_envelope(id, 3, "execution reverted").dump());
    });
    EXPECT_EQ(call("eth_call").error().kind, RpcClass::kReverted);
    server.set_handler([](const HttpServer::Request& request) {
        return Reply(500, envelope(json::parse(request.body)["id"], "0x1").dump());
    });
    EXPECT_EQ(call("eth_sendRawTransaction").error().kind, RpcClass::kTransport);
}

TEST_F(RpcClientTest, AReadIsTriedAgainAfterTransportTrouble) {
    int seen = 0;
    server.set_handler([&](const HttpServer::Request& request) {
        if (++seen < 3) {
            return Reply(502, "bad gateway");
        }
        return Reply(envelope(json::parse(request.body)["id"], "0x1").dump());
    });
    EXPECT_EQ(call().value(), "0x1");
    EXPECT_EQ(seen, 3);
    seen = -100;
    EXPECT_EQ(call().error().kind, RpcClass::kTransport);
    EXPECT_EQ(seen, -97);
}

TEST_F(RpcClientTest, AWriteIsSentOnce) {
    Reply cut("x");
    cut.cut = 0;
    server.set_handler([cut](const auto&) { return cut; });
    const RpcResult<json> got = call("eth_sendRawTransaction");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kTransport);
    EXPECT_EQ(server.requests().size(), 1U);
    EXPECT_FALSE(is_read("eth_sendRawTransaction"));
    EXPECT_FALSE(is_read("evm_mine"));
    EXPECT_TRUE(is_read("eth_getLogs"));
}

TEST_F(RpcClientTest, ANodeThatHangsIsATimeoutOfTheWholeCall) {
    RpcLimits limits;
    limits.timeout = 50ms;
    client = make(limits);
    server.set_handler([](const auto&) {
        Reply reply("late");
        reply.delay = 60s;
        return reply;
    });
    const RpcResult<json> got = call();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kTransport);
    EXPECT_EQ(got.error().code, Errc::kTimeout);
    EXPECT_EQ(got.error().detail, "a call to alpha took longer than 50 ms");
}

TEST_F(RpcClientTest, AnAnswerOverTheLimitAsksForASmallerRange) {
    RpcLimits limits;
    limits.body_bytes = 1000;
    client = make(limits);
    answer_raw(std::string(2000, ' '));
    const RpcResult<json> got = call("eth_getLogs");
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kRangeTooLarge);
    EXPECT_EQ(got.error().code, Errc::kLimit);
}

TEST_F(RpcClientTest, TheKeyInTheUrlIsStruckOutOfTheNodesWords) {
    client = make({}, "/v3/0123456789abcdef?token=supersecret");
    answer([](const json& r) {
        return error_envelope(
            r["id"], -32000, "project 0123456789abcdef with supersecret is\n\x1b[31mblocked"
        );
    });
    EXPECT_EQ(
        call().error().detail,
        "alpha answered eth_blockNumber with error -32000: project *** with *** is\\n\\u001b[31m"
        "blocked"
    );
}

TEST_F(RpcClientTest, TheKeyInTheUrlIsStruckOutOfWhatIsNoJson) {
    client = make({}, "/v3/0123456789abcdef?token=supersecret");
    answer_raw(R"({"/v3/0123456789abcdef":1,"found supersecret")");
    const std::string detail = call().error().detail;
    EXPECT_NE(detail.find("bad JSON: "), std::string::npos) << detail;
    EXPECT_EQ(detail.find("0123456789abcdef"), std::string::npos) << detail;
    EXPECT_EQ(detail.find("supersecret"), std::string::npos) << detail;
}

TEST_F(RpcClientTest, ABadUrlIsAConfigErrorThatHidesIt) {
    EndpointSettings endpoint;
    endpoint.name = "alpha";
    endpoint.http = "ftp://secret/";
    const auto made = RpcClient::make(loop.executor(), endpoint, {}, infra::Logger{});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Errc::kConfig);
    EXPECT_EQ(made.error().detail, "endpoint alpha: URL does not start with http:// or https://");
}

}  // namespace
}  // namespace margrave::chains::rpc
