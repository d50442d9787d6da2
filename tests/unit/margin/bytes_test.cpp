// SPDX-License-Identifier: Apache-2.0
#include "margin/health.hpp"
#include "tests/unit/margin/bytes_fixture.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

constexpr std::uint64_t kPortfolios = 2'000;
constexpr unsigned kTraders = 200;

std::string hash_of_states(std::uint64_t engine) {
    RunningHash running;
    for (std::uint64_t seed = 0; seed < kPortfolios; ++seed) {
        Portfolio p = random_portfolio(seed);
        p.parameters.engine = engine;
        const Evaluation evaluation =
            evaluate(p.holdings, p.prices, p.parameters, seed % 2 == 0, seed % 3 == 0);
        running.add([&](WordWriter& words) {
            words.word(hash_of(p.parameters));
            put_state(words, evaluation.state);
        });
    }
    return running.text();
}

TEST(Bytes, StatesAndEvidenceHashToOneConstant) {
    EXPECT_EQ(
        hash_of_states(kEngine),
        "0xd5c6237e7c7b8a8708eb9d03686a20fa15e1aaa00e6f455fea4fad5e2110a8a1"
    );
}

// Engine 2 came with the position book, engine 3 with what collateral without a price is at most:
// tokens alone at usable prices are worth what they were.
TEST(Bytes, TokensAloneHaveTheBytesOfEngineOneButForItsNumber) {
    EXPECT_EQ(
        hash_of_states(1), "0x8df645542865db2d141fa3512078d5877fe33bee04e383af965b37b75e2c0e09"
    );
}

std::string hash_of_traders(const Parameters& parameters) {
    const Market market(venue_prices(), parameters);
    Rng rng(kEngine);
    RunningHash running;
    for (unsigned i = 0; i < kTraders; ++i) {
        std::vector<VenuePosition> positions = random_positions(parameters, "eth", rng);
        const auto more = random_positions(parameters, "btc", rng);
        positions.insert(positions.end(), more.begin(), more.end());
        const AccountHoldings account = trader(units("100000", 6), std::move(positions));
        running.add([&](WordWriter& words) {
            words.word(hash_of(parameters));
            put_state(words, evaluate(account, market, false, false).state);
        });
    }
    return running.text();
}

TEST(Bytes, PositionsHashToOneConstant) {
    EXPECT_EQ(
        hash_of_traders(venue_parameters()),
        "0x178bd5654ecf4471c250430abde4ae6812cb31c1bf63db64ff8fa1aaf91e4460"
    );
}

// The mean of the worst twentieth of the scenarios instead of the worst one.
TEST(Bytes, AGridWithATailLevelHashesToOneConstant) {
    Parameters parameters = venue_parameters();
    parameters.venues[0].grid.tail_level = usd("0.95");
    ASSERT_TRUE(check(parameters).empty()) << check(parameters).front().what;
    EXPECT_EQ(
        hash_of_traders(parameters),
        "0x1ab67e915933f1e377e1dd5ed84d761d37a4d3fb43974d7e49728a89f148b36c"
    );
}

}  // namespace
}  // namespace margrave::margin::tests
