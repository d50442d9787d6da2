// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

// What of the incidents (docs/margin.md section 10) takes a ledger, its rounds and its grants: each
// once as it is, and once with the guard out of the way.
namespace margrave::relayer::tests {
namespace {

using store::RequestState;

class Incident : public WorldTest {
  protected:
    store::Request ask(const Movement& request) {
        world.settle(0, {request});
        return world.request(0, world.last_event(0));
    }

    void set_price(std::string_view price) {
        world.eth_price = usd(price);
        world.eth_published = world.clock.now();
    }
};

// Mango: 5 million USD, and a perpetual whose profit is worth more as thin markets rise. Here the
// coin is what is traded; every profit counts, so that the slow price alone is left.
class IncidentMangoSlowPrice : public Incident {
  protected:
    IncidentMangoSlowPrice() {
        margin::VenueParameters venue;
        venue.underlying = "eth";
        venue.profit_weight = usd("1");
        venue.profit_cap = usd("10000000000");
        venue.options = margin::usual_isolated_rules();
        venue.perpetuals.push_back(
            {.market = keccak256("eth-perp"),
             .name = "eth-perp",
             .fractions = {usd("0.1"), usd("0.08"), usd("0.05")}}
        );
        world.settings.parameters.venues.push_back(venue);
    }

    /// Asks for a loan once the price went from 2,000 to `price` in one round.
    store::Request borrow_after(std::string_view price) {
        EXPECT_OK(world.start());
        world.watch_all();
        const Position bought{
            .sequence = 0,
            .account = account(1),
            .market = keccak256("eth-perp"),
            .size = usd("9000"),
            .entry_price = usd("2000")};
        world.settle(
            0,
            {funding(dollar_token(), dollars(116'000'000)),
             deposit(account(1), dollar_token(), dollars(5'000'000)),
             bought}
        );
        EXPECT_OK(world.round());
        set_price(price);
        return ask(borrow_request(account(1), dollar_token(), dollars(4'000'000)));
    }
};

TEST_F(IncidentMangoSlowPrice, October2022WithoutASlowPriceAProfitOfAMomentIsLentAgainst) {
    EXPECT_EQ(borrow_after("4000").state, RequestState::kGranted);
}

TEST_F(IncidentMangoSlowPrice, October2022APositionPaysByTheWorseOfThePriceAndTheSlowPrice) {
    world.give_slow_price();
    EXPECT_EQ(borrow_after("4000").state, RequestState::kRefused);
}

// From 0.038 to 0.91 is 24 times: nothing at all is decided by that.
TEST_F(IncidentMangoSlowPrice, October2022BeyondTheHardBandARequestWaits) {
    world.give_slow_price();
    EXPECT_EQ(borrow_after("47894").state, RequestState::kOpen);
    set_price("2000");
    world.step();
    EXPECT_EQ(world.request(0, world.last_event(0)).state, RequestState::kRefused);
}

// Euler: collateral was given away by a call that looked at nobody's health. Here no call of the
// vault gives away anything; what an account has at a watched contract can be given away unasked,
// and then every account that the block touches is judged with it.
class IncidentEuler : public Incident {
  protected:
    static MappedEvent at_the_bank(MappedKind kind, std::uint64_t ether) {
        MappedEvent out;
        out.source = keccak256("bank");
        out.account = account(1);
        out.what = MappedAmount{.kind = kind, .token = coin(), .amount = eth(ether)};
        return out;
    }

    IncidentEuler() {
        EXPECT_OK(world.start());
        world.watch_all();
        world.settle(
            0,
            {funding(dollar_token(), dollars(200'000'000)),
             deposit(account(1), coin(), eth(1'000)),
             at_the_bank(MappedKind::kDeposit, 30'000)}
        );
        const auto loan = ask(borrow_request(account(1), dollar_token(), dollars(30'000'000)));
        EXPECT_EQ(loan.state, RequestState::kGranted) << loan.reason;
        world.settle(0, {});
        EXPECT_OK(world.deliver(0));
        world.step();
    }
};

TEST_F(IncidentEuler, March2023WhatIsGivenAwayIsJudgedWithItsBlock) {
    ASSERT_EQ(world.state_of(account(1))->status, Status::kHealthy);
    const RoundNum before = world.scribe->last().round;
    // Most of it is a present to the bank's reserves.
    world.settle(0, {at_the_bank(MappedKind::kWithdraw, 15'000)});
    // At once, and not when the next round would be due.
    EXPECT_GT(world.scribe->last().round, before);
    EXPECT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
}

TEST_F(IncidentEuler, March2023NothingLeavesOnWhatABlockThatIsNotFinalGaveAway) {
    world.settle(1, {funding(dollar_token(), dollars(1'000'000))});
    world.chain(0).mine({at_the_bank(MappedKind::kWithdraw, 15'000)});
    world.chain(1).mine({borrow_request(account(1), dollar_token(), dollars(1'000))});
    world.chain(1).finalize();
    world.step();
    // By what is final alone it would be granted.
    EXPECT_EQ(world.state_of(account(1))->status, Status::kHealthy);
    EXPECT_EQ(world.request(1, world.last_event(1)).state, RequestState::kOpen);
}

TEST_F(IncidentEuler, March2023WithoutThePresentTheSameRequestIsGranted) {
    world.settle(1, {funding(dollar_token(), dollars(1'000'000))});
    world.settle(1, {borrow_request(account(1), dollar_token(), dollars(1'000))});
    EXPECT_EQ(world.request(1, world.last_event(1)).state, RequestState::kGranted);
}

// KelpDAO: 116,500 tokens were credited for which nothing lay anywhere. A deposit of ours is
// compared with what the vault holds at the same block, before anything stands on it.
class IncidentKelpDao : public Incident {
  protected:
    void credit(bool is_held) {
        ASSERT_OK(world.start());
        world.watch_all();
        world.settle(1, {funding(dollar_token(), dollars(200'000'000))});
        if (!is_held) {
            world.nodes[0]->missing[coin()] = eth(116'500);
        }
        world.settle(0, {deposit(account(1), coin(), eth(116'500))});
        world.settle(1, {borrow_request(account(1), dollar_token(), dollars(120'000'000))});
    }
};

TEST_F(IncidentKelpDao, April2026WhatTheVaultDoesNotHoldIsLentNothing) {
    credit(false);
    EXPECT_EQ(world.request(1, world.last_event(1)).state, RequestState::kRefused);
    EXPECT_TRUE(world.ledger->holds().value().empty());
    EXPECT_FALSE(world.rounds->deficits().empty());
}

TEST_F(IncidentKelpDao, April2026WhatItHoldsIsLentAgainst) {
    credit(true);
    EXPECT_EQ(world.request(1, world.last_event(1)).state, RequestState::kGranted);
}

// Aave's CRV: one request for all of it, where the debt weight follows what the pool has lent.
class IncidentAaveCrv : public Incident {
  protected:
    void start_scaled(bool is_scaled) {
        if (is_scaled) {
            world.settings.parameters.assets[1].scale.debts_from = usd("5000000");
        }
        ASSERT_OK(world.start());
        world.watch_all();
        world.settle(
            0,
            {funding(dollar_token(), dollars(40'000'000)),
             deposit(account(1), coin(), eth(31'800)),
             deposit(account(2), coin(), eth(31'800))}
        );
    }
};

TEST_F(IncidentAaveCrv, November2022OneRequestIsJudgedByTheDebtThatItMakes) {
    start_scaled(true);
    // 63.6 million of collateral count 47.7; 20 million would count 4.2 times.
    EXPECT_EQ(
        ask(borrow_request(account(1), dollar_token(), dollars(20'000'000))).state,
        RequestState::kRefused
    );
    EXPECT_EQ(
        ask(borrow_request(account(1), dollar_token(), dollars(10'000'000))).state,
        RequestState::kGranted
    );
    // What is promised to one counts for the other.
    EXPECT_EQ(
        ask(borrow_request(account(2), dollar_token(), dollars(14'000'000))).state,
        RequestState::kRefused
    );
}

TEST_F(IncidentAaveCrv, November2022WithoutAScaleItIsGranted) {
    start_scaled(false);
    EXPECT_EQ(
        ask(borrow_request(account(1), dollar_token(), dollars(39'000'000))).state,
        RequestState::kGranted
    );
}

}  // namespace
}  // namespace margrave::relayer::tests
