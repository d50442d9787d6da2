// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/rpc/client.hpp"
#include "chains/rpc/codec.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace margrave::chains::rpc {

using nlohmann::json;
using tests::HttpServer;
using tests::Loop;
using Reply = HttpServer::Reply;
using Answers = RpcResult<std::vector<RpcResult<json>>>;

inline json envelope(const json& id, json result) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

inline json error_envelope(const json& id, std::int64_t code, const std::string& message) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}};
}

class RpcFixture : public testing::Test {
  protected:
    RpcFixture()
        : server(loop.executor(), [](const auto&) { return Reply("{}"); }) {
        loop.start(server.run());
        client = make({});
    }

    ~RpcFixture() override { loop.stop(); }

    std::unique_ptr<RpcClient> make(RpcLimits limits, const std::string& path = "/") {
        limits.backoff = std::chrono::milliseconds(1);
        EndpointSettings endpoint;
        endpoint.name = "alpha";
        endpoint.http = server.url(path);
        return RpcClient::make(loop.executor(), endpoint, limits, infra::Logger{}).value();
    }

    /// `handler` gets the request's JSON and gives the reply's.
    void answer(std::function<json(const json&)> handler) {
        server.set_handler([handler = std::move(handler)](const HttpServer::Request& request) {
            return Reply(handler(json::parse(request.body)).dump());
        });
    }

    void answer_raw(const std::string& body, unsigned status = 200) {
        server.set_handler([=](const auto&) { return Reply(status, body); });
    }

    RpcResult<json> call(const std::string& method = "eth_blockNumber") {
        return loop.run(client->call(method, json::array()));
    }

    Answers batch(std::size_t count) {
        std::vector<RpcCall> calls;
        for (std::size_t i = 0; i < count; ++i) {
            calls.emplace_back("eth_getBlockByNumber", json::array({to_quantity(i), false}));
        }
        return loop.run(client->batch(std::move(calls)));
    }

    Loop loop;
    HttpServer server;
    std::unique_ptr<RpcClient> client;
};

}  // namespace margrave::chains::rpc
