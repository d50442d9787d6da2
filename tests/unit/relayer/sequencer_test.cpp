// SPDX-License-Identifier: Apache-2.0
#include "core/words.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <cstdint>

namespace margrave::relayer::tests {
namespace {

class SequencerTest : public WorldTest {
  protected:
    /// Chain 1 gets an uptime feed; account 1 owes on it and has its collateral on chain 0.
    void configure() {
        world.settings.chains[1].sequencer = chains::SequencerSettings{uptime_feed(), 3'600};
    }

    void say(std::uint64_t answer, std::uint64_t started_at) {
        world.uptime =
            WordWriter().uint(1).uint(answer).uint(started_at).uint(started_at).uint(1).bytes();
    }

    void make_liquidatable(std::size_t debt_chain) {
        world.settle(
            0, {deposit(account(1), coin(), eth(1)), funding(dollar_token(), dollars(1'000))}
        );
        world.settle(1, {funding(dollar_token(), dollars(1'000))});
        world.settle(debt_chain, {borrow_request(account(1), dollar_token(), dollars(1'000))});
        ASSERT_OK(world.deliver(0));
        ASSERT_OK(world.deliver(1));
        world.settle(debt_chain, {});
        world.eth_price = usd("1150");
        world.settle(0, {});
        ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    }

    [[nodiscard]] std::uint64_t locks() const { return world.ledger->lock_count(account(1)); }
};

TEST_F(SequencerTest, WhileItIsDownOrUnreadableOrInItsGraceNothingIsLiquidated) {
    configure();
    say(1, 900'000);
    make_liquidatable(1);
    EXPECT_EQ(locks(), 0U);
    EXPECT_NE(
        world.rounds->sequencer_holds().at(world.id(1)).find("is down since"), std::string::npos
    );
    world.uptime.reset();
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 0U);
    EXPECT_NE(
        world.rounds->sequencer_holds().at(world.id(1)).find("is unknown"), std::string::npos
    );
    say(0, world.clock.now().value - 3'600);
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 0U);
    say(0, world.clock.now().value - 3'601);
    ASSERT_OK(world.round());
    EXPECT_TRUE(world.rounds->sequencer_holds().empty());
}

TEST_F(SequencerTest, AnAccountThatHasNothingThereIsLiquidated) {
    configure();
    say(1, 900'000);
    make_liquidatable(0);
    EXPECT_EQ(locks(), 1U);
}

TEST_F(SequencerTest, DustThereProtectsNobodyAndIsNotSold) {
    configure();
    say(1, 900'000);
    world.settle(1, {deposit(account(1), dollar_token(), dollars(9))});
    make_liquidatable(0);
    EXPECT_EQ(locks(), 1U);
    const auto legs = world.ledger->legs(account(1)).value();
    EXPECT_TRUE(std::ranges::none_of(legs, [this](const store::Leg& leg) {
        return leg.chain() == world.id(1);
    }));
}

// Gold lies behind it, a thousandth of a coin: at most 20 dollars, which is a leg, and at 1,000
// one.
TEST_F(SequencerTest, WhatHasNoPriceThereCountsAtItsMost) {
    configure();
    say(1, 900'000);
    const AssetId gold = world.give_gold(1, "20000");
    // Below its band.
    world.set_gold("0.001");
    world.stop();
    ASSERT_OK(world.start());
    give_loan(account(1), 1, 1'000);
    world.settle(1, {deposit(account(1), gold.token(), Amount{1'000'000'000'000'000})});
    world.eth_price = usd("1150");
    world.settle(0, {});
    ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    EXPECT_EQ(locks(), 0U);
    world.set_gold("1000");
    world.stop();
    ASSERT_OK(world.start());
    world.watch_all();
    world.eth_published = world.clock.now();
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 1U);
}

}  // namespace
}  // namespace margrave::relayer::tests
