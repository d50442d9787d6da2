// SPDX-License-Identifier: Apache-2.0
#include "relayer/book.hpp"

#include "relayer/detail/on_cores.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>
#include <random>

namespace margrave::relayer::tests {
namespace {

/// Chains, assets and parameters of the world, without its store.
class BookTest : public WorldTest {
  protected:
    BookTest()
        : book(world.settings.parameters) {
        set_price("2000");
    }

    void set_price(std::string_view eth_price, PriceVerdict verdict = PriceVerdict::kUsable) {
        prices.clear();
        for (const margin::AssetParameters& asset : world.settings.parameters.assets) {
            for (const margin::AssetOnChain& form : asset.on) {
                PriceRow row;
                row.asset = form.asset;
                row.price = asset.name == "eth" ? usd(eth_price) : usd("1");
                row.verdict = asset.name == "eth" ? verdict : PriceVerdict::kUsable;
                prices.emplace(form.asset, row);
            }
        }
    }

    [[nodiscard]] AccountHoldings holdings(
        const AccountId& who, std::uint64_t ether, std::uint64_t owed
    ) const {
        AccountHoldings out{who, {}, {}};
        if (ether != 0) {
            out.holdings.push_back({eth_on(world.id(0)), eth(ether), {}, eth(ether), {}, {}, {}});
        }
        if (owed != 0) {
            out.holdings.push_back({usd_on(world.id(0)), {}, dollars(owed), {}, {}, {}, {}});
        }
        return out;
    }

    [[nodiscard]] Status status(const AccountId& who) const {
        const Book::Row* row = book.find(who);
        EXPECT_NE(row, nullptr);
        return row == nullptr ? Status::kUnattestable : row->state.status;
    }

    /// The tree that the same rows give when nothing is remembered.
    [[nodiscard]] Hash32 root_from_scratch(const Book& of) const {
        std::vector<Hash32> leaves;
        for (const auto& [who, row] : of.rows()) {
            const bool latched = of.latched().contains(who);
            const bool provisional = of.provisional().contains(who);
            const auto fresh = margin::evaluate(
                row.holdings, prices, world.settings.parameters, latched, provisional
            );
            leaves.push_back(attest::leaf_hash(fresh.state));
        }
        return attest::MerkleTree(std::move(leaves)).root();
    }

    margin::PriceTable prices;
    Book book;
};

TEST_F(BookTest, RootOfNothingIsZero) {
    EXPECT_FALSE(book.mark(prices));
    EXPECT_TRUE(book.root().is_zero());
    EXPECT_EQ(book.size(), 0U);
}

TEST_F(BookTest, EmptyHoldingsTakeTheAccountOut) {
    book.set(holdings(account(1), 1, 0));
    book.mark(prices);
    EXPECT_FALSE(book.root().is_zero());
    book.set(AccountHoldings{account(1), {}, {}});
    EXPECT_FALSE(book.mark(prices));
    EXPECT_TRUE(book.moved());
    EXPECT_TRUE(book.root().is_zero());
}

// Else every round would be as urgent as one in which somebody moved money.
TEST_F(BookTest, InterestAloneMovesNothingButStatuses) {
    book.set(holdings(account(1), 1, 1'000));
    book.mark(prices);
    book.attested();
    const Hash32 before = book.root();
    book.accrue(holdings(account(1), 1, 1'001));
    EXPECT_FALSE(book.moved());
    EXPECT_FALSE(book.look(prices));
    EXPECT_FALSE(book.mark(prices));
    EXPECT_NE(book.root(), before);
    EXPECT_EQ(book.root(), root_from_scratch(book));
    book.accrue(holdings(account(1), 1, 1'900));
    EXPECT_FALSE(book.moved());
    EXPECT_TRUE(book.look(prices));
    book.set(holdings(account(1), 1, 1'900));
    EXPECT_TRUE(book.moved());
}

TEST_F(BookTest, ProvisionalAccountsCarryTheFlag) {
    book.set(holdings(account(1), 1, 0));
    book.mark(prices);
    book.attested();
    book.set_provisional({account(1), account(9)});
    EXPECT_FALSE(book.mark(prices));
    EXPECT_NE(book.find(account(1))->state.flags & flags::kProvisionalDiffers, 0U);
    book.set_provisional({});
    book.mark(prices);
    EXPECT_EQ(book.find(account(1))->state.flags & flags::kProvisionalDiffers, 0U);
    EXPECT_EQ(book.root(), root_from_scratch(book));
}

TEST_F(BookTest, NewAccountIsAChangeOfStatusOnlyWhenItIsNotHealthy) {
    book.set(holdings(account(1), 1, 0));
    EXPECT_FALSE(book.mark(prices));
    book.set(holdings(account(2), 1, 1'900));
    EXPECT_TRUE(book.mark(prices));
}

TEST_F(BookTest, StatusChangeIsToldUntilItIsAttested) {
    book.set(holdings(account(1), 1, 1'000));
    book.mark(prices);
    book.attested();
    set_price("1100");
    EXPECT_TRUE(book.mark(prices));
    EXPECT_TRUE(book.mark(prices));
    book.attested();
    EXPECT_FALSE(book.mark(prices));
}

// Owes 1000: liquidatable below 1188.24 (maintenance), healed above 1287.50 (liquidation-end).
TEST_F(BookTest, LatchHoldsBetweenMaintenanceAndLiquidationEnd) {
    book.set(holdings(account(1), 1, 1'000));
    set_price("1250");
    book.mark(prices);
    EXPECT_EQ(status(account(1)), Status::kMarginCall);
    book.attested();
    set_price("1100");
    book.mark(prices);
    EXPECT_EQ(status(account(1)), Status::kLiquidatable);
    book.attested();
    EXPECT_TRUE(book.latched().contains(account(1)));
    set_price("1250");
    book.mark(prices);
    EXPECT_EQ(status(account(1)), Status::kLiquidatable);
    book.attested();
    set_price("1300");
    book.mark(prices);
    EXPECT_NE(status(account(1)), Status::kLiquidatable);
    book.attested();
    EXPECT_TRUE(book.latched().empty());
}

TEST_F(BookTest, TimeUnderWaterBeginsWithTheFirstRoundAndEndsWithTheLatch) {
    book.set(holdings(account(1), 1, 1'000));
    set_price("1100");
    book.mark(prices);
    book.attested(UnixSeconds{100});
    EXPECT_EQ(book.since().at(account(1)), UnixSeconds{100});
    set_price("1150");
    book.mark(prices);
    book.attested(UnixSeconds{160});
    EXPECT_EQ(book.since().at(account(1)), UnixSeconds{100});
    set_price("1300");
    book.mark(prices);
    book.attested(UnixSeconds{220});
    EXPECT_TRUE(book.since().empty());
    set_price("1100");
    book.mark(prices);
    EXPECT_EQ(book.since_after(UnixSeconds{280}).at(account(1)), UnixSeconds{280});
}

TEST_F(BookTest, LatchOpensOnlyByWhatWasAttested) {
    book.set(holdings(account(1), 1, 1'000));
    book.mark(prices);
    book.attested();
    set_price("1100");
    book.mark(prices);
    set_price("1250");
    book.mark(prices);
    EXPECT_EQ(status(account(1)), Status::kMarginCall);
}

TEST_F(BookTest, LatchSurvivesAPriceThatCannotBeUsed) {
    book.set(holdings(account(1), 1, 1'000));
    set_price("1100");
    book.mark(prices);
    book.attested();
    set_price("1100", PriceVerdict::kStale);
    book.mark(prices);
    EXPECT_EQ(status(account(1)), Status::kUnattestable);
    book.attested();
    EXPECT_TRUE(book.latched().contains(account(1)));
    set_price("1250");
    book.mark(prices);
    EXPECT_EQ(status(account(1)), Status::kLiquidatable);
}

TEST_F(BookTest, ConfidenceThatMovesAloneIsMarkedWhereItCounts) {
    auto& assets = world.settings.parameters.assets;
    std::ranges::find(assets, "eth", &margin::AssetParameters::name)->initial_price.confidence =
        usd("1");
    book.set(holdings(account(1), 2, 0));
    book.mark(prices);
    const Money sure = book.find(account(1))->state.initial;
    prices.at(eth_on(world.id(0))).confidence = usd("10");
    book.mark(prices);
    EXPECT_LT(book.find(account(1))->state.initial, sure);
    EXPECT_EQ(book.root(), root_from_scratch(book));
}

// What was told beyond the band is the most that such collateral may be worth, and stands in the
// evidence.
TEST_F(BookTest, ConfidenceThatMovesAloneIsMarkedWhereThePriceIsOutOfBounds) {
    set_price("2000", PriceVerdict::kOutOfBounds);
    book.set(holdings(account(1), 1, 0));
    book.mark(prices, {});
    const Hash32 before = book.root();
    for (auto& [asset, row] : prices) {
        row.confidence = usd("5000000");
    }
    book.mark(prices, {});
    EXPECT_NE(book.root(), before);
    EXPECT_EQ(book.root(), root_from_scratch(book));
}

TEST_F(BookTest, ProofOfEveryRowVerifiesUnderTheRoot) {
    for (std::uint64_t i = 1; i <= 7; ++i) {
        book.set(holdings(account(i), i, 0));
    }
    book.mark(prices);
    for (const auto& [who, row] : book.rows()) {
        EXPECT_TRUE(attest::verify_proof(book.root(), attest::leaf_hash(row.state), book.proof(who))
        );
    }
}

// Whatever is set, taken out, latched and marked: the tree is the one of the rows alone.
TEST(OnCores, EveryPieceIsDoneOnce) {
    for (const std::size_t count : {0U, 1U, 511U, 1'024U, 5'001U}) {
        std::vector<int> done(count);
        on_cores(count, [&done](std::size_t from, std::size_t to) {
            for (std::size_t i = from; i < to; ++i) {
                ++done[i];
            }
        });
        EXPECT_EQ(std::ranges::count(done, 1), static_cast<std::ptrdiff_t>(count));
    }
}

// More than one core takes, so that some are evaluated beside others.
TEST_F(BookTest, ManyAccountsGiveWhatEachGivesAlone) {
    constexpr std::uint64_t kMany = 1'200;
    for (std::uint64_t i = 1; i <= kMany; ++i) {
        book.set(holdings(account_of(low_address(Amount(i).to_word())), i % 7, 1'000 * (i % 11)));
    }
    book.mark(prices);
    EXPECT_EQ(book.root(), root_from_scratch(book));
    set_price("1000");
    EXPECT_TRUE(book.mark(prices));
    EXPECT_EQ(book.root(), root_from_scratch(book));
    EXPECT_GT(book.latched_after().size(), 50U);
    EXPECT_LT(book.latched_after().size(), book.size());
}

TEST_F(BookTest, RootEqualsATreeFromScratchAfterAnySequenceOfUpdates) {
    std::mt19937_64 random(7);
    for (int sequence = 0; sequence < 20; ++sequence) {
        Book one(world.settings.parameters);
        for (int change = 0; change < 60; ++change) {
            const AccountId who = account(random() % 12);
            switch (random() % 6) {
                case 0:
                    one.set(AccountHoldings{who, {}, {}});
                    break;
                case 1:
                case 2:
                    one.set(holdings(who, random() % 4, (random() % 5) * 900));
                    break;
                case 3:
                    one.set_provisional({who, account(random() % 12)});
                    break;
                case 4:
                    set_price(std::to_string(900 + random() % 1'500));
                    break;
                default:
                    one.attested();
                    break;
            }
            one.mark(prices);
            ASSERT_EQ(one.root(), root_from_scratch(one)) << sequence << " " << change;
            ASSERT_EQ(one.size(), one.rows().size());
        }
    }
}

// And the amounts of who is under water; says how many are.
std::size_t expect_same_statuses(const Book& looked, const Book& marked) {
    std::size_t seizable = 0;
    for (const auto& [account, row] : marked.rows()) {
        const AccountState& state = looked.find(account)->state;
        EXPECT_EQ(state.status, row.state.status);
        if (is_seizable(row.state.status)) {
            ++seizable;
            EXPECT_EQ(state.equity, row.state.equity);
            EXPECT_EQ(state.liquidation_end, row.state.liquidation_end);
            EXPECT_EQ(state.maintenance, row.state.maintenance);
        }
    }
    EXPECT_EQ(looked.latched_after(), marked.latched_after());
    return seizable;
}

// Two books that go through the same: one is marked at every step, the other only looked at and
// marked now and then, as rounds do. They never disagree on what a round or a liquidation asks.
TEST_F(BookTest, LookSaysWhatMarkWouldSay) {
    std::size_t seizable = 0;
    std::size_t changes = 0;
    for (std::uint32_t sequence = 0; sequence < 40; ++sequence) {
        std::mt19937 random(1'000 + sequence);
        Book marked(world.settings.parameters);
        Book looked(world.settings.parameters);
        const auto both = [&](const auto& act) {
            act(marked);
            act(looked);
        };
        margin::DeadChains dead;
        set_price("2000");
        for (int step = 0; step < 60; ++step) {
            const AccountId who = account(random() % 12);
            const AccountId other = account(random() % 12);
            const auto ether = random() % 4;
            const auto owed = (random() % 5) * 900;
            switch (random() % 10) {
                case 0:
                    both([&](Book& one) { one.set(AccountHoldings{who, {}, {}}); });
                    break;
                case 1:
                case 2:
                    both([&](Book& one) { one.set(holdings(who, ether, owed)); });
                    break;
                case 3:
                    both([&](Book& one) { one.set_provisional({who, other}); });
                    break;
                case 4:
                    both([&](Book& one) { one.set_latched({who, other}); });
                    break;
                case 5:
                    set_price("1500", PriceVerdict::kStale);
                    break;
                case 6:
                    dead.chains.clear();
                    if (random() % 3 == 0) {
                        dead.chains.insert(world.id(random() % 2));
                    }
                    break;
                case 7:
                    world.settings.parameters.assets.front().debt.initial =
                        add(usd("1.1"), Money::from_e18(static_cast<std::int64_t>(random() % 7)))
                            .value();
                    break;
                default:
                    set_price(std::to_string(900 + random() % 1'500));
                    break;
            }
            const bool changed = marked.mark(prices, dead);
            ASSERT_EQ(looked.look(prices, dead), changed) << sequence << " " << step;
            changes += changed ? 1U : 0U;
            seizable += expect_same_statuses(looked, marked);
            if (random() % 3 == 0) {
                ASSERT_EQ(looked.mark(prices, dead), changed);
                ASSERT_EQ(looked.root(), marked.root()) << sequence << " " << step;
                both([](Book& one) { one.attested(); });
            }
        }
    }
    EXPECT_GT(seizable, 100U);
    EXPECT_GT(changes, 100U);
}

}  // namespace
}  // namespace margrave::relayer::tests
