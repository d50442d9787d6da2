// SPDX-License-Identifier: Apache-2.0
#include "relayer/custody.hpp"

#include "core/keccak.hpp"
#include "relayer/custody_proof.hpp"

#include <gtest/gtest.h>

#include <set>

// The rules of docs/ledger.md section 14, without a node.
namespace margrave::relayer::tests {
namespace {

using attest::CustodyRow;
using attest::CustodyState;
using attest::CustodyVerdict;
using attest::Reconciliation;

const ChainId kChain = ChainId::evm(1);
const AssetId kCoin = AssetId::native(kChain);
const AssetId kToken = AssetId::erc20(kChain, low_address(keccak256("token")));

/// What the vault holds beyond what the ledger says of 1000; absent: nobody could say.
using Beyond = std::optional<std::int64_t>;

CustodyRow row(const AssetId& asset, Beyond beyond) {
    CustodyRow out;
    out.asset = asset;
    out.booked = Amount{1'000};
    if (beyond) {
        out.held = Amount{static_cast<std::uint64_t>(1'000 + *beyond)};
    } else {
        out.why = "pruned";
    }
    return out;
}

Reconciliation reading(std::uint64_t block, Beyond coin, Beyond token = 0) {
    Reconciliation out;
    out.chain = kChain;
    out.block.number = BlockNum{block};
    out.rows = {row(kToken, token), row(kCoin, coin)};
    return out;
}

/// Takes readings as Reconciler does, without a log.
struct Chain {
    config::ReconciliationSettings rules;
    CustodyStanding now;

    CustodyState take(const Reconciliation& what) {
        now = judge_custody(now, what, rules);
        now.anchored = what.block.number;
        return now.state;
    }
};

TEST(Custody, ADeficitIsSuspectedAtOnceAndConfirmedByTheNextBlock) {
    Chain chain;
    EXPECT_EQ(chain.take(reading(10, 0)), CustodyState::kClear);
    EXPECT_EQ(chain.take(reading(11, -1)), CustodyState::kSuspected);
    EXPECT_TRUE(doubt_of(chain.now, chain.rules).has_value());
    EXPECT_EQ(chain.take(reading(12, -1)), CustodyState::kDeficit);
    EXPECT_EQ(
        chain.now.reason,
        "the vault on eip155:1 holds 999 of eip155:1/slip44:60 at block 12, the ledger says 1000"
    );
}

TEST(Custody, OneReadingThatLacksNothingEndsASuspicion) {
    Chain chain;
    chain.take(reading(11, -1));
    EXPECT_EQ(chain.take(reading(12, 0)), CustodyState::kClear);
    EXPECT_EQ(doubt_of(chain.now, chain.rules), std::nullopt);
    EXPECT_EQ(chain.take(reading(13, -1)), CustodyState::kSuspected) << "readings must follow on";
}

TEST(Custody, TheSameBlockAgainConfirmsNothingAndClearsNothing) {
    Chain chain;
    chain.take(reading(11, -1));
    EXPECT_EQ(chain.take(reading(11, -1)), CustodyState::kSuspected);
    EXPECT_EQ(chain.take(reading(10, -1)), CustodyState::kSuspected);
    EXPECT_EQ(chain.take(reading(11, 0)), CustodyState::kSuspected);
}

TEST(Custody, ADeficitEndsAfterSoManyReadingsOneAfterTheOther) {
    Chain chain;
    chain.take(reading(11, -1));
    chain.take(reading(12, -1));
    EXPECT_EQ(chain.take(reading(13, 0)), CustodyState::kDeficit);
    EXPECT_EQ(chain.take(reading(14, 0)), CustodyState::kDeficit);
    EXPECT_NE(doubt_of(chain.now, chain.rules)->find("2 of 3"), std::string::npos);
    EXPECT_EQ(chain.take(reading(15, -1)), CustodyState::kDeficit);
    EXPECT_EQ(chain.now.readings, 0U) << "it begins again";
    for (std::uint64_t block = 16; block < 18; ++block) {
        EXPECT_EQ(chain.take(reading(block, 0)), CustodyState::kDeficit);
    }
    EXPECT_EQ(chain.take(reading(18, 0)), CustodyState::kClear);
    EXPECT_TRUE(chain.now.reason.empty());
}

TEST(Custody, UnableIsNeitherADeficitNorCovered) {
    Chain chain;
    for (std::uint64_t block = 10; block < 20; ++block) {
        EXPECT_EQ(chain.take(reading(block, std::nullopt)), CustodyState::kClear);
    }
    chain.take(reading(20, -1));
    EXPECT_EQ(chain.take(reading(21, std::nullopt)), CustodyState::kSuspected);
    EXPECT_EQ(chain.take(reading(22, -1)), CustodyState::kDeficit);
    for (std::uint64_t block = 23; block < 33; ++block) {
        EXPECT_EQ(chain.take(reading(block, std::nullopt, 0)), CustodyState::kDeficit);
    }
    EXPECT_EQ(chain.now.readings, 0U);
}

TEST(Custody, WhatIsMissingInOneLedgerIsADeficitWhateverIsKnownOfTheOther) {
    Chain chain;
    EXPECT_EQ(chain.take(reading(10, -1, std::nullopt)), CustodyState::kSuspected);
    EXPECT_EQ(reading(10, std::nullopt, 0).verdict(), CustodyVerdict::kUnable);
    EXPECT_EQ(reading(10, std::nullopt, -1).verdict(), CustodyVerdict::kDiffers);
    EXPECT_EQ(reading(10, 0, 0).verdict(), CustodyVerdict::kMatch);
}

TEST(Custody, ASurplusIsUnattributedAndMakesUpForNothing) {
    Chain chain;
    EXPECT_EQ(chain.take(reading(10, 7)), CustodyState::kClear);
    EXPECT_EQ(chain.now.unattributed, (std::map<AssetId, Amount>{{kCoin, Amount{7}}}));
    EXPECT_EQ(chain.take(reading(11, 500, -1)), CustodyState::kSuspected);
    EXPECT_EQ(chain.take(reading(12, 0)), CustodyState::kClear);
    EXPECT_TRUE(chain.now.unattributed.empty());
}

// THORNode #1233: reports made by a timer were of different heights, so they never agreed.
TEST(CustodyWrongWays, TwoOperatorsThatPollAtDifferentTimesLogTheSameBlocks) {
    const auto logged = [](std::uint64_t step, std::uint64_t first) {
        CustodyStanding standing;
        standing.anchored = BlockNum{100};
        std::set<std::uint64_t> out;
        for (std::uint64_t final = first; final <= 1'000; final += step) {
            // The vault moves at each block that 37 divides.
            const BlockNum moved{final - final % 37};
            for (const BlockNum block : custody_anchors(standing, BlockNum{final}, moved, 50)) {
                out.insert(block.value);
                standing.anchored = block;
            }
        }
        return out;
    };
    const auto one = logged(1, 101);
    const auto other = logged(32, 120);
    for (const std::uint64_t block : other) {
        EXPECT_TRUE(one.contains(block)) << block;
        EXPECT_TRUE(block % 50 == 0 || block % 37 == 0) << block;
    }
    for (std::uint64_t block = 150; block <= 900; block += 50) {
        EXPECT_TRUE(other.contains(block)) << block;
    }
}

// THORNode !4469: one solvent vault lifted another one's halt.
TEST(CustodyWrongWays, OneLedgerThatIsCoveredDoesNotLiftTheDoubtOfAnother) {
    Chain chain;
    chain.take(reading(10, -5, -5));
    chain.take(reading(11, -5, -5));
    for (std::uint64_t block = 12; block < 20; ++block) {
        EXPECT_EQ(chain.take(reading(block, 1'000, -5)), CustodyState::kDeficit);
    }
    EXPECT_EQ(chain.now.readings, 0U);
}

// THORNode #1331: telling every reading hides the one that matters.
TEST(CustodyWrongWays, WhatDoesNotChangeIsLoggedAtAnchorsOnly) {
    Chain chain;
    chain.take(reading(10, 7));
    const CustodyStanding before = chain.now;
    const auto worth = [&](const Reconciliation& what, bool anchor) {
        return is_worth_a_leaf(before, judge_custody(before, what, chain.rules), what, anchor);
    };
    EXPECT_FALSE(worth(reading(11, 7), false));
    EXPECT_TRUE(worth(reading(11, 7), true));
    EXPECT_TRUE(worth(reading(11, 8), false)) << "the surplus grew";
    EXPECT_TRUE(worth(reading(11, -1), false));
    EXPECT_TRUE(worth(reading(11, std::nullopt), false));
    // A node that stays silent is told once, however often it is asked.
    chain.take(reading(11, std::nullopt));
    const CustodyStanding silent = chain.now;
    const Reconciliation again = reading(12, std::nullopt);
    EXPECT_FALSE(is_worth_a_leaf(silent, judge_custody(silent, again, chain.rules), again, true));
    const Reconciliation back = reading(12, 7);
    EXPECT_TRUE(is_worth_a_leaf(silent, judge_custody(silent, back, chain.rules), back, false));
}

TEST(Custody, AnchorsAreAboveWhatIsDone) {
    CustodyStanding standing;
    const std::optional<BlockNum> none;
    using Blocks = std::vector<BlockNum>;
    EXPECT_EQ(custody_anchors(standing, BlockNum{77}, none, 50), Blocks{BlockNum{77}});
    standing.anchored = BlockNum{77};
    EXPECT_TRUE(custody_anchors(standing, BlockNum{99}, BlockNum{60}, 50).empty());
    EXPECT_EQ(custody_anchors(standing, BlockNum{100}, none, 50), Blocks{BlockNum{100}});
    EXPECT_EQ(
        custody_anchors(standing, BlockNum{230}, BlockNum{222}, 50),
        (Blocks{BlockNum{200}, BlockNum{222}})
    );
    EXPECT_EQ(custody_anchors(standing, BlockNum{200}, BlockNum{200}, 50), Blocks{BlockNum{200}});
}

TEST(Custody, AStandingIsReadBack) {
    Chain chain;
    chain.take(reading(11, -1, 9));
    chain.take(reading(12, -1, 9));
    chain.now.stop = 4;
    EXPECT_EQ(parse_standing(standing_json(chain.now)).value(), chain.now);
    EXPECT_EQ(parse_standing(standing_json(CustodyStanding{})).value(), CustodyStanding{});
    EXPECT_FALSE(parse_standing(Canonical::Object{{"block", "1"}}).has_value());
}

TEST(Custody, ABalanceIsLookedForWhereLibrariesPutIt) {
    const auto places = balance_places(Address{});
    // keccak(abi(address(0), uint256(0))): `cast index address 0x0 0`.
    EXPECT_EQ(
        to_hex(places[2]), "0xad3228b676f7d3cd4284a5443f17f1962b36e491b30a40b2405849e597ba5fb5"
    );
    const std::set<Hash32> once(places.begin(), places.end());
    EXPECT_GE(once.size(), 50U - 1U);
}

}  // namespace
}  // namespace margrave::relayer::tests
