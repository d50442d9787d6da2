// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/amount.hpp"
#include "core/ids.hpp"

#include <cstdint>

// Interest on what is owed, by an index: it grows in a straight line while one rate holds, and a
// debt is what it was times the growth of the index since. Reference: Compound III,
// CometMainInterface.accruedInterestIndices and presentValue. Indexes have 27 decimals, as Aave's.
namespace margrave {

/// Seconds of the year that a rate is for: 365 days.
inline constexpr std::uint64_t kSecondsOfYear = 31'536'000;

/// Growth of a debt since somewhere, 27 decimals: at least one, and it never falls.
struct InterestIndex {
    Amount value;
    /// For a year, 27 decimals: 5 % is 5 * 10^25.
    Amount rate;
    /// When `value` was reached; from here on it grows by `rate`.
    UnixSeconds since;
    bool operator==(const InterestIndex&) const = default;
};

/// The index before there was interest: one.
const Amount& index_one();
/// No rate counts for more: 100 for a year, that is 10,000 %.
const Amount& max_rate();
/// No index goes beyond: 10^18. So nothing that a contract says of rates can stop a chain.
const Amount& max_index();

/// A rate of `decimals` (at most 36) for a second or a year, as one for a year with 27 decimals:
/// rounded up, at most max_rate().
Amount yearly_rate(const Amount& told, unsigned decimals, bool per_second);
/// The value at `time`, rounded up; before `since` it is that of then.
Amount index_at(const InterestIndex& index, UnixSeconds time);
/// What `principal` has become while the index went from `from` to `to`, rounded up: against who
/// owes. `from` is at least one and not above `to` (asserted). kOverflow above 2^256 - 1.
Result<Amount> with_interest(const Amount& principal, const Amount& from, const Amount& to);

}  // namespace margrave
