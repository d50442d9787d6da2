// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

namespace margrave::store::test {
namespace {

const AccountId kAlice = account(1);

class Decisions : public LedgerTest {
  protected:
    std::uint64_t ask(std::uint64_t units) {
        block({withdrawal_request(kAlice, usd(), units)});
        return last_event();
    }

    // What granting a request writes: leaf, intent, hold, document.
    Decision grant(std::uint64_t request) {
        Decision d;
        d.leaves.push_back(
            to_bytes("{\"kind\":\"release\",\"n\":\"" + std::to_string(request) + "\"}")
        );
        Intent intent;
        intent.id = word(1000 + request);
        intent.chain = chain_.id();
        intent.kind = "release";
        intent.label = std::to_string(request);
        intent.to = chain_.vault();
        intent.data = to_bytes("call");
        d.intents.push_back(intent);
        Hold hold;
        hold.release_id = chain_.release_of(request);
        hold.chain = chain_.id();
        hold.request = request;
        hold.account = kAlice;
        hold.asset = chain_.asset(usd());
        hold.amount = amount(1);
        d.holds.push_back(hold);
        d.documents.emplace_back("release/" + std::to_string(request), to_bytes("doc"));
        return d;
    }
};

TEST_F(Decisions, LeavesAreNumberedInOrderAndKeptVerbatim) {
    EXPECT_EQ(db().leaf_count(), 0U);
    Decision d;
    d.leaves = {to_bytes("first"), to_bytes("second")};
    EXPECT_DONE(db().commit(d));
    d.leaves = {to_bytes("third")};
    EXPECT_DONE(db().commit(d));
    EXPECT_EQ(db().leaf_count(), 3U);
    EXPECT_EQ(STORE_OK(db().leaf(0)), to_bytes("first"));
    EXPECT_EQ(STORE_OK(db().leaf(2)), to_bytes("third"));
    EXPECT_CODE(db().leaf(3), Errc::kNotFound);
    store_.reopen();
    EXPECT_EQ(db().leaf_count(), 3U);
    EXPECT_EQ(STORE_OK(db().leaf(1)), to_bytes("second"));
}

TEST_F(Decisions, TheSameNoticeTwiceIsTwoLeaves) {
    Decision d;
    d.leaves = {to_bytes("halt")};
    EXPECT_DONE(db().commit(d));
    EXPECT_DONE(db().commit(d));
    EXPECT_EQ(db().leaf_count(), 2U);
}

TEST_F(Decisions, ALeafThatNoEntryBundleCanHoldIsInvalid) {
    Decision d;
    d.leaves = {Bytes(65536, 'x')};
    EXPECT_CODE(db().commit(d), Errc::kInvalid);
    d.leaves = {Bytes{}};
    EXPECT_CODE(db().commit(d), Errc::kInvalid);
    d.leaves = {Bytes(65535, 'x')};
    EXPECT_DONE(db().commit(d));
    EXPECT_EQ(db().leaf_count(), 1U);
}

TEST_F(Decisions, ADecisionIsWrittenOnce) {
    const Decision d = grant(ask(1));
    EXPECT_DONE(db().commit(d));
    EXPECT_DONE(db().commit(d));
    EXPECT_EQ(db().leaf_count(), 1U);
    EXPECT_EQ(STORE_OK(db().intents(10)).size(), 1U);
    EXPECT_EQ(STORE_OK(ledger().holds()).size(), 1U);
}

TEST_F(Decisions, TheSameDecisionWithAnotherLeafIsAConflict) {
    Decision d = grant(ask(1));
    EXPECT_DONE(db().commit(d));
    d.leaves[0] = to_bytes("another");
    EXPECT_CODE(db().commit(d), Errc::kConflict);
    EXPECT_EQ(db().leaf_count(), 1U);
}

TEST_F(Decisions, TheSameIntentWithAnotherCallIsAConflict) {
    Decision d = grant(ask(1));
    EXPECT_DONE(db().commit(d));
    d.intents[0].data = to_bytes("other call");
    EXPECT_CODE(db().commit(d), Errc::kConflict);
}

TEST_F(Decisions, ARefusedPartLeavesNothingOfTheRest) {
    const std::uint64_t number = ask(1);
    Decision d = grant(number);
    // The last part that is looked at is wrong.
    d.leaves.push_back(Bytes{});
    EXPECT_CODE(db().commit(d), Errc::kInvalid);
    EXPECT_EQ(db().leaf_count(), 0U);
    EXPECT_TRUE(STORE_OK(db().open_intents()).empty());
    EXPECT_TRUE(STORE_OK(ledger().holds()).empty());
    EXPECT_FALSE(db().document("release/" + std::to_string(number)).has_value());
    EXPECT_EQ(STORE_OK(ledger().requests(chain_.id(), chain_.head().number, true)).size(), 1U);
    // And the counters did not move either.
    d.leaves.pop_back();
    EXPECT_DONE(db().commit(d));
    EXPECT_EQ(db().leaf_count(), 1U);
    store_.reopen();
    EXPECT_EQ(db().leaf_count(), 1U);
    EXPECT_EQ(STORE_OK(db().intents(10)).size(), 1U);
}

TEST_F(Decisions, EverythingOfADecisionIsThereAfterReopening) {
    const std::uint64_t number = ask(1);
    EXPECT_DONE(db().commit(grant(number)));
    store_.reopen();
    EXPECT_EQ(db().leaf_count(), 1U);
    EXPECT_EQ(STORE_OK(db().open_intents()).at(0).id, word(1000 + number));
    EXPECT_EQ(STORE_OK(ledger().holds()).size(), 1U);
    EXPECT_EQ(db().document("release/" + std::to_string(number)), to_bytes("doc"));
}

TEST_F(Decisions, TheSameIdTwiceInOneDecisionIsInvalid) {
    Decision d = grant(ask(1));
    d.intents.push_back(d.intents[0]);
    EXPECT_CODE(db().commit(d), Errc::kInvalid);
}

TEST_F(Decisions, ADocumentNamedByHashOrNumberIsWrittenOnce) {
    const auto put = [&](const std::string& name, const std::string& text) {
        Decision d;
        d.documents.emplace_back(name, to_bytes(text));
        return db().commit(d);
    };
    const std::string hash = "parameters/" + to_hex(word(1));
    EXPECT_DONE(put(hash, "a"));
    EXPECT_DONE(put(hash, "a"));
    EXPECT_CODE(put(hash, "b"), Errc::kConflict);
    EXPECT_DONE(put("attestation/12", "a"));
    EXPECT_CODE(put("attestation/12", "b"), Errc::kConflict);
    EXPECT_EQ(db().document(hash), to_bytes("a"));
    EXPECT_FALSE(db().document("parameters/").has_value());
}

TEST_F(Decisions, ADocumentNamedByItsPlaceIsReplaced) {
    Decision d;
    d.documents.emplace_back("attestation/last", to_bytes("1"));
    EXPECT_DONE(db().commit(d));
    d.documents[0].second = to_bytes("2");
    EXPECT_DONE(db().commit(d));
    EXPECT_EQ(db().document("attestation/last"), to_bytes("2"));
}

TEST_F(Decisions, AnEmptyDecisionChangesNothing) {
    EXPECT_DONE(db().commit(Decision{}));
    EXPECT_EQ(db().leaf_count(), 0U);
}

TEST_F(Decisions, DecisionsSurviveAReorgOfTheChainTheyAnswered) {
    const BlockRef before = chain_.head();
    EXPECT_DONE(db().commit(grant(ask(1))));
    store_.revert(chain_, before);
    EXPECT_EQ(db().leaf_count(), 1U);
    EXPECT_EQ(STORE_OK(db().open_intents()).size(), 1U);
    EXPECT_EQ(STORE_OK(ledger().holds()).size(), 1U);
}

}  // namespace
}  // namespace margrave::store::test
