// SPDX-License-Identifier: Apache-2.0
#include "relayer/price_uses.hpp"

#include "core/keccak.hpp"
#include "relayer/price_check.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>

namespace margrave::relayer::tests {
namespace {

using store::RequestState;

// The coin has a slow price here, and one source unless a test gives it a second.
class PriceUsesTest : public WorldTest {
  protected:
    PriceUsesTest() {
        world.give_slow_price();
        restart();
    }

    oracle::AssetOracleSettings& ether_settings() {
        return *std::ranges::find(world.settings.oracle, "eth", &oracle::AssetOracleSettings::name);
    }

    void restart() {
        const Result<void> started = world.start();
        EXPECT_TRUE(started.has_value());
        world.watch_all();
    }

    void add_second_source() {
        oracle::AssetOracleSettings& ether = ether_settings();
        ether.sources.push_back(ether.sources.front());
        ether.sources.back().name = "second";
        ether.sources.back().made_by = "somebody-else";
        restart();
    }

    void set_price(std::string_view price) {
        world.eth_price = usd(price);
        world.eth_published = world.clock.now();
    }

    const oracle::PriceUse& use() const {
        return world.rounds->prices()->uses.at(eth_on(world.id(0)));
    }

    store::Request ask(const Movement& request) {
        world.settle(0, {request});
        return world.request(0, world.last_event(0));
    }

    [[nodiscard]] bool has_legs() const { return !world.ledger->legs(account(1)).value().empty(); }
};

TEST_F(PriceUsesTest, WhatLeavesIsJudgedByTheWorseOfThePriceAndTheSlowPrice) {
    world.settle(
        0, {funding(dollar_token(), dollars(10'000)), deposit(account(1), coin(), eth(1))}
    );
    set_price("4000");
    // Enough for it at 4000 USD, not at the 2000 of a moment ago.
    const auto refused = ask(borrow_request(account(1), dollar_token(), dollars(2'000)));
    EXPECT_EQ(use().initial, oracle::Use::kWorseOfBoth) << use().why;
    EXPECT_EQ(refused.state, RequestState::kRefused);
    const auto granted = ask(borrow_request(account(1), dollar_token(), dollars(1'000)));
    EXPECT_EQ(granted.state, RequestState::kGranted);
}

TEST_F(PriceUsesTest, AFallIsBelievedAtOnce) {
    world.settle(
        0, {funding(dollar_token(), dollars(10'000)), deposit(account(1), coin(), eth(1))}
    );
    set_price("1000");
    // The slow price, still near 2000 USD, would allow it.
    const auto refused = ask(borrow_request(account(1), dollar_token(), dollars(1'000)));
    EXPECT_EQ(use().initial, oracle::Use::kWorseOfBoth) << use().why;
    EXPECT_GT(*use().slow, usd("1900"));
    EXPECT_EQ(refused.state, RequestState::kRefused);
}

TEST_F(PriceUsesTest, FarBeyondTheSlowPriceNothingIsDecided) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    set_price("12000");
    const auto open = ask(withdrawal_request(account(1), coin(), eth(1)));
    EXPECT_EQ(use().initial, oracle::Use::kReject);
    EXPECT_EQ(open.state, RequestState::kOpen);
    set_price("2000");
    world.step();
    EXPECT_EQ(world.request(0, world.last_event(0)).state, RequestState::kGranted);
}

TEST_F(PriceUsesTest, OneSourceThatFallsLiquidatesNobodyAndTwoDo) {
    give_loan(account(1), 1, 1'000);
    set_price("1100");
    ASSERT_OK(world.round());
    ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    EXPECT_EQ(use().liquidation, oracle::Use::kHold);
    EXPECT_FALSE(has_legs());
    add_second_source();
    set_price("1100");
    ASSERT_OK(world.round());
    EXPECT_EQ(use().liquidation, oracle::Use::kUsable) << use().why;
    EXPECT_TRUE(has_legs());
}

// Gold is sold for the debt; one ether, whose only source jumps, is what else the account has.
class HeldCollateralTest : public PriceUsesTest {
  protected:
    HeldCollateralTest() {
        set_gold("1000");
        world.settle(
            0,
            {funding(dollar_token(), dollars(3'800)),
             deposit(account(1), gold_.token(), eth(5)),
             deposit(account(1), coin(), eth(1)),
             borrow_request(account(1), dollar_token(), dollars(3'800))}
        );
        EXPECT_OK(world.deliver(0));
        EXPECT_OK(world.deliver(1));
        world.settle(0, {});
    }

    /// On the other chain.
    void owe_ether(const Amount& amount) {
        world.settings.parameters.assets[0].borrowable = true;
        restart();
        world.settle(1, {funding(coin(), eth(2)), borrow_request(account(1), coin(), amount)});
        EXPECT_OK(world.deliver(0));
        EXPECT_OK(world.deliver(1));
        world.settle(1, {});
        EXPECT_EQ(world.requests(1).back().state, store::RequestState::kExecuted);
    }

    void set_gold(std::string_view price) {
        world.set_gold(price);
        restart();
    }

    /// Ether jumps by one maker's word, and the account is under water by the price of now.
    void jump(std::string_view gold, std::string_view ether) {
        set_gold(gold);
        set_price(ether);
        ASSERT_OK(world.round());
        ASSERT_EQ(use().liquidation, oracle::Use::kHold);
        ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    }

    const AssetId gold_ = world.give_gold(0, "100000");
};

TEST_F(HeldCollateralTest, ItShieldsNobodyWhomItsSlowPriceDoesNotSave) {
    // 0.85 (2,000 + 2,000) is below 1.01 * 3,800, and so it is with ether at 2,300.
    jump("400", "2300");
    const auto legs = world.ledger->legs(account(1)).value();
    ASSERT_FALSE(legs.empty());
    for (const store::Leg& leg : legs) {
        EXPECT_EQ(leg.asset, gold_);
    }
}

TEST_F(HeldCollateralTest, ItShieldsWhomItsSlowPriceSaves) {
    // 0.85 (2,600 + 2,000) is above 1.01 * 3,800; with ether at 1,250 it is not.
    jump("520", "1250");
    EXPECT_FALSE(has_legs());
    // Nor does the latch that the held price closed begin a sale: 0.8 (2,600 + 2,000) is below 1.03
    // * 3,800.
    set_price("1300");
    ASSERT_OK(world.round());
    EXPECT_FALSE(has_legs());
}

// A little debt in the same asset does not make its collateral a shield.
TEST_F(HeldCollateralTest, WhoOwesLessOfItThanHeHasIsNotShielded) {
    owe_ether(Amount{10'000'000'000'000'000});
    jump("400", "2300");
    EXPECT_TRUE(has_legs());
}

// A hundredth more than the account has: at the lower price it might be well.
TEST_F(HeldCollateralTest, WhoOwesMoreOfItThanHeHasIsHeld) {
    world.settle(0, {deposit(account(1), gold_.token(), eth(2))});
    owe_ether(Amount{1'010'000'000'000'000'000});
    jump("600", "2300");
    EXPECT_FALSE(has_legs());
}

TEST_F(PriceUsesTest, APriceThatMarksAPositionHoldsAsOneOfATokenDoesAndDustDoesNot) {
    margin::VenueParameters venue;
    venue.underlying = "eth";
    venue.perpetuals.push_back({.market = keccak256("eth-perp"), .name = "eth-perp"});
    config::Settings settings = world.settings;
    settings.parameters.venues.push_back(venue);
    set_price("2000");
    ASSERT_OK(world.round());
    margin::PriceTable prices;
    for (const PriceRow& row : world.rounds->prices()->rows) {
        prices.emplace(row.asset, row);
    }
    std::map<AssetId, oracle::PriceUse> uses = world.rounds->prices()->uses;
    uses[eth_on(world.id(0))].liquidation = oracle::Use::kHold;
    uses[eth_on(world.id(0))].why = "held";
    const store::AsOf firm;
    const margin::DeadChains dead;
    const std::map<ChainId, std::string> sequencers;
    const margin::RoundFacts facts;
    infra::LogLimiter limiter(1, std::chrono::seconds(1));
    const DecisionParts parts{
        settings,
        *world.ledger,
        *world.database,
        *world.scribe,
        world.rounds->book(),
        prices,
        firm,
        infra::Logger{},
        limiter,
        dead,
        sequencers,
        uses,
        settings.parameters,
        facts};
    const auto hold = [&](const Hash32& market, std::string_view size) {
        AccountHoldings state;
        state.positions.push_back({.market = market, .size = usd(size), .entry_price = usd("1")});
        return position_hold(parts, state);
    };
    EXPECT_NE(hold(keccak256("eth-perp"), "-1"), "");
    EXPECT_NE(hold(keccak256("eth-perp"), "0.005"), "");
    EXPECT_EQ(hold(keccak256("eth-perp"), "0.004"), "");
    // A crash does not make dust of what it holds: the slow price says what it may be worth.
    uses[eth_on(world.id(0))].slow = usd("2000");
    prices.at(eth_on(world.id(0))).price = usd("0.01");
    EXPECT_NE(hold(keccak256("eth-perp"), "0.005"), "");
    EXPECT_EQ(hold(keccak256("eth-perp"), "0.004"), "");
    const AssetId ether = eth_on(world.id(0));
    EXPECT_TRUE(is_worth_a_leg(parts, ether, Amount{5'000'000'000'000'000}));
    EXPECT_FALSE(is_worth_a_leg(parts, ether, Amount{4'000'000'000'000'000}));
    EXPECT_EQ(hold(keccak256("eth-perp"), "0"), "");
    EXPECT_EQ(hold(keccak256("another"), "1"), "");
}

TEST_F(PriceUsesTest, TheSlowPriceIsThatOfTheLastSignedRoundAlsoAfterARestart) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    set_price("4000");
    world.clock.advance(60);
    ASSERT_OK(world.round());
    const auto before = use().slow;
    ASSERT_TRUE(before.has_value());
    EXPECT_GT(*before, usd("2000"));
    EXPECT_LT(*before, usd("2100"));
    restart();
    ASSERT_OK(world.round());
    EXPECT_EQ(use().slow, before);
}

TEST(PriceCheck, AFeedThatCallsItselfAnotherPairIsFound) {
    EXPECT_EQ(describe_mismatch("ETH / USD", "eth", "USD"), "");
    EXPECT_EQ(describe_mismatch("CBETH / ETH", "cbeth", "eth"), "");
    EXPECT_EQ(describe_mismatch("Local feed", "eth", "USD"), "");
    EXPECT_EQ(describe_mismatch("", "eth", "USD"), "");
    EXPECT_NE(
        describe_mismatch("CBETH / ETH", "cbeth", "USD").find("is configured as cbeth in USD"),
        std::string::npos
    );
    EXPECT_NE(describe_mismatch("BTC / USD", "eth", "USD"), "");
}

}  // namespace
}  // namespace margrave::relayer::tests
