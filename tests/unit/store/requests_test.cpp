// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

class Requests : public LedgerTest {
  protected:
    Requests() { block({deposit(kAlice, usd(), 100), deposit(kBob, usd(), 100)}); }

    std::uint64_t ask(std::uint64_t units) {
        block({withdrawal_request(kAlice, usd(), units)});
        return last_event();
    }

    Hold hold_for(std::uint64_t request, std::uint64_t units) {
        Hold hold;
        hold.release_id = chain_.release_of(request);
        hold.chain = chain_.id();
        hold.request = request;
        hold.account = kAlice;
        hold.asset = chain_.asset(usd());
        hold.amount = amount(units);
        hold.deadline = UnixSeconds{2'000'000};
        return hold;
    }

    Result<void> grant(std::uint64_t request, std::uint64_t units) {
        Decision decision;
        decision.holds.push_back(hold_for(request, units));
        return db().commit(decision);
    }

    Result<void> refuse(std::uint64_t request, const std::string& reason) {
        Decision decision;
        decision.refusals.push_back({chain_.id(), request, reason});
        return db().commit(decision);
    }

    Result<void> end(std::uint64_t request) {
        Decision decision;
        decision.ended_holds.push_back(chain_.release_of(request));
        return db().commit(decision);
    }

    void execute(std::uint64_t request, std::uint64_t units) {
        block({release(kAlice, usd(), units, chain_.release_of(request))});
    }

    std::vector<Request> requests(bool only_open) {
        return STORE_OK(ledger().requests(chain_.id(), chain_.head().number, only_open));
    }

    std::size_t holds() { return STORE_OK(ledger().holds()).size(); }
};

TEST_F(Requests, ARequestCarriesWhatTheChainSaid) {
    const std::uint64_t number = ask(40);
    const Request r = requests(true).at(0);
    EXPECT_EQ(r.chain, chain_.id());
    EXPECT_EQ(r.vault, chain_.vault());
    EXPECT_EQ(r.number, number);
    EXPECT_EQ(r.kind, ReleaseKind::kWithdrawal);
    EXPECT_EQ(r.account, kAlice);
    EXPECT_EQ(r.asset, chain_.asset(usd()));
    EXPECT_EQ(r.amount, amount(40));
    EXPECT_EQ(r.recipient, address(0xCAFE));
    EXPECT_EQ(r.block, chain_.head().number);
    EXPECT_EQ(r.time, chain_.head().time);
    EXPECT_EQ(r.state, RequestState::kOpen);
    EXPECT_EQ(r.release_id, chain_.release_of(number));
}

TEST_F(Requests, RequestsAboveTheBlockAskedForAreNotListed) {
    ask(1);
    const BlockNum first = chain_.head().number;
    ask(2);
    EXPECT_EQ(STORE_OK(ledger().requests(chain_.id(), first, true)).size(), 1U);
    EXPECT_EQ(STORE_OK(ledger().requests(chain_.id(), first, false)).size(), 1U);
    EXPECT_EQ(requests(true).size(), 2U);
    EXPECT_EQ(requests(false).size(), 2U);
}

TEST_F(Requests, AGrantAnswersAndHolds) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    EXPECT_TRUE(requests(true).empty());
    const Request r = requests(false).at(0);
    EXPECT_EQ(r.state, RequestState::kGranted);
    EXPECT_EQ(r.deadline, UnixSeconds{2'000'000});
    const auto holds = STORE_OK(ledger().holds_of(kAlice));
    ASSERT_EQ(holds.size(), 1U);
    EXPECT_EQ(holds[0].release_id, chain_.release_of(number));
    EXPECT_EQ(holds[0].asset, chain_.asset(usd()));
    EXPECT_EQ(holds[0].amount, amount(40));
    EXPECT_EQ(holds[0].deadline, UnixSeconds{2'000'000});
    EXPECT_TRUE(STORE_OK(ledger().holds_of(kBob)).empty());
}

TEST_F(Requests, ARefusalAnswersWithItsReason) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(refuse(number, "not enough"));
    EXPECT_TRUE(requests(true).empty());
    EXPECT_EQ(requests(false).at(0).state, RequestState::kRefused);
    EXPECT_EQ(requests(false).at(0).reason, "not enough");
    EXPECT_EQ(holds(), 0U);
}

TEST_F(Requests, ARequestIsAnsweredOnce) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    EXPECT_CODE(refuse(number, "changed our mind"), Errc::kConflict);
    EXPECT_CODE(grant(number, 41), Errc::kConflict);
    EXPECT_DONE(grant(number, 40));
    EXPECT_EQ(holds(), 1U);
    const std::uint64_t second = ask(1);
    EXPECT_DONE(refuse(second, "no"));
    EXPECT_CODE(grant(second, 1), Errc::kConflict);
    EXPECT_CODE(refuse(second, "another reason"), Errc::kConflict);
    EXPECT_DONE(refuse(second, "no"));
}

TEST_F(Requests, AHoldWithAnIdThatIsNotTheRequestsIsInvalid) {
    const std::uint64_t number = ask(40);
    Decision decision;
    decision.holds.push_back(hold_for(number, 40));
    decision.holds[0].release_id = word(9);
    EXPECT_CODE(db().commit(decision), Errc::kInvalid);
}

TEST_F(Requests, ExecutionCountsFromItsOwnBlock) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    const BlockNum before = chain_.head().number;
    execute(number, 40);
    EXPECT_EQ(requests(false).at(0).state, RequestState::kExecuted);
    EXPECT_EQ(
        STORE_OK(ledger().requests(chain_.id(), before, false)).at(0).state, RequestState::kGranted
    );
}

TEST_F(Requests, ExecutionWithoutOurAnswerStillCounts) {
    const std::uint64_t number = ask(40);
    execute(number, 40);
    EXPECT_TRUE(requests(true).empty());
    EXPECT_EQ(requests(false).at(0).state, RequestState::kExecuted);
    store_.finalize(chain_, chain_.head());
    EXPECT_TRUE(requests(true).empty());
}

TEST_F(Requests, TheHoldStaysUntilTheExecutionIsFinal) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    store_.finalize(chain_, chain_.head());
    execute(number, 40);
    EXPECT_EQ(holds(), 1U);
    store_.finalize(chain_, chain_.head());
    EXPECT_EQ(holds(), 0U);
    store_.reopen();
    EXPECT_EQ(holds(), 0U);
    // The grant is still known.
    EXPECT_DONE(grant(number, 40));
    EXPECT_EQ(holds(), 0U);
    EXPECT_CODE(grant(number, 39), Errc::kConflict);
}

TEST_F(Requests, AnExpiredHoldEndsAndTheRequestStaysAnswered) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    EXPECT_DONE(end(number));
    EXPECT_EQ(holds(), 0U);
    EXPECT_EQ(requests(false).at(0).state, RequestState::kGranted);
    EXPECT_TRUE(requests(true).empty());
    EXPECT_DONE(end(number));
    EXPECT_CODE(end(999), Errc::kNotFound);
}

TEST_F(Requests, AnOrphanedRequestIsNotListedButItsHoldStays) {
    const BlockRef before = chain_.head();
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    store_.revert(chain_, before);
    EXPECT_TRUE(requests(false).empty());
    EXPECT_TRUE(requests(true).empty());
    EXPECT_EQ(holds(), 1U);
    // The same transaction again: the same number, the same request, still granted.
    chain_.pop();
    block({withdrawal_request(kAlice, usd(), 40)});
    EXPECT_EQ(requests(false).at(0).state, RequestState::kGranted);
    EXPECT_TRUE(requests(true).empty());
}

TEST_F(Requests, AnOpenRequestThatComesBackAfterAReorgIsOpenAgain) {
    const BlockRef before = chain_.head();
    ask(40);
    store_.revert(chain_, before);
    chain_.pop();
    block({});
    block({withdrawal_request(kAlice, usd(), 40)});
    EXPECT_EQ(requests(true).size(), 1U);
}

TEST_F(Requests, AnotherRequestUnderAnAnsweredNumberIsRefused) {
    const BlockRef before = chain_.head();
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    store_.revert(chain_, before);
    chain_.pop();
    block({withdrawal_request(kAlice, usd(), 90)});
    ASSERT_EQ(last_event(), number);
    EXPECT_TRUE(requests(true).empty());
    const Request r = requests(false).at(0);
    EXPECT_EQ(r.state, RequestState::kRefused);
    EXPECT_NE(r.reason.find("reorg"), std::string::npos) << r.reason;
}

TEST_F(Requests, AnOrphanedExecutionIsUndone) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    const BlockRef before = chain_.head();
    execute(number, 40);
    EXPECT_EQ(holding(kAlice).collateral, amount(60));
    store_.revert(chain_, before);
    chain_.pop();
    EXPECT_EQ(requests(false).at(0).state, RequestState::kGranted);
    EXPECT_EQ(holding(kAlice).collateral, amount(100));
    EXPECT_EQ(holds(), 1U);
    block({});
    execute(number, 40);
    EXPECT_EQ(holding(kAlice).collateral, amount(60));
}

TEST_F(Requests, AHoldKnowsWhetherItsReleaseRan) {
    const std::uint64_t number = ask(40);
    EXPECT_DONE(grant(number, 40));
    const Hold hold = STORE_OK(ledger().holds_of(kAlice)).at(0);
    EXPECT_FALSE(STORE_OK(ledger().is_executed(hold)));
    const BlockRef before = chain_.head();
    execute(number, 40);
    EXPECT_TRUE(STORE_OK(ledger().is_executed(hold)));
    Hold other = hold;
    other.release_id = word(9);
    EXPECT_FALSE(STORE_OK(ledger().is_executed(other)));
    store_.revert(chain_, before);
    EXPECT_FALSE(STORE_OK(ledger().is_executed(hold)));
}

TEST_F(Requests, PoolRequestsAreGrantedLikeOthers) {
    block({withdrawal_request(kPoolItself, usd(), 5)});
    Hold hold = hold_for(last_event(), 5);
    hold.kind = ReleaseKind::kPool;
    hold.account = AccountId{};
    Decision decision;
    decision.holds.push_back(hold);
    EXPECT_DONE(db().commit(decision));
    EXPECT_EQ(STORE_OK(ledger().holds_of(AccountId{})).at(0).kind, ReleaseKind::kPool);
}

TEST_F(Requests, AnswersOfOneChainSayNothingOfAnother) {
    TestChain other(2);
    define(other);
    store_.apply(other, other.blocks().front());
    const std::uint64_t number = ask(40);
    while (other.vault_state().count + 1 < number) {
        store_.apply(other, other.push({deposit(kAlice, usd(), 1)}));
    }
    store_.apply(other, other.push({withdrawal_request(kAlice, usd(), 1)}));
    ASSERT_EQ(other.vault_state().count, number);
    EXPECT_DONE(refuse(number, "no"));
    EXPECT_EQ(STORE_OK(ledger().requests(other.id(), other.head().number, true)).size(), 1U);
    EXPECT_TRUE(requests(true).empty());
}

}  // namespace
}  // namespace margrave::store::test
