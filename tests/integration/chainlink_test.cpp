// SPDX-License-Identifier: Apache-2.0
#include "core/amount.hpp"
#include "tests/integration/contract_calls.hpp"
#include "tests/integration/price_world.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

// Chainlink's own contracts, of the npm packages that it published: FluxAggregator with the access
// control that live aggregators have, the proxy in front of it, and the uptime feeds of sequencers.
// Driven by owners, oracles and messengers as on a live chain.
namespace margrave::tests {
namespace {

using chains::evm::abi::Value;
using oracle::Answer;

Money usd(std::string_view text) {
    return Money::parse(text).value();
}

class OnAnvil : public ::testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        world = std::make_unique<PriceWorld>();
    }

    // Bytecode as Chainlink compiled and published it.
    [[nodiscard]] Address published(
        const std::string& name, std::string_view constructor, const PriceWorld::Values& arguments
    ) const {
        const auto file =
            PriceWorld::package("chainlink-contracts-v0.1/abi/v0.6/" + name + ".json");
        return world->create(PriceWorld::bytecode(file), constructor, arguments);
    }

    std::unique_ptr<PriceWorld> world;
};

class ChainlinkFeeds : public OnAnvil {
  protected:
    static constexpr std::uint64_t kDollar = 100'000'000;
    static constexpr std::uint64_t kLeast = 100 * kDollar;
    static constexpr std::uint64_t kMost = 10'000 * kDollar;
    static constexpr std::size_t kOracles = 3;
    using Answers = std::array<std::uint64_t, kOracles>;

    [[nodiscard]] const Address& reporter(std::size_t number) const {
        return world->people().at(number + 1);
    }

    // Two of three oracles make a round, which times out after an hour. Nobody is paid.
    [[nodiscard]] Address aggregator(std::uint64_t least, std::uint64_t most) const {
        const Address made = published(
            "AccessControlledAggregator",
            "(address,uint128,uint32,address,int256,int256,uint8,string)",
            {Value(Address{}),
             Value(std::uint64_t{0}),
             Value(std::uint64_t{3'600}),
             Value(Address{}),
             Value(least),
             Value(most),
             Value(std::uint64_t{8}),
             Value(to_bytes("ETH / USD"))}
        );
        PriceWorld::Values oracles;
        for (std::size_t i = 0; i < kOracles; ++i) {
            oracles.emplace_back(reporter(i));
        }
        world->send(
            made,
            "changeOracles(address[],address[],address[],uint32,uint32,uint32)",
            {Value(PriceWorld::Values{}),
             Value(oracles),
             Value(oracles),
             Value(std::uint64_t{2}),
             Value(std::uint64_t{3}),
             Value(std::uint64_t{0})}
        );
        return made;
    }

    [[nodiscard]] Address proxy_of(const Address& aggregator) const {
        const Address proxy = published(
            "EACAggregatorProxy", "(address,address)", {Value(aggregator), Value(Address{})}
        );
        allow(aggregator, proxy);
        return proxy;
    }

    void allow(const Address& aggregator, const Address& reader) const {
        world->send(aggregator, "addAccess(address)", {Value(reader)});
    }

    void submit(
        const Address& aggregator, std::uint64_t round, std::size_t from, std::uint64_t answer
    ) const {
        world->send_as(
            reporter(from), aggregator, "submit(uint256,int256)", {Value(round), Value(answer)}
        );
    }

    void finish(const Address& aggregator, std::uint64_t round, const Answers& answers) const {
        for (std::size_t i = 0; i < kOracles; ++i) {
            submit(aggregator, round, i, answers.at(i));
        }
    }

    [[nodiscard]] std::unique_ptr<oracle::Source> source(const Address& feed) const {
        return world->source("feed", {{"address", to_hex(feed)}});
    }

    // What the guards make of the feed alone, within bounds that never matter here.
    [[nodiscard]] oracle::PriceSet guarded(const Address& feed) const {
        oracle::AssetOracleSettings asset;
        asset.name = "eth";
        asset.assets = {AssetId::erc20(ChainId::evm(1), Address{})};
        asset.sources = {oracle::feed_source("feed", world->chain(), feed)};
        asset.max_age_s = 3'600;
        asset.price_min = usd("1");
        asset.price_max = usd("1000000");
        asset.max_spread = usd("0.01");
        return world->prices({asset});
    }

    void expect_end(const Address& feed, std::string_view word) const {
        const auto set = guarded(feed);
        EXPECT_EQ(set.rows.at(0).verdict, PriceVerdict::kOutOfBounds);
        const std::string text = set.document.dump();
        EXPECT_NE(text.find(std::string(word) + " the feed can say"), std::string::npos) << text;
    }
};

TEST_F(ChainlinkFeeds, AProxyAnswersOutOfThePhaseThatItIsIn) {
    const Address first = aggregator(kLeast, kMost);
    const Address proxy = proxy_of(first);
    const auto feed = source(proxy);
    EXPECT_TRUE(world->probe(*feed).has_value());
    const Answer none = world->ask(*feed);
    EXPECT_FALSE(none.price.has_value());
    EXPECT_NE(none.error.find("No data present"), std::string::npos) << none.error;

    finish(first, 1, {2'999 * kDollar, 300'012'345'678, 3'001 * kDollar});
    const Answer answer = world->ask(*feed);
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(*answer.price, usd("3000.12345678"));
    EXPECT_EQ(answer.published_at, world->head().time);
    // 1 * 2^64 + 1
    EXPECT_EQ(answer.round, "18446744073709551617");
    EXPECT_EQ(answer.floor, usd("100"));
    EXPECT_EQ(answer.ceiling, usd("10000"));

    // The owner moves the feed to another aggregator, whose rounds and bounds are its own.
    const Address second = aggregator(kDollar, 2 * kMost);
    finish(second, 1, {3'100 * kDollar, 3'100 * kDollar, 3'100 * kDollar});
    finish(second, 2, {3'200 * kDollar, 3'200 * kDollar, 3'200 * kDollar});
    allow(second, proxy);
    world->send(proxy, "proposeAggregator(address)", {Value(second)});
    EXPECT_EQ(world->ask(*feed).round, "18446744073709551617");
    world->send(proxy, "confirmAggregator(address)", {Value(second)});
    const Answer moved = world->ask(*feed);
    ASSERT_TRUE(moved.price.has_value()) << moved.error;
    EXPECT_EQ(*moved.price, usd("3200"));
    // 2 * 2^64 + 2
    EXPECT_EQ(moved.round, "36893488147419103234");
    EXPECT_EQ(moved.floor, usd("1"));
    EXPECT_EQ(moved.ceiling, usd("20000"));
}

// Venus and Blizz, May 2022.
TEST_F(ChainlinkFeeds, AnAnswerAtAnEndOfTheAggregatorIsRefused) {
    const Address made = aggregator(kLeast, kMost);
    const Address proxy = proxy_of(made);
    finish(made, 1, {kLeast, kLeast, kLeast});
    expect_end(proxy, "lowest");
    // The market is below, and no oracle can say so.
    EXPECT_THROW(submit(made, 2, 0, kLeast - 1), std::runtime_error);
    finish(made, 2, {kLeast + 1, kLeast + 1, kLeast + 1});
    const auto above = guarded(proxy);
    EXPECT_EQ(above.rows.at(0).verdict, PriceVerdict::kUsable) << above.document.dump();
    finish(made, 3, {kMost, kMost, kMost});
    expect_end(proxy, "highest");
}

TEST_F(ChainlinkFeeds, ARoundThatIsNotFinishedLetsTheAnswerGrowOld) {
    const Address made = aggregator(kLeast, kMost);
    const Address proxy = proxy_of(made);
    finish(made, 1, {3'000 * kDollar, 3'000 * kDollar, 3'000 * kDollar});
    world->pass(3'000);
    submit(made, 2, 0, 2'000 * kDollar);
    const auto fresh = guarded(proxy);
    EXPECT_EQ(fresh.rows.at(0).verdict, PriceVerdict::kUsable) << fresh.document.dump();
    EXPECT_EQ(fresh.rows.at(0).price, usd("3000"));
    world->pass(700);
    EXPECT_EQ(guarded(proxy).rows.at(0).verdict, PriceVerdict::kStale);
    submit(made, 2, 1, 2'000 * kDollar);
    const auto again = guarded(proxy);
    EXPECT_EQ(again.rows.at(0).verdict, PriceVerdict::kUsable) << again.document.dump();
    EXPECT_EQ(again.rows.at(0).price, usd("2000"));
}

TEST_F(ChainlinkFeeds, AFeedThatDoesNotLetUsReadSaysSo) {
    const Address made = aggregator(kLeast, kMost);
    finish(made, 1, {3'000 * kDollar, 3'000 * kDollar, 3'000 * kDollar});
    const Address proxy =
        published("EACAggregatorProxy", "(address,address)", {Value(made), Value(Address{})});
    const auto feed = source(proxy);
    const Answer refused = world->ask(*feed);
    EXPECT_FALSE(refused.price.has_value());
    EXPECT_NE(refused.error.find("No access"), std::string::npos) << refused.error;
    allow(made, proxy);
    EXPECT_EQ(world->ask(*feed).price, usd("3000"));
}

// Aave's oracle answers what Chainlink's newest answer was, with no time; Chainlink itself tells
// that too.
TEST_F(ChainlinkFeeds, AViewThatTellsThePriceIsARateAndMayBeDated) {
    const Address made = aggregator(kLeast, kMost);
    const Address proxy = proxy_of(made);
    finish(made, 1, {3'000 * kDollar, 3'000 * kDollar, 3'000 * kDollar});
    const Address& asset = world->person();
    const Address aave = world->create(
        PriceWorld::bytecode(PriceWorld::package(
            "@aave/core-v3/artifacts/contracts/misc/AaveOracle.sol/AaveOracle.json"
        )),
        "(address,address[],address[],address,address,uint256)",
        {Value(Address{}),
         Value(PriceWorld::Values{Value(asset)}),
         Value(PriceWorld::Values{Value(proxy)}),
         Value(Address{}),
         Value(Address{}),
         Value(kDollar)}
    );
    const auto of_aave = [&](const Address& what) {
        const std::string call = "getAssetPrice(address " + to_hex(what) + ")";
        return world->source(
            "rate", {{"address", to_hex(aave)}, {"call", call}, {"decimals", "8"}}
        );
    };
    const auto undated = of_aave(asset);
    EXPECT_TRUE(world->probe(*undated).has_value());
    const auto dated = world->source(
        "rate",
        {{"address", to_hex(proxy)},
         {"call", "latestAnswer()"},
         {"decimals", "8"},
         {"time", "latestTimestamp()"}}
    );
    EXPECT_TRUE(world->probe(*dated).has_value());
    const UnixSeconds answered = world->head().time;
    world->pass(1'000);
    const Answer plain = world->ask(*undated);
    EXPECT_EQ(plain.price, usd("3000")) << plain.error;
    EXPECT_EQ(plain.published_at, world->head().time);
    const Answer told = world->ask(*dated);
    EXPECT_EQ(told.price, usd("3000")) << told.error;
    EXPECT_EQ(told.published_at, answered);
    const Result<void> unknown = world->probe(*of_aave(proxy));
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, Errc::kConfig) << unknown.error().detail;
}

class Sequencers : public OnAnvil {
  protected:
    static constexpr std::uint64_t kGrace = 3'600;

    // Whose messages come to an L2 as those of `alias`: both rollups add this to the address of a
    // contract on L1.
    static Address sender_behind(const Address& alias) {
        const Address offset = parse_address("0x1111000000000000000000000000000000001111").value();
        Address out;
        bool borrow = false;
        for (std::size_t i = out.data.size(); i-- > 0;) {
            const int digit = alias.data[i] - offset.data[i] - (borrow ? 1 : 0);
            borrow = digit < 0;
            out.data[i] = static_cast<std::uint8_t>(digit);
        }
        return out;
    }

    void expect_hold(const Address& feed, std::string_view words) const {
        const std::string hold = world->hold(feed, kGrace);
        EXPECT_NE(hold.find(words), std::string::npos) << hold;
    }

    [[nodiscard]] std::string since(UnixSeconds time) const {
        return " since " + std::to_string(time.value);
    }
};

TEST_F(Sequencers, ArbitrumsFeedHoldsWhileItIsDownAndAfter) {
    const Address raisers = published("SimpleWriteAccessController", "()", {});
    const Address flags =
        world->create("LocalFlags", "(address,address)", {Value(raisers), Value(raisers)});
    const Address feed = world->create(
        "LocalArbitrumUptime",
        "(address,address)",
        {Value(flags), Value(sender_behind(world->person()))}
    );
    for (const Address& each : {raisers, flags}) {
        world->send(each, "addAccess(address)", {Value(feed)});
    }
    expect_hold(feed, "is unknown");
    world->send(feed, "initialize()", {});
    expect_hold(feed, "is up again" + since(world->head().time));
    world->pass(kGrace + 100);
    EXPECT_EQ(world->hold(feed, kGrace), "");

    const auto tell = [&](bool down, UnixSeconds at) {
        const Value status(std::uint64_t{down ? 1U : 0U});
        world->send(feed, "updateStatus(bool,uint64)", {status, Value(at.value)});
    };
    const UnixSeconds fell = world->head().time;
    tell(/*down=*/true, fell);
    expect_hold(feed, "is down" + since(fell));
    // Messages may come late; an older one changes nothing.
    tell(/*down=*/false, UnixSeconds{fell.value - 1});
    expect_hold(feed, "is down" + since(fell));
    world->pass(10 * kGrace);
    expect_hold(feed, "is down" + since(fell));
    const UnixSeconds rose = world->head().time;
    tell(/*down=*/false, rose);
    expect_hold(feed, "is up again" + since(rose));
    world->pass(kGrace / 2);
    expect_hold(feed, "is up again" + since(rose));
    world->pass(kGrace);
    EXPECT_EQ(world->hold(feed, kGrace), "");
}

TEST_F(Sequencers, OptimismsFeedCountsFromTheChangeAndNotFromTheLastMessage) {
    const Address l1_sender = world->people().at(1);
    const Address messenger = world->create(
        PriceWorld::bytecode(PriceWorld::package(
            "@eth-optimism/contracts/artifacts/contracts/L2/messaging/L2CrossDomainMessenger.sol/"
            "L2CrossDomainMessenger.json"
        )),
        "(address)",
        {Value(sender_behind(world->person()))}
    );
    const Address feed = world->create(
        "LocalOptimismUptime",
        "(address,address,bool)",
        {Value(l1_sender), Value(messenger), Value(std::uint64_t{0})}
    );
    world->pass(kGrace + 100);
    EXPECT_EQ(world->hold(feed, kGrace), "");

    std::uint64_t nonce = 0;
    const auto relay = [&](const Address& sender, bool down, UnixSeconds at) {
        const PriceWorld::Values update{Value(std::uint64_t{down ? 1U : 0U}), Value(at.value)};
        world->send(
            messenger,
            "relayMessage(address,address,bytes,uint256)",
            {Value(feed),
             Value(sender),
             Value(call_data("updateStatus(bool,uint64)", Value(update))),
             Value(nonce++)}
        );
    };
    const UnixSeconds fell = world->head().time;
    // A stranger on L1 has a messenger too.
    relay(world->people().at(2), /*down=*/true, fell);
    EXPECT_EQ(world->hold(feed, kGrace), "");
    relay(l1_sender, /*down=*/true, fell);
    expect_hold(feed, "is down" + since(fell));
    world->pass(kGrace);
    const UnixSeconds rose = world->head().time;
    relay(l1_sender, /*down=*/false, rose);
    expect_hold(feed, "is up again" + since(rose));
    world->pass(kGrace / 2);
    relay(l1_sender, /*down=*/false, world->head().time);
    expect_hold(feed, "is up again" + since(rose));
    world->pass(kGrace / 2 + 100);
    EXPECT_EQ(world->hold(feed, kGrace), "");
}

}  // namespace
}  // namespace margrave::tests
