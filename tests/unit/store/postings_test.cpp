// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

class Postings : public LedgerTest {
  protected:
    // A request and its release, in two blocks.
    void release_now(Movement request) {
        const AccountId who = request.account;
        const Address token = request.token;
        const Amount units = request.amount;
        block({request});
        Movement answer = release(who, token, 0, chain_.release_of(last_event()));
        answer.amount = units;
        block({answer});
    }

    Hash32 seize(const AccountId& who, std::uint64_t units, std::uint64_t lock = 1) {
        const Hash32 id = seizure_id(who, lock, 0);
        block({seizure(who, usd(), units, id)});
        return id;
    }

    // (debit, credit, amount) of the transfers of the last block.
    std::vector<std::tuple<AccountCode, AccountCode, Amount>> last_block() {
        std::vector<std::tuple<AccountCode, AccountCode, Amount>> out;
        for (const Transfer& t : STORE_OK(ledger().journal(Seq{1}, 1000))) {
            if (t.block_hash == chain_.head().hash) {
                out.emplace_back(t.debit, t.credit, t.amount);
            }
        }
        return out;
    }
};

using Rows = std::vector<std::tuple<AccountCode, AccountCode, Amount>>;
using enum AccountCode;

TEST_F(Postings, DepositGoesFromVaultToCollateralAndRaisesTheBook) {
    block({deposit(kAlice, usd(), 100)});
    EXPECT_EQ(last_block(), (Rows{{kVault, kCollateral, amount(100)}}));
    EXPECT_EQ(holding(kAlice).collateral, amount(100));
    EXPECT_EQ(holding(kAlice).book, amount(100));
    EXPECT_EQ(total(kVault), amount(100));
}

TEST_F(Postings, DepositPaysAReceivableFirst) {
    block({deposit(kAlice, usd(), 10), deposit(kBob, usd(), 100)});
    block({exit(kAlice, usd(), 30)});
    ASSERT_EQ(holding(kAlice).debt, amount(20));
    block({deposit(kAlice, usd(), 50)});
    EXPECT_EQ(
        last_block(),
        (Rows{{kVault, kCollateral, amount(50)}, {kCollateral, kReceivable, amount(20)}})
    );
    EXPECT_EQ(holding(kAlice).collateral, amount(30));
    EXPECT_EQ(holding(kAlice).debt, amount(0));
}

TEST_F(Postings, DepositSmallerThanTheReceivableLeavesNoCollateral) {
    block({deposit(kBob, usd(), 100)});
    block({exit(kAlice, usd(), 30)});
    block({deposit(kAlice, usd(), 5)});
    EXPECT_EQ(holding(kAlice).collateral, amount(0));
    EXPECT_EQ(holding(kAlice).debt, amount(25));
}

TEST_F(Postings, DepositOfNothingMakesNoTransfer) {
    const ApplySummary summary = block({deposit(kAlice, usd(), 0)});
    EXPECT_EQ(summary.events, 1U);
    EXPECT_EQ(summary.transfers, 0U);
    EXPECT_TRUE(STORE_OK(ledger().holdings_at_head(kAlice)).holdings.empty());
}

TEST_F(Postings, RequestsMakeNoTransfer) {
    const ApplySummary summary = block(
        {withdrawal_request(kAlice, usd(), 5),
         borrow_request(kAlice, usd(), 6),
         withdrawal_request(kPoolItself, usd(), 7)}
    );
    EXPECT_EQ(summary.transfers, 0U);
    EXPECT_TRUE(summary.touched.empty());
    const auto requests = STORE_OK(ledger().requests(chain_.id(), chain_.head().number, false));
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[0].kind, ReleaseKind::kWithdrawal);
    EXPECT_EQ(requests[1].kind, ReleaseKind::kBorrow);
    EXPECT_EQ(requests[2].kind, ReleaseKind::kPool);
}

TEST_F(Postings, WithdrawalLeavesThroughWithdrawAndLowersTheBook) {
    block({deposit(kAlice, usd(), 100)});
    release_now(withdrawal_request(kAlice, usd(), 40));
    EXPECT_EQ(
        last_block(), (Rows{{kCollateral, kWithdraw, amount(40)}, {kWithdraw, kVault, amount(40)}})
    );
    EXPECT_EQ(holding(kAlice).collateral, amount(60));
    EXPECT_EQ(holding(kAlice).book, amount(60));
    EXPECT_EQ(total(kVault), amount(60));
    EXPECT_EQ(total(kWithdraw), amount(0));
}

TEST_F(Postings, WithdrawalBeyondTheCollateralBecomesAReceivable) {
    block({deposit(kAlice, usd(), 30), deposit(kBob, usd(), 100)});
    release_now(withdrawal_request(kAlice, usd(), 40));
    EXPECT_EQ(
        last_block(),
        (Rows{
            {kCollateral, kWithdraw, amount(30)},
            {kReceivable, kWithdraw, amount(10)},
            {kWithdraw, kVault, amount(40)}})
    );
    EXPECT_EQ(holding(kAlice).collateral, amount(0));
    EXPECT_EQ(holding(kAlice).debt, amount(10));
    EXPECT_EQ(holding(kAlice).book, amount(0));
}

TEST_F(Postings, BorrowMakesALoanAndLeavesTheBookAlone) {
    block({deposit(kAlice, usd(), 10), funding(usd(), 100)});
    release_now(borrow_request(kAlice, usd(), 40));
    EXPECT_EQ(
        last_block(), (Rows{{kLoan, kWithdraw, amount(40)}, {kWithdraw, kVault, amount(40)}})
    );
    EXPECT_EQ(holding(kAlice).collateral, amount(10));
    EXPECT_EQ(holding(kAlice).debt, amount(40));
    EXPECT_EQ(holding(kAlice).book, amount(10));
    EXPECT_EQ(total(kPool), amount(100));
    EXPECT_EQ(total(kVault), amount(70));
}

TEST_F(Postings, PoolReleaseComesOutOfThePool) {
    block({funding(usd(), 100)});
    release_now(withdrawal_request(kPoolItself, usd(), 30));
    EXPECT_EQ(last_block(), (Rows{{kPool, kVault, amount(30)}}));
    EXPECT_EQ(total(kPool), amount(70));
}

TEST_F(Postings, PoolReleaseBeyondThePoolIsOwedAndRepaidByTheNextFunding) {
    block({funding(usd(), 10), deposit(kAlice, usd(), 100)});
    release_now(withdrawal_request(kPoolItself, usd(), 30));
    EXPECT_EQ(last_block(), (Rows{{kPool, kVault, amount(10)}, {kReceivable, kVault, amount(20)}}));
    EXPECT_EQ(total(kReceivable), amount(20));
    block({funding(usd(), 50)});
    EXPECT_EQ(total(kReceivable), amount(0));
    EXPECT_EQ(total(kPool), amount(30));
}

TEST_F(Postings, ReleaseBeyondTheVaultShowsWhatNoEventExplained) {
    release_now(borrow_request(kAlice, usd(), 15));
    EXPECT_EQ(
        last_block(),
        (Rows{
            {kVault, kUnattributed, amount(15)},
            {kLoan, kWithdraw, amount(15)},
            {kWithdraw, kVault, amount(15)}})
    );
    EXPECT_EQ(total(kUnattributed), amount(15));
    EXPECT_EQ(total(kVault), amount(0));
}

TEST_F(Postings, SeizureMovesTheLotToTheAuctionAndTheTokensToTheSale) {
    block({deposit(kAlice, usd(), 100)});
    const Hash32 id = seize(kAlice, 60);
    EXPECT_EQ(
        last_block(), (Rows{{kCollateral, kAuction, amount(60)}, {kSale, kVault, amount(60)}})
    );
    const Holding h = holding(kAlice);
    EXPECT_EQ(h.collateral, amount(100));
    EXPECT_EQ(h.in_sale, amount(60));
    EXPECT_EQ(h.book, amount(40));
    EXPECT_EQ(total(kVault), amount(40));
    EXPECT_EQ(total(kSale), amount(60));
    EXPECT_EQ(total(kAuction), amount(60));
    EXPECT_EQ(STORE_OK(ledger().legs(kAlice)).at(0).seizure_id, id);
}

TEST_F(Postings, SeizureBeyondTheCollateralBecomesAReceivable) {
    block({deposit(kAlice, usd(), 20), deposit(kBob, usd(), 100)});
    seize(kAlice, 50);
    EXPECT_EQ(
        last_block(),
        (Rows{
            {kCollateral, kAuction, amount(20)},
            {kReceivable, kAuction, amount(30)},
            {kSale, kVault, amount(50)}})
    );
    EXPECT_EQ(holding(kAlice).debt, amount(30));
    EXPECT_EQ(holding(kAlice).in_sale, amount(50));
    EXPECT_EQ(holding(kAlice).book, amount(0));
}

TEST_F(Postings, ProceedsCloseTheLotAndPayTheLoanFirst) {
    block({deposit(kAlice, usd(), 100), funding(eth(), 50)});
    release_now(borrow_request(kAlice, eth(), 20));
    const Hash32 id = seize(kAlice, 60);
    block({proceeds(kAlice, eth(), 25, id)});
    EXPECT_EQ(
        last_block(),
        (Rows{
            {kAuction, kSale, amount(60)},
            {kVault, kCollateral, amount(25)},
            {kCollateral, kLoan, amount(20)}})
    );
    EXPECT_EQ(holding(kAlice).collateral, amount(40));
    EXPECT_EQ(holding(kAlice).in_sale, amount(0));
    EXPECT_EQ(holding(kAlice).book, amount(40));
    EXPECT_EQ(holding(kAlice, eth()).collateral, amount(5));
    EXPECT_EQ(holding(kAlice, eth()).debt, amount(0));
    EXPECT_EQ(holding(kAlice, eth()).book, amount(0));
    EXPECT_EQ(total(kSale), amount(0));
    EXPECT_EQ(total(kAuction), amount(0));
    const Leg leg = STORE_OK(ledger().legs(kAlice)).at(0);
    EXPECT_EQ(leg.state, LegState::kSold);
    EXPECT_EQ(leg.proceeds, amount(25));
    EXPECT_EQ(leg.debt_asset, chain_.asset(eth()));
}

TEST_F(Postings, ProceedsPayAReceivableBeforeTheLoan) {
    block({deposit(kAlice, usd(), 100), deposit(kBob, eth(), 500), funding(eth(), 50)});
    release_now(borrow_request(kAlice, eth(), 20));
    block({exit(kAlice, eth(), 7)});
    const Hash32 id = seize(kAlice, 60);
    block({proceeds(kAlice, eth(), 10, id)});
    EXPECT_EQ(
        last_block(),
        (Rows{
            {kAuction, kSale, amount(60)},
            {kVault, kCollateral, amount(10)},
            {kCollateral, kReceivable, amount(7)},
            {kCollateral, kLoan, amount(3)}})
    );
    EXPECT_EQ(holding(kAlice, eth()).debt, amount(17));
}

TEST_F(Postings, UnsoldLotComesBackWithWhatItsSeizureTookFromTheBook) {
    block({deposit(kAlice, usd(), 100)});
    release_now(borrow_request(kAlice, usd(), 0));
    const Hash32 id = seize(kAlice, 60);
    block({deposit(kAlice, usd(), 1)});
    block({proceeds(kAlice, usd(), 60, id)});
    EXPECT_EQ(
        last_block(), (Rows{{kVault, kSale, amount(60)}, {kAuction, kCollateral, amount(60)}})
    );
    const Holding h = holding(kAlice);
    EXPECT_EQ(h.collateral, amount(101));
    EXPECT_EQ(h.in_sale, amount(0));
    EXPECT_EQ(h.book, amount(101));
    EXPECT_EQ(STORE_OK(ledger().legs(kAlice)).at(0).state, LegState::kReturned);
}

TEST_F(Postings, UnsoldLotRestoresOnlyWhatTheBookHadLost) {
    // 30 of the collateral are sale proceeds, which the vault's book does not know.
    block({deposit(kAlice, usd(), 50), deposit(kAlice, eth(), 10)});
    const Hash32 first = seizure_id(kAlice, 1, 0);
    block({seizure(kAlice, eth(), 10, first)});
    block({proceeds(kAlice, usd(), 30, first)});
    ASSERT_EQ(holding(kAlice).collateral, amount(80));
    ASSERT_EQ(holding(kAlice).book, amount(50));
    const Hash32 second = seize(kAlice, 70, 2);
    ASSERT_EQ(holding(kAlice).book, amount(0));
    block({proceeds(kAlice, usd(), 70, second)});
    EXPECT_EQ(holding(kAlice).book, amount(50));
    EXPECT_EQ(holding(kAlice).collateral, amount(80));
}

TEST_F(Postings, UnsoldLotThatLostAFeeIsCreditedForWhatCameBack) {
    block({deposit(kAlice, usd(), 100)});
    const Hash32 id = seize(kAlice, 60);
    block({proceeds(kAlice, usd(), 55, id)});
    EXPECT_EQ(holding(kAlice).collateral, amount(95));
    EXPECT_EQ(total(kSale), amount(0));
    EXPECT_EQ(total(kAuction), amount(0));
    EXPECT_EQ(total(kVault), amount(95));
}

TEST_F(Postings, UnsoldLotThatGrewIsCreditedInFull) {
    block({deposit(kAlice, usd(), 100)});
    const Hash32 id = seize(kAlice, 60);
    block({proceeds(kAlice, usd(), 65, id)});
    EXPECT_EQ(holding(kAlice).collateral, amount(105));
    EXPECT_EQ(total(kVault), amount(105));
}

TEST_F(Postings, UnsoldLotPaysTheReceivableItsSeizureMade) {
    block({deposit(kAlice, usd(), 20), deposit(kBob, usd(), 100)});
    const Hash32 id = seize(kAlice, 50);
    block({proceeds(kAlice, usd(), 50, id)});
    EXPECT_EQ(holding(kAlice).collateral, amount(20));
    EXPECT_EQ(holding(kAlice).debt, amount(0));
    EXPECT_EQ(holding(kAlice).book, amount(20));
}

TEST_F(Postings, RepaymentShrinksTheLoanAndTheExcessStaysCollateral) {
    block({funding(usd(), 100)});
    release_now(borrow_request(kAlice, usd(), 40));
    block({repayment(kAlice, usd(), 45)});
    EXPECT_EQ(
        last_block(), (Rows{{kVault, kCollateral, amount(45)}, {kCollateral, kLoan, amount(40)}})
    );
    EXPECT_EQ(holding(kAlice).collateral, amount(5));
    EXPECT_EQ(holding(kAlice).debt, amount(0));
    EXPECT_EQ(holding(kAlice).book, amount(0));
}

TEST_F(Postings, PartialRepaymentLeavesTheRestOfTheLoan) {
    block({funding(usd(), 100)});
    release_now(borrow_request(kAlice, usd(), 40));
    block({repayment(kAlice, usd(), 15)});
    EXPECT_EQ(holding(kAlice).debt, amount(25));
    EXPECT_EQ(holding(kAlice).collateral, amount(0));
}

TEST_F(Postings, RepaymentPaysWithWhatItBroughtAndLeavesOlderCollateralAlone) {
    block({funding(usd(), 100), deposit(kAlice, usd(), 30)});
    release_now(borrow_request(kAlice, usd(), 40));
    block({repayment(kAlice, usd(), 15)});
    EXPECT_EQ(holding(kAlice).debt, amount(25));
    EXPECT_EQ(holding(kAlice).collateral, amount(30));
    EXPECT_EQ(holding(kAlice).book, amount(30));
}

TEST_F(Postings, PoolFundingGoesFromVaultToPool) {
    block({funding(usd(), 100)});
    EXPECT_EQ(last_block(), (Rows{{kVault, kPool, amount(100)}}));
    EXPECT_TRUE(STORE_OK(ledger().all_holdings(head())).empty());
}

TEST_F(Postings, ExitTakesCollateralOutOfTheVaultAndTheBook) {
    block({deposit(kAlice, usd(), 100)});
    block({exit(kAlice, usd(), 70)});
    EXPECT_EQ(last_block(), (Rows{{kCollateral, kVault, amount(70)}}));
    EXPECT_EQ(holding(kAlice).collateral, amount(30));
    EXPECT_EQ(holding(kAlice).book, amount(30));
}

TEST_F(Postings, ExitBeyondTheCollateralBecomesAReceivable) {
    block({deposit(kAlice, usd(), 100), deposit(kBob, usd(), 100)});
    const Hash32 id = seizure_id(kAlice, 1, 0);
    block({seizure(kAlice, usd(), 80, id)});
    block({exit(kAlice, usd(), 25)});
    EXPECT_EQ(
        last_block(), (Rows{{kCollateral, kVault, amount(20)}, {kReceivable, kVault, amount(5)}})
    );
    EXPECT_EQ(holding(kAlice).debt, amount(5));
    EXPECT_EQ(holding(kAlice).book, amount(0));
}

TEST_F(Postings, LoanAndReceivableAddUpToTheDebt) {
    block({funding(usd(), 100)});
    release_now(borrow_request(kAlice, usd(), 40));
    block({exit(kAlice, usd(), 3)});
    EXPECT_EQ(holding(kAlice).debt, amount(43));
}

TEST_F(Postings, PositionReplacesTheOneBeforeAndZeroRemovesIt) {
    const ApplySummary summary = block({position(kAlice, 7, 3), position(kAlice, 8, -2)});
    EXPECT_EQ(summary.transfers, 0U);
    EXPECT_TRUE(summary.touched.contains(kAlice));
    block({position(kAlice, 7, 5)});
    AccountHoldings h = STORE_OK(ledger().holdings_at_head(kAlice));
    ASSERT_EQ(h.positions.size(), 2U);
    EXPECT_EQ(h.positions[0].size, Money::whole(5));
    EXPECT_EQ(h.positions[1].size, Money::whole(-2));
    block({position(kAlice, 7, 0)});
    h = STORE_OK(ledger().holdings_at_head(kAlice));
    ASSERT_EQ(h.positions.size(), 1U);
    EXPECT_EQ(h.positions[0].market, word(8));
}

TEST_F(Postings, TransfersCarryTheirCauseAndPlace) {
    block({withdrawal_request(kBob, usd(), 1), deposit(kAlice, usd(), 100)});
    const Transfer t = STORE_OK(ledger().journal(Seq{1}, 10)).at(0);
    EXPECT_EQ(t.seq, Seq{1});
    EXPECT_EQ(t.chain, chain_.id());
    EXPECT_EQ(t.block, chain_.head().number);
    EXPECT_EQ(t.block_hash, chain_.head().hash);
    EXPECT_EQ(t.txn_hash, chain_.blocks().back().events[1].txn_hash);
    EXPECT_EQ(t.log_index, 1U);
    EXPECT_EQ(t.time, chain_.head().time);
    EXPECT_EQ(std::get<MovementKind>(t.cause), MovementKind::kDeposit);
    EXPECT_EQ(t.account, kAlice);
    EXPECT_EQ(t.reverses, Seq{});
    EXPECT_FALSE(t.id.is_zero());
}

TEST_F(Postings, SelfDepositOfTheWholeRangeStopsTheChainInsteadOfWrapping) {
    Movement huge = deposit(kAlice, usd(), 0);
    huge.amount = Amount::max();
    const BlockData bad = chain_.next({huge});
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{bad}), Errc::kOverflow);
    // Nothing of it stays.
    block({deposit(kAlice, usd(), 1)});
    EXPECT_EQ(holding(kAlice).collateral, amount(1));
}

}  // namespace
}  // namespace margrave::store::test
