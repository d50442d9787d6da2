// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

class Outbox : public ::testing::Test {
  protected:
    Outbox()
        : store_(dir_.path()) {}

    Intent make(std::uint64_t n) {
        Intent intent;
        intent.id = word(n);
        intent.chain = ChainId::evm(1);
        intent.kind = "attestation";
        intent.label = std::to_string(n);
        intent.to = address(7);
        intent.data = to_bytes("data " + std::to_string(n));
        intent.expires = UnixSeconds{50};
        intent.created = UnixSeconds{40};
        return intent;
    }

    void commit(std::uint64_t from, std::uint64_t to) {
        Decision d;
        for (std::uint64_t n = from; n <= to; ++n) {
            d.intents.push_back(make(n));
        }
        STORE_OK(store_.db().commit(d));
    }

    std::vector<std::string> open() {
        std::vector<std::string> out;
        for (const Intent& i : STORE_OK(store_.db().open_intents())) {
            out.push_back(i.label);
        }
        return out;
    }

    TempDir dir_;
    Store store_;
};

using Labels = std::vector<std::string>;

TEST_F(Outbox, OpenIntentsComeInTheOrderInWhichTheyWereMade) {
    commit(9, 9);
    commit(3, 5);
    EXPECT_EQ(open(), (Labels{"9", "3", "4", "5"}));
    store_.reopen();
    EXPECT_EQ(open(), (Labels{"9", "3", "4", "5"}));
}

TEST_F(Outbox, AnIntentKeepsEverythingThatWasStored) {
    commit(1, 1);
    Intent intent = make(1);
    intent.nonce = 77;
    intent.data = to_bytes("completed later");
    Attempt first;
    first.txn_hash = word(500);
    first.raw = to_bytes("signed bytes");
    first.max_fee = amount(11);
    first.priority_fee = amount(2);
    first.sent_at = BlockNum{1234};
    Attempt second = first;
    second.txn_hash = word(501);
    second.raw = Bytes{};
    intent.attempts = {first, second};
    intent.state = IntentState::kIncluded;
    intent.block = BlockNum{1240};
    intent.block_hash = word(600);
    intent.included_hash = word(501);
    intent.error = "none yet";
    EXPECT_DONE(store_.db().update_intent(intent, true));
    store_.reopen();
    const Intent read = STORE_OK(store_.db().open_intents()).at(0);
    EXPECT_EQ(read.id, intent.id);
    EXPECT_EQ(read.chain, intent.chain);
    EXPECT_EQ(read.kind, intent.kind);
    EXPECT_EQ(read.label, intent.label);
    EXPECT_EQ(read.to, intent.to);
    EXPECT_EQ(read.data, intent.data);
    EXPECT_EQ(read.nonce, intent.nonce);
    ASSERT_EQ(read.attempts.size(), 2U);
    EXPECT_EQ(read.attempts[0].txn_hash, first.txn_hash);
    EXPECT_EQ(read.attempts[0].raw, first.raw);
    EXPECT_EQ(read.attempts[0].max_fee, first.max_fee);
    EXPECT_EQ(read.attempts[0].priority_fee, first.priority_fee);
    EXPECT_EQ(read.attempts[0].sent_at, first.sent_at);
    EXPECT_EQ(read.attempts[1].txn_hash, second.txn_hash);
    EXPECT_EQ(read.state, IntentState::kIncluded);
    EXPECT_EQ(read.block, intent.block);
    EXPECT_EQ(read.block_hash, intent.block_hash);
    EXPECT_EQ(read.included_hash, intent.included_hash);
    EXPECT_EQ(read.expires, intent.expires);
    EXPECT_EQ(read.created, intent.created);
    EXPECT_EQ(read.error, intent.error);
}

TEST_F(Outbox, AnIntentWithoutNonceIsNotOneWithNonceZero) {
    commit(1, 2);
    Intent intent = make(1);
    intent.nonce = 0;
    EXPECT_DONE(store_.db().update_intent(intent, false));
    const auto all = STORE_OK(store_.db().open_intents());
    EXPECT_EQ(all[0].nonce, std::optional<std::uint64_t>(0));
    EXPECT_EQ(all[1].nonce, std::nullopt);
}

TEST_F(Outbox, ClosedIntentsLeaveTheOpenOnesAndMayComeBack) {
    commit(1, 4);
    const auto set = [&](std::uint64_t n, IntentState state) {
        Intent intent = make(n);
        intent.state = state;
        EXPECT_DONE(store_.db().update_intent(intent, false));
    };
    set(1, IntentState::kFinal);
    set(2, IntentState::kFailed);
    set(3, IntentState::kSuperseded);
    EXPECT_EQ(open(), Labels{"4"});
    set(3, IntentState::kQueued);
    EXPECT_EQ(open(), (Labels{"3", "4"}));
    set(3, IntentState::kSent);
    EXPECT_EQ(open(), (Labels{"3", "4"}));
}

TEST_F(Outbox, TheNewestIntentsComeFirstUpToTheLimit) {
    commit(1, 5);
    const auto all = STORE_OK(store_.db().intents(3));
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].label, "5");
    EXPECT_EQ(all[2].label, "3");
    EXPECT_EQ(STORE_OK(store_.db().intents(100)).size(), 5U);
    EXPECT_TRUE(STORE_OK(store_.db().intents(0)).empty());
}

TEST_F(Outbox, OnlyADecisionMakesAnIntent) {
    EXPECT_CODE(store_.db().update_intent(make(1), true), Errc::kNotFound);
}

TEST_F(Outbox, AnIntentKeepsItsChainAndKind) {
    commit(1, 1);
    Intent intent = make(1);
    intent.chain = ChainId::evm(2);
    EXPECT_CODE(store_.db().update_intent(intent, false), Errc::kConflict);
    intent = make(1);
    intent.kind = "release";
    EXPECT_CODE(store_.db().update_intent(intent, false), Errc::kConflict);
}

TEST_F(Outbox, ARepeatedDecisionDoesNotUndoDelivery) {
    commit(1, 1);
    Intent intent = make(1);
    intent.state = IntentState::kSent;
    intent.nonce = 5;
    intent.data = to_bytes("completed later");
    EXPECT_DONE(store_.db().update_intent(intent, true));
    commit(1, 1);
    const Intent read = STORE_OK(store_.db().open_intents()).at(0);
    EXPECT_EQ(read.state, IntentState::kSent);
    EXPECT_EQ(read.nonce, std::optional<std::uint64_t>(5));
}

}  // namespace
}  // namespace margrave::store::test
