// SPDX-License-Identifier: Apache-2.0
#include "core/keccak.hpp"
#include "relayer/book.hpp"
#include "tests/unit/relayer/fixture.hpp"

namespace margrave::relayer::tests {
namespace {

/// A position book whose one market is a perpetual on the coin.
class PositionsTest : public WorldTest {
  protected:
    PositionsTest() {
        margin::VenueParameters venue;
        venue.underlying = "eth";
        venue.profit_weight = usd("1");
        venue.profit_cap = usd("100");
        venue.options = margin::usual_isolated_rules();
        venue.perpetuals.push_back(
            {.market = kMarket,
             .name = "eth-perp",
             .fractions = {usd("0.1"), usd("0.08"), usd("0.05")}}
        );
        world.settings.parameters.venues.push_back(venue);
        for (const margin::ParameterError& error : margin::check(world.settings.parameters)) {
            ADD_FAILURE() << error.where << " " << error.what;
        }
    }

    void post(const Hash32& market, std::string_view size, std::string_view entry) {
        world.settle(
            0,
            {Position{
                .sequence = 0,
                .account = account(1),
                .market = market,
                .size = usd(size),
                .entry_price = usd(entry)}}
        );
        ASSERT_OK(world.round());
    }

    const Hash32 kMarket = keccak256("eth-perp");
};

TEST_F(PositionsTest, PostedPerpetualIsValuedAndExplained) {
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(1), dollar_token(), dollars(1'000))});
    ASSERT_OK(world.round());
    const AccountState before = *world.state_of(account(1));
    post(kMarket, "-1", "2100");
    const AccountState after = *world.state_of(account(1));
    const Money profit = sub(usd("2100"), world.eth_price).value();
    EXPECT_EQ(after.equity, add(before.equity, profit).value());
    EXPECT_NE(after.status, Status::kUnattestable);
    EXPECT_NE(after.flags & flags::kHasDebt, 0U);
    EXPECT_NE(after.detail, before.detail);
    EXPECT_LT(after.initial, after.maintenance);
}

TEST_F(PositionsTest, LossTurnsTheAccountLiquidatableAndAnUnknownMarketUnattestable) {
    ASSERT_OK(world.start());
    world.settle(0, {deposit(account(1), dollar_token(), dollars(1'000))});
    post(kMarket, "10", "2090");
    EXPECT_EQ(world.state_of(account(1))->status, Status::kLiquidatable);
    post(keccak256("something else"), "1", "1");
    EXPECT_EQ(world.state_of(account(1))->status, Status::kUnattestable);
}

// A loss of 3,000 that is final becomes a larger position without one, and 3,000 dollars leave; one
// of the two blocks alone may stay, so both count against the loan.
TEST_F(PositionsTest, ALoanStandsOnThePositionsOfEveryState) {
    ASSERT_OK(world.start());
    world.settle(
        0,
        {funding(dollar_token(), dollars(10'000)),
         deposit(account(1), dollar_token(), dollars(5'000))}
    );
    post(kMarket, "1", "5000");
    world.chain(0).mine({borrow_request(account(1), dollar_token(), dollars(500))});
    world.chain(0).finalize();
    Movement exit = deposit(account(1), dollar_token(), dollars(3'000));
    exit.kind = MovementKind::kExit;
    world.chain(0).mine(
        {exit,
         Position{
             .sequence = 0,
             .account = account(1),
             .market = kMarket,
             .size = usd("-2"),
             .entry_price = usd("2000")}}
    );
    world.step();
    EXPECT_EQ(world.requests(0).back().state, store::RequestState::kOpen);
    world.chain(0).reorg(1);
    world.step();
    EXPECT_EQ(world.requests(0).back().state, store::RequestState::kGranted);
}

TEST_F(PositionsTest, TimeAloneMarksPositionsAgain) {
    margin::PriceTable prices;
    const auto publish = [&](std::uint64_t at) {
        for (const margin::AssetParameters& asset : world.settings.parameters.assets) {
            for (const margin::AssetOnChain& form : asset.on) {
                PriceRow row;
                row.asset = form.asset;
                row.price = asset.name == "eth" ? usd("2000") : usd("1");
                row.verdict = PriceVerdict::kUsable;
                row.published_at = UnixSeconds{at};
                prices[form.asset] = row;
            }
        }
    };
    AccountHoldings holder;
    holder.account = account(1);
    holder.positions.push_back({.market = kMarket, .size = usd("1"), .entry_price = usd("1900")});
    Book book(world.settings.parameters);
    book.set(holder);
    for (const std::uint64_t at : {1'000U, 2'000U}) {
        publish(at);
        book.mark(prices);
        const margin::Evaluation fresh =
            margin::evaluate(holder, prices, world.settings.parameters, false, false);
        EXPECT_EQ(book.find(account(1))->state, fresh.state);
    }
}

}  // namespace
}  // namespace margrave::relayer::tests
