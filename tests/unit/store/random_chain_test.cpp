// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <algorithm>
#include <random>

namespace margrave::store::test {
namespace {

// Chains of one group share their stores and their accounts.
constexpr std::uint64_t kGroups = 20;
constexpr std::uint64_t kChains = 16;
constexpr std::size_t kAccounts = 4;

using Random = std::mt19937_64;

std::uint64_t pick(Random& random, std::uint64_t below) {
    return random() % below;
}

// Makes blocks that a vault could emit: releases of requests that are there, settlements of lots
// that were seized.
class Author {
  public:
    explicit Author(Random& random)
        : random_(random) {}

    std::vector<Body> events(const TestChain& chain) {
        read(chain);
        std::vector<Body> out;
        const std::uint64_t count = pick(random_, 5);
        std::uint64_t vault_events = chain.vault_state().count;
        for (std::uint64_t i = 0; i < count; ++i) {
            Body body = one(chain, vault_events);
            vault_events += std::holds_alternative<Movement>(body) ? 1U : 0U;
            out.push_back(std::move(body));
        }
        return out;
    }

  private:
    struct Open {
        AccountId account;
        Address token;
        Amount amount;
        Hash32 id;
        std::uint64_t number{0};
    };

    // What the chain up to its head left open.
    void read(const TestChain& chain) {
        requests_.clear();
        lots_.clear();
        seizures_ = 0;
        for (const BlockData& block : chain.blocks()) {
            for (const ChainEvent& event : block.events) {
                if (const auto* m = std::get_if<Movement>(&event.body)) {
                    read(chain, *m);
                }
            }
        }
    }

    void read(const TestChain& chain, const Movement& m) {
        const auto same = [&](const Open& open) {
            return open.id == m.counterparty;
        };
        if (m.kind == MovementKind::kWithdrawalRequest || m.kind == MovementKind::kBorrowRequest) {
            requests_.push_back(
                {m.account, m.token, m.amount, chain.release_of(m.sequence), m.sequence}
            );
        } else if (m.kind == MovementKind::kRelease) {
            std::erase_if(requests_, same);
        } else if (m.kind == MovementKind::kSeizure) {
            lots_.push_back({m.account, m.token, m.amount, m.counterparty, 0});
            ++seizures_;
        } else if (m.kind == MovementKind::kProceeds) {
            std::erase_if(lots_, same);
        }
    }

    Address token() { return pick(random_, 2) == 0 ? usd() : eth(); }

    MappedEvent outside(const AccountId& who, std::uint64_t units) {
        const auto kind = static_cast<MappedKind>(1 + pick(random_, 6));
        MappedEvent out = mapped(kind, who, token(), units, 1 + pick(random_, 2));
        std::get<MappedAmount>(out.what).is_read = out.source == word(2);
        return out;
    }

    Body one(const TestChain& chain, std::uint64_t& vault_events) {
        const AccountId who = account(1 + pick(random_, kAccounts));
        const std::uint64_t units = pick(random_, 50);
        switch (pick(random_, 16)) {
            case 0:
            case 1:
            case 2:
                return deposit(who, token(), units);
            case 3:
                return pick(random_, 4) == 0 ? withdrawal_request(kPoolItself, token(), units)
                                             : withdrawal_request(who, token(), units);
            case 4:
                return borrow_request(who, token(), units);
            case 5:
                return released(who, units);
            case 6:
                return settled(who, units);
            case 7: {
                const Hash32 id = seizure_id(who, 1 + seizures_, vault_events % 3);
                ++seizures_;
                return seizure(who, token(), units, id);
            }
            case 8:
                return repayment(who, token(), units);
            case 9:
                return pick(random_, 3) == 0 ? funding(token(), units) : exit(who, token(), units);
            case 10:
                return position(
                    who, pick(random_, 3), static_cast<std::int64_t>(pick(random_, 5)) - 2
                );
            case 11:
            case 12:
            case 13:
                return outside(who, units);
            case 14:
                return link(who, account(1 + pick(random_, kAccounts)), pick(random_, 4) != 0);
            default:
                break;
        }
        return pick(random_, 5) == 0 ? deposit(who, stranger(), units)
                                     : deposit(who, token(), chain.head().number.value);
    }

    Body released(const AccountId& who, std::uint64_t units) {
        if (requests_.empty()) {
            return deposit(who, token(), units);
        }
        const std::size_t at = pick(random_, requests_.size());
        const Open open = requests_[at];
        requests_.erase(requests_.begin() + static_cast<std::ptrdiff_t>(at));
        Movement m = release(open.account, open.token, 0, open.id);
        m.amount = open.amount;
        return m;
    }

    Body settled(const AccountId& who, std::uint64_t units) {
        if (lots_.empty()) {
            return repayment(who, token(), units);
        }
        const std::size_t at = pick(random_, lots_.size());
        const Open open = lots_[at];
        lots_.erase(lots_.begin() + static_cast<std::ptrdiff_t>(at));
        Movement m = proceeds(open.account, token(), units, open.id);
        if (m.token == open.token && pick(random_, 3) != 0) {
            m.amount = open.amount;
        }
        return m;
    }

    Random& random_;
    std::vector<Open> requests_;
    std::vector<Open> lots_;
    std::uint64_t seizures_{0};
};

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
    for (std::uint64_t a = 1; a <= kAccounts; ++a) {
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
    const Seq last = store_.ledger().last_seq();
    store_.reopen();
    EXPECT_EQ(store_.ledger().last_seq(), last);
    EXPECT_DONE(store_.ledger().verify());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomChains, ::testing::Range<std::uint64_t>(0, kGroups));

}  // namespace
}  // namespace margrave::store::test
