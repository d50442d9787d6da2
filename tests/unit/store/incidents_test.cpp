// SPDX-License-Identifier: Apache-2.0
#include "store/incidents.hpp"

#include "tests/unit/store/fixture.hpp"

#include <utility>

namespace margrave::store::test {
namespace {

class IncidentsTest : public ::testing::Test {
  protected:
    IncidentsTest()
        : store_(dir_.path()) {}

    static ChainStop stop_of(const ChainId& chain) {
        ChainStop stop;
        stop.chain = chain;
        stop.at = UnixSeconds{1'000};
        stop.reason = "block 7 was final with another hash";
        stop.final = BlockRef{BlockNum{7}, word(7), word(6), UnixSeconds{900}};
        stop.after = RoundNum{41};
        return stop;
    }

    Result<void> halt(const ChainId& chain) {
        Decision decision;
        decision.leaves.push_back(to_bytes("halt " + std::to_string(++leaves_)));
        decision.stops.push_back(stop_of(chain));
        return store_.db().commit(decision);
    }

    Result<void> resume(const ChainId& chain) {
        Decision decision;
        decision.leaves.push_back(to_bytes("resume " + std::to_string(++leaves_)));
        decision.resumes.emplace_back(
            chain, ChainResume{UnixSeconds{2'000}, "it was the node", RoundNum{45}}
        );
        return store_.db().commit(decision);
    }

    [[nodiscard]] Incidents incidents() { return Incidents(store_.db()); }

    TempDir dir_;
    Store store_;
    ChainId one_{ChainId::evm(1)};
    ChainId two_{ChainId::evm(10)};
    std::uint64_t leaves_{0};
};

TEST_F(IncidentsTest, AStopOutlivesARestartAndIsOneChainsOnly) {
    STORE_OK(halt(one_));
    store_.reopen();
    auto open = STORE_OK(incidents().open_stop(one_));
    ASSERT_TRUE(open);
    ChainStop expected = stop_of(one_);
    expected.number = 1;
    EXPECT_EQ(*open, expected);
    EXPECT_FALSE(STORE_OK(incidents().open_stop(two_)));
}

TEST_F(IncidentsTest, AStopIsWrittenWithItsLeafOrNotAtAll) {
    STORE_OK(halt(one_));
    const std::uint64_t before = store_.db().leaf_count();
    EXPECT_CODE(halt(one_), Errc::kConflict);
    EXPECT_EQ(store_.db().leaf_count(), before);
    EXPECT_EQ(STORE_OK(incidents().stops(one_)).size(), 1U);
}

TEST_F(IncidentsTest, AnOperatorsWordEndsAStopAndStaysBesideIt) {
    EXPECT_CODE(resume(one_), Errc::kNotFound);
    STORE_OK(halt(one_));
    STORE_OK(resume(one_));
    EXPECT_CODE(resume(one_), Errc::kNotFound);
    store_.reopen();
    EXPECT_FALSE(STORE_OK(incidents().open_stop(one_)));
    STORE_OK(halt(one_));
    const auto stops = STORE_OK(incidents().stops(one_));
    ASSERT_EQ(stops.size(), 2U);
    EXPECT_EQ(stops[0].number, 2U);
    EXPECT_FALSE(stops[0].resumed);
    ASSERT_TRUE(stops[1].resumed);
    EXPECT_EQ(stops[1].resumed->reason, "it was the node");
}

TEST_F(IncidentsTest, TwoWordsOfOneChainInOneDecisionAreRefused) {
    Decision decision;
    decision.stops = {stop_of(one_), stop_of(one_)};
    EXPECT_CODE(store_.db().commit(decision), Errc::kInvalid);
}

TEST_F(IncidentsTest, ARoundRecordedAcrossTheStopMayCountEitherWay) {
    ChainStop stop = stop_of(one_);
    const auto covers = [&stop](std::uint64_t round) {
        return std::pair{stop.must_cover(RoundNum{round}), stop.may_cover(RoundNum{round})};
    };
    EXPECT_EQ(covers(41), std::pair(false, false));
    EXPECT_EQ(covers(42), std::pair(false, true));
    EXPECT_EQ(covers(43), std::pair(true, true));
    EXPECT_EQ(covers(9'000), std::pair(true, true));
    stop.resumed = ChainResume{UnixSeconds{2'000}, "word", RoundNum{45}};
    EXPECT_EQ(covers(45), std::pair(true, true));
    EXPECT_EQ(covers(46), std::pair(false, true));
    EXPECT_EQ(covers(47), std::pair(false, false));
}

SourceEvidence evidence(std::uint64_t n) {
    SourceEvidence row;
    row.at = UnixSeconds{n};
    row.endpoint = "node-" + std::to_string(n);
    row.operator_name = "provider";
    row.kind = "receipts";
    row.detail = "its receipts give another root";
    row.claim = "{\"claim\":" + std::to_string(n) + "}";
    return row;
}

TEST_F(IncidentsTest, EvidenceIsKeptInFullNewestFirst) {
    STORE_OK(incidents().add_evidence(one_, {evidence(1), evidence(2)}));
    STORE_OK(incidents().add_evidence(one_, {}));
    STORE_OK(incidents().add_evidence(one_, {evidence(3)}));
    store_.reopen();
    const auto rows = STORE_OK(incidents().evidence(one_, 2));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].number, 3U);
    EXPECT_EQ(rows[1].number, 2U);
    SourceEvidence first = evidence(1);
    first.number = 1;
    EXPECT_EQ(STORE_OK(incidents().evidence_row(one_, 1)), first);
    EXPECT_CODE(incidents().evidence_row(one_, 4), Errc::kNotFound);
    EXPECT_TRUE(STORE_OK(incidents().evidence(two_, 10)).empty());
}

TEST_F(IncidentsTest, ALongClaimIsCut) {
    SourceEvidence row = evidence(1);
    row.claim = std::string(Incidents::kClaimBytes + 1, 'x');
    STORE_OK(incidents().add_evidence(one_, {row}));
    EXPECT_EQ(STORE_OK(incidents().evidence_row(one_, 1)).claim.size(), Incidents::kClaimBytes);
}

TEST_F(IncidentsTest, TheOldestEvidenceMakesRoomAndIsCounted) {
    std::vector<SourceEvidence> rows;
    for (std::uint64_t n = 1; n <= Incidents::kKept; ++n) {
        rows.push_back(evidence(n));
    }
    STORE_OK(incidents().add_evidence(one_, rows));
    EXPECT_EQ(STORE_OK(incidents().evidence_count(one_)), (Incidents::Count{Incidents::kKept, 0}));
    STORE_OK(incidents().add_evidence(one_, {evidence(1), evidence(2), evidence(3)}));
    const Incidents::Count count = STORE_OK(incidents().evidence_count(one_));
    EXPECT_EQ(count, (Incidents::Count{Incidents::kKept + 3, 3}));
    EXPECT_CODE(incidents().evidence_row(one_, 3), Errc::kNotFound);
    EXPECT_EQ(STORE_OK(incidents().evidence_row(one_, 4)).endpoint, "node-4");
    EXPECT_EQ(STORE_OK(incidents().evidence(one_, SIZE_MAX)).size(), Incidents::kKept);
}

TEST_F(IncidentsTest, ReorgsAreKeptWithBothHeads) {
    ReorgRecord row;
    row.at = UnixSeconds{5};
    row.depth = 3;
    row.ancestor = BlockRef{BlockNum{10}, word(10), word(9), UnixSeconds{100}};
    row.old_head = BlockRef{BlockNum{13}, word(13), word(12), UnixSeconds{130}};
    row.new_head = BlockRef{BlockNum{14}, word(140), word(141), UnixSeconds{141}};
    STORE_OK(incidents().add_reorg(one_, row));
    STORE_OK(incidents().add_reorg(one_, row));
    store_.reopen();
    const auto rows = STORE_OK(incidents().reorgs(one_, 10));
    ASSERT_EQ(rows.size(), 2U);
    row.number = 1;
    EXPECT_EQ(rows[1], row);
    EXPECT_EQ(STORE_OK(incidents().reorg_count(one_)), (Incidents::Count{2, 0}));
}

}  // namespace
}  // namespace margrave::store::test
