// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "core/words.hpp"
#include "margin/health.hpp"
#include "margin/liquidation.hpp"
#include "tests/unit/margin/venue_fixture.hpp"

#include <gtest/gtest.h>

// Several operators sign the same digest only because their builds compute the same bytes. The
// constants below hold for every compiler and optimisation level; a change of them is a change of
// the engine's meaning and needs a new engine number.
namespace margrave::margin::tests {
namespace {

constexpr std::uint64_t kPortfolios = 2'000;
constexpr unsigned kTraders = 200;

void put_state(WordWriter& out, const AccountState& state) {
    out.word(state.account)
        .money(state.equity)
        .money(state.initial)
        .money(state.liquidation_end)
        .money(state.maintenance)
        .uint(static_cast<std::uint64_t>(state.status))
        .uint(state.flags)
        .word(state.detail);
}

Hash32 hash_of_states(std::uint64_t engine) {
    Hash32 running;
    for (std::uint64_t seed = 0; seed < kPortfolios; ++seed) {
        Portfolio p = random_portfolio(seed);
        p.parameters.engine = engine;
        const Evaluation evaluation =
            evaluate(p.holdings, p.prices, p.parameters, seed % 2 == 0, seed % 3 == 0);
        WordWriter words;
        words.word(running).word(keccak256(canonical(p.parameters).dump()));
        put_state(words, evaluation.state);
        running = words.hash();
    }
    return running;
}

TEST(Bytes, StatesAndEvidenceHashToOneConstant) {
    EXPECT_EQ(
        to_hex(hash_of_states(kEngine)),
        "0xd5c6237e7c7b8a8708eb9d03686a20fa15e1aaa00e6f455fea4fad5e2110a8a1"
    );
}

// Engine 2 came with the position book, engine 3 with what collateral without a price is at most:
// tokens alone at usable prices are worth what they were.
TEST(Bytes, TokensAloneHaveTheBytesOfEngineOneButForItsNumber) {
    EXPECT_EQ(
        to_hex(hash_of_states(1)),
        "0x8df645542865db2d141fa3512078d5877fe33bee04e383af965b37b75e2c0e09"
    );
}

TEST(Bytes, PositionsHashToOneConstant) {
    const Parameters parameters = venue_parameters();
    const Market market(venue_prices(), parameters);
    Rng rng(kEngine);
    Hash32 running;
    for (unsigned i = 0; i < kTraders; ++i) {
        std::vector<VenuePosition> positions = random_positions(parameters, "eth", rng);
        const auto more = random_positions(parameters, "btc", rng);
        positions.insert(positions.end(), more.begin(), more.end());
        const AccountHoldings account = trader(units("100000", 6), std::move(positions));
        WordWriter words;
        words.word(running).word(keccak256(canonical(parameters).dump()));
        put_state(words, evaluate(account, market, false, false).state);
        running = words.hash();
    }
    EXPECT_EQ(
        to_hex(running), "0x178bd5654ecf4471c250430abde4ae6812cb31c1bf63db64ff8fa1aaf91e4460"
    );
}

TEST(Bytes, PlansHashToOneConstant) {
    Hash32 running;
    for (std::uint64_t seed = 0; seed < kPortfolios; ++seed) {
        const Portfolio p = random_portfolio(seed);
        const LiquidationPlan plan = plan_liquidation(p.holdings, p.prices, p.parameters).value();
        WordWriter words;
        words.word(running).money(plan.health_before).money(plan.health_after);
        for (const PlannedLeg& leg : plan.legs) {
            words.word(leg.asset.key())
                .uint(leg.seize)
                .word(leg.debt_asset.key())
                .uint(leg.min_proceeds)
                .money(leg.seized_value)
                .money(leg.repaid_value);
        }
        running = words.hash();
    }
    EXPECT_EQ(
        to_hex(running), "0xe5d5cb793d60e63b9894799743db66560dffc1091a16402d5a0a5b21185fb60c"
    );
}

}  // namespace
}  // namespace margrave::margin::tests
