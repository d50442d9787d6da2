// SPDX-License-Identifier: Apache-2.0
#include "relayer/liquidations.hpp"

#include "attest/digest.hpp"
#include "relayer/detail/messages.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace margrave::relayer::tests {
namespace {

using store::LegState;

class LiquidationsTest : public WorldTest {
  protected:
    [[nodiscard]] std::vector<store::Leg> legs() const {
        return world.ledger->legs(account(1)).value();
    }

    /// Account 1 owes 1000 dollars against one coin whose price fell to 1100.
    void make_liquidatable() {
        give_loan(account(1), 1, 1'000);
        set_price("1100");
        ASSERT_OK(world.round());
        ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    }

    void set_price(std::string_view price) {
        world.eth_price = usd(price);
        world.eth_published = world.clock.now();
    }

    /// Delivers until the seizure is in a block; not final.
    void seize() {
        for (int i = 0; i < 4 && legs().front().state == LegState::kInstructed; ++i) {
            ASSERT_OK(world.deliver(0));
            world.chain(0).mine();
            ASSERT_OK(world.watch(0));
        }
        ASSERT_EQ(legs().front().state, LegState::kSeized);
    }

    [[nodiscard]] std::uint64_t locks() const { return world.ledger->lock_count(account(1)); }
};

TEST_F(LiquidationsTest, MarginCallPlansNothing) {
    give_loan(account(1), 1, 1'000);
    set_price("1250");
    ASSERT_OK(world.round());
    EXPECT_EQ(world.state_of(account(1))->status, Status::kMarginCall);
    EXPECT_TRUE(legs().empty());
}

TEST_F(LiquidationsTest, LiquidatableAccountGetsOneLock) {
    make_liquidatable();
    ASSERT_FALSE(legs().empty());
    const store::Leg leg = legs().front();
    EXPECT_EQ(leg.state, LegState::kInstructed);
    EXPECT_EQ(leg.lock, 1U);
    EXPECT_EQ(leg.asset, eth_on(world.id(0)));
    EXPECT_EQ(leg.debt_asset, usd_on(world.id(0)));
    EXPECT_EQ(world.open_intents("seizure").size(), legs().size());
    for (int i = 0; i < 3; ++i) {
        ASSERT_OK(world.round());
    }
    EXPECT_EQ(locks(), 1U);
}

TEST_F(LiquidationsTest, NoSecondLockWhileALegIsSeized) {
    make_liquidatable();
    seize();
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 1U);
    world.settle(0, {});
    EXPECT_EQ(legs().front().state, LegState::kSeized);
    EXPECT_EQ(locks(), 1U);
}

TEST_F(LiquidationsTest, SoldLotUnlocksOnlyOnceTheSaleIsFinal) {
    make_liquidatable();
    seize();
    const store::Leg leg = legs().front();
    set_price("900");
    world.chain(0).mine({proceeds(account(1), dollar_token(), leg.min_proceeds, leg.seizure_id)});
    world.step();
    EXPECT_EQ(legs().front().state, LegState::kSold);
    EXPECT_EQ(locks(), 1U);
    world.eth_price = usd("700");
    world.settle(0, {});
    EXPECT_EQ(world.state_of(account(1))->status, Status::kBankrupt);
    EXPECT_EQ(locks(), 2U);
}

TEST_F(LiquidationsTest, ExpiredLegAllowsANewLockByFinalTime) {
    make_liquidatable();
    world.clock.advance(2'000);
    set_price("1100");
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 1U);
    world.wait(2'000);
    set_price("1100");
    world.step();
    EXPECT_EQ(locks(), 2U);
    const auto all = legs();
    EXPECT_EQ(all.front().state, LegState::kExpired);
    EXPECT_EQ(all.back().state, LegState::kInstructed);
}

TEST_F(LiquidationsTest, ProvisionalDepositThatHealsDelaysTheSeizure) {
    give_loan(account(1), 1, 1'000);
    world.chain(1).mine({deposit(account(1), coin(), eth(1))});
    set_price("1100");
    world.step();
    EXPECT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    EXPECT_TRUE(legs().empty());
    world.chain(1).reorg(1);
    world.step();
    EXPECT_FALSE(legs().empty());
}

TEST_F(LiquidationsTest, UnfinalLossIsNotSeizedFor) {
    give_loan(account(1), 2, 1'000);
    Movement exit = deposit(account(1), coin(), eth(1));
    exit.kind = MovementKind::kExit;
    world.chain(0).mine({exit});
    set_price("1100");
    world.step();
    EXPECT_NE(world.state_of(account(1))->status, Status::kLiquidatable);
    EXPECT_TRUE(legs().empty());
}

TEST_F(LiquidationsTest, UnsoldLotIsAskedForOnceAndAgainOnlyAfterAnHour) {
    make_liquidatable();
    seize();
    EXPECT_TRUE(world.open_intents("close").empty());
    world.wait(2'000);
    set_price("1100");
    world.step();
    ASSERT_EQ(world.open_intents("close").size(), 1U);
    ASSERT_OK(world.round());
    EXPECT_EQ(world.open_intents("close").size(), 1U);
    store::Intent failed = world.open_intents("close").front();
    failed.state = store::IntentState::kFailed;
    ASSERT_OK(world.database->update_intent(failed, true));
    ASSERT_OK(world.round());
    EXPECT_TRUE(world.open_intents("close").empty());
    world.wait(3'600);
    set_price("1100");
    world.step();
    EXPECT_EQ(world.open_intents("close").size(), 1U);
}

TEST_F(LiquidationsTest, LotThatCameBackIsLiquidatedAgain) {
    make_liquidatable();
    seize();
    world.wait(2'000);
    set_price("1100");
    world.step();
    ASSERT_OK(world.deliver(0));
    world.settle(0, {});
    EXPECT_EQ(legs().front().state, LegState::kReturned);
    set_price("1100");
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 2U);
}

TEST_F(LiquidationsTest, LegsRecordedBeforeSomeTroubleReplaceALaterPlan) {
    make_liquidatable();
    const store::Leg first = legs().front();
    const auto lock_of = [&](std::uint64_t number, const Amount& amount) {
        SeizureDraft draft;
        draft.seizure.id = seizure_id(account(1), 2, number);
        draft.seizure.chain = world.id(0).key();
        draft.seizure.vault = world.settings.chains[0].vault;
        draft.seizure.account = account(1);
        draft.seizure.amount = amount;
        draft.leg = first;
        draft.leg.seizure_id = draft.seizure.id;
        draft.leg.lock = 2;
        draft.leg.number = number;
        draft.leg.amount = amount;
        return draft;
    };
    const SeizureDraft recorded = lock_of(1, eth(1));
    store::GuardEntry entry;
    entry.signer = world.signer->address();
    entry.domain = attest::domain_separator(world.settings.genesis.network());
    entry.subject = recorded.seizure.id;
    entry.epoch = 1;
    entry.digest = attest::digest_of(world.settings.genesis.network(), recorded.seizure);
    entry.message = to_bytes(seizure_message(recorded).dump());
    ASSERT_OK(world.guard->record(entry));
    ASSERT_OK(world.scribe->seize({lock_of(1, eth(5)), lock_of(2, eth(6))}, world.clock.now()));
    const auto all = legs();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all.back().lock, 2U);
    EXPECT_EQ(all.back().amount, eth(1));
}

margin::AssetParameters& eth_parameters(World& world) {
    auto& assets = world.settings.parameters.assets;
    return *std::ranges::find(assets, "eth", &margin::AssetParameters::name);
}

TEST_F(LiquidationsTest, WhatTheMarketTakesBoundsTheLegsOfAWindow) {
    eth_parameters(world).market_capacity = usd("210");
    eth_parameters(world).market_window_s = 3'600;
    make_liquidatable();
    ASSERT_EQ(legs().size(), 1U);
    // 210 dollars of coins at 1100.
    EXPECT_EQ(legs().front().amount, units_for(usd("210"), 18, usd("1100"), Round::kDown).value());
    seize();
    const store::Leg leg = legs().front();
    world.settle(0, {proceeds(account(1), dollar_token(), leg.min_proceeds, leg.seizure_id)});
    EXPECT_EQ(legs().front().state, LegState::kSold);
    set_price("1100");
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 1U) << "the window is full";
    world.wait(3'600);
    set_price("1100");
    world.step();
    EXPECT_EQ(locks(), 2U);
}

TEST_F(LiquidationsTest, TheRiskiestAccountComesFirst) {
    eth_parameters(world).market_capacity = usd("210");
    eth_parameters(world).market_window_s = 3'600;
    give_loan(account(1), 1, 1'000);
    give_loan(account(2), 1, 1'050);
    set_price("1100");
    ASSERT_OK(world.round());
    ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    EXPECT_TRUE(legs().empty());
    EXPECT_EQ(world.ledger->lock_count(account(2)), 1U);
}

TEST_F(LiquidationsTest, TheBonusGrowsWithTheTimeUnderWaterAndAcrossAStart) {
    world.settings.parameters.liquidation.bonus_ramp_s = 10'000;
    make_liquidatable();
    const store::Leg first = legs().front();
    // No bonus yet: a dollar for a dollar.
    const Money sold = value_of(first.amount, 18, usd("1100"), Round::kUp).value();
    const Money paid = value_of(first.min_proceeds, 6, usd("1"), Round::kUp).value();
    EXPECT_LE(sold, paid);
    EXPECT_GE(sold, mul(paid, usd("0.9999"), Round::kDown).value());
    world.stop();
    ASSERT_OK(world.start());
    world.wait(4'000);
    set_price("1100");
    world.step();
    ASSERT_EQ(locks(), 2U);
    const store::Leg later = legs().back();
    const Money more = value_of(later.amount, 18, usd("1100"), Round::kUp).value();
    const Money floor = value_of(later.min_proceeds, 6, usd("1"), Round::kUp).value();
    // 4000 of 10000 seconds of 5 %.
    EXPECT_GE(more, mul(floor, usd("1.0199"), Round::kDown).value());
    EXPECT_LE(more, mul(floor, usd("1.0202"), Round::kUp).value());
}

// A lot that came back may be sold after all until that is final.
TEST_F(LiquidationsTest, ALotThatCameBackLeavesTheMarketOnceThatIsFinal) {
    eth_parameters(world).market_capacity = usd("210");
    eth_parameters(world).market_window_s = 3'600;
    give_loan(account(2), 1, 1'000);
    give_loan(account(1), 1, 1'050);
    const auto all_locks = [this] {
        return locks() + world.ledger->lock_count(account(2));
    };
    set_price("1100");
    ASSERT_OK(world.round());
    ASSERT_EQ(locks(), 1U);
    seize();
    world.wait(2'000);
    set_price("1100");
    world.step();
    ASSERT_OK(world.deliver(0));
    world.chain(0).mine();
    ASSERT_OK(world.watch(0));
    ASSERT_EQ(legs().front().state, LegState::kReturned);
    set_price("1100");
    ASSERT_OK(world.round());
    EXPECT_EQ(all_locks(), 1U);
    world.settle(0, {});
    set_price("1100");
    ASSERT_OK(world.round());
    EXPECT_EQ(all_locks(), 2U);
}

/// An account with 30 coins that owes 10,000 dollars takes out 3; the price falls to 390.
class WithdrawnTest : public LiquidationsTest {
  public:
    void TestBody() override {}

    void run(bool is_final) {
        world.settings.parameters.liquidation.close_factor = usd("1");
        give_loan(account(1), 30, 10'000);
        world.settle(0, {withdrawal_request(account(1), coin(), eth(3))});
        ASSERT_OK(world.deliver(0));
        world.chain(0).mine();
        ASSERT_OK(world.watch(0));
        ASSERT_EQ(world.requests(0).back().state, store::RequestState::kExecuted);
        if (is_final) {
            world.settle(0, {});
        }
        ASSERT_EQ(world.ledger->holds_of(account(1)).value().size(), is_final ? 0U : 1U);
        set_price("390");
        ASSERT_OK(world.round());
        ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    }

    [[nodiscard]] std::vector<Amount> seized() const {
        std::vector<Amount> out;
        for (const store::Leg& leg : legs()) {
            out.push_back(leg.amount);
        }
        return out;
    }
};

TEST(WithdrawnWhileLiquidatable, CountsOnceBeforeAndAfterItIsFinal) {
    WithdrawnTest before;
    before.run(/*is_final=*/false);
    WithdrawnTest after;
    after.run(/*is_final=*/true);
    ASSERT_EQ(after.seized().size(), 1U);
    EXPECT_EQ(before.seized(), after.seized());
}

// Both states may be seized, and the one in which less is owed is what is sold for.
TEST_F(LiquidationsTest, ARepaymentThatIsNotFinalIsNotSoldFor) {
    world.settings.parameters.liquidation.close_factor = usd("1");
    give_loan(account(1), 30, 10'000);
    world.chain(0).mine({repayment(account(1), dollar_token(), dollars(100))});
    set_price("380");
    world.step();
    ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    ASSERT_EQ(legs().size(), 1U);
    // 0.02 * 9,900 is the target; (198 - (0.8 * 11,400 - 1.03 * 9,900)) / (1.03 - 0.8 * 1.05)
    const Money sold = value_of(legs()[0].amount, 18, usd("380"), Round::kDown).value();
    const Money owed = value_of(legs()[0].min_proceeds, 6, usd("1"), Round::kUp).value();
    EXPECT_EQ(owed.to_decimal(0), "6710");
    EXPECT_EQ(sold.to_decimal(0), "7046");
}

// What is promised on a dead chain may have been taken there or not.
TEST_F(LiquidationsTest, ALoanPromisedOnADeadChainHolds) {
    world.settle(1, {funding(dollar_token(), dollars(500))});
    give_loan(account(1), 1, 900);
    world.settle(1, {borrow_request(account(1), dollar_token(), dollars(500))});
    ASSERT_EQ(world.requests(1).back().state, store::RequestState::kGranted);
    ASSERT_EQ(world.ledger->holds_of(account(1)).value().size(), 1U);
    store::ChainStop stop;
    stop.chain = world.id(1);
    stop.at = world.clock.now();
    stop.reason = "halted";
    stop.final = world.ledger->chain_state(world.id(1)).final;
    world.board->halt(world.scribe->halt(stop).value());
    set_price("1050");
    world.step();
    EXPECT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    EXPECT_TRUE(legs().empty());
}

// A pass that takes too long looks at no further account, and the next one goes on with those that
// are left: the riskiest, of four dollars and below what a leg must be, can never be planned and
// does not come first again.
TEST_F(LiquidationsTest, APassEndsAndThoseThatCannotBePlannedKeepNobodyWaiting) {
    give_loan(account(1), 1, 1'000);
    world.settle(
        0,
        {funding(dollar_token(), dollars(5)),
         deposit(account(2), coin(), Amount{4'000'000'000'000'000}),
         borrow_request(account(2), dollar_token(), dollars(5))}
    );
    ASSERT_OK(world.deliver(0));
    ASSERT_OK(world.deliver(1));
    world.settle(0, {});
    ASSERT_EQ(world.requests(0).back().state, store::RequestState::kExecuted);
    set_price("1100");
    world.clock.set_step(kSecondsAPass + 1);
    ASSERT_OK(world.round());
    ASSERT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    ASSERT_EQ(world.state_of(account(2))->status, Status::kBankrupt);
    EXPECT_EQ(locks(), 0U);
    ASSERT_OK(world.round());
    EXPECT_EQ(locks(), 1U);
    EXPECT_EQ(world.ledger->lock_count(account(2)), 0U);
}

using Accounts = std::vector<AccountId>;

TEST(Sweep, LooksFirstWhereNoPassHasLookedAndThenAtSomeBarrenOnes) {
    const Accounts all{account(1), account(2), account(3), account(4)};
    LiquidationSweep sweep;
    EXPECT_EQ(sweep.next(all), all);
    sweep.looked_at(account(1), /*is_barren=*/true);
    sweep.looked_at(account(2), /*is_barren=*/false);
    EXPECT_EQ(sweep.next(all), (Accounts{account(3), account(4), account(1), account(2)}));
    sweep.looked_at(account(3), /*is_barren=*/false);
    // New ones that keep coming do not keep the others from being looked at again.
    EXPECT_EQ(sweep.next(all), (Accounts{account(4), account(1), account(2), account(3)}));
    sweep.looked_at(account(4), /*is_barren=*/false);
    EXPECT_EQ(sweep.next(all), (Accounts{account(2), account(3), account(4), account(1)}));
    sweep.looked_at(account(1), /*is_barren=*/false);
    EXPECT_EQ(sweep.next(all), (Accounts{account(2), account(3), account(4), account(1)}));
    // One that is well meanwhile is forgotten.
    sweep.looked_at(account(2), /*is_barren=*/true);
    EXPECT_EQ(sweep.next({account(3)}), (Accounts{account(3)}));
    EXPECT_TRUE(sweep.next({}).empty());
    EXPECT_EQ(sweep.next(all), all);
}

TEST(Sweep, TakesSomeOfTheBarrenInTurn) {
    LiquidationSweep sweep;
    Accounts barren;
    for (std::size_t i = 0; i < kBarrenAPass + 2; ++i) {
        barren.push_back(account(i));
        sweep.looked_at(barren.back(), /*is_barren=*/true);
    }
    std::set<AccountId> seen;
    for (int pass = 0; pass < 2; ++pass) {
        const Accounts next = sweep.next(barren);
        EXPECT_LE(next.size(), kBarrenAPass);
        for (const AccountId& who : next) {
            seen.insert(who);
            sweep.looked_at(who, /*is_barren=*/true);
        }
    }
    EXPECT_EQ(seen.size(), barren.size());
}

TEST_F(LiquidationsTest, ProofsOfManyRoundsShareAFewPlaces) {
    make_liquidatable();
    const RoundNum round = world.scribe->last().round;
    EXPECT_TRUE(world.database->document(proof_document(account(1), round)).has_value());
    EXPECT_EQ(
        proof_document(account(1), round), proof_document(account(1), RoundNum{round.value + 16})
    );
    EXPECT_NE(
        proof_document(account(1), round), proof_document(account(1), RoundNum{round.value + 1})
    );
}

}  // namespace
}  // namespace margrave::relayer::tests
