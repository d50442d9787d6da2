// SPDX-License-Identifier: Apache-2.0
#include "oracle/sequencer.hpp"

#include "core/words.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace margrave::oracle {
namespace {

Bytes round_of(std::uint64_t answer, std::uint64_t started_at) {
    return WordWriter().uint(7).uint(answer).uint(started_at).uint(started_at).uint(7).bytes();
}

const SequencerFeed kFeed{ChainId::evm(10), Address{}, 3'600};
constexpr UnixSeconds kNow{1'000'000};

std::string hold(std::uint64_t answer, std::uint64_t started_at) {
    return hold_of(kFeed, decode_sequencer(round_of(answer, started_at)), kNow);
}

TEST(Sequencer, UpForLongerThanTheGraceHoldsNothing) {
    EXPECT_EQ(hold(0, kNow.value - 3'601), "");
}

TEST(Sequencer, UpForTheGraceAndNoLongerHolds) {
    EXPECT_NE(hold(0, kNow.value - 3'600).find("is up again since"), std::string::npos);
    EXPECT_NE(hold(0, kNow.value).find("for 3600 s"), std::string::npos);
}

TEST(Sequencer, DownHoldsHoweverLong) {
    EXPECT_NE(hold(1, 1).find("eip155:10 is down since 1"), std::string::npos);
}

TEST(Sequencer, AStartInTheFutureIsOneOfNow) {
    EXPECT_NE(hold(0, kNow.value + 90'000).find("is up again"), std::string::npos);
}

TEST(Sequencer, WhatIsNoAnswerHolds) {
    EXPECT_NE(hold(2, 5).find("neither 0 nor 1"), std::string::npos);
    EXPECT_NE(hold(0, 0).find("has not begun"), std::string::npos);
    const Bytes empty;
    const std::string cut = hold_of(kFeed, decode_sequencer(empty), kNow);
    EXPECT_NE(cut.find("0 bytes instead of 160"), std::string::npos);
    const std::string failed = hold_of(kFeed, fail(Errc::kTimeout, "took 5000 ms"), kNow);
    EXPECT_NE(failed.find("is unknown: took 5000 ms"), std::string::npos);
}

}  // namespace
}  // namespace margrave::oracle
