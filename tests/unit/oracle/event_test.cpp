// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "core/words.hpp"
#include "oracle/kinds.hpp"
#include "tests/unit/oracle/source_probe.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace margrave::oracle {
namespace {

constexpr std::string_view kAggregator = "0x7d4e742018fb52e48b08be73d041c18b21de6fb5";
constexpr UnixSeconds kTold{1'764'000'000};
constexpr UnixSeconds kAsked{1'764'000'100};

Canonical::Object event_settings(std::uint64_t decimals = 8) {
    return {
        {"chain", "eip155:1"},
        {"watch", "eth-usd"},
        {"address", std::string(kAggregator)},
        {"decimals", std::to_string(decimals)}};
}

Heads heads_of_event() {
    const BlockRef head{BlockNum{7}, keccak256("block 7"), keccak256("6"), UnixSeconds{50}};
    return {{ChainId::evm(1), head}};
}

ToldPrice told_price(const Amount& answer, UnixSeconds time = kTold) {
    ToldPrice out;
    out.price = {answer, time};
    out.block = BlockNum{5};
    out.block_hash = keccak256("block 5");
    out.txn_hash = keccak256("txn");
    out.log_index = 3;
    return out;
}

Task<Result<Bytes>> words_or_error(Result<Bytes> result) {
    co_return result;
}

class EventSource : public testing::Test {
  protected:
    Answer read(std::uint64_t decimals = 8) {
        const ToldAt told_at = [this](
                                   const ChainId& chain,
                                   const Hash32& watch,
                                   const Address& emitter,
                                   const BlockRef& block
                               ) {
            EXPECT_EQ(chain, ChainId::evm(1));
            EXPECT_EQ(watch, keccak256("eth-usd"));
            EXPECT_EQ(to_hex(emitter), kAggregator);
            EXPECT_EQ(block, heads_of_event().at(ChainId::evm(1)));
            return told_;
        };
        auto made = make_source(settings_of("event", event_settings(decimals)), {{}, told_at});
        EXPECT_TRUE(made) << made.error().detail;
        const Heads heads = heads_of_event();
        return loop_.run(made.value()->read(heads, kAsked));
    }

    Result<void> probe(const Result<Bytes>& decimals) {
        const CallAt call_at = [&decimals](ChainId, Address, Bytes, Hash32) {
            return words_or_error(decimals);
        };
        auto made = make_source(settings_of("event", event_settings()), call_at);
        EXPECT_TRUE(made) << made.error().detail;
        const Heads heads = heads_of_event();
        return loop_.run(made.value()->probe(heads));
    }

    tests::Loop loop_;
    Result<std::optional<ToldPrice>> told_{std::optional<ToldPrice>{}};
};

TEST_F(EventSource, TellsWhatWasToldLastAndWhereAnybodyFindsIt) {
    told_ = std::optional(told_price(Amount{300'012'345'678}));
    const Answer answer = read();
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(*answer.price, Money::parse("3000.12345678").value());
    EXPECT_EQ(answer.published_at, kTold);
    EXPECT_EQ(answer.origin, "eip155:1:" + std::string(kAggregator));
    EXPECT_EQ(answer.chain, ChainId::evm(1));
    EXPECT_EQ(answer.block, keccak256("block 7"));
    EXPECT_EQ(
        answer.round,
        "log 3 of " + to_hex(keccak256("txn")) + " in block 5 " + to_hex(keccak256("block 5"))
    );
}

TEST_F(EventSource, ScalesByTheDecimalsOfTheConfigAndRoundsDown) {
    told_ = std::optional(told_price(Amount{1'999}));
    EXPECT_EQ(read(0).price, Money::whole(1'999));
    EXPECT_EQ(read(21).price, Money::from_e18(1));
    told_ = std::optional(told_price(Amount::max()));
    EXPECT_EQ(read(0).price, std::nullopt);
    EXPECT_NE(read(0).error, "");
}

TEST_F(EventSource, WhatIsNoPriceIsNone) {
    EXPECT_EQ(read().price, std::nullopt);
    EXPECT_EQ(read().error, "watch \"eth-usd\" has heard no price up to block 7");
    told_ = std::optional(told_price(Amount{}));
    EXPECT_EQ(read().price, std::nullopt);
    EXPECT_EQ(read().error, "the event told no price above zero");
    EXPECT_NE(read().round, "") << "an auditor is shown the log that is no price";
    told_ = std::optional(told_price(Amount{1}, UnixSeconds{0}));
    EXPECT_EQ(read().error, "the event told no time: 0");
    told_ = std::optional(told_price(Amount{1}, UnixSeconds{~std::uint64_t{0}}));
    EXPECT_EQ(read().error, "the event told no time: 18446744073709551615");
    told_ = fail(Errc::kNotFound, "the ledger has no block 7");
    EXPECT_EQ(read().price, std::nullopt);
    EXPECT_EQ(read().error, "the ledger has no block 7");
}

TEST_F(EventSource, WithoutABlockOrALedgerItSaysSo) {
    auto made = make_source(settings_of("event", event_settings()), {});
    ASSERT_TRUE(made);
    const Heads none;
    EXPECT_EQ(loop_.run(made.value()->read(none, kAsked)).error, "no block of eip155:1 to read at");
    const Heads heads = heads_of_event();
    EXPECT_NE(
        loop_.run(made.value()->read(heads, kAsked)).error.find("no ledger"), std::string::npos
    );
}

// The guards are those of every source: age, future, bounds, and the median of makers.
TEST_F(EventSource, IsGuardedAsEverySourceIs) {
    AssetOracleSettings asset;
    asset.name = "eth";
    asset.assets = {AssetId::native(ChainId::evm(1))};
    asset.max_age_s = 100;
    asset.price_min = Money::whole(100);
    asset.price_max = Money::whole(10'000);
    asset.max_spread = Money::parse("0.01").value();
    asset.sources = {
        settings_of("event", event_settings()), fixed_source("a", Money::whole(3'000))};
    asset.min_sources = 2;
    const auto judged = [&](const Amount& answer, UnixSeconds time) {
        told_ = std::optional(told_price(answer, time));
        const ToldAt told_at = [this](const auto&, const auto&, const auto&, const auto&) {
            return told_;
        };
        Oracle oracle({asset}, Reach({}, told_at));
        return loop_.run(oracle.read(heads_of_event(), kAsked));
    };
    const Amount good{301'000'000'000};
    EXPECT_EQ(judged(good, kTold).rows.at(0).verdict, PriceVerdict::kUsable);
    EXPECT_EQ(judged(good, kTold).rows.at(0).price, Money::whole(3'000));
    const UnixSeconds old{kTold.value - 1};
    EXPECT_NE(judged(good, old).rows.at(0).verdict, PriceVerdict::kUsable);
    const UnixSeconds late{kAsked.value + 61};
    EXPECT_NE(judged(good, late).rows.at(0).verdict, PriceVerdict::kUsable);
    EXPECT_NE(judged(Amount{99}, kTold).rows.at(0).verdict, PriceVerdict::kUsable);
    const Amount far{400'000'000'000};
    EXPECT_NE(judged(far, kTold).rows.at(0).verdict, PriceVerdict::kUsable);
}

TEST_F(EventSource, AFeedOnTheSameContractIsTheSameMaker) {
    const auto event = settings_of("event", event_settings());
    const auto feed = feed_source("feed", ChainId::evm(1), parse_address(kAggregator).value());
    EXPECT_EQ(maker_of(event), maker_of(feed));
}

TEST_F(EventSource, ItsContractsOwnDecimalsAreHeldAgainstTheConfig) {
    EXPECT_TRUE(probe(WordWriter().uint(8).bytes()));
    EXPECT_TRUE(probe(fail(Errc::kReverted, "no such view")));
    EXPECT_TRUE(probe(Bytes{}));
    const auto wrong = probe(WordWriter().uint(18).bytes());
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::kConfig);
    EXPECT_NE(
        wrong.error().detail.find("18 decimals by its own word, and 8 by the config"),
        std::string::npos
    );
}

TEST_F(EventSource, SettingsThatLackSomethingMakeNone) {
    for (const char* key : {"chain", "watch", "address", "decimals"}) {
        Canonical::Object settings = event_settings();
        settings.erase(key);
        const auto made = make_source(settings_of("event", std::move(settings)), {});
        ASSERT_FALSE(made) << key;
        EXPECT_EQ(made.error().code, Errc::kConfig);
    }
}

}  // namespace
}  // namespace margrave::oracle
