// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "infra/http_client.hpp"
#include "tests/support/http_server.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

namespace margrave::infra {

using tests::HttpServer;
using tests::Loop;
using Reply = HttpServer::Reply;
using Request = HttpServer::Request;
using Answer = Result<HttpResponse>;

inline constexpr std::chrono::seconds kPatient{20};

class HttpFixture : public testing::Test {
  protected:
    HttpFixture()
        : server(loop.executor(), [](const Request& r) { return Reply(r.body); }) {
        loop.start(server.run());
    }

    ~HttpFixture() override { loop.stop(); }

    HttpClient make(HttpLimits limits = {}, const std::string& path = "/") {
        return {loop.executor(), "alpha", parse_url(server.url(path)).value(), limits};
    }

    Answer post(HttpClient& client, std::string body = "x") {
        return loop.run(client.post(std::move(body), "application/json", kPatient));
    }

    /// What the client says of one reply, whatever it is.
    Answer answer_to(const Reply& reply, const HttpLimits& limits = {}) {
        server.set_handler([reply](const Request&) { return reply; });
        HttpClient client = make(limits);
        return post(client);
    }

    static Reply raw(std::string bytes) {
        Reply reply;
        reply.raw = std::move(bytes);
        reply.close = true;
        return reply;
    }

    Loop loop;
    HttpServer server;
};

}  // namespace margrave::infra
