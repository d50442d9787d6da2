// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/chains/rpc_fixture.hpp"

namespace margrave::chains::rpc {
namespace {

class RpcBatch : public RpcFixture {};

json numbered(const json& call) {
    return envelope(call["id"], call["params"][0]);
}

TEST_F(RpcBatch, BatchAnswersAreMatchedByIdInAnyOrder) {
    answer([](const json& request) {
        json reply = json::array();
        for (auto it = request.rbegin(); it != request.rend(); ++it) {
            reply.push_back(numbered(*it));
        }
        return reply;
    });
    const Answers got = batch(5);
    ASSERT_TRUE(got) << got.error().detail;
    ASSERT_EQ(got.value().size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(got.value()[i].value(), to_quantity(i));
    }
}

TEST_F(RpcBatch, EachCallOfABatchHasItsOwnError) {
    answer([](const json& request) {
        json reply = json::array();
        for (const json& c : request) {
            reply.push_back(
                c["params"][0] == "0x1" ? error_envelope(c["id"], -32000, "unknown block")
                                        : numbered(c)
            );
        }
        return reply;
    });
    const Answers got = batch(3);
    ASSERT_TRUE(got);
    EXPECT_TRUE(got.value()[0]);
    EXPECT_EQ(got.value()[1].error().kind, RpcClass::kBlockNotFound);
    EXPECT_TRUE(got.value()[2]);
}

TEST_F(RpcBatch, MissingRepeatedAndForeignIdsSpoilTheBatch) {
    const std::vector<std::function<void(json&)>> spoilers = {
        [](json& a) { a.erase(1); },
        [](json& a) { a.push_back(a[0]); },
        [](json& a) { a[1]["id"] = a[0]["id"]; },
        [](json& a) { a[1]["id"] = 12'345; },
        [](json& a) { a[1]["id"] = "2"; },
        [](json& a) { a[1]["id"] = -1; },
        [](json& a) { a[1].erase("id"); },
        [](json& a) { a[1] = 5; },
        [](json& a) { a.clear(); },
        [](json& a) { a = "text"; },
        [](json& a) { a = a[0]; },
    };
    for (std::size_t i = 0; i < spoilers.size(); ++i) {
        answer([&, i](const json& request) {
            json reply = json::array();
            for (const json& c : request) {
                reply.push_back(numbered(c));
            }
            spoilers[i](reply);
            return reply;
        });
        const Answers got = batch(3);
        ASSERT_FALSE(got) << i;
        EXPECT_EQ(got.error().kind, RpcClass::kUnproved) << i << got.error().detail;
    }
}

TEST_F(RpcBatch, LongBatchesAreCut) {
    RpcLimits limits;
    limits.batch = 100;
    client = make(limits);
    std::vector<std::size_t> sizes;
    answer([&](const json& request) {
        json reply = json::array();
        sizes.push_back(request.is_array() ? request.size() : 1);
        if (!request.is_array()) {
            return numbered(request);
        }
        for (const json& c : request) {
            reply.push_back(numbered(c));
        }
        return reply;
    });
    const Answers got = batch(201);
    ASSERT_TRUE(got);
    EXPECT_EQ(sizes, (std::vector<std::size_t>{100, 100, 1}));
    EXPECT_EQ(got.value()[200].value(), to_quantity(200));
    EXPECT_TRUE(batch(0).value().empty());
}

TEST_F(RpcBatch, ANodeWithoutBatchesIsAskedOneByOne) {
    for (const json& refusal :
         {error_envelope(nullptr, -32600, "Invalid Request"),
          error_envelope(nullptr, -32601, "method not found"),
          error_envelope(nullptr, -32000, "batch requests are not supported")}) {
        client = make({});
        std::size_t batches = 0;
        answer([&](const json& request) {
            if (request.is_array()) {
                ++batches;
                return refusal;
            }
            return numbered(request);
        });
        EXPECT_EQ(batch(4).value().size(), 4U) << refusal;
        EXPECT_EQ(batch(4).value()[3].value(), "0x3");
        EXPECT_EQ(batches, 1U);
    }
}

TEST_F(RpcBatch, ANodeThatFindsABatchTooLargeGetsHalf) {
    std::vector<std::size_t> sizes;
    answer([&](const json& request) {
        sizes.push_back(request.size());
        if (request.size() > 10) {
            return error_envelope(nullptr, -32600, "batch too large, limit is 10");
        }
        json reply = json::array();
        for (const json& c : request) {
            reply.push_back(numbered(c));
        }
        return reply;
    });
    const Answers got = batch(32);
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(got.value()[31].value(), "0x1f");
    EXPECT_EQ(sizes, (std::vector<std::size_t>{32, 16, 8, 8, 8, 8}));
}

TEST_F(RpcBatch, ARateLimitOverABatchIsNotARefusalOfBatches) {
    answer([](const json&) { return error_envelope(nullptr, -32005, "rate limit exceeded"); });
    const Answers got = batch(4);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kRateLimited);
    EXPECT_EQ(server.requests().size(), 1U);
}

class RpcRawBatch : public RpcFixture {
  protected:
    RpcResult<std::vector<RpcResult<RawAnswer>>> ask(
        std::size_t count, std::size_t answer_max = 0
    ) {
        std::vector<RpcCall> calls;
        for (std::size_t i = 0; i < count; ++i) {
            calls.emplace_back("eth_getBlockByNumber", json::array({to_quantity(i)}));
            calls.back().answer_max = answer_max;
        }
        return loop.run(client->batch_raw(std::move(calls)));
    }

    static json object_for(const json& call) {
        json result = json::object();
        result["number"] = call["params"][0];
        result["text"] = "a \"quoted\" } ] \\";
        result["list"] = json::array({json::array(), json::object()});
        return envelope(call["id"], std::move(result));
    }
};

TEST_F(RpcRawBatch, ResultsAreTheTextThatCameInTheOrderOfTheCalls) {
    answer([](const json& request) {
        json reply = json::array();
        for (auto it = request.rbegin(); it != request.rend(); ++it) {
            reply.push_back(object_for(*it));
        }
        return reply;
    });
    const auto got = ask(7);
    ASSERT_TRUE(got) << got.error().detail;
    ASSERT_EQ(got.value().size(), 7U);
    for (std::size_t i = 0; i < 7; ++i) {
        const json result = json::parse(got.value()[i].value().result());
        EXPECT_EQ(result["number"], to_quantity(i));
        EXPECT_EQ(result["text"], "a \"quoted\" } ] \\");
    }
}

TEST_F(RpcRawBatch, ErrorsAndNullsAreThoseOfTheOtherReader) {
    answer([](const json& request) {
        json reply = json::array();
        reply.push_back(object_for(request[0]));
        reply.push_back(envelope(request[1]["id"], nullptr));
        reply.push_back(error_envelope(request[2]["id"], -32000, "unknown block"));
        return reply;
    });
    const auto got = ask(3);
    ASSERT_TRUE(got);
    EXPECT_TRUE(got.value()[0]);
    EXPECT_EQ(got.value()[1].value().result(), "null");
    EXPECT_EQ(got.value()[2].error().kind, RpcClass::kBlockNotFound);
}

TEST_F(RpcRawBatch, ForeignRepeatedAndMissingIdsSpoilIt) {
    const std::vector<std::function<void(json&)>> spoilers = {
        [](json& a) { a.erase(1); },
        [](json& a) { a.push_back(a[0]); },
        [](json& a) { a[1]["id"] = a[0]["id"]; },
        [](json& a) { a[1]["id"] = 12'345; },
        [](json& a) { a[1] = 5; },
        [](json& a) { a = a[0]; },
    };
    for (std::size_t i = 0; i < spoilers.size(); ++i) {
        answer([&, i](const json& request) {
            json reply = json::array();
            for (const json& c : request) {
                reply.push_back(object_for(c));
            }
            spoilers[i](reply);
            return reply;
        });
        const auto got = ask(3);
        ASSERT_FALSE(got) << i;
        EXPECT_EQ(got.error().kind, RpcClass::kUnproved) << i << got.error().detail;
    }
}

TEST_F(RpcRawBatch, WhatIsCutOffOrFollowedByMoreIsNoAnswer) {
    const std::string id = "\"jsonrpc\":\"2.0\",\"id\":";
    for (const std::string& body :
         {std::string("[{"),
          "[{" + id + "1,\"result\":{}",
          "[{" + id + "1,\"result\":{\"a\":\"}]",
          "[{" + id + "1,\"result\":{}}]]",
          "[{" + id + "1,\"result\":{}},]",
          "[{" + id + "1,\"result\":{}}{}]",
          "[{" + id + "01,\"result\":{}}]"}) {
        answer_raw(body);
        EXPECT_FALSE(ask(2)) << body;
    }
}

TEST_F(RpcRawBatch, AnAnswerAboveTheCallersLimitIsTooLarge) {
    answer([](const json& request) {
        json reply = json::array();
        for (const json& c : request) {
            reply.push_back(envelope(c["id"], std::string(3'000, 'x')));
        }
        return reply;
    });
    EXPECT_TRUE(ask(2, 4'000));
    const auto got = ask(2, 2'000);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RpcClass::kRangeTooLarge);
    EXPECT_NE(got.error().detail.find("4000 bytes"), std::string::npos) << got.error().detail;
}

}  // namespace
}  // namespace margrave::chains::rpc
