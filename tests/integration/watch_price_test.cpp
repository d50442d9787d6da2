// SPDX-License-Identifier: Apache-2.0
#include "oracle/source.hpp"
#include "tests/integration/watch_world.hpp"
#include "tests/support/loop.hpp"

#include <gtest/gtest.h>

#include <filesystem>

// A contract that tells its price by Chainlink's event: by the mapping into the ledger, out of it
// by the price source as the daemon reads it, and held against what the contract itself says.
namespace margrave::tests {
namespace {

using chains::evm::abi::Value;

constexpr std::uint64_t kDollar = 100'000'000;

class ToldPriceOnAnvil : public testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        world_ = std::make_unique<WatchWorld>();
        feed_ = make_feed();
        // Names the chain; nothing of it is watched.
        world_->define(Address{}, 18);
        chain_ = world_->ledger().ledgers().at(0).asset.chain();
        chains::WatchEventSettings event;
        event.event =
            "event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 "
            "updatedAt)";
        event.meaning = chains::Meaning::kPrice;
        event.price = "current";
        event.time = "updatedAt";
        chains::WatchSettings watch;
        watch.name = "eth-usd";
        watch.contract = feed_;
        watch.events.push_back(event);
        world_->watch({watch});
        make_source();
    }

    virtual Address make_feed() {
        return world_->create(
            "LocalFeed",
            "(uint8,string,int256)",
            {Value(std::uint64_t{8}), Value(to_bytes("ETH / USD")), Value(3'000 * kDollar)}
        );
    }

    void make_source() {
        oracle::SourceSettings settings;
        settings.name = "told";
        settings.kind = "event";
        settings.settings = Canonical::Object{
            {"address", to_hex(feed_)},
            {"chain", chain_.text()},
            {"decimals", "8"},
            {"watch", "eth-usd"}};
        const oracle::ToldAt told_at =
            [this](const ChainId& on, const Hash32& watch, const Address& by, const BlockRef& at) {
                return world_->ledger().told_price(on, watch, by, at);
            };
        auto made = oracle::make_source(settings, oracle::Reach({}, told_at));
        ASSERT_TRUE(made) << made.error().detail;
        source_ = std::move(made).value();
    }

    [[nodiscard]] Amount said(std::size_t word) {
        return Amount::from_word(world_->read_word(feed_, "latestRoundData()", {}, word));
    }

    oracle::Answer ask() {
        const oracle::Heads heads{{chain_, *world_->ledger().chain_state(chain_).head}};
        const UnixSeconds now = heads.at(chain_).time;
        return loop_.run(source_->read(heads, now));
    }

    void expect_price(std::uint64_t dollars) {
        const oracle::Answer answer = ask();
        EXPECT_EQ(answer.price, Money::whole(static_cast<std::int64_t>(dollars))) << answer.error;
        EXPECT_EQ(said(1), Amount(dollars * kDollar));
        EXPECT_EQ(said(3), Amount(answer.published_at.value));
    }

    Loop loop_;
    std::unique_ptr<WatchWorld> world_;
    Address feed_;
    ChainId chain_;
    std::unique_ptr<oracle::Source> source_;
};

TEST_F(ToldPriceOnAnvil, IsWhatTheLastEventUpToTheHeadToldAlsoAfterAReorg) {
    world_->follow();
    expect_price(3'000);
    world_->send(world_->person(1), feed_, "set(int256)", {Value(2'900 * kDollar)});
    world_->send(
        world_->person(1),
        feed_,
        "setAt(int256,uint256)",
        {Value(2'800 * kDollar), Value(std::uint64_t{77})}
    );
    world_->follow();
    expect_price(2'800);
    EXPECT_EQ(world_->mapped_events(), 3U);
    // The last block never was; then neither was the other.
    world_->reorg(1);
    world_->follow();
    expect_price(2'900);
    world_->reorg(2);
    world_->follow();
    expect_price(3'000);
    const auto verified = world_->ledger().verify();
    EXPECT_TRUE(verified.has_value()) << verified.error().detail;
}

// Chainlink's own aggregator, as it published it: the median of what its oracles submit, told again
// with each of them.
class AggregatorOnAnvil : public ToldPriceOnAnvil {
  protected:
    static constexpr std::size_t kOracles = 3;

    Address make_feed() override {
        const auto artifact = std::filesystem::path(MARGRAVE_SOURCE_DIR) / "contracts" /
                              "node_modules" / "chainlink-contracts-v0.1" / "abi" / "v0.6" /
                              "AccessControlledAggregator.json";
        const Address made = world_->create(
            WatchWorld::bytecode(artifact),
            "(address,uint128,uint32,address,int256,int256,uint8,string)",
            {Value(Address{}),
             Value(std::uint64_t{0}),
             Value(std::uint64_t{3'600}),
             Value(Address{}),
             Value(kDollar),
             Value(10'000 * kDollar),
             Value(std::uint64_t{8}),
             Value(to_bytes("ETH / USD"))}
        );
        WatchWorld::Values oracles;
        for (std::size_t i = 0; i < kOracles; ++i) {
            oracles.emplace_back(world_->person(i));
        }
        world_->send(
            world_->person(0),
            made,
            "changeOracles(address[],address[],address[],uint32,uint32,uint32)",
            {Value(WatchWorld::Values{}),
             Value(oracles),
             Value(oracles),
             Value(std::uint64_t{2}),
             Value(std::uint64_t{kOracles}),
             Value(std::uint64_t{0})}
        );
        return made;
    }

    void submit(std::size_t from, std::uint64_t dollars) {
        world_->send(
            world_->person(from),
            feed_,
            "submit(uint256,int256)",
            {Value(std::uint64_t{1}), Value(dollars * kDollar)}
        );
    }
};

TEST_F(AggregatorOnAnvil, IsTheMedianThatChainlinksAggregatorTold) {
    submit(0, 2'999);
    world_->follow();
    EXPECT_FALSE(ask().price.has_value());
    submit(1, 3'001);
    world_->follow();
    expect_price(3'000);
    submit(2, 3'100);
    world_->follow();
    expect_price(3'001);
    EXPECT_EQ(world_->mapped_events(), 2U);
    world_->reorg(1);
    world_->follow();
    expect_price(3'000);
    const auto verified = world_->ledger().verify();
    EXPECT_TRUE(verified.has_value()) << verified.error().detail;
}

}  // namespace
}  // namespace margrave::tests
