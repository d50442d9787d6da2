// SPDX-License-Identifier: Apache-2.0
#include "core/interest.hpp"

#include "core/keccak.hpp"
#include "relayer/replay.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace margrave::relayer::tests {
namespace {

/// Two coins at 2000 USD and a loan of 1000, and a contract on chain 0 that tells what loans cost.
class InterestTest : public WorldTest {
  protected:
    void SetUp() override {
        ASSERT_OK(world.start());
        world.eth_price = usd("2000");
        give_loan(account(1), 2, 1'000);
    }

    static MappedEvent rate(std::uint64_t percent) {
        MappedEvent out;
        out.source = keccak256(std::string_view("rates"));
        out.what = MappedRate{dollar_token(), yearly_rate(Amount{percent}, 2, false)};
        return out;
    }

    const AccountState& state() { return *world.state_of(account(1)); }

    /// What the loan is as of the firm block, from the time the rate was told at.
    Money owed(std::uint64_t percent, UnixSeconds since) {
        const InterestIndex index{index_one(), yearly_rate(Amount{percent}, 2, false), since};
        const Amount now = index_at(index, world.chain(0).chain().head().time);
        const Amount debt = with_interest(dollars(1'000), index_one(), now).value();
        return value_of(debt, 6, usd("1"), Round::kUp).value();
    }

    void expect_replay() {
        const auto replayed = replay_round(
            world.settings.genesis.network(), *world.database, *world.ledger, RoundNum{0}
        );
        ASSERT_OK(replayed);
        EXPECT_EQ(replayed.value().digest, world.scribe->last_digest());
    }
};

TEST_F(InterestTest, EveryRoundCountsItUpToItsFinalBlockThoughNoEventNamesTheAccount) {
    EXPECT_EQ(state().equity, usd("3000"));
    world.settle(0, {rate(50)});
    const UnixSeconds since = world.chain(0).chain().head().time;
    EXPECT_EQ(state().equity, usd("3000"));
    for (const std::uint64_t part : {1U, 3U}) {
        world.wait(part * kSecondsOfYear / 20);
        world.step();
        EXPECT_EQ(state().equity, sub(usd("4000"), owed(50, since)).value());
        EXPECT_LT(state().equity, usd("2976"));
        expect_replay();
    }
    // Interest is no event of the account: nothing of it is said to be unfinal.
    world.chain(0).mine({});
    world.step();
    EXPECT_EQ(state().flags & flags::kProvisionalDiffers, 0U);
}

// One debtor among many is read by himself, many are read with all; above it was one of one.
TEST_F(InterestTest, ADebtorAmongManyAccountsIsCountedToo) {
    std::vector<FakeChain::Body> deposits;
    for (std::uint64_t who = 2; who <= 40; ++who) {
        deposits.emplace_back(deposit(account(who), coin(), eth(1)));
    }
    world.settle(0, std::move(deposits));
    world.settle(0, {rate(50)});
    const UnixSeconds since = world.chain(0).chain().head().time;
    world.wait(kSecondsOfYear / 10);
    world.step();
    EXPECT_EQ(state().equity, sub(usd("4000"), owed(50, since)).value());
    EXPECT_EQ(world.state_of(account(40))->equity, usd("2000"));
    expect_replay();
}

TEST_F(InterestTest, AnAccountMayBecomeLiquidatableByItAlone) {
    world.settle(0, {rate(100)});
    EXPECT_EQ(state().status, Status::kHealthy);
    world.wait(3 * kSecondsOfYear);
    world.step();
    EXPECT_EQ(state().status, Status::kLiquidatable);
    EXPECT_EQ(world.open_intents("seizure").size(), 1U);
    expect_replay();
}

TEST_F(InterestTest, ARepaymentOfLoanAndInterestLeavesNoDebtAndMakesRoomToLend) {
    world.settle(0, {rate(10)});
    world.wait(kSecondsOfYear);
    world.settle(0, {repayment(account(1), dollar_token(), dollars(1'200))});
    EXPECT_EQ(state().flags & flags::kHasDebt, 0U);
    // Some hundred were interest; the rest came back.
    EXPECT_LT(state().equity, usd("4100"));
    EXPECT_GT(state().equity, usd("4099.99"));
    // All that lenders put in and what it earned can be lent again.
    world.settle(0, {borrow_request(account(1), dollar_token(), dollars(1'100))});
    EXPECT_EQ(world.request(0, world.last_event(0)).state, store::RequestState::kGranted);
    expect_replay();
}

TEST_F(InterestTest, ARestartCountsOn) {
    world.settle(0, {rate(50)});
    const UnixSeconds since = world.chain(0).chain().head().time;
    world.wait(kSecondsOfYear / 10);
    world.stop();
    ASSERT_OK(world.start());
    world.step();
    EXPECT_EQ(state().equity, sub(usd("4000"), owed(50, since)).value());
}

TEST_F(InterestTest, GrowingLoansAloneHurryNoRound) {
    world.settle(0, {rate(50)});
    world.wait(60);
    world.step();
    const RoundNum last = world.scribe->last().round;
    world.wait(15);
    world.step();
    EXPECT_EQ(world.scribe->last().round, last);
    // Whoever moves something does not wait for the interval.
    world.settle(0, {deposit(account(2), coin(), eth(1))});
    EXPECT_EQ(world.scribe->last().round.value, last.value + 1);
    expect_replay();
}

// Operators see heads of different age. What they sign for an account that nobody touched must be
// the same.
TEST_F(InterestTest, ARequestIsJudgedByInterestUpToTheFinalBlock) {
    world.settle(0, {rate(100)});
    // 2 coins give 3000 and the loan takes 1050: there is room for 1.3, and for less than 1.2 with
    // the interest of two months.
    const Amount asked = Amount::parse("125" + std::string(16, '0')).value();
    world.chain(0).mine({withdrawal_request(account(1), coin(), asked)});
    world.chain(0).finalize();
    world.chain(0).mine({}, kSecondsOfYear / 6);
    world.step();
    EXPECT_EQ(world.request(0, world.last_event(0)).state, store::RequestState::kGranted);
}

TEST_F(InterestTest, ASeizureTakesNoMoreForBlocksThatAreNotFinal) {
    const auto seized_beside = [](std::uint64_t unfinal_seconds) {
        World w;
        w.settle(
            0,
            {funding(dollar_token(), dollars(1'000)),
             deposit(account(1), coin(), eth(2)),
             borrow_request(account(1), dollar_token(), dollars(1'000))}
        );
        EXPECT_OK(w.deliver(0));
        EXPECT_OK(w.deliver(1));
        w.settle(0, {});
        w.settle(0, {rate(100)});
        w.wait(kSecondsOfYear / 10);
        w.chain(0).mine({}, unfinal_seconds);
        w.eth_price = usd("640");
        w.step();
        std::vector<std::pair<Amount, Amount>> out;
        for (const store::Leg& leg : w.ledger->legs(account(1)).value()) {
            out.emplace_back(leg.amount, leg.min_proceeds);
        }
        return out;
    };
    const auto legs = seized_beside(12);
    ASSERT_FALSE(legs.empty());
    EXPECT_EQ(seized_beside(kSecondsOfYear / 12), legs);
}

}  // namespace
}  // namespace margrave::relayer::tests
