// SPDX-License-Identifier: Apache-2.0
#include "core/events.hpp"

#include "core/keccak.hpp"

#include <gtest/gtest.h>

#include <string>

namespace margrave {
namespace {

const Address kOwner = parse_address("0x52908400098527886E0F7030069857D2E4169EE7").value();
const Address kToken = parse_address("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48").value();

Movement deposit() {
    return {
        .sequence = 1,
        .kind = MovementKind::kDeposit,
        .account = account_of(kOwner),
        .token = kToken,
        .amount = Amount{1'000'000},
        .counterparty = left_pad(kOwner),
    };
}

TEST(MovementKind, EveryNumberOfTheProtocolHasANameAndNoOtherHas) {
    const std::string_view names[] = {
        "deposit",
        "withdrawal_request",
        "borrow_request",
        "release",
        "seizure",
        "proceeds",
        "repayment",
        "pool_funding",
        "exit",
    };
    for (std::uint64_t number = 1; number <= 9; ++number) {
        const MovementKind kind = movement_kind(number).value();
        EXPECT_EQ(static_cast<std::uint64_t>(kind), number);
        EXPECT_EQ(to_string(kind), names[number - 1]);
    }
    for (const std::uint64_t number :
         {std::uint64_t{0}, std::uint64_t{10}, std::uint64_t{257}, UINT64_MAX}) {
        EXPECT_EQ(movement_kind(number).error().code, Errc::kInvalid) << number;
    }
}

TEST(Fold, OfAMovementIsTheHashOfSevenWords) {
    const std::string row = "0x" + std::string(64, '0') + std::string(63, '0') + "1" +
                            std::string(63, '0') + "1" + std::string(24, '0') +
                            to_hex(kOwner).substr(2) + std::string(24, '0') +
                            to_hex(kToken).substr(2) + std::string(59, '0') + "f4240" +
                            std::string(24, '0') + to_hex(kOwner).substr(2);
    const Bytes encoded = parse_hex(row).value();
    ASSERT_EQ(encoded.size(), 7 * 32U);
    const Accumulator after = fold(Accumulator{}, deposit());
    EXPECT_EQ(after.count, 1U);
    EXPECT_EQ(after.hash, keccak256(encoded));
}

// The hashes are those of ethers 6 for the same abi.encode.
TEST(Fold, OfMovementsChains) {
    const Accumulator first = fold(Accumulator{}, deposit());
    EXPECT_EQ(
        to_hex(first.hash), "0x47b4ba761e36f2a05e923e08eb0d1253808b316d8161de5dde4bdd898b7df290"
    );
    Movement exit = deposit();
    exit.sequence = 2;
    exit.kind = MovementKind::kExit;
    exit.token = Address{};
    exit.amount = Amount::max();
    const Accumulator second = fold(first, exit);
    EXPECT_EQ(second.count, 2U);
    EXPECT_EQ(
        to_hex(second.hash), "0x75a38a5cafe3611cd8b5a83a2e85ccc9bd8079f16f4ffd60fca70a5bb22cb90a"
    );
}

TEST(Fold, OfPositionsChainsAndKeepsSigns) {
    Position open{
        .sequence = 1,
        .account = account_of(kOwner),
        .market = keccak256("ETH-PERP"),
        .size = Money::parse("-1.5").value(),
        .entry_price = Money::whole(3000),
    };
    const Accumulator first = fold(Accumulator{}, open);
    EXPECT_EQ(
        to_hex(first.hash), "0x16bdb21d1d1fb8170b24f20675259448dd5c5eecbefd163e56200af78972b1e1"
    );
    Position closed = open;
    closed.sequence = 2;
    closed.size = Money{};
    closed.entry_price = Money{};
    const Accumulator second = fold(first, closed);
    EXPECT_EQ(second.count, 2U);
    EXPECT_EQ(
        to_hex(second.hash), "0x59c89bff1eecfba6980dd85ebe7b9b271ddd23e9daa2801a8952a8541e162daf"
    );
}

TEST(Fold, EveryFieldOfAMovementCounts) {
    const Accumulator base = fold(Accumulator{}, deposit());
    Movement changed[6] = {deposit(), deposit(), deposit(), deposit(), deposit(), deposit()};
    changed[0].sequence = 2;
    changed[1].kind = MovementKind::kRepayment;
    changed[2].account.data[0] = 1;
    changed[3].token.data[0] = 1;
    changed[4].amount = Amount{1'000'001};
    changed[5].counterparty.data[0] = 1;
    for (const Movement& movement : changed) {
        EXPECT_NE(fold(Accumulator{}, movement).hash, base.hash);
    }
    EXPECT_NE(fold(Accumulator{0, keccak256("other")}, deposit()).hash, base.hash);
}

}  // namespace
}  // namespace margrave
