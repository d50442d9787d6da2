// SPDX-License-Identifier: Apache-2.0
#include "core/events.hpp"

#include "core/words.hpp"

#include <algorithm>

namespace margrave {
namespace {

std::array<std::uint8_t, 8> big_endian(std::uint64_t v) {
    std::array<std::uint8_t, 8> out;
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = static_cast<std::uint8_t>(v >> (8 * (out.size() - 1 - i)));
    }
    return out;
}

}  // namespace

std::string_view to_string(MovementKind kind) {
    switch (kind) {
        case MovementKind::kDeposit:
            return "deposit";
        case MovementKind::kWithdrawalRequest:
            return "withdrawal_request";
        case MovementKind::kBorrowRequest:
            return "borrow_request";
        case MovementKind::kRelease:
            return "release";
        case MovementKind::kSeizure:
            return "seizure";
        case MovementKind::kProceeds:
            return "proceeds";
        case MovementKind::kRepayment:
            return "repayment";
        case MovementKind::kPoolFunding:
            return "pool_funding";
        case MovementKind::kExit:
            return "exit";
    }
    return "unknown";
}

Result<MovementKind> movement_kind(std::uint64_t number) {
    constexpr auto kFirst = static_cast<std::uint64_t>(MovementKind::kDeposit);
    constexpr auto kLast = static_cast<std::uint64_t>(MovementKind::kExit);
    if (number < kFirst || number > kLast) {
        return fail(
            Errc::kInvalid,
            "movement kind " + std::to_string(number) + " is none of 1 to " + std::to_string(kLast)
        );
    }
    return static_cast<MovementKind>(number);
}

std::string_view to_string(MappedKind kind) {
    switch (kind) {
        case MappedKind::kDeposit:
            return "mapped_deposit";
        case MappedKind::kWithdraw:
            return "mapped_withdraw";
        case MappedKind::kBorrow:
            return "mapped_borrow";
        case MappedKind::kRepay:
            return "mapped_repay";
        case MappedKind::kBalance:
            return "mapped_balance";
        case MappedKind::kDebt:
            return "mapped_debt";
    }
    return "unknown";
}

Result<MappedKind> mapped_kind(std::uint64_t number) {
    constexpr auto kFirst = static_cast<std::uint64_t>(MappedKind::kDeposit);
    constexpr auto kLast = static_cast<std::uint64_t>(MappedKind::kDebt);
    if (number < kFirst || number > kLast) {
        return fail(
            Errc::kInvalid,
            "mapped kind " + std::to_string(number) + " is none of 1 to " + std::to_string(kLast)
        );
    }
    return static_cast<MappedKind>(number);
}

// protocol.md 7.1. The hash takes the sequence the event states and the count goes up by one: an
// event out of order gives a hash that no contract has.
FoldMessage fold_message(const Hash32& before, const Movement& event) {
    FoldMessage out{};
    // Each stands at the end of its word.
    const auto put = [&out](std::size_t word, ByteView bytes) {
        std::ranges::copy(bytes, out.begin() + (word + 1) * Hash32::kSize - bytes.size());
    };
    put(0, before.view());
    put(1, big_endian(event.sequence));
    put(2, big_endian(static_cast<std::uint64_t>(event.kind)));
    put(3, event.account.view());
    put(4, event.token.view());
    put(5, event.amount.to_word().view());
    put(6, event.counterparty.view());
    return out;
}

Accumulator fold(const Accumulator& before, const Movement& event) {
    return {before.count + 1, keccak256(fold_message(before.hash, event))};
}

// protocol.md 7.5.
Accumulator fold(const Accumulator& before, const Position& event) {
    WordWriter words;
    words.word(before.hash)
        .uint(event.sequence)
        .word(event.account)
        .word(event.market)
        .money(event.size)
        .money(event.entry_price);
    return {before.count + 1, words.hash()};
}

}  // namespace margrave
