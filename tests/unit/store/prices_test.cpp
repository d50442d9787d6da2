// SPDX-License-Identifier: Apache-2.0
#include "store/prune.hpp"
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

class ToldPrices : public LedgerTest {
  protected:
    std::optional<ToldPrice> told(const BlockRef& at, std::uint64_t source = 1) {
        return STORE_OK(ledger().told_price(chain_.id(), word(source), watched(), at));
    }

    Amount answer(const BlockRef& at, std::uint64_t source = 1) {
        const auto found = told(at, source);
        return found ? found->price.answer : Amount{};
    }
};

TEST_F(ToldPrices, TheNewestUpToABlockCountsWithThePlaceWhereItWasTold) {
    block({});
    const BlockRef before = chain_.head();
    block({deposit(account(1), usd(), 5), price(3'000, 77), price(3'001, 76)});
    const BlockData& data = chain_.blocks().back();
    block({});
    EXPECT_EQ(told(before), std::nullopt);
    ToldPrice expected;
    // The last of the block, though it says that it is the older one.
    expected.price = {Amount{3'001}, UnixSeconds{76}};
    expected.block = data.block.number;
    expected.block_hash = data.block.hash;
    expected.txn_hash = data.events[2].txn_hash;
    expected.log_index = 2;
    EXPECT_EQ(told(data.block), expected);
    EXPECT_EQ(told(chain_.head()), expected);
    EXPECT_EQ(told(chain_.head(), 2), std::nullopt);
    const auto other = ledger().told_price(chain_.id(), word(1), usd(), chain_.head());
    EXPECT_EQ(STORE_OK(other), std::nullopt);
    EXPECT_EQ(total(AccountCode::kCustody), amount(0));
    EXPECT_DONE(ledger().verify());
}

TEST_F(ToldPrices, AReorgTakesThemBackWithTheirBlocks) {
    block({price(3'000, 1)});
    const BlockRef ancestor = chain_.head();
    block({price(2'000, 2), price(50, 3, 2)});
    const BlockData orphan = chain_.blocks().back();
    EXPECT_EQ(answer(orphan.block), amount(2'000));
    EXPECT_EQ(answer(orphan.block, 2), amount(50));
    store_.revert(chain_, ancestor);
    chain_.pop();
    EXPECT_EQ(answer(chain_.head()), amount(3'000));
    EXPECT_EQ(told(chain_.head(), 2), std::nullopt);
    // Nothing is answered as of a block that does not count.
    EXPECT_CODE(
        ledger().told_price(chain_.id(), word(1), watched(), orphan.block), Errc::kNotFound
    );
    block({price(2'500, 4)});
    EXPECT_CODE(
        ledger().told_price(chain_.id(), word(1), watched(), orphan.block), Errc::kNotFound
    );
    EXPECT_EQ(answer(chain_.head()), amount(2'500));
    EXPECT_DONE(ledger().verify());
    store_.reopen();
    EXPECT_EQ(answer(chain_.head()), amount(2'500));
}

TEST_F(ToldPrices, TheSameBlockWithAnotherPriceIsAConflict) {
    block({price(3'000, 1)});
    BlockData other = chain_.blocks().back();
    std::get<MappedPrice>(std::get<MappedEvent>(other.events[0].body).what).answer = Amount{1};
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{other}), Errc::kConflict);
}

TEST_F(ToldPrices, OneThatNamesAnAccountIsNone) {
    MappedEvent event = price(3'000, 1);
    event.account = account(1);
    const BlockData next = chain_.next({event});
    EXPECT_CODE(ledger().apply(chain_.id(), BlockApplied{next}), Errc::kUnproved);
}

TEST_F(ToldPrices, PruningKeepsTheLastOneHoweverOldItIs) {
    block({price(3'000, 1), price(7, 1, 2)});
    block({price(3'001, 2)});
    const BlockRef old = chain_.head();
    block({price(3'002, 3)});
    block({});
    store_.finalize(chain_, chain_.head());
    const KeepFrom from{{chain_.id(), chain_.head().number}};
    std::uint64_t removed = 0;
    PruneStep step;
    for (int i = 0; i < 100 && !step.done; ++i) {
        step = STORE_OK(prune_step(db(), from, 10'000));
        removed += step.removed;
    }
    EXPECT_TRUE(step.done);
    EXPECT_GE(removed, 2U);
    EXPECT_EQ(answer(chain_.head()), amount(3'002));
    EXPECT_EQ(answer(chain_.head(), 2), amount(7));
    EXPECT_CODE(ledger().told_price(chain_.id(), word(1), watched(), old), Errc::kNotFound);
    EXPECT_DONE(ledger().verify());
}

}  // namespace
}  // namespace margrave::store::test
