// SPDX-License-Identifier: Apache-2.0
#include "relayer/chain_board.hpp"

#include "infra/log.hpp"
#include "store/database.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace margrave::relayer {
namespace {

class ChainBoardTest : public ::testing::Test {
  protected:
    ChainBoardTest() {
        infra::LogOptions options;
        options.format = infra::LogOptions::Format::kJson;
        options.write = [this](const std::string& line) {
            lines_.push_back(line);
        };
        sink_ = infra::LogSink::open(std::move(options)).value();
        board_ = std::make_unique<ChainBoard>(
            std::vector<ChainId>{one_, two_},
            std::chrono::seconds(20),
            UnixSeconds{1'000},
            sink_->logger("chains")
        );
    }

    [[nodiscard]] static chains::Agreement agreed() { return {2, 2, {}}; }

    [[nodiscard]] static chains::Agreement lost() { return {2, 1, "node-b does not answer"}; }

    std::size_t said(const std::string& words) {
        sink_->flush();
        return static_cast<std::size_t>(std::ranges::count_if(
            lines_,
            [&words](const std::string& line) { return line.find(words) != std::string::npos; }
        ));
    }

    void pass(std::uint64_t at) { board_->passed(one_, agreed(), UnixSeconds{at}); }

    void fail_at(std::uint64_t at) {
        board_->failed(one_, agreed(), "took longer than 5000 ms", UnixSeconds{at});
    }

    ChainId one_{ChainId::evm(1)};
    ChainId two_{ChainId::evm(10)};
    std::vector<std::string> lines_;
    std::unique_ptr<infra::LogSink> sink_;
    std::unique_ptr<ChainBoard> board_;
};

TEST_F(ChainBoardTest, AChainIsHeldUntilItWasSeenOnce) {
    EXPECT_NE(board_->held(one_).find("it was not asked yet (since 1000)"), std::string::npos);
    pass(1'001);
    EXPECT_EQ(board_->held(one_), "");
    EXPECT_NE(board_->held(two_), "");
    EXPECT_EQ(said("chain.agreement"), 0U);
}

TEST_F(ChainBoardTest, ALostAgreementHoldsAtOnceAndSaysWhoAndSinceWhen) {
    pass(1'001);
    board_->failed(one_, lost(), "too few operators", UnixSeconds{1'003});
    EXPECT_EQ(board_->held(one_), "eip155:1 is held: node-b does not answer (since 1001)");
    EXPECT_EQ(said("chain.agreement_lost"), 1U);
    EXPECT_EQ(said("\"level\":\"error\""), 1U);
    EXPECT_EQ(said("node-b does not answer"), 1U);
    board_->failed(one_, lost(), "too few operators", UnixSeconds{1'005});
    EXPECT_EQ(said("chain.agreement_lost"), 1U);
    pass(1'031);
    EXPECT_EQ(board_->held(one_), "");
    EXPECT_EQ(said("chain.agreement_regained"), 1U);
    EXPECT_EQ(said("\"after_s\":30"), 1U);
    EXPECT_EQ(board_->row(one_).alarms, 1U);
}

TEST_F(ChainBoardTest, AGoodStepWithALostAgreementHoldsToo) {
    board_->passed(one_, lost(), UnixSeconds{1'003});
    EXPECT_NE(board_->held(one_), "");
}

TEST_F(ChainBoardTest, ErrorsHoldOnlyAfterThePatienceAndWithoutANewStep) {
    pass(1'001);
    fail_at(1'006);
    board_->review(UnixSeconds{1'020});
    EXPECT_EQ(board_->held(one_), "");
    board_->review(UnixSeconds{1'021});
    EXPECT_EQ(board_->held(one_), "eip155:1 is held: took longer than 5000 ms (since 1001)");
    EXPECT_EQ(said("chain.agreement_lost"), 1U);
}

TEST_F(ChainBoardTest, AChainThatIsAskedRarelyIsNotHeldForIt) {
    pass(1'001);
    board_->review(UnixSeconds{1'500});
    EXPECT_EQ(board_->held(one_), "");
}

TEST_F(ChainBoardTest, AHaltIsNoAlarmOfAgreementAndResumeHoldsUntilAGoodStep) {
    pass(1'001);
    store::ChainStop stop;
    stop.chain = one_;
    stop.at = UnixSeconds{1'002};
    board_->halt(stop);
    EXPECT_TRUE(board_->is_halted(one_));
    EXPECT_EQ(board_->held(one_), "");
    EXPECT_EQ(board_->halted(), std::set<ChainId>{one_});
    board_->review(UnixSeconds{9'000});
    EXPECT_EQ(said("chain.agreement"), 0U);
    board_->resume(one_, UnixSeconds{9'000});
    EXPECT_FALSE(board_->is_halted(one_));
    EXPECT_NE(board_->held(one_), "");
    pass(9'002);
    EXPECT_EQ(board_->held(one_), "");
}

TEST_F(ChainBoardTest, AnAlarmThatFluttersIsCountedAndNotAllOfItSaid) {
    for (std::uint64_t at = 1'001; at < 1'041; at += 2) {
        pass(at);
        board_->failed(one_, lost(), "too few operators", UnixSeconds{at + 1});
    }
    EXPECT_EQ(board_->row(one_).alarms, 20U);
    EXPECT_LE(said("chain.agreement"), 4U);
}

}  // namespace
}  // namespace margrave::relayer
