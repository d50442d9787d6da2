// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "core/words.hpp"
#include "tests/integration/price_world.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

// Sources against the contracts that they were written for, on a real node.
namespace margrave::tests {
namespace {

using chains::evm::abi::Value;
using oracle::Answer;
using oracle::AssetOracleSettings;
using oracle::SourceSettings;

Amount amount(std::string_view text) {
    return Amount::parse(text).value();
}

Money usd(std::string_view text) {
    return Money::parse(text).value();
}

class PriceSources : public ::testing::Test {
  protected:
    void SetUp() override {
        MARGRAVE_SKIP_WITHOUT_ANVIL();
        world = std::make_unique<PriceWorld>();
    }

    static AssetOracleSettings asset(std::string name, SourceSettings source) {
        AssetOracleSettings out;
        out.name = std::move(name);
        out.assets = {AssetId::erc20(ChainId::evm(1), Address{})};
        out.sources = {std::move(source)};
        out.max_age_s = 3'600;
        out.price_min = usd("100");
        out.price_max = usd("10000");
        out.max_spread = usd("0.01");
        return out;
    }

    [[nodiscard]] SourceSettings on_chain(
        std::string kind, const Address& address, Canonical::Object settings = {}
    ) const {
        SourceSettings out;
        out.name = kind;
        out.kind = std::move(kind);
        settings.emplace("address", to_hex(address));
        settings.emplace("chain", world->chain().text());
        out.settings = std::move(settings);
        return out;
    }

    std::unique_ptr<PriceWorld> world;
};

class PythSources : public PriceSources {
  protected:
    void SetUp() override {
        PriceSources::SetUp();
        if (!world) {
            return;
        }
        pyth = world->create(
            PriceWorld::bare_bytecode(PriceWorld::package(
                "@pythnetwork/pyth-sdk-solidity/build/MockPyth_sol_MockPyth.bin"
            )),
            "(uint256,uint256)",
            {Value(std::uint64_t{3'600}), Value(std::uint64_t{0})}
        );
    }

    // What Pyth's own test contract takes for an update (MockPyth.sol).
    void publish(std::int64_t price, std::uint64_t confidence, std::uint64_t at) const {
        const Bytes update = WordWriter()
                                 .word(id)
                                 .money(Money::from_e18(price))
                                 .uint(confidence)
                                 .money(Money::from_e18(-8))
                                 .uint(at)
                                 .money(Money::from_e18(price - 100))
                                 .uint(confidence + 100)
                                 .money(Money::from_e18(-8))
                                 .uint(at)
                                 .uint(at)
                                 .bytes();
        const std::vector<Value> updates{Value(update)};
        world->send(pyth, "updatePriceFeeds(bytes[])", {Value(updates)});
    }

    [[nodiscard]] std::unique_ptr<oracle::Source> source(bool ema = false) const {
        Canonical::Object settings{{"address", to_hex(pyth)}, {"id", to_hex(id)}};
        settings.emplace("ema", Canonical(ema));
        return world->source("pyth", std::move(settings));
    }

    Address pyth;
    Hash32 id{keccak256(std::string_view("Crypto.ETH/USD"))};
};

TEST_F(PythSources, APriceComesWithItsConfidenceAndItsAge) {
    const std::uint64_t at = world->head().time.value - 50;
    publish(300'012'345'678, 150'000'000, at);
    const Answer answer = world->ask(*source());
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(*answer.price, usd("3000.12345678"));
    EXPECT_EQ(answer.confidence, usd("1.5"));
    EXPECT_EQ(answer.published_at.value, at);
    EXPECT_EQ(answer.block, world->head().hash);
    const Answer mean = world->ask(*source(/*ema=*/true));
    EXPECT_EQ(mean.price, usd("3000.12345578"));
    EXPECT_EQ(mean.confidence, usd("1.500001"));
}

TEST_F(PythSources, AnIdThatPythDoesNotHaveIsFoundAtTheStart) {
    const auto missing = source();
    EXPECT_FALSE(world->ask(*missing).price.has_value());
    const Result<void> probed = world->probe(*missing);
    ASSERT_FALSE(probed);
    EXPECT_EQ(probed.error().code, Errc::kConfig) << probed.error().detail;
    publish(300'000'000'000, 1, world->head().time.value);
    EXPECT_TRUE(world->probe(*missing).has_value());
}

// Pyth, September 2021: BTC at 5,402 USD with a confidence as wide as the price.
TEST_F(PythSources, AnUnsurePriceIsRefused) {
    publish(300'000'000'000, 6'100'000'000, world->head().time.value);
    Canonical::Object settings{{"id", to_hex(id)}};
    const auto set = world->prices({asset("eth", on_chain("pyth", pyth, settings))});
    ASSERT_EQ(set.rows.size(), 1U);
    EXPECT_EQ(set.rows[0].verdict, PriceVerdict::kOutOfBounds);
    publish(300'000'000'000, 6'000'000'000, world->head().time.value + 1);
    const auto sure = world->prices({asset("eth", on_chain("pyth", pyth, settings))});
    EXPECT_EQ(sure.rows[0].verdict, PriceVerdict::kUsable) << sure.document.dump();
    EXPECT_EQ(sure.rows[0].confidence, usd("60"));
}

class PoolSources : public PriceSources {
  protected:
    void SetUp() override {
        PriceSources::SetUp();
        if (!world) {
            return;
        }
        weth = token("WETH", 18);
        dollar = token("USD", 6);
        trader = world->create("LocalTrader", "()", {});
        for (const Address& each : {weth, dollar}) {
            world->send(
                each,
                "mint(address,uint256)",
                {Value(trader), Value(amount("1000000000000000000000000000"))}
            );
        }
        const Address factory = world->create(
            PriceWorld::bytecode(PriceWorld::package(
                "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json"
            )),
            "()",
            {}
        );
        const PriceWorld::Values pair{Value(weth), Value(dollar), Value(std::uint64_t{3'000})};
        world->send(factory, "createPool(address,address,uint24)", pair);
        const Bytes found = world->read(factory, "getPool(address,address,uint24)", pair);
        pool = low_address(ByteReader(found).hash32().value());
        // The square root, times 2^96, of 3000e6 / 1e18 or of its inverse.
        const bool weth_first = weth < dollar;
        const std::string_view root =
            weth_first ? "4339505179874779489431521" : "1446501726624926496477173928747177";
        world->send(pool, "initialize(uint160)", {Value(amount(root))});
        world->send(
            trader,
            "mint(address,int24,int24,uint128)",
            {Value(pool),
             Value(Money::from_e18(-887'220).to_word()),
             Value(std::uint64_t{887'220}),
             Value(amount("1000000000000000000"))}
        );
    }

    Address token(const std::string& name, std::uint64_t decimals) const {
        return world->create(
            "LocalToken",
            "(string,string,uint8)",
            {Value(to_bytes(name)), Value(to_bytes(name)), Value(decimals)}
        );
    }

    // Sells ether until the price is at most a hundredth.
    void dump_ether(std::string_view wei) const {
        const bool zero_for_one = weth < dollar;
        world->send(
            trader,
            "swap(address,bool,int256,uint160)",
            {Value(pool),
             Value(std::uint64_t{zero_for_one ? 1U : 0U}),
             Value(amount(wei)),
             Value(amount(
                 zero_for_one ? "4295128740" : "1461446703485210103287273052203988822378723970341"
             ))}
        );
    }

    // Observations to keep, which count once a trade that moved the tick has written one.
    void keep_history() const {
        world->send(pool, "increaseObservationCardinalityNext(uint16)", {Value(std::uint64_t{50})});
        world->pass(60);
        dump_ether("2000000000000000000");
    }

    [[nodiscard]] std::unique_ptr<oracle::Source> source(
        const Address& base, std::string_view liquidity = "1000000000000000000"
    ) const {
        return world->source(
            "uniswap_v3",
            {{"base", to_hex(base)},
             {"min_liquidity", std::string(liquidity)},
             {"pool", to_hex(pool)}}
        );
    }

    void expect_refused(oracle::Source& from, std::string_view words) const {
        const Answer answer = world->ask(from);
        EXPECT_FALSE(answer.price.has_value());
        EXPECT_NE(answer.error.find(words), std::string::npos) << answer.error;
    }

    Address weth;
    Address dollar;
    Address trader;
    Address pool;
};

TEST_F(PoolSources, AMeanPriceNeedsAHistoryOfTheWholeWindow) {
    const auto ether = source(weth);
    EXPECT_TRUE(world->probe(*ether).has_value());
    expect_refused(*ether, "the pool keeps 1 observations; at least 24 are needed");
    keep_history();
    expect_refused(*ether, "does not reach back 1800 s");
    world->pass(1'800);
    const Answer answer = world->ask(*ether);
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_GT(*answer.price, usd("2998"));
    EXPECT_LT(*answer.price, usd("3001"));
    EXPECT_EQ(answer.published_at, world->head().time);
    const Answer inverse = world->ask(*source(dollar));
    ASSERT_TRUE(inverse.price.has_value()) << inverse.error;
    EXPECT_GT(*inverse.price, usd("0.00033320"));
    EXPECT_LT(*inverse.price, usd("0.00033360"));
}

// Inverse, April 2022: a mean whose window was shorter than one update was a spot price.
TEST_F(PoolSources, OneTradeDoesNotMoveTheMean) {
    keep_history();
    world->pass(1'800);
    const auto ether = source(weth);
    const Answer before = world->ask(*ether);
    ASSERT_TRUE(before.price.has_value()) << before.error;
    dump_ether("900000000000000000000000");
    const Answer after = world->ask(*ether);
    ASSERT_TRUE(after.price.has_value()) << after.error;
    // The pool's own price is below two dollars now; seconds later the mean has hardly begun to
    // follow.
    EXPECT_GT(*after.price, usd("2900"));
    world->pass(900);
    EXPECT_LT(*world->ask(*ether).price, usd("1000"));
}

TEST_F(PoolSources, AThinPoolAndAStrangeTokenAreRefused) {
    keep_history();
    world->pass(1'800);
    expect_refused(*source(weth, "1100000000000000000"), "at least 1100000000000000000 is needed");
    const Result<void> probed = world->probe(*source(trader));
    ASSERT_FALSE(probed);
    EXPECT_EQ(probed.error().code, Errc::kConfig);
    EXPECT_NE(probed.error().detail.find("trades 0x"), std::string::npos);
}

TEST_F(PriceSources, AShareIsWorthWhatOpenZeppelinsVaultSays) {
    const Address token = world->create(
        "LocalToken",
        "(string,string,uint8)",
        {Value(to_bytes("USD")), Value(to_bytes("USD")), Value(std::uint64_t{6})}
    );
    const auto new_vault = [&] {
        const Address vault = world->create(
            "LocalShares",
            "(address,string,string)",
            {Value(token), Value(to_bytes("Shares")), Value(to_bytes("S"))}
        );
        world->send(token, "approve(address,uint256)", {Value(vault), Value(Amount::max())});
        return vault;
    };
    const Address& me = world->person();
    world->send(token, "mint(address,uint256)", {Value(me), Value(amount("5000000000"))});
    const Address vault = new_vault();
    const auto shares = world->source("erc4626", {{"vault", to_hex(vault)}});
    EXPECT_TRUE(world->probe(*shares).has_value());
    world->send(vault, "deposit(uint256,address)", {Value(amount("1000000000")), Value(me)});
    EXPECT_EQ(world->ask(*shares).price, Money::whole(1));
    world->send(token, "transfer(address,uint256)", {Value(vault), Value(amount("100000000"))});
    const Answer grown = world->ask(*shares);
    // The vault rounds in its favour.
    EXPECT_EQ(grown.price, usd("1.099999")) << grown.error;
    EXPECT_EQ(grown.published_at, world->head().time);

    // Hundred, April 2023: in a market that is next to empty one gift makes the rate.
    const Address hollow = new_vault();
    world->send(hollow, "mint(uint256,address)", {Value(amount("1000")), Value(me)});
    world->send(token, "transfer(address,uint256)", {Value(hollow), Value(amount("1000000000"))});
    const Answer inflated = world->ask(*world->source("erc4626", {{"vault", to_hex(hollow)}}));
    EXPECT_FALSE(inflated.price.has_value());
    EXPECT_NE(inflated.error.find("only 0.001 shares are out"), std::string::npos)
        << inflated.error;

    const Result<void> no_vault =
        world->probe(*world->source("erc4626", {{"vault", to_hex(token)}}));
    ASSERT_FALSE(no_vault);
    EXPECT_EQ(no_vault.error().code, Errc::kConfig) << no_vault.error().detail;
}

TEST_F(PriceSources, ARateIsDatedByItsBlockOrByItself) {
    const Address rates =
        world->create("LocalRate", "(uint256)", {Value(amount("1120000000000000000"))});
    const auto plain = world->source("rate", {{"address", to_hex(rates)}});
    EXPECT_TRUE(world->probe(*plain).has_value());
    const Answer answer = world->ask(*plain);
    ASSERT_TRUE(answer.price.has_value()) << answer.error;
    EXPECT_EQ(*answer.price, usd("1.12"));
    EXPECT_EQ(answer.published_at, world->head().time);
    const auto dated = world->source("rate", {{"address", to_hex(rates)}, {"time", "rateTime()"}});
    world->send(rates, "setTime(uint256)", {Value(std::uint64_t{1'000'000})});
    EXPECT_EQ(world->ask(*dated).published_at, UnixSeconds{1'000'000});
    const Result<void> no_rate =
        world->probe(*world->source("rate", {{"address", to_hex(rates)}, {"call", "rate()"}}));
    ASSERT_FALSE(no_rate);
    EXPECT_EQ(no_rate.error().code, Errc::kConfig) << no_rate.error().detail;
}

// cbETH/ETH times ETH/USD, and Moonwell's February 2026, when the second factor was forgotten.
TEST_F(PriceSources, ARateTimesItsQuoteIsAPriceAndAloneItIsNone) {
    const Address rates =
        world->create("LocalRate", "(uint256)", {Value(amount("1120000000000000000"))});
    const Address feed = world->create(
        "LocalFeed",
        "(uint8,string,int256)",
        {Value(std::uint64_t{8}),
         Value(to_bytes("ETH / USD")),
         Value(std::uint64_t{300'000'000'000})}
    );
    SourceSettings rate = on_chain("rate", rates);
    const auto forgotten = world->prices({asset("cbeth", rate)});
    ASSERT_EQ(forgotten.rows.size(), 1U);
    EXPECT_EQ(forgotten.rows[0].verdict, PriceVerdict::kOutOfBounds);
    rate.quote = "eth";
    AssetOracleSettings ether = asset("eth", on_chain("feed", feed));
    ether.assets.clear();
    const auto set = world->prices({asset("cbeth", rate), ether});
    ASSERT_EQ(set.rows.size(), 1U);
    EXPECT_EQ(set.rows[0].verdict, PriceVerdict::kUsable) << set.document.dump();
    EXPECT_EQ(set.rows[0].price, usd("3360"));
}

}  // namespace
}  // namespace margrave::tests
