// SPDX-License-Identifier: Apache-2.0
#include "store/fold.hpp"
#include "tests/unit/store/author.hpp"

#include <algorithm>
#include <random>

namespace margrave::store::test {
namespace {

// Chains of one group share their stores and their accounts.
constexpr std::uint64_t kGroups = 20;
constexpr std::uint64_t kChains = 16;

// Grows, forks, un-forks and finalises one chain, applying every step.
TestChain live(Store& store, std::uint64_t chain_id, std::uint64_t seed) {
    Random random(seed);
    Author author(random);
    TestChain chain(chain_id);
    store.apply(chain, chain.blocks().front());
    std::vector<BlockData> dropped;
    std::size_t final_index = 0;
    for (int step = 0; step < 12; ++step) {
        const std::size_t depth = pick(random, 4);
        const std::size_t free_blocks = chain.blocks().size() - 1 - final_index;
        if (pick(random, 3) == 0 && depth > 0 && free_blocks >= depth) {
            dropped.clear();
            for (std::size_t i = 0; i < depth; ++i) {
                dropped.push_back(chain.blocks().back());
                chain.pop();
            }
            store.revert(chain, chain.head());
        } else if (!dropped.empty() && dropped.back().block.parent == chain.head().hash && pick(random, 2) == 0) {
            // A -> B -> A: the very blocks that were orphaned come back.
            store.apply(chain, chain.push(dropped.back()));
            dropped.pop_back();
        } else {
            store.apply(chain, chain.push(author.events(chain), pick(random, 3)));
        }
        if (pick(random, 6) == 0) {
            final_index += pick(random, chain.blocks().size() - final_index);
            store.finalize(chain, chain.blocks()[final_index].block);
        }
    }
    return chain;
}

class RandomChains : public ::testing::TestWithParam<std::uint64_t> {
  protected:
    RandomChains()
        : store_(dir_.path()),
          clean_(clean_dir_.path()) {}

    void define(Store& store, const TestChain& chain) {
        STORE_OK(store.ledger().define(chain.asset(usd()), 6));
        STORE_OK(store.ledger().define(chain.asset(eth()), 18));
    }

    // What both watches that tell prices told last.
    static std::vector<std::optional<ToldPrice>> told(
        Store& store, const TestChain& chain, const BlockRef& at
    ) {
        std::vector<std::optional<ToldPrice>> out;
        for (const std::uint64_t source : {1U, 2U}) {
            const auto last = store.ledger().told_price(chain.id(), word(source), watched(), at);
            out.push_back(STORE_OK(last));
        }
        return out;
    }

    // The picture of the replay after each block is the picture of the other as of that block.
    void compare(const TestChain& chain) {
        for (const BlockData& block : chain.blocks()) {
            clean_.apply(chain, block);
            const AsOf as_of{{chain.id(), block.block.number}};
            const AsOf later{{chain.id(), BlockNum{1'000'000}}};
            ASSERT_EQ(
                picture(store_.ledger(), {chain.id()}, as_of),
                picture(clean_.ledger(), {chain.id()}, as_of)
            );
            ASSERT_EQ(
                STORE_OK(clean_.ledger().all_holdings(as_of)),
                STORE_OK(clean_.ledger().all_holdings(later))
            );
            ASSERT_EQ(told(store_, chain, block.block), told(clean_, chain, block.block));
        }
    }

    TempDir dir_;
    TempDir clean_dir_;
    Store store_;
    Store clean_;
};

TEST_P(RandomChains, ReorgedChainsEqualTheirCleanReplayAtEveryBlock) {
    std::uint64_t reorgs = 0;
    for (std::uint64_t i = 1; i <= kChains; ++i) {
        const std::uint64_t seed = GetParam() * kChains + i;
        SCOPED_TRACE("chain and seed " + std::to_string(seed));
        define(store_, TestChain(seed));
        define(clean_, TestChain(seed));
        const TestChain chain = live(store_, seed, seed);
        reorgs += store_.ledger().chain_state(chain.id()).reorgs;
        compare(chain);
    }
    for (std::uint64_t a = 1; a <= kAuthorAccounts; ++a) {
        const auto ours = STORE_OK(store_.ledger().legs(account(a)));
        const auto theirs = STORE_OK(clean_.ledger().legs(account(a)));
        ASSERT_EQ(ours.size(), theirs.size());
        for (std::size_t i = 0; i < ours.size(); ++i) {
            EXPECT_EQ(ours[i].seizure_id, theirs[i].seizure_id);
            EXPECT_EQ(ours[i].state, theirs[i].state);
        }
    }
    EXPECT_GT(reorgs, kChains / 2);
    EXPECT_DONE(store_.ledger().verify());
    EXPECT_DONE(clean_.ledger().verify());
    // The rolling fold knows every account that a rule may post to.
    constexpr std::size_t kEntries = 1'000'000;
    EXPECT_EQ(STORE_OK(fold_step(store_.db(), kEntries)).cycles, 1U);
    const Seq last = store_.ledger().last_seq();
    store_.reopen();
    EXPECT_EQ(store_.ledger().last_seq(), last);
    EXPECT_DONE(store_.ledger().verify());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomChains, ::testing::Range<std::uint64_t>(0, kGroups));

}  // namespace
}  // namespace margrave::store::test
