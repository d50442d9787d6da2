// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/author.hpp"

#include <algorithm>
#include <random>
#include <set>

namespace margrave::store::test {
namespace {

constexpr std::uint64_t kGroups = 12;
constexpr std::uint64_t kChains = 12;

// Grows one chain by runs of final blocks, by single blocks, and back by reorgs.
class Mixed {
  public:
    Mixed(Store& store, std::uint64_t chain_id, std::uint64_t seed)
        : store_(store),
          random_(seed),
          author_(random_),
          chain_(chain_id) {
        store_.apply(chain_, chain_.blocks().front());
        store_.finalize(chain_, chain_.head());
        kept_.insert(chain_.head().number);
    }

    void live(int steps) {
        for (int i = 0; i < steps; ++i) {
            switch (pick(random_, 5)) {
                case 0:
                case 1:
                    run();
                    break;
                case 2:
                    back();
                    break;
                case 3:
                    finalize();
                    break;
                default:
                    grow();
                    break;
            }
        }
    }

    [[nodiscard]] const TestChain& chain() const { return chain_; }

    [[nodiscard]] bool keeps(BlockNum number) const { return kept_.contains(number); }

    [[nodiscard]] std::uint64_t runs() const { return runs_; }

  private:
    void run() {
        BlocksFinal run;
        const std::size_t count = 1 + pick(random_, 8);
        const bool on_final = final_ + 1 == chain_.blocks().size();
        for (std::size_t i = 0; i < count; ++i) {
            BlockData block = chain_.push(author_.events(chain_), pick(random_, 3));
            const bool may_be_left_out = block.events.empty() && i + 1 < count;
            if (may_be_left_out && (on_final || i > 0) && pick(random_, 2) == 0) {
                continue;
            }
            if ((on_final || !run.blocks.empty()) && i + 1 < count && pick(random_, 3) == 0) {
                block.block.parent = Hash32{};
            }
            run.blocks.push_back(std::move(block));
        }
        // What comes next, another run or anything else, meets one that may still be on its way.
        if (pick(random_, 2) == 0) {
            STORE_OK(store_.ledger().fill_ahead(chain_.id(), run));
        } else {
            STORE_OK(store_.ledger().apply(chain_.id(), run));
        }
        final_ = chain_.blocks().size() - 1;
        kept_.insert(chain_.head().number);
        ++runs_;
    }

    void back() {
        const std::size_t free_blocks = chain_.blocks().size() - 1 - final_;
        const std::size_t depth = std::min<std::size_t>(pick(random_, 4), free_blocks);
        for (std::size_t i = 0; i < depth; ++i) {
            kept_.erase(chain_.head().number);
            chain_.pop();
        }
        store_.revert(chain_, chain_.head());
    }

    void finalize() {
        final_ += pick(random_, chain_.blocks().size() - final_);
        store_.finalize(chain_, chain_.blocks()[final_].block);
    }

    void grow() {
        store_.apply(chain_, chain_.push(author_.events(chain_), pick(random_, 3)));
        kept_.insert(chain_.head().number);
    }

    Store& store_;
    Random random_;
    Author author_;
    TestChain chain_;
    std::size_t final_{0};
    std::set<BlockNum> kept_;
    std::uint64_t runs_{0};
};

// What an entry says, without its place in a journal that reorgs made longer.
using Entry = std::tuple<Hash32, Hash32, BlockNum, AccountCode, AccountCode, Amount, AccountId>;

std::vector<Entry> standing_entries(Ledger& ledger) {
    std::vector<Transfer> all = STORE_OK(ledger.journal(Seq{1}, 1'000'000));
    std::set<Seq> reversed;
    for (const Transfer& t : all) {
        reversed.insert(t.reverses);
    }
    std::vector<Entry> out;
    for (const Transfer& t : all) {
        if (t.reverses == Seq{} && !reversed.contains(t.seq)) {
            out.emplace_back(t.id, t.txn_hash, t.block, t.debit, t.credit, t.amount, t.account);
        }
    }
    return out;
}

class RandomRuns : public ::testing::TestWithParam<std::uint64_t> {
  protected:
    RandomRuns()
        : store_(dir_.path()),
          clean_(clean_dir_.path()) {}

    void define(Store& store, const TestChain& chain) {
        STORE_OK(store.ledger().define(chain.asset(usd()), 6));
        STORE_OK(store.ledger().define(chain.asset(eth()), 18));
    }

    // By what was applied block by block.
    bool bears_interest(const TestChain& chain, BlockNum at) {
        const auto ledgers = clean_.ledger().ledgers();
        return std::ranges::any_of(ledgers, [&](const LedgerDefinition& ledger) {
            return ledger.asset.chain() == chain.id() &&
                   STORE_OK(clean_.ledger().interest(ledger.id, at)).has_value();
        });
    }

    TempDir dir_;
    TempDir clean_dir_;
    Store store_;
    Store clean_;
};

TEST_P(RandomRuns, EqualBlockByBlockAtEveryKeptState) {
    std::uint64_t runs = 0;
    std::uint64_t refused = 0;
    for (std::uint64_t i = 1; i <= kChains; ++i) {
        const std::uint64_t seed = 1000 + GetParam() * kChains + i;
        SCOPED_TRACE("chain and seed " + std::to_string(seed));
        define(store_, TestChain(seed));
        define(clean_, TestChain(seed));
        Mixed mixed(store_, seed, seed);
        mixed.live(14);
        runs += mixed.runs();
        const TestChain& chain = mixed.chain();
        for (const BlockData& block : chain.blocks()) {
            clean_.apply(chain, block);
            const AsOf as_of{{chain.id(), block.block.number}};
            if (store_.ledger().check_kept(chain.id(), block.block.number)) {
                // An empty block that was left out has the state of the one before it, but no row
                // and no time up to which loans bear interest.
                if (!mixed.keeps(block.block.number) && bears_interest(chain, block.block.number)) {
                    EXPECT_CODE(store_.ledger().all_holdings(as_of), Errc::kNotFound);
                    continue;
                }
                if (!mixed.keeps(block.block.number)) {
                    EXPECT_EQ(
                        STORE_OK(store_.ledger().all_holdings(as_of)),
                        STORE_OK(clean_.ledger().all_holdings(as_of))
                    );
                    continue;
                }
                ASSERT_EQ(
                    picture(store_.ledger(), {chain.id()}, as_of),
                    picture(clean_.ledger(), {chain.id()}, as_of)
                );
            } else {
                EXPECT_FALSE(mixed.keeps(block.block.number));
                EXPECT_CODE(store_.ledger().all_holdings(as_of), Errc::kNotFound);
                ++refused;
            }
        }
    }
    EXPECT_GT(runs, kChains);
    EXPECT_GT(refused, kChains);
    EXPECT_EQ(standing_entries(store_.ledger()), standing_entries(clean_.ledger()));
    for (std::uint64_t a = 1; a <= kAuthorAccounts; ++a) {
        const auto ours = STORE_OK(store_.ledger().legs(account(a)));
        const auto theirs = STORE_OK(clean_.ledger().legs(account(a)));
        ASSERT_EQ(ours.size(), theirs.size());
        for (std::size_t i = 0; i < ours.size(); ++i) {
            EXPECT_EQ(ours[i].seizure_id, theirs[i].seizure_id);
            EXPECT_EQ(ours[i].state, theirs[i].state);
            EXPECT_EQ(ours[i].lock, theirs[i].lock);
            EXPECT_EQ(ours[i].number, theirs[i].number);
        }
    }
    EXPECT_DONE(store_.ledger().verify());
    EXPECT_DONE(clean_.ledger().verify());
    store_.reopen();
    EXPECT_DONE(store_.ledger().verify());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRuns, ::testing::Range<std::uint64_t>(0, kGroups));

}  // namespace
}  // namespace margrave::store::test
