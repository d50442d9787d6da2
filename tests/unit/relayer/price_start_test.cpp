// SPDX-License-Identifier: Apache-2.0
#include "relayer/price_start.hpp"

#include "relayer/detail/run_task.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace margrave::relayer::tests {
namespace {

// The world's price feed, whose decimals() is answered as `answer` says.
class PriceStartTest : public WorldTest {
  protected:
    oracle::CallAt call_at() {
        return [this](ChainId, Address, Bytes, Hash32) {
            return reply();
        };
    }

    Task<Result<Bytes>> reply() {
        ++asked;
        co_return answer;
    }

    Result<bool> step(std::map<ChainId, BlockRef> heads) {
        boost::asio::io_context io(1);
        return run_to_end(io, start.step(std::move(heads)));
    }

    [[nodiscard]] std::map<ChainId, BlockRef> heads() const {
        BlockRef block;
        block.number = BlockNum{7};
        return {{world.settings.chains[0].chain, block}};
    }

    static Result<Bytes> decimals(std::uint64_t count) {
        Bytes out;
        const Hash32 word = Amount{count}.to_word();
        put_bytes(out, word.view());
        return out;
    }

    Result<Bytes> answer{decimals(18)};
    int asked{0};
    oracle::Oracle oracle{world.settings.oracle, call_at()};
    PriceStart start{oracle, {}};
};

TEST_F(PriceStartTest, IsDoneWhenEverySourceIsWhatTheConfigSays) {
    const Result<bool> done = step(heads());
    ASSERT_OK(done);
    EXPECT_TRUE(done.value());
    EXPECT_GE(asked, 1);
}

TEST_F(PriceStartTest, WaitsForAChainThatIsNotThereAndForANodeThatIsDown) {
    EXPECT_FALSE(step({}).value());
    EXPECT_EQ(asked, 0);
    answer = fail(Errc::kTimeout, "no answer");
    EXPECT_FALSE(step(heads()).value());
    answer = decimals(18);
    EXPECT_TRUE(step(heads()).value());
}

TEST_F(PriceStartTest, StopsForASourceThatIsSomethingElse) {
    for (const Result<Bytes>& wrong : {decimals(37), Result<Bytes>(Bytes{})}) {
        answer = wrong;
        const Result<bool> done = step(heads());
        EXPECT_ERRC(done, Errc::kConfig);
        EXPECT_EQ(exit_code(done.error().code), 2);
        EXPECT_NE(done.error().detail.find("price source feed"), std::string::npos)
            << done.error().detail;
    }
}

}  // namespace
}  // namespace margrave::relayer::tests
