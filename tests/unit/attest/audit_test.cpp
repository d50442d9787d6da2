// SPDX-License-Identifier: Apache-2.0
#include "attest/leaf.hpp"
#include "tests/unit/attest/samples.hpp"

namespace margrave::attest {
namespace {

using namespace tests;

// A log that is written leaf by leaf; attest() links rounds as an honest operator would.
class Audit : public ::testing::Test {
  protected:
    Audit() { log_ = sample_log(0, keys_); }

    SampleRound next() {
        SampleRound out(++round_, previous_);
        out.attestation.signer_epoch = epoch_;
        return out;
    }

    void attest(const SampleRound& round) {
        previous_ = round.digest();
        log_.push_back(round.leaf(keys_));
    }

    // With heads of its own, whose hash it then signs.
    void attest_on(const std::vector<Head>& heads) {
        SampleRound round = next();
        round.heads = heads;
        round.attestation.snapshot = snapshot_hash(heads);
        attest(round);
    }

    [[nodiscard]] AuditReport report() const {
        return audit(test_network(), log_, genesis_keys_.addresses, 2);
    }

    void expect_clean() const {
        for (const Finding& finding : report().findings) {
            ADD_FAILURE() << finding.index << ": " << finding.what;
        }
    }

    // Exactly one finding, at the newest leaf.
    void expect_finding(const std::string& word) const {
        const AuditReport result = report();
        ASSERT_EQ(result.findings.size(), 1U)
            << (result.findings.empty() ? "" : result.findings[1].what);
        EXPECT_EQ(result.findings[0].index, log_.size() - 1);
        EXPECT_NE(result.findings[0].what.find(word), std::string::npos) << result.findings[0].what;
    }

    [[nodiscard]] SignerSet rotation_to(const Keys& to, const Hash32& previous) const {
        SignerSet s;
        s.epoch = epoch_ + 1;
        s.threshold = 1;
        s.signers = signers_hash(to.addresses);
        s.activates_at = UnixSeconds{1'700'000'000};
        s.previous = previous;
        return s;
    }

    [[nodiscard]] Hash32 genesis_set_digest() const {
        SignerSet s;
        s.epoch = 1;
        s.threshold = 2;
        s.signers = signers_hash(genesis_keys_.addresses);
        return digest_of(test_network(), s);
    }

    Hash32 rotate(const SignerSet& s, const Keys& to) {
        const Hash32 digest = digest_of(test_network(), s);
        log_.push_back(signers_leaf(test_network(), s, keys_.sign(digest), to.addresses));
        return digest;
    }

    Keys genesis_keys_{{"a", "b", "c"}};
    Keys keys_{{"a", "b", "c"}};
    std::uint64_t epoch_{1};
    std::uint64_t round_{0};
    Hash32 previous_;
    std::vector<Bytes> log_;
};

TEST_F(Audit, AnHonestLogHasNoFinding) {
    log_ = sample_log(120, keys_);
    const AuditReport result = report();
    expect_clean();
    EXPECT_EQ(result.leaves, log_.size());
    EXPECT_EQ(result.attestations, 120U);
    EXPECT_EQ(result.releases, 30U);
    EXPECT_EQ(result.seizures, 30U);
    EXPECT_EQ(result.last_round, RoundNum{120});
    EXPECT_EQ(result.last_root, keccak256("accounts 120"));
}

TEST_F(Audit, AnEmptyLogHasNothingToFind) {
    log_.clear();
    expect_clean();
}

TEST_F(Audit, TheFirstLeafMustBeGenesisAndNoOther) {
    log_.push_back(genesis_leaf(genesis_document()));
    expect_finding("second genesis");
    log_ = {parameters_leaf(parameter_document("1"), RoundNum{1})};
    expect_finding("not the genesis leaf");
}

TEST_F(Audit, AMissingRoundIsFound) {
    attest(next());
    ++round_;
    attest(next());
    expect_finding("round 3 follows round 1");
}

TEST_F(Audit, TheFirstRoundIsOne) {
    ++round_;
    attest(next());
    expect_finding("round 2 follows round 0");
}

TEST_F(Audit, ARoundWithTwoDigestsIsFound) {
    attest(next());
    const Hash32 before = previous_;
    attest(next());
    SampleRound second(2, before);
    second.attestation.accounts = keccak256("another");
    log_.push_back(second.leaf(keys_));
    const AuditReport result = report();
    ASSERT_EQ(result.findings.size(), 2U);
    EXPECT_NE(result.findings[0].what.find("round 2 has two digests"), std::string::npos);
}

TEST_F(Audit, ARoundThatIsThereTwiceIsFound) {
    attest(next());
    log_.push_back(log_.back());
    const AuditReport result = report();
    ASSERT_FALSE(result.findings.empty());
    EXPECT_NE(result.findings[0].what.find("round 1 is there twice"), std::string::npos);
}

TEST_F(Audit, ABrokenLinkIsFound) {
    attest(next());
    previous_ = keccak256("elsewhere");
    attest(next());
    expect_finding("round 2 links to");
}

TEST_F(Audit, TimeThatGoesBackIsFound) {
    attest(next());
    SampleRound round = next();
    round.attestation.issued_at.value -= 13;
    attest(round);
    expect_finding("is issued at");
    SampleRound endless = next();
    endless.attestation.valid_until = UnixSeconds{5};
    attest(endless);
    EXPECT_EQ(report().findings.size(), 2U);
}

TEST_F(Audit, AHeadThatGoesBackIsFound) {
    attest_on(heads_at(1000));
    std::vector<Head> heads = heads_at(1001);
    heads[1].number = BlockNum{999};
    attest_on(heads);
    expect_finding("goes back from block 1000");
}

TEST_F(Audit, FewerEventsAtAHigherBlockAreFound) {
    attest_on(heads_at(1000));
    std::vector<Head> heads = heads_at(1002);
    heads[1].events = 499;
    attest_on(heads);
    expect_finding("goes back");
}

TEST_F(Audit, AnotherBlockAtTheSameNumberIsFound) {
    attest_on(heads_at(1000));
    std::vector<Head> heads = heads_at(1000);
    heads[2].hash = keccak256("fork");
    attest_on(heads);
    expect_finding("differs from the attestation before");
}

TEST_F(Audit, AnotherAccumulatorAfterTheSameEventsIsFound) {
    attest_on(heads_at(1000));
    std::vector<Head> heads = heads_at(1001);
    heads[0].accumulator = keccak256("other");
    attest_on(heads);
    expect_finding("another accumulator");
}

TEST_F(Audit, AfterARetractionTheChainMayGoBackAndNoOther) {
    attest_on(heads_at(1000));
    std::vector<Head> heads = heads_at(1000);
    heads[0].number = BlockNum{990};
    heads[0].hash = keccak256("fork");
    log_.push_back(notice_leaf("retraction", heads[0].chain, "block 1000 is gone", "detail"));
    attest_on(heads);
    expect_clean();
    heads[1].number = BlockNum{990};
    attest_on(heads);
    expect_finding(heads[1].chain.text());
}

TEST_F(Audit, ParametersMustBeNamedBeforeUse) {
    SampleRound round = next();
    round.attestation.parameters = keccak256(parameter_document("2").dump());
    attest(round);
    expect_finding("which no leaf before it names");
}

TEST_F(Audit, ParametersOfAFutureRoundDoNotHoldYetAndOldOnesNoLonger) {
    log_.push_back(parameters_leaf(parameter_document("2"), RoundNum{2}));
    attest(next());
    expect_clean();
    SampleRound round = next();
    attest(round);
    expect_finding("newer parameters leaf replaced");
    log_.pop_back();
    round.attestation.parameters = keccak256(parameter_document("2").dump());
    attest(round);
    expect_clean();
}

TEST_F(Audit, ParametersForARoundThatIsOverAreFound) {
    attest(next());
    log_.push_back(parameters_leaf(parameter_document("2"), RoundNum{1}));
    expect_finding("which is over");
}

TEST_F(Audit, AMissingQuorumIsFoundForEveryKind) {
    const Keys one({"a"});
    const SampleRound round = next();
    log_.push_back(round.leaf(one));
    expect_finding("round 1 lacks the quorum");
    log_.back() = sample_release_leaf(4, one);
    expect_finding("lacks the quorum");
    log_.back() = sample_seizure_leaf(4, 0, one);
    expect_finding("lacks the quorum");
    const Keys strangers({"x", "y"});
    log_.back() = round.leaf(strangers);
    expect_finding("not in the signer set");
}

TEST_F(Audit, ALogKeySignedByAStrangerIsFound) {
    log_.push_back(sample_key_leaf(Keys({"x"})));
    expect_finding("the log key is signed by");
}

TEST_F(Audit, ARequestIsAnsweredOnce) {
    log_.push_back(sample_release_leaf(4, keys_));
    log_.push_back(sample_refusal(5));
    expect_clean();
    log_.push_back(sample_refusal(4));
    expect_finding("request 4 of vault");
    log_.back() = sample_refusal(5);
    expect_finding("request 5 of vault");
    log_.back() = sample_release_leaf(5, keys_);
    expect_finding("request 5 of vault");
}

TEST_F(Audit, AnInstructionIdHasOneDigest) {
    log_.push_back(sample_seizure_leaf(1, 0, keys_));
    Seizure other = sample_seizure(1, 0);
    other.amount = Amount(6);
    log_.push_back(
        seizure_leaf(test_network(), other, keys_.sign(digest_of(test_network(), other)), 1, 0)
    );
    expect_finding("two orders with one id");
    log_.back() = sample_seizure_leaf(1, 0, keys_);
    expect_finding("is there twice");
}

TEST_F(Audit, AnUnreadableLeafIsFoundAndTheRestIsRead) {
    attest(next());
    log_.push_back(to_bytes("{}"));
    attest(next());
    const AuditReport result = report();
    ASSERT_EQ(result.findings.size(), 1U);
    EXPECT_EQ(result.findings[0].index, log_.size() - 2);
    EXPECT_EQ(result.last_round, RoundNum{2});
}

TEST_F(Audit, ARotationHandsOverToTheNewSigners) {
    attest(next());
    const Keys to({"d"});
    rotate(rotation_to(to, genesis_set_digest()), to);
    attest(next());
    expect_clean();
    keys_ = Keys({"d"});
    epoch_ = 2;
    attest(next());
    log_.push_back(sample_release_leaf(9, keys_));
    expect_clean();
    // The old set's time is over.
    keys_ = Keys({"a", "b", "c"});
    attest(next());
    expect_finding("lacks the quorum of signer epoch 2");
}

TEST_F(Audit, ASecondSetOfTheSameEpochReplacesAVetoedOne) {
    const Keys vetoed({"x"});
    const Keys to({"d"});
    rotate(rotation_to(vetoed, genesis_set_digest()), vetoed);
    rotate(rotation_to(to, genesis_set_digest()), to);
    keys_ = Keys({"d"});
    epoch_ = 2;
    attest(next());
    expect_clean();
}

TEST_F(Audit, ARotationMustLinkToTheSetInForceAndBeSignedByIt) {
    const Keys to({"d"});
    rotate(rotation_to(to, keccak256("elsewhere")), to);
    expect_finding("not to the set in force");
    log_.pop_back();
    SignerSet jump = rotation_to(to, genesis_set_digest());
    jump.epoch = 3;
    rotate(jump, to);
    expect_finding("signer set of epoch 3 follows epoch 1");
    log_.pop_back();
    keys_ = Keys({"d"});
    rotate(rotation_to(to, genesis_set_digest()), to);
    expect_finding("lacks the quorum of signer epoch 1");
}

TEST_F(Audit, ASetUsedBeforeItsTimeIsFound) {
    const Keys to({"d"});
    SignerSet s = rotation_to(to, genesis_set_digest());
    s.activates_at = UnixSeconds{1'900'000'000};
    rotate(s, to);
    keys_ = Keys({"d"});
    epoch_ = 2;
    attest(next());
    expect_finding("before its time");
}

TEST_F(Audit, AnEpochNobodyNamedIsFound) {
    epoch_ = 2;
    attest(next());
    expect_finding("names signer epoch 2, in force is 1");
}

TEST_F(Audit, SignersGivenTwiceAndInAnyOrderAreOneSet) {
    attest(next());
    std::vector<Address> signers = genesis_keys_.addresses;
    std::reverse(signers.begin(), signers.end());
    signers.push_back(signers.front());
    EXPECT_TRUE(audit(test_network(), log_, signers, 2).findings.empty());
}

}  // namespace
}  // namespace margrave::attest
