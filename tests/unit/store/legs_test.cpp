// SPDX-License-Identifier: Apache-2.0
#include "store/detail/schema.hpp"
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);
const AccountId kBob = account(2);

class Legs : public LedgerTest {
  protected:
    Legs() {
        block(
            {deposit(kAlice, usd(), 1000), deposit(kAlice, eth(), 1000), deposit(kBob, usd(), 1000)}
        );
    }

    Leg leg(std::uint64_t lock, std::uint64_t number, std::uint64_t units) {
        Leg out;
        out.account = kAlice;
        out.lock = lock;
        out.number = number;
        out.seizure_id = seizure_id(kAlice, lock, number);
        out.asset = chain_.asset(usd());
        out.amount = amount(units);
        out.debt_asset = chain_.asset(eth());
        out.min_proceeds = amount(units / 2);
        out.sale = address(0x5A1E);
        out.deadline = UnixSeconds{3'000'000};
        return out;
    }

    Result<void> instruct(std::vector<Leg> legs) {
        Decision decision;
        decision.legs = std::move(legs);
        return db().commit(decision);
    }

    Result<void> expire(const Hash32& seizure) {
        Decision decision;
        decision.expired_legs.push_back(seizure);
        return db().commit(decision);
    }

    std::vector<Leg> legs(const AccountId& who = kAlice) { return STORE_OK(ledger().legs(who)); }

    std::vector<Leg> open() { return STORE_OK(ledger().open_legs()); }

    const Hash32 kFirst = seizure_id(kAlice, 1, 0);
};

TEST_F(Legs, AnInstructedLegIsOpenAsItWasInstructed) {
    EXPECT_DONE(instruct({leg(1, 0, 60), leg(1, 1, 30)}));
    ASSERT_EQ(legs().size(), 2U);
    ASSERT_EQ(open().size(), 2U);
    const Leg first = open()[0];
    EXPECT_EQ(first.seizure_id, kFirst);
    EXPECT_EQ(first.state, LegState::kInstructed);
    EXPECT_EQ(first.amount, amount(60));
    EXPECT_EQ(first.debt_asset, chain_.asset(eth()));
    EXPECT_EQ(first.min_proceeds, amount(30));
    EXPECT_EQ(first.sale, address(0x5A1E));
    EXPECT_EQ(first.deadline, UnixSeconds{3'000'000});
    EXPECT_EQ(ledger().lock_count(kAlice), 1U);
    EXPECT_EQ(ledger().lock_count(kBob), 0U);
}

TEST_F(Legs, TheChainMovesALegFromInstructedToSeizedToSold) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    block({seizure(kAlice, usd(), 60, kFirst)});
    EXPECT_EQ(legs().at(0).state, LegState::kSeized);
    EXPECT_EQ(legs().at(0).block, chain_.head().number);
    EXPECT_EQ(legs().at(0).deadline, UnixSeconds{3'000'000});
    block({proceeds(kAlice, eth(), 33, kFirst)});
    EXPECT_EQ(legs().at(0).state, LegState::kSold);
    EXPECT_EQ(legs().at(0).block, chain_.head().number);
    EXPECT_EQ(legs().at(0).proceeds, amount(33));
}

TEST_F(Legs, ASoldLegIsOpenUntilItsSaleIsFinal) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    block({seizure(kAlice, usd(), 60, kFirst)});
    block({proceeds(kAlice, eth(), 33, kFirst)});
    ASSERT_EQ(open().size(), 1U);
    EXPECT_EQ(open()[0].state, LegState::kSold);
    store_.finalize(chain_, chain_.blocks()[chain_.blocks().size() - 2].block);
    EXPECT_EQ(open().size(), 1U);
    store_.finalize(chain_, chain_.head());
    EXPECT_TRUE(open().empty());
    EXPECT_EQ(legs().size(), 1U);
}

TEST_F(Legs, AReturnedLegClosesToo) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    block({seizure(kAlice, usd(), 60, kFirst)});
    block({proceeds(kAlice, usd(), 60, kFirst)});
    EXPECT_EQ(legs().at(0).state, LegState::kReturned);
    store_.finalize(chain_, chain_.head());
    EXPECT_TRUE(open().empty());
}

TEST_F(Legs, AnExpiredLegIsClosed) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    EXPECT_DONE(expire(kFirst));
    EXPECT_TRUE(open().empty());
    EXPECT_EQ(legs().at(0).state, LegState::kExpired);
    EXPECT_EQ(ledger().lock_count(kAlice), 1U);
    EXPECT_DONE(expire(kFirst));
    EXPECT_CODE(expire(word(4)), Errc::kNotFound);
    store_.reopen();
    EXPECT_EQ(legs().at(0).state, LegState::kExpired);
}

TEST_F(Legs, WhatTheChainExecutedGoesBeforeOurExpiry) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    block({seizure(kAlice, usd(), 60, kFirst)});
    EXPECT_DONE(expire(kFirst));
    ASSERT_EQ(open().size(), 1U);
    EXPECT_EQ(open()[0].state, LegState::kSeized);
}

TEST_F(Legs, ASeizureAfterExpiryOpensTheLegAgain) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    EXPECT_DONE(expire(kFirst));
    block({seizure(kAlice, usd(), 60, kFirst)});
    ASSERT_EQ(open().size(), 1U);
    EXPECT_EQ(open()[0].state, LegState::kSeized);
}

TEST_F(Legs, AnOrphanedSeizureIsInstructedAgain) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    const BlockRef before = chain_.head();
    block({seizure(kAlice, usd(), 60, kFirst)});
    EXPECT_EQ(holding(kAlice).in_sale, amount(60));
    store_.revert(chain_, before);
    EXPECT_EQ(legs().at(0).state, LegState::kInstructed);
    EXPECT_EQ(legs().at(0).block, BlockNum{});
    EXPECT_EQ(open().size(), 1U);
    EXPECT_EQ(holding(kAlice).in_sale, amount(0));
    EXPECT_EQ(holding(kAlice).collateral, amount(1000));
}

TEST_F(Legs, AnOrphanedSaleIsSeizedAgain) {
    block({seizure(kAlice, usd(), 60, kFirst)});
    const BlockRef before = chain_.head();
    block({proceeds(kAlice, eth(), 33, kFirst)});
    store_.revert(chain_, before);
    EXPECT_EQ(legs().at(0).state, LegState::kSeized);
    EXPECT_EQ(holding(kAlice).in_sale, amount(60));
    EXPECT_EQ(holding(kAlice, eth()).collateral, amount(1000));
}

TEST_F(Legs, ASeizureNobodyHereInstructedComesFromTheChainAlone) {
    const Hash32 id = seizure_id(kAlice, 7, 2);
    block({seizure(kAlice, usd(), 60, id)});
    const Leg leg = legs().at(0);
    EXPECT_EQ(leg.seizure_id, id);
    EXPECT_EQ(leg.account, kAlice);
    EXPECT_EQ(leg.asset, chain_.asset(usd()));
    EXPECT_EQ(leg.amount, amount(60));
    EXPECT_TRUE(leg.debt_asset.text().empty());
    EXPECT_EQ(leg.state, LegState::kSeized);
    EXPECT_EQ(open().size(), 1U);
}

TEST_F(Legs, LockAndNumberOfAForeignSeizureAreFoundFromItsId) {
    block({seizure(kAlice, usd(), 60, seizure_id(kAlice, 7, 2))});
    EXPECT_EQ(legs().at(0).lock, 7U);
    EXPECT_EQ(legs().at(0).number, 2U);
    EXPECT_EQ(ledger().lock_count(kAlice), 7U);
    block({seizure(kAlice, usd(), 60, seizure_id(kAlice, 200, 0))});
    EXPECT_EQ(ledger().lock_count(kAlice), 200U);
}

TEST_F(Legs, AnIdThatNoNumbersGiveIsStillALeg) {
    block({seizure(kAlice, usd(), 60, word(12345))});
    EXPECT_EQ(legs().at(0).lock, 0U);
    EXPECT_EQ(ledger().lock_count(kAlice), 0U);
    block({proceeds(kAlice, eth(), 5, word(12345))});
    EXPECT_EQ(legs().at(0).state, LegState::kSold);
}

TEST_F(Legs, AReplayWithoutOurDecisionsWritesTheSameRows) {
    EXPECT_DONE(instruct({leg(3, 1, 60)}));
    block({seizure(kAlice, usd(), 60, seizure_id(kAlice, 3, 1))});
    EXPECT_DONE(ledger().verify());
    // So far away that a replay cannot find it; we still know what we instructed.
    EXPECT_DONE(instruct({leg(3000, 0, 60)}));
    block({seizure(kAlice, usd(), 60, seizure_id(kAlice, 3000, 0))});
    EXPECT_EQ(legs().back().lock, 3000U);
    EXPECT_EQ(ledger().lock_count(kAlice), 3000U);
    EXPECT_DONE(ledger().verify());
}

TEST_F(Legs, AnOrphanedForeignSeizureLeavesNoLeg) {
    const BlockRef before = chain_.head();
    block({seizure(kAlice, usd(), 60, kFirst)});
    store_.revert(chain_, before);
    EXPECT_TRUE(legs().empty());
    EXPECT_TRUE(open().empty());
}

TEST_F(Legs, InstructedLegsAreFoundByTheirDeadlineWhateverBecameOfThem) {
    Leg later = leg(2, 0, 30);
    later.deadline = UnixSeconds{3'000'600};
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    EXPECT_DONE(expire(kFirst));
    EXPECT_DONE(instruct({later}));
    const auto due = [this](std::uint64_t after) {
        return STORE_OK(ledger().legs_due_after(UnixSeconds{after}));
    };
    ASSERT_EQ(due(2'999'999).size(), 2U);
    EXPECT_EQ(due(2'999'999)[0].state, LegState::kExpired);
    ASSERT_EQ(due(3'000'000).size(), 1U);
    EXPECT_EQ(due(3'000'000)[0].seizure_id, later.seizure_id);
    EXPECT_TRUE(due(3'000'600).empty());
}

TEST_F(Legs, AStoreFromBeforeThereWasAnIndexByDeadlineGetsIt) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    EXPECT_DONE(expire(kFirst));
    const auto due = [this] {
        return STORE_OK(ledger().legs_due_after(UnixSeconds{0}));
    };
    const std::vector<Leg> before = due();
    ASSERT_EQ(before.size(), 1U);
    const Database::Impl& impl = db().impl();
    rocksdb::WriteBatch older;
    const UnixSeconds deadline = before[0].deadline;
    impl.remove(older, detail::Cf::kDecision, detail::decision_key::leg_due(deadline, kFirst));
    EXPECT_DONE(impl.write(older, false));
    EXPECT_TRUE(due().empty());
    rocksdb::WriteBatch brought;
    EXPECT_EQ(STORE_OK(detail::name_attested_states(impl, {}, brought)), std::nullopt);
    EXPECT_DONE(impl.write(brought, false));
    ASSERT_EQ(due().size(), 1U);
    EXPECT_EQ(due()[0].seizure_id, kFirst);
}

TEST_F(Legs, ALockIsOpenedOnce) {
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    EXPECT_DONE(instruct({leg(1, 0, 60)}));
    EXPECT_CODE(instruct({leg(1, 0, 61)}), Errc::kConflict);
    EXPECT_CODE(instruct({leg(1, 1, 60)}), Errc::kConflict);
    EXPECT_DONE(instruct({leg(2, 0, 60), leg(2, 1, 5)}));
    EXPECT_EQ(ledger().lock_count(kAlice), 2U);
    EXPECT_EQ(legs().size(), 3U);
}

TEST_F(Legs, LegsOfOneDecisionShareAccountAndLockAndHaveTheirOwnIds) {
    EXPECT_CODE(instruct({leg(1, 0, 60), leg(2, 0, 60)}), Errc::kInvalid);
    Leg wrong = leg(1, 0, 60);
    wrong.seizure_id = word(5);
    EXPECT_CODE(instruct({wrong}), Errc::kInvalid);
    EXPECT_CODE(instruct({leg(1, 0, 60), leg(1, 0, 60)}), Errc::kInvalid);
    Leg zero = leg(0, 0, 60);
    EXPECT_CODE(instruct({zero}), Errc::kInvalid);
    EXPECT_TRUE(legs().empty());
}

TEST_F(Legs, LegsOnTwoChainsAreOneLock) {
    TestChain other(2);
    define(other);
    store_.apply(other, other.blocks().front());
    store_.apply(other, other.push({deposit(kAlice, usd(), 500)}));
    Leg second = leg(1, 1, 40);
    second.asset = other.asset(usd());
    EXPECT_DONE(instruct({leg(1, 0, 60), second}));
    store_.apply(other, other.push({seizure(kAlice, usd(), 40, second.seizure_id)}));
    ASSERT_EQ(open().size(), 2U);
    EXPECT_EQ(open()[0].state, LegState::kInstructed);
    EXPECT_EQ(open()[1].state, LegState::kSeized);
    store_.apply(other, other.push({proceeds(kAlice, eth(), 4, second.seizure_id)}));
    store_.finalize(other, other.head());
    ASSERT_EQ(open().size(), 1U);
    EXPECT_EQ(open()[0].chain(), chain_.id());
}

TEST_F(Legs, InSaleIsPartOfTheCollateralAsOfEachBlock) {
    const BlockNum before = chain_.head().number;
    block({seizure(kAlice, usd(), 60, kFirst)});
    const BlockNum seized = chain_.head().number;
    block({proceeds(kAlice, eth(), 33, kFirst)});
    const auto at = [&](BlockNum number) {
        return STORE_OK(ledger().holdings(kAlice, {{chain_.id(), number}}));
    };
    const auto find = [&](const AccountHoldings& h, const Address& token) {
        for (const Holding& row : h.holdings) {
            if (row.asset == chain_.asset(token)) {
                return row;
            }
        }
        return Holding{};
    };
    EXPECT_EQ(find(at(before), usd()).in_sale, amount(0));
    EXPECT_EQ(find(at(before), usd()).collateral, amount(1000));
    EXPECT_EQ(find(at(seized), usd()).in_sale, amount(60));
    EXPECT_EQ(find(at(seized), usd()).collateral, amount(1000));
    EXPECT_EQ(find(at(chain_.head().number), usd()).collateral, amount(940));
    EXPECT_EQ(find(at(chain_.head().number), eth()).collateral, amount(1033));
}

}  // namespace
}  // namespace margrave::store::test
