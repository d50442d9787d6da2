// SPDX-License-Identifier: Apache-2.0
#include "relayer/silence.hpp"

#include "core/keccak.hpp"

#include <gtest/gtest.h>

namespace margrave::relayer {
namespace {

using std::chrono::seconds;

const ChainId kChain = ChainId::evm(1);
const ChainId kOther = ChainId::evm(10);
const Hash32 kMine = keccak256("mine");
const Hash32 kTheirs = keccak256("theirs");
const Silence::Time kStart{seconds(1000)};

Silence of(seconds length) {
    return {length, kStart, {RoundNum{7}, kMine}};
}

TEST(Silence, EndsWithTheFirstWordAfterItsTime) {
    Silence silence = of(seconds(30));
    EXPECT_EQ(silence.words(kStart), "30 s left");
    EXPECT_TRUE(silence.hear(kChain, RoundNum{7}, kMine, kStart + seconds(29)));
    EXPECT_FALSE(silence.is_over());
    EXPECT_EQ(silence.words(kStart + seconds(29)), "1 s left");
    // Time alone is not enough: nobody has told of a second signer, and nobody could have.
    EXPECT_FALSE(silence.is_over());
    EXPECT_EQ(silence.words(kStart + seconds(90)), "waits for a registry to answer");
    EXPECT_TRUE(silence.hear(kOther, RoundNum{3}, kTheirs, kStart + seconds(91)));
    EXPECT_TRUE(silence.is_over());
    EXPECT_EQ(silence.words(kStart + seconds(91)), "over");
}

TEST(Silence, ARoundOfASecondSignerIsUnsafe) {
    Silence silence = of(seconds(30));
    const auto newer = silence.hear(kChain, RoundNum{8}, kTheirs, kStart + seconds(5));
    ASSERT_FALSE(newer.has_value());
    EXPECT_EQ(newer.error().code, Errc::kUnsafe);
    EXPECT_NE(
        newer.error().detail.find("has round 8 but this data directory ends at round 7"),
        std::string::npos
    );
    const auto other = silence.hear(kChain, RoundNum{7}, kTheirs, kStart + seconds(31));
    ASSERT_FALSE(other.has_value());
    EXPECT_EQ(other.error().code, Errc::kUnsafe);
    EXPECT_NE(other.error().detail.find("another digest for round 7"), std::string::npos);
    EXPECT_FALSE(silence.is_over());
}

TEST(Silence, IsOffOnlyWithoutLength) {
    EXPECT_TRUE(of(seconds(0)).is_over());
    EXPECT_EQ(of(seconds(0)).words(kStart), "off");
    EXPECT_FALSE(of(seconds(1)).is_over());
}

TEST(Silence, ARegistryThatIsBehindIsFine) {
    EXPECT_TRUE(check_registry(kChain, RoundNum{6}, kTheirs, {RoundNum{7}, kMine}));
    EXPECT_TRUE(check_registry(kChain, RoundNum{7}, Hash32{}, {RoundNum{7}, kMine}));
    EXPECT_TRUE(check_registry(kChain, RoundNum{0}, Hash32{}, {RoundNum{0}, Hash32{}}));
    EXPECT_FALSE(check_registry(kChain, RoundNum{1}, kTheirs, {RoundNum{0}, Hash32{}}));
}

}  // namespace
}  // namespace margrave::relayer
