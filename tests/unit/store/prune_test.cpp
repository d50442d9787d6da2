// SPDX-License-Identifier: Apache-2.0
#include "store/prune.hpp"

#include "store/detail/database_impl.hpp"
#include "store/detail/records.hpp"
#include "tests/unit/store/author.hpp"

#include <map>
#include <set>

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);

class Prune : public LedgerTest {
  protected:
    void name(BlockNum number) {
        Decision d;
        d.leaves.push_back(to_bytes("names " + std::to_string(number.value)));
        d.names.emplace_back(chain_.id(), number);
        EXPECT_DONE(db().commit(d));
    }

    // Small steps, with a start of the daemon between some of them.
    std::uint64_t prune(BlockNum from, std::size_t rows = 7, bool restarts = false) {
        std::uint64_t removed = 0;
        for (int i = 0; i < 10'000; ++i) {
            const PruneStep step = STORE_OK(prune_step(db(), {{chain_.id(), from}}, rows));
            removed += step.removed;
            EXPECT_LE(step.seen, rows);
            if (step.done) {
                return removed;
            }
            if (restarts && i % 10 == 3) {
                store_.reopen();
            }
        }
        ADD_FAILURE() << "pruning does not end";
        return removed;
    }

    [[nodiscard]] AsOf at(BlockNum number) const { return {{chain_.id(), number}}; }
};

TEST_F(Prune, KeepsWhatIsNamedAndEverythingFromTheBlockOn) {
    std::vector<BlockNum> numbers;
    for (int i = 0; i < 10; ++i) {
        block({deposit(kAlice, usd(), 1)});
        numbers.push_back(chain_.head().number);
    }
    store_.finalize(chain_, chain_.head());
    name(numbers[2]);
    EXPECT_GT(prune(numbers[6]), 0U);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto read = ledger().holdings(kAlice, at(numbers[i]));
        if (i == 2 || i >= 6) {
            EXPECT_EQ(STORE_OK(read).holdings.at(0).collateral, amount(i + 1));
        } else {
            EXPECT_CODE(read, Errc::kNotFound);
            EXPECT_CODE(ledger().all_holdings(at(numbers[i])), Errc::kNotFound);
            EXPECT_CODE(ledger().trial_balance(LedgerId{1}, numbers[i]), Errc::kNotFound);
            EXPECT_CODE(ledger().requests(chain_.id(), numbers[i], false), Errc::kNotFound);
        }
    }
    EXPECT_DONE(ledger().verify());
    EXPECT_EQ(prune(numbers[6]), 0U);
}

TEST_F(Prune, TheUndoOfFinalBlocksGoesAndTheRestCanStillBeTakenBack) {
    block({deposit(kAlice, usd(), 5)});
    const BlockNum first = chain_.head().number;
    block({deposit(kAlice, usd(), 6)});
    const BlockRef final = chain_.head();
    store_.finalize(chain_, final);
    block({deposit(kAlice, usd(), 7)});
    prune(final.number);
    const auto undo_of = [this](BlockNum number) {
        const Bytes key = detail::chain_key::block(detail::tag_of(chain_.id()), number);
        const auto row = db().impl().read<detail::BlockRow>(detail::Cf::kChain, key);
        return STORE_OK(row)->subjects.size();
    };
    EXPECT_EQ(undo_of(first), 0U);
    EXPECT_GT(undo_of(chain_.head().number), 0U);
    store_.revert(chain_, final);
    chain_.pop();
    EXPECT_EQ(holding(kAlice).collateral, amount(11));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Prune, APassThatIsUnderWayRefusesWhatItMayHaveRemoved) {
    std::vector<BlockNum> numbers;
    for (int i = 0; i < 6; ++i) {
        block({deposit(kAlice, usd(), 1), deposit(account(2), usd(), 1)});
        numbers.push_back(chain_.head().number);
    }
    store_.finalize(chain_, chain_.head());
    const KeepFrom wanted{{chain_.id(), numbers[4]}};
    for (int i = 0; i < 12; ++i) {
        const PruneStep step = STORE_OK(prune_step(db(), wanted, 3));
        ASSERT_FALSE(step.done);
        EXPECT_CODE(ledger().holdings(kAlice, at(numbers[1])), Errc::kNotFound);
        // Wherever a pass stands, the store is what its events give.
        if (i % 4 == 3) {
            const auto verified = ledger().verify();
            ASSERT_TRUE(verified) << verified.error().detail;
        }
    }
}

TEST_F(Prune, KeepFromCountsTheChainsOwnTimeAndStopsAtTheFinalBlock) {
    for (int i = 0; i < 9; ++i) {
        block({});
    }
    EXPECT_TRUE(STORE_OK(keep_from(db(), std::chrono::seconds(1))).empty());
    const BlockRef final = chain_.blocks()[8].block;
    store_.finalize(chain_, final);
    // Blocks are 12 seconds apart.
    const auto of = [&](std::uint64_t seconds) {
        return STORE_OK(keep_from(db(), std::chrono::seconds(seconds))).at(chain_.id());
    };
    EXPECT_EQ(of(0), final.number);
    EXPECT_EQ(of(24), chain_.blocks()[6].block.number);
    EXPECT_EQ(of(25), chain_.blocks()[5].block.number);
    EXPECT_EQ(STORE_OK(keep_from(db(), std::chrono::seconds(1'000'000'000))).size(), 0U);
}

// For any chain of events, named states and order of passes: what is kept reads as before, what is
// not is refused, and the store is still what its events give.
class RandomPrune : public Prune, public ::testing::WithParamInterface<std::uint64_t> {};

TEST_P(RandomPrune, RetainedStatesReadTheSameBeforeAndAfter) {
    Random random(GetParam());
    Author author(random);
    std::map<BlockNum, std::string> pictures;
    std::set<BlockNum> named;
    BlockNum floor;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 10; ++i) {
            store_.apply(chain_, chain_.push(author.events(chain_)));
            const BlockNum number = chain_.head().number;
            pictures[number] = picture(ledger(), {chain_.id()}, at(number));
            if (pick(random, 3) == 0) {
                name(number);
                named.insert(number);
            }
        }
        store_.finalize(chain_, chain_.head());
        const auto& blocks = chain_.blocks();
        floor = blocks[blocks.size() - 1 - pick(random, 8)].block.number;
        prune(floor, 1 + pick(random, 40), /*restarts=*/true);
        for (const auto& [number, before] : pictures) {
            if (number >= floor || named.contains(number)) {
                EXPECT_EQ(picture(ledger(), {chain_.id()}, at(number)), before);
            } else {
                EXPECT_CODE(ledger().all_holdings(at(number)), Errc::kNotFound);
            }
        }
        const auto verified = ledger().verify();
        ASSERT_TRUE(verified) << verified.error().detail;
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPrune, ::testing::Range<std::uint64_t>(0, 3));

}  // namespace
}  // namespace margrave::store::test
