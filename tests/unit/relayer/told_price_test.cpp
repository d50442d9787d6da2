// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "relayer/book.hpp"
#include "relayer/price_check.hpp"
#include "tests/unit/relayer/fixture.hpp"

#include <algorithm>

namespace margrave::relayer::tests {
namespace {

/// The coin is priced by what events of a watched contract on chain 0 tell.
class ToldPriceTest : public WorldTest {
  protected:
    ToldPriceTest() {
        oracle::SourceSettings source;
        source.name = "told";
        source.kind = "event";
        source.settings = Canonical::Object{
            {"address", to_hex(FakeChain::watched())},
            {"chain", world.id(0).text()},
            {"decimals", "8"},
            {"watch", "eth-usd"}};
        for (oracle::AssetOracleSettings& asset : world.settings.oracle) {
            if (asset.name == "eth") {
                asset.sources = {source};
            }
        }
        EXPECT_OK(world.start());
    }

    MappedEvent told(std::uint64_t price) {
        MappedEvent out;
        out.source = keccak256(std::string_view("eth-usd"));
        out.what = MappedPrice{Amount{price * 100'000'000}, world.clock.now()};
        return out;
    }

    const PriceRow& row() {
        const auto& rows = world.rounds->prices()->rows;
        const auto found = std::ranges::find(rows, eth_on(world.id(0)), &PriceRow::asset);
        return *found;
    }
};

TEST_F(ToldPriceTest, IsSignedWithThePlaceWhereItWasTold) {
    world.settle(0, {deposit(account(1), coin(), eth(2)), told(3'000)});
    ASSERT_NE(world.state_of(account(1)), nullptr);
    EXPECT_EQ(world.state_of(account(1))->equity, usd("6000"));
    const std::string document = world.rounds->prices()->document.dump();
    const BlockData& block = world.chain(0).chain().blocks().back().data;
    const std::string origin = world.id(0).text() + ":" + to_hex(FakeChain::watched());
    EXPECT_NE(document.find("\"origin\":\"" + origin + "\""), std::string::npos) << document;
    const std::string place = "log 1 of " + to_hex(block.events.at(1).txn_hash) + " in block " +
                              std::to_string(block.block.number.value) + " " +
                              to_hex(block.block.hash);
    EXPECT_NE(document.find("\"round\":\"" + place + "\""), std::string::npos) << document;
}

TEST_F(ToldPriceTest, IsThatOfTheHeadAndGoesWithItsBlock) {
    world.settle(0, {deposit(account(1), coin(), eth(2)), told(3'000)});
    EXPECT_EQ(row().price, usd("3000"));
    world.chain(0).mine({told(2'500)});
    world.step();
    EXPECT_EQ(row().price, usd("2500"));
    world.chain(0).reorg(1);
    world.step();
    EXPECT_EQ(row().verdict, PriceVerdict::kUsable);
    EXPECT_EQ(row().price, usd("3000"));
    // A restart reads it where it was written.
    world.stop();
    ASSERT_OK(world.start());
    world.step();
    EXPECT_EQ(row().price, usd("3000"));
}

TEST_F(ToldPriceTest, AfterSilenceCollateralCountsForNothing) {
    world.settle(0, {deposit(account(1), coin(), eth(2)), told(3'000)});
    world.wait(1'000);
    world.step();
    EXPECT_EQ(row().verdict, PriceVerdict::kStale);
    EXPECT_EQ(world.state_of(account(1))->status, Status::kHealthy);
    EXPECT_TRUE(world.state_of(account(1))->equity.is_zero());
    EXPECT_NE(world.state_of(account(1))->flags & flags::kPriceStale, 0U);
    world.wait(60);
    world.settle(0, {told(2'000)});
    EXPECT_EQ(world.state_of(account(1))->equity, usd("4000"));
}

TEST_F(ToldPriceTest, TheChainsThatNeedTheLedgerAreKnown) {
    EXPECT_EQ(chains_of_events(world.settings.oracle), std::set<ChainId>{world.id(0)});
    world.settings.oracle.clear();
    EXPECT_TRUE(chains_of_events(world.settings.oracle).empty());
}

}  // namespace
}  // namespace margrave::relayer::tests
