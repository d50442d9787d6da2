// SPDX-License-Identifier: Apache-2.0
#include "relayer/early.hpp"

#include "attest/leaf.hpp"
#include "relayer/audit.hpp"
#include "relayer/restore.hpp"
#include "store/backup.hpp"
#include "tests/unit/relayer/early_fixture.hpp"

#include <algorithm>
#include <filesystem>
#include <random>

namespace margrave::relayer::tests {
namespace {

using store::RequestState;

// One ether counts 1500 dollars, and one dollar owed 1.05.
TEST_F(EarlyTest, DepositCountsOnceItsBlocksLieAboveIt) {
    deposit_early(account(1), 5, 1);
    EXPECT_EQ(borrow(account(1), 1'000).state, RequestState::kRefused);
    world.chain(0).mine();
    EXPECT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
}

TEST_F(EarlyTest, EachTierLetsNoMorePass) {
    deposit_early(account(1), 50, 5);
    EXPECT_EQ(borrow(account(1), 1'429).state, RequestState::kRefused);
    world.chain(0).mine();
    EXPECT_EQ(borrow(account(1), 1'429).state, RequestState::kGranted);
    EXPECT_EQ(borrow(account(1), 1'429).state, RequestState::kRefused);
    world.chain(0).finalize();
    catch_up();
    EXPECT_EQ(borrow(account(1), 1'429).state, RequestState::kGranted);
    EXPECT_TRUE(stands().empty());
}

TEST_F(EarlyTest, OnlyWhatIsNeededIsTakenAndTheLeafSaysIt) {
    deposit_early(account(1), 5, 2);
    ASSERT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
    // 1000 * 1.05 / 1500 ether.
    EXPECT_EQ(stood_on(), Amount{700'000'000'000'000'000});
    for (std::uint64_t i = 0; i < world.database->leaf_count(); ++i) {
        const auto leaf =
            attest::read_leaf(world.settings.genesis.network(), world.database->leaf(i).value());
        ASSERT_OK(leaf);
        if (leaf.value().kind != "release") {
            continue;
        }
        const auto& members = std::get<Canonical::Object>(leaf.value().body.value());
        const auto uses = attest::parse_early(members.find("early")->second);
        ASSERT_OK(uses);
        ASSERT_EQ(uses.value().size(), 1U);
        const attest::EarlyUse& use = uses.value().front();
        EXPECT_EQ(use.amount, stood_on());
        EXPECT_EQ(use.ahead, eth(5));
        EXPECT_EQ(use.head_hash, world.chain(0).chain().head().hash);
        EXPECT_EQ(use.head.value, use.depth_block.value + 2);
        return;
    }
    FAIL() << "no release in the log";
}

TEST_F(EarlyTest, AllAccountsTogetherStopAtTheTotal) {
    for (std::uint64_t i = 1; i <= 4; ++i) {
        deposit_early(account(i), 5, 0);
    }
    world.chain(0).mine_empty(6);
    EXPECT_EQ(borrow(account(1), 2'800).state, RequestState::kGranted);
    EXPECT_EQ(borrow(account(2), 1'400).state, RequestState::kGranted);
    // 0.06 ether are left.
    EXPECT_EQ(borrow(account(3), 100).state, RequestState::kRefused);
    EXPECT_EQ(borrow(account(3), 80).state, RequestState::kGranted);
    EXPECT_EQ(borrow(account(4), 20).state, RequestState::kRefused);
    EXPECT_LE(stood_on(), eth(3));
    world.chain(0).finalize();
    catch_up();
    EXPECT_TRUE(stands().empty());
    deposit_early(account(5), 5, 2);
    EXPECT_EQ(borrow(account(5), 1'000).state, RequestState::kGranted);
}

TEST_F(EarlyTest, WhatIsNotFinalCannotItselfLeave) {
    world.settle(0, {deposit(account(2), coin(), eth(9))});
    world.chain(0).mine({withdrawal_request(account(1), coin(), eth(1))});
    world.chain(0).finalize();
    deposit_early(account(1), 5, 6);
    catch_up();
    const auto request = world.requests(0).front();
    EXPECT_EQ(request.state, RequestState::kRefused);
    EXPECT_NE(request.reason.find("only 0 are free"), std::string::npos) << request.reason;
}

TEST_F(EarlyTest, FinalCollateralLeavesWhenEarlyCollateralCoversTheLoan) {
    world.settle(1, {deposit(account(1), coin(), eth(1))});
    ASSERT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
    EXPECT_TRUE(stands().empty());
    world.chain(1).mine({withdrawal_request(account(1), coin(), eth(1))});
    world.chain(1).finalize();
    deposit_early(account(1), 5, 2);
    catch_up();
    EXPECT_EQ(world.request(1, world.last_event(1)).state, RequestState::kGranted);
    EXPECT_EQ(stood_on(), Amount{700'000'000'000'000'000});
}

TEST_F(EarlyTest, AttestedEquityIsFinalOnlyAndNothingIsSeized) {
    deposit_early(account(1), 5, 2);
    ASSERT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
    EXPECT_EQ(world.state_of(account(1)), nullptr);
    EXPECT_OK(world.deliver(1));
    EXPECT_OK(world.deliver(1));
    world.chain(1).mine();
    world.chain(1).finalize();
    catch_up();
    ASSERT_NE(world.state_of(account(1)), nullptr);
    EXPECT_TRUE(world.state_of(account(1))->equity.is_negative());
    EXPECT_EQ(leaves_of("seizure"), 0U);
    world.chain(0).finalize();
    catch_up();
    EXPECT_EQ(world.state_of(account(1))->status, Status::kHealthy);
    EXPECT_EQ(leaves_of("seizure"), 0U);
}

TEST_F(EarlyTest, AReorgTakesItAwayAndTheRoomStaysTaken) {
    deposit_early(account(1), 5, 6);
    ASSERT_EQ(borrow(account(1), 2'800).state, RequestState::kGranted);
    world.chain(0).reorg(7);
    deposit_early(account(2), 5, 10);
    EXPECT_EQ(borrow(account(1), 10).state, RequestState::kRefused);
    EXPECT_EQ(borrow(account(2), 1'600).state, RequestState::kRefused);
    EXPECT_EQ(borrow(account(2), 1'400).state, RequestState::kGranted);
    world.chain(0).finalize();
    catch_up();
    // The second is final. The first never came, and what was lost is not lost again.
    ASSERT_EQ(stands().size(), 1U);
    EXPECT_EQ(stands().front().account, account(1));
    deposit_early(account(3), 5, 6);
    EXPECT_EQ(borrow(account(3), 1'600).state, RequestState::kRefused);
    world.settle(0, {deposit(account(1), coin(), eth(2))});
    EXPECT_TRUE(stands().empty());
}

TEST_F(EarlyTest, StandsOutliveTheProcess) {
    deposit_early(account(1), 5, 2);
    ASSERT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
    const auto before = stands();
    ASSERT_EQ(before.size(), 1U);
    ASSERT_OK(world.start());
    EXPECT_EQ(stands(), before);
    catch_up();
    EXPECT_EQ(stands(), before);
    EXPECT_EQ(borrow(account(1), 500).state, RequestState::kRefused);
}

TEST_F(EarlyTest, StandsThatAreNotReadableAreNotForgotten) {
    store::Decision broken;
    broken.documents.emplace_back(kEarlyStands, to_bytes("[{}]"));
    ASSERT_OK(world.database->commit(broken));
    EXPECT_ERRC(read_stands(*world.database), Errc::kCorrupt);
}

// A backup that is older than the release: the published log has what it stands on.
TEST_F(EarlyTest, ARestoreBringsBackWhatReleasesStandOn) {
    namespace fs = std::filesystem;
    const fs::path data = world.settings.data_dir;
    const Hash32 network = world.settings.genesis.network();
    deposit_early(account(1), 5, 2);
    ASSERT_OK(store::copy_store(*world.database, data / "copy"));
    ASSERT_EQ(borrow(account(1), 1'000).state, RequestState::kGranted);
    const auto before = stands();
    ASSERT_EQ(before.size(), 1U);
    world.stop();
    fs::rename(data / "store", data / "store.old");
    ASSERT_OK(store::open_copy({data / "copy", network}));
    fs::rename(data / "copy", data / "store");
    const auto published = read_published(data / "log", network);
    ASSERT_OK(published);
    const auto database = store::Database::open({data / "store", network});
    ASSERT_OK(database);
    const store::Ledger ledger(*database.value());
    EXPECT_TRUE(read_stands(*database.value()).value().empty());
    ASSERT_OK(complete_from_log(*database.value(), ledger, network, published.value().log.entries));
    EXPECT_EQ(read_stands(*database.value()).value(), before);
}

TEST_F(EarlyTest, AnAuditorHoldsALeafAgainstTheParameters) {
    const margin::Parameters& parameters = world.settings.parameters;
    attest::EarlyUse use;
    use.asset = eth_on(world.id(0));
    use.amount = eth(2);
    use.others = eth(1);
    use.depth_block = BlockNum{100};
    use.head = BlockNum{106};
    EXPECT_EQ(early_fault(parameters, use), "");
    use.others = add(eth(1), Amount{1}).value();
    EXPECT_NE(early_fault(parameters, use).find("more than the total of"), std::string::npos);
    use.head = BlockNum{102};
    EXPECT_NE(early_fault(parameters, use).find("the tier allows 1000"), std::string::npos);
    use.head = BlockNum{103};
    EXPECT_NE(early_fault(parameters, use).find("a tier of 3 blocks"), std::string::npos);
    use.asset = eth_on(world.id(1));
    EXPECT_NE(early_fault(parameters, use).find("has no tiers"), std::string::npos);
}

TEST_F(EarlyTest, AnAuditorAllowsWhatWasBeforeAChangeUntilARoundAtItsTime) {
    const margin::Parameters& before = world.settings.parameters;
    margin::Parameters next = before;
    next.change = margin::Change{.previous = Hash32{}, .from = UnixSeconds{500}, .ramp_s = 0};
    next.assets.front().on.front().early.clear();
    attest::EarlyUse use;
    use.asset = eth_on(world.id(0));
    use.amount = eth(2);
    use.depth_block = BlockNum{100};
    use.head = BlockNum{106};
    ParametersRead read;
    read.named(before);
    read.named(next);
    read.attested(UnixSeconds{499});
    EXPECT_EQ(read.fault(use), "");
    read.attested(UnixSeconds{500});
    EXPECT_NE(read.fault(use).find("has no tiers"), std::string::npos);
    next.change.reset();
    read.named(before);
    read.named(next);
    EXPECT_NE(read.fault(use), "");
}

// What is lent beyond final collateral, as ether that would have been needed: 1.05 of each dollar
// at 1500 an ether are 7e8 wei for a millionth of a dollar.
Amount missing_of(const Amount& dollars_lent, const Amount& ether) {
    if (dollars_lent.is_zero()) {
        return {};
    }
    const Amount wei = Amount::parse(dollars_lent.to_string() + "00000000").value();
    Amount needed;
    for (int i = 0; i < 7; ++i) {
        needed = add(needed, wei).value();
    }
    return sub_or_zero(needed, ether);
}

class EarlyHistories : public EarlyTest {
  protected:
    void step(std::mt19937& random) {
        const AccountId who = account(1 + random() % kOwners);
        const auto what = random() % 10;
        auto& chain = world.chain(0);
        const std::uint64_t above = chain.chain().head().number.value - chain.node().final.value;
        if (what < 4) {
            chain.mine({deposit(who, coin(), eth(1 + random() % 3))});
            chain.mine_empty(random() % 8);
        } else if (what == 4 && random() % 2 == 0) {
            chain.finalize();
        } else if (what == 5) {
            chain.reorg(std::min<std::uint64_t>(above, 1 + random() % 12));
        } else {
            const std::uint64_t asked = 500 + random() % 2'000;
            loans += borrow(who, asked).state == RequestState::kGranted ? 1U : 0U;
        }
        EXPECT_OK(world.deliver(1));
        world.chain(1).mine();
        world.chain(1).finalize();
        catch_up();
    }

    /// With everything gone that is not final.
    Amount missing() {
        auto& chain = world.chain(0);
        chain.reorg(chain.chain().head().number.value - chain.node().final.value);
        chain.finalize();
        catch_up();
        Amount sum;
        for (std::uint64_t i = 1; i <= kOwners; ++i) {
            Amount owed;
            const auto holds = world.ledger->holds_of(account(i)).value();
            for (const store::Hold& hold : holds) {
                owed = add(owed, hold.amount).value();
            }
            Amount ether;
            const auto held = world.ledger->holdings_at_head(account(i)).value();
            for (const Holding& row : held.holdings) {
                ether = row.asset == eth_on(world.id(0)) ? row.collateral : ether;
                owed = add(owed, row.debt).value();
            }
            sum = add(sum, missing_of(owed, ether)).value();
        }
        return sum;
    }

    static constexpr std::uint64_t kOwners = 6;
    std::size_t loans{0};
};

// Whatever deposits, forks, loans and finality do, and again after each loss.
TEST_F(EarlyHistories, NoneLosesMoreThanTheTotal) {
    std::mt19937 random(4);
    Amount most;
    for (int history = 0; history < 2; ++history) {
        for (int i = 0; i < 40; ++i) {
            step(random);
            ASSERT_LE(stood_on(), eth(3)) << "history " << history << ", step " << i;
        }
        most = std::max(most, missing());
        ASSERT_LE(most, eth(3)) << "history " << history;
    }
    EXPECT_GT(loans, 10U);
    EXPECT_GT(most, eth(1));
}

}  // namespace
}  // namespace margrave::relayer::tests
