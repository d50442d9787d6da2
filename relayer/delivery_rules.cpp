// SPDX-License-Identifier: Apache-2.0
#include "relayer/detail/delivery_rules.hpp"

#include <algorithm>
#include <array>

namespace margrave::relayer {

namespace {

bool names_one_of(std::string_view reason, std::span<const std::string_view> names) {
    return std::any_of(names.begin(), names.end(), [reason](std::string_view name) {
        return reason.find(name) != std::string_view::npos;
    });
}

/// x 1.10, rounded up, at least one wei more.
Result<Amount> bumped(const Amount& amount) {
    MARGRAVE_TRY(auto units, amount.to_u64());
    return add(amount, Amount{units / 10 + 1});
}

}  // namespace

Result<Amount> times(const Amount& amount, std::uint64_t factor) {
    Amount sum{0};
    Amount power = amount;
    for (std::uint64_t rest = factor; rest != 0; rest >>= 1U) {
        if ((rest & 1U) != 0) {
            MARGRAVE_TRY(sum, add(sum, power));
        }
        if (rest > 1) {
            MARGRAVE_TRY(power, add(power, power));
        }
    }
    return sum;
}

Refusal meaning_of(std::string_view reason) {
    static constexpr std::array<std::string_view, 3> kDone{
        "RoundNotNewer", "AlreadyExecuted", "NoSuchLot"};
    static constexpr std::array<std::string_view, 10> kNever{
        "DeadlinePassed",
        "AttestationExpired",
        "RequestMismatch",
        "RequestBeforeExit",
        "WrongChain",
        "WrongVault",
        "WrongReleaseId",
        "IssuedBeforeLatest",
        "BadRecipient",
        "SameToken"};
    static constexpr std::array<std::string_view, 7> kNotYet{
        "NotProved",
        "NotSeizable",
        "EnforcedPause",
        "IssuedInFuture",
        "NotEnded",
        "InsufficientHolding",
        "PayoutRefused"};
    if (names_one_of(reason, kDone)) {
        return Refusal::kDone;
    }
    if (names_one_of(reason, kNever)) {
        return Refusal::kNever;
    }
    return names_one_of(reason, kNotYet) ? Refusal::kNotYet : Refusal::kUnknown;
}

std::uint64_t with_margin(std::uint64_t gas) {
    return gas + gas / 4;
}

Result<chains::FeeQuote> first_fees(
    const chains::FeeQuote& quote, const chains::FeeSettings& settings
) {
    const Amount cap{settings.max_fee_wei};
    MARGRAVE_TRY(auto doubled, times(quote.base_fee, 2));
    MARGRAVE_TRY(auto wanted, add(doubled, quote.priority_fee));
    if (cap < quote.base_fee) {
        return fail(
            Errc::kLimit,
            "the base fee is " + quote.base_fee.to_string() + " wei per gas, above the cap of " +
                cap.to_string()
        );
    }
    chains::FeeQuote fees;
    fees.base_fee = min(wanted, cap);
    fees.priority_fee = min(quote.priority_fee, fees.base_fee);
    return fees;
}

Result<chains::FeeQuote> raised_fees(
    const store::Attempt& last, const chains::FeeQuote& quote, const chains::FeeSettings& settings
) {
    MARGRAVE_TRY(auto market, first_fees(quote, settings));
    MARGRAVE_TRY(auto ceiling, times(market.base_fee, 3));
    const Amount limit = min(ceiling, Amount{settings.max_fee_wei});
    MARGRAVE_TRY(auto max_fee, bumped(last.max_fee));
    MARGRAVE_TRY(auto priority, bumped(last.priority_fee));
    max_fee = std::max(max_fee, market.base_fee);
    priority = std::max(priority, market.priority_fee);
    if (max_fee > limit || priority > max_fee) {
        return fail(
            Errc::kLimit,
            "no higher fee than " + last.max_fee.to_string() + " wei per gas is allowed"
        );
    }
    return chains::FeeQuote{max_fee, priority};
}

bool is_cancel(const store::Intent& intent, const store::Attempt& attempt) {
    const auto& target = intent.to.data;
    return std::search(attempt.raw.begin(), attempt.raw.end(), target.begin(), target.end()) ==
           attempt.raw.end();
}

std::size_t first_of_nonce(const store::Intent& intent) {
    std::size_t first = intent.attempts.empty() ? 0 : intent.attempts.size() - 1;
    while (first > 0) {
        const bool later_is_real = !is_cancel(intent, intent.attempts[first]);
        if (later_is_real && is_cancel(intent, intent.attempts[first - 1])) {
            break;
        }
        --first;
    }
    return first;
}

bool is_expired(const store::Intent& intent, UnixSeconds now) {
    return intent.expires.value != 0 && now > intent.expires;
}

}  // namespace margrave::relayer
