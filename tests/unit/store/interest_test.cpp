// SPDX-License-Identifier: Apache-2.0
#include "store/detail/database_impl.hpp"
#include "store/detail/keys.hpp"
#include "store/detail/records.hpp"
#include "store/prune.hpp"
#include "tests/unit/store/fixture.hpp"

#include <boost/multiprecision/cpp_int.hpp>

#include <map>
#include <random>

namespace margrave::store::test {
namespace {

constexpr std::uint64_t kYear = kSecondsOfYear;
const AccountId kAlice = account(1);
const AccountId kBob = account(2);

class Interest : public LedgerTest {
  protected:
    void SetUp() override { block({funding(usd(), 1'000'000)}); }

    void lend(const AccountId& who, std::uint64_t units, std::uint64_t seconds = 0) {
        block_after(seconds, {borrow_request(who, usd(), units)});
        block_after(0, {release(who, usd(), units, chain_.release_of(last_event()))});
    }

    [[nodiscard]] LedgerId dollars() {
        for (const LedgerDefinition& row : ledger().ledgers()) {
            if (row.asset == chain_.asset(usd())) {
                return row.id;
            }
        }
        std::abort();
    }

    Amount debt(const AccountId& who) { return holding(who).debt; }

    // What it owes at the head with interest up to a state alone.
    Amount debt(const AccountId& who, const AsOf& grown_to) {
        return STORE_OK(ledger().holdings_at_head(who, grown_to)).holdings.at(0).debt;
    }

    std::set<AccountId> accruing(BlockNum as_of) {
        return STORE_OK(ledger().accruing(chain_.id(), as_of));
    }

    Amount unbooked() {
        return STORE_OK(ledger().unbooked_interest(dollars(), chain_.head().number));
    }

    // Rows of one form: what was written of an amount is read as a mark.
    void plant_mark(const AccountId& who, const Amount& index) {
        const Bytes subject = detail::subject::mark(dollars(), who);
        const Bytes key = detail::subject::versioned(subject, chain_.head().number);
        rocksdb::WriteBatch batch;
        db().impl().put_row(batch, detail::Cf::kVersion, key, detail::AmountRow{index});
        STORE_OK(db().impl().write(batch, /*sync=*/true));
        store_.reopen();
    }

    void expect_corrupt(const AccountId& who, std::string_view words) {
        const auto read = ledger().holdings_at_head(who);
        ASSERT_FALSE(read.has_value());
        EXPECT_EQ(read.error().code, Errc::kCorrupt);
        EXPECT_NE(read.error().detail.find(words), std::string::npos) << read.error().detail;
        EXPECT_CODE(ledger().all_holdings(head()), Errc::kCorrupt);
        const BlockData next = chain_.next({repayment(who, usd(), 1)});
        EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{next}), Errc::kCorrupt);
    }

    // What the journal has of the last block.
    std::vector<std::pair<AccountCode, AccountCode>> last_postings() {
        std::vector<std::pair<AccountCode, AccountCode>> out;
        for (const Transfer& t : STORE_OK(ledger().journal(Seq{1}, 10'000))) {
            if (t.block == chain_.head().number) {
                out.emplace_back(t.debit, t.credit);
            }
        }
        return out;
    }

    void expect_same_after_reopen() {
        const std::string before = picture(ledger(), {chain_.id()}, head());
        store_.reopen();
        EXPECT_EQ(picture(ledger(), {chain_.id()}, head()), before);
        EXPECT_DONE(ledger().verify());
    }
};

TEST_F(Interest, ALoanGrowsWithTheTimeOfTheBlockThatIsReadWithoutAPosting) {
    block({rate(usd(), 5)});
    lend(kAlice, 1'000);
    const BlockNum lent = chain_.head().number;
    EXPECT_EQ(debt(kAlice), amount(1'000));
    const ApplySummary summary = block_after(kYear, {});
    EXPECT_TRUE(summary.touched.empty());
    EXPECT_EQ(debt(kAlice), amount(1'050));
    EXPECT_EQ(total(AccountCode::kLoan), amount(1'000));
    EXPECT_EQ(total(AccountCode::kInterest), amount(0));
    // As of the block in which it was lent there was none; as of the head it is in every reading.
    const AsOf then{{chain_.id(), lent}};
    EXPECT_EQ(STORE_OK(ledger().holdings(kAlice, then)).holdings.at(0).debt, amount(1'000));
    EXPECT_EQ(STORE_OK(ledger().all_holdings(head())).at(0).holdings.at(0).debt, amount(1'050));
    EXPECT_EQ(accruing(chain_.head().number), std::set<AccountId>{kAlice});
    expect_same_after_reopen();
}

TEST_F(Interest, ARepaymentPaysInterestAndLoanAndLendersHaveIt) {
    block({rate(usd(), 5)});
    lend(kAlice, 1'000);
    block_after(kYear, {repayment(kAlice, usd(), 550)});
    EXPECT_EQ(
        last_postings(),
        (std::vector<std::pair<AccountCode, AccountCode>>{
            {AccountCode::kVault, AccountCode::kCollateral},
            {AccountCode::kLoan, AccountCode::kInterest},
            {AccountCode::kCollateral, AccountCode::kLoan}})
    );
    EXPECT_EQ(debt(kAlice), amount(500));
    EXPECT_EQ(total(AccountCode::kInterest), amount(50));
    block_after(kYear, {repayment(kAlice, usd(), 525)});
    // The index went from 1.05 to 1.1: 24 for the second year.
    EXPECT_EQ(debt(kAlice), amount(0));
    EXPECT_EQ(holding(kAlice).collateral, amount(1));
    EXPECT_EQ(total(AccountCode::kLoan), amount(0));
    EXPECT_EQ(total(AccountCode::kInterest), amount(74));
    // Lenders take what they put in, then what it earned.
    block({withdrawal_request(kPoolItself, usd(), 1'000'050)});
    block({release(kPoolItself, usd(), 1'000'050, chain_.release_of(last_event()))});
    EXPECT_EQ(total(AccountCode::kPool), amount(0));
    EXPECT_EQ(total(AccountCode::kInterest), amount(24));
    EXPECT_EQ(total(AccountCode::kReceivable), amount(0));
    EXPECT_EQ(total(AccountCode::kVault), amount(25));
    expect_same_after_reopen();
}

TEST_F(Interest, ALaterLoanOwesNothingForTheTimeBeforeIt) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    lend(kBob, 1'000, kYear);
    EXPECT_EQ(debt(kAlice), amount(1'100));
    EXPECT_EQ(debt(kBob), amount(1'000));
    // Alice borrows more: what she owed before has grown and is booked with it.
    lend(kAlice, 900);
    EXPECT_EQ(debt(kAlice), amount(2'000));
    EXPECT_EQ(total(AccountCode::kInterest), amount(100));
    block_after(kYear, {});
    // The index went from 1.1 to 1.2, since it grows in a straight line between two tellings.
    EXPECT_EQ(debt(kAlice), amount(2'182));
    EXPECT_EQ(debt(kBob), amount(1'091));
    expect_same_after_reopen();
}

TEST_F(Interest, EachRateHoldsFromItsBlockToTheNext) {
    lend(kAlice, 1'000);
    block_after(kYear, {rate(usd(), 10)});
    // Before the first telling nothing grew.
    EXPECT_EQ(debt(kAlice), amount(1'000));
    block_after(kYear, {rate(usd(), 0)});
    EXPECT_EQ(debt(kAlice), amount(1'100));
    block_after(3 * kYear, {rate(usd(), 100)});
    EXPECT_EQ(debt(kAlice), amount(1'100));
    block_after(kYear / 2, {rate(eth(), 1'000)});
    EXPECT_EQ(debt(kAlice), amount(1'650));
    const auto index = STORE_OK(ledger().interest(dollars(), chain_.head().number));
    ASSERT_TRUE(index.has_value());
    EXPECT_EQ(index->value, STORE_OK(Amount::parse("165" + std::string(25, '0'))));
    EXPECT_EQ(index->rate, index_one());
    EXPECT_EQ(index->since, chain_.head().time);
    EXPECT_EQ(STORE_OK(ledger().interest(dollars(), BlockNum{101})), std::nullopt);
    expect_same_after_reopen();
}

TEST_F(Interest, AReorgTakesRatesAndInterestBack) {
    lend(kAlice, 1'000);
    const BlockRef before = chain_.head();
    const std::string picture_before = picture(ledger(), {chain_.id()}, head());
    block({rate(usd(), 50)});
    block_after(kYear, {repayment(kAlice, usd(), 10)});
    EXPECT_EQ(debt(kAlice), amount(1'490));
    const std::vector<BlockData> orphans(chain_.blocks().end() - 2, chain_.blocks().end());
    store_.revert(chain_, before);
    chain_.pop();
    chain_.pop();
    EXPECT_EQ(picture(ledger(), {chain_.id()}, head()), picture_before);
    block_after(kYear, {});
    EXPECT_EQ(debt(kAlice), amount(1'000));
    store_.revert(chain_, before);
    chain_.pop();
    // And forward again to what was.
    for (const BlockData& block : orphans) {
        store_.apply(chain_, chain_.push(block));
    }
    EXPECT_EQ(debt(kAlice), amount(1'490));
    EXPECT_EQ(total(AccountCode::kInterest), amount(500));
    expect_same_after_reopen();
}

TEST_F(Interest, SaleProceedsPayInterestToo) {
    block({rate(usd(), 10), deposit(kAlice, eth(), 100)});
    lend(kAlice, 1'000);
    const Hash32 id = seizure_id(kAlice, 1, 0);
    block_after(kYear, {seizure(kAlice, eth(), 100, id)});
    block({proceeds(kAlice, usd(), 1'200, id)});
    EXPECT_EQ(debt(kAlice), amount(0));
    // 12 s more than a year, rounded up.
    EXPECT_EQ(total(AccountCode::kInterest), amount(101));
    EXPECT_EQ(holding(kAlice).collateral, amount(99));
    expect_same_after_reopen();
}

TEST_F(Interest, OfAStateWhoseTimeIsNotKnownNothingIsAnswered) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    store_.finalize(chain_, chain_.head());
    // A run that leaves out four blocks without events.
    BlockData next = chain_.next({});
    next.block.number = BlockNum{next.block.number.value + 4};
    next.block.parent = word(77);
    next.block.time = UnixSeconds{chain_.head().time.value + kYear};
    STORE_OK(ledger().apply(chain_.id(), BlocksFinal{{next}}));
    const BlockNum left_out{next.block.number.value - 1};
    const AsOf then{{chain_.id(), left_out}};
    EXPECT_CODE(ledger().holdings(kAlice, then), Errc::kNotFound);
    EXPECT_CODE(ledger().all_holdings(then), Errc::kNotFound);
    EXPECT_CODE(ledger().interest(dollars(), left_out), Errc::kNotFound);
    EXPECT_CODE(ledger().interest(LedgerId{99}, chain_.head().number), Errc::kNotFound);
    EXPECT_EQ(debt(kAlice), amount(1'100));
    // Above the head it is the head that counts.
    const AsOf beyond{{chain_.id(), BlockNum{next.block.number.value + 9}}};
    EXPECT_EQ(STORE_OK(ledger().holdings(kAlice, beyond)).holdings.at(0).debt, amount(1'100));
}

TEST_F(Interest, ARateThatNamesAnAccountIsNone) {
    MappedEvent event = rate(usd(), 5);
    event.account = kAlice;
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{chain_.next({event})}), Errc::kUnproved);
    EXPECT_EQ(accruing(chain_.head().number), std::set<AccountId>{});
}

// A market tells the rates of all its tokens. When one of them becomes an asset here must not
// decide what its loans cost.
TEST_F(Interest, ATokenThatIsDefinedLaterHasTheIndexOfAllThatWasTold) {
    EXPECT_TRUE(block({rate(stranger(), 10)}).unknown_assets.empty());
    block_after(kYear, {rate(stranger(), 20)});
    store_.reopen();
    const LedgerId late = STORE_OK(ledger().define(chain_.asset(stranger()), 6)).id;
    block_after(kYear, {funding(stranger(), 5'000), borrow_request(kAlice, stranger(), 1'000)});
    block_after(0, {release(kAlice, stranger(), 1'000, chain_.release_of(last_event()))});
    const auto index = STORE_OK(ledger().interest(late, chain_.head().number));
    ASSERT_TRUE(index.has_value());
    // 1.1, and 20 % of that.
    EXPECT_EQ(index->value, STORE_OK(Amount::parse("132" + std::string(25, '0'))));
    block_after(kYear, {});
    // From 1.32 to 1.54.
    EXPECT_EQ(holding(kAlice, stranger()).debt, amount(1'167));
    expect_same_after_reopen();
}

TEST_F(Interest, TheTellingThatARateRestsOnIsKnown) {
    block({rate(usd(), 5)});
    const BlockRef first = chain_.head();
    block_after(kYear, {rate(eth(), 7)});
    const ToldRate told = STORE_OK(ledger().told_rate(dollars(), chain_.head().number)).value();
    EXPECT_EQ(told.block, first.number);
    EXPECT_EQ(told.source, word(3));
    EXPECT_EQ(told.emitter, watched());
    EXPECT_EQ(told.txn_hash, chain_.blocks().at(2).events.at(0).txn_hash);
    EXPECT_EQ(told.log_index, 0U);
    EXPECT_EQ(
        told.index, (InterestIndex{index_one(), yearly_rate(amount(5), 2, false), first.time})
    );
    EXPECT_EQ(
        STORE_OK(ledger().told_rate(dollars(), BlockNum{first.number.value - 1})), std::nullopt
    );
}

TEST_F(Interest, ALoanThatIsPaidBackMovesWithTimeOnlyAsOfBlocksBeforeThat) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    lend(kBob, 1'000);
    const BlockNum owing = chain_.head().number;
    block({repayment(kAlice, usd(), 2'000)});
    EXPECT_EQ(accruing(owing), (std::set<AccountId>{kAlice, kBob}));
    EXPECT_EQ(accruing(chain_.head().number), std::set<AccountId>{kBob});
    const BlockRef paid = chain_.head();
    block({});
    store_.revert(chain_, paid);
    chain_.pop();
    EXPECT_EQ(accruing(chain_.head().number), std::set<AccountId>{kBob});
    store_.reopen();
    EXPECT_EQ(accruing(owing), (std::set<AccountId>{kAlice, kBob}));
}

TEST_F(Interest, TheHeadCanBeReadWithInterestUpToALowerBlockAlone) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    lend(kBob, 1'000);
    const AsOf firm = head();
    block_after(kYear, {});
    EXPECT_EQ(debt(kAlice), amount(1'100));
    EXPECT_EQ(debt(kAlice, firm), amount(1'000));
    EXPECT_EQ(
        STORE_OK(ledger().holdings_at_head(kAlice, firm)), STORE_OK(ledger().holdings(kAlice, firm))
    );
    // Another rate and an event of Bob's above it: what that booked counts, and no more.
    block_after(kYear, {rate(usd(), 50), repayment(kBob, usd(), 200)});
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(debt(kBob, firm), amount(1'000));
        EXPECT_EQ(debt(kAlice, firm), amount(1'000));
        block_after(kYear, {});
    }
    EXPECT_GT(debt(kBob), amount(1'900));
    // A state that has nothing of the chain has no interest either.
    EXPECT_EQ(debt(kAlice, AsOf{}), amount(1'000));
}

TEST_F(Interest, WhatNoPostingBookedIsSummedUp) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    lend(kBob, 3'000);
    EXPECT_EQ(unbooked(), amount(0));
    const BlockNum lent = chain_.head().number;
    block_after(kYear, {});
    EXPECT_EQ(unbooked(), amount(400));
    block_after(0, {repayment(kBob, usd(), 100)});
    EXPECT_EQ(unbooked(), amount(100));
    EXPECT_EQ(total(AccountCode::kInterest), amount(300));
    EXPECT_EQ(STORE_OK(ledger().unbooked_interest(dollars(), lent)), amount(0));
    EXPECT_EQ(STORE_OK(ledger().unbooked_interest(LedgerId{2}, lent)), amount(0));
}

TEST_F(Interest, AMarkBelowOneIsDamageAndNoFailedAssertion) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    plant_mark(kAlice, STORE_OK(sub(index_one(), amount(1))));
    expect_corrupt(kAlice, "interest index of 999999999999999999999999999");
}

TEST_F(Interest, AMarkAboveTheIndexIsDamage) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    block_after(kYear, {});
    plant_mark(kAlice, STORE_OK(Amount::parse("12" + std::string(26, '0'))));
    expect_corrupt(kAlice, "above the index, 11" + std::string(26, '0'));
}

TEST_F(Interest, AMarkWhereNoRateWasToldIsDamage) {
    lend(kAlice, 1'000);
    plant_mark(kAlice, STORE_OK(Amount::parse("12" + std::string(26, '0'))));
    EXPECT_CODE(ledger().holdings_at_head(kAlice), Errc::kCorrupt);
}

TEST_F(Interest, ATellingInABlockOlderThanTheLastOneCountsNoSecondTwice) {
    lend(kAlice, 1'000);
    block({rate(usd(), 10)});
    const UnixSeconds began = chain_.head().time;
    block_after(kYear, {rate(usd(), 10)});
    BlockData older = chain_.next({rate(usd(), 10)});
    older.block.time = began;
    store_.apply(chain_, chain_.push(older));
    BlockData later = chain_.next({});
    later.block.time = UnixSeconds{began.value + kYear};
    store_.apply(chain_, chain_.push(later));
    EXPECT_EQ(debt(kAlice), amount(1'100));
    block_after(kYear, {});
    EXPECT_EQ(debt(kAlice), amount(1'210));
}

TEST_F(Interest, PruningKeepsTheIndexAndTheMarksHoweverOldTheyAre) {
    block({rate(usd(), 10)});
    lend(kAlice, 1'000);
    for (int i = 0; i < 5; ++i) {
        block_after(kYear / 5, {});
    }
    store_.finalize(chain_, chain_.head());
    const KeepFrom from{{chain_.id(), chain_.head().number}};
    PruneStep step;
    for (int i = 0; i < 100 && !step.done; ++i) {
        step = STORE_OK(prune_step(db(), from, 10'000));
    }
    EXPECT_TRUE(step.done);
    EXPECT_EQ(debt(kAlice), amount(1'100));
    EXPECT_DONE(ledger().verify());
}

TEST_F(Interest, ARunOfFinalBlocksBooksWhatTheBlocksDoOneByOne) {
    lend(kAlice, 70'000);
    const TestChain same = chain_;
    block({rate(usd(), 10)});
    lend(kBob, 9'999, kYear / 7);
    block_after(kYear / 3, {rate(usd(), 33), repayment(kAlice, usd(), 5'000)});
    block_after(kYear / 11, {repayment(kBob, usd(), 20'000)});
    const std::string one_by_one = picture(ledger(), {chain_.id()}, head());
    TempDir other;
    Store filled(other.path());
    STORE_OK(filled.ledger().define(chain_.asset(usd()), 6));
    STORE_OK(filled.ledger().define(chain_.asset(eth()), 18));
    const auto& blocks = chain_.blocks();
    const auto cut = blocks.begin() + static_cast<std::ptrdiff_t>(same.blocks().size());
    STORE_OK(filled.ledger().apply(chain_.id(), BlocksFinal{{blocks.begin(), cut}}));
    STORE_OK(filled.ledger().fill_ahead(chain_.id(), BlocksFinal{{cut, blocks.end()}}));
    EXPECT_EQ(picture(filled.ledger(), {chain_.id()}, head()), one_by_one);
    EXPECT_DONE(filled.ledger().verify());
}

// An exact model beside it: debts as fractions that no rounding touches.
class ExactDebts {
  public:
    using Exact = boost::multiprecision::cpp_rational;

    void pass(std::uint64_t seconds) {
        index_ += index_told_ * rate_ * Exact(seconds) / Exact(kYear);
    }

    void tell(std::uint64_t percent) {
        index_told_ = index_;
        rate_ = Exact(percent) / 100;
    }

    Exact& grown(std::uint64_t who) {
        auto [it, is_new] = debts_.try_emplace(who, Exact(0), index_);
        it->second.first *= index_ / it->second.second;
        it->second.second = index_;
        return it->second.first;
    }

  private:
    Exact index_{1};
    // The index when the rate was told: it grows by a part of that.
    Exact index_told_{1};
    Exact rate_{0};
    std::map<std::uint64_t, std::pair<Exact, Exact>> debts_;
};

TEST_F(Interest, NoDebtIsEverBelowTheExactOneOrFarAboveIt) {
    using Exact = ExactDebts::Exact;
    std::mt19937_64 random(20'261'129);
    ExactDebts exact;
    std::map<std::uint64_t, unsigned> roundings;
    block({funding(usd(), 1'000'000'000)});
    for (int step = 0; step < 400; ++step) {
        const std::uint64_t seconds = random() % (kYear / 50);
        const std::uint64_t who = 1 + random() % 3;
        const std::uint64_t units = 1 + random() % 50'000;
        exact.pass(seconds);
        switch (random() % 4) {
            case 0: {
                const std::uint64_t percent = random() % 40;
                block_after(seconds, {rate(usd(), percent)});
                exact.tell(percent);
                break;
            }
            case 1:
                lend(account(who), units, seconds);
                exact.grown(who) += units;
                ++roundings[who];
                break;
            case 2: {
                block_after(seconds, {});
                // Never all of it: what a rounding took would be gone.
                const Exact half = exact.grown(who) / 2;
                const auto paid = static_cast<std::uint64_t>(half);
                block_after(0, {repayment(account(who), usd(), paid)});
                exact.grown(who) -= Exact(paid);
                ++roundings[who];
                break;
            }
            default:
                block_after(seconds, {});
        }
        for (std::uint64_t one = 1; one <= 3; ++one) {
            const Exact owed(debt(account(one)).rep().convert_to<boost::multiprecision::cpp_int>());
            const Exact model = exact.grown(one);
            ASSERT_GE(owed, model) << "step " << step;
            // One unit for each time it was rounded, and what has grown of these: the index does
            // not pass 8 here.
            ASSERT_LE(owed, model + 8 * (roundings[one] + 1)) << "step " << step;
        }
    }
    expect_same_after_reopen();
}

}  // namespace
}  // namespace margrave::store::test
