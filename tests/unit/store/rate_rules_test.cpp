// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <string_view>
#include <utility>

namespace margrave::store::test {
namespace {

class RateRules : public LedgerTest {
  protected:
    void SetUp() override { block({}); }

    [[nodiscard]] BlockNum above(std::uint64_t blocks) const {
        return BlockNum{chain_.head().number.value + blocks};
    }

    Result<void> follow(std::vector<RateRule> rules) {
        return ledger().follow_rates(chain_.id(), std::move(rules));
    }

    void expect_refused(std::vector<RateRule> rules, std::string_view words) {
        const auto followed = follow(std::move(rules));
        ASSERT_FALSE(followed.has_value());
        EXPECT_EQ(followed.error().code, Errc::kConflict);
        EXPECT_NE(followed.error().detail.find(words), std::string::npos)
            << followed.error().detail;
    }
};

TEST_F(RateRules, BeginAboveWhatWasFollowedWithoutThem) {
    expect_refused({{"told", above(0), {}}}, "without the rates of \"told\" from block 101");
    expect_refused({{"told", BlockNum{}, {}}}, "\"told\" from block 0");
    const RateRule rule{"told", above(1), {}};
    EXPECT_DONE(follow({rule}));
    // Until it begins it may be another one, or none.
    EXPECT_DONE(follow({}));
    EXPECT_DONE(follow({{"told", above(2), {}}}));
    EXPECT_DONE(follow({rule}));
    block({});
    store_.reopen();
    EXPECT_DONE(follow({rule}));
    // A fresh directory follows them from the start.
    TempDir other;
    Store fresh(other.path());
    EXPECT_DONE(fresh.ledger().follow_rates(chain_.id(), {rule}));
    // And so does another chain.
    EXPECT_DONE(ledger().follow_rates(ChainId::evm(77), {rule}));
}

TEST_F(RateRules, StayWhatTheyWereUpToTheHead) {
    const RateRule rule{"told", above(1), {}};
    EXPECT_DONE(follow({rule}));
    block({rate(usd(), 5)});
    block({});
    store_.reopen();
    expect_refused({}, "with the rates of \"told\" from block 102, which");
    expect_refused({{"other", rule.from, {}}}, "without the rates of \"other\"");
    expect_refused({{"told", BlockNum{rule.from.value + 1}, {}}}, "without the rates");
    expect_refused({{"told", rule.from, rule.from}}, "\"told\" from block 102 to 102");
    // It may end at the head or later, and another one may begin there.
    const RateRule ended{"told", rule.from, above(0)};
    EXPECT_DONE(follow({ended, {"other", above(1), {}}}));
    EXPECT_DONE(follow({{"told", rule.from, above(5)}}));
    EXPECT_DONE(follow({{"other", above(1), {}}, ended}));
    block({});
    store_.reopen();
    EXPECT_DONE(follow({ended, {"other", above(0), {}}}));
    expect_refused({rule, {"other", above(0), {}}}, "\"told\" from block 102, so");
    EXPECT_DONE(ledger().verify());
}

}  // namespace
}  // namespace margrave::store::test
