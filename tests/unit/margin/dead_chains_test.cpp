// SPDX-License-Identifier: Apache-2.0
#include "margin/dead_chains.hpp"

#include "margin/health.hpp"
#include "tests/unit/margin/fixture.hpp"

#include <gtest/gtest.h>

namespace margrave::margin::tests {
namespace {

const ChainId kHub = ChainId::evm(1);

DeadChains dead(std::uint64_t chain) {
    DeadChains out;
    out.add(ChainId::evm(chain), kHub);
    return out;
}

Evaluation evaluated(const AccountHoldings& holdings, const DeadChains& chains) {
    const Parameters parameters = sample_parameters();
    const Market market(sample_prices(), parameters, chains);
    return evaluate(holdings, market, false, false);
}

void expect_dead(const AccountHoldings& holdings, std::uint64_t chain) {
    const Evaluation out = evaluated(holdings, dead(chain));
    EXPECT_EQ(out.state.status, Status::kUnattestable);
    EXPECT_NE(out.state.flags & flags::kChainDead, 0U);
    EXPECT_TRUE(out.state.equity.is_zero());
    EXPECT_TRUE(out.state.maintenance.is_zero());
    ASSERT_FALSE(out.unvalued.empty());
    EXPECT_EQ(out.unvalued.front().why, "chain without a recent final block");
    const Parameters parameters = sample_parameters();
    const Market market(sample_prices(), parameters, dead(chain));
    const AccountState hot = evaluate_state(holdings, market, false, false);
    EXPECT_EQ(hot.status, out.state.status);
    EXPECT_EQ(hot.flags, out.state.flags);
}

TEST(DeadChains, WhoHasOrOwesSomethingThereIsUnattestable) {
    expect_dead(holdings_of({holding(eth_on(10), units("1", 18))}), 10);
    expect_dead(
        holdings_of(
            {holding(eth_on(1), units("1", 18)), holding(usdc_on(10), Amount{}, units("5", 6))}
        ),
        10
    );
}

TEST(DeadChains, ATokenThatTheParametersDoNotNameCountsAsWell) {
    expect_dead(holdings_of({holding(AssetId::native(ChainId::evm(137)), units("1", 18))}), 137);
}

TEST(DeadChains, WhoHasNothingThereIsValuedToTheByteAsEver) {
    const AccountHoldings mine = holdings_of({holding(eth_on(1), units("1", 18))});
    const Evaluation alive = evaluated(mine, {});
    const Evaluation beside = evaluated(mine, dead(10));
    EXPECT_EQ(beside.state, alive.state);
    EXPECT_EQ(beside.evidence_text(), alive.evidence_text());
    EXPECT_EQ(alive.state.status, Status::kHealthy);
}

TEST(DeadChains, ARowOfZerosIsNothing) {
    const AccountHoldings mine =
        holdings_of({holding(eth_on(1), units("1", 18)), holding(eth_on(10), Amount{})});
    EXPECT_EQ(evaluated(mine, dead(10)).state.status, Status::kHealthy);
}

TEST(DeadChains, PositionsAreOnTheHub) {
    AccountHoldings mine = holdings_of({holding(eth_on(10), units("1", 18))});
    mine.positions.push_back({.market = {}, .size = usd("1"), .entry_price = usd("1")});
    EXPECT_TRUE(dead(1).touch(mine));
    EXPECT_NE(evaluated(mine, dead(1)).state.flags & flags::kChainDead, 0U);
    EXPECT_FALSE(dead(137).touch(mine));
    mine.positions.front().size = Money{};
    EXPECT_FALSE(dead(1).touch(mine));
}

TEST(DeadChains, TheReasonIsInTheEvidence) {
    const Evaluation out = evaluated(holdings_of({holding(eth_on(10), units("1", 18))}), dead(10));
    EXPECT_NE(
        out.evidence_text().find(
            "{\"what\":\"eip155:10/slip44:60\",\"why\":\"chain without a recent final block\"}"
        ),
        std::string::npos
    );
}

TEST(DeadChains, AHeadIsTooOldOnlyPastItsLimit) {
    EXPECT_FALSE(is_head_too_old(UnixSeconds{1'000}, UnixSeconds{1'600}, 600));
    EXPECT_TRUE(is_head_too_old(UnixSeconds{1'000}, UnixSeconds{1'601}, 600));
    EXPECT_FALSE(is_head_too_old(UnixSeconds{2'000}, UnixSeconds{1'000}, 600));
    EXPECT_FALSE(is_head_too_old(UnixSeconds{0}, UnixSeconds{1'000'000}, 0));
}

}  // namespace
}  // namespace margrave::margin::tests
