// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "core/words.hpp"
#include "oracle/sources/pyth.hpp"
#include "tests/support/loop.hpp"
#include "tests/unit/oracle/source_probe.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

// What the contract that Pyth has on Etherlink mainnet returned to getPriceUnsafe on 21 September
// 2026, asked about once a minute by somebody else: the four words of each reply as numbers, and
// the second of the call. Recorded by StableTechnologies/TezFin (TezFinBuild/pyth_onchain_samples,
// written by measure_pyth_confidence.js, which takes a reply of exactly 128 bytes only).
namespace margrave::oracle {
namespace {

constexpr std::string_view kBtcUsd =
    "0xe62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43";
constexpr std::string_view kUsdtUsd =
    "0x2b89b9dc8fdf9f34709a5b106b472f0f39bb6ca9ce04b0fd7f2e971688e2e53b";

struct Reply {
    std::string_view id;
    std::uint64_t asked_at;
    std::int64_t price;
    std::uint64_t conf;
    std::int64_t expo;
    std::uint64_t publish_time;
    // The price and its confidence as decimals, written by hand from the words.
    std::string_view decimal;
    std::string_view confidence;
};

// clang-format off
constexpr std::array kReplies{
    Reply{kBtcUsd, 1'789'985'819, 8'455'000'417'364, 1'000'582'636, -8, 1'789'985'816, "84550.00417364", "10.00582636"},
    Reply{kBtcUsd, 1'789'986'600, 8'437'576'308'425, 1'198'691'569, -8, 1'789'986'554, "84375.76308425", "11.98691569"},
    Reply{kBtcUsd, 1'789'986'721, 8'437'576'308'425, 1'198'691'569, -8, 1'789'986'554, "84375.76308425", "11.98691569"},
    Reply{kBtcUsd, 1'789'988'881, 8'450'027'649'364, 455'021'526, -8, 1'789'988'870, "84500.27649364", "4.55021526"},
    Reply{kBtcUsd, 1'789'991'521, 8'485'522'615'258, 2'477'884'742, -8, 1'789'991'489, "84855.22615258", "24.77884742"},
    Reply{kBtcUsd, 1'789'991'761, 8'485'522'615'258, 2'477'884'742, -8, 1'789'991'489, "84855.22615258", "24.77884742"},
    Reply{kUsdtUsd, 1'789'985'819, 99'977'089, 9'025, -8, 1'789'985'816, "0.99977089", "0.00009025"},
    Reply{kUsdtUsd, 1'789'992'181, 99'964'232, 13'138, -8, 1'789'992'174, "0.99964232", "0.00013138"},
    Reply{kUsdtUsd, 1'789'995'002, 99'973'500, 4'000, -8, 1'789'994'963, "0.999735", "0.00004"},
};

// clang-format on

Bytes words_of(const Reply& reply) {
    return WordWriter()
        .money(Money::from_e18(reply.price))
        .uint(reply.conf)
        .money(Money::from_e18(reply.expo))
        .uint(reply.publish_time)
        .bytes();
}

class PythRecorded : public ::testing::Test {
  protected:
    PythRecorded() { heads.emplace(chain, BlockRef{BlockNum{7}, block, Hash32{}, UnixSeconds{1}}); }

    [[nodiscard]] CallAt contract(const Reply& reply) const {
        return [this, reply](ChainId on, Address to, Bytes data, Hash32 at) {
            EXPECT_EQ(on, chain);
            EXPECT_EQ(to, address);
            EXPECT_EQ(at, block);
            EXPECT_EQ(to_hex(data), "0x96834ad3" + std::string(reply.id.substr(2)));
            return answered(words_of(reply));
        };
    }

    [[nodiscard]] SourceSettings source(const Reply& reply) const {
        return settings_of(
            "pyth",
            {{"chain", "eip155:42793"}, {"address", to_hex(address)}, {"id", std::string(reply.id)}}
        );
    }

    [[nodiscard]] AssetOracleSettings asset(const Reply& reply) const {
        AssetOracleSettings out;
        out.name = "recorded";
        out.assets = {AssetId::erc20(chain, Address{})};
        out.sources = {source(reply)};
        out.price_min = Money::parse("0.9").value();
        out.price_max = Money::whole(1'000'000);
        return out;
    }

    PriceRow judged(const Reply& reply, const AssetOracleSettings& settings) {
        Oracle oracle({settings}, contract(reply));
        const PriceSet set = loop.run(oracle.read(heads, UnixSeconds{reply.asked_at}));
        EXPECT_EQ(set.rows.size(), 1U);
        return set.rows.at(0);
    }

    static Task<Result<Bytes>> answered(Bytes returned) { co_return returned; }

    tests::Loop loop;
    ChainId chain{ChainId::evm(42'793)};
    Address address{parse_address("0x2880aB155794e7179c9eE2e38200202908C17B43").value()};
    Hash32 block{keccak256(std::string_view("a block"))};
    Heads heads;
};

TEST_F(PythRecorded, EachReplyIsReadToTheLastDigit) {
    for (const Reply& reply : kReplies) {
        auto made = make_source(source(reply), contract(reply));
        ASSERT_TRUE(made.has_value());
        const Answer answer = loop.run(made.value()->read(heads, UnixSeconds{reply.asked_at}));
        ASSERT_TRUE(answer.price.has_value()) << answer.error;
        EXPECT_EQ(answer.price->to_decimal(), reply.decimal);
        ASSERT_TRUE(answer.confidence.has_value());
        EXPECT_EQ(answer.confidence->to_decimal(), reply.confidence);
        EXPECT_EQ(answer.published_at, UnixSeconds{reply.publish_time});
    }
}

// Nobody brought a price for up to 272 seconds; the contract hands out the old one all the same.
TEST_F(PythRecorded, WhatNobodyBroughtAnewIsStale) {
    unsigned usable = 0;
    for (const Reply& reply : kReplies) {
        const std::uint64_t age = reply.asked_at - reply.publish_time;
        const PriceVerdict verdict = judged(reply, asset(reply)).verdict;
        EXPECT_EQ(verdict, age <= 60 ? PriceVerdict::kUsable : PriceVerdict::kStale) << age;
        usable += verdict == PriceVerdict::kUsable ? 1 : 0;
    }
    EXPECT_EQ(usable, kReplies.size() - 2);
}

// Its widest band here was 2.92 parts in ten thousand of the price.
TEST_F(PythRecorded, ItsConfidenceIsHeldAgainstTheLimit) {
    const Reply& unsure = kReplies[4];
    AssetOracleSettings settings = asset(unsure);
    settings.max_confidence = Money::parse("0.0003").value();
    EXPECT_EQ(judged(unsure, settings).verdict, PriceVerdict::kUsable);
    settings.max_confidence = Money::parse("0.00029").value();
    EXPECT_NE(judged(unsure, settings).verdict, PriceVerdict::kUsable);
}

}  // namespace
}  // namespace margrave::oracle
