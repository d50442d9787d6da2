// SPDX-License-Identifier: Apache-2.0
#include "relayer/grants.hpp"

#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <map>

namespace margrave::relayer::tests {
namespace {

using store::RequestState;

class GrantsTest : public WorldTest {
  protected:
    /// Asks on a chain, final at once; what became of it.
    store::Request ask(std::size_t chain, const Movement& request) {
        world.settle(chain, {request});
        return world.request(chain, world.last_event(chain));
    }

    void fund_pool(std::size_t chain, std::uint64_t amount) {
        world.settle(chain, {funding(dollar_token(), dollars(amount))});
    }
};

TEST_F(GrantsTest, WithdrawalWithinTheRoomIsGrantedWithAHold) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    const auto request = ask(0, withdrawal_request(account(1), coin(), eth(1)));
    EXPECT_EQ(request.state, RequestState::kGranted);
    const auto holds = world.ledger->holds_of(account(1)).value();
    ASSERT_EQ(holds.size(), 1U);
    EXPECT_EQ(holds[0].amount, eth(1));
    EXPECT_EQ(holds[0].release_id, request.release_id);
    EXPECT_EQ(world.open_intents("release").size(), 1U);
}

TEST_F(GrantsTest, WithdrawalBeyondTheRoomIsRefusedInTheLog) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    const auto request = ask(0, withdrawal_request(account(1), coin(), eth(3)));
    EXPECT_EQ(request.state, RequestState::kRefused);
    EXPECT_FALSE(request.reason.empty());
    EXPECT_EQ(world.leaf_kinds().back(), "refusal");
    EXPECT_TRUE(world.open_intents("release").empty());
}

TEST_F(GrantsTest, RequestIsAnsweredOnce) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    ask(0, withdrawal_request(account(1), coin(), eth(1)));
    const auto leaves = world.database->leaf_count();
    for (int i = 0; i < 3; ++i) {
        ASSERT_OK(world.round());
    }
    EXPECT_EQ(world.database->leaf_count(), leaves);
}

TEST_F(GrantsTest, RequestThatIsNotFinalIsNotAnswered) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.chain(0).mine({withdrawal_request(account(1), coin(), eth(1))});
    world.step();
    EXPECT_EQ(world.request(0, world.last_event(0)).state, RequestState::kOpen);
    EXPECT_TRUE(world.ledger->holds().value().empty());
}

TEST_F(GrantsTest, ProvisionalDepositGivesNoRoom) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    world.chain(1).mine({deposit(account(1), coin(), eth(50))});
    world.chain(0).mine({withdrawal_request(account(1), coin(), eth(2))});
    world.chain(0).finalize();
    world.step();
    EXPECT_EQ(world.request(0, world.last_event(0)).state, RequestState::kRefused);
}

TEST_F(GrantsTest, TwoChainsSpendTheSameRoomExactlyOnce) {
    world.settle(0, {deposit(account(1), coin(), eth(1))});
    fund_pool(0, 1'400);
    fund_pool(1, 1'400);
    world.chain(1).mine({borrow_request(account(1), dollar_token(), dollars(1'200))});
    world.chain(0).mine({borrow_request(account(1), dollar_token(), dollars(1'200))});
    world.chain(0).finalize();
    world.chain(1).finalize();
    world.step();
    std::size_t granted = 0;
    for (const std::size_t chain : {std::size_t{0}, std::size_t{1}}) {
        const auto request = world.request(chain, world.last_event(chain));
        EXPECT_NE(request.state, RequestState::kOpen);
        granted += request.state == RequestState::kGranted ? 1 : 0;
    }
    EXPECT_EQ(granted, 1U);
    EXPECT_EQ(world.ledger->holds().value().size(), 1U);
}

TEST_F(GrantsTest, HoldEndsByTheFinalTimeOfItsChainAndNotByTheClock) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    ask(0, withdrawal_request(account(1), coin(), eth(2)));
    world.clock.advance(10'000);
    world.eth_published = world.clock.now();
    ASSERT_OK(world.round());
    EXPECT_EQ(world.ledger->holds().value().size(), 1U);
    world.chain(0).mine({}, 10'000);
    world.step();
    EXPECT_EQ(world.ledger->holds().value().size(), 1U);
    world.chain(0).finalize();
    world.step();
    EXPECT_TRUE(world.ledger->holds().value().empty());
    const auto again = ask(0, withdrawal_request(account(1), coin(), eth(2)));
    EXPECT_EQ(again.state, RequestState::kGranted);
}

TEST_F(GrantsTest, BorrowNeedsALentPool) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    EXPECT_EQ(
        ask(0, borrow_request(account(1), dollar_token(), dollars(100))).state,
        RequestState::kRefused
    );
    fund_pool(0, 150);
    EXPECT_EQ(
        ask(0, borrow_request(account(1), dollar_token(), dollars(100))).state,
        RequestState::kGranted
    );
    EXPECT_EQ(
        ask(0, borrow_request(account(1), dollar_token(), dollars(100))).state,
        RequestState::kRefused
    );
}

TEST_F(GrantsTest, DepositsOfOthersAreNotLent) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.settle(0, {deposit(account(2), dollar_token(), dollars(5'000))});
    const auto request = ask(0, borrow_request(account(1), dollar_token(), dollars(100)));
    EXPECT_EQ(request.state, RequestState::kRefused);
    EXPECT_NE(request.reason.find("the pool has 0 to lend"), std::string::npos);
}

TEST_F(GrantsTest, PoolFundingThatIsNotFinalIsNotLent) {
    world.settle(
        0, {deposit(account(1), coin(), eth(2)), deposit(account(2), dollar_token(), dollars(500))}
    );
    world.chain(0).mine({borrow_request(account(1), dollar_token(), dollars(100))});
    world.chain(0).finalize();
    world.chain(0).mine({funding(dollar_token(), dollars(1'000))});
    world.step();
    EXPECT_EQ(world.requests(0).front().state, RequestState::kRefused);
}

TEST_F(GrantsTest, PoolWithdrawalTakesNoMoreThanThePoolHas) {
    world.settle(0, {deposit(account(2), dollar_token(), dollars(5'000))});
    fund_pool(0, 150);
    EXPECT_EQ(
        ask(0, withdrawal_request(AccountId{}, dollar_token(), dollars(151))).state,
        RequestState::kRefused
    );
    EXPECT_EQ(
        ask(0, withdrawal_request(AccountId{}, dollar_token(), dollars(150))).state,
        RequestState::kGranted
    );
}

TEST_F(GrantsTest, UnusablePriceLeavesTheRequestOpenUntilItIsUsable) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    world.clock.advance(500);
    world.chain(0).mine({withdrawal_request(account(1), coin(), eth(1))});
    world.chain(0).finalize();
    world.step();
    const std::uint64_t number = world.last_event(0);
    EXPECT_EQ(world.request(0, number).state, RequestState::kOpen);
    world.eth_published = world.clock.now();
    ASSERT_OK(world.round());
    EXPECT_EQ(world.request(0, number).state, RequestState::kGranted);
}

// The executed withdrawal is in the provisional state, and in its hold for what is final.
TEST_F(GrantsTest, ReleaseThatIsNotFinalCountsOnce) {
    world.settle(0, {deposit(account(1), coin(), eth(3))});
    ask(0, withdrawal_request(account(1), coin(), eth(2)));
    world.chain(0).mine(
        {withdrawal_request(account(1), coin(), eth(1)),
         withdrawal_request(account(1), coin(), eth(1))}
    );
    world.chain(0).finalize();
    ASSERT_OK(world.deliver(0));
    world.chain(0).mine();
    world.step();
    EXPECT_EQ(world.requests(0).front().state, RequestState::kExecuted);
    std::map<RequestState, int> states;
    for (const store::Request& request : world.requests(0)) {
        ++states[request.state];
    }
    EXPECT_EQ(states[RequestState::kGranted], 1) << "there is room for one, final or not";
    EXPECT_EQ(states[RequestState::kRefused], 1);
    EXPECT_EQ(states.size(), 3U);
}

// It ran in a block that went away: the tokens are promised as before.
TEST_F(GrantsTest, ReleaseOfAnOrphanedBlockIsPromisedAgain) {
    world.settle(0, {deposit(account(1), coin(), eth(3))});
    ask(0, withdrawal_request(account(1), coin(), eth(2)));
    ASSERT_OK(world.deliver(0));
    world.chain(0).mine();
    world.step();
    ASSERT_EQ(world.requests(0).front().state, RequestState::kExecuted);
    world.chain(0).reorg(1);
    world.watch_all();
    EXPECT_EQ(world.requests(0).front().state, RequestState::kGranted);
    world.settle(0, {withdrawal_request(account(1), coin(), eth(2))});
    EXPECT_EQ(world.requests(0).back().state, RequestState::kRefused);
}

// A loan ran in a block that is final while its vault was not compared yet: its hold has ended, no
// round has attested it, and a repayment that is not final hides it from the head.
TEST_F(GrantsTest, WhatIsFinalCountsBeforeItIsAttested) {
    fund_pool(0, 10'000);
    fund_pool(1, 10'000);
    world.settle(0, {deposit(account(1), coin(), eth(10))});
    ASSERT_EQ(
        ask(1, borrow_request(account(1), dollar_token(), dollars(10'000))).state,
        RequestState::kGranted
    );
    ASSERT_OK(world.deliver(1));
    world.chain(1).mine();
    ASSERT_OK(world.watch(1));
    ASSERT_EQ(world.requests(1).back().state, RequestState::kExecuted);
    world.chain(1).fail_next("custody_at", Errc::kRpc, "no answer");
    world.chain(1).finalize();
    EXPECT_FALSE(world.watch(1).has_value());
    ASSERT_TRUE(world.ledger->holds().value().empty());
    world.chain(1).mine({repayment(account(1), dollar_token(), dollars(10'000))});
    world.chain(1).fail_next("custody_at", Errc::kRpc, "no answer");
    (void)world.watch(1);
    const auto head = world.ledger->holdings_at_head(account(1)).value();
    ASSERT_TRUE(std::ranges::all_of(head.holdings, [](const Holding& row) {
        return row.debt.is_zero();
    }));
    world.chain(0).mine({borrow_request(account(1), dollar_token(), dollars(10'000))});
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.round());
    EXPECT_EQ(world.requests(0).back().state, RequestState::kRefused);
}

// Ether that was attested has left, and dollars came for it whose vault was not compared yet:
// neither pays for a loan.
TEST_F(GrantsTest, WhatIsNeitherAttestedNorStillThereCountsForNothing) {
    fund_pool(0, 10'000);
    world.settle(1, {deposit(account(1), coin(), eth(10))});
    Movement exit = deposit(account(1), coin(), eth(10));
    exit.kind = MovementKind::kExit;
    world.chain(1).mine({exit, deposit(account(1), dollar_token(), dollars(20'000))});
    world.chain(1).finalize();
    world.chain(1).fail_next("custody_at", Errc::kRpc, "no answer");
    EXPECT_FALSE(world.watch(1).has_value());
    world.chain(0).mine({borrow_request(account(1), dollar_token(), dollars(10'000))});
    world.chain(0).finalize();
    ASSERT_OK(world.watch(0));
    ASSERT_OK(world.round());
    EXPECT_EQ(world.requests(0).back().state, RequestState::kOpen);
    world.settle(1, {});
    EXPECT_EQ(world.requests(0).back().state, RequestState::kGranted);
}

TEST_F(GrantsTest, LiquidationUnderWayRefuses) {
    give_loan(account(1), 1, 1'000);
    world.eth_price = usd("1100");
    ASSERT_OK(world.round());
    ASSERT_FALSE(world.ledger->legs(account(1)).value().empty());
    const auto request = ask(0, withdrawal_request(account(1), coin(), Amount{1}));
    EXPECT_EQ(request.state, RequestState::kRefused);
    EXPECT_NE(request.reason.find("liquidation"), std::string::npos);
}

TEST_F(GrantsTest, ReleaseRecordedBeforeACrashIsFinishedWithTheSameDeadline) {
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    const auto request = ask(0, withdrawal_request(account(1), coin(), eth(1)));
    const auto hold = world.ledger->holds().value().front();
    const auto entry = world.guard->find(
        world.signer->address(),
        attest::domain_separator(world.settings.genesis.network()),
        request.release_id,
        1
    );
    ASSERT_TRUE(entry.value().has_value());
    ReleaseDraft later;
    later.request = request.number;
    later.release.id = request.release_id;
    later.release.deadline = UnixSeconds{hold.deadline.value + 500};
    EXPECT_OK(world.scribe->release(later, world.clock.now()));
    EXPECT_EQ(world.ledger->holds().value().front().deadline, hold.deadline);
}

TEST_F(GrantsTest, OnePassAnswersABoundedNumberAndTheNextGoesOn) {
    std::vector<FakeChain::Body> events{deposit(account(1), coin(), eth(500))};
    for (std::size_t i = 0; i < kRequestsAPass + 10; ++i) {
        events.emplace_back(withdrawal_request(account(1), coin(), eth(1)));
    }
    world.settle(0, std::move(events));
    EXPECT_EQ(world.ledger->holds().value().size(), kRequestsAPass);
    ASSERT_OK(world.round());
    EXPECT_EQ(world.ledger->holds().value().size(), kRequestsAPass + 10);
}

}  // namespace
}  // namespace margrave::relayer::tests
