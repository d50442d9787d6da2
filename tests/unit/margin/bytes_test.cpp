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
        "0x068dfb393cc13cfacd8bd1076a46d17edf54be7831c44f42562b9d04144c0c25"
    );
}

// Engine 2 came with the position book: tokens alone are worth what they were.
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
        to_hex(running), "0xf76179c6c45236e350c7ea9bad48e104e2513d3aed75740512b861587b7d0682"
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
        to_hex(running), "0x94ff3dda8b49770574c020fd642b486a69702bade40a20d658c6a8119f800a13"
    );
}

}  // namespace
}  // namespace margrave::margin::tests
