// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/watch_fixture.hpp"

#include <gtest/gtest.h>

// Each preset against the real bytecode of what it watches, and the ledger against balances that
// are read from the chain.
namespace margrave::tests {
namespace {

using chains::WatchPreset;
using chains::WatchSettings;
using chains::evm::abi::Value;

TEST_F(WatchOnAnvil, Erc20CustodyIsWhatTheTokenSays) {
    const Address custody = person(3);
    WatchSettings settings;
    settings.name = "custody";
    settings.preset = WatchPreset::kErc20Custody;
    settings.contract = token_;
    settings.custody = custody;
    world_->watch({settings});
    world_->follow();
    const Amount before = world_->balance_of(token_, custody);
    transfer(person(1), custody, 500);
    transfer(person(2), custody, 70);
    transfer(person(1), person(2), 9'999);
    transfer(custody, person(1), 120);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), token_).mapped, Amount(380));
    EXPECT_EQ(world_->holding(person(2), token_).mapped, Amount(70));
    EXPECT_EQ(world_->holding(person(1), token_).book, Amount{});
    const Amount now = world_->balance_of(token_, custody);
    EXPECT_EQ(world_->custody("custody", token_), sub_or_zero(now, before));
    EXPECT_EQ(world_->mapped_events(), 3U);
    EXPECT_GT(world_->blocks_skipped(), 0U);

    // The last two blocks never were: only the two deposits remain.
    world_->reorg(2);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), token_).mapped, Amount(500));
    EXPECT_EQ(
        world_->custody("custody", token_), sub_or_zero(world_->balance_of(token_, custody), before)
    );
}

TEST_F(WatchOnAnvil, NativeCustodyIsWhatTransactionsMoved) {
    const Address custody = person(3);
    WatchSettings settings;
    settings.name = "coins";
    settings.preset = WatchPreset::kNativeCustody;
    settings.custody = custody;
    world_->watch({settings});
    world_->follow();
    const Amount before = world_->balance_of(Address{}, custody);
    world_->pay(person(1), custody, 5'000);
    world_->pay(person(2), custody, 300);
    world_->pay(person(1), person(2), 77);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), Address{}).mapped, Amount(5'000));
    EXPECT_EQ(world_->holding(person(2), Address{}).mapped, Amount(300));
    const Amount now = world_->balance_of(Address{}, custody);
    EXPECT_EQ(world_->custody("coins", Address{}), sub_or_zero(now, before));
    world_->pay(custody, person(1), 1'000);
    world_->follow();
    EXPECT_EQ(world_->holding(person(1), Address{}).mapped, Amount(4'000));
}

TEST_F(WatchOnAnvil, Erc4626IsWhatEachOwnerCouldWithdraw) {
    const Address shares = world_->create(
        "LocalShares",
        "(address,string,string)",
        {Value(token_), Value(to_bytes("Shares")), Value(to_bytes("SHR"))}
    );
    WatchSettings settings;
    settings.name = "shares";
    settings.preset = WatchPreset::kErc4626;
    settings.contract = shares;
    settings.token = token_;
    world_->watch({settings});
    const auto could = [&](std::size_t i) {
        return Amount::from_word(world_->read(shares, "maxWithdraw(address)", {Value(person(i))}));
    };
    const auto expect_equal = [&] {
        for (std::size_t i = 1; i <= 3; ++i) {
            EXPECT_EQ(world_->holding(person(i), token_).mapped, could(i)) << i;
            EXPECT_EQ(world_->holding(person(i), token_).debt, Amount{}) << i;
        }
    };
    for (std::size_t i = 1; i <= 2; ++i) {
        approve(person(i), token_, shares);
        const Value amount(std::uint64_t{1'000} * i * kUsd);
        world_->send(person(i), shares, "deposit(uint256,address)", {amount, Value(person(i))});
    }
    world_->follow();
    expect_equal();
    // Shares change hands without a deposit.
    const Value part(std::uint64_t{400} * kUsd);
    world_->send(person(1), shares, "transfer(address,uint256)", {Value(person(3)), part});
    world_->follow();
    expect_equal();
    EXPECT_FALSE(could(3).is_zero());
    // A yield that no event tells: what is out of date is seen when all are read again.
    transfer(person(0), shares, 333 * kUsd);
    world_->follow();
    EXPECT_LT(world_->holding(person(1), token_).mapped, could(1));
    world_->follow_all_readings();
    expect_equal();
    // All of it goes out, with what was gained.
    const Value all(could(2));
    world_->send(
        person(2),
        shares,
        "withdraw(uint256,address,address)",
        {all, Value(person(2)), Value(person(2))}
    );
    world_->follow();
    EXPECT_EQ(world_->holding(person(2), token_).mapped, could(2));
    EXPECT_EQ(world_->holding(person(2), token_).debt, Amount{});
    // Rounding left a unit to those who stayed.
    world_->follow_all_readings();
    expect_equal();
}

}  // namespace
}  // namespace margrave::tests
