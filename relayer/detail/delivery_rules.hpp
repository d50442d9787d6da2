// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "chains/adapter.hpp"
#include "store/database.hpp"

#include <cstdint>
#include <string_view>

namespace margrave::relayer {

/// What a contract's refusal means for the intent.
enum class Refusal : std::uint8_t {
    kDone,     // somebody else brought it, or a newer one
    kNever,    // can never succeed
    kNotYet,   // may succeed once the registry moves on, or the vault is unpaused
    kUnknown,  // tried a bounded number of times
};
/// From the decoded reason; our contracts' errors by name (contracts/src).
Refusal meaning_of(std::string_view reason);

/// Simulations that may fail for an unknown reason before an intent that expires is given up.
inline constexpr unsigned kRefusalsMax = 8;

/// Checked product, kOverflow beyond 256 bits.
Result<Amount> times(const Amount& amount, std::uint64_t factor);

/// The estimate and a quarter: state may move between estimate and inclusion.
std::uint64_t with_margin(std::uint64_t gas);

/// max_fee (in `base_fee`) = 2 x base + priority, capped; kLimit when the cap lies below the base
/// fee, so that a transaction would only wait.
Result<chains::FeeQuote> first_fees(
    const chains::FeeQuote& quote, const chains::FeeSettings& settings
);
/// Both fees x 1.10 and at least what the market asks now; the whole never above three times the
/// estimate nor the cap. kLimit when that is no raise of both.
Result<chains::FeeQuote> raised_fees(
    const store::Attempt& last, const chains::FeeQuote& quote, const chains::FeeSettings& settings
);

/// Whether this attempt only spends the intent's nonce: it does not name what the intent is for.
bool is_cancel(const store::Intent& intent, const store::Attempt& attempt);
/// Index of the first attempt that shares the newest one's nonce. An intent that was queued again
/// after its nonce was given back has a real attempt behind a cancelling one.
std::size_t first_of_nonce(const store::Intent& intent);
bool is_expired(const store::Intent& intent, UnixSeconds now);

}  // namespace margrave::relayer
