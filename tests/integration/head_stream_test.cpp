// SPDX-License-Identifier: Apache-2.0
#include "chains/rpc/head_stream.hpp"

#include "infra/timeout.hpp"
#include "tests/support/anvil.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace margrave::chains::rpc {
namespace {

using namespace std::chrono_literals;
using tests::Anvil;
using tests::Loop;

class HeadStreamOverAnvil : public testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        auto started = Anvil::start();
        ASSERT_TRUE(started) << started.error().detail;
        anvil = std::move(started).value();
    }

    ~HeadStreamOverAnvil() override { loop.stop(); }

    void begin(const HeadStreamLimits& limits) {
        EndpointSettings endpoint;
        endpoint.name = "anvil";
        endpoint.http = anvil->url();
        endpoint.ws = "ws" + anvil->url().substr(4);
        auto made = HeadStream::make(
            loop.executor(),
            endpoint,
            [this](const HeadHint& head) { hints.push_back(head); },
            {},
            limits
        );
        ASSERT_TRUE(made) << made.error().detail;
        stream = std::move(made).value();
        loop.start(stream->run());
        ASSERT_TRUE(soon([&] { return stream->status().opened == 1; }));
    }

    template <class Predicate>
    bool soon(Predicate holds) {
        const auto limit = std::chrono::steady_clock::now() + 30s;
        while (!holds() && std::chrono::steady_clock::now() < limit) {
            loop.run(infra::sleep_for(5ms));
        }
        return holds();
    }

    Loop loop;
    std::unique_ptr<Anvil> anvil;
    std::vector<HeadHint> hints;
    std::unique_ptr<HeadStream> stream;
};

TEST_F(HeadStreamOverAnvil, EachBlockIsAnnouncedWithTheHashTheNodeHas) {
    begin({});
    ASSERT_TRUE(anvil->mine(3));
    ASSERT_TRUE(soon([&] { return hints.size() == 3; }));
    for (std::uint64_t i = 0; i < 3; ++i) {
        EXPECT_EQ(hints[i].number.value, i + 1);
    }
    const auto block = anvil->rpc("eth_getBlockByNumber", R"(["0x3",false])");
    ASSERT_TRUE(block);
    EXPECT_EQ(to_hex(hints[2].hash), block.value().at("hash").get<std::string>());
    EXPECT_TRUE(stream->is_fresh());
}

TEST_F(HeadStreamOverAnvil, ANodeThatHangsIsFoundAndHeardAgainWhenItIsBack) {
    HeadStreamLimits limits;
    limits.watch.check_every = 200ms;
    limits.watch.confirm_after = 100ms;
    limits.watch.fresh_for = 1000ms;
    limits.http_timeout = 500ms;
    begin(limits);
    ASSERT_TRUE(anvil->mine(1));
    ASSERT_TRUE(soon([&] { return hints.size() == 1; }));
    anvil->pause();
    // Neither side answers: nothing says that the stream is at fault, and nothing is fresh.
    ASSERT_TRUE(soon([&] { return !stream->is_fresh(); }));
    anvil->resume();
    ASSERT_TRUE(anvil->mine(1));
    ASSERT_TRUE(soon([&] { return hints.size() == 2; }));
    EXPECT_TRUE(stream->is_fresh());
}

}  // namespace
}  // namespace margrave::chains::rpc
